"""The lists of data sets on disk, read again when they have changed."""

import os
from functools import lru_cache
from itertools import chain
from pathlib import Path

import streamlit as st

from atr.data.annotations import PLACES, SPLIT_NAMES, Annotations
from atr.data.kinetics import VIDEOS
from atr.data.reading import read_annotations
from atr.files import digest

# Folders in a data set with lists or folders of classes.
LISTING = (*PLACES, *chain(*SPLIT_NAMES.values()))


def annotations_of(folder: Path, split: str | None) -> Annotations:
    """The list of a data set on disk. Raises ValueError and OSError as `read_annotations`."""
    return _annotations(str(folder), split, stamp_of_lists(folder))


@st.cache_resource(max_entries=4, show_spinner="Reading the list of clips …")
def _annotations(folder: str, split: str | None, stamp: str) -> Annotations:
    return read_annotations(Path(folder), split)


def stamp_of_lists(folder: Path) -> str:
    """Differs whenever a list of a data set's clips does, or the files in the folder of a class. Raises OSError."""
    found = [os.fspath(folder)]
    top = _watched(found[0], os.stat(folder).st_mtime_ns)
    within = [path for path in top if is_listing(os.path.basename(path)) and os.path.isdir(path)]
    found += [*top, *chain(*(_watched(path, os.stat(path).st_mtime_ns) for path in within))]
    return digest([(path, os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in found])


def is_listing(name: str) -> bool:
    return name.lower().removeprefix(VIDEOS) in LISTING


@lru_cache(maxsize=64)
def _watched(folder: str, stamp: int) -> list[str]:
    """Lists and folders in a folder: it may hold 200,000 videos, and is looked through when an entry came or went."""
    with os.scandir(folder) as entries:
        return [e.path for e in entries if e.is_dir() or (e.is_file() and e.name.endswith((".json", ".csv")))]
