"""The shift of TSM and the temporal kernels of SlowOnly."""

import torch

from atr.temporal import ShiftConv, TemporalConv, inflate, temporal_shift


def test_shift_by_hand():
    # One clip of 3 frames, 8 channels, value 10 t + c: channel 0 takes the next frame, 1 the previous one.
    x = (10.0 * torch.arange(3)[:, None] + torch.arange(8)).view(3, 8, 1, 1)
    shifted = temporal_shift(x, 3).view(3, 8)
    assert shifted[:, 0].tolist() == [10.0, 20.0, 0.0]
    assert shifted[:, 1].tolist() == [0.0, 1.0, 11.0]
    assert torch.equal(shifted[:, 2:], x.view(3, 8)[:, 2:])


def test_shift_conv_is_shift_then_convolution():
    conv = ShiftConv(16, 4, 3, padding=1, num_frames=2)
    x = torch.randn(4, 16, 5, 5)
    plain = torch.nn.functional.conv2d(temporal_shift(x, 2), conv.weight, conv.bias, padding=1)
    torch.testing.assert_close(conv(x), plain)


def test_centre_inflated_kernel_gives_the_2d_output():
    flat = torch.nn.Conv2d(6, 4, 3, stride=2, padding=1, bias=False)
    temporal = TemporalConv(6, 4, 3, stride=2, padding=1, bias=False, num_frames=4)
    with torch.no_grad():
        temporal.weight.copy_(inflate(flat.weight))
    x = torch.randn(8, 6, 7, 7)
    torch.testing.assert_close(temporal(x), flat(x), atol=1e-5, rtol=1e-5)


def test_temporal_kernel_spans_three_frames_of_its_own_clip():
    conv = TemporalConv(1, 1, 1, bias=False, num_frames=3)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, 10.0, 100.0]).view(1, 1, 3, 1, 1))
    x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).view(6, 1, 1, 1)
    assert conv(x).flatten().tolist() == [210.0, 321.0, 32.0, 540.0, 654.0, 65.0]


def test_of_fewer_than_eight_channels_none_is_shifted():
    x = torch.arange(1.0, 9).view(2, 4, 1, 1)
    assert torch.equal(temporal_shift(x, 2), x)
