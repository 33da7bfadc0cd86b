"""Kinetics (Kay et al. 2017): a CSV per split, videos cut from YouTube, of which some are always missing."""

import os
from pathlib import Path

import pandas as pd

from atr.data.annotations import SPLITS, Annotations, found
from atr.video.decoding import VIDEO_SUFFIXES

KINETICS = "Kinetics"
NAMES = {"train": ("train",), "val": ("val", "validate", "validation"), "test": ("test",)}
COLUMNS = {"label", "youtube_id", "time_start", "time_end"}


def lists(folder: Path) -> dict[str, Path]:
    """split -> its list; empty when the folder holds no Kinetics. A test list that tells no labels does not count."""
    files = {}
    for split in SPLITS:
        file = found(
            folder,
            (
                f"{prefix}{name}.csv"
                for prefix in ("", "kinetics_", "kinetics400_", "kinetics-400_")
                for name in NAMES[split]
            ),
        )
        if file is not None and set(pd.read_csv(file, nrows=0)) >= COLUMNS:
            files[split] = file
    return files


def read(folder: Path, split: str, file: Path) -> Annotations:
    """Columns label, youtube_id, time_start, time_end, split; classes in alphabetical order, over all lists there are.

    The video of a row is {youtube_id}_{time_start:06d}_{time_end:06d}.mp4, in train/LABEL/ (or val/ ...), in
    train/ itself, or with no folder of the split between; a label's spaces may be underscores in the folder's
    name. A row whose video is nowhere keeps the first of these places.
    """
    tables = {
        name: pd.read_csv(path, dtype=str, keep_default_na=False) for name, path in lists(folder).items()
    }
    table = tables[split]
    labels = sorted({label for each in tables.values() for label in each["label"].unique()})
    names = [
        f"{name}_{int(start):06d}_{int(end):06d}"
        for name, start, end in zip(table["youtube_id"], table["time_start"], table["time_end"], strict=True)
    ]
    there = videos(folder, split)
    rows = (
        (name, there.get(name, f"{split}/{label}/{name}.mp4"), label)
        for name, label in zip(names, table["label"], strict=True)
    )
    return Annotations.of_rows(KINETICS, folder, split, labels, rows, sampling="dense")


def videos(folder: Path, split: str) -> dict[str, str]:
    """Name of a video without its suffix -> its place below `folder`; directories are listed, no file is looked at."""
    places = [place for name in NAMES[split] for place in (folder / name, folder / f"videos_{name}")]
    places = [place for place in places if place.is_dir()] or [folder]
    files = {}
    for place in places:
        for entry in os.scandir(place):
            for file in os.scandir(entry) if entry.is_dir() else [entry]:
                stem, suffix = os.path.splitext(file.name)
                if suffix.lower() in VIDEO_SUFFIXES:
                    files[stem] = os.path.relpath(file.path, folder)
    return files
