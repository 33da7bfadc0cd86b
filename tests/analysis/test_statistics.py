import numpy as np
import pytest

from analysis.statistics import (
    PairedCounts,
    cohen_kappa,
    difference_interval,
    estimate,
    holm,
    in_words,
    mcnemar,
    mean_estimate,
    paired_counts,
    reach,
    reliability_curve,
    wilson_interval,
)


def test_wilson_by_hand():
    # n = 10, p = 1/2, z = 1.959964: centre 1/2, half width z sqrt(n p (1 - p) + z² / 4) / (n + z²)
    z = 1.959964
    half = z * np.sqrt(10 / 4 + z**2 / 4) / (10 + z**2)
    assert wilson_interval(5, 10) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-6)
    # no success: (0, z² / (n + z²)), not the empty interval at 0
    assert wilson_interval(0, 10) == pytest.approx((0, z**2 / (10 + z**2)), abs=1e-6)


def test_the_table_of_two_verdicts():
    a = np.array([1, 1, 1, 1, 0, 0], bool)
    b = np.array([1, 1, 0, 0, 1, 0], bool)
    counts = paired_counts(a, b)
    assert counts == PairedCounts(both=2, only_a=2, only_b=1, neither=1)
    assert counts.difference == pytest.approx(a.mean() - b.mean())
    with pytest.raises(ValueError, match=r"\(6,\) and \(5,\)"):
        paired_counts(a, b[:5])
    with pytest.raises(ValueError, match=r"b must be bool \(6,\), got int64 \(6,\)"):
        paired_counts(a, b.astype(int))


def test_mcnemar_by_hand():
    # 8 clips only one is right on, 7 of them a: two tails of B(8, 1/2) beyond 7, 2 (8 + 1) / 256
    assert mcnemar(7, 1) == pytest.approx(18 / 256)
    assert mcnemar(1, 7) == mcnemar(7, 1)
    assert mcnemar(5, 0) == pytest.approx(2 / 32)
    assert mcnemar(4, 4) == 1
    assert mcnemar(0, 0) == 1


def test_mcnemar_looks_only_at_clips_on_which_the_two_differ():
    few, many = (PairedCounts(agreeing, 7, 1, agreeing) for agreeing in (1, 10_000))
    assert mcnemar(few.only_a, few.only_b) == mcnemar(many.only_a, many.only_b)


def test_drawing_tables_is_drawing_clips():
    a = np.arange(200) % 5 < 4
    b = np.arange(200) % 3 < 2
    clips = np.random.default_rng(1).integers(0, 200, (20_000, 200))
    drawn = (a[clips].mean(1), b[clips].mean(1))
    expected = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    interval = difference_interval(paired_counts(a, b), resamples=20_000)
    np.testing.assert_allclose(interval, expected, atol=0.006)  # one clip of 200 is 0.005


def test_the_interval_covers_the_true_difference_in_95_of_100_experiments():
    shares = np.array([0.55, 0.2, 0.1, 0.15])  # both, only a, only b, neither: the true difference is 0.1
    tables = np.random.default_rng(0).multinomial(1_000, shares, size=2_000)
    intervals = np.array(
        [
            difference_interval(PairedCounts(*table), resamples=1_000, seed=number)
            for number, table in enumerate(tables.tolist())
        ]
    )
    covered = (intervals[:, 0] <= 0.1) & (intervals[:, 1] >= 0.1)
    assert covered.mean() == pytest.approx(0.95, abs=0.02)


def test_the_interval_is_the_same_for_the_same_seed_and_turns_with_the_sides():
    counts = PairedCounts(50, 30, 10, 10)
    assert difference_interval(counts, seed=3) == difference_interval(counts, seed=3)
    low, high = difference_interval(counts)
    turned = difference_interval(PairedCounts(50, 10, 30, 10))
    assert turned == pytest.approx((-high, -low), abs=0.02)
    assert low < counts.difference < high
    assert difference_interval(PairedCounts(9, 0, 0, 1)) == (0, 0)


def test_holm_by_hand():
    # sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.04, made monotone 0.04, 0.06, 0.06, 0.06
    np.testing.assert_allclose(holm([0.03, 0.01, 0.04, 0.02]), [0.06, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    np.testing.assert_allclose(holm([0.3]), [0.3])


def test_kappa_by_hand():
    # 50 clips, 35 called alike: p_o = 0.7; margins 25/25 and 30/20: p_e = 0.5·0.6 + 0.5·0.4 = 0.5
    assert cohen_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)
    assert cohen_kappa(np.diag([3, 4, 5])) == pytest.approx(1)
    assert cohen_kappa(np.array([[4, 4], [4, 4]])) == pytest.approx(0)
    assert np.isnan(cohen_kappa(np.array([[7, 0], [0, 0]])))


def test_ece_by_hand():
    confidence = np.array([0.55, 0.65, 0.9, 0.9, 1.0])
    correct = np.array([True, False, True, True, False])
    curve = reliability_curve(
        confidence, correct, bins=5
    )  # edges 0, 0.2, ... 1; (0.4, 0.6], (0.6, 0.8], (0.8, 1]
    assert curve.counts.tolist() == [0, 0, 1, 1, 3]
    np.testing.assert_allclose(curve.confidence, [np.nan, np.nan, 0.55, 0.65, 2.8 / 3])
    np.testing.assert_allclose(curve.accuracy, [np.nan, np.nan, 1, 0, 2 / 3])
    # 1/5·0.45 + 1/5·0.65 + 3/5·(2.8 - 2) / 3
    assert curve.ece == pytest.approx(0.09 + 0.13 + 0.16)


def test_a_bin_ends_with_its_upper_edge_and_the_first_one_holds_0():
    curve = reliability_curve(np.array([0.0, 0.25, 0.250001, 1.0]), np.ones(4, bool), bins=4)
    assert curve.counts.tolist() == [2, 1, 0, 1]


def test_one_who_is_right_as_often_as_he_is_sure_is_calibrated():
    confidence = np.repeat(0.75, 8)
    assert reliability_curve(confidence, np.arange(8) < 6).ece == pytest.approx(0)


@pytest.mark.parametrize("confidence", [[], [0.5, 1.2], [-0.1, 0.5], [np.nan]])
def test_what_is_no_probability_is_refused(confidence):
    with pytest.raises(ValueError, match="probabilities"):
        reliability_curve(np.array(confidence), np.ones(len(confidence), bool))


@pytest.mark.parametrize("correct", [np.array([1, 0]), np.array([True])])
def test_who_is_right_is_told_by_a_bool_a_clip(correct):
    with pytest.raises(ValueError, match=r"correct must be bool \(2,\), got"):
        reliability_curve(np.array([0.9, 0.9]), correct)


def test_the_interval_of_a_mean_covers_it_and_narrows():
    values = np.random.default_rng(0).normal(1, 1, 400)
    found = mean_estimate(values)
    low, high = found["low"], found["high"]
    half = 1.96 * values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)
    assert mean_estimate(np.full(10, 0.25)) == {"value": 0.25, "low": 0.25, "high": 0.25}
    assert mean_estimate(np.full(9, 0.25)) == {"value": 0.25, "low": None, "high": None}


def test_an_interval_covers_what_it_should():
    """The ratio of sums, of 40 clips, in 200 simulations: 95 %, less a little as percentile intervals of few are."""
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        frames = generator.integers(1, 8, 40)
        found = estimate(generator.binomial(frames, 0.4), frames)
        covered += found["low"] <= 0.4 <= found["high"]
    assert 0.88 <= covered / 200 <= 0.99


def test_one_clip_has_no_interval():
    one = estimate(np.array([3.0]), np.array([4.0]))
    assert one == {"value": 0.75, "low": None, "high": None}
    assert estimate(np.array([3.0, 2.0]), np.array([4.0, 0.0])) == one  # nothing was measured in the second
    assert reach([one, {"value": 0.5, "low": 0.25, "high": 1.0}], "low") == [None, 0.25]
    assert in_words(one, ".3f") == "fewer than 10 clips, no interval"
    assert in_words({"low": -0.25, "high": 1.0}, "+.2f") == "95 %: -0.25 to +1.00"


def test_the_interval_of_a_mean_is_the_percentiles_of_the_means_of_2000_resamples():
    """Of a skewed mean, of which other intervals would be elsewhere."""
    values = np.arange(20.0) ** 2
    drawn = values[np.random.default_rng(0).integers(20, size=(2_000, 20))].mean(axis=1)
    found = mean_estimate(values)
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])))


def test_a_probability_that_float32_has_rounded_above_1_is_in_the_last_bin():
    curve = reliability_curve(np.array([1 + 5e-7, 0.5]), np.array([True, True]))
    assert curve.counts.tolist() == [0] * 7 + [1] + [0] * 6 + [1]
