"""Averages of W: equal to stack-and-mean for any sharding and order; windows, mass and divergence by hand."""

import tracemalloc

import numpy as np
import pytest
import torch

from analysis.relations.average import (
    RelationAverage,
    convergence,
    local_mass,
    local_windows,
    renormalised,
    resampled_divergence,
    window_divergence,
)
from analysis.relations.divergence import pairwise_js
from analysis.relations.numbers import most_structured


def random_relations(videos, seed=0, frames=5):
    generator = np.random.default_rng(seed)
    w = generator.dirichlet([1.0] * frames, (2, 2, videos, frames)).astype(np.float32)
    return {"S3B1": list(w[0]), "S5B2": list(w[1])}


def part(relations, chosen, labels):
    average = RelationAverage()
    for index in chosen:
        average.update({b: [w[[index]] for w in ws] for b, ws in relations.items()}, [labels[index]], [index])
    return average


def test_the_most_structured_block_is_farthest_from_uniform_rows():
    uniform, column = np.full((4, 4), 0.25), np.tile([0.3, 0.3, 0.2, 0.2], (4, 1))
    away = (1 - np.eye(4)) / 3  # from the diagonal
    entries = [{"mean": w.tolist()} for w in (uniform, column, away)]
    assert [most_structured(entries), most_structured(entries[:2]), most_structured(entries[:1])] == [2, 1, 0]


def test_mean_equals_stack_and_mean():
    relations = random_relations(7)
    average = RelationAverage()
    average.update({b: [w[:4] for w in ws] for b, ws in relations.items()})
    average.update({b: [w[4:] for w in ws] for b, ws in relations.items()})
    assert len(average) == 7
    assert average.keys == [("S3B1", 0), ("S3B1", 1), ("S5B2", 0), ("S5B2", 1)]
    for block, ws in relations.items():
        for mean, w in zip(average.mean[block], ws, strict=True):
            np.testing.assert_allclose(mean, w.astype(np.float64).mean(0), atol=1e-15)
            np.testing.assert_allclose(mean.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_any_sharding_and_order_gives_the_same(shards):
    relations, labels = random_relations(8), [0, 1, 0, 2, 1, 0, 2, 2]
    whole = part(relations, range(8), labels)
    order = np.random.default_rng(shards).permutation(8)
    merged = RelationAverage()
    for shard in range(shards):
        merged.merge(RelationAverage.from_arrays(part(relations, order[shard::shards], labels).to_arrays()))
    for block in relations:
        np.testing.assert_allclose(merged.mean[block], whole.mean[block], atol=1e-14)
        np.testing.assert_allclose(merged.mean_of_class(2)[block], whole.mean_of_class(2)[block], atol=1e-14)
    assert np.array_equal(merged.windows(("S3B1", 1)), whole.windows(("S3B1", 1)))


def test_an_average_keeps_what_it_says_of_each_video():
    """12 (T - 2) bytes a block and video in the windows, and what one index costs; nothing else grows."""
    relations = random_relations(64, frames=8)

    def kept(batches):
        tracemalloc.start()
        average = RelationAverage()
        for _ in range(batches):
            average.update(relations)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return size

    grown = (kept(60) - kept(20)) / (40 * 64)
    windows = 4 * 12 * 6
    assert windows <= grown < 1.15 * windows + 130


def test_batches_of_any_size_give_the_same_arrays():
    relations, labels = random_relations(7), [0, 1, 0, 2, 1, 0, 2]
    order = [4, 0, 6, 1, 5, 3, 2]
    singly = part(relations, order, labels)
    at_once = RelationAverage()
    at_once.update(
        {block: [w[order] for w in ws] for block, ws in relations.items()}, [labels[v] for v in order], order
    )
    at_once.windows(("S3B1", 0))  # looking does not keep it from growing
    arrays = singly.to_arrays()
    assert (singly.videos, singly.labels) == (order, [labels[video] for video in order])
    for name, values in at_once.to_arrays().items():
        assert np.array_equal(values, arrays[name]) and values.dtype == arrays[name].dtype, name
    again = RelationAverage.from_arrays(arrays)
    again.update({block: [w[:1] for w in ws] for block, ws in relations.items()})
    assert again.videos == [*order, 7]
    assert np.array_equal(again.windows(("S3B1", 1))[:7], singly.windows(("S3B1", 1)))


def test_classes_by_hand():
    relations, labels = random_relations(4), [0, 1, 1, 0]
    average = part(relations, range(4), labels)
    w = relations["S5B2"][1].astype(np.float64)
    np.testing.assert_allclose(average.mean_of_class(1)["S5B2"][1], (w[1] + w[2]) / 2, atol=1e-15)


def test_no_video_counts_twice():
    relations = random_relations(3)
    average = part(relations, [0, 1], [0, 0, 0])
    with pytest.raises(ValueError, match=r"\[2, 2\] name one more than once"):
        average.update({b: [w[[2, 2]] for w in ws] for b, ws in relations.items()}, [0, 0], [2, 2])
    with pytest.raises(ValueError, match=r"\[1\] are counted"):
        average.update({b: [w[[1]] for w in ws] for b, ws in relations.items()}, [0], [1])
    with pytest.raises(ValueError, match=r"\[1\] are counted in both"):
        average.merge(part(relations, [1, 2], [0, 0, 0]))


def test_other_blocks_and_no_relations_are_refused():
    average = part(random_relations(2), [0], [0, 0])
    with pytest.raises(ValueError, match="S3B2"):
        average.update({"S3B2": [np.full((1, 5, 5), 0.2)]})
    with pytest.raises(ValueError, match="no graph reasoner"):
        RelationAverage().update({})


UNIFORM = np.full((2, 5, 5), 0.2)


@pytest.mark.parametrize(
    ("relations", "options", "message"),
    [
        (UNIFORM, {"labels": [0]}, "1 labels are given for the relations of 2 videos"),
        (UNIFORM, {"videos": [7, 8, 9]}, "3 videos are given"),
        (UNIFORM[:1], {"labels": [0, 0]}, r"the shape \(1, 5, 5\); allowed: \(2, 5, 5\)"),
        (np.full((2, 4, 4), 0.25), {}, r"the shape \(2, 4, 4\); allowed: \(2, 5, 5\)"),
        (UNIFORM[0], {}, r"the shape \(5, 5\)"),
        (UNIFORM * np.nan, {}, r"\('S5B2', 0\) hold NaN"),
    ],
)
def test_relations_that_are_refused_leave_the_average_as_it_was(relations, options, message):
    average = RelationAverage()
    average.update({"S3B1": [UNIFORM], "S5B2": [UNIFORM]})
    before = average.to_arrays()
    with pytest.raises(ValueError, match=message):
        average.update({"S3B1": [UNIFORM], "S5B2": [relations]}, **options)
    after = average.to_arrays()
    assert before.keys() == after.keys() and all(np.array_equal(after[name], before[name]) for name in before)


def test_windows_and_divergence_by_hand():
    w = np.array([[0.7, 0.1, 0.1, 0.1], [0.2, 0.4, 0.2, 0.2], [0.0, 0.0, 0.5, 0.5], [0.25, 0.25, 0.25, 0.25]])
    np.testing.assert_allclose(local_windows(w), [[0.2, 0.4, 0.2], [0.0, 0.5, 0.5]])
    np.testing.assert_allclose(renormalised(local_windows(w)), [[0.25, 0.5, 0.25], [0, 0.5, 0.5]])
    found = window_divergence(w, base=2)
    assert found.pairs == [(1, 2)]
    # M = (1/8, 1/2, 3/8): ½ [¼ log2 2 + ¼ log2 ⅔] + ½ [½ log2 4/3]
    expected = 0.5 * (0.25 + 0.25 * np.log2(2 / 3)) + 0.25 * np.log2(4 / 3)
    assert found.summary == pytest.approx({"mean": expected, "max": expected, "std": 0.0})


def test_eight_frames_give_fifteen_pairs_of_which_equal_windows_are_zero():
    uniform = window_divergence(np.full((8, 8), 1 / 8))
    assert len(uniform.pairs) == 15
    assert uniform.pairs[0] == (1, 2)
    assert uniform.summary == {"mean": 0.0, "max": 0.0, "std": 0.0}


def test_local_mass_of_uniform_rows_is_chance_and_of_the_identity_one():
    uniform, identity = local_mass(np.full((8, 8), 1 / 8)), local_mass(np.eye(8))
    np.testing.assert_allclose(uniform.mass, uniform.chance)
    np.testing.assert_allclose(uniform.chance[1], [2 / 8] + [3 / 8] * 6 + [2 / 8])
    np.testing.assert_allclose(identity.mass, 1)
    np.testing.assert_allclose(uniform.mass[7], 1)


@pytest.mark.parametrize("shape", [(2, 2), (4, 5)])
def test_local_windows_are_of_square_matrices_of_three_frames_or_more(shape):
    with pytest.raises(ValueError, match="3 frames or more"):
        local_windows(np.ones(shape))


@pytest.mark.parametrize(
    ("w", "message"),
    [
        (UNIFORM, r"the shape \(2, 5, 5\); allowed: \(T, T\) of 4 frames or more, as RelationAverage"),
        (np.full((8, 9), 1 / 9), r"the shape \(8, 9\)"),
        (np.full((3, 3), 1 / 3), r"the shape \(3, 3\)"),
        (np.full((8, 8), 1 / 4), "a row of W sums to 2; allowed: 1"),
    ],
)
def test_the_divergence_is_that_of_one_matrix_of_distributions(w, message):
    with pytest.raises(ValueError, match=message):
        window_divergence(w)


def test_the_divergence_of_rows_that_were_rounded_to_half_precision():
    w = np.random.default_rng(0).dirichlet([1.0] * 8, 8)
    expected = window_divergence(w).values
    np.testing.assert_allclose(window_divergence(w.astype(np.float16)).values, expected, atol=1e-3)
    rounded = torch.from_numpy(w).bfloat16().float()
    np.testing.assert_allclose(window_divergence(rounded).values, expected, atol=1e-2)


def test_intervals_hold_the_value_and_shrink_with_videos():
    def interval(videos):
        windows = np.random.default_rng(1).dirichlet([4, 8, 4, 4], (videos, 4))[..., :3]
        intervals, left_out = resampled_divergence(windows, resamples=300)
        low, high = intervals["local_mass"]
        assert low < windows.sum(-1).mean() < high and left_out == 0
        return high - low

    assert interval(1600) < interval(100) / 3


def test_convergence_ends_at_the_average():
    windows = np.random.default_rng(2).dirichlet([2, 3, 2, 1], (11, 6))[..., :3].astype(np.float32)
    found = convergence(windows)
    assert found["videos"].tolist() == [1, 2, 4, 8, 11]
    assert found["distance"][-1] == 0
    np.testing.assert_allclose(
        found["distance"][0], np.abs(windows[0] - windows.astype(np.float64).mean(0)).max()
    )


def test_a_window_without_mass_has_no_distribution():
    w = np.zeros((4, 4))
    w[:, 3] = 1  # saturated: every step looks at the last
    with pytest.raises(ValueError, match="saturated"):
        window_divergence(w)
    windows = np.array([[[0.0, 0, 0], [0, 0, 1]], [[0.5, 0, 0], [0, 0, 1]]])
    assert convergence(windows)["videos"].tolist() == [2]
    assert all(len(values) == 0 for values in convergence(windows[:1]).values())


def test_intervals_are_those_of_the_resamples_in_which_every_window_has_mass():
    """Of ten videos one has mass at t = 1: 0.9^10 of the resamples lack it, JS is ln 2 in the others."""
    windows = np.array([[[0.5, 0, 0], [0, 0, 1]], *[[[0.0, 0, 0], [0, 0, 1]]] * 9])
    intervals, left_out = resampled_divergence(windows)
    assert left_out == pytest.approx(0.9**10, abs=0.05)
    assert intervals["mean"] == intervals["max"] == pytest.approx((np.log(2), np.log(2)))
    assert intervals["std"] == (0, 0)
    # Of all, for it needs no distribution: the one is drawn up to three times.
    assert intervals["local_mass"] == pytest.approx((0.5, 0.575))
    for few, without in ((windows[:9], 0), (windows[1:], 1)):
        intervals, left_out = resampled_divergence(few)
        assert (intervals["mean"], intervals["local_mass"], left_out) == (None, None, without)


def test_one_video_has_no_intervals():
    intervals, left_out = resampled_divergence(np.full((1, 4, 3), 0.1))
    assert (*intervals.values(), left_out) == (None, None, None, None, 0)


@pytest.mark.parametrize("different", [0.0, 0.2])
def test_intervals_of_js_hold_that_of_all_videos_in_an_average_over_few(different):
    """An average over few videos has a JS that is too high: percentiles of its resamples would never hold the true one."""
    generator = np.random.default_rng(3)
    windows = generator.dirichlet([0.2, 0.2, 0.2], (40_000, 6))
    windows[:, 0] = (1 - different) * windows[:, 0] + different * np.array([1, 0, 0])
    true = pairwise_js(renormalised(windows.mean(0)))[0].mean()
    held, too_high = [], []
    for videos in np.split(windows[: 40 * 50], 40):
        low, high = resampled_divergence(videos, resamples=200)[0]["mean"]
        held.append(low <= true + 1e-4 and true <= high + 1e-4)
        too_high.append(pairwise_js(renormalised(videos.mean(0)))[0].mean() > true)
    assert np.mean(held) >= 0.85 and np.mean(too_high) > 0.7


def test_the_summary_of_several_divergences():
    found = window_divergence(np.random.default_rng(0).dirichlet([1.0] * 5, 5))
    values = found.values
    assert found.summary == pytest.approx({"mean": values.mean(), "max": values.max(), "std": values.std()})
    windows = np.random.default_rng(2).dirichlet([2, 3, 2, 1], (11, 6))[..., :3]
    last = pairwise_js(renormalised(windows.mean(0)))[0].mean()
    assert convergence(windows)["js_mean"][-1] == pytest.approx(last)


def test_an_interval_of_a_divergence_does_not_begin_below_0():
    windows = np.random.default_rng(0).dirichlet([1.0] * 3, (20, 6))
    assert resampled_divergence(windows, resamples=200)[0]["mean"][0] == 0


def test_the_interval_of_the_mass_is_that_of_a_mean_of_many_videos():
    windows = np.random.default_rng(1).dirichlet([2, 3, 2, 1], (400, 6))[..., :3]
    mass = windows.sum(-1).mean(-1)
    low, high = resampled_divergence(windows, resamples=2_000)[0]["local_mass"]
    assert (high - low) / 2 == pytest.approx(1.96 * mass.std(ddof=1) / 20, rel=0.1)


def test_videos_without_an_index_are_counted_on_from_the_last():
    w, average = np.full((1, 5, 5), 0.2), RelationAverage()
    average.update({"S3B1": [w]}, videos=[5])
    average.update({"S3B1": [w]})
    assert average.videos == [5, 6]
