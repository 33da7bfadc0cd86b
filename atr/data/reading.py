"""A folder's layout, told by the files in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from atr.data import folders, kinetics, something_something
from atr.data.annotations import Annotations
from atr.data.listing import leading_out
from atr.data.text import faults_of
from atr.schema import FileName, Name, check, line, require_unicode, shown

Lists = Callable[[Path], dict[str, Path]]
Read = Callable[[Path, str, Path], Annotations]
LAYOUTS: tuple[tuple[Lists, Read], ...] = (  # the first that finds its files is taken
    (folders.annotated_lists, folders.read_annotated),
    (something_something.v2_lists, something_something.read_v2),
    (something_something.v1_lists, something_something.read_v1),
    (kinetics.lists, kinetics.read),
    (folders.class_folder_lists, folders.read_class_folders),
)
EXPECTED = (
    "Something-Something V2 (labels/labels.json, train.json, validation.json), "
    "V1 (something-something-v1-labels.csv, -train.csv, -validation.csv), Kinetics (train.csv, val.csv, or with a name "
    "such as kinetics_600_train.csv), or a folder of videos for each class, in train/, val/ and test/ or without them"
)


def splits_of(folder: Path) -> list[str]:
    """The splits of a data set whose labels are known. Raises ValueError for a folder of no known layout."""
    return list(layout_of(folder)[0])


def read_annotations(folder: Path, split: str | None = None, *, follow_outside: bool = False) -> Annotations:
    """One split of the data set in a folder.

    Args:
        split: "train", "val" or "test"; None for "val", or for the only one there is.
        follow_outside: clips may lie outside the folder; else `outside` tells which do.

    Raises:
        ValueError: the layout is none of the known ones, it has no such split, or a file of it cannot be read, which is
            named.
    """
    lists, read = layout_of(folder)
    if split is None:
        split = "val" if "val" in lists or len(lists) > 1 else next(iter(lists))
    if split not in lists:
        allowed = ", ".join(lists)
        raise ValueError(line(f"{shown(folder)} has no labelled split {shown(split)}; allowed: {allowed}"))
    with faults_of(lists[split], "cannot be read as a list of clips"):
        annotations = read(folder, split, lists[split])
        check({"ids": annotations.ids, "files": annotations.files}, Texts)
        require_unicode(annotations.labels)  # which checkpoints hold
        outside = {} if follow_outside else leading_out(folder, annotations.files)
    return replace(annotations, outside=outside)


def layout_of(folder: Path) -> tuple[dict[str, Path], Read]:
    """The lists of a folder's splits, and what reads them."""
    for find, read in LAYOUTS:
        with faults_of(folder, "cannot be read as a data set"):
            lists = find(folder)
        if lists:
            return lists, read
    raise ValueError(f"{folder} has no annotations.json and is no other data set; allowed: {EXPECTED}")


class Texts(Struct):
    """What every layout must give, whatever its files hold."""

    ids: list[Name]
    files: list[FileName]
