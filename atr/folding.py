"""The blocks of the method as evaluation needs them, for `atr.inference`: one value for all that is constant there.

Between the convolutions a block of the method is bound by memory, not by arithmetic. In evaluation

* every batch normalisation is affine and goes into the convolution before it;
* in a bottleneck X = W₃h + b₃ with a quarter of the channels in h, so ARL's reduction and AFA read h instead of X:
  Conv1x1(X) is another 1x1 convolution of h, and Σ softmax(M) X = W₃ (Σ softmax(M) h) + b₃, for the softmax sums to 1;
* every form of AFD is `F = m · a + b`, m a value a position, a and b a value a channel, added to X where it lies.
"""

from typing import Any  # of the parts of a module, whose kinds nn.Module does not tell

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from atr.block import (
    AFA,
    AddingAFD,
    ATRBlock,
    ATRSimBlock,
    GlobalAveragePooling,
    ScalingAFD,
    UniformAFD,
    over_positions,
)
from atr.locator import ActionRegionLocator
from atr.temporal import by_clip


def folded(conv: Any, norm: Any) -> Any:
    """A convolution with the batch normalisation after it inside; nothing where there is none."""
    if not isinstance(conv, (nn.Conv2d, nn.Conv3d)) or isinstance(norm, nn.Identity):
        return conv
    return fuse_conv_bn_eval(conv, norm)


def fast(conv: Any, dtype: torch.dtype) -> Any:
    """In the precision, and in the order in which it is fastest."""
    for parameter in conv.parameters():
        parameter.data = parameter.data.to(dtype)
        if parameter.ndim > 3:
            order = torch.channels_last if parameter.ndim == 4 else torch.channels_last_3d
            parameter.data = parameter.data.contiguous(memory_format=order)
    return conv


class Cast(nn.Module):
    def __init__(self, dtype: torch.dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        return x.to(self.dtype)


class NoBlock(nn.Identity):
    def forward(self, x: Tensor, source: Tensor) -> Tensor:  # type: ignore[override]
        return x


class OtherBlock(nn.Module):
    """A block of another kind than the two of the method, or of other parts, as it is."""

    def __init__(self, block: nn.Module, dtype: torch.dtype):
        super().__init__()
        self.block = block.to(dtype)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        return kept_for(self, self.block(x))  # the shortcut is added where it lies


class FastATRBlock(nn.Module):
    """The ATR block in evaluation: X (N*T, C, H, W) and what X is made of, (N*T, K, H, W), -> Y, where X lay.

    X is kept only where a hook sees the two beside each other, or a gradient is taken.

    Args:
        projection: X as a 1x1 convolution of its source; None where X is its own source.
    """

    def __init__(self, block: Any, projection: nn.Conv2d | None, dtype: torch.dtype):
        super().__init__()
        self.arl = fast_locator(block.arl, projection, dtype)
        self.afa = FastAFA(block.afa.num_frames, projection)
        self.reasoner, self.afd = block.reasoner, DISTRIBUTIONS[type(block.afd)](block.afd)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        actionness = self.arl(source)
        r = self.reasoner(self.afa(source, actionness))
        return self.afd(kept_for(self, x), actionness, r)


class FastATRSimBlock(nn.Module):
    """ATR_sim in evaluation, as `FastATRBlock`."""

    def __init__(self, block: Any, projection: nn.Conv2d | None, dtype: torch.dtype):
        super().__init__()
        self.num_frames, self.lift = block.pool.num_frames, lift_of(projection)
        self.reasoner, self.afd = block.reasoner, FastUniformAFD(block.afd)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        s = self.lift(source.mean(dim=(2, 3), dtype=torch.float32))
        return self.afd(kept_for(self, x), None, self.reasoner(by_clip(s, self.num_frames)))


def kept_for(block: nn.Module, x: Tensor) -> Tensor:
    """X, or a copy where something else needs X as it is."""
    return x.clone() if block._forward_hooks or x.requires_grad else x


def fast_slot(slot: Any, projection: nn.Conv2d | None, dtype: torch.dtype) -> nn.Module:
    if isinstance(slot, nn.Identity):
        return NoBlock()
    for block, made, parts in KNOWN:
        if type(slot) is block and all(type(getattr(slot, part)) in kinds for part, kinds in parts.items()):
            return made(slot, projection, dtype)
    return OtherBlock(slot, dtype)


def fast_locator(arl: Any, projection: nn.Conv2d | None, dtype: torch.dtype) -> ActionRegionLocator:
    """The same module with another reduction; behind it, with a sixteenth of the channels, all is float32."""
    reduce = folded(arl.reduce, arl.bn)
    arl.reduce = fast(reduce if projection is None else composed(reduce, projection), dtype)
    arl.bn = Cast(torch.float32)
    return arl


def composed(outer: nn.Conv2d, inner: nn.Conv2d) -> nn.Conv2d:
    """The 1x1 convolution that does what `outer` does after `inner`, which are both 1x1 and have a bias."""
    assert inner.bias is not None and outer.bias is not None  # the normalisation's
    device = inner.weight.device
    w, w_bias, v, v_bias = (  # on the CPU: Apple's GPUs have no float64
        each.detach().cpu().double() for each in (outer.weight, outer.bias, inner.weight, inner.bias)
    )
    w, v = w.flatten(1), v.flatten(1)
    weight, bias = (w @ v)[..., None, None], w @ v_bias + w_bias
    conv = nn.Conv2d(inner.in_channels, outer.out_channels, 1, device="meta")
    conv.weight, conv.bias = (nn.Parameter(each.float().to(device)) for each in (weight, bias))
    return conv


def lift_of(projection: Any) -> nn.Module:
    """What the projection does to an average over positions, (..., K) -> (..., C), float32."""
    if projection is None:
        return nn.Identity()
    lift = nn.Linear(projection.in_channels, projection.out_channels, device="meta")
    lift.weight, lift.bias = (
        nn.Parameter(each.clone()) for each in (projection.weight.flatten(1), projection.bias)
    )
    return lift


class FastAFA(nn.Module):
    """AFA of the source of X: X' (N*T, K, H, W) and M (N*T, 1, H, W) -> S (N, T, C), float32."""

    def __init__(self, num_frames: int, projection: nn.Conv2d | None):
        super().__init__()
        self.num_frames, self.lift = num_frames, lift_of(projection)

    def forward(self, source: Tensor, actionness: Tensor) -> Tensor:
        weights = torch.softmax(actionness.flatten(2), dim=-1).to(source.dtype)
        rows = source.permute(0, 2, 3, 1).flatten(1, 2)  # (N*T, H*W, K), no copy of what is channels-last
        return by_clip(self.lift((weights @ rows).squeeze(1).float()), self.num_frames)


class FastAddingAFD(nn.Module):
    """Y = X + γ/σ M + (γ/σ (r - μ) + β), in the place of X; γ/σ = 1 without batch normalisation of the sum."""

    def __init__(self, afd: Any):
        super().__init__()
        self.norm_reasoned, bn = afd.norm_reasoned, afd.bn
        self.scale, self.shift = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))
        if not isinstance(bn, nn.Identity):
            scale = bn.weight / (bn.running_var + bn.eps).sqrt()
            self.scale, self.shift = nn.Parameter(scale), nn.Parameter(bn.bias - bn.running_mean * scale)

    def forward(self, x: Tensor, actionness: Tensor, r: Tensor) -> Tensor:
        r = self.norm_reasoned(r.flatten(0, 1)) * self.scale + self.shift
        if is_quicker_as_product(x):
            per_channel = torch.stack([self.scale.expand_as(r), r], dim=1)  # (N*T, 2, C)
            return with_product(
                x, torch.stack([actionness, torch.ones_like(actionness)], dim=-1), per_channel
            )
        scaled = x.addcmul_(actionness.to(x.dtype), self.scale[:, None, None].to(x.dtype))
        return scaled.add_(beside(r, x))


class FastScalingAFD(nn.Module):
    """Y = X + σ(M) r, in the place of X."""

    def __init__(self, afd: ScalingAFD):
        super().__init__()
        self.norm_reasoned = afd.norm_reasoned

    def forward(self, x: Tensor, actionness: Tensor, r: Tensor) -> Tensor:
        share, r = torch.sigmoid(actionness), self.norm_reasoned(r.flatten(0, 1))
        if is_quicker_as_product(x):
            return with_product(x, share[..., None], r[:, None])
        return x.addcmul_(share.to(x.dtype), beside(r, x))


class FastUniformAFD(nn.Module):
    """Y = X + r, in the place of X."""

    def __init__(self, afd: UniformAFD):
        super().__init__()
        self.norm_reasoned = afd.norm_reasoned

    def forward(self, x: Tensor, actionness: Tensor | None, r: Tensor) -> Tensor:
        return x.add_(beside(self.norm_reasoned(r.flatten(0, 1)), x))


def is_quicker_as_product(x: Tensor) -> bool:
    """Sums with what is spread over channels or positions are not vectorised for bfloat16 on a CPU."""
    return x.dtype == torch.bfloat16 and x.device.type == "cpu"


def with_product(x: Tensor, per_position: Tensor, per_channel: Tensor) -> Tensor:
    """X (N*T, C, H, W), channels-last, with (N*T, 1, H, W, k) @ (N*T, k, C) added where it lies, in one pass over it."""
    rows = x.movedim(1, -1).view(len(x), -1, x.shape[1])
    rows.baddbmm_(per_position.view(len(x), -1, per_channel.shape[1]).to(x.dtype), per_channel.to(x.dtype))
    return x


def beside(r: Tensor, x: Tensor) -> Tensor:
    """(N*T, C) -> (N*T, C, 1, 1) in the type of x. ER's channels do not lie side by side, and adding would be slow."""
    return over_positions(r.contiguous()).to(x.dtype)


DISTRIBUTIONS = {AddingAFD: FastAddingAFD, ScalingAFD: FastScalingAFD, UniformAFD: FastUniformAFD}
KNOWN = (  # a block of the method, what is made of it, the kinds its parts may have
    (ATRBlock, FastATRBlock, {"arl": (ActionRegionLocator,), "afa": (AFA,), "afd": (*DISTRIBUTIONS,)}),
    (ATRSimBlock, FastATRSimBlock, {"pool": (GlobalAveragePooling,), "afd": (UniformAFD,)}),
)
