"""AdamW whose step can be captured as a CUDA graph."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from atr.training.optimisation import one_cycle


class FlatAdamW:
    """torch's AdamW of all parameters as one vector, under `one_cycle`, with its count of steps on the device.

    torch's own cannot be captured: the schedule changes β1 from step to step, which is a plain number there. Each
    operation is one kernel instead of one for every parameter group.

    Args:
        groups: of `parameter_groups`; their parameters become views of the vector.
        steps: of the whole training.
    """

    BETA2, EPSILON = 0.999, 1e-8

    def __init__(self, groups: list[dict], steps: int):
        self.parameters: list[nn.Parameter] = [p for group in groups for p in group["params"]]
        self.values = torch.cat([memory(p.detach()) for p in self.parameters])
        self.gradient, self.first, self.second = (torch.zeros_like(self.values) for _ in range(3))
        sizes = torch.tensor([sum(p.numel() for p in group["params"]) for group in groups])
        self.peak, self.decay = (
            torch.repeat_interleave(torch.tensor([group[name] for group in groups]), sizes).to(self.values)
            for name in ("lr", "weight_decay")
        )
        self.schedule = torch.tensor(cycle(steps), dtype=torch.float32).to(self.values)
        self.count = torch.zeros(1, dtype=torch.long, device=self.values.device)
        places = np.cumsum([0, *(p.numel() for p in self.parameters)])
        self.gradients = []
        for parameter, start in zip(self.parameters, places, strict=False):
            stride = parameter.stride()
            self.gradients.append(self.gradient.as_strided(parameter.shape, stride, int(start)))
            parameter.data = self.values.as_strided(parameter.shape, stride, int(start))

    def step(self, gradients: Iterable[Tensor], clip: float) -> None:
        """gradients: of the parameters, in their order; of more than the norm `clip` in all they are made shorter."""
        torch._foreach_copy_(self.gradients, list(gradients))
        self.gradient.mul_((clip / (self.gradient.norm() + 1e-6)).clamp(max=1.0))
        share, beta1, left1, left2 = self.schedule.index_select(0, self.count).unbind(1)
        self.count += 1
        rate = self.peak * share
        self.values.mul_(1 - rate * self.decay)
        self.first.lerp_(self.gradient, 1 - beta1)
        self.second.mul_(self.BETA2).addcmul_(self.gradient, self.gradient, value=1 - self.BETA2)
        scale = (self.second / left2).sqrt_().add_(self.EPSILON)
        self.values.addcdiv_(self.first * (rate / left1), scale, value=-1)

    def restart(self) -> None:
        """As if no step had been taken; the values are the caller's to put back."""
        for each in (self.first, self.second, self.count):
            each.zero_()


def memory(parameter: Tensor) -> Tensor:
    """(P,), the values in the order in which they lie in memory."""
    return parameter.as_strided((parameter.numel(),), (1,))


@lru_cache
def cycle(steps: int) -> list[tuple[float, float, float, float]]:
    """Of every step under `one_cycle`: the learning rate over its peak, β1, and the two corrections 1 - β^t."""
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, rows = one_cycle(optimizer, steps), []
    for t in range(1, steps + 1):
        group = optimizer.param_groups[0]
        beta1 = group["betas"][0]
        rows.append((group["lr"], beta1, 1 - beta1**t, 1 - FlatAdamW.BETA2**t))
        optimizer.step()  # there is no gradient: it only counts, which the schedule asks for
        schedule.step()
    return rows
