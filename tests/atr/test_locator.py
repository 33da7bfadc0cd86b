"""ARL against hand computation on toy tensors."""

import pytest
import torch

from atr.locator import ActionRegionLocator, BidirectionalMotion


def toy_locator(**options):
    """8 -> 8 channels with the identity for `reduce`, no BN; dw_a doubles, dw_m triples, cond sums the channels."""
    locator = ActionRegionLocator(8, num_frames=2, arl_bn=False, **options)
    with torch.no_grad():
        locator.reduce.weight.copy_(torch.eye(8)[:, :, None, None])
        locator.reduce.bias.zero_()
        locator.cond.weight.fill_(1.0)
        for module, factor in ((locator.dw_a, 2.0), (getattr(locator.motion, "dw_m", None), 3.0)):
            if isinstance(module, torch.nn.Conv2d):
                module.weight.zero_()
                module.weight[:, 0, 1, 1] = factor
    return locator


@pytest.fixture
def pair():
    """One clip of two frames, 8 channels, 1×2 positions; channel 0 only: frame 0 is (1, 2), frame 1 is (10, 20)."""
    x = torch.zeros(2, 8, 1, 2)
    x[0, 0, 0] = torch.tensor([1.0, 2.0])
    x[1, 0, 0] = torch.tensor([10.0, 20.0])
    return x


@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        # App = 2 Xr; Mo_0 = 3 Xr_1 - Xr_0 = (29, 58); Mo of the last frame is 0
        ({}, [31.0, 62.0], [20.0, 40.0]),
        ({"use_motion": False}, [2.0, 4.0], [20.0, 40.0]),
        ({"use_appearance": False}, [29.0, 58.0], [0.0, 0.0]),
        # 3 (Xr_1 - Xr_0) = (27, 54)
        ({"motion": "diff_then_conv", "use_appearance": False}, [27.0, 54.0], [0.0, 0.0]),
        # frame 1 looks back: 3 Xr_0 - Xr_1 = (-7, -14)
        ({"motion": "bidirectional", "use_appearance": False}, [29.0, 58.0], [-7.0, -14.0]),
    ],
)
def test_actionness_by_hand(pair, options, first, last):
    actionness = toy_locator(**options)(pair)
    assert actionness.shape == (2, 1, 1, 2)
    torch.testing.assert_close(actionness[:, 0, 0], torch.tensor([first, last]))


def test_depthwise_kernel_reaches_the_neighbours():
    locator = toy_locator(use_motion=False)
    with torch.no_grad():
        locator.dw_a.weight.fill_(1.0)
    x = torch.zeros(2, 8, 3, 3)
    x[0, 0, 0, 0] = 1.0
    expected = torch.zeros(3, 3)
    expected[:2, :2] = 1.0
    torch.testing.assert_close(locator(x)[0, 0], expected)


def test_clips_do_not_mix():
    locator = ActionRegionLocator(16, num_frames=2).eval()
    x = torch.randn(4, 16, 5, 5)
    together = locator(x)
    torch.testing.assert_close(together[2:], locator(x[2:]))


def test_reduced_width_is_a_sixteenth_but_at_least_eight():
    assert ActionRegionLocator(512, num_frames=2).reduce.out_channels == 32
    assert ActionRegionLocator(152, num_frames=2).reduce.out_channels == 9  # whole sixteenths
    assert ActionRegionLocator(32, num_frames=2).reduce.out_channels == 8


@pytest.mark.parametrize("reduction", [0, -3])
def test_a_reduction_below_one_is_refused(reduction):
    with pytest.raises(ValueError, match=f"reduction={reduction} is not allowed; allowed: 1 or more"):
        ActionRegionLocator(16, num_frames=2, reduction=reduction)


def test_no_cue_and_unknown_motion_are_refused():
    with pytest.raises(ValueError, match="at least one cue"):
        ActionRegionLocator(16, num_frames=2, use_appearance=False, use_motion=False)
    with pytest.raises(ValueError, match="'flow'.*conv_then_diff"):
        ActionRegionLocator(16, num_frames=2, motion="flow")


def test_a_cue_in_both_directions_by_hand():
    motion = BidirectionalMotion(1, num_frames=3)
    with torch.no_grad():
        motion.dw_m.weight.zero_()
        motion.dw_m.weight[0, 0, 1, 1] = 3
    frames = torch.tensor([1.0, 10, 100]).view(3, 1, 1, 1)
    assert motion(frames).flatten().tolist() == [29, 283, -70]
