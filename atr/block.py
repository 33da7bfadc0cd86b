"""The ATR block (Fig 2) and ATR_sim: locate, aggregate, reason, distribute, add."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from atr.locator import ActionRegionLocator
from atr.options import choose, require, require_options
from atr.reasoner import EfficientReasoner, GraphReasoner, stack
from atr.temporal import by_clip


@dataclass(frozen=True)
class ATRConfig:
    """Every choice inside an ATR block; the defaults are the paper's, or the README's where the paper is silent.

    Attributes:
        reduction: r, 1 to 65,536; ARL has C/r channels, but at least 8.
        use_appearance: ARL has the appearance cue, dw_a(Xr_t).
        use_motion: ARL has the motion cue, dw_m(Xr_t+1) - Xr_t.
        motion: how a frame is compared: with the next one convolved; both convolved; with both neighbours.
        arl_bn: batch normalisation after ARL's reduction of channels.
        reasoner: "er", temporal convolution, or "gr", the graph reasoner.
        num_reasoners: how many follow one another, 1 to 64, with LayerNorm and ReLU between them.
        k: ER's window is 2k + 1 frames; 0 to 64.
        er_kernel: ER has a kernel for each channel, or one for all.
        er_transform: of the channels before ER's sum.
        er_init: what ER starts as.
        scale: "sqrt" divides GR's logits by the root of C.
        distribution: "add", M + r; "scale", sigmoid(M) r; "uniform", r. ATR_sim has the last.
        bn_position: of AFD: BN of the "sum" M + r, of what is "reasoned", r, or "none".
        bn_gamma_init: what the scale of that BN starts as, -1,000 to 1,000.
    """

    reduction: Annotated[int, Meta(ge=1, le=65_536)] = 16
    use_appearance: bool = True
    use_motion: bool = True
    motion: Literal["conv_then_diff", "diff_then_conv", "bidirectional"] = "conv_then_diff"
    arl_bn: bool = True
    reasoner: Literal["er", "gr"] = "er"
    num_reasoners: Annotated[int, Meta(ge=1, le=64)] = 2
    k: Annotated[int, Meta(ge=0, le=64)] = 1
    er_kernel: Literal["per_channel", "shared"] = "per_channel"
    er_transform: Literal["none", "bottleneck", "full"] = "none"
    er_init: Literal["asymmetric", "difference", "symmetric"] = "asymmetric"
    scale: Literal["none", "sqrt"] = "none"
    distribution: Literal["add", "scale", "uniform"] = "add"
    bn_position: Literal["sum", "reasoned", "none"] = "sum"
    bn_gamma_init: Annotated[float, Meta(ge=-1000, le=1000)] = 1.0


DEFAULT = ATRConfig()


class AFA(nn.Module):
    """Action-centric Feature Aggregation (Eq 4): `s_t = Σ_ij softmax_ij(M_t) · X_t[:, i, j]`.

    X (N*T, C, H, W) and M (N*T, 1, H, W) -> S (N, T, C). The softmax runs over space, frame by frame: AFA cannot
    weaken a whole frame. A constant M gives global average pooling.
    """

    def __init__(self, *, num_frames: int):
        super().__init__()
        self.num_frames = num_frames

    def forward(self, x: Tensor, actionness: Tensor) -> Tensor:
        weights = torch.softmax(actionness.flatten(2), dim=-1)  # (N*T, 1, H*W)
        s = x.flatten(2) @ weights.to(x.dtype).transpose(1, 2)  # (N*T, C, 1)
        return by_clip(s.squeeze(-1), self.num_frames)


class GlobalAveragePooling(nn.Module):
    """What AFA becomes in ATR_sim: X (N*T, C, H, W) -> S (N, T, C)."""

    def __init__(self, *, num_frames: int):
        super().__init__()
        self.num_frames = num_frames

    def forward(self, x: Tensor) -> Tensor:
        return by_clip(x.mean(dim=(2, 3)), self.num_frames)


class AddingAFD(nn.Module):
    """Action-centric Feature Distribution, adding form: `F_t = BN(M_t + r_t)`, broadcast over channels and positions.

    M (N*T, 1, H, W) and R (N, T, C) -> F (N*T, C, H, W). `bn_position`: "sum" as written, "reasoned" for
    `M_t + BN(r_t)`, "none" for the bare sum.
    """

    def __init__(self, channels: int, *, bn_position: str, bn_gamma_init: float):
        super().__init__()
        self.norm_reasoned = reasoned_norm(channels, bn_position, bn_gamma_init)
        self.bn: nn.Module = nn.Identity()
        if bn_position == "sum":
            self.bn = nn.BatchNorm2d(channels)
            nn.init.constant_(self.bn.weight, bn_gamma_init)

    def forward(self, actionness: Tensor, r: Tensor) -> Tensor:
        return self.bn(actionness + over_positions(self.norm_reasoned(r.flatten(0, 1))))


class ScalingAFD(nn.Module):
    """Action-centric Feature Distribution, scaling form: `F_t = σ(M_t) · r_t`; `BN(r_t)` if bn_position="reasoned"."""

    def __init__(self, channels: int, *, bn_position: str, bn_gamma_init: float):
        super().__init__()
        self.norm_reasoned = reasoned_norm(channels, bn_position, bn_gamma_init)

    def forward(self, actionness: Tensor, r: Tensor) -> Tensor:
        return torch.sigmoid(actionness) * over_positions(self.norm_reasoned(r.flatten(0, 1)))


class UniformAFD(nn.Module):
    """Uniform distribution: `F_t = r_t` at every position (ATR_sim, Table 3); M only guided the aggregation."""

    def __init__(self, channels: int, *, bn_position: str, bn_gamma_init: float):
        super().__init__()
        self.norm_reasoned = reasoned_norm(channels, bn_position, bn_gamma_init)

    def forward(self, actionness: Tensor | None, r: Tensor) -> Tensor:
        return over_positions(self.norm_reasoned(r.flatten(0, 1)))


class ATRBlock(nn.Module):
    """The ATR block: `Y = X + F`, F the action-centrically reasoned features. (N*T, C, H, W) -> the same."""

    def __init__(self, *, arl: nn.Module, afa: nn.Module, reasoner: nn.Module, afd: nn.Module):
        super().__init__()
        self.arl, self.afa, self.reasoner, self.afd = arl, afa, reasoner, afd

    def forward(self, x: Tensor) -> Tensor:
        actionness = self.arl(x)
        s = self.afa(x, actionness)
        return x + self.afd(actionness, self.reasoner(s))


class ATRSimBlock(nn.Module):
    """ATR_sim: no ARL, global average pooling for AFA, uniform distribution for AFD. (N*T, C, H, W) -> the same."""

    def __init__(self, *, pool: nn.Module, reasoner: nn.Module, afd: nn.Module):
        super().__init__()
        self.pool, self.reasoner, self.afd = pool, reasoner, afd

    def forward(self, x: Tensor) -> Tensor:
        return x + self.afd(None, self.reasoner(self.pool(x)))


def build_atr(channels: int, *, num_frames: int, config: ATRConfig = DEFAULT) -> ATRBlock:
    """The ATR block for features of `channels` channels: (N*T, C, H, W) -> the same.

    The frames of a clip follow one another, `num_frames` = T of them in every clip; clips of other lengths are not noticed
    where they add up to the same. No weight depends on T, H or W.

    Raises:
        ValueError: a number or an option of `config` is not allowed; it names that and what is.
    """
    require_block(channels, num_frames, config)
    arl = ActionRegionLocator(
        channels,
        num_frames=num_frames,
        reduction=config.reduction,
        use_appearance=config.use_appearance,
        use_motion=config.use_motion,
        motion=config.motion,
        arl_bn=config.arl_bn,
    )
    forms = {"add": AddingAFD, "scale": ScalingAFD, "uniform": UniformAFD}
    form = choose("distribution", config.distribution, forms)
    return ATRBlock(
        arl=arl,
        afa=AFA(num_frames=num_frames),
        reasoner=build_reasoner(channels, config),
        afd=form(channels, bn_position=config.bn_position, bn_gamma_init=config.bn_gamma_init),
    )


def build_atr_sim(channels: int, *, num_frames: int, config: ATRConfig = DEFAULT) -> ATRSimBlock:
    """The ATR_sim block, as `build_atr` the ATR block.

    It has no region to distribute to: the options of ARL and `distribution` do not apply to it.
    """
    require_block(channels, num_frames, config)
    return ATRSimBlock(
        pool=GlobalAveragePooling(num_frames=num_frames),
        reasoner=build_reasoner(channels, config),
        afd=UniformAFD(channels, bn_position=config.bn_position, bn_gamma_init=config.bn_gamma_init),
    )


def require_block(channels: int, num_frames: int, config: ATRConfig) -> None:
    """Raises ValueError. Options that do not apply are asked too: a checkpoint holds all."""
    for name, value in (("channels", channels), ("num_frames", num_frames)):
        if type(value) is not int or value < 1:
            raise ValueError(f"{name}={value!r} is not allowed; allowed: a whole number of at least 1")
    if not isinstance(config, ATRConfig):
        raise ValueError(f"config={config!r} is not allowed; allowed: ATRConfig(...)")
    require_options(config)


def build_reasoner(channels: int, config: ATRConfig) -> nn.Sequential:
    kinds: dict[str, Callable[[], nn.Module]] = {
        "er": partial(
            EfficientReasoner,
            channels,
            k=config.k,
            er_kernel=config.er_kernel,
            er_transform=config.er_transform,
            er_init=config.er_init,
        ),
        "gr": partial(GraphReasoner, channels, scale=config.scale),
    }
    return stack(choose("reasoner", config.reasoner, kinds), channels, config.num_reasoners)


def reasoned_norm(channels: int, bn_position: str, gamma: float) -> nn.Module:
    require("bn_position", bn_position, ("sum", "reasoned", "none"))
    if bn_position != "reasoned":
        return nn.Identity()
    norm = nn.BatchNorm1d(channels)
    nn.init.constant_(norm.weight, gamma)
    return norm


def over_positions(r: Tensor) -> Tensor:
    """(N*T, C) -> (N*T, C, 1, 1), ready to broadcast over a feature map."""
    return r[..., None, None]


BLOCKS: dict[str, Callable[..., nn.Module]] = {"atr": build_atr, "atr_sim": build_atr_sim}
