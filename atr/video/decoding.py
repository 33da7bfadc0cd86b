"""Video files in, frames out.

A folder of numbered JPEG frames is a video too, of 12 frames a second. Decoding is sequential: seeking by frame number
is inexact in most containers (it lands on key frames, or on guesses from time stamps), so a wanted frame is always
reached by decoding everything before it.
"""

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from atr.video.frame_folder import FrameFolder

VIDEO_SUFFIXES = (".mp4", ".webm", ".avi", ".mov", ".mkv", ".gif", ".m4v", ".mpg", ".mpeg")


class VideoError(ValueError):
    """A file that cannot be read as a video, or that has fewer frames than were asked for."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds; ``width`` and ``height`` in pixels, as displayed (rotation applied).

    ``fps`` is 25 where the file states no usable rate; it sets the speed of playback and nothing else.
    """

    path: Path
    length: int
    fps: float
    width: int
    height: int
    codec: str

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.length / self.fps


def probe(path: str | Path) -> VideoInfo:
    """Size, frame rate and exact number of frames of a video.

    The number of frames is counted by decoding. What the container says is an estimate from the duration in
    webm, mkv and gif, is negative in some MPEG-4 files (UCF101), and is too large in a file that was cut
    short or trimmed by an edit list.

    Raises VideoError when the file is missing, is no video, or holds no frame.
    """
    path = Path(path)
    capture = _open(path)
    try:
        length = 0
        while capture.grab():
            length += 1
        if length == 0:
            raise _unreadable(path, "holds no frame that can be decoded")
        fps = capture.get(cv2.CAP_PROP_FPS)
        return VideoInfo(
            path=path,
            length=length,
            fps=float(fps) if 0 < fps < 1000 else 25.0,
            width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            codec=_codec(capture),
        )
    finally:
        capture.release()


def iterate(path: str | Path, indices: Iterable[int] | None = None) -> Iterator[np.ndarray]:
    """The frames of a video one by one, uint8 RGB (H, W, 3); memory stays at one frame.

    indices: 0-based indices of the frames wanted, delivered in increasing order and once each; None for every
    frame. Nothing after the last wanted frame is decoded. Raises VideoError when the file cannot be read or
    ends before the last wanted frame.
    """
    path = Path(path)
    wanted = None if indices is None else {int(index) for index in indices}
    last = None if wanted is None else max(wanted, default=-1)
    capture = _open(path)
    try:
        for position in itertools.count():
            if last is not None and position > last:
                return
            if not capture.grab():
                if position == 0:
                    raise _unreadable(path, "holds no frame that can be decoded")
                if last is not None:
                    raise VideoError(
                        f"{path}: frame {last} is wanted, but the video ends after {position} frames"
                    )
                return
            if wanted is None or position in wanted:
                readable, frame = capture.retrieve()
                if not readable:
                    raise VideoError(f"{path}: frame {position} cannot be decoded")
                yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def decode(path: str | Path, indices: Sequence[int] | None = None) -> np.ndarray:
    """Frames of a video, uint8 RGB (L, H, W, 3), upright (rotation metadata applied).

    indices: 0-based frame indices in any order, repeats allowed; the frames come back in that order.
    None for every frame. Raises VideoError as `iterate` does.
    """
    if indices is None:
        return _stack(path, list(iterate(path)))
    indices = np.asarray(indices, dtype=np.int64)
    if indices.ndim != 1 or indices.size == 0 or indices.min() < 0:
        raise ValueError(f"indices must be a non-empty list of frame indices >= 0, got {indices.tolist()}")
    wanted, inverse = np.unique(indices, return_inverse=True)
    return _stack(path, list(iterate(path, wanted)))[inverse]


def _open(path: Path) -> cv2.VideoCapture | FrameFolder:
    if not path.exists():
        raise VideoError(f"{path}: no such file")
    if path.is_dir():
        try:
            return FrameFolder(path)
        except ValueError as error:
            raise VideoError(f"{path}: is a folder and {error}") from error
    if not path.is_file():
        raise VideoError(f"{path}: is no file")
    if path.stat().st_size == 0:
        raise _unreadable(path, "is empty")
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise _unreadable(path, "has no suffix of a video file")
    # FFmpeg reports its finds on stderr by itself; what the caller needs to know is in the exception.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not capture.isOpened():
        capture.release()
        raise _unreadable(path, "cannot be read as a video (damaged, or of another kind)")
    return capture


def _stack(path: str | Path, frames: list[np.ndarray]) -> np.ndarray:
    if len({frame.shape for frame in frames}) > 1:
        raise VideoError(f"{path}: the frame size changes within the video, which is not supported")
    return np.stack(frames)


def _codec(capture: cv2.VideoCapture) -> str:
    fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return fourcc.to_bytes(4, "little").decode("ascii", errors="replace").strip("\x00 ")


def _unreadable(path: Path, reason: str) -> VideoError:
    accepted = ", ".join(suffix[1:] for suffix in VIDEO_SUFFIXES)
    return VideoError(f"{path}: {reason}; accepted are video files of the kinds {accepted}")
