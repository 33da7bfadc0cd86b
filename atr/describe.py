"""What a network is made of: its blocks by the paper's names, parameters, multiply-accumulates."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from atr.models import ModelConfig, VideoClassifier, build_model


@dataclass(frozen=True)
class BlockDescription:
    """One residual block that carries an ATR or ATR_sim block: name, channels, map size, parameters of that block."""

    name: str
    channels: int
    height: int
    width: int
    parameters: int


@dataclass(frozen=True)
class Description:
    """Counts for one clip. `macs` are multiply-accumulates: half of what torch's flop counter reports."""

    blocks: tuple[BlockDescription, ...]
    parameters: int
    macs: int


@lru_cache(maxsize=512)
def describe(config: ModelConfig, size: int = 224) -> Description:
    """Count a network for one clip of `size` × `size` pixels, without allocating its weights.

    Convolutions and matrix products are counted, as torch's counter does; normalisation and activations are not.
    """
    with torch.device("meta"):
        model = build_model(config).eval()
        clip = torch.empty(1, config.num_frames, 3, size, size)
    shapes = {}
    for name, block in model.blocks.items():  # the model ends here, and its hooks with it
        block.register_forward_hook(
            lambda module, inputs, output, name=name: shapes.update({name: output.shape})
        )
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model(clip)
    blocks = []
    for name, block in model.blocks.items():
        _, channels, height, width = shapes[name]
        blocks.append(BlockDescription(name, channels, height, width, count_parameters(block)))
    return Description(tuple(blocks), count_parameters(model), counter.get_total_flops() // 2)


def count_parameters(module: VideoClassifier | torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def as_text(config: ModelConfig, description: Description, size: int) -> str:
    """The table that `python -m atr describe` prints."""
    lines = [
        f"{config.name}, block {config.block}, {config.num_classes} classes, {config.num_frames} x {size} x {size}"
    ]
    if description.blocks:
        lines.append(f"{'block':8}{'channels':>9}{'map':>10}{'parameters':>12}")
    for block in description.blocks:
        size_text = f"{block.height}x{block.width}"
        lines.append(f"{block.name:8}{block.channels:9}{size_text:>10}{block.parameters:12,}")
    lines.append(f"parameters  {description.parameters / 1e6:.3f} M")
    lines.append(f"MACs        {description.macs / 1e9:.3f} G a clip (torch's flop counter, halved)")
    return "\n".join(lines)
