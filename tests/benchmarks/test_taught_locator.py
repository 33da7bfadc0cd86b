"""A locator that is taught with true masks: its target, what it learns, what it is given."""

import numpy as np
import pytest
import torch

import atr
from benchmarks.taught_locator import cover, fig5, fitted, maps_of, seen_by

SQUARE = np.zeros((2, 2, 4, 4), bool)
SQUARE[0, 1, :2, :3] = True  # of the first clip, in its second frame


def test_cover_is_the_share_of_each_cell():
    expected = torch.zeros(2, 2, 2, 2)
    expected[0, 1, 0] = torch.tensor([1, 0.5])
    assert torch.equal(cover(SQUARE, (2, 2)), expected)


def test_what_one_channel_tells_is_learnt_and_nothing_else_can_be():
    generator = torch.Generator().manual_seed(0)
    truth = (torch.rand(256, 2, 6, 6, generator=generator) < 0.1).numpy()
    target = cover(truth, (6, 6))
    noise = torch.randn(256, 2, 8, 6, 6, generator=generator)
    telling = noise.clone()
    telling[:, :, 0] = 4 * target
    scores = []
    for features in (telling, noise):
        arl = fitted(features[:192].half(), target[:192], "conv_then_diff")
        assert not arl.training
        scores.append(fig5(maps_of(arl, features[192:].half()), truth[192:])["value"])
    assert scores[0] > 0.99 and scores[1] < 0.3


@pytest.mark.parametrize("block", ["atr", None])
def test_features_are_those_that_arrive_at_the_blocks(block):
    model = atr.create_model("tsn_resnet18", 20, 8, block=block, placement="S4-5", width=1 / 8, stem="small")
    model.eval().preprocessing = atr.Preprocessing(short_side=32, crop=32)
    seen = seen_by(model, "val", range(2))
    assert list(seen.features) == ["S4B1", "S4B2", "S5B1", "S5B2"] and seen.truth.shape == (2, 8, 32, 32)
    assert seen.features["S4B1"].shape[:2] == (2, 8)
    assert list(seen.own) == (list(seen.features) if block else [])
    slots = model.backbone.slots()
    for name, m in seen.own.items():
        with torch.inference_mode():
            expected = slots[name].arl(seen.features[name].float().flatten(0, 1))[:, 0]
        torch.testing.assert_close(m.flatten(0, 1), expected, atol=0.02, rtol=0.02)
    assert not any(slot._forward_pre_hooks for slot in slots.values())
