"""What is learnt and how fast: frozen parts, parameter groups, optimisers, schedules, seeds."""

from functools import partial
from typing import Literal, get_args

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from atr.block import ATRBlock, ATRSimBlock
from atr.options import require

Optimizer = Literal["adamw", "sgd"]
Schedule = Literal["one_cycle", "steps"]
FEWEST_CHANNELS = 8


def freeze(model: nn.Module, prefixes: tuple[str, ...], partial_bn: bool) -> None:
    """Take parameters of the frame network out of the training. ATR blocks are new, so all inside them stays free.

    Args:
        prefixes: names of modules, such as "backbone.layer1"; everything inside is frozen.
        partial_bn: freeze the batch normalisations but the first (Wang et al. 2016, TSN).

    Raises:
        ValueError: a prefix names nothing that can be frozen.
    """
    blocks = in_blocks(model)
    parameters = [(name, p) for name, p in model.named_parameters() if not name.startswith(blocks)]
    for prefix in prefixes:
        inside = [p for name, p in parameters if name.startswith(f"{prefix}.")]
        if not inside:
            modules = dict.fromkeys(".".join(name.split(".")[:-1][:2]) for name, _ in parameters)
            raise ValueError(
                f"freeze names {prefix!r}; allowed: modules of the network with weights, ATR blocks excepted: "
                f"{', '.join(modules)}, or modules in them"
            )
        for parameter in inside:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(f"freeze={' '.join(prefixes)} leaves nothing to learn")
    if partial_bn:
        norms = [
            m for name, m in model.named_modules() if isinstance(m, BatchNorm) and not name.startswith(blocks)
        ]
        for norm in norms[1:]:
            norm.requires_grad_(False)


def in_blocks(model: nn.Module) -> tuple[str, ...]:
    """Prefixes of the names of all that is inside ATR and ATR_sim blocks, or other blocks in their slots."""
    return tuple(
        f"{place}."
        for place, module in model.named_modules()
        if isinstance(module, ATRBlock | ATRSimBlock) or place.endswith(".atr")
    )


def channels_last(model: nn.Module) -> None:
    """Weights of 2D convolutions in the order in which they are fastest; `Module.to` refuses a network with 3D ones.

    Networks that are `narrow` stay as they are.
    """
    if not narrow(model):
        for parameter in model.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def narrow(model: nn.Module) -> bool:
    """Whether its first convolution has less than 8 channels. With weights or pictures in the order of channels last its
    backward pass in torch 2.13 on a CPU writes beyond its memory: it is to be given neither.
    """
    first = next((parameter for parameter in model.parameters() if parameter.ndim >= 4), None)
    return first is not None and len(first) < FEWEST_CHANNELS


def training_mode(model: nn.Module) -> None:
    """Like `model.train()`, but a batch normalisation whose parameters are frozen keeps its statistics too."""
    model.train()
    for module in model.modules():
        if isinstance(module, BatchNorm) and module.affine and not module.weight.requires_grad:
            module.eval()


def parameter_groups(
    model: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    arl_learning_rate: float,
    relation_learning_rate: float,
) -> list[dict]:
    """Weight decay on matrices and convolutions; none on biases, norms and ER's temporal kernels (C, 1, 2k + 1). ARL
    learns `arl_learning_rate` times as fast, θ and φ of GR `relation_learning_rate` times.

    Both end in a softmax, whose gradient vanishes where it is saturated, while a step of AdamW is as large as its rate:
    too fast, they stay saturated (docs/results.md). Frozen parameters are in no group.
    """
    free = {name: p for name, p in model.named_parameters() if p.requires_grad}
    locating = {name for name in free if ".arl." in f".{name}"}  # of a block alone, "arl." begins the name
    relating = {name for name in free if ".relation." in f".{name}"}
    groups = []
    for names, factor in (
        (free.keys() - locating - relating, 1.0),
        (locating, arl_learning_rate),
        (relating, relation_learning_rate),
    ):
        chosen = [p for name, p in free.items() if name in names]
        matrices = [p for p in chosen if p.ndim in (2, 4, 5)]
        others = [p for p in chosen if p.ndim not in (2, 4, 5)]
        groups += [
            {"params": matrices, "lr": factor * learning_rate, "weight_decay": weight_decay},
            {"params": others, "lr": factor * learning_rate, "weight_decay": 0.0},
        ]
    return groups


def build_optimizer(name: Optimizer, groups: list[dict], momentum: float) -> torch.optim.Optimizer:
    """momentum: SGD's. Raises ValueError for another name."""
    require("optimizer", name, get_args(Optimizer))
    return torch.optim.AdamW(groups) if name == "adamw" else torch.optim.SGD(groups, momentum=momentum)


def one_cycle(optimizer: torch.optim.Optimizer, steps: int) -> OneCycleLR:
    """Up to each group's learning rate over a quarter of the steps, then down to nothing."""
    peaks = [group["lr"] for group in optimizer.param_groups]
    rise = min(max(0.25, 2 / steps), 0.9)  # the rise needs more than one step
    cycled = "betas" in optimizer.defaults  # AdamW's first beta; SGD keeps the momentum that it is given
    return OneCycleLR(optimizer, peaks, steps, pct_start=rise, cycle_momentum=cycled)


def step_factor(step: int, *, per_epoch: int, decay_epochs: tuple[int, ...], warm_up_epochs: float) -> float:
    """Share of the learning rate at a step: rising evenly over the warm-up, a tenth of it from each decay epoch on."""
    warm_up = round(warm_up_epochs * per_epoch)
    rise = min((step + 1) / (warm_up + 1), 1.0)
    return rise * 0.1 ** sum(step >= epoch * per_epoch for epoch in decay_epochs)


def build_schedule(
    name: Schedule,
    optimizer: torch.optim.Optimizer,
    *,
    epochs: int,
    per_epoch: int,
    decay_epochs: tuple[int, ...],
    warm_up_epochs: float,
) -> LRScheduler:
    """A schedule that is stepped once a step of the optimiser, `per_epoch` times an epoch.

    decay_epochs, warm_up_epochs: of "steps"; "one_cycle" has neither. Raises ValueError for another name.
    """
    require("schedule", name, get_args(Schedule))
    if name == "steps":
        factor = partial(
            step_factor, per_epoch=per_epoch, decay_epochs=decay_epochs, warm_up_epochs=warm_up_epochs
        )
        return LambdaLR(optimizer, factor)
    return one_cycle(optimizer, epochs * per_epoch)


def derived_seed(*parts: int) -> int:
    """One seed from several whole numbers, the same on every machine."""
    seed = 0
    for part in parts:
        seed = (seed * 1_000_003 + part + 7) % (2**63 - 25)
    return seed
