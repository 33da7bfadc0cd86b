from dataclasses import astuple

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu, spearmanr

from analysis.localize.maps import Map
from analysis.localize.measures import (
    Tally,
    acting_above,
    average_precision,
    baselines,
    cell_shares,
    centre_prior,
    overlaps,
    spearman,
    tally,
    weights_of,
)
from analysis.localize.numbers import mean_value


def masks_of(*corners, size=8):
    """One frame per (top, left, bottom, right)."""
    masks = np.zeros((len(corners), size, size), bool)
    for mask, (top, left, bottom, right) in zip(masks, corners, strict=True):
        mask[top:bottom, left:right] = True
    return masks


def test_pointing_game_by_hand():
    maps = np.zeros((3, 4, 4))  # cells of 2x2 pixels, centres at pixels 1, 3, 5, 7
    maps[0, 0, 3] = maps[1, 3, 0] = maps[2, 1, 1] = 1
    masks = masks_of((0, 6, 2, 8), (0, 0, 4, 4), (2, 2, 4, 4))
    found, of_two = tally(maps, masks), tally(maps, masks, np.array([True, True, False]))
    assert (found.hits, found.num_frames) == (2, 3) and (of_two.hits, of_two.num_frames) == (1, 2)


def test_frames_without_a_mask_are_left_out():
    maps = np.random.default_rng(0).normal(size=(2, 4, 4))
    masks = masks_of((0, 0, 8, 8), (0, 0, 0, 0))
    assert tally(maps, masks) == Tally(num_frames=1, hits=1, mass=pytest.approx(1), area=1)
    assert tally(maps, masks, np.array([False, True])) == Tally()
    assert np.isnan(average_precision(maps, masks, np.array([False, True])))


def test_tied_cells_share_the_point():
    assert tally(np.zeros((1, 4, 4)), masks_of((0, 0, 4, 4))).hits == 0.25


def test_mass_inside_by_hand():
    maps = np.log(np.array([[[4.0, 2], [1, 1]]]))  # softmax: 1/2, 1/4, 1/8, 1/8
    found = tally(maps, masks_of((0, 0, 4, 6)))  # the first cell and half of the second
    assert (found.mass, found.area) == pytest.approx((1 / 2 + 1 / 8, 24 / 64))


def ratio(found):
    """Mass over area; 1 is chance."""
    return found.mass / found.area


def test_a_constant_map_has_the_ratio_one():
    masks = np.random.default_rng(1).random((5, 13, 9)) < 0.3
    assert ratio(tally(np.full((5, 4, 7), 3.0), masks)) == pytest.approx(1)
    centres = (np.array([0.05, 0.3, 0.55, 0.8]), (np.arange(7) + 0.1) / 7)
    for kind in ("logits", "heat"):
        assert ratio(tally(np.full((5, 4, 7), 3.0), masks, kind=kind, centres=centres)) == pytest.approx(1)


def test_cells_count_by_their_areas():
    """Centres at 1 and 3 of 8 pixels, down and across: cells of 2 and 6 pixels a side, weights 1 and 3, 3 and 9."""
    centres = (np.array([1, 3]) / 8, np.array([1, 3]) / 8)
    maps = np.log(np.array([[[4.0, 1], [1, 1]]]))  # 4 and 3, 3 and 9 of 19
    found = tally(maps, masks_of((0, 0, 2, 5)), centres=centres)  # the first cell and half of the second
    assert found.mass == pytest.approx((4 + 3 / 2) / 19)
    halves = (np.array([0.25, 0.75]),) * 2
    equal = tally(maps, masks_of((0, 0, 2, 5)), centres=halves)
    assert equal.mass == pytest.approx(tally(maps, masks_of((0, 0, 2, 5))).mass)


@pytest.mark.parametrize(("height", "width"), [(3, 5), (7, 7), (13, 9), (20, 30)])
def test_cell_shares_keep_the_area_for_any_sizes(height, width):
    masks = np.random.default_rng(2).random((3, 13, 9)) < 0.5
    np.testing.assert_allclose(
        cell_shares(masks, height, width).mean(axis=(1, 2)), masks.mean(axis=(1, 2)), atol=1e-12
    )


def test_overlaps_by_hand():
    np.testing.assert_allclose(overlaps(2, 3), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])


def test_average_precision_by_hand():
    masks = np.array([[[True, False], [True, False]]])
    # ranked: + - + -, so precision 1 at recall 1/2 and 2/3 at recall 1
    assert average_precision(np.array([[[4.0, 3], [2, 1]]]), masks) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert average_precision(masks.astype(float), masks) == 1
    assert average_precision(np.zeros((1, 2, 2)), masks) == 0.5  # all tied: the mask's share


def test_average_precision_depends_on_the_order_of_values_only():
    generator = np.random.default_rng(3)
    maps, masks = generator.normal(size=(4, 6, 6)), generator.random((4, 6, 6)) < 0.3
    assert average_precision(maps, masks) == pytest.approx(average_precision(maps * 5 - 2, masks))


def test_clips_add_up():
    generator = np.random.default_rng(4)
    maps, masks = generator.normal(size=(6, 4, 4)), generator.random((6, 8, 8)) < 0.3
    parts = [astuple(tally(maps[rows], masks[rows])) for rows in (slice(2), slice(2, 6))]
    whole = tally(maps, masks)
    assert np.sum(parts, axis=0) == pytest.approx(astuple(whole)) and whole.num_frames == 6


def test_weights_of_logits_are_a_softmax_and_those_of_heat_a_share():
    maps = np.array([[[1.0, 3], [0, 4]], [[0, 0], [0, 0]]])
    np.testing.assert_allclose(weights_of(maps, "heat")[0], [[1 / 8, 3 / 8], [0, 4 / 8]])
    np.testing.assert_allclose(weights_of(maps, "heat")[1], 1 / 4)  # no heat says nothing of place
    exponentials = np.exp(maps[0])
    np.testing.assert_allclose(weights_of(maps, "logits")[0], exponentials / exponentials.sum())
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        weights_of(np.array([[[1.0, -1]]]), "heat")
    with pytest.raises(ValueError, match="kind='map' is unknown; allowed: logits, heat"):
        weights_of(maps, "map")


def test_mass_of_heat_by_hand():
    heat = np.array([[[4.0, 2], [1, 1]]])
    found = tally(heat, masks_of((0, 0, 4, 6)), kind="heat")  # the first cell and half of the second
    assert found.mass == pytest.approx(4 / 8 + 1 / 8)
    # the same weights as logits
    assert tally(np.log(heat), masks_of((0, 0, 4, 6))).mass == pytest.approx(found.mass)


def test_a_frame_without_heat_scores_what_chance_does():
    found = tally(np.zeros((1, 4, 4)), masks_of((0, 0, 4, 4)), kind="heat")
    assert found.hits == 0.25 and ratio(found) == pytest.approx(1)


def test_rank_agreement_by_hand():
    acting = np.array([[False, True, True, False]] * 3)
    values = np.array([[1.0, 3, 4, 2], [2, 1, 3, 3], [5, 5, 5, 5]])
    # ranks 1 3 4 2 and flags -1 1 1 -1 about their means: (1.5 + .5 + 1.5 + .5) / sqrt(5 * 4)
    # second: of the pairs 1<2, 1<3, 3>2, 3=3 one and a half are won; ranks 2 1 3.5 3.5
    expected = [4 / np.sqrt(20), (0.5 - 1.5 + 1 - 1) / np.sqrt((0.25 + 2.25 + 2) * 4), 0]
    np.testing.assert_allclose(spearman(values, acting), expected)
    np.testing.assert_allclose(acting_above(values, acting), [1, 1.5 / 4, 1 / 2])


def test_rank_agreement_is_scipys():
    generator = np.random.default_rng(5)
    values = generator.integers(0, 6, (20, 9)).astype(float)  # with ties
    acting = generator.random((20, 9)) < 0.5
    for clip in range(20):
        inside, outside = values[clip][acting[clip]], values[clip][~acting[clip]]
        u = mannwhitneyu(inside, outside).statistic / (len(inside) * len(outside))
        assert acting_above(values, acting)[clip] == pytest.approx(u)
        rho = spearmanr(values[clip], acting[clip]).statistic
        assert spearman(values, acting)[clip] == pytest.approx(rho)


def test_frames_of_one_kind_say_nothing():
    values, acting = np.arange(8.0).reshape(2, 4), np.array([[True] * 4, [False] * 4])
    assert np.isnan(spearman(values, acting)).all() and np.isnan(acting_above(values, acting)).all()
    with pytest.raises(ValueError, match=r"acting must be bool \(2, 4\), got int64"):
        acting_above(values, acting.astype(int))


def test_baselines():
    frames = np.full((4, 16, 16, 3), 100, np.uint8)
    frames[2:, 4:8, 8:12] = 200  # appears between frames 1 and 2
    maps = baselines(frames, 4, 4)
    masks = masks_of(*[(4, 8, 8, 12)] * 4, size=16)
    appearing = tally(maps["frame difference"], masks, np.arange(4) == 1)
    assert (appearing.hits, appearing.mass) == pytest.approx((1, 1))
    assert ratio(tally(maps["uniform"], masks)) == pytest.approx(1)
    assert ratio(tally(maps["centre"], masks)) > 1
    assert np.isfinite(baselines(frames[:1], 3, 5)["frame difference"]).all()


def test_the_mean_of_the_frame_difference_is_in_grey_levels():
    """One pixel that changes much is more than all that change a little, although the others stand still."""
    frames = np.zeros((3, 4, 4, 3), np.uint8)
    frames[1] = 1
    frames[2] = 1
    frames[2, 0, 0] = 201
    values = baselines(frames, 4, 4)["frame difference"]
    np.testing.assert_allclose(
        mean_value(Map("frame difference", None, "logits"), values)[:2], [1, 12.5], rtol=1e-5
    )


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"masks bool \(L, H, W\)"):
        tally(np.zeros((2, 4, 4)), np.zeros((3, 8, 8), bool))
    with pytest.raises(ValueError, match="uint8"):
        tally(np.zeros((2, 4, 4)), np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="frames must be bool"):
        tally(np.zeros((2, 4, 4)), np.ones((2, 8, 8), bool), np.array([0, 1]))


def test_maps_as_record_gives_them_are_measured_as_arrays_are():
    maps, masks = torch.arange(8.0).reshape(2, 2, 2), np.arange(8).reshape(2, 2, 2) % 3 == 0
    assert tally(maps, masks) == tally(maps.numpy(), masks)
    assert average_precision(maps, masks) == average_precision(maps.numpy(), masks)


def test_a_map_without_numbers_has_no_precision():
    maps, masks = np.full((1, 2, 2), np.nan), np.arange(4).reshape(1, 2, 2) < 2
    with pytest.raises(ValueError, match="the maps hold NaN"):
        average_precision(maps, masks)
    assert np.isnan(average_precision(maps, masks, np.array([False])))  # in a frame that is not looked at


def test_the_last_frame_has_the_difference_of_the_one_before():
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    maps = baselines(frames, 4, 4)["frame difference"]
    np.testing.assert_array_equal(maps[-1], maps[-2])


def test_baselines_by_hand():
    np.testing.assert_allclose(centre_prior(4), [-1.125, -0.125, -0.125, -1.125])
    frames = np.zeros((2, 2, 2, 3), np.uint8)
    frames[1, 0] = 200
    brighter, darker = (baselines(each, 2, 2)["frame difference"] for each in (frames, frames[::-1]))
    np.testing.assert_allclose(brighter, darker)
