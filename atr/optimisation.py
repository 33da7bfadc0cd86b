"""What the optimiser is given: parameter groups, the one-cycle schedule, seeds."""

import torch
from torch import nn


def parameter_groups(
    model: nn.Module, *, learning_rate: float, weight_decay: float, arl_learning_rate: float
) -> list[dict]:
    """Weight decay on matrices and convolutions; none on biases, norms and ER's temporal kernels (C, 1, 2k + 1).

    ARL learns `arl_learning_rate` times as fast and without decay: what pulls at M through the softmax of AFA is
    divided by the number of positions, so at the common rate maps stay nearly uniform.
    """
    locator = [p for name, p in model.named_parameters() if ".arl." in name]
    others = [p for name, p in model.named_parameters() if ".arl." not in name]
    return [
        {
            "params": [p for p in others if p.ndim in (2, 4, 5)],
            "lr": learning_rate,
            "weight_decay": weight_decay,
        },
        {"params": [p for p in others if p.ndim not in (2, 4, 5)], "lr": learning_rate, "weight_decay": 0.0},
        {"params": locator, "lr": learning_rate * arl_learning_rate, "weight_decay": 0.0},
    ]


def one_cycle(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.OneCycleLR:
    """Up to each group's learning rate over a quarter of the steps, then down to nothing."""
    peaks = [group["lr"] for group in optimizer.param_groups]
    rise = min(max(0.25, 2 / steps), 0.9)  # the rise needs more than one step
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, peaks, steps, pct_start=rise)


def derived_seed(*parts: int) -> int:
    """One seed from several whole numbers, the same on every machine."""
    seed = 0
    for part in parts:
        seed = (seed * 1_000_003 + part + 7) % (2**63 - 25)
    return seed
