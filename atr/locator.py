"""The Action-related Region Locator (ARL, Fig 3): where in each frame the action happens."""

import torch
from torch import Tensor, nn

from atr.options import choose
from atr.temporal import by_clip


class NoCue(nn.Module):
    """The null object of a cue that is switched off (rows of Table 3): contributes zero everywhere."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class Motion(nn.Module):
    """The motion cue of ARL, `dw_m(Xr_{t+1}) - Xr_t`, before the shared condensing convolution.

    The differences of frames without a neighbour are zero, as in TEA's motion excitation.
    """

    def __init__(self, channels: int, *, num_frames: int):
        super().__init__()
        self.num_frames = num_frames
        self.dw_m = depthwise(channels)

    def forward(self, x: Tensor) -> Tensor:
        convolved, x = by_clip(self.dw_m(x), self.num_frames), by_clip(x, self.num_frames)  # (N, T, C, H, W)
        difference = torch.zeros_like(convolved)
        difference[:, :-1] = convolved[:, 1:] - x[:, :-1]
        return difference.flatten(0, 1)


class MotionOfDifference(Motion):
    """The alternative order, `dw_m(Xr_{t+1} - Xr_t)`: no response at all where nothing changes."""

    def forward(self, x: Tensor) -> Tensor:
        x = by_clip(x, self.num_frames)
        difference = torch.zeros_like(x)
        difference[:, :-1] = x[:, 1:] - x[:, :-1]
        return self.dw_m(difference.flatten(0, 1))


class BidirectionalMotion(Motion):
    """Both neighbours, `(dw_m(Xr_{t+1}) - Xr_t) + (dw_m(Xr_{t-1}) - Xr_t)`; a missing neighbour adds zero."""

    def forward(self, x: Tensor) -> Tensor:
        convolved, x = by_clip(self.dw_m(x), self.num_frames), by_clip(x, self.num_frames)
        difference = torch.zeros_like(convolved)
        difference[:, :-1] = convolved[:, 1:] - x[:, :-1]
        difference[:, 1:] += convolved[:, :-1] - x[:, 1:]
        return difference.flatten(0, 1)


class ActionRegionLocator(nn.Module):
    """ARL: features X -> actionness M, one logit per position (Fig 3, Eqs 1-3).

        Xr  = BN(Conv1x1(X))                       C -> C/r
        M_t = cond(dw_a(Xr_t)) + cond(motion(Xr)_t)

    `cond` (C/r -> 1) is shared by both cues. It has no bias: AFA's softmax and the adding form's batch normalisation
    would cancel one; the scaling form would not, and goes without. So it is linear, and applied once to the sum.
    `forward`: (N*T, C, H, W) -> (N*T, 1, H, W), no activation.

    Args:
        reduction: r; narrow networks keep at least 8 channels, `max(C // r, 8)`.
        use_appearance, use_motion: the two cues (Table 3); at least one.
        motion: "conv_then_diff" | "diff_then_conv" | "bidirectional".
        arl_bn: batch normalisation after the reduction.

    Raises:
        ValueError: no cue is left, or `motion` is unknown.
    """

    def __init__(
        self,
        channels: int,
        *,
        num_frames: int,
        reduction: int = 16,
        use_appearance: bool = True,
        use_motion: bool = True,
        motion: str = "conv_then_diff",
        arl_bn: bool = True,
    ):
        super().__init__()
        if not (use_appearance or use_motion):
            raise ValueError("use_appearance and use_motion are both False: ARL needs at least one cue")
        if reduction < 1:
            raise ValueError(f"reduction={reduction} is not allowed; allowed: 1 or more")
        motions = {
            "conv_then_diff": Motion,
            "diff_then_conv": MotionOfDifference,
            "bidirectional": BidirectionalMotion,
        }
        reduced = max(channels // reduction, 8)
        self.reduce = nn.Conv2d(channels, reduced, 1, bias=not arl_bn)
        self.bn = nn.BatchNorm2d(reduced) if arl_bn else nn.Identity()
        self.dw_a = depthwise(reduced) if use_appearance else NoCue()
        make_motion = choose("motion", motion, motions)
        self.motion = make_motion(reduced, num_frames=num_frames) if use_motion else NoCue()
        self.cond = nn.Conv2d(reduced, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.reduce(x))
        return self.cond(self.dw_a(x) + self.motion(x))


def depthwise(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
