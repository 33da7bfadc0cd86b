"""Are the blocks of a network alive? A few numbers a block, from module outputs by forward hooks.

A block whose softmax is saturated reads one single position of each frame, and its gradient is next to zero: it stays as
it is. That is seen while a network trains, not in its accuracy.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from atr.locator import ActionRegionLocator
from atr.models import unwrapped
from atr.reasoner import TemporalRelation
from atr.temporal import by_clip

# AFA then reads one position: the softmax's derivative p·(1 - p) is at most 0.16 there, and falls to 0 beyond.
COLLAPSED_PEAK = 0.8
# And this position does not follow the action: in most frames it is where it was. A saturated softmax whose cell moves
# reads little, but what it reads is of the clip.
COLLAPSED_SAME = 0.6
# At most one move in a clip of 8 frames (6 of 7 steps are 0.857): a place that is always the same tells nothing of the
# clip, however wide the softmax is.
FROZEN_SAME = 0.85
# A fiftieth of what it is added to is lost in the next normalisation; some blocks start at 0 by choice.
SILENT_SHARE = 0.02

QUANTITIES = ("largest", "peak", "same_cell", "share", "relation_peak", "relation_spread")
State = Literal["alive", "collapsed", "frozen", "silent"]


class Vitals:
    """What was seen of each block, a value a clip: block name -> quantity -> (N,), nan where a block has none of it.

    "largest": the largest |M|. "peak": the largest softmax weight of a frame, mean over frames. "same_cell": share of
    frames whose strongest cell is that of the frame before. "share": |F| / |X|, norms over the clip of what the block
    adds and of what it is added to. "relation_peak": the largest entry of a row of W, "relation_spread": the largest
    logit of a row minus the smallest, means over rows and stacked reasoners.

    cells: block name -> positions of a frame, of those with an Action-related Region Locator.
    """

    def __init__(self, blocks: Iterable[str]):
        self.seen: dict[str, dict[str, list[np.ndarray]]] = {name: {} for name in blocks}
        self.cells: dict[str, int] = {}
        self.batches = 0

    def add(self, block: str, quantity: str, values: Tensor) -> None:
        on_cpu = values.detach().cpu().double()  # Apple's GPUs have no float64
        self.seen[block].setdefault(quantity, []).append(on_cpu.numpy())

    def values(self) -> dict[str, dict[str, np.ndarray]]:
        found = {}
        for block, seen in self.seen.items():
            whole = {quantity: np.concatenate(parts) for quantity, parts in seen.items()}
            count = len(whole["share"]) if whole else 0
            missing = np.full(count, np.nan)
            found[block] = {quantity: whole.get(quantity, missing) for quantity in QUANTITIES}
        return found


@contextmanager
def watch(model: nn.Module, batches: int | None = None) -> Iterator[Vitals]:
    """The vitals of every ATR and ATR_sim block while the context is open, of the first so many forward passes.

    Nothing is stored on a module; the hooks are gone when the context ends, however it ends. A compiled model is seen
    only if it is compiled within.
    """
    model = unwrapped(model)
    blocks: Mapping[str, nn.Module] = model.blocks  # type: ignore[assignment]
    num_frames: int = model.config.num_frames  # type: ignore[union-attr, assignment]
    vitals = Vitals(blocks)

    def wanted() -> bool:
        return batches is None or vitals.batches < batches

    def counted(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        vitals.batches += 1

    def located(name: str):
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            if wanted():
                for quantity, values in of_actionness(frame_values(output, num_frames)).items():
                    vitals.add(name, quantity, values)
                vitals.cells[name] = output.shape[-2] * output.shape[-1]

        return hook

    def added(name: str):
        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            if wanted():
                x, y = (frame_values(values, num_frames) for values in (inputs[0], output))
                vitals.add(name, "share", norm(y - x) / norm(x).clamp(min=1e-30))

        return hook

    def related(name: str, stacked: list[TemporalRelation], rows: dict[str, Tensor]):
        def hook(module: TemporalRelation, inputs: tuple, output: Tensor) -> None:
            if wanted():
                for quantity, values in of_relation(module.logits(inputs[0]), output).items():
                    rows[quantity] = rows.get(quantity, 0) + values / len(stacked)
                if module is stacked[-1]:
                    for quantity, values in rows.items():
                        vitals.add(name, quantity, values)
                    rows.clear()

        return hook

    with ExitStack() as hooks:
        for name, block in blocks.items():
            modules = list(block.modules())
            stacked = [module for module in modules if isinstance(module, TemporalRelation)]
            rows: dict[str, Tensor] = {}
            for module in modules:
                if isinstance(module, ActionRegionLocator):
                    hooks.enter_context(module.register_forward_hook(located(name)))
            for module in stacked:
                hooks.enter_context(module.register_forward_hook(related(name, stacked, rows)))
            hooks.enter_context(block.register_forward_hook(added(name)))
        hooks.enter_context(model.register_forward_hook(counted))
        yield vitals


def frame_values(values: Tensor, num_frames: int) -> Tensor:
    """(N*T, C, H, W) -> (N, T, C*H*W), float32 whatever the precision of the pass."""
    return by_clip(values.detach().float().flatten(1), num_frames)


def norm(values: Tensor) -> Tensor:
    return torch.linalg.vector_norm(values, dim=(1, 2))


def of_actionness(m: Tensor) -> dict[str, Tensor]:
    """Raw M (N, T, h*w) -> quantity -> (N,); a single frame has none before it."""
    weight, cell = torch.softmax(m, dim=-1).max(dim=-1)
    found = {"largest": m.abs().amax(dim=(1, 2)), "peak": weight.mean(dim=1)}
    if m.shape[1] > 1:
        found["same_cell"] = (cell[:, 1:] == cell[:, :-1]).float().mean(dim=1)
    return found


def of_relation(logits: Tensor, w: Tensor) -> dict[str, Tensor]:
    """Logits and W, each (N, T, T) -> quantity -> (N,)."""
    logits, w = logits.detach().float(), w.detach().float()
    return {
        "relation_peak": w.amax(dim=-1).mean(dim=1),
        "relation_spread": (logits.amax(dim=-1) - logits.amin(dim=-1)).mean(dim=1),
    }


def health_numbers(values: Mapping[str, Mapping[str, np.ndarray]], cells: Mapping[str, int]) -> list[dict]:
    """An entry a block: means over clips, None where it has none of a quantity, and "state", its `state_of`.

    "times_uniform" is the softmax's peak as a multiple of 1 / cells, what equal weights have.
    """
    entries = []
    for block, seen in values.items():
        means = {quantity: mean_of(seen[quantity]) for quantity in QUANTITIES}
        peak, count = means["peak"], cells.get(block)
        entries.append(
            {
                "block": block,
                "state": state_of(peak, means["same_cell"], means["share"], count),
                "cells": count,
                **means,
                "times_uniform": None if peak is None or count is None else peak * count,
            }
        )
    return entries


def mean_of(values: np.ndarray) -> float | None:
    mean = float(values.mean()) if len(values) else math.nan
    return mean if math.isfinite(mean) else None


def state_of(
    peak: float | None, same_cell: float | None, share: float | None, cells: int | None = None
) -> State:
    """One word for a block; the first that holds of "collapsed", "frozen" and "silent", else "alive".

    A block without actionness, or with a single cell, which leaves AFA nothing to choose, is silent or alive.
    """
    if peak is not None and same_cell is not None and cells != 1:
        if peak >= COLLAPSED_PEAK and same_cell >= COLLAPSED_SAME:
            return "collapsed"
        if same_cell >= FROZEN_SAME:
            return "frozen"
    if share is not None and share < SILENT_SHARE:
        return "silent"
    return "alive"
