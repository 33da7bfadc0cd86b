"""What the ATR blocks computed in the latest forward pass, read from module outputs by ordinary forward hooks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn

from atr.block import ATRBlock, ATRSimBlock
from atr.locator import ActionRegionLocator
from atr.models import VideoClassifier, unwrapped
from atr.reasoner import TemporalRelation
from atr.temporal import by_clip


class Recording:
    """Values of the latest forward pass, on the CPU in float32; they alias nothing of the model.

    Attributes:
        actionness: block name -> raw M, (N, T, h, w). In a network of one's own a block's name is its place, such as
            "layer4.1.atr", and "block" where it stands alone.
        relations: block name -> one W (N, T, T) per stacked graph reasoner, first to last.
    """

    def __init__(self) -> None:
        self.actionness: dict[str, Tensor] = {}
        self.relations: dict[str, list[Tensor]] = {}


@contextmanager
def record(model: nn.Module) -> Iterator[Recording]:
    """Record M of every ActionRegionLocator and W of every TemporalRelation in blocks while the context is open.

        with torch.inference_mode(), record(model) as recording:
            model(clips)
        recording.actionness["S5B3"]

    model: one of this package, or any other with blocks of `atr.build_atr` or `atr.build_atr_sim` in it; outside a block
        these parts are not seen.

    Only forward passes of the thread that opened the recording count, so threads may share one model. Nothing is
    stored on a module; the hooks are gone when the context ends, however it ends.

    Raises:
        ValueError: no block has either, so there is nothing to record.
        RuntimeError: the context closed and nothing was recorded: no forward pass ran in it, or that of a compiled model,
            which ignores hooks.
    """
    model = unwrapped(model)
    recording, thread, hooks = Recording(), threading.get_ident(), []

    def locator_hook(name, num_frames):
        def hook(module, inputs, output):
            if threading.get_ident() == thread:
                maps = output.detach().to("cpu", torch.float32, copy=True).squeeze(1)
                recording.actionness[name] = by_clip(maps, num_frames)

        return hook

    def relation_hook(name, index):
        def hook(module, inputs, output):
            if threading.get_ident() == thread:
                relations = recording.relations.setdefault(name, [])
                del relations[index:]  # a new forward pass starts over
                relations.append(output.detach().to("cpu", torch.float32, copy=True))

        return hook

    try:
        for name, block, num_frames in blocks_of(model):
            index = 0
            for module in block.modules():
                if isinstance(module, ActionRegionLocator):
                    hooks.append(module.register_forward_hook(locator_hook(name, num_frames)))
                elif isinstance(module, TemporalRelation):
                    hooks.append(module.register_forward_hook(relation_hook(name, index)))
                    index += 1
        if not hooks:
            raise ValueError(
                f"{described(model)} has no ATR or ATR_sim block with an ActionRegionLocator or a TemporalRelation: there is "
                "nothing to record"
            )
        yield recording
    finally:
        for hook in hooks:
            hook.remove()
    if not (recording.actionness or recording.relations):
        raise RuntimeError(
            "nothing was recorded: no forward pass ran inside the recording, or it was one of a compiled model, which "
            "ignores hooks once a model of its class has run compiled; call the model itself here, not what torch.compile gave"
        )


def blocks_of(model: nn.Module) -> Iterator[tuple[str, nn.Module, int]]:
    """Name, block and number of frames of every block."""
    if isinstance(model, VideoClassifier):
        yield from ((name, block, model.config.num_frames) for name, block in model.blocks.items())
        return
    for place, module in model.named_modules():
        if isinstance(module, ATRBlock):
            yield place or "block", module, cast(int, module.afa.num_frames)
        elif isinstance(module, ATRSimBlock):
            yield place or "block", module, cast(int, module.pool.num_frames)


def described(model: nn.Module) -> str:
    if not isinstance(model, VideoClassifier):
        return type(model).__name__
    config = model.config
    return f"{config.name} with block={config.block!r} and reasoner={config.atr.reasoner!r}"
