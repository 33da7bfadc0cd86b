import numpy as np
import pytest

from analysis.localization import (
    Localization,
    Tally,
    average_precision,
    baselines,
    cell_shares,
    localize,
    mass_inside,
    merge,
    overlaps,
    pointing_game,
)


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
    assert pointing_game(maps, masks) == pytest.approx(2 / 3)
    assert pointing_game(maps, masks, np.array([True, True, False])) == pytest.approx(1 / 2)


def test_frames_without_a_mask_are_left_out():
    maps = np.random.default_rng(0).normal(size=(2, 4, 4))
    masks = masks_of((0, 0, 8, 8), (0, 0, 0, 0))
    assert mass_inside(maps, masks) == Tally(num_frames=1, hits=1, mass=pytest.approx(1), area=1)
    assert np.isnan(pointing_game(maps, masks, np.array([False, True])))
    assert np.isnan(average_precision(maps, masks, np.array([False, True])))


def test_tied_cells_share_the_point():
    assert pointing_game(np.zeros((1, 4, 4)), masks_of((0, 0, 4, 4))) == 0.25


def test_mass_inside_by_hand():
    maps = np.log(np.array([[[4.0, 2], [1, 1]]]))  # softmax: 1/2, 1/4, 1/8, 1/8
    tally = mass_inside(maps, masks_of((0, 0, 4, 6)))  # the first cell and half of the second
    assert tally.mass_inside == pytest.approx(1 / 2 + 1 / 8)
    assert tally.area_share == pytest.approx(24 / 64)
    assert tally.ratio == pytest.approx((5 / 8) / (3 / 8))


def test_a_constant_map_has_the_ratio_one():
    masks = np.random.default_rng(1).random((5, 13, 9)) < 0.3
    assert mass_inside(np.full((5, 4, 7), 3.0), masks).ratio == pytest.approx(1)


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


def test_localize_counts_targets_and_distractors_on_acting_frames():
    maps = np.zeros((3, 4, 4))
    maps[0, 0, 0] = maps[1, 3, 3] = maps[2, 0, 0] = 5
    targets = masks_of((0, 0, 2, 2), (0, 0, 2, 2), (0, 0, 2, 2))
    distractors = masks_of((6, 6, 8, 8), (6, 6, 8, 8), (0, 0, 0, 0))
    result = localize({"S3B1": maps}, targets, distractors, np.array([True, True, False]))["S3B1"].to_dict()
    assert (result["frames"], result["pointing"]) == (2, 0.5)
    assert (result["distractor_frames"], result["distractor_pointing"]) == (2, 0.5)
    assert result["ratio"] == pytest.approx(result["distractor_ratio"])
    alone = localize({"S3B1": maps}, targets)["S3B1"].to_dict()
    assert alone["frames"] == 3 and alone["distractor_frames"] == 0 and np.isnan(alone["distractor_ratio"])


def test_clips_add_up():
    generator = np.random.default_rng(4)
    maps, masks = generator.normal(size=(6, 4, 4)), generator.random((6, 8, 8)) < 0.3
    whole = localize({"S5B1": maps}, masks, ~masks)
    parts = merge(
        localize({"S5B1": maps[:2]}, masks[:2], ~masks[:2]),
        localize({"S5B1": maps[2:]}, masks[2:], ~masks[2:]),
    )
    assert parts["S5B1"].to_dict() == pytest.approx(whole["S5B1"].to_dict())
    assert merge({}, whole) == whole
    assert Localization() + whole["S5B1"] == whole["S5B1"]


def test_baselines():
    frames = np.full((4, 16, 16, 3), 100, np.uint8)
    frames[2:, 4:8, 8:12] = 200  # appears between frames 1 and 2
    maps = baselines(frames, 4, 4)
    masks = masks_of(*[(4, 8, 8, 12)] * 4, size=16)
    assert pointing_game(maps["frame difference"], masks, np.arange(4) == 1) == 1
    assert mass_inside(maps["frame difference"], masks, np.arange(4) == 1).mass_inside == pytest.approx(1)
    assert mass_inside(maps["uniform"], masks).ratio == pytest.approx(1)
    assert mass_inside(maps["centre"], masks).ratio > 1
    assert np.isfinite(baselines(frames[:1], 3, 5)["frame difference"]).all()


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"masks bool \(L, H, W\)"):
        pointing_game(np.zeros((2, 4, 4)), np.zeros((3, 8, 8), bool))
    with pytest.raises(ValueError, match="uint8"):
        pointing_game(np.zeros((2, 4, 4)), np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="frames must be bool"):
        pointing_game(np.zeros((2, 4, 4)), np.ones((2, 8, 8), bool), np.array([0, 1]))
