"""What if: the frames of a clip in another order, a part of every frame hidden, actionness made uniform.

Frames are one clip as a data set gives it, uint8 (T, H, W, 3); what is returned is exactly what the model is given.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from analysis.actionness import actionness_blocks
from analysis.recording import record
from atr.locator import ActionRegionLocator
from atr.models import VideoClassifier
from atr.options import require
from atr.results.predict import class_probabilities

ORDERS = ("as it is", "reversed", "shuffled", "frozen")
HIDDEN = ("nothing", "top", "random", "bottom")
Fill = Literal["mean", "blur"]
FILLS = get_args(Fill)
LEVELS = ("zero", "mean")
PARTS = ("AFA", "AFD")
ACTIONNESS = ("computed", *LEVELS, *(f"not in {part}" for part in PARTS))
BLUR = 1 / 8  # standard deviation of the Gaussian, as a share of the frame's shorter side


@dataclass(frozen=True)
class Intervention:
    """What is done to a clip and its model; the defaults do nothing.

    Attributes:
        order: of the frames, `frame_order`.
        seed: of the shuffled order and of the positions hidden at random.
        step: the frame that is shown all the time in the order "frozen", 0-based.
        hide: the positions with the highest actionness ("top"), with the lowest ("bottom"), or random ones.
        share: of the positions of every frame that are hidden, 0 to 1.
        block: whose actionness, and whose positions; None where nothing is hidden.
        fill: what is put in the place of hidden pixels, `filling`.
        actionness: M as "computed"; "zero" or "mean", the same everywhere, `uniform_actionness`; "not in AFA" or "not in
            AFD", `withheld_actionness`.

    Raises:
        ValueError: a value is not one of those allowed.
    """

    order: str = "as it is"
    seed: int = 0
    step: int = 0
    hide: str = "nothing"
    share: float = 0.2
    block: str | None = None
    fill: str = "mean"
    actionness: str = "computed"

    def __post_init__(self) -> None:
        require("order", self.order, ORDERS)
        require("hide", self.hide, HIDDEN)
        require("fill", self.fill, FILLS)
        require("actionness", self.actionness, ACTIONNESS)
        if not 0 <= self.share <= 1:
            raise ValueError(f"share = {self.share} is not allowed; allowed: 0 to 1")
        if self.hide != "nothing" and self.block is None:
            raise ValueError(f"hide = {self.hide!r} needs the block whose positions are meant")

    @property
    def changes_nothing(self) -> bool:
        return (self.order, self.hide, self.actionness) == ("as it is", "nothing", "computed")


@dataclass(frozen=True)
class Outcome:
    """What a model was given and what it made of it.

    frames: uint8 (T, H, W, 3). order: int (T,), which of the clip's frames each was. hidden: bool (T, h, w), the hidden
    positions, None where none are. probabilities: float32 (num_classes,).
    """

    frames: np.ndarray
    order: np.ndarray
    hidden: np.ndarray | None
    probabilities: np.ndarray


def intervene(model: VideoClassifier, frames: np.ndarray, intervention: Intervention) -> Outcome:
    """One clip under an intervention. The order comes first: hidden is what the model looks at in the ordered clip.

    Raises:
        ValueError: there is no such block or frame, or the positions are to be ranked by an actionness that the block
            has not.
    """
    order = frame_order(intervention.order, len(frames), seed=intervention.seed, step=intervention.step)
    given, hidden = frames[order], None
    if intervention.hide != "nothing":
        hidden = hidden_positions(model, given, intervention)
        given = hide(given, hidden, filling(given, intervention.fill))
    with changed_actionness(model, intervention.actionness):
        probabilities = class_probabilities(model, given[None])[0].cpu().numpy()
    return Outcome(given, order, hidden, probabilities)


# ---- order -----------------------------------------------------------------------------------------------------------


def frame_order(kind: str, num_frames: int, *, seed: int | Sequence[int] = 0, step: int = 0) -> np.ndarray:
    """Which of T frames is shown at each time step, int (T,).

    "reversed" plays the sampled frames backwards (they are not sampled anew); "shuffled" is a random permutation of
    `seed`, never the identity; "frozen" shows frame `step` (0-based) at all times.

    Raises:
        ValueError: `kind` is unknown, there is no frame `step`, or a single frame is to be shuffled.
    """
    require("order", kind, ORDERS)
    steps = np.arange(num_frames)
    if kind == "as it is":
        return steps
    if kind == "reversed":
        return steps[::-1].copy()
    if kind == "frozen":
        if not 0 <= step < num_frames:
            raise ValueError(f"step = {step} is not allowed; allowed: 0 to {num_frames - 1}")
        return np.full(num_frames, step)
    if num_frames < 2:
        raise ValueError("one frame has no other order: it cannot be shuffled")
    generator = np.random.default_rng(seed)
    while np.array_equal(shuffled := generator.permutation(num_frames), steps):
        pass
    return shuffled


# ---- hiding ----------------------------------------------------------------------------------------------------------


def hiding_order(scores: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The rank of every position in its own frame, 0 for the highest score; ties fall at random. (T, h, w) -> int.

    Ranks are taken within frames, as AFA's softmax is: hiding the first k hides the same area of every frame whatever
    the scores are, so that orders differ in where they hide and in nothing else. Over the whole clip, a block that
    responds to some frames only would hide those altogether, and a random order would not. Constant scores give a
    random order.
    """
    flat = scores.reshape(len(scores), -1)
    order = np.lexsort((generator.random(flat.shape), -flat), axis=-1)
    return np.argsort(order, axis=-1).reshape(scores.shape)  # the inverse permutation


def hidden_positions(model: VideoClassifier, frames: np.ndarray, intervention: Intervention) -> np.ndarray:
    """The positions an intervention hides, bool (T, h, w): `count_of(share)` in every frame."""
    block = cast(str, intervention.block)  # what hides has one
    grid = grid_of(model, block, *frames.shape[1:3])
    if intervention.hide == "random":
        scores = np.zeros((len(frames), *grid))
    else:
        maps = actionness(model, frames[None], block)[0]
        scores = maps if intervention.hide == "top" else -maps
    ranks = hiding_order(scores, np.random.default_rng(intervention.seed))
    return ranks < count_of(intervention.share, grid)


def count_of(share: float, grid: tuple[int, int]) -> int:
    """How many positions of a frame come nearest to a share of its area (halves up)."""
    return int(share * grid[0] * grid[1] + 0.5)


def actionness(model: VideoClassifier, frames: np.ndarray, block: str) -> np.ndarray:
    """Raw M of a block: clips uint8 (N, T, H, W, 3) -> float32 (N, T, h, w).

    Raises ValueError for a block without an Action-related Region Locator.
    """
    allowed = actionness_blocks(model)
    if block not in allowed:
        raise ValueError(
            f"block {block!r} has no actionness; allowed: "
            f"{', '.join(allowed) or 'none, the model has no Action-related Region Locator'}"
        )
    with record(model) as recording:
        class_probabilities(model, frames)
    return recording.actionness[block].numpy()


def grid_of(model: VideoClassifier, block: str, height: int, width: int) -> tuple[int, int]:
    """Positions (h, w) of a residual block's features for frames of height × width, whether it has an ATR block or not.

    Raises ValueError for a block the network has not.
    """
    allowed = tuple(model.backbone.slots())
    require("block", block, allowed)
    # A stage counts the halvings of both sides, rounded up; the small stem leaves one of them out.
    stride = 2 ** (int(block[1]) - (model.config.stem == "small"))
    return -(-height // stride), -(-width // stride)


def hide(frames: np.ndarray, hidden: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Frames (..., T, H, W, 3) with the pixels of hidden positions (..., T, h, w) taken from `filled`.

    Positions are laid over a frame as cells edge to edge, as the maps are drawn. Where cells do not divide the frame
    evenly, their areas differ by a row or a column of pixels.
    """
    (height, width), (rows, columns) = frames.shape[-3:-1], hidden.shape[-2:]
    down, across = np.arange(height) * rows // height, np.arange(width) * columns // width
    return np.where(hidden[..., down[:, None], across, None], filled, frames)


def filling(frames: np.ndarray, kind: str) -> np.ndarray:
    """What stands in the place of hidden pixels, uint8 as the frames (T, H, W, 3).

    "mean": the clip's mean colour. Nothing of the place is left, but cells get edges that no natural picture has.
    "blur": a Gaussian of an eighth of the shorter side. The picture stays natural, but a large object remains as a
    smear, so less is hidden. Either is the same for every choice of positions, which is what makes them comparable.
    """
    require("fill", kind, FILLS)
    if kind == "mean":
        colour = np.round(frames.mean(axis=(0, 1, 2))).astype(np.uint8)
        return np.broadcast_to(colour, frames.shape)
    deviation = BLUR * min(frames.shape[1:3])
    return np.stack([cv2.GaussianBlur(frame, (0, 0), deviation) for frame in frames])


# ---- actionness ------------------------------------------------------------------------------------------------------


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
        by_clip = output.unflatten(0, (-1, num_frames))
        return by_clip.mean(dim=(1, 3, 4), keepdim=True).expand_as(by_clip).flatten(0, 1)

    locators = [
        module
        for name in (allowed if blocks is None else blocks)
        for module in model.blocks[name].modules()
        if isinstance(module, ActionRegionLocator)
    ]
    with changed_here(locators, "register_forward_hook", constant):
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
    thread, changed, hooks = threading.get_ident(), set(), []

    def hook(module: nn.Module, *given: Any) -> Any:
        if threading.get_ident() != thread:
            return None
        changed.add(module)
        return change(*given)

    try:
        for module in modules:
            hooks.append(getattr(module, register)(hook))
        yield
    finally:
        for handle in hooks:
            handle.remove()
    if len(changed) < len(modules):
        raise RuntimeError(
            "actionness was not replaced: no forward pass ran, or the model was compiled before (hooks on a compiled "
            "module are ignored; use the model that was compiled)"
        )


def blocks_with_actionness(model: VideoClassifier) -> tuple[str, ...]:
    """Raises ValueError where there is none."""
    if allowed := actionness_blocks(model):
        return allowed
    raise ValueError("the model has no Action-related Region Locator: there is no actionness to replace")
