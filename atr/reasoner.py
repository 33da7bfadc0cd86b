"""Temporal reasoners over one vector per frame: the graph-based one (GR), the efficient one (ER), their stack.

Fact: GR has no positions, so it is permutation-equivariant in time: reason(s[:, p]) == reason(s)[:, p]. A TSN with
GR, whose frame logits are averaged, is therefore blind to the order of its frames, as TSN itself is. ER, the shift
of TSM and ARL's motion cue are not.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atr.options import choose, require


class TemporalRelation(nn.Module):
    """The temporal relation matrix W of the graph reasoner (Eq 6): `W[p, q] = softmax_q((s_p θ) · (s_q φ))`.

    `forward`: s (N, T, C) -> W (N, T, T); every row sums to 1.

    Args:
        scale: "none" as published (logits may saturate at large C) | "sqrt" divides them by sqrt(C).
    """

    def __init__(self, channels: int, *, scale: str = "none"):
        super().__init__()
        factors = {"none": 1.0, "sqrt": channels**-0.5}
        self.factor = choose("scale", scale, factors)
        self.theta = nn.Linear(channels, channels, bias=False)
        self.phi = nn.Linear(channels, channels, bias=False)

    def forward(self, s: Tensor) -> Tensor:
        return torch.softmax(self.logits(s), dim=-1)

    def logits(self, s: Tensor) -> Tensor:
        """What the softmax is taken of, (N, T, C) -> (N, T, T)."""
        return self.theta(s) @ self.phi(s).transpose(1, 2) * self.factor


class GraphReasoner(nn.Module):
    """GR (Eq 5; Wang & Gupta 2018): `R = W (S g)` with W from the vectors themselves. (N, T, C) -> (N, T, C)."""

    def __init__(self, channels: int, *, scale: str = "none"):
        super().__init__()
        self.relation = TemporalRelation(channels, scale=scale)
        self.g = nn.Linear(channels, channels, bias=False)

    def forward(self, s: Tensor) -> Tensor:
        return self.relation(s) @ self.g(s)


class EfficientReasoner(nn.Module):
    """ER (Eq 9): `r_t = Σ_{i=-k..k} ω_i · g(s_{t+i})`, zeros beyond the ends. (N, T, C) -> (N, T, C).

    GR with its W cut to the window |p - q| <= k, shared by all time steps and instance-agnostic: a convolution over
    time. `weight[..., i + k]` is ω_i: index 0 looks k frames back, the last index k frames ahead.

    Args:
        k: half the window; 1 in the paper.
        er_kernel: "per_channel" (a depth-wise convolution) | "shared" (one kernel). The literal derivation is
            "shared" with the "full" transform.
        er_transform: g, "none" | "bottleneck" (C -> C/4 -> C) | "full" (C -> C).
        er_init: "asymmetric" starts at (-½, ½, ½) for k = 1, plus noise; "difference" at (-½, 0, ½), the change
            over time alone; "symmetric" at (¼, ½, ¼). A kernel that
            reads the same forwards and backwards sits on a saddle for telling a clip from its reverse: the
            gradients of ω_-i and ω_i are equal when clips and reversed clips are, so nothing tells them apart until
            noise has grown (three epochs were lost to that); an asymmetric start learns at once.
    """

    def __init__(
        self,
        channels: int,
        *,
        k: int = 1,
        er_kernel: str = "per_channel",
        er_transform: str = "none",
        er_init: str = "asymmetric",
    ):
        super().__init__()
        kernels = {"per_channel": channels, "shared": 1}
        self.k = k
        self.g = transform(channels, er_transform)
        self.weight = nn.Parameter(temporal_kernel(choose("er_kernel", er_kernel, kernels), k, er_init))

    def forward(self, s: Tensor) -> Tensor:
        weight = self.weight.expand(s.shape[-1], 1, -1)  # one kernel a channel, or the shared one for all
        return F.conv1d(self.g(s).transpose(1, 2), weight, padding=self.k, groups=s.shape[-1]).transpose(1, 2)


def transform(channels: int, kind: str) -> nn.Module:
    """The channel transformation g of a reasoner, linear and without bias."""
    require("er_transform", kind, ("none", "bottleneck", "full"))
    if kind == "none":
        return nn.Identity()
    if kind == "full":
        return nn.Linear(channels, channels, bias=False)
    hidden = max(channels // 4, 1)
    return nn.Sequential(nn.Linear(channels, hidden, bias=False), nn.Linear(hidden, channels, bias=False))


def temporal_kernel(num_kernels: int, k: int, init: str, noise: float = 0.05) -> Tensor:
    """Start values of ω, (num_kernels, 1, 2k + 1)."""
    if k < 0:
        raise ValueError(f"k={k} is not allowed; allowed: 0 or more")
    side = 0.5 / max(k, 1)
    starts = {
        "asymmetric": [*[-side] * k, 0.5, *[side] * k],
        "difference": [*[-side] * k, 0.0, *[side] * k],
        "symmetric": [*[side / 2] * k, 0.5, *[side / 2] * k],
    }
    start = torch.tensor(choose("er_init", init, starts)).expand(num_kernels, 1, -1)
    drawn = torch.empty(num_kernels, 1, 2 * k + 1)
    # Without values there is nothing to draw: see `atr.resnet.initialise`.
    return drawn if drawn.is_meta else start + noise * drawn.normal_()


def stack(make_reasoner: Callable[[], nn.Module], channels: int, num_reasoners: int) -> nn.Sequential:
    """n reasoners with LayerNorm -> ReLU between two, none after the last (Table 2: GR×n, ER×n)."""
    if num_reasoners < 1:
        raise ValueError(f"num_reasoners={num_reasoners} is not allowed; allowed: 1 or more")
    layers = [make_reasoner()]
    for _ in range(num_reasoners - 1):
        layers += [nn.LayerNorm(channels), nn.ReLU(inplace=True), make_reasoner()]
    return nn.Sequential(*layers)
