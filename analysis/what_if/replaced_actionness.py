"""Actionness replaced in a trained network: M uniform, or kept from one of the two parts of the block that use it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from atr.models import VideoClassifier
from atr.options import require
from atr.temporal import by_clip

LEVELS = ("zero", "mean")
PARTS = ("AFA", "AFD")
ACTIONNESS = ("computed", *LEVELS, *(f"not in {part}" for part in PARTS))


def changed_actionness(model: VideoClassifier, kind: str) -> AbstractContextManager[None]:
    """Actionness of all blocks as one of ACTIONNESS says, while the context is open."""
    if kind == "computed":
        return nullcontext()
    if kind in LEVELS:
        return uniform_actionness(model, level=kind)
    return withheld_actionness(model, kind.removeprefix("not in "))


@contextmanager
def uniform_actionness(
    model: VideoClassifier, blocks: Sequence[str] | None = None, *, level: str = "zero"
) -> Iterator[None]:
    """While the context is open, M of `blocks` (all with an ARL when None) is one constant everywhere in a clip.

    AFA's softmax then weighs all positions alike: it is global average pooling, as in ATR_sim. What AFD does:

        uniform  r_t at every position, as before: M took no part in it.
        add      BN(c + r_t): the same at every position. M's own mean is in the batch normalisation's statistics, so a
                 constant far from it shifts all positions.
        scale    σ(c)·r_t: the same at every position; σ(0) = ½.

    `level` "zero" is c = 0, what an ARL gives that has learned nothing. "mean" is M's own mean over the frames and
    positions of each clip: the strength of the block stays nearly as it was, and only where and when is taken away.

    Only forward passes of the thread that opened the context are changed, so threads may share one model. Nothing is
    stored on a module; the hooks are gone when the context ends, however it ends.

    Raises:
        ValueError: the model has no ARL, a named block has none, or `level` is unknown.
        RuntimeError: the context closed and nothing was replaced: no forward pass ran in it, or the model had been
            compiled before, and a compiled module ignores hooks.
    """
    require("level", level, LEVELS)
    allowed = blocks_with_actionness(model)
    for block in blocks if blocks is not None else ():
        require("block", block, allowed)
    num_frames = model.config.num_frames

    def constant(inputs: tuple, output: Tensor) -> Tensor:
        if level == "zero":
            return torch.zeros_like(output)
        m = by_clip(output, num_frames)
        return m.mean(dim=(1, 3, 4), keepdim=True).expand_as(m).flatten(0, 1)

    locators = model.locators
    chosen = [locators[name] for name in (allowed if blocks is None else blocks)]
    with changed_here(chosen, "register_forward_hook", constant):
        yield


@contextmanager
def withheld_actionness(model: VideoClassifier, part: str) -> Iterator[None]:
    """While the context is open, one part of every ATR block does without the pattern of M; the other has it as computed.

    "AFA": averages over all positions alike. "AFD": is given the mean of M over the positions of each frame, so that
    adding it, or scaling with it, tells when but not where. Threads and hooks as in `uniform_actionness`.

    Raises:
        ValueError: the model has no ARL, or `part` is unknown.
    """
    require("part", part, PARTS)
    names = blocks_with_actionness(model)

    def alike(given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        x, actionness = given
        return x, torch.zeros_like(actionness)

    def level(given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        *others, actionness, r = given  # the AFD of an optimised network is given the features too
        return *others, actionness.mean(dim=(2, 3), keepdim=True).expand_as(actionness), r

    kind, change = {"AFA": ("afa", alike), "AFD": ("afd", level)}[part]
    parts = [getattr(m, kind) for name in names for m in model.blocks[name].modules() if hasattr(m, kind)]
    with changed_here(parts, "register_forward_pre_hook", change):
        yield


@contextmanager
def changed_here(modules: Sequence[nn.Module], register: str, change: Callable) -> Iterator[None]:
    """While the context is open, what modules get or give is what `change` makes of it, in this thread's passes alone.

    register: the method that registers a hook. change: takes what such a hook is given after the module.

    Raises:
        RuntimeError: the context closed and a module was not passed.
    """
    thread, changed = threading.get_ident(), set()

    def hook(module: nn.Module, *given: Any) -> Any:
        if threading.get_ident() != thread:
            return None
        changed.add(module)
        return change(*given)

    with ExitStack() as hooks:
        for module in modules:
            hooks.enter_context(getattr(module, register)(hook))
        yield
    if len(changed) < len(modules):
        raise RuntimeError(
            "actionness was not replaced: no forward pass ran, or the model was compiled before (hooks on a compiled "
            "module are ignored; use the model that was compiled)"
        )


def blocks_with_actionness(model: VideoClassifier) -> tuple[str, ...]:
    """Raises ValueError where there is none."""
    if allowed := model.locators:
        return tuple(allowed)
    raise ValueError("the model has no Action-related Region Locator: there is no actionness to replace")
