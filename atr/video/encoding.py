"""Frames as video files."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

MOST_FPS = 1000


def write_mp4(path: str | Path, frames: np.ndarray, fps: float) -> Path:
    """Frames uint8 RGB (L, H, W, 3) as H.264 (yuv420p, which every browser plays).

    H.264 in 4:2:0 needs even sides: an odd last row or column is repeated once.
    """
    # Without mbtree: with it about one file in a thousand differs from the same frames written again.
    options = {"crf": "18", "preset": "medium", "x264-params": "mbtree=0"}
    return _write(path, frames, fps, "libx264", options, movflags="faststart")


def write_webm(path: str | Path, frames: np.ndarray, fps: float) -> Path:
    """Frames uint8 RGB (L, H, W, 3) as VP9 in 4:2:0, as Something-Something V2 comes; sides as in `write_mp4`."""
    options = {"crf": "24", "deadline": "realtime", "cpu-used": "8"}
    return _write(
        path, frames, fps, "libvpx-vp9", options, fflags="+bitexact"
    )  # else a random identifier is in it


def _write(path: str | Path, frames: np.ndarray, fps: float, codec: str, options: dict, **container) -> Path:
    path = Path(path)
    frames = checked_film(frames, fps)
    height, width = frames.shape[1:3]
    frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    with av.open(str(path), "w", options=container) as film:
        stream = film.add_stream(codec, rate=rate_of(fps))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = options | {"threads": "1"}  # one thread: the same file every time
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        film.mux(stream.encode())
    return path


def rate_of(fps: float) -> Fraction:
    """30000/1001 of 29.97003, 1/3600 of a frame an hour: of a low rate it is the reciprocal that is rounded, not to 0."""
    if fps < 1:
        return 1 / Fraction(1 / fps).limit_denominator(1001)
    return Fraction(fps).limit_denominator(1001)


def checked_film(frames: np.ndarray, fps: float) -> np.ndarray:
    """Raises ValueError for frames that are not uint8 (L, H, W, 3), or a rate that is not positive, or beyond any film's."""
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be uint8 (L, H, W, 3) with L >= 1, got {frames.dtype} {frames.shape}")
    if not 0 < fps <= MOST_FPS:
        raise ValueError(f"fps must be positive, and {MOST_FPS} at most, got {fps}")
    return frames
