"""Which frames of a clip a network is shown."""

import numpy as np


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
    window: int = 64,
    position: float = 0.5,
    generator: np.random.Generator | None = None,
) -> np.ndarray:
    """Dense sampling: a window of consecutive frames read at stride window/T, int (T,).

    ``position`` in [0, 1] places the window between the clip's first and last possible start; with a
    ``generator`` the start is random (training). A clip shorter than the window is read in a loop.
    """
    _check_counts(length, num_frames)
    if window < num_frames:
        raise ValueError(f"window must be at least num_frames = {num_frames}, got {window}")
    if not 0 <= position <= 1:
        raise ValueError(f"position must lie in [0, 1], got {position}")
    last_start = max(length - window, 0)
    if generator is None:
        start = int(round(position * last_start, 6))  # 7/9 of 99 is a little less than 77 in floating point
    else:
        start = int(generator.integers(last_start + 1))
    return (start + np.arange(num_frames) * window // num_frames) % length


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


def _check_counts(length: int, num_frames: int) -> None:
    if length < 1:
        raise ValueError(f"length must be at least 1, got {length}")
    if num_frames < 1:
        raise ValueError(f"num_frames must be at least 1, got {num_frames}")
