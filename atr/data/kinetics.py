"""Kinetics (Kay et al. 2017) of 400, 600 or 700 classes: a CSV per split, videos cut from YouTube, of which some are
always missing."""

import io
import math
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from atr.data.annotations import PLACES, SPLIT_NAMES, SPLITS, Annotations, found
from atr.data.folders import BELOW_CLASSES, UNLISTED
from atr.data.listing import contents, videos_below
from atr.data.text import read_text
from atr.data.unused import Left, Unused

if TYPE_CHECKING:
    import pandas as pd

KINETICS = "Kinetics"
VIDEOS = "videos_"  # before the name of a split's folder, as mmaction2 has it
COLUMNS = {"label", "youtube_id", "time_start", "time_end"}
# kinetics_train.csv, kinetics-400_val.csv, kinetics_600_train.csv, kinetics700_2020_val.csv, k600_test.csv
PREFIX = r"(?:k(?:inetics)?[-_]?(?:[467]00)?(?:[-_]2020)?[-_])?"


def lists(folder: Path) -> dict[str, Path]:
    """split -> its list; empty when the folder holds no Kinetics. A test list that tells no labels does not count.

    Raises:
        ValueError: two different lists could be that of a split.
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
    with file.open("rb") as lines:
        header = lines.readline().decode("utf-8-sig", errors="replace")
    return set(columns_of(header.strip().split(","))) >= COLUMNS


def columns_of(names: Iterable[str]) -> list[str]:
    return [name.strip().strip('"').lower() for name in names]


def read(folder: Path, split: str, file: Path) -> Annotations:
    """Columns label, youtube_id, time_start, time_end, split; classes in alphabetical order, over all lists there are.

    The video of a row is {youtube_id}_{time_start:06d}_{time_end:06d}.mp4, in train/LABEL/ (or val/ ...), in
    train/ itself, or with no folder of the split between; a label's spaces may be underscores in the folder's
    name. A row whose video is nowhere keeps the first of these places.

    Raises:
        ValueError: a row has several videos.
    """
    all_lists = lists(folder)
    tables = {name: read_table(path) for name, path in all_lists.items()}
    table = tables[split]
    labels = sorted({label for each in tables.values() for label in each["label"].unique()})
    names = names_of(table)
    there, left = videos(folder, split)
    several = [name for name in names if len(there.get(name, ())) > 1]
    if several:
        raise ValueError(
            f"{len(several)} clips have several videos, the first is {several[0]}: {', '.join(there[several[0]])}; keep one"
        )
    rows = (
        (name, there[name][0] if name in there else f"{split}/{label}/{name}.mp4", label)
        for name, label in zip(names, table["label"], strict=True)
    )
    listed = {name for each in tables.values() for name in names_of(each)}
    own = {os.path.relpath(path, folder) for path in all_lists.values()}
    left = [(why, path) for why, path in left if path not in own]
    left += [(UNLISTED, path) for name, paths in there.items() if name not in listed for path in paths]
    return Annotations.of_rows(
        KINETICS, folder, split, labels, rows, sampling="dense", unused=Unused.of(left)
    )


def read_table(file: Path) -> "pd.DataFrame":
    import pandas as pd  # here: other layouts are read without it

    table = pd.read_csv(io.StringIO(read_text(file)), dtype=str, keep_default_na=False)
    return table.set_axis(columns_of(table.columns), axis="columns")


def names_of(table: "pd.DataFrame") -> list[str]:
    """Of the videos of a list's rows, without their suffix. Raises ValueError where a time is no whole second."""
    names = []
    columns = (table["youtube_id"], table["time_start"], table["time_end"])
    for row, (name, start, end) in enumerate(zip(*columns, strict=True), start=1):
        try:
            names.append(f"{name}_{seconds(start):06d}_{seconds(end):06d}")
        except ValueError as error:
            raise ValueError(f"row {row}, {name!r}: {error}") from error
    return names


def seconds(text: str) -> int:
    """ "12", or "12.0" as some tables write it."""
    try:
        value = float(text)
    except (TypeError, ValueError):  # of a short row nothing is there
        value = math.nan
    if not value.is_integer():
        raise ValueError(f"{text!r} is no whole number of seconds")
    return int(value)


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
