"""Clips to look at: shipped ones, a typed path, those that predictions are of; what is known to be true of them."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from analysis.localize.truths import stored_masks
from app.loading.lists import annotations_of
from app.loading.roots import ChoiceError, digest_of, inside, root, stamp_of
from atr.data.folders import annotated_clips
from atr.data.names import DataName, data_name
from atr.schema import shown
from atr.tabletop import RENDERER_VERSION, named_seed, render_clip
from atr.video.decoding import VideoError, probe

if TYPE_CHECKING:
    from atr.results.predictions import Predictions  # which imports pandas

RENDERED_FRAMES, RENDERED_SIDE, RENDERED_FPS = 32, 192, 12.0  # of clips rendered from their seeds


@dataclass(frozen=True)
class Clip:
    """A clip to look at.

    Attributes:
        name: as pages show it.
        source: the video, a file or a folder of frames; or the frames themselves, uint8 (L, H, W, 3).
        label: the true class; None where nobody knows it, as of `acting` and `masks`.
        link: its name in links; None where it has none.
        acting: whether the action happens, one a frame.
        masks: uint8 (L, H, W), or the NPZ file that holds them.
        fps: of a clip given as frames; a file states its own.
        allow_damaged: of frames that cannot be decoded, the nearest that can are shown.
    """

    name: str
    source: Path | np.ndarray
    label: str | None = None
    link: str | None = None
    acting: Sequence[bool] | None = None
    masks: Path | np.ndarray | None = None
    fps: float = 25.0
    allow_damaged: bool = False

    @property
    def digest(self) -> str:
        """Of its content, and of how it is read. Raises OSError."""
        if isinstance(self.source, np.ndarray):
            return hashlib.sha256(self.source).hexdigest()
        return f"{digest_of(self.source)}{' with damage' if self.allow_damaged else ''}"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width. Raises VideoError."""
        if isinstance(self.source, np.ndarray):
            return self.source.shape[1:3]
        info = probe(self.source, allow_damaged=self.allow_damaged)
        return info.height, info.width


def shipped_clips() -> list[Clip]:
    """The clips of annotations.json whose videos are there; none when the file is not there.

    Raises ChoiceError when it is not readable, or leads out of its folder.
    """
    return [clip for clip in _listed_clips() if clip.source.exists()]


def absent_clips() -> list[Clip]:
    """Those whose videos are not there. Raises ChoiceError as `shipped_clips`."""
    return [clip for clip in _listed_clips() if not clip.source.exists()]


def _listed_clips() -> list[Clip]:
    folder = root("clips")
    path = folder / "annotations.json"
    if not path.is_file():
        return []
    try:
        entries = annotated_clips(path)["clips"]
    except ValueError as error:
        raise ChoiceError(str(error)) from error
    try:
        return [
            Clip(
                entry["id"],
                inside(folder, folder / entry["video"]),
                entry["label"],
                link=entry["id"],
                acting=entry.get("acting") or None,
                masks=folder / entry["masks"] if entry.get("masks") else None,
            )
            for entry in entries
        ]
    except (ChoiceError, TypeError) as error:
        raise ChoiceError(f"{path}: {error}") from error


def clip_in_root(typed: str) -> Clip:
    """The video at a typed path, relative to the root or absolute. Raises ChoiceError when it lies outside."""
    folder = root("videos").resolve()
    try:
        path = inside(folder, folder / typed.strip()).resolve()
    except ChoiceError as error:
        raise ChoiceError(
            f"The path {shown(typed)} is not allowed: give a video inside {folder} (set by ATR_VIDEOS)."
        ) from error
    if not os.path.isfile(path):  # a name too long is none: Path.is_file raises OSError
        raise ChoiceError(f"There is no file {shown(typed)} in {folder} (set by ATR_VIDEOS).")
    limit = st.get_option("server.maxUploadSize")
    if path.stat().st_size > limit * 2**20:
        size = path.stat().st_size / 2**20
        raise ChoiceError(f"{typed!r} has {size:.0f} MB; at most {limit} MB are read (server.maxUploadSize).")
    name = path.relative_to(folder).as_posix()
    return Clip(name, path, link=name)


# ---- clips that predictions are of -----------------------------------------------------------------------------------


def predicted_clip(predictions: "Predictions", index: int) -> Clip:
    """The index-th clip of the list. Raises ChoiceError where its video is not here."""
    data, name = predictions.facts["data"]["name"], predictions.ids[index]
    label = predictions.labels[predictions.targets[index]]
    folder, split = place_of(data, name)
    if folder is None:
        return _rendered(name, label, RENDERER_VERSION)
    path = video_of(folder, split, name)
    if not path.exists():
        raise ChoiceError(f"{name}: {path} cannot be read (it is not there)")
    shipped = {clip.source.resolve(): clip for clip in shipped_clips()}
    known = shipped.get(path.resolve(), Clip(name, path))
    return Clip(name, path, label, acting=known.acting, masks=known.masks)


@st.cache_data(max_entries=8, show_spinner=False)
def _rendered(name: str, label: str, version: int) -> Clip:
    """With the very moments among its frames that an evaluation samples, the centres of its T segments."""
    times = np.arange(RENDERED_FRAMES) / RENDERED_FRAMES
    clip = render_clip(seed_of(name), times=times, size=RENDERED_SIDE)
    return Clip(name, clip.frames, label, acting=clip.acting.tolist(), masks=clip.masks, fps=RENDERED_FPS)


def seed_of(name: str) -> int:
    """Of a rendered clip. Raises ChoiceError where the name is of none."""
    try:
        return named_seed(name)
    except ValueError as error:
        raise ChoiceError(str(error)) from error


def place_of(data: str, name: str) -> DataName:
    """Where the data set of a predicted clip is. Raises ChoiceError."""
    try:
        return data_name(data)
    except ValueError as error:
        raise ChoiceError(f"Clip {name!r} is not here, which the predictions are of: {error}") from error


def video_of(folder: Path, split: str | None, name: str) -> Path:
    """Of a predicted clip, by the list of its data set. Raises ChoiceError."""
    try:
        annotations = annotations_of(folder, split)
        return inside(annotations.root, annotations.root / annotations.files[annotations.ids.index(name)])
    except (ValueError, OSError) as error:
        raise ChoiceError(
            f"Clip {name!r} is not in {folder}, which the predictions are of: {error}"
        ) from error


# ---- what is known to be true ----------------------------------------------------------------------------------------


def truth_stamp(clip: Clip) -> str:
    """Differs whenever `acting` or the file of masks does."""
    path = masks_path(clip)
    return f"{clip.acting} {stamp_of(path) if path else ''}"


def masks_path(clip: Clip) -> Path | None:
    """None where there is no file of masks. Raises ChoiceError where the list of clips leads out of its folder."""
    if not isinstance(clip.masks, Path):
        return None
    path = inside(root("clips"), clip.masks)
    return path if path.is_file() else None


def masks_of(clip: Clip) -> np.ndarray | None:
    """uint8 (L, H, W), None where nobody knows them. Raises ChoiceError for a file without masks of the video's size."""
    if isinstance(clip.masks, np.ndarray):
        return clip.masks
    if (path := masks_path(clip)) is None:
        return None
    try:
        return stored_masks(path, clip.size)
    except VideoError as error:
        raise ChoiceError(str(error)) from error
