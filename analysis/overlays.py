"""Actionness maps as colours over frames.

Maps come normalised (`actionness.normalise`) and with their colour limits, one pair per clip and block.
"""

import matplotlib
import numpy as np

from analysis.actionness import upsample
from analysis.alignment import Centres
from analysis.opacity import OPACITY, SIGNED_COLORMAP, opacity_of, scale_limits
from atr.options import choose, require

COLORMAPS = ("inferno", "magma", "plasma", "viridis", "cividis")  # perceptually uniform, all of them


def overlay(
    frames: np.ndarray,
    maps: np.ndarray,
    limits: tuple[float, float],
    *,
    median: float | None = None,
    style: str = "value",
    colormap: str = "inferno",
    opacity: float | None = None,
    centres: Centres | None = None,
) -> np.ndarray:
    """Coloured maps over frames, uint8 (L, H, W, 3).

    frames: uint8 (L, H, W, 3). maps: normalised (L, h, w), brought to the frames' size bilinearly. limits: values
    that get the first and the last colour; what lies beyond is clipped. median: of the whole clip; of the maps given,
    where these are the whole clip. style: see `opacity.opacity_of`; "signed" has colours of its own, and limits with
    the median amid. opacity: 0 shows the frames, 1 the maps where they are strongest; None: as `OPACITY` has it.
    centres: of the maps' cells (`alignment.cell_centres`); None for edge to edge.
    """
    if len(frames) != len(maps):
        raise ValueError(f"{len(frames)} frames and {len(maps)} maps: one map for each frame is needed")
    opacity = choose("overlay_style", style, OPACITY) if opacity is None else opacity
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity must lie in [0, 1], got {opacity}")
    median = float(np.median(maps)) if median is None else median
    low, high = limits = scale_limits(limits, median, style)
    palette = palette_of(colormap) if style != "signed" else colours_of(SIGNED_COLORMAP)
    blended = np.empty_like(frames)
    for index, (frame, map_) in enumerate(zip(frames, maps, strict=True)):
        values = upsample(map_, frame.shape[0], frame.shape[1], centres)
        colours = palette[np.round(np.clip((values - low) / (high - low), 0, 1) * 255).astype(int)]
        cover = opacity * opacity_of(values, median, limits, style)[..., None]
        blended[index] = np.round((1 - cover) * frame + cover * colours)
    return blended


def palette_of(colormap: str) -> np.ndarray:
    """The 256 colours of a colour map, float (256, 3) in 0 ... 255."""
    require("colormap", colormap, COLORMAPS)
    return colours_of(colormap)


def colours_of(name: str) -> np.ndarray:
    return matplotlib.colormaps[name](np.arange(256))[:, :3] * 255
