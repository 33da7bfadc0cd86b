"""Videos to look at: shipped ones, a typed path, an upload; their thumbnails."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import streamlit as st

from app.explorer import data_url
from app.loading.roots import ChoiceError, inside, root, stamp_of
from atr.video.decoding import decode, probe
from atr.video.sampling import uniform_indices

UPLOAD_KINDS = ("mp4", "webm", "avi", "mov", "mkv", "gif")

FILM_FRAMES, FILM_SIDE = 8, 112


@dataclass(frozen=True)
class Clip:
    """A video to look at; ``truth`` is what its list says of it (label, acting, masks), ``link`` its name in links."""

    name: str
    path: Path
    link: str | None = None
    truth: dict | None = None

    @property
    def label(self) -> str | None:
        return self.truth["label"] if self.truth else None


def shipped_clips() -> list[Clip]:
    """The clips of annotations.json; none when the file is not there.

    Raises ChoiceError when it is not readable, or leads out of its folder.
    """
    folder = root("clips")
    path = folder / "annotations.json"
    if not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["clips"]
        clips = [
            Clip(entry["id"], inside(folder, folder / entry["video"]), entry["id"], entry)
            for entry in entries
        ]
    except ChoiceError as error:
        raise ChoiceError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ChoiceError(
            f"{path} is not a list of clips as python -m atr tabletop writes it: {error!r}"
        ) from error
    return [clip for clip in clips if clip.path.is_file()]


def clip_in_root(typed: str) -> Clip:
    """The video at a typed path, relative to the root or absolute. Raises ChoiceError when it lies outside."""
    folder = root("videos").resolve()
    try:
        path = inside(folder, folder / typed.strip()).resolve()
    except ChoiceError as error:
        raise ChoiceError(
            f"The path {typed!r} is not allowed: give a video inside {folder} (set by ATR_VIDEOS)."
        ) from error
    if not path.is_file():
        raise ChoiceError(f"There is no file {typed!r} in {folder} (set by ATR_VIDEOS).")
    limit = st.get_option("server.maxUploadSize")
    if path.stat().st_size > limit * 2**20:
        size = path.stat().st_size / 2**20
        raise ChoiceError(f"{typed!r} has {size:.0f} MB; at most {limit} MB are read (server.maxUploadSize).")
    name = path.relative_to(folder).as_posix()
    return Clip(name, path, name)


def keep_upload(name: str, data: bytes, folder: Path) -> Clip:
    """Write an upload under a name of our own, in place of the session's previous one. Raises ChoiceError."""
    suffix = Path(name).suffix.lower()
    if suffix.lstrip(".") not in UPLOAD_KINDS:
        raise ChoiceError(
            f"{name!r} is no video of an accepted kind; accepted are {', '.join(UPLOAD_KINDS)}."
        )
    path = folder / (hashlib.sha256(data).hexdigest()[:32] + suffix)
    if not path.exists():
        for previous in folder.iterdir():
            previous.unlink()
        path.write_bytes(data)
    return Clip(name, path)


def film(clip: Clip) -> dict:
    """A thumbnail that plays: {"id", "label", "film", "frames"} as the gallery takes it."""
    picture = _film(str(clip.path), stamp_of(clip.path))
    return {"id": clip.name, "label": clip.label or clip.name, "film": picture, "frames": FILM_FRAMES}


@st.cache_data(max_entries=256, show_spinner="Preparing thumbnails …")
def _film(path: str, stamp: str) -> str:
    frames = decode(path, uniform_indices(probe(path).length, FILM_FRAMES))
    side = min(frames.shape[1:3])
    top, left = (frames.shape[1] - side) // 2, (frames.shape[2] - side) // 2
    squares = frames[:, top : top + side, left : left + side]
    row = np.hstack(
        [cv2.resize(square, (FILM_SIDE, FILM_SIDE), interpolation=cv2.INTER_AREA) for square in squares]
    )
    return data_url(row)


@st.cache_data(max_entries=1, show_spinner=False)
def blank_film() -> str:
    """In the place of a thumbnail that cannot be made."""
    return data_url(np.full((FILM_SIDE, FILM_SIDE * FILM_FRAMES, 3), 128, np.uint8))
