"""Intervals of trainings judged on the same clips: both the seeds and the clips are a sample, and both are counted.

An array (S, C) has a row for each seed and a column for each clip: right or wrong, or, of two networks, the difference.
Its model is the crossed one with random effects: y_sc = μ + α_s + β_c + ε_sc.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from analysis.statistics import LEVEL

# Of the residual mean square, which stands in both of the others once too often: what the seeds' one gives in intervals of
# 95 %. With 3 seeds and 2,000 clips they covered 93.4 to 98.2 % of 400,000 simulated means, over all sizes of the effects.
# Those of more than 95 % take nothing off: where seeds differ, a seeds' part that is lost by chance had 99.8 % cover 98.5.
SHARE = 0.75


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and clips. sd: of the seeds' means; it and the interval are None of a single seed."""

    value: float
    sd: float | None
    low: float | None
    high: float | None
    seeds: int
    clips: int


def crossed_estimate(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """Mean of values (S, C) over seeds and clips, with an interval that holds for other seeds and other clips.

    The variance of the mean is σα²/S + σβ²/C + σε²/(SC), from mean squares. Two t intervals are made of it, and the wider
    one is given: one whose degrees of freedom are Satterthwaite's, and one that counts the seeds' part with the S - 1
    degrees of freedom that it has and the rest with those of the clips. In simulations either alone covered too seldom:
    the first (92 % in place of 95 with three seeds) where both effects are large, the second (91 %) where clips have
    none. The wider one covered 93 to 97 % with 3 and 5 seeds, for all sizes of the two effects that were tried, and up to
    99 % where there is neither.

    Raises:
        ValueError: there is no seed, or fewer than two clips.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or not len(values) or values.shape[1] < 2:
        raise ValueError(f"values have shape {values.shape}; allowed: (seeds, clips), 2 clips or more")
    seeds, clips = values.shape
    mean = float(values.mean())
    if seeds == 1:
        return Estimate(mean, None, None, None, seeds, clips)
    of_seed, of_clip = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_seed[:, None] - of_clip + mean
    free = np.array([seeds - 1, clips - 1, (seeds - 1) * (clips - 1)])
    between_seeds, between_clips, within = squares = (
        np.array(
            [clips * ((of_seed - mean) ** 2).sum(), seeds * ((of_clip - mean) ** 2).sum(), (rest**2).sum()]
        )
        / free
    )
    variance = max(between_seeds + between_clips - within, within)
    freedom = variance**2 / (squares**2 / free).sum() if variance > 0 else 1.0
    tail, share = (1 + level) / 2, SHARE if level <= LEVEL else 0.0
    student = scipy.stats.t
    together = student.ppf(tail, max(freedom, 1)) ** 2 * variance
    apart = student.ppf(tail, seeds - 1) ** 2 * max(between_seeds - share * within, 0) + student.ppf(
        tail, clips - 1
    ) ** 2 * (between_clips - (1 - share) * within)
    half = float(np.sqrt(max(together, apart) / values.size))
    return Estimate(mean, float(of_seed.std(ddof=1)), mean - half, mean + half, seeds, clips)


HOLDS, FAILS, OPEN = "holds", "does not hold here", "cannot be decided at this scale"
NEGLIGIBLE = 0.01  # of accuracy: a claimed gain that must be smaller than that is none
DECISIVE = 3  # seeds; intervals of two covered too seldom (92 to 93 %)


def verdict(difference: Estimate | None) -> str:
    """On a claim that one network is better than another, from the accuracy of the first minus that of the second.

    It holds where the whole interval is above 0, and does not where all of it lies below NEGLIGIBLE; else, and of fewer
    than DECISIVE seeds, it cannot be decided.
    """
    if difference is None or difference.low is None or difference.high is None or difference.seeds < DECISIVE:
        return OPEN
    if difference.low > 0:
        return HOLDS
    return FAILS if difference.high < NEGLIGIBLE else OPEN


def plateau(difference: Estimate | None) -> str:
    """On a claim that one network is not better than another by more than NEGLIGIBLE; as `verdict`, the other way round."""
    if difference is None or difference.low is None or difference.high is None or difference.seeds < DECISIVE:
        return OPEN
    if difference.high < NEGLIGIBLE:
        return HOLDS
    return FAILS if difference.low > NEGLIGIBLE else OPEN
