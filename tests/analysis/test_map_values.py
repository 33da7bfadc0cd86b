import numpy as np
import pytest
import torch

from analysis.map_values import (
    TOGETHER,
    colour_limits,
    map_values,
    normalise,
    temporal_emphasis,
    together,
    upsample,
    with_together,
)


def test_normalisations_by_hand():
    maps = np.log(np.array([[[1.0, 2], [3, 4]]]))
    assert normalise(maps, "raw") is maps
    np.testing.assert_allclose(normalise(maps, "sigmoid"), [[[1 / 2, 2 / 3], [3 / 4, 4 / 5]]])
    np.testing.assert_allclose(normalise(maps, "softmax"), [[[0.1, 0.2], [0.3, 0.4]]])


def test_frames_far_apart_have_a_softmax_each():
    far = np.array([[[0.0, 0.0]], [[2000.0, 2000.0]]], np.float32)
    np.testing.assert_allclose(normalise(far, "softmax"), 0.5)


def test_an_unknown_normalisation_is_named():
    with pytest.raises(ValueError, match="normalisation='minmax' is unknown; allowed: raw, sigmoid, softmax"):
        normalise(np.zeros((1, 2, 2)), "minmax")


def test_softmax_hides_a_weak_frame_and_the_clip_scale_shows_it():
    pattern = np.random.default_rng(1).normal(size=(4, 4))
    maps = np.stack([pattern, pattern - 10])  # the same place, far weaker as a whole
    weights = normalise(maps, "softmax")
    np.testing.assert_allclose(weights[0], weights[1])
    low, high = colour_limits(maps)
    assert maps[1].max() < (low + high) / 2 < maps[0].min()
    assert np.diff(temporal_emphasis(maps)["peak"])[0] == pytest.approx(-10)


def test_colour_limits_leave_out_half_a_percent_at_each_end():
    assert colour_limits(np.arange(1001.0).reshape(1, 7, 143)) == pytest.approx((5, 995))
    assert colour_limits(np.full((3, 2, 2), 0.5)) == (0.5, 1.5)


def test_temporal_emphasis_by_hand():
    maps = np.log(np.array([[[1.0, 1], [1, 1]], [[1, 1], [1, 5]]]))
    emphasis = temporal_emphasis(maps)
    np.testing.assert_allclose(emphasis["peak"], [0, np.log(5)])
    np.testing.assert_allclose(emphasis["mean"], [0, np.log(5) / 4])
    # softmax of the second: 1/8 three times and 5/8
    entropy = 3 / 8 * np.log(8) + 5 / 8 * np.log(8 / 5)
    np.testing.assert_allclose(emphasis["entropy"], [np.log(4), entropy])
    np.testing.assert_allclose(emphasis["normalised_entropy"], [1, entropy / np.log(4)])


def test_upsampling_puts_cell_values_at_cell_centres():
    up = upsample(np.array([[0.0, 1], [2, 3]]), 6, 6)
    assert up.dtype == np.float32 and up.shape == (6, 6)
    np.testing.assert_allclose(up[1::3, 1::3], [[0, 1], [2, 3]], atol=1e-6)
    assert up.mean() == pytest.approx(1.5)


def test_maps_of_several_blocks_together_by_hand():
    """Two frames. The fine block stands out in one cell of four, the coarse one in the second frame; one is constant."""
    fine, coarse = np.zeros((2, 2, 2), np.float32), np.array([[[-1.0]], [[3.0]]], np.float32)
    fine[0, 0, 1] = 8
    maps = {"fine": fine, "coarse": coarse, "constant": np.full((2, 1, 1), 5, np.float32)}
    found = together(maps)
    assert found.shape == (2, 2, 2)
    np.testing.assert_allclose(found[0], [[0, 8 / fine.std() / 3], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(
        found[1], (3 - 1) / 2 / 3, rtol=1e-6
    )  # above the median 1, over the deviation 2
    shifted = together({"fine": 100 * fine - 7, "coarse": coarse, "constant": maps["constant"]})
    np.testing.assert_allclose(shifted, found, rtol=1e-5)  # no block speaks louder than another
    assert list(with_together(maps)) == [*maps, "all blocks"]
    assert with_together({"fine": fine}).keys() == {"fine"}


def test_what_is_shown_is_normalised_by_block_and_of_all_together_as_it_is():
    maps = {"S3B1": np.arange(8.0).reshape(2, 2, 2), "S5B2": np.array([[[0.0]], [[1.0]]])}
    shown = map_values(maps, "sigmoid")
    assert list(shown) == ["S3B1", "S5B2", TOGETHER]
    np.testing.assert_allclose(shown["S5B2"].ravel(), [0.5, 1 / (1 + np.exp(-1))])
    np.testing.assert_array_equal(shown[TOGETHER], together(maps))
    assert list(map_values({"S3B1": maps["S3B1"]}, "raw")) == ["S3B1"]


def test_all_blocks_together_lie_where_their_cells_do():
    centres = (np.array([0.5]), np.array([0.125, 0.625]))
    np.testing.assert_allclose(
        together({"S3B1": np.array([[[0.0, 4]]], np.float32)}, {"S3B1": centres}), [[[0.25, 1]]]
    )
    maps = {"S3B1": np.array([[[0.0, 4]]]), "S5B1": np.array([[[1.0, 2]]])}
    places = dict.fromkeys(maps, centres)
    np.testing.assert_array_equal(map_values(maps, "raw", places)[TOGETHER], together(maps, places))


def test_other_shapes_are_named():
    with pytest.raises(ValueError, match=r"the map has the shape \(3, 2, 2\); allowed: \(h, w\)"):
        upsample(np.zeros((3, 2, 2)), 6, 6)
    with pytest.raises(ValueError, match=r"the maps have the shape \(1, 3, 2, 2\); allowed: \(L, h, w\)"):
        temporal_emphasis(np.zeros((1, 3, 2, 2)))


def test_tensors_as_record_gives_them_are_taken_as_arrays_are():
    maps = np.random.default_rng(0).normal(size=(3, 2, 2)).astype(np.float32)
    tensor = torch.from_numpy(maps)
    np.testing.assert_array_equal(upsample(tensor[0], 6, 6), upsample(maps[0], 6, 6))
    np.testing.assert_array_equal(together({"S3B1": tensor}), together({"S3B1": maps}))
    np.testing.assert_array_equal(normalise(tensor, "softmax"), normalise(maps, "softmax"))
    for name, values in temporal_emphasis(maps).items():
        np.testing.assert_array_equal(temporal_emphasis(tensor)[name], values)


def test_a_map_of_one_position_is_as_spread_as_it_can_be():
    assert temporal_emphasis(np.zeros((2, 1, 1)))["normalised_entropy"].tolist() == [1, 1]
