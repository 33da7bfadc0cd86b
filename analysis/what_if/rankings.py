"""What ranks the positions of a clip that are hidden or shown first: maps of blocks, and baselines that know no model."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from analysis.gradcam import gradcam
from analysis.localize.measures import baselines
from analysis.map_values import upsample
from analysis.recording import Recording
from analysis.what_if.hiding import grid_of
from atr.models import VideoClassifier
from atr.options import require
from atr.video.transforms import normalise

BASELINES = ("frame difference", "centre", "random")


class Ranking(NamedTuple):
    """What decides which positions are hidden first: a map of a block, or a baseline, whose block is None."""

    method: str
    block: str | None = None

    @property
    def name(self) -> str:
        return self.method if self.block is None else f"{self.method} {self.block}"


def rankings_of(model: VideoClassifier, blocks: Sequence[str] = ()) -> tuple[Ranking, ...]:
    """Actionness and Grad-CAM of these blocks, where they have it, and the baselines.

    Without blocks: the actionness of all that have an Action-related Region Locator, and Grad-CAM where it is usually
    taken, at the last block of the network.

    Raises:
        ValueError: there is no such block.
    """
    blocks, located = tuple(dict.fromkeys(blocks)), model.locators
    slots = tuple(model.backbone.slots())
    for block in blocks:
        require("block", block, slots)
    return (
        *(Ranking("actionness", block) for block in (blocks or located) if block in located),
        *(Ranking("Grad-CAM", block) for block in (blocks or slots[-1:])),
        *(Ranking(name) for name in BASELINES),
    )


def finest_block(model: VideoClassifier, rankings: Sequence[Ranking], height: int, width: int) -> str:
    """The block whose positions are hidden: of those that rank, the first with the most of them."""
    blocks = [ranking.block for ranking in rankings if ranking.block is not None]
    return max(blocks, key=lambda block: np.prod(grid_of(model, block, height, width)))


def scores_of(
    model: VideoClassifier,
    frames: np.ndarray,
    ranking: Ranking,
    seen: Recording,
    target: np.ndarray,
    grid: tuple[int, int],
) -> np.ndarray:
    """What ranks the positions of clips uint8 (N, T, H, W, 3): (N, T, h, w) on the grid, the highest hidden first.

    seen: of a pass over these clips. target: (N,), the classes that Grad-CAM explains. It comes without its ReLU, whose
    many zeros would all tie.
    """
    if ranking.method == "actionness" and ranking.block is not None:
        return on_grid(seen.actionness[ranking.block].numpy(), grid)
    if ranking.method == "Grad-CAM" and ranking.block is not None:
        clips = normalise(frames, model.preprocessing)
        heat = gradcam(model, clips, ranking.block, torch.from_numpy(target), relu=False)
        return on_grid(heat.numpy(), grid)
    if ranking.method == "random":
        return np.zeros((*frames.shape[:2], *grid))  # ties fall at random
    return np.stack([baselines(clip, *grid)[ranking.method] for clip in frames])


def on_grid(maps: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Maps (N, T, h, w) on a grid that is not coarser, bilinear; as they are where it is their own."""
    if maps.shape[2:] == grid:
        return maps
    return np.stack([[upsample(map_, *grid) for map_ in clip] for clip in maps])
