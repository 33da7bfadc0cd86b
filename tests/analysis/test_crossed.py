import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp

from analysis.crossed import FAILS, HOLDS, OPEN, Estimate, crossed_estimate, plateau, verdict


def outcomes(rng, seeds, clips, *, of_seed, gain=0.4):
    """Right or wrong of two networks, (S, C) each, whose difficulty varies from clip to clip and from seed to seed."""
    clip = rng.normal(0, 1.5, clips)
    return [
        1
        + shift
        + clip
        + rng.normal(0, 0.7, clips)
        + rng.normal(0, of_seed, (seeds, 1))
        + rng.normal(0, 1, (seeds, clips))
        > 0
        for shift in (0, gain)
    ]


def true_difference(of_seed, gain=0.4):
    spread = np.sqrt(of_seed**2 + 1.5**2 + 0.7**2 + 1)
    return norm.cdf((1 + gain) / spread) - norm.cdf(1 / spread)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("of_seed", [0.05, 0.15, 0.5])
def test_the_interval_of_a_paired_difference_covers_the_truth_in_95_of_100_repetitions(seeds, of_seed):
    rng, truth, covered = np.random.default_rng(0), true_difference(of_seed), []
    for _ in range(1000):
        a, b = outcomes(rng, seeds, 300, of_seed=of_seed)
        found = crossed_estimate(b.astype(float) - a)
        covered.append(found.low <= truth <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize("of_seed", [0.05, 0.15])
def test_intervals_for_many_claims_together_cover_as_often_as_they_say(of_seed):
    """Of 99.8 %, with clips and seeds that differ."""
    rng, clips, missed = np.random.default_rng(0), 300, 0
    for _ in range(4000):
        values = rng.normal(0, of_seed, (3, 1)) + rng.normal(0, 0.4, clips) + rng.normal(0, 1, (3, clips))
        found = crossed_estimate(values, 1 - 0.05 / 27)
        missed += not found.low <= 0 <= found.high
    assert missed <= 16  # 7 are expected


def test_where_only_seeds_differ_it_is_the_t_interval_over_seeds():
    means = np.array([0.2, 0.5, 0.3])
    found = crossed_estimate(np.repeat(means[:, None], 50, axis=1))
    expected = ttest_1samp(means, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-3)
    assert found.sd == pytest.approx(np.std(means, ddof=1))


def test_where_only_clips_differ_it_is_the_t_interval_over_clips():
    of_clip = np.random.default_rng(0).normal(size=200)
    found = crossed_estimate(np.tile(of_clip, (3, 1)))
    expected = ttest_1samp(of_clip, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-3)


def test_where_nothing_differs_it_is_a_point():
    found = crossed_estimate(np.ones((3, 10)))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_one_seed_has_no_interval_and_decides_nothing():
    found = crossed_estimate(np.array([[0.0, 1.0, 1.0]]))
    assert (found.value, found.low, found.sd) == (pytest.approx(2 / 3), None, None)
    assert verdict(found) == verdict(None) == OPEN


@pytest.mark.parametrize("shape", [(3,), (0, 5), (2, 1)])
def test_what_is_no_table_of_seeds_and_clips_is_refused(shape):
    with pytest.raises(ValueError, match="allowed: \\(seeds, clips\\)"):
        crossed_estimate(np.zeros(shape))


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.002, 0.05, HOLDS),
        (0.001, 0.004, HOLDS),
        (-0.04, -0.01, FAILS),
        (-0.02, 0.005, FAILS),
        (-0.01, 0.05, OPEN),
        (0.0, 0.02, OPEN),
        (-0.01, 0.01, OPEN),
    ],
)
def test_the_verdict_follows_the_interval(low, high, word):
    assert verdict(Estimate((low + high) / 2, 0.01, low, high, 3, 300)) == word
    assert verdict(Estimate((low + high) / 2, 0.01, low, high, 2, 300)) == OPEN


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-0.05, 0.009, HOLDS),
        (-0.02, 0.03, OPEN),
        (-0.04, 0.02, OPEN),
        (0.005, 0.03, OPEN),
        (0.011, 0.03, FAILS),
    ],
)
def test_little_is_what_the_whole_interval_leaves_below_a_point(low, high, word):
    assert plateau(Estimate((low + high) / 2, 0.01, low, high, 3, 300)) == word
    assert plateau(Estimate((low + high) / 2, 0.01, low, high, 2, 300)) == plateau(None) == OPEN


@pytest.mark.parametrize(
    ("rows", "reach"),
    [
        ([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0]], 0.9594),
        ([[1, 1, 1, 0, 1, 1], [1, 0, 0, 0, 1, 0], [1, 1, 0, 0, 1, 1]], 0.6795),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 0.6544),  # neither seeds nor clips differ
        ([[1, 1], [1, 0]], 3.1766),  # less than one degree of freedom
    ],
    ids=["together", "apart", "rest", "few"],
)
def test_the_wider_of_two_intervals_by_hand(rows, reach):
    found = crossed_estimate(np.array(rows))
    assert (found.high - found.low) / 2 == pytest.approx(reach, abs=1e-4)


def test_seeds_that_differ_less_than_chance_narrow_nothing():
    """Their part would be negative; what is left is the interval of the clips' part."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=300) + 0.5 * generator.normal(size=(3, 300))
    values -= 0.9 * (values.mean(axis=1, keepdims=True) - values.mean())
    found = crossed_estimate(values)
    assert (found.high - found.low) / 2 == pytest.approx(0.12138, abs=1e-5)
