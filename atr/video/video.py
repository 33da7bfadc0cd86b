"""What every video offers, whatever it is read from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atr.video.limits import Limits
from atr.video.notices import Notice, hand_over

DEFAULT_FPS = 25.0
NEAREST_SHOWN = "the nearest that can be decoded are shown"
ALLOWING = "the nearest are shown where damage is allowed (--allow-damaged of a command)"


class VideoError(ValueError):
    """A file that cannot be read as a video, or that lacks a frame that was asked for."""


class DamageError(VideoError):
    """A damaged file that can be read where damage is allowed."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video holds; ``width`` and ``height`` in pixels, as displayed (turned, with square pixels).

    ``fps`` is the mean rate, and 25 where a file states no times; it sets the speed of playback and nothing else.
    ``notices`` says, a sentence each, what is missing, was left out, stands in or was changed.
    """

    path: Path
    length: int
    fps: float
    width: int
    height: int
    codec: str
    notices: tuple[Notice, ...] = ()


class Video(ABC):
    """An open video, to be used in a ``with`` statement and by one thread at a time.

    Attributes:
        path: as it was given.
        limits: how much is read at most.
        codec: short name of the coding of its frames.
    """

    path: Path
    limits: Limits
    codec: str

    @property
    @abstractmethod
    def length(self) -> int:
        """L, the number of frames."""

    @property
    @abstractmethod
    def times(self) -> np.ndarray:
        """When each frame is shown, seconds after the first, float64 (L,)."""

    @property
    @abstractmethod
    def fps(self) -> float:
        """Frames a second, the mean where the rate varies."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width in pixels, as displayed."""

    @property
    @abstractmethod
    def notices(self) -> tuple[Notice, ...]:
        """What is known by now to be missing, left out, stood in for or changed, a sentence each."""

    @abstractmethod
    def pictures(self, wanted: list[int] | None) -> Iterator[np.ndarray]:
        """The frames of distinct increasing indices (None: of all), uint8 RGB (H, W, 3)."""

    @abstractmethod
    def check(self) -> None:
        """Decode every frame. Raises VideoError where too few can be."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, *_) -> None:
        hand_over(self.notices)
        self.close()

    @property
    def info(self) -> VideoInfo:
        length, fps, (height, width) = self.length, self.fps, self.size
        return VideoInfo(self.path, length, fps, width, height, self.codec, self.notices)

    def iterate(self, indices: Iterable[int] | None = None) -> Iterator[np.ndarray]:
        """Frames one by one, uint8 RGB (H, W, 3); memory stays at a few frames.

        indices: 0-based, delivered in increasing order and once each; None for every frame.

        Raises VideoError when a frame cannot be decoded or lies after the end.
        """
        wanted = None if indices is None else sorted({int(index) for index in indices})
        if wanted and wanted[0] < 0:
            raise ValueError(f"indices must be frame indices >= 0, got {wanted[0]}")
        for picture in self.pictures(wanted):
            height, width = picture.shape[:2]
            if max(height, width) > self.limits.proportion * min(height, width):
                raise self.error(
                    f"has frames of {width}x{height} pixels; the longer side is at most {self.limits.proportion} times as "
                    "long as the shorter"
                )
            yield picture

    def frames(self, indices: Sequence[int] | None = None) -> np.ndarray:
        """Frames in the order given, repeats allowed, as one array: uint8 RGB (L, H, W, 3).

        Raises VideoError as `iterate` does, and when the array would exceed `Limits.decoded_bytes`.
        """
        if indices is None:
            return self._stacked(self.iterate(), self.length)
        indices = np.asarray(indices, dtype=np.int64)
        if indices.ndim != 1 or indices.size == 0 or indices.min() < 0:
            raise ValueError(
                f"indices must be a non-empty list of frame indices >= 0, got {indices.tolist()}"
            )
        wanted, inverse = np.unique(indices, return_inverse=True)
        frames = self._stacked(self.iterate(wanted.tolist()), len(indices))
        return frames if np.array_equal(wanted, indices) else frames[inverse]

    def _stacked(self, pictures: Iterator[np.ndarray], count: int) -> np.ndarray:
        kept: list[np.ndarray] = []
        for picture in pictures:
            if not kept and count * picture.nbytes > self.limits.decoded_bytes:
                raise self.error(
                    f"{count} frames of {picture.shape[1]}x{picture.shape[0]} pixels need {count * picture.nbytes} "
                    f"bytes, at most {self.limits.decoded_bytes} are decoded at once; ask for fewer frames"
                )
            if kept and picture.shape != kept[0].shape:
                raise self.error("the frame size changes within the video, which is not supported")
            kept.append(picture)
        return np.stack(kept)

    def error(self, reason: str) -> VideoError:
        return VideoError(f"{one_line(self.path)}: {reason}")

    def damage(self, reason: str) -> DamageError:
        return DamageError(f"{one_line(self.path)}: {reason}; {ALLOWING}")


def one_line(path: Path) -> str:
    """A path as it can be printed: line breaks and bytes that are no text are escaped."""
    text = str(path)
    return text if text.isprintable() else ascii(text)[1:-1]


def spans(indices: Iterable[int]) -> str:
    """ "3, 58 to 61" of 3, 58, 59, 60, 61; at most five spans are named."""
    parts: list[list[int]] = []
    for index in sorted(indices):
        if parts and index == parts[-1][1] + 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    named = [f"{first}" if first == last else f"{first} to {last}" for first, last in parts[:5]]
    return ", ".join(named) + (f" and {len(parts) - 5} more spans" if len(parts) > 5 else "")
