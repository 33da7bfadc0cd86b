"""The data set in ATR_DATA: its lists, read once, and what a search finds in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app import loading
from app.loading import ChoiceError, Clip
from app.loading.lists import annotations_of, stamp_of_lists
from app.loading.roots import inside
from atr.data.annotations import Annotations
from atr.data.reading import splits_of
from atr.data.videos import VideoClips
from atr.preprocessing import Preprocessing

if TYPE_CHECKING:
    import pandas as pd

LINK = "data"  # links to a clip of the data set begin with it


@dataclass(frozen=True)
class Listed:
    """One split in memory: no video is looked at before it is shown."""

    annotations: Annotations
    targets: np.ndarray  # (N,)
    text: "pd.Series"  # (N,) lower-case id and label, what a search looks through

    @classmethod
    def of(cls, annotations: Annotations) -> "Listed":
        import pandas as pd  # here: few have a data set to browse

        labels = pd.Series([label_of(annotations, index) for index in range(len(annotations))], dtype=str)
        text = pd.Series(annotations.ids, dtype=str).str.lower() + " " + labels.str.lower()
        return cls(annotations, np.array(annotations.targets, np.int64), text)


def label_of(annotations: Annotations, index: int) -> str:
    """Of a clip, also where it is none of the listed ones: its target is -1."""
    target = annotations.targets[index]
    return annotations.labels[target] if target >= 0 else annotations.unlisted[index]


def splits() -> list[str]:
    """The splits of the data set; none when no data root is set. Raises ChoiceError for a folder of no known layout."""
    if (found := loading.root("data")) is None:
        return []
    try:
        return _splits(str(found), stamp_of_lists(found))
    except (ValueError, OSError) as error:
        raise ChoiceError(f"{error} (the folder is set by ATR_DATA)") from error


@st.cache_data(max_entries=3, show_spinner=False)
def _splits(place: str, stamp: str) -> list[str]:
    return splits_of(Path(place))  # of class folders it lists every one


def folder() -> Path:
    """Of the data set. Raises ChoiceError where none is set."""
    if (found := loading.root("data")) is None:
        raise ChoiceError("There is no data set to browse: ATR_DATA is not set.")
    return found


def names() -> dict[str, str]:
    """The splits as `--data` of a command takes them -> in words, validation first."""
    ordered = sorted(splits(), key=lambda split: split != "val")
    return {f"{folder().resolve()}:{split}": f"{folder().name}, {split}" for split in ordered}


def digest(data: str, num_clips: int, num_frames: int, preprocessing: dict) -> str:
    """Of the first clips of "FOLDER:SPLIT" and of their files as they are now, as results are addressed by."""
    stamp = stamp_of_lists(folder())
    return _clips(data, stamp, num_clips, num_frames, preprocessing).current_digest()


@st.cache_resource(max_entries=8, show_spinner="Reading the lists of the data set …")
def _clips(data: str, stamp: str, num_clips: int, num_frames: int, preprocessing: dict) -> VideoClips:
    place, _, split = data.rpartition(":")
    sizes = Preprocessing.from_dict(preprocessing)
    return VideoClips(
        Path(place), num_frames=num_frames, preprocessing=sizes, num_clips=num_clips, split=split
    )


def listed(split: str) -> Listed:
    """Raises ChoiceError when the split is not there or its lists cannot be read."""
    try:
        return _listed(str(folder()), split, stamp_of_lists(folder()))
    except (ValueError, OSError) as error:
        raise ChoiceError(str(error)) from error


@st.cache_resource(max_entries=3, show_spinner=False)
def _listed(place: str, split: str, stamp: str) -> Listed:
    return Listed.of(annotations_of(Path(place), split))


def found(split: str, label: str | None, words: str) -> np.ndarray:
    """Indices of the clips of a class (None for all) whose id or label holds every one of the words."""
    stamp = stamp_of_lists(folder())
    return _found(str(folder()), split, stamp, label, words.lower().split(), listed(split))


@st.cache_data(max_entries=32, show_spinner=False)
def _found(
    place: str, split: str, stamp: str, label: str | None, words: list[str], _listed: Listed
) -> np.ndarray:
    chosen = np.ones(len(_listed.targets), bool)
    if label is not None:
        chosen &= _listed.targets == _listed.annotations.labels.index(label)
    for word in words:
        chosen &= _listed.text.str.contains(word, regex=False).to_numpy()
    return np.flatnonzero(chosen)


def clip_at(split: str, index: int) -> Clip:
    """A clip of the list. Raises ChoiceError where the list leads out of the data set's folder."""
    annotations = listed(split).annotations
    path = inside(annotations.root, annotations.root / annotations.files[index])
    name = annotations.ids[index]
    return Clip(name, path, label_of(annotations, index), f"{LINK}:{split}:{name}")


def clip_of_link(link: str) -> Clip:
    """The clip that "data:SPLIT:ID" names. Raises ChoiceError, naming what is allowed, when there is none."""
    _, _, rest = link.partition(":")
    split, _, name = rest.partition(":")
    if split not in splits():
        raise ChoiceError(
            f"There is no split {split!r}; there are: {', '.join(splits()) or 'none, ATR_DATA is not set'}."
        )
    ids = listed(split).annotations.ids
    if name not in ids:
        raise ChoiceError(f"{name!r} is none of the {len(ids):,} clips of {split}.")
    return clip_at(split, ids.index(name))
