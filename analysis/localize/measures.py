"""Maps against the truth: does a block look at what acts, and does it respond when the action happens?

Maps are (L, h, w), raw M or any other; masks are bool (L, H, W) of the same view of the same frames, at any resolution.
Frames without a mask say nothing about place and are left out. `centres` say where the cells lie, None for edge to edge.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from analysis.alignment import Centres
from analysis.map_values import normalise, upsample
from analysis.statistics import require_bool
from atr.options import require
from atr.results.fig5 import Ranking

KINDS = ("logits", "heat")


@dataclass(frozen=True)
class Tally:
    """Sums over frames, so that clips can be added up.

    hits: frames whose strongest cell lies on the mask. mass: share of the map's weights on it, each cell counted by its
    area. area: share of the mask.
    """

    num_frames: int = 0
    hits: float = 0.0
    mass: float = 0.0
    area: float = 0.0


def weights_of(maps: np.ndarray, kind: str) -> np.ndarray:
    """What share of a frame's attention each position has: (..., h, w) -> float64 of the same shape, summing to 1.

    kind: "logits", such as raw M, whose weights are AFA's softmax; "heat", never negative, such as Grad-CAM, divided by
    its sum. A frame without any heat says nothing of place: its weights are uniform.

    Raises:
        ValueError: the kind is unknown, or heat is negative somewhere.
    """
    require("kind", kind, KINDS)
    maps = maps.astype(np.float64)
    if kind == "logits":
        return normalise(maps, "softmax")
    if maps.min(initial=0) < 0:
        raise ValueError(f"heat must not be negative, got {maps.min()}")
    sums = maps.sum(axis=(-2, -1), keepdims=True)
    uniform = np.full_like(maps, 1 / (maps.shape[-2] * maps.shape[-1]))
    return np.divide(maps, sums, out=uniform, where=sums > 0)


def tally(
    maps: np.ndarray,
    masks: np.ndarray,
    frames: np.ndarray | None = None,
    *,
    kind: str = "logits",
    centres: Centres | None = None,
) -> Tally:
    """Pointing game and mass of maps (L, h, w) on masks (L, H, W), over the selected frames that have a mask.

    kind: of the maps, `weights_of`.
    """
    maps = np.asarray(maps)
    kept = selected(maps, masks, frames)
    maps, masks = maps[kept], masks[kept]
    if not len(maps):
        return Tally()
    shares = cell_shares(masks, maps.shape[1], maps.shape[2], centres)
    weights = weights_of(maps, kind)
    if centres is not None:
        weights = by_area(weights, centres)
    return Tally(
        num_frames=len(maps),
        hits=float(hits(maps, masks, centres).sum()),
        mass=float((weights * shares).sum()),
        area=float(masks.mean(axis=(1, 2)).sum()),
    )


def average_precision(
    maps: np.ndarray,
    masks: np.ndarray,
    frames: np.ndarray | None = None,
    *,
    centres: Centres | None = None,
) -> float:
    """The map as a classifier of pixels: area under precision over recall, all selected frames ranked together.

    Maps are brought to the masks' resolution first. Chance is the mask's share of the pixels. nan where no frame has a
    mask.

    Raises:
        ValueError: shapes do not fit, or a map holds NaN, which has no rank.
    """
    maps = np.asarray(maps)
    kept = selected(maps, masks, frames)
    if not kept.any():
        return float("nan")
    if np.isnan(maps[kept]).any():
        raise ValueError("the maps hold NaN, which cannot be ranked")
    return Ranking.of(at_pixels(maps[kept], masks, centres)).average_precision(masks[kept])


def at_pixels(maps: np.ndarray, masks: np.ndarray, centres: Centres | None) -> np.ndarray:
    """Maps (L, h, w) at the resolution of the masks, float32 (L, H, W)."""
    height, width = masks.shape[1:]
    return np.stack([upsample(map_, height, width, centres) for map_ in maps])


def selected(maps: np.ndarray, masks: np.ndarray, frames: np.ndarray | None = None) -> np.ndarray:
    """bool (L,): the frames that have a mask, of those chosen. Raises ValueError where shapes do not fit."""
    if maps.ndim != 3 or masks.ndim != 3 or len(maps) != len(masks) or masks.dtype != bool:
        raise ValueError(
            f"maps must be (L, h, w) and masks bool (L, H, W), got {maps.shape} and {masks.dtype} {masks.shape}"
        )
    chosen = np.ones(len(maps), bool) if frames is None else np.asarray(frames)
    require_bool("frames", chosen, (len(maps),))
    return chosen & masks.any(axis=(1, 2))


def hits(maps: np.ndarray, masks: np.ndarray, centres: Centres | None = None) -> np.ndarray:
    """float (L,): share of the strongest cells (one, unless they tie) whose centre lies inside the mask."""
    sides = zip(maps.shape[1:], masks.shape[1:], centres or (None, None), strict=True)
    rows, columns = (
        ((np.arange(cells) + 0.5) / cells if shares is None else shares) * pixels
        for cells, pixels, shares in sides
    )
    inside = masks[:, rows.astype(int)[:, None], columns.astype(int)]  # (L, h, w)
    strongest = maps == maps.max(axis=(1, 2), keepdims=True)
    return (inside & strongest).sum(axis=(1, 2)) / strongest.sum(axis=(1, 2))


def cell_shares(masks: np.ndarray, height: int, width: int, centres: Centres | None = None) -> np.ndarray:
    """Share of each cell that the mask covers, exact for any sizes: bool (L, H, W) -> float64 (L, height, width).

    Of cells with centres of their own, each has the pixels that are nearer to it than to any other.
    """
    if centres is None:
        down, across = overlaps(height, masks.shape[1]), overlaps(width, masks.shape[2])
    else:
        down, across = (overlaps_of(c, side) for c, side in zip(centres, masks.shape[1:], strict=True))
    return down @ masks.astype(np.float64) @ across.T


def by_area(weights: np.ndarray, centres: Centres) -> np.ndarray:
    """Weights (L, h, w) of cells that are not all of one size, times their areas, summing to 1 again."""
    heights, widths = (np.diff(bounds_of(each)) for each in centres)
    weights = weights * heights[:, None] * widths
    return weights / weights.sum(axis=(1, 2), keepdims=True)


def bounds_of(centres: np.ndarray) -> np.ndarray:
    """float64 (cells + 1,), shares of the side: cells reach half-way to the next centre, the outermost to the edge."""
    return np.concatenate([[0], (centres[1:] + centres[:-1]) / 2, [1]])


def overlaps_of(centres: np.ndarray, pixels: int) -> np.ndarray:
    """As `overlaps`, of the cells of `bounds_of`."""
    bounds = pixels * bounds_of(centres)
    pixel = np.arange(pixels)
    shared = np.minimum(bounds[1:, None], pixel + 1) - np.maximum(bounds[:-1, None], pixel)
    return np.maximum(shared, 0) / np.diff(bounds)[:, None]


def overlaps(cells: int, pixels: int) -> np.ndarray:
    """float64 (cells, pixels): what part of each cell each pixel fills along one axis; rows sum to 1."""
    cell, pixel = np.arange(cells)[:, None] * pixels, np.arange(pixels) * cells  # in 1 / (cells·pixels)
    shared = np.minimum(cell + pixels, pixel + cells) - np.maximum(cell, pixel)
    return np.maximum(shared, 0) / pixels


def spearman(values: np.ndarray, acting: np.ndarray) -> np.ndarray:
    """Rank correlation over the frames of each clip: values and bool (N, L) -> (N,).

    0 where the values do not change; nan where all frames, or none, are acting.
    """
    ranks, flags = (scipy.stats.rankdata(each, axis=1) for each in (values, acting))
    ranks, flags = (each - each.mean(axis=1, keepdims=True) for each in (ranks, flags))
    covariance = (ranks * flags).sum(axis=1)
    scale = np.sqrt((ranks**2).sum(axis=1) * (flags**2).sum(axis=1))
    undefined = np.where((flags != 0).any(axis=1), 0.0, np.nan)
    return np.divide(covariance, scale, out=undefined, where=scale > 0)


def acting_above(values: np.ndarray, acting: np.ndarray) -> np.ndarray:
    """Probability that an acting frame of a clip has a larger value than another of its frames: (N, L) -> (N,).

    The area under the ROC curve, Mann and Whitney's U over the number of pairs; ties count half, so chance is 1/2.
    nan where all frames, or none, are acting. Raises ValueError where `acting` is not bool (N, L).
    """
    require_bool("acting", acting, values.shape)
    positives = acting.sum(axis=1)
    pairs = positives * (acting.shape[1] - positives)
    u = (scipy.stats.rankdata(values, axis=1) * acting).sum(axis=1) - positives * (positives + 1) / 2
    return np.divide(u, pairs, out=np.full(len(u), np.nan), where=pairs > 0)


def baselines(frames: np.ndarray, height: int, width: int) -> dict[str, np.ndarray]:
    """Maps that know no model, to stand beside every result: frames uint8 (L, H, W, 3) -> name -> (L, h, w).

    "frame difference": |x_{t+1} - x_t|, the mean over channels and over the pixels of each cell (the last frame takes
    the one before it); "centre": `centre_prior`; "uniform". They are log weights, so the softmax returns the weights.
    """
    difference = np.zeros(frames.shape[:3])
    if len(frames) > 1:
        difference[:-1] = np.abs(np.diff(frames.astype(np.int16), axis=0)).mean(axis=-1)
        difference[-1] = difference[-2]
    by_cell = overlaps(height, frames.shape[1]) @ difference @ overlaps(width, frames.shape[2]).T
    return {
        "frame difference": np.log(by_cell + 1e-6),  # 1e-6 of a grey level keeps a still frame finite
        "centre": np.broadcast_to(centre_prior(height, width), by_cell.shape).copy(),
        "uniform": np.zeros_like(by_cell),
    }


def centre_prior(*sizes: int) -> np.ndarray:
    """Log weights, of these sizes, of a Gaussian around the middle, of a quarter of each side: (height, width), or time."""
    places = np.meshgrid(
        *((np.arange(size) + 0.5) / size - 0.5 for size in sizes), indexing="ij", sparse=True
    )
    return -sum(place**2 for place in places) / (2 * 0.25**2)
