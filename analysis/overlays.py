"""Actionness maps as colours over frames.

Maps come as they are shown (`map_values.map_values`), with one scale per clip and block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np

from analysis.alignment import Centres
from analysis.map_values import TOGETHER, colour_limits, upsample
from analysis.opacity import OPACITY, SIGNED_COLORMAP, opacity_of, scale_limits
from atr.options import OVERLAY_STYLES, require

COLORMAPS = ("inferno", "magma", "plasma", "viridis", "cividis")  # perceptually uniform, all of them


@dataclass(frozen=True)
class Scale:
    """How the values of a clip and block become colours over its frames. Raises ValueError where one is not allowed.

    Attributes:
        limits: values that get the first and the last colour; what lies beyond is clipped.
        median: of all values of the clip.
        style: see `opacity.opacity_of`; "signed" has colours of its own, and limits with the median amid.
        colormap: of the other styles.
        opacity: 0 shows the frames, 1 the map where it is strongest; None: as `OPACITY` has it.
    """

    limits: tuple[float, float]
    median: float
    style: str = "value"
    colormap: str = "inferno"
    opacity: float | None = None

    def __post_init__(self) -> None:
        require("overlay_style", self.style, OVERLAY_STYLES)
        require("colormap", self.colormap, COLORMAPS)
        if self.opacity is not None and not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity must lie in [0, 1], got {self.opacity}")

    @classmethod
    def of(cls, maps: np.ndarray, *, limits: tuple[float, float] | None = None, **options: Any) -> "Scale":
        """Of the maps (L, h, w) of a whole clip. limits: `colour_limits` when None."""
        return cls(limits or colour_limits(maps), float(np.median(maps)), **options)

    @property
    def ends(self) -> tuple[float, float]:
        """Values of the first and the last colour."""
        return scale_limits(self.limits, self.median, self.style)

    @property
    def colours(self) -> np.ndarray:
        """float (256, 3) in 0 ... 255."""
        return colours_of(SIGNED_COLORMAP if self.style == "signed" else self.colormap)

    def strength(self, values: np.ndarray) -> np.ndarray:
        """Share of the opacity of each value, 0 to 1."""
        return opacity_of(values, self.median, self.ends, self.style)


def scales_of(maps: Mapping[str, np.ndarray], *, style: str = "value", **options: Any) -> dict[str, Scale]:
    """Of a clip's maps by their `map_names`. All blocks together have no sign, and are drawn by value in its place."""
    unsigned = "value" if style == "signed" else style
    return {
        name: Scale.of(values, style=unsigned if name == TOGETHER else style, **options)
        for name, values in maps.items()
    }


def overlay(
    frames: np.ndarray, maps: np.ndarray, scale: Scale, *, centres: Centres | None = None
) -> np.ndarray:
    """Coloured maps over frames, uint8 (L, H, W, 3).

    frames: uint8 (L, H, W, 3). maps: (L, h, w), brought to the frames' size bilinearly. centres: of the maps' cells
    (`alignment.cell_centres`); None for edge to edge.
    """
    if len(frames) != len(maps):
        raise ValueError(f"{len(frames)} frames and {len(maps)} maps: one map for each frame is needed")
    opacity = OPACITY[scale.style] if scale.opacity is None else scale.opacity
    (low, high), palette = scale.ends, scale.colours
    blended = np.empty_like(frames)
    for index, (frame, map_) in enumerate(zip(frames, maps, strict=True)):
        values = upsample(map_, frame.shape[0], frame.shape[1], centres)
        colours = palette[np.round(np.clip((values - low) / (high - low), 0, 1) * 255).astype(int)]
        cover = opacity * scale.strength(values)[..., None]
        blended[index] = np.round((1 - cover) * frame + cover * colours)
    return blended


def colours_of(colormap: str) -> np.ndarray:
    """The 256 colours of a colour map, float (256, 3) in 0 ... 255."""
    return matplotlib.colormaps[colormap](np.arange(256))[:, :3] * 255
