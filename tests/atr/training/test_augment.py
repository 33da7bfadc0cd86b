"""A clip is changed as a whole, and its label with it."""

from dataclasses import replace

import numpy as np
import pytest

from atr.data.symmetry import NO_CLASS, ClassSymmetry
from atr.training.augment import (
    Augmentation,
    augment,
    colour_matrix,
    coloured,
    crop_box,
    drawn_change,
    mirrored_share,
    shifted,
)
from atr.video.transforms import resize

# class 0 "left to right", 1 "right to left", 2 "up", 3 "down", 4 "to the left", whose mirror image is not in the list
SYMMETRY = ClassSymmetry(mirrored=(1, 0, 2, 3, NO_CLASS), reversed=(1, 0, 3, 2, NO_CLASS))
OFF = Augmentation(mirror=0, reverse=0, shift=0, light=0)


@pytest.fixture
def frames():
    """(T, H, W, 3) = (3, 6, 6, 3)"""
    return np.random.default_rng(0).integers(256, size=(3, 6, 6, 3), dtype=np.uint8)


def augmented(frames, label, symmetry=SYMMETRY, seed=0, size=6, **strength):
    return augment(frames, label, symmetry, replace(OFF, **strength), size, np.random.default_rng(seed))


def test_all_off_changes_nothing(frames):
    seen, label = augmented(frames, 2)
    assert np.array_equal(seen, frames)
    assert label == 2


@pytest.mark.parametrize(("label", "mirrored", "backwards"), [(0, 1, 1), (1, 0, 0), (2, 2, 3), (3, 3, 2)])
def test_mirror_and_reverse_exchange_the_labels(frames, label, mirrored, backwards):
    seen, found = augmented(frames, label, mirror=1)
    assert np.array_equal(seen, frames[:, :, ::-1])
    assert found == mirrored
    seen, found = augmented(frames, label, reverse=1)
    assert np.array_equal(seen, frames[::-1])
    assert found == backwards
    seen, found = augmented(frames, label, mirror=1, reverse=1)
    assert np.array_equal(seen, frames[::-1, :, ::-1])
    assert found == SYMMETRY.reversed[mirrored]


def test_a_class_without_a_mirror_image_is_never_flipped(frames):
    for seed in range(20):
        seen, label = augmented(frames, 4, seed=seed, mirror=1, reverse=1)
        assert np.array_equal(seen, frames)
        assert label == 4


def test_nothing_is_flipped_where_nothing_is_known_of_the_classes(frames):
    seen, label = augmented(frames, 0, symmetry=None, mirror=1)
    assert np.array_equal(seen, frames)
    assert label == 0
    for unknown in (None, ClassSymmetry(mirrored=(0,))):
        with pytest.raises(ValueError, match="reverse=1, but the classes of reversed clips are not known"):
            augmented(frames, 0, symmetry=unknown, reverse=1)


def test_without_a_word_of_it_only_clips_of_known_tables_are_flipped(frames):
    for known in (True, False):
        symmetry = replace(SYMMETRY, known=known)
        assert mirrored_share(replace(OFF, mirror=None), symmetry) == (0.5 if known else 0)
        assert mirrored_share(replace(OFF, mirror=0.3), symmetry) == 0.3
        seen = [augmented(frames, 2, symmetry, seed, mirror=None)[0] for seed in range(40)]
        assert any(np.array_equal(clip, frames[:, :, ::-1]) for clip in seen) == known
    assert mirrored_share(replace(OFF, mirror=1.0), None) == 0
    assert Augmentation().mirror is None


def test_half_of_the_clips_are_mirrored_and_frames_keep_their_label():
    frames = np.zeros((1, 1, 2, 3), np.uint8)
    frames[:, :, 0] = 255
    frames = np.repeat(frames, 2, axis=1)  # white on the left
    flips = 0
    for seed in range(400):
        seen, label = augmented(frames, 0, seed=seed, size=2, mirror=0.5)
        assert (seen[0, 0, 1, 0] == 255) == (label == 1)
        flips += label == 1
    assert 160 < flips < 240


def test_what_follows_a_flip_does_not_depend_on_the_class(frames):
    """Else two classes would see other colours for the same draw."""
    strength = {"mirror": 1, "light": 0.5}
    flipped, _ = augmented(frames, 0, **strength)
    unflipped, _ = augmented(frames, 4, **strength)
    assert np.array_equal(flipped[:, :, ::-1], unflipped)


def test_shift_repeats_the_border():
    frames = np.broadcast_to(np.arange(3, dtype=np.uint8)[:, None], (1, 3, 3, 3))
    assert shifted(frames, (1, 2), margin=1)[0, 0, :, 0].tolist() == [1, 2, 2]
    assert np.array_equal(shifted(frames, (1, 1), margin=1), frames)


@pytest.mark.parametrize("margin", [2, 9])  # 9: farther than the frames are large
@pytest.mark.parametrize("place", [(0, 0), (0, 1), (0.5, 0.5), (1, 0.25), (1, 1)])
def test_shift_is_a_cut_from_padded_frames(frames, margin, place):
    top, left = offset = [round(2 * margin * share) for share in place]
    padded = np.pad(frames, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
    assert np.array_equal(shifted(frames, offset, margin), padded[:, top : top + 6, left : left + 6])


def test_crops_are_at_the_corners_or_in_the_centre_and_nearly_square():
    height, width, scales = 100, 160, (1.0, 0.875, 0.75, 0.66)
    sides = [100, 88, 75, 66]
    boxes = {crop_box(height, width, scales, np.random.default_rng(seed)) for seed in range(2000)}
    for h, w, top, left in boxes:
        assert abs(sides.index(h) - sides.index(w)) <= 1
        at_corner = top in (0, height - h) and left in (0, width - w)
        assert at_corner or (top, left) == ((height - h) // 2, (width - w) // 2)
    assert {(h, w) for h, w, *_ in boxes} == {
        (a, b) for i, a in enumerate(sides) for j, b in enumerate(sides) if abs(i - j) <= 1
    }
    assert {(top, left) for h, w, top, left in boxes if (h, w) == (75, 75)} == {
        (0, 0),
        (0, 85),
        (25, 0),
        (25, 85),
        (12, 42),
    }


def test_crops_of_squeezed_frames_are_shares_of_each_side():
    scales, heights, widths = (1.0, 0.875, 0.75, 0.66), [100, 88, 75, 66], [160, 140, 120, 106]
    boxes = {crop_box(100, 160, scales, np.random.default_rng(seed), "squeeze") for seed in range(2000)}
    assert {(h, w) for h, w, *_ in boxes} == {
        (a, b) for i, a in enumerate(heights) for j, b in enumerate(widths) if abs(i - j) <= 1
    }
    corners = {(0, 0), (0, 40), (25, 0), (25, 40)}
    assert {(top, left) for h, w, top, left in boxes if (h, w) == (75, 120)} == {*corners, (12, 20)}


def test_the_largest_crop_of_a_squeezed_frame_is_all_of_it():
    wide = np.random.default_rng(0).integers(256, size=(3, 6, 24, 3), dtype=np.uint8)
    strength, generator = replace(OFF, crop_scales=(1.0,)), np.random.default_rng(0)
    seen, _ = augment(wide, 0, SYMMETRY, strength, 6, generator, fit="squeeze")
    assert np.array_equal(seen, resize(wide, 6, 6))


def test_every_frame_is_cropped_alike_to_the_size(frames):
    still = np.repeat(frames[:1], 4, axis=0)
    seen, _ = augmented(still, 0, seed=3, size=4, crop_scales=(0.66,))
    assert seen.shape == (4, 4, 4, 3)
    corners = [still[0, y : y + 4, x : x + 4] for y in (0, 2) for x in (0, 2)]
    assert any(np.array_equal(seen[0], corner) for corner in [*corners, still[0, 1:5, 1:5]])
    assert all(np.array_equal(frame, seen[0]) for frame in seen)
    with pytest.raises(ValueError, match="crop_scales is empty, so frames must be 4×4; they are 6×6"):
        augmented(frames, 0, size=4)


def test_colours_of_all_frames_change_by_the_same_gains():
    frames = np.full((2, 4, 4, 3), 100, np.uint8)
    gains = np.array([augmented(frames, 0, seed=s, size=4, light=0.2)[0][:, 0, 0] for s in range(50)]) / 100
    assert np.array_equal(gains[:, 0], gains[:, 1])
    assert 0.8 <= gains.min() < 0.85
    assert 1.15 < gains.max() <= 1.2
    assert not np.array_equal(gains[..., 0], gains[..., 1])


def test_saturation_keeps_grey_and_luma_and_contrast_keeps_mid_grey():
    generator = np.random.default_rng(0)
    saturation = colour_matrix(replace(OFF, saturation=0.9), generator)
    assert saturation @ [7, 7, 7, 1] == pytest.approx([7, 7, 7])
    luma = np.array([0.299, 0.587, 0.114])
    assert luma @ (saturation @ [10, 200, 60, 1]) == pytest.approx(luma @ [10, 200, 60])
    contrast = colour_matrix(replace(OFF, contrast=0.9), generator)
    assert contrast @ [127.5, 127.5, 127.5, 1] == pytest.approx([127.5] * 3)
    assert contrast[0, 0] != pytest.approx(1)
    drawn = [colour_matrix(replace(OFF, contrast=0.5), generator)[0, 0] for _ in range(50)]
    assert min(drawn) < 0.6 and max(drawn) > 1.4


class ByHand:
    """Draws gains of 1, -1 and 0 times their strength, and -1 of all else."""

    def uniform(self, low, high, size=None):
        return -1.0 if size is None else np.array([1.0, -1.0, 0.0])


def test_channels_have_their_gains_before_saturation_mixes_them():
    """With a saturation of 0 all channels are the luma of the gained ones."""
    strength = replace(OFF, light=0.5, saturation=1.0)
    luma = 0.299 * 1.5 * 10 + 0.587 * 0.5 * 200 + 0.114 * 60
    assert colour_matrix(replace(strength, contrast=0.0), ByHand()) @ [10, 200, 60, 1] == pytest.approx(
        [luma] * 3
    )


def test_colours_are_rounded_and_cut_off():
    frames = np.array([0, 100, 200], np.uint8).reshape(1, 1, 1, 3)
    doubled = np.hstack([2 * np.eye(3), [[-1], [0.6], [0]]])
    assert coloured(frames, doubled).ravel().tolist() == [0, 201, 255]


@pytest.mark.parametrize(
    ("strength", "named"),
    [
        ({"crop_scales": (1.5,)}, "crop_scales=\\(1.5,\\) is not possible; allowed: shares above 0, up to 1"),
        ({"crop_scales": (0.0,)}, "crop_scales=\\(0.0,\\) is not possible"),
        ({"contrast": 1.5}, "contrast=1.5 is not possible; allowed: 0 to 1"),
        ({"mirror": 2}, "mirror=2 is not possible; allowed: 0 to 1"),
        ({"shift": -1}, "shift=-1 is not possible"),
    ],
)
def test_impossible_strengths_are_refused(strength, named):
    with pytest.raises(ValueError, match=named):
        Augmentation(**strength)


def test_every_shift_can_be_drawn():
    g = np.random.default_rng(0)
    drawn = np.array(
        [drawn_change(0, None, Augmentation(reverse=0.0, shift=2), g).offset for _ in range(300)]
    )
    assert [set(each.tolist()) for each in drawn.T] == [set(range(5))] * 2


def test_a_crop_has_a_pixel_at_least():
    assert crop_box(1, 8, (0.4,), np.random.default_rng(0))[:2] == (1, 1)
