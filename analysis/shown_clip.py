"""A clip as it is shown to a model: what the evaluation samples, and samplings that together show every frame."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from atr.models import VideoClassifier
from atr.preprocessing import Preprocessing
from atr.results.predict import require_evaluation
from atr.sampling import Sampling
from atr.video.decoding import Notice, open_video
from atr.video.protocol import evaluated_indices
from atr.video.sampling import covering_indices, covering_windows, uniform_indices
from atr.video.transforms import cut_view, resize, view_box

SHORT_SIDE = 480  # of the frames handed out for display; larger originals are shrunk


@dataclass(frozen=True)
class ShownClip:
    """The frames of one clip, for a person and for a model.

    Attributes:
        length: of the original.
        frames: uint8 RGB (L, H, W, 3), the model's view cut from the original, short side at most 480.
        indices: int (L,), their indices in the original.
        samplings: int (P, T), frames of the original that are shown to the model together, so that it sees each of
            `indices` at least once.
        pictures: index of a frame in `samplings` -> uint8 (h, w, 3), the model's input before normalisation.
        fps: rate at which they play at true speed.
        box: (top, left, height, width) of the view in the original frame.
        sampled: int (T,), indices of the frames the evaluation samples (protocol 1×1); they may repeat.
        evaluated: uint8 (T, crop, crop, 3), the evaluation's input before normalisation, whatever the view.
        notices: of the video, what is missing, stands in or was changed.
    """

    length: int
    frames: np.ndarray
    indices: np.ndarray
    samplings: np.ndarray
    pictures: dict[int, np.ndarray]
    fps: float
    box: tuple[int, int, int, int]
    sampled: np.ndarray
    evaluated: np.ndarray
    notices: tuple[Notice, ...] = ()


def show(
    model: VideoClassifier,
    clip: str | Path | np.ndarray,
    preprocessing: Preprocessing | None = None,
    *,
    view: str = "crop",
    max_frames: int = 300,
    fps: float = 25.0,
    allow_damaged: bool = False,
) -> ShownClip:
    """Read a clip once.

    Args:
        model: whose evaluation samples T frames of it.
        clip: a video file, or its frames as uint8 RGB (L, H, W, 3).
        preprocessing: the model's own when None.
        view: "crop", the square of the evaluation, or "whole", the entire frame.
        max_frames: of a longer clip this many frames, evenly spread, are shown; not fewer than T, in whose place the
            model would see frames twice.
        fps: of a clip given as frames; a file states its own.
        allow_damaged: as `atr.video.decoding.open_video` has it.

    Raises:
        VideoError: the file is no readable video, or damaged.
        ValueError: the model is another one, or in training mode; `clip`, `max_frames`, `view` or `fps` is not allowed.
    """
    if not isinstance(model, VideoClassifier):
        raise ValueError(f"the model is a {type(model).__name__}; allowed: a network of atr.create_model")
    require_evaluation(model)
    preprocessing, num_frames = preprocessing or model.preprocessing, model.config.num_frames
    if max_frames < num_frames:
        raise ValueError(
            f"max_frames={max_frames} is not allowed; allowed: {num_frames}, which the model takes, or more"
        )

    def seen(length: int, fps: float, read: Callable[[np.ndarray], Iterable[np.ndarray]]) -> ShownClip:
        return _shown(length, fps, read, preprocessing, num_frames, model.sampling, view, max_frames)

    if not isinstance(clip, str | Path):
        require_frames(clip)
        if not 0 < fps < math.inf:
            raise ValueError(f"fps={fps} is not allowed; allowed: more than 0")
        return seen(len(clip), fps, lambda wanted: map(clip.__getitem__, wanted))
    with open_video(clip, allow_damaged=allow_damaged) as video:
        found = seen(video.length, video.fps, video.iterate)
        return replace(found, notices=(*video.notices, *uneven(video.times, video.fps)))


def require_frames(frames: np.ndarray) -> None:
    """Raises ValueError for anything but frames."""
    if not isinstance(frames, np.ndarray):
        told = type(frames).__name__
    elif frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        told = f"{frames.dtype} {frames.shape}"
    else:
        return
    raise ValueError(
        f"clip is {told}; allowed: a video file, or its frames as an array, uint8 RGB (L, H, W, 3), of 1 or more each"
    )


def uneven(times: np.ndarray, fps: float) -> tuple[Notice, ...]:
    """A notice where frames are shown at other times than their file has them, by more than one frame.

    times: seconds (L,) of the frames. fps: their mean rate.
    """
    if np.abs(times - np.arange(len(times)) / fps).max() <= 1 / fps:
        return ()
    return (
        Notice(
            f"frames come at an uneven rate, or at one that no film has; they are timed and played at {fps:.3g} a second",
            "change",
        ),
    )


def nearest(indices: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Positions among the frames `indices` (L,) of those nearest to the frames `wanted` (T,): a long clip is thinned."""
    return np.abs(np.asarray(indices) - np.asarray(wanted)[:, None]).argmin(axis=1)


def _shown(
    length: int,
    fps: float,
    read: Callable[[np.ndarray], Iterable[np.ndarray]],
    preprocessing: Preprocessing,
    num_frames: int,
    sampling: Sampling,
    view: str,
    max_frames: int,
) -> ShownClip:
    """As `show`. read: increasing indices -> their frames, uint8 (H, W, 3)."""
    shown = uniform_indices(length, min(length, max_frames), shift=0)
    sampled = evaluated_indices(length, num_frames, sampling)
    samplings = samplings_of(shown, length, num_frames, sampling)

    # One pass over the video: originals may be large, so only what is used later is kept of each frame.
    wanted = np.unique(np.concatenate([shown, sampled, samplings.ravel()]))
    shown_set, sampled_set, together = (set(each.ravel().tolist()) for each in (shown, sampled, samplings))
    frames, pictures, crops = [], {}, {}
    for index, original in zip(wanted.tolist(), read(wanted), strict=True):
        if index in sampled_set:
            crops[index] = cut_view(original[None], preprocessing)[0]
        if index in shown_set:
            height, width = original.shape[:2]
            box = view_box(height, width, preprocessing, view)
            frames.append(_displayed(original, box))
        if index in together:
            pictures[index] = cut_view(original[None], preprocessing, view)[0]
    return ShownClip(
        length=length,
        frames=np.stack(frames),
        indices=shown,
        samplings=samplings,
        pictures=pictures,
        fps=fps * len(shown) / length,
        box=box,
        sampled=sampled,
        evaluated=np.stack([crops[index] for index in sampled.tolist()]),
    )


def samplings_of(shown: np.ndarray, length: int, num_frames: int, sampling: Sampling) -> np.ndarray:
    """Frames to show a model together, so that it sees each of those `shown` in a company like an evaluation's.

    Uniform: shifted samplings of the shown frames, T - 1 others spread over the whole clip. Dense: windows of the
    original, the evaluation's first.

    Args:
        shown: int (L,), in order, out of `length` frames.

    Returns:
        int (P, T), indices in the original.
    """
    if sampling.kind == "uniform":
        return shown[covering_indices(len(shown), num_frames)]
    return covering_windows(length, num_frames, window=sampling.window, wanted=shown)


def places_of(shown: ShownClip) -> np.ndarray:
    """int (P, T): where each frame of the samplings stands among the shown ones, -1 where it is none of them."""
    places = np.searchsorted(shown.indices, shown.samplings).clip(max=len(shown.indices) - 1)
    return np.where(shown.indices[places] == shown.samplings, places, -1)


def time_steps(shown: ShownClip) -> np.ndarray:
    """int (L,): at which of the model's T time steps each shown frame stood when its map was computed."""
    steps, places = np.zeros(len(shown.indices), np.int64), places_of(shown)
    for row in places[::-1]:
        steps[row[row >= 0]] = np.flatnonzero(row >= 0)
    return steps


def maps_of_all_frames(
    shown: ShownClip,
    compute: Callable[[np.ndarray], dict[str, np.ndarray]],
    *,
    batch_size: int = 4,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, np.ndarray], float]:
    """A map for every frame, out of a model that takes T at a time; a frame in several samplings has that of the first.

    Args:
        compute: samplings (n, T, h, w, 3) -> name -> maps (n, T, h', w').
        batch_size: samplings at once.
        progress: called with (samplings done, samplings in all).

    Returns:
        name -> float32 (L, h', w'), and the seconds spent in `compute`.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size} is not allowed; allowed: 1 or more")
    passes, places = shown.samplings, places_of(shown)
    maps: dict[str, np.ndarray] = {}
    seconds = 0.0
    # Backwards, so that a frame seen in several passes keeps the map of the first. Of uniform ones the later repeat the
    # last frame of a short segment while the other segments have moved on; of dense ones the first is the evaluation's.
    for end in range(len(passes), 0, -batch_size):
        rows = slice(max(end - batch_size, 0), end)
        pictures = np.stack([[shown.pictures[index] for index in row] for row in passes[rows].tolist()])
        started = perf_counter()
        computed = compute(pictures)
        seconds += perf_counter() - started
        for name, values in computed.items():
            filled = maps.setdefault(name, np.zeros((len(shown.indices), *values.shape[2:]), np.float32))
            for row, value in zip(places[rows][::-1], values[::-1], strict=True):
                filled[row[row >= 0]] = value[row >= 0]
        if progress is not None:
            progress(len(passes) - rows.start, len(passes))
    return maps, seconds


def _displayed(original: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    top, left, height, width = box
    scale = min(SHORT_SIDE / min(height, width), 1)
    cut = original[top : top + height, left : left + width]
    return resize(cut[None], max(round(height * scale), 1), max(round(width * scale), 1))[0]
