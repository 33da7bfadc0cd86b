"""Which frames of a clip a network is shown."""

import numpy as np

from atr.sampling import WINDOW, Sampling


def uniform_indices(
    length: int, num_frames: int, *, shift: float = 0.5, generator: np.random.Generator | None = None
) -> np.ndarray:
    """Uniform sampling: the clip is cut in T equal segments and gives one frame of each, int (T,).

    Segment t is [t·L/T, (t+1)·L/T). The frame is the one at ``shift`` of the segment (0.5, the centre, in
    evaluation), or a random one of each segment when a ``generator`` is given (training). A clip of fewer
    frames than segments repeats frames.
    """
    _check_counts(length, num_frames)
    if not 0 <= shift < 1:
        raise ValueError(f"shift must lie in [0, 1), got {shift}")
    offsets = np.full(num_frames, shift) if generator is None else generator.random(num_frames)
    indices = np.floor((np.arange(num_frames) + offsets) * length / num_frames).astype(np.int64)
    return np.minimum(indices, length - 1)  # an offset just below 1 may round up


def dense_indices(
    length: int,
    num_frames: int,
    *,
    window: int = WINDOW,
    position: float = 0.5,
    generator: np.random.Generator | None = None,
) -> np.ndarray:
    """Dense sampling: a window of consecutive frames read at stride window/T, int (T,).

    ``position`` in [0, 1] places the window between the clip's first and last possible start; with a
    ``generator`` the start is random (training). A clip shorter than the window is read in a loop.
    """
    _check_counts(length, num_frames)
    offsets = _window_offsets(num_frames, window)
    if not 0 <= position <= 1:
        raise ValueError(f"position must lie in [0, 1], got {position}")
    last_start = max(length - window, 0)
    if generator is None:
        start = int(round(position * last_start, 6))  # 7/9 of 99 is a little less than 77 in floating point
    else:
        start = int(generator.integers(last_start + 1))
    return (start + offsets) % length


def random_indices(
    length: int, num_frames: int, sampling: Sampling, generator: np.random.Generator
) -> np.ndarray:
    """One random sampling, for training, int (T,)."""
    if sampling.kind == "uniform":
        return uniform_indices(length, num_frames, generator=generator)
    return dense_indices(length, num_frames, window=sampling.window, generator=generator)


def covering_indices(length: int, num_frames: int) -> np.ndarray:
    """Shifted uniform samplings that together show every frame, int (P, T).

    Segment t holds the frames floor(t·L/T) ... floor((t+1)·L/T) - 1. Pass p takes the p-th frame of each
    segment, or its last frame where the segment is shorter, so P is the length of the longest segment. A
    clip of fewer frames than segments repeats frames in one single pass.
    """
    _check_counts(length, num_frames)
    bounds = np.arange(num_frames + 1) * length // num_frames
    starts, lasts = bounds[:-1], np.maximum(bounds[1:] - 1, bounds[:-1])
    passes = np.arange((lasts - starts).max() + 1)
    return np.minimum(starts + passes[:, None], lasts)


def covering_windows(
    length: int, num_frames: int, *, window: int = WINDOW, wanted: np.ndarray | None = None
) -> np.ndarray:
    """Dense samplings that together show every frame, or those `wanted`, int (P, T).

    The first is the one of the evaluation, its window in the middle of the clip. Every other one starts at the first
    frame that none before it shows, or ends with the clip, so that what it reads lies inside; a clip shorter than the
    window is read in a loop from that frame on where it has to be.
    """
    _check_counts(length, num_frames)
    offsets = _window_offsets(num_frames, window)
    last_start = max(length - 1 - offsets[-1], 0)
    passes = [dense_indices(length, num_frames, window=window)]
    seen = set(passes[0].tolist())
    for frame in range(length) if wanted is None else wanted.tolist():
        if frame not in seen:
            starts = (frame - offset for offset in offsets if 0 <= frame - offset <= last_start)
            start = next(starts, frame)  # of a clip shorter than the window there may be none
            passes.append((start + offsets) % length)
            seen.update(passes[-1].tolist())
    return np.stack(passes)


def _window_offsets(num_frames: int, window: int) -> np.ndarray:
    if window < num_frames:
        raise ValueError(f"window must be at least num_frames = {num_frames}, got {window}")
    return np.arange(num_frames) * window // num_frames


def _check_counts(length: int, num_frames: int) -> None:
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    if num_frames < 1:
        raise ValueError(f"num_frames must be at least 1, got {num_frames}")
