"""Grad-CAM: where a block's features speak for a class, for any network; actionness needs an ATR block, this does not.

Selvaraju et al. (2017), computed by captum's LayerGradCam at the output of a residual block.
"""

import copy
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from analysis.shown_clip import maps_of_all_frames, show
from atr.models import VideoClassifier
from atr.options import require
from atr.preprocessing import Preprocessing
from atr.resnet import placed_blocks
from atr.results.predict import require_evaluation
from atr.video.transforms import normalise


def gradcam(
    model: VideoClassifier, clips: Tensor, block: str, target: int | Tensor, *, relu: bool = True
) -> Tensor:
    """Of one block, as `gradcams`: (N, T, h, w)."""
    return gradcams(model, clips, (block,), target, relu=relu)[block]


def gradcams(
    model: VideoClassifier, clips: Tensor, blocks: Sequence[str], target: int | Tensor, *, relu: bool = True
) -> dict[str, Tensor]:
    """relu(Σ_k α_k A_k) of each frame's features A at each block, with α_k = mean over positions of ∂(logit)/∂A_k.

    A network sees frames folded into its batch, (N*T, C, h, w), and answers once a clip. The gradient is that of the
    clip's logit, and every frame has its own channel weights α: this is Grad-CAM per frame of the clip's logit, so a
    frame through which the logit cannot be moved has a weak map.

    Args:
        model: in evaluation mode, on any device. It gets no hook and no gradient, so threads may share it.
        clips: (N, T, 3, H, W), normalised.
        blocks: residual blocks by their paper names, with or without ATR blocks in them; their outputs, after shortcut
            and activation, are explained.
        target: the class, one for all clips or (N,).
        relu: False keeps what speaks against the class too, as negative values.

    Returns:
        block -> (N, T, h, w), float32 on the CPU.

    Raises:
        ValueError: the model is in training mode, there is no such block, or no such class.
    """
    # Here: it takes a tenth as long to import as torch, and few ask for it.
    from captum.attr import LayerGradCam

    require_evaluation(model)
    classes, count = torch.as_tensor(target), model.config.num_classes
    if not ((classes >= 0) & (classes < count)).all():
        raise ValueError(f"target {target} is no class of this model; allowed: 0 to {count - 1}")
    if classes.ndim and classes.shape != clips.shape[:1]:
        raise ValueError(f"target must be one class or one for each of {len(clips)} clips, got {target}")
    network = twin(model)
    layers = {block: residual_block(network, block) for block in blocks}
    device, found = next(model.parameters()).device, {}
    with torch.inference_mode(False):
        # Autograd keeps the classes, and may not keep a tensor made in inference mode.
        inputs, classes = clips.to(device), classes.to(device).clone()
        for block, layer in layers.items():
            maps = LayerGradCam(network, layer).attribute(inputs, classes, relu_attributions=relu)
            found[block] = maps.detach().float().cpu().squeeze(1).unflatten(0, (len(clips), -1))
    return found


def clip_gradcam(
    model: VideoClassifier,
    clip: str | Path | np.ndarray,
    blocks: Sequence[str],
    *,
    target: int,
    preprocessing: Preprocessing | None = None,
    view: str = "crop",
    max_frames: int = 300,
    batch_size: int = 4,
    fps: float = 25.0,
    progress: Callable[[int, int], None] | None = None,
    turn: AbstractContextManager = nullcontext(),  # noqa: B008 (holds nothing)
    allow_damaged: bool = False,
) -> tuple[dict[str, np.ndarray], float]:
    """Grad-CAM for every frame of a clip; the same frames in the same samplings as `clip_actionness` has maps for.

    Args:
        blocks: those to explain; the clip is read once for all of them.
        target: the class to explain, in every sampling.
        the others: of `clip_actionness`.

    Returns:
        block -> float32 (L, h, w), none negative; and the seconds spent in forward and backward passes.

    Raises:
        VideoError: the file is no readable video.
        ValueError: as `gradcam` and `clip_actionness`.
    """
    shown = show(
        model, clip, preprocessing, view=view, max_frames=max_frames, fps=fps, allow_damaged=allow_damaged
    )

    def explained(pictures: np.ndarray) -> dict[str, np.ndarray]:
        clips = normalise(pictures, preprocessing or model.preprocessing)
        return {block: maps.numpy() for block, maps in gradcams(model, clips, blocks, target).items()}

    with turn:
        return maps_of_all_frames(shown, explained, batch_size=batch_size, progress=progress)


def explained_blocks(model: VideoClassifier) -> tuple[str, ...]:
    """The blocks worth comparing: those with an ATR or ATR_sim block, or those of stages 3 to 5 of a bare network."""
    return model.block_names or placed_blocks(tuple(model.backbone.slots()), "S3-5")


def residual_block(model: VideoClassifier, name: str) -> nn.Module:
    """The residual block around a slot. Raises ValueError where there is none of that name."""
    slots = model.backbone.slots()
    require("block", name, slots)
    return next(module for module in model.backbone.modules() if getattr(module, "atr", None) is slots[name])


def twin(model: VideoClassifier) -> VideoClassifier:
    """A network of the same configuration around the same weights in memory, which no gradient is taken of.

    captum's hooks live and die on it, so other threads may use the model meanwhile, and their hooks stay theirs. No
    graph is kept of the layers below the one that is explained.
    """
    weights = {
        id(weight): nn.Parameter(weight.detach(), requires_grad=False) for weight in model.parameters()
    }
    buffers = {id(buffer): buffer for buffer in model.buffers()}
    hooks = {id(module._forward_hooks): OrderedDict() for module in model.modules()}
    return copy.deepcopy(
        model, weights | buffers | hooks
    )  # what is in the second argument is taken, not copied
