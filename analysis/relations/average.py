"""The temporal relations W of graph reasoners, averaged over videos: what Fig 4 shows, and how sure it is.

A small JS divergence alone proves nothing: an untrained graph reasoner may have nearly uniform rows, whose local windows
are all alike. Read it beside the local mass against chance, each row's argmax, and the untrained control.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from analysis.relations.divergence import pairwise_js
from analysis.statistics import FEWEST, LEVEL

ROUNDED = 0.01  # how far from 1 a row of W may sum that was computed in half precision
Key = tuple[str, int]  # (name of the block, index of the reasoner in its stack)


class RelationAverage:
    """Streaming mean of W per block and reasoner, in float64; the parts of several processes can be merged.

    Beside the sums (over all videos and per class) it keeps each video's local windows (W[t,t-1], W[t,t], W[t,t+1])
    in float32, 12 (T - 2) bytes a block, from which intervals are resampled and convergence is read; videos are
    ordered by their index, so neither sharding nor order changes a result by more than rounding.
    """

    def __init__(self) -> None:
        self._labels: dict[int, int] = {}  # of the videos, by their indices, in the order in which they came
        self._next = 0
        self._sums: dict[Key, dict[int, np.ndarray]] = {}  # class -> (T, T)
        # The (T - 2, 3) of one video after the other: an array for each video would cost three times as much.
        self._windows: dict[Key, array] = {}

    def update(
        self,
        relations: Mapping[str, Sequence],
        labels: Sequence[int] | None = None,
        videos: Sequence[int] | None = None,
    ) -> None:
        """Add the videos of one forward pass.

        Args:
            relations: block -> [W (N, T, T) per stacked reasoner], as `record` gives them.
            labels: (N,) class indices; 0 for all when not given.
            videos: (N,) indices of the videos in their list; counted on when not given.

        Raises:
            ValueError: a video is counted twice, labels or videos are not N, relations are of other blocks or frames than
                before, of another shape or of fewer than three frames, or no numbers. Nothing is added then.
        """
        stacked = {(b, r): np.asarray(w, np.float64) for b, ws in relations.items() for r, w in enumerate(ws)}
        if not stacked:
            raise ValueError("no relations to average: this model has no graph reasoner")
        if self._sums and stacked.keys() != self._sums.keys():
            raise ValueError(
                f"relations of {sorted(stacked)} where {sorted(self._sums)} were averaged before"
            )
        n = len(next(iter(stacked.values())))
        videos = [int(v) for v in (range(self._next, self._next + n) if videos is None else videos)]
        labels = [0] * n if labels is None else [int(label) for label in labels]
        for name, given in (("labels", labels), ("videos", videos)):
            if len(given) != n:
                raise ValueError(f"{len(given)} {name} are given for the relations of {n} videos")
        if twice := sorted(self._labels.keys() & set(videos)):
            raise ValueError(f"videos {twice} are counted already")
        if len(set(videos)) < len(videos):
            raise ValueError(f"videos {sorted(videos)} name one more than once")
        for key, w in stacked.items():
            t = next(iter(self._sums.get(key, {}).values()), w).shape[-1]
            if w.shape != (n, t, t):
                raise ValueError(f"relations of {key} have the shape {w.shape}; allowed: ({n}, {t}, {t})")
            if not np.isfinite(w).all():
                raise ValueError(f"relations of {key} hold NaN or infinite values")
        windows = {key: local_windows(w) for key, w in stacked.items()}
        for key, w in stacked.items():
            sums = self._sums.setdefault(key, {})
            for label, matrix in zip(labels, w, strict=True):
                sums[label] = sums.get(label, 0) + matrix
            self._keep(key, windows[key])
        self._count(videos, labels)

    def merge(self, other: Self) -> None:
        """Add the videos of another part. Raises ValueError where a video or the blocks do not fit."""
        if not other._labels:
            return
        if twice := sorted(other._labels.keys() & self._labels.keys()):
            raise ValueError(f"videos {twice} are counted in both parts")
        if self._sums and other._sums.keys() != self._sums.keys():
            raise ValueError("the parts have relations of different blocks")
        for key, sums in other._sums.items():
            mine = self._sums.setdefault(key, {})
            for label, matrix in sums.items():
                mine[label] = mine.get(label, 0) + matrix
            if key in other._windows:
                self._windows.setdefault(key, array("f")).extend(other._windows[key])
        self._count(other.videos, other.labels)

    def _keep(self, key: Key, windows: np.ndarray) -> None:
        """The windows (n, T - 2, 3) of n videos."""
        self._windows.setdefault(key, array("f")).frombytes(windows.astype(np.float32).tobytes())

    def _count(self, videos: Sequence[int], labels: Sequence[int]) -> None:
        self._labels.update(zip(videos, labels, strict=True))
        self._next = max(self._next, max(videos, default=-1) + 1)

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def videos(self) -> list[int]:
        """Their indices, in the order in which they were added."""
        return list(self._labels)

    @property
    def labels(self) -> list[int]:
        """The class of each of `videos`."""
        return list(self._labels.values())

    @property
    def indices(self) -> list[int]:
        """Of the clips in it, in their list: what a pass over them asks (`atr.results.passes.Gathered`)."""
        return self.videos

    @property
    def keys(self) -> list[Key]:
        return list(self._sums)

    @property
    def mean(self) -> dict[str, list[np.ndarray]]:
        """block -> [W̄ (T, T) per stacked reasoner], float64."""
        means: dict[str, list[np.ndarray]] = {}
        for (block, _), sums in self._sums.items():
            means.setdefault(block, []).append(sum(sums.values()) / len(self))
        return means

    def mean_of_class(self, label: int) -> dict[str, list[np.ndarray]]:
        """As `mean`, over the videos of one class. Raises KeyError where there are none."""
        count = self.labels.count(label)
        means: dict[str, list[np.ndarray]] = {}
        for (block, _), sums in self._sums.items():
            means.setdefault(block, []).append(sums[label] / count)
        return means

    def windows(self, key: Key) -> np.ndarray:
        """(videos, T - 2, 3), float32, raw (not renormalised), in the order of the videos' indices."""
        return self._added(key)[np.argsort(self.videos)]

    def _added(self, key: Key) -> np.ndarray:
        """A copy of the windows in the order of `videos`; an array that others look into cannot grow."""
        return np.array(self._windows[key], np.float32).reshape(len(self), -1, 3)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """For an NPZ file; `from_arrays` is its inverse."""
        arrays = {"videos": np.array(self.videos, np.int64), "labels": np.array(self.labels, np.int64)}
        for (block, reasoner), sums in self._sums.items():
            arrays[f"sums/{block}/{reasoner}"] = np.stack(list(sums.values()))
            arrays[f"classes/{block}/{reasoner}"] = np.array(list(sums), np.int64)
            if (block, reasoner) in self._windows:
                arrays[f"windows/{block}/{reasoner}"] = self._added((block, reasoner))
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        average = cls()
        average._count(arrays["videos"].tolist(), arrays["labels"].tolist())
        for name in arrays:
            if name.startswith("sums/"):
                _, block, reasoner = name.split("/")
                place = f"{block}/{reasoner}"
                classes = arrays[f"classes/{place}"].tolist()
                average._sums[block, int(reasoner)] = dict(zip(classes, arrays[name], strict=True))
                if f"windows/{place}" in arrays:
                    average._keep((block, int(reasoner)), arrays[f"windows/{place}"])
        return average


def local_windows(w: np.ndarray) -> np.ndarray:
    """(..., T, T) -> (..., T - 2, 3): (W[t,t-1], W[t,t], W[t,t+1]) for every t that has both neighbours.

    Raises:
        ValueError: the matrices are not square, or of fewer than three frames, which have no such t.
    """
    t = w.shape[-1]
    if w.shape[-2:] != (t, t) or t < 3:
        raise ValueError(f"local windows need matrices (T, T) of 3 frames or more, got {w.shape}")
    rows = np.arange(1, t - 1)[:, None]
    return w[..., rows, rows + np.arange(-1, 2)]


def renormalised(windows: np.ndarray) -> np.ndarray:
    """`dist_t` of Fig 4(b): each window divided by its sum.

    Raises:
        ValueError: a window has no mass at all (a saturated softmax looks elsewhere): it has no distribution.
    """
    mass = windows.sum(-1, keepdims=True)
    if not (mass > 0).all():
        raise ValueError(
            "a local window has no mass: W looks at none of (t-1, t, t+1) there, its softmax is saturated"
        )
    return windows / mass


def have_mass(windows: np.ndarray) -> np.ndarray:
    """Whether every window of (..., T - 2, 3) can be renormalised: bool (...)."""
    return (windows.sum(-1) > 0).all(-1)


@dataclass(frozen=True)
class LocalMass:
    """Mass within k of the diagonal, k = 0 … T - 1: `mass` (T, T) per k and row, `chance` likewise for uniform rows."""

    mass: np.ndarray
    chance: np.ndarray


def local_mass(w: np.ndarray) -> LocalMass:
    """Σ_{|t-q|<=k} W̄[t, q] of a matrix (T, T)."""
    t = len(w)
    distance = np.abs(np.subtract.outer(np.arange(t), np.arange(t)))
    near = distance[None] <= np.arange(t)[:, None, None]  # (k, row, column)
    return LocalMass((near * w).sum(-1), near.mean(-1))


@dataclass(frozen=True)
class WindowDivergence:
    """JS over all pairs of time steps of one block: pairs of 0-based t, their values, summary."""

    pairs: list[tuple[int, int]]
    values: np.ndarray

    @property
    def summary(self) -> dict[str, float]:
        """mean, max and standard deviation (over the pairs, as a population)."""
        return {
            "mean": float(self.values.mean()),
            "max": float(self.values.max()),
            "std": float(self.values.std()),
        }


def window_divergence(w: np.ndarray, base: float = math.e) -> WindowDivergence:
    """JS between the renormalised local windows of every two time steps of W̄ (T, T); T = 8 gives 15 pairs.

    Raises:
        ValueError: `w` is not one square matrix of four frames or more whose rows sum to 1, to the precision of bfloat16;
            a window has no mass; or the base is not more than 1.
    """
    w = np.asarray(w)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or len(w) < 4:
        raise ValueError(
            f"W has the shape {w.shape}; allowed: (T, T) of 4 frames or more, as RelationAverage makes of many videos"
        )
    sums = w.sum(1, dtype=np.float64)
    if not np.allclose(sums, 1, atol=ROUNDED):
        worst = sums[np.abs(sums - 1).argmax()]
        raise ValueError(f"a row of W sums to {worst:.4g}; allowed: 1")
    w = w.astype(np.promote_types(w.dtype, np.float32), copy=False)  # a window of float16 would not sum to 1
    values, pairs = pairwise_js(renormalised(local_windows(w)), base)
    return WindowDivergence([(a + 1, b + 1) for a, b in pairs], values)


def resampled_divergence(
    windows: np.ndarray, *, base: float = math.e, resamples: int = 1000
) -> tuple[dict[str, tuple[float, float] | None], float]:
    """Intervals of "mean", "max" and "std" of JS, and of "local_mass" (k = 1), by resampling videos.

    JS is never negative, so that of an average over few videos is too high, and that of a resample too high twice over.
    Its intervals are therefore basic ones (the value minus what resamples exceed it by), cut at 0; they may lie below the
    value. Those of the local mass, which is a mean of the videos, are percentiles.

    windows: (videos, T - 2, 3), raw. The local mass is that of the rows that have both neighbours.

    Returns:
        The intervals, None for fewer than FEWEST, and the share of the resamples that those of JS leave out, because a
        window has no mass in them; None for JS where all are left out.
    """
    generator = np.random.default_rng(0)
    n = len(windows)
    if n < FEWEST:
        return dict.fromkeys(("mean", "max", "std", "local_mass")), float(not have_mass(windows.mean(0)))
    flat = windows.reshape(n, -1).astype(np.float64)
    means = np.stack([generator.multinomial(n, [1 / n] * n) @ flat / n for _ in range(resamples)])
    means = means.reshape(resamples, *windows.shape[1:])
    defined = have_mass(means)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(means.sum(-1).mean(-1), tails).tolist()
    intervals: dict[str, tuple[float, float] | None] = dict.fromkeys(("mean", "max", "std"))
    intervals["local_mass"] = low, high
    if defined.any():
        resampled, _ = pairwise_js(renormalised(means[defined]), base)
        value, _ = pairwise_js(renormalised(windows.mean(0, dtype=np.float64)), base)
        for name in ("mean", "max", "std"):
            low, high = np.quantile(getattr(resampled, name)(-1), tails)
            middle = 2 * getattr(value, name)()
            intervals[name] = max(float(middle - high), 0.0), max(float(middle - low), 0.0)
    return intervals, float(1 - defined.mean())


def convergence(windows: np.ndarray, base: float = math.e) -> dict[str, np.ndarray]:
    """How the average settles: after the first n videos, n = 1, 2, 4, … N, from where every window has mass.

    Returns: "videos" (m,), "js_mean" (m,), and "distance" (m,): the largest difference of any window value from the
    average over all N. m is 0 where a window has no mass over all N.
    """
    n = len(windows)
    counts = np.unique(np.append(2 ** np.arange(int(math.log2(n)) + 1), n))
    sums = np.cumsum(windows.astype(np.float64), axis=0)
    means = sums[counts - 1] / counts[:, None, None]
    defined = have_mass(means)
    values, _ = pairwise_js(renormalised(means[defined]), base)
    return {
        "videos": counts[defined],
        "js_mean": values.mean(-1),
        "distance": np.abs(means - means[-1]).max((1, 2))[defined],
    }
