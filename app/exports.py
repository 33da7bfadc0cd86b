"""What people take along from a page: overlays as film and strip, and buttons whose files are made when asked for."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from analysis.actionness import ClipActionness
from analysis.export import write_figure, write_gif
from analysis.overlays import Scale, overlay
from analysis.sheets import strip_figure
from app.loading import Clip
from atr.video.decoding import VIDEO_SUFFIXES
from atr.video.encoding import write_mp4
from atr.video.transforms import resize

SIDE = 384  # a small clip is enlarged to this side, so that its film is not a stamp
LONGEST_STEM = 120  # bytes; file systems take names of 255
FILMS = {".mp4": write_mp4, ".gif": write_gif}


def strip(
    result: ClipActionness,
    maps: np.ndarray,
    scale: Scale,
    suffix: str,
    *,
    block: str,
    kind: str,
) -> bytes:
    """The sampled frames of a clip, without and with maps (L, h, w) of all its frames. kind: as figures call it."""
    keys = result.key_frames
    figure = strip_figure(
        result.frames[keys], maps[keys], scale, result.indices[keys], block=block, kind=kind
    )
    return written(suffix, lambda path: write_figure(figure, [path]))


def overlay_film(result: ClipActionness, maps: np.ndarray, scale: Scale, suffix: str) -> bytes:
    """All frames of a clip under maps (L, h, w), at true speed."""
    return film(overlay(enlarged(result.frames), maps, scale), result.fps, suffix)


def file_stem(clip: Clip) -> str:
    """The clip in the names of files: with its folders, without the suffix of a video, and not too long for one."""
    name = Path(clip.name)
    stem = str(name.with_suffix("") if name.suffix.lower() in VIDEO_SUFFIXES else name).replace("/", "-")
    return stem.encode(errors="ignore")[-LONGEST_STEM:].decode(errors="ignore")


def film(frames: np.ndarray, fps: float, suffix: str) -> bytes:
    """Frames uint8 (L, H, W, 3) as ".mp4" or ".gif"."""
    return written(suffix, lambda path: FILMS[suffix](path, frames, fps))


def enlarged(frames: np.ndarray) -> np.ndarray:
    """Frames (L, H, W, 3) of which no side is below `SIDE`."""
    scale = max(SIDE / min(frames.shape[1:3]), 1)
    return resize(frames, round(frames.shape[1] * scale), round(frames.shape[2] * scale))


class Download(NamedTuple):
    """A file on offer; `make` gives its bytes or text when it is asked for."""

    text: str
    name: str
    mime: str | None
    make: Callable[[], bytes | str]


def download_row(offers: Sequence[Download], *, key: str = "get") -> None:
    """Buttons beside one another, in further rows where there is no room."""
    with st.container(horizontal=True):
        for offer in offers:
            st.download_button(
                offer.text,
                offer.make,
                offer.name,
                offer.mime,
                on_click="ignore",
                icon=":material/download:",
                width="content",
                key=f"{key} {offer.text}",
            )


def file_row(files: dict[str, Path], checkpoint: str) -> None:
    """Those of a stored result's files that are there, by the texts of their buttons."""
    offers = [
        Download(text, f"{checkpoint}-{path.name}", None, path.read_bytes)
        for text, path in files.items()
        if path.is_file()
    ]
    download_row(offers)


def written(suffix: str, write: Callable[[Path], object]) -> bytes:
    """The bytes of a file that `write` writes at the path it is given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        write(path)
        return path.read_bytes()
