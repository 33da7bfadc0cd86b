"""Intervals, paired tests, agreement and calibration: arrays in, numbers out; nothing here knows a model or a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

LEVEL = 0.95  # of every interval
RESAMPLES = 2_000  # of a bootstrap that draws clips
# Clips for an interval: percentiles of resamples cover the mean of 2 clips in half of all cases, of 5 in 80 %.
FEWEST = 10
BINS = 15  # of a reliability curve, as in Guo et al. 2017, On Calibration of Modern Neural Networks


def require_bool(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises ValueError for others: with the numbers 0 and 1, `~` and indexing mean something else."""
    if values.dtype != bool or values.shape != shape:
        raise ValueError(f"{name} must be bool {shape}, got {values.dtype} {values.shape}")


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion; it stays inside [0, 1] and is not empty at 0 or at 1."""
    interval = scipy.stats.binomtest(successes, trials).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class PairedCounts:
    """The 2x2 table of two classifiers on the same clips: how many both, one or neither of them gets right."""

    both: int
    only_a: int
    only_b: int
    neither: int

    @property
    def total(self) -> int:
        return self.both + self.only_a + self.only_b + self.neither

    @property
    def difference(self) -> float:
        """Accuracy of a minus accuracy of b."""
        return (self.only_a - self.only_b) / self.total


def paired_counts(a: np.ndarray, b: np.ndarray) -> PairedCounts:
    """a, b: bool (N,), whether each is right on each clip. Raises ValueError for others, and where N is not one for both."""
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(f"two verdicts on each of the same clips are needed, got {a.shape} and {b.shape}")
    for name, verdicts in (("a", a), ("b", b)):
        require_bool(name, verdicts, a.shape)
    counts = (int(np.sum(found)) for found in (a & b, a & ~b, b & ~a, ~(a | b)))
    return PairedCounts(*counts)


def difference_interval(
    counts: PairedCounts, *, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of the difference of two accuracies, over clips.

    The difference depends on a resample only through its 2x2 table, and the table of N clips drawn with replacement
    is multinomial: drawing tables gives the same distribution as drawing clips, without touching the clips.
    Where the two differ on no clip the interval is (0, 0): a bootstrap cannot tell of what never occurred.
    """
    shares = np.array([counts.only_a, counts.only_b, counts.both + counts.neither]) / counts.total
    drawn = np.random.default_rng(seed).multinomial(counts.total, shares, size=resamples)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / counts.total, [tail, 1 - tail])
    return float(low), float(high)


def mean_estimate(values: np.ndarray) -> dict[str, float | None] | None:
    """The mean over clips (N,), as `estimate` gives it."""
    return estimate(values, np.ones(len(values)))


def estimate(numerators: np.ndarray, denominators: np.ndarray) -> dict[str, float | None] | None:
    """Σ numerators / Σ denominators of clips (N,), with its 95 % percentile bootstrap interval over clips.

    {"value", "low", "high"}; None where nothing was measured, and no ends of the interval of less than FEWEST clips.
    """
    kept = denominators > 0
    numerators, denominators = numerators[kept].astype(np.float64), denominators[kept].astype(np.float64)
    if not kept.any():
        return None
    value = float(numerators.sum() / denominators.sum())
    if len(numerators) < FEWEST:
        return {"value": value, "low": None, "high": None}
    interval = scipy.stats.bootstrap(
        (numerators, denominators),
        lambda n, d, axis: n.sum(axis=axis) / d.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=100,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {"value": value, "low": float(interval.low), "high": float(interval.high)}


def reach(estimates: Sequence[Mapping], end: str, value: str = "value") -> list[float | None]:
    """How far an end of each interval lies from its value, as error bars have it; None where there is no interval."""
    return [None if each[end] is None else abs(each[end] - each[value]) for each in estimates]


def in_words(estimate: Mapping, form: str) -> str:
    """The interval; form: of numbers, ".3f"."""
    if estimate["low"] is None:
        return f"fewer than {FEWEST} clips, no interval"
    return f"95 %: {estimate['low']:{form}} to {estimate['high']:{form}}"


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test: clips that only one gets right fall to either with probability 1/2.

    1 where there is no such clip.
    """
    discordant = only_a + only_b
    return float(scipy.stats.binomtest(only_a, discordant).pvalue) if discordant else 1.0


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of m p-values (m,): rejecting where it is below α keeps the family's error at α.

    The i-th smallest (from 0) is multiplied by m - i, made monotone and cut at 1.
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


def cohen_kappa(table: np.ndarray) -> float:
    """(p_o - p_e) / (1 - p_e) of a table of agreement (C, C): 1 is full agreement, 0 what independent answers give.

    nan where both only ever give one and the same class, which chance alone explains.
    """
    shares = table / table.sum()
    observed = np.trace(shares)
    expected = float(shares.sum(1) @ shares.sum(0))
    return float((observed - expected) / (1 - expected)) if expected < 1 else float("nan")


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, in bins (edges[i], edges[i + 1]].

    edges (B + 1,); counts int (B,), clips of each bin, and correct int (B,), those of them classified correctly; confidence
    (B,), their mean; it and `accuracy` are nan in an empty bin.
    """

    edges: np.ndarray
    counts: np.ndarray
    correct: np.ndarray
    confidence: np.ndarray

    @property
    def accuracy(self) -> np.ndarray:
        return self.correct / np.where(self.counts, self.counts, np.nan)

    @property
    def ece(self) -> float:
        """Expected calibration error: Σ counts / N · |accuracy - confidence|; empty bins add nothing."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())


def reliability_curve(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> Reliability:
    """Reliability in bins of equal width over [0, 1].

    Args:
        confidence: (N,), the probability of the predicted class.
        correct: bool (N,), whether that class is the true one.

    Raises:
        ValueError: there is no clip, a confidence outside [0, 1], or `correct` is not bool (N,).
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    if not (len(confidence) and confidence.min() >= 0 and confidence.max() <= 1 + 1e-6):  # 1e-6: float32
        raise ValueError(f"probabilities in [0, 1] are needed, at least one, got {confidence}")
    correct = np.asarray(correct)
    require_bool("correct", correct, confidence.shape)
    edges = np.linspace(0, 1, bins + 1)
    numbers = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, bins - 1)
    counts = np.bincount(numbers, minlength=bins)
    means = np.bincount(numbers, confidence, bins) / np.where(counts, counts, np.nan)
    return Reliability(edges, counts, np.bincount(numbers[correct], minlength=bins), means)
