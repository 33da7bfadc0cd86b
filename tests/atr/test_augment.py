"""Augmentation exchanges labels together with frames."""

import torch

from atr.augment import Augmentation, augment, shifted
from atr.data import ClassSymmetry

# class 0 "left to right", 1 "right to left", 2 "up", 3 "down"
SYMMETRY = ClassSymmetry(reversed=(1, 0, 3, 2), mirrored=(1, 0, 2, 3))


def augmented(frames, labels, **strength):
    settings = Augmentation(**{"mirror": 0, "reverse": 0, "shift": 0, "light": 0} | strength)
    return augment(frames, labels, SYMMETRY, settings, torch.Generator().manual_seed(0))


def test_mirror_and_reverse_exchange_the_labels():
    frames, labels = torch.rand(4, 3, 3, 5, 5), torch.arange(4)
    seen, found = augmented(frames, labels, mirror=1)
    assert torch.equal(seen, frames.flip(-1))
    assert found.tolist() == [1, 0, 2, 3]
    seen, found = augmented(frames, labels, reverse=1)
    assert torch.equal(seen, frames.flip(1))
    assert found.tolist() == [1, 0, 3, 2]
    seen, found = augmented(frames, labels, mirror=1, reverse=1)
    assert torch.equal(seen, frames.flip(1, -1))
    assert found.tolist() == [0, 1, 3, 2]


def test_all_off_changes_nothing():
    frames, labels = torch.rand(4, 3, 3, 5, 5), torch.arange(4)
    seen, found = augmented(frames, labels)
    assert torch.equal(seen, frames)
    assert torch.equal(found, labels)


def test_half_of_the_clips_are_mirrored_and_frames_keep_their_label():
    frames = torch.zeros(1000, 1, 3, 1, 2)
    frames[..., 0] = 1
    seen, found = augmented(frames, torch.zeros(1000, dtype=torch.long), mirror=0.5)
    mirrored = seen[:, 0, 0, 0, 1] == 1
    assert 400 < int(mirrored.sum()) < 600
    assert torch.equal(found == 1, mirrored)


def test_shift_repeats_the_border():
    frames = torch.arange(3.0).expand(1, 1, 1, 3, 3)
    moved = shifted(frames, torch.tensor([[1, 2]]), margin=1)
    assert moved[0, 0, 0, 0].tolist() == [1.0, 2.0, 2.0]
    assert torch.equal(shifted(frames, torch.tensor([[1, 1]]), margin=1), frames)


def test_light_is_one_gain_a_clip_and_colour():
    frames = torch.full((8, 2, 3, 4, 4), 0.5)
    seen, _ = augmented(frames, torch.zeros(8, dtype=torch.long), light=0.2)
    gains = seen / frames
    assert torch.allclose(gains, gains[:, :1, :, :1, :1].expand_as(gains))
    assert 0.8 <= float(gains.min()) < float(gains.max()) <= 1.2
