"""Where the cells of a block's maps lie on the picture: edge to edge, or centred on their receptive fields."""

from typing import Literal, get_args

import numpy as np
from torch import nn

from analysis.gradcam import residual_block
from atr.efficientnet import SameConv
from atr.models import VideoClassifier
from atr.options import require

Alignment = Literal["edges", "centres"]
ALIGNMENTS = get_args(Alignment)

Centres = tuple[np.ndarray, np.ndarray]
"""Of the rows (h,) and of the columns (w,) of cells, as shares of the picture's height and width."""


def cell_centres(
    model: VideoClassifier, block: str, height: int, width: int, alignment: Alignment = "edges"
) -> Centres:
    """Where the cells of a block's maps have their centres, for frames of height × width pixels.

    alignment: "edges" lays h × w equal cells edge to edge over the picture, as maps are usually drawn. "centres" puts
    each cell where its receptive field has its centre: a 3×3 convolution of stride 2 with one pixel of padding looks at
    the pixels 0, 2, 4, ..., so its fields lie half a cell further up and left than cells edge to edge.

    Raises:
        ValueError: there is no such block, or the alignment is unknown.
    """
    require("alignment", alignment, ALIGNMENTS)
    sides = (height, width)
    fields = [field_centres(model, block, axis, side) for axis, side in enumerate(sides)]
    if alignment == "centres":
        rows, columns = (centres / side for centres, side in zip(fields, sides, strict=True))
    else:
        rows, columns = ((np.arange(len(centres)) + 0.5) / len(centres) for centres in fields)
    return rows, columns


def field_centres(model: VideoClassifier, block: str, axis: int, side: int) -> np.ndarray:
    """Centres of the receptive fields of a block's cells along one axis, in pixels: pixel i reaches from i to i + 1.

    With stride s, kernel k and p pixels of padding before the input, output j looks at the inputs around
    j·s - p + (k - 1)/2; layers are put one after the other (Araujo et al. 2019, Computing Receptive Fields of CNNs).
    Shortcuts have the same centres.

    axis: 0 for rows, 1 for columns. side: pixels of the frame along it.
    """
    offset, step, cells = 0.0, 1, side
    for layer in layers_to(model, block):
        kernel, stride, before, behind = geometry(layer, axis, cells)
        offset += step * ((kernel - 1) / 2 - before)
        step *= stride
        cells = (cells + before + behind - kernel) // stride + 1
    return offset + step * np.arange(cells) + 0.5


def layers_to(model: VideoClassifier, block: str) -> list[nn.Module]:
    """Convolutions and pools of the main branches from the frame to a block's slot, in order; both backbones register
    them in the order in which they are applied."""
    last = residual_block(model, block)
    inside = {id(module) for module in last.modules()}
    found: list[nn.Module] = []
    reached = False
    for name, module in model.backbone.named_modules():
        if reached and id(module) not in inside:
            break
        reached = reached or module is last
        aside = {"atr", "downsample", "shortcut"} & set(name.split("."))
        if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.MaxPool2d, nn.AvgPool2d)) and not aside:
            found.append(module)
    return found


def geometry(layer: nn.Module, axis: int, side: int) -> tuple[int, int, int, int]:
    """Kernel, stride, padding before and padding behind, along one spatial axis of an input of `side` positions."""
    kernel, stride, padding = (
        of_axis(getattr(layer, key), axis) for key in ("kernel_size", "stride", "padding")
    )
    before, behind = layer.padding_of(axis, side) if isinstance(layer, SameConv) else (padding, padding)
    return kernel, stride, before, behind


def of_axis(value: int | tuple[int, ...], axis: int) -> int:
    """A number for both axes, or one for each; of a convolution in time too, the last two are of space."""
    return value if isinstance(value, int) else value[-2:][axis]
