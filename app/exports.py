"""What people take along from a page: overlays as film and strip, and buttons whose files are made when asked for."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from analysis.actionness import ClipActionness, colour_limits, normalise
from analysis.export import write_figure, write_gif
from analysis.figures import overlay, strip_figure
from atr.video.encoding import write_mp4
from atr.video.transforms import resize

SIDE = 384  # a small clip is enlarged to this side, so that its film is not a stamp
FILMS = {".mp4": write_mp4, ".gif": write_gif}


@dataclass(frozen=True)
class Overlay:
    """Maps over the frames of one clip, ready to be drawn.

    result: the frames, their indices and rate. maps: (L, h, w), the values that are drawn. limits: of the colour scale.
    kind: what the values are, as figures call it.
    """

    result: ClipActionness
    maps: np.ndarray
    limits: tuple[float, float]
    block: str
    kind: str

    @classmethod
    def of_actionness(cls, result: ClipActionness, block: str, kind: str) -> "Overlay":
        maps = result.maps[block]
        return cls(result, normalise(maps, kind), colour_limits(maps, kind), block, kind)

    def key_frames(self) -> np.ndarray:
        """The sampled frames under their maps, uint8 (K, H, W, 3)."""
        keys = self.result.key_frames
        return overlay(self.result.frames[keys], self.maps[keys], self.limits)

    def strip(self, suffix: str) -> bytes:
        """The sampled frames, without and with their maps."""
        keys, result = self.result.key_frames, self.result
        figure = strip_figure(
            result.frames[keys],
            self.maps[keys],
            self.limits,
            result.indices[keys],
            block=self.block,
            kind=self.kind,
        )
        return written(suffix, lambda path: write_figure(figure, [path]))

    def film(self, suffix: str) -> bytes:
        frames = overlay(enlarged(self.result.frames), self.maps, self.limits)
        return written(suffix, lambda path: FILMS[suffix](path, frames, self.result.fps))


def enlarged(frames: np.ndarray) -> np.ndarray:
    """Frames (L, H, W, 3) of which no side is below `SIDE`."""
    scale = max(SIDE / min(frames.shape[1:3]), 1)
    return resize(frames, round(frames.shape[1] * scale), round(frames.shape[2] * scale))


class Download(NamedTuple):
    """A file on offer; `make` gives its bytes or text when it is asked for."""

    text: str
    name: str
    mime: str
    make: Callable[[], bytes | str]


def download_row(offers: Sequence[Download], *, key: str = "get") -> None:
    for column, offer in zip(st.columns(len(offers)), offers, strict=True):
        column.download_button(
            offer.text,
            offer.make,
            offer.name,
            offer.mime,
            on_click="ignore",
            icon=":material/download:",
            width="stretch",
            key=f"{key} {offer.text}",
        )


def written(suffix: str, write: Callable[[Path], object]) -> bytes:
    """The bytes of a file that `write` writes at the path it is given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        write(path)
        return path.read_bytes()
