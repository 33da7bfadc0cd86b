"""Kinetics (Kay et al. 2017) of 400, 600 or 700 classes: a CSV per split, videos cut from YouTube, of which some are
always missing."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from atr.data.annotations import (
    PLACES,
    SPLIT_NAMES,
    SPLITS,
    Annotations,
    found,
    lacking_labels,
    require_single,
)
from atr.data.folders import BELOW_CLASSES, UNLISTED
from atr.data.listing import contents, videos_below
from atr.data.text import NamedFault, faults_of, read_rows
from atr.data.unused import Left, Unused
from atr.schema import FileName, check, shown

KINETICS = "Kinetics"
VIDEOS = "videos_"  # before the name of a split's folder, as mmaction2 has it
COLUMNS = ("label", "youtube_id", "time_start", "time_end")
SEPARATORS = (",", ";", "\t", "|", " ")
# kinetics_train.csv, kinetics-400_val.csv, kinetics_600_train.csv, kinetics700_2020_val.csv, k600_test.csv
PREFIX = r"(?:k(?:inetics)?[-_]?(?:[467]00)?(?:[-_]2020)?[-_])?"


def lists(folder: Path) -> dict[str, Path]:
    """split -> its list; empty when the folder holds no Kinetics. A test list that tells no labels does not count.

    Raises:
        NamedFault: two different lists could be that of a split, or one separates its columns otherwise.
    """
    others = {name for place in PLACES for _, name in contents(folder / place).others}
    names = sorted(others, key=lambda name: (len(name), name))
    files = {}
    for split in SPLITS:
        pattern = re.compile(rf"{PREFIX}(?:{'|'.join(SPLIT_NAMES[split])})\.csv", re.IGNORECASE)
        file = found(folder, filter(pattern.fullmatch, names), is_list)
        if file is not None:
            files[split] = file
    return files


def is_list(file: Path) -> bool:
    """Whether its first line names the columns.

    Raises NamedFault where it does, and separates them otherwise, or names all but one; a test list may lack labels.
    """
    with file.open("rb") as lines:
        start = lines.readline().replace(
            b"\0", b""
        )  # of UTF-16, which `read_text` refuses, its letters are left
    header = start.decode("utf-8-sig", errors="ignore").strip()
    separators = [mark for mark in SEPARATORS if {*columns_of(header.split(mark))} >= {*COLUMNS}]
    if separators not in ([], [","]):
        raise NamedFault(f"{shown(file)} separates its columns by {separators[0]!r}; allowed: commas")
    named = columns_of(header.split(","))
    lacking = [name for name in COLUMNS if name not in named]
    if len(lacking) == 1 and lacking != ["label"]:
        raise NamedFault(
            f"{shown(file)} has no column {lacking[0]} among {shown(header)}; allowed: {', '.join(COLUMNS)}"
        )
    return bool(separators)


def columns_of(names: Iterable[str]) -> list[str]:
    return [name.strip().strip('"').lower() for name in names]


def read(folder: Path, split: str, file: Path) -> Annotations:
    """Columns label, youtube_id, time_start, time_end, split; classes in alphabetical order, over all lists there are.

    The video of a row is {youtube_id}_{time_start:06d}_{time_end:06d}.mp4, in train/LABEL/ (or val/ ...), in
    train/ itself, or with no folder of the split between; a label's spaces may be underscores in the folder's
    name. A row whose video is nowhere keeps the first of these places.

    Raises:
        NamedFault: a row of any list is none, or has several videos.
    """
    all_lists = lists(folder)
    clips = {name: read_list(path) for name, path in all_lists.items()}
    labels = sorted({label for each in clips.values() for _, label in each})
    there, left = videos(folder, split)
    require_single(folder, (name for name, _ in clips[split]), there, "videos")
    rows = (
        (name, there[name][0] if name in there else f"{split}/{label}/{name}.mp4", label)
        for name, label in clips[split]
    )
    listed = {name for each in clips.values() for name, _ in each}
    own = {os.path.relpath(path, folder) for path in all_lists.values()}
    left = [(why, path) for why, path in left if path not in own]
    left += [(UNLISTED, path) for name, paths in there.items() if name not in listed for path in paths]
    return Annotations.of_rows(
        KINETICS,
        folder,
        split,
        labels,
        rows,
        sampling="dense",
        unused=Unused.of(left),
        lacking=lacking_labels({name: (label for _, label in each) for name, each in clips.items()}),
    )


class Listed(Struct):
    """What a row must tell; both become names of files."""

    label: FileName
    youtube_id: FileName


def read_list(file: Path) -> list[tuple[str, str]]:
    """(name of the video without its suffix, label) of every row.

    Raises:
        NamedFault: a column stands there twice, or a row is none of the header's.
    """
    rows = read_rows(file, ",")
    columns = columns_of(next(rows)[1])
    clips = []
    with faults_of(file, "cannot be read as a list of clips"):
        if double := [name for name in COLUMNS if columns.count(name) > 1]:
            raise ValueError(f"it has the column {double[0]} twice")
        for number, fields in rows:
            if len(fields) != len(columns):
                raise ValueError(
                    f"line {number} has {len(fields)} columns; allowed: {len(columns)}, as the first"
                )
            row = dict(zip(columns, fields, strict=True))
            try:
                check(row, Listed)
                times = "_".join(f"{seconds(row[name]):06d}" for name in ("time_start", "time_end"))
            except ValueError as error:
                raise ValueError(f"line {number} {error}") from error
            clips.append((f"{row['youtube_id']}_{times}", row["label"]))
    return clips


def seconds(text: str) -> int:
    """ "12", or "12.0" as some tables write it. Raises ValueError for anything else."""
    if not re.fullmatch(r"\d{1,9}(\.0*)?", text.strip(), re.ASCII):
        raise ValueError(f"has the time {shown(text)}; allowed: whole seconds")
    return int(float(text))


def videos(folder: Path, split: str) -> tuple[dict[str, list[str]], list[Left]]:
    """Name of a video without its suffix -> its places below `folder`, and what else lies beside the videos.

    Folders are listed, no file is looked at.
    """
    top = contents(folder).folders
    own = [name for name in top if name.lower().removeprefix(VIDEOS) in SPLIT_NAMES[split]]
    of_splits = {
        name for name in top if any(name.lower().removeprefix(VIDEOS) in n for n in SPLIT_NAMES.values())
    }
    files: dict[str, list[str]] = {}
    left: list[Left] = []

    def add(place: str, names: list[str]) -> None:
        for name in names:
            files.setdefault(os.path.splitext(name)[0], []).append(os.path.normpath(f"{place}/{name}"))

    for place in own or ["."]:
        outer = contents(folder / place)
        add(place, outer.videos)
        left += [(why, os.path.normpath(f"{place}/{name}")) for why, name in outer.others]
        for name in outer.folders:
            inner, path = contents(folder / place / name), os.path.normpath(f"{place}/{name}")
            add(path, inner.videos)
            if not own and name in of_splits:  # of another split
                continue
            left += [(why, f"{path}/{other}") for why, other in inner.others]
            for below in inner.folders:
                deeper, others = videos_below(folder / path / below, root=folder)
                left += [(BELOW_CLASSES, f"{path}/{below}/{video}") for video in deeper]
                left += [(why, f"{path}/{below}/{other}") for why, other in others]
    return files, left
