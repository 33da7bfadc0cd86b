"""Frames as clips, and drop-in convolutions that look across time.

Both convolutions keep the parameter name `weight` of the one they replace.
"""

import torch
from torch import Tensor, nn


def by_clip(x: Tensor, num_frames: int) -> Tensor:
    """(N*T, ...) -> (N, T, ...). Raises ValueError where the frames are no whole number of clips."""
    if x.shape[0] % num_frames:
        raise ValueError(f"{x.shape[0]} frames are no whole number of clips of num_frames={num_frames}")
    return x.unflatten(0, (-1, num_frames))


class ShiftConv(nn.Conv2d):
    """TSM's temporal shift in front of a 2D convolution (Lin et al. 2019).

    Of the input's channels the first 1/8 takes the next frame's values, the second 1/8 the previous frame's, the rest
    stays; zeros enter at the ends. Used as the first convolution of a residual branch, the shortcut stays unshifted.
    (N*T, C, H, W) -> (N*T, C', H', W').
    """

    def __init__(self, *args, num_frames: int, **kwargs):
        super().__init__(*args, **kwargs)
        self.num_frames = num_frames

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(temporal_shift(x, self.num_frames))


def temporal_shift(x: Tensor, num_frames: int) -> Tensor:
    x = by_clip(x, num_frames)  # (N, T, C, H, W)
    fold = x.shape[2] // 8
    shifted = torch.zeros_like(x)
    shifted[:, :-1, :fold] = x[:, 1:, :fold]
    shifted[:, 1:, fold : 2 * fold] = x[:, :-1, fold : 2 * fold]
    shifted[:, :, 2 * fold :] = x[:, :, 2 * fold :]
    return shifted.flatten(0, 1)


class TemporalConv(nn.Conv3d):
    """SlowOnly's first convolution of a residual block: 3×1×1 where the 2D network has 1×1 (3×3×3 for 3×3).

    No temporal downsampling. (N*T, C, H, W) -> (N*T, C', H', W'); `weight` is (C', C, 3, h, w), see `inflate`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        num_frames: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ):
        super().__init__(
            in_channels,
            out_channels,
            (3, kernel_size, kernel_size),
            stride=(1, stride, stride),
            padding=(1, padding, padding),
            bias=bias,
        )
        self.num_frames = num_frames

    def forward(self, x: Tensor) -> Tensor:
        x = by_clip(x, self.num_frames).transpose(1, 2)  # (N, C, T, H, W)
        return super().forward(x).transpose(1, 2).flatten(0, 1)


def inflate(weight: Tensor) -> Tensor:
    """A 2D kernel (C', C, h, w) as a 3D one (C', C, 3, h, w), all of it at the centre: the same output as before."""
    inflated = weight.new_zeros(*weight.shape[:2], 3, *weight.shape[2:])
    inflated[:, :, 1] = weight
    return inflated
