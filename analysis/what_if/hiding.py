"""Positions of every frame that are hidden from a network: which ones, and what is put in their place.

Frames are one clip, uint8 (T, H, W, 3); positions those of a block's features.
"""

from typing import Literal, get_args

import cv2
import numpy as np

from analysis.alignment import cell_centres
from analysis.recording import record
from atr.models import VideoClassifier
from atr.options import require
from atr.results.predict import class_probabilities

HIDDEN = ("nothing", "top", "random", "bottom")
Fill = Literal["mean", "blur"]
FILLS = get_args(Fill)
BLUR = 1 / 8  # standard deviation of the Gaussian, as a share of the frame's shorter side


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


def hidden_positions(
    model: VideoClassifier, frames: np.ndarray, block: str, *, which: str, share: float, seed: int
) -> np.ndarray:
    """The positions of a block to hide, bool (T, h, w): `count_of(share)` in every frame, "top", "bottom" or "random"."""
    grid = grid_of(model, block, *frames.shape[1:3])
    if which == "random":
        scores = np.zeros((len(frames), *grid))
    else:
        maps = actionness(model, frames[None], block)[0]
        scores = maps if which == "top" else -maps
    ranks = hiding_order(scores, np.random.default_rng(seed))
    return ranks < count_of(share, grid)


def count_of(share: float, grid: tuple[int, int]) -> int:
    """How many positions of a frame come nearest to a share of its area (halves up)."""
    return int(share * grid[0] * grid[1] + 0.5)


def actionness(model: VideoClassifier, frames: np.ndarray, block: str) -> np.ndarray:
    """Raw M of a block: clips uint8 (N, T, H, W, 3) -> float32 (N, T, h, w).

    Raises ValueError for a block without an Action-related Region Locator.
    """
    allowed = model.locators
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
    rows, columns = cell_centres(model, block, height, width)
    return len(rows), len(columns)


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
