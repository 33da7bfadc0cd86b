"""Video files in, frames out, and back: what a file holds, its frames, which of them a network is shown.

A folder of numbered JPEG frames is a video too, of 12 frames a second. Decoding is sequential: seeking by frame number
is inexact in most containers (it lands on key frames, or on guesses from time stamps), so a wanted frame is always
reached by decoding everything before it.
"""

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from atr.frame_folder import FrameFolder

VIDEO_SUFFIXES = (".mp4", ".webm", ".avi", ".mov", ".mkv", ".gif", ".m4v", ".mpg", ".mpeg")


class VideoError(ValueError):
    """A file that cannot be read as a video, or that has fewer frames than were asked for."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds; ``width`` and ``height`` in pixels, as displayed (rotation applied).

    ``fps`` is 25 where the file states no usable rate; it sets the speed of playback and nothing else.
    """

    path: Path
    num_frames: int
    fps: float
    width: int
    height: int
    codec: str

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_frames / self.fps


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
        num_frames = 0
        while capture.grab():
            num_frames += 1
        if num_frames == 0:
            raise _unreadable(path, "holds no frame that can be decoded")
        fps = capture.get(cv2.CAP_PROP_FPS)
        return VideoInfo(
            path=path,
            num_frames=num_frames,
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


def uniform_indices(
    num_frames: int, num_segments: int, *, shift: float = 0.5, generator: np.random.Generator | None = None
) -> np.ndarray:
    """Uniform sampling: the clip is cut in T equal segments and gives one frame of each, int (T,).

    Segment t is [t·L/T, (t+1)·L/T). The frame is the one at ``shift`` of the segment (0.5, the centre, in
    evaluation), or a random one of each segment when a ``generator`` is given (training). A clip of fewer
    frames than segments repeats frames.
    """
    _check_counts(num_frames, num_segments)
    if not 0 <= shift < 1:
        raise ValueError(f"shift must lie in [0, 1), got {shift}")
    offsets = np.full(num_segments, shift) if generator is None else generator.random(num_segments)
    indices = np.floor((np.arange(num_segments) + offsets) * num_frames / num_segments).astype(np.int64)
    return np.minimum(indices, num_frames - 1)  # an offset just below 1 may round up


def dense_indices(
    num_frames: int,
    num_segments: int,
    *,
    window: int = 64,
    position: float = 0.5,
    generator: np.random.Generator | None = None,
) -> np.ndarray:
    """Dense sampling: a window of consecutive frames read at stride window/T, int (T,).

    ``position`` in [0, 1] places the window between the clip's first and last possible start; with a
    ``generator`` the start is random (training). A clip shorter than the window is read in a loop.
    """
    _check_counts(num_frames, num_segments)
    if window < num_segments:
        raise ValueError(f"window must be at least num_segments = {num_segments}, got {window}")
    if not 0 <= position <= 1:
        raise ValueError(f"position must lie in [0, 1], got {position}")
    last_start = max(num_frames - window, 0)
    if generator is None:
        start = int(round(position * last_start, 6))  # 7/9 of 99 is a little less than 77 in floating point
    else:
        start = int(generator.integers(last_start + 1))
    return (start + np.arange(num_segments) * window // num_segments) % num_frames


def covering_indices(num_frames: int, num_segments: int) -> np.ndarray:
    """Shifted uniform samplings that together show every frame, int (P, T).

    Segment t holds the frames floor(t·L/T) ... floor((t+1)·L/T) - 1. Pass p takes the p-th frame of each
    segment, or its last frame where the segment is shorter, so P is the length of the longest segment. A
    clip of fewer frames than segments repeats frames in one single pass.
    """
    _check_counts(num_frames, num_segments)
    bounds = np.arange(num_segments + 1) * num_frames // num_segments
    starts, lasts = bounds[:-1], np.maximum(bounds[1:] - 1, bounds[:-1])
    passes = np.arange((lasts - starts).max() + 1)
    return np.minimum(starts + passes[:, None], lasts)


def _check_counts(num_frames: int, num_segments: int) -> None:
    if num_frames < 1:
        raise ValueError(f"num_frames must be at least 1, got {num_frames}")
    if num_segments < 1:
        raise ValueError(f"num_segments must be at least 1, got {num_segments}")


def write_mp4(path: str | Path, frames: np.ndarray, fps: float) -> Path:
    """Frames uint8 RGB (L, H, W, 3) as H.264 (yuv420p, which every browser plays).

    H.264 in 4:2:0 needs even sides: an odd last row or column is repeated once.
    """
    return _write(path, frames, fps, "libx264", {"crf": "18", "preset": "medium"}, movflags="faststart")


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
        stream = film.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.options = options | {"threads": "1"}  # one thread: the same file every time
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        film.mux(stream.encode())
    return path


def checked_film(frames: np.ndarray, fps: float) -> np.ndarray:
    """Raises ValueError for frames that are not uint8 (L, H, W, 3), or a rate that is not positive."""
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be uint8 (L, H, W, 3) with L >= 1, got {frames.dtype} {frames.shape}")
    if not fps > 0:
        raise ValueError(f"fps must be positive, got {fps}")
    return frames


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
