"""Values of maps of one clip: their normalisations, their scales, of several blocks together, at the size of a frame."""

from collections.abc import Collection, Mapping

import cv2
import numpy as np
import scipy

from atr.options import require

NORMALISATIONS = ("raw", "sigmoid", "softmax")
PERCENTILES = (0.5, 99.5)  # of all values of a clip and block: the ends of its colour scale
TOGETHER = "all blocks"  # where the name of a block stands
TOGETHER_HELP = (
    f"“{TOGETHER}”: what of each block's M lies above its median over the clip, in standard deviations, as the mean over "
    "blocks on the finest grid. It is ours: the paper shows blocks one by one."
)


def map_names(blocks: Collection[str]) -> tuple[str, ...]:
    """Those of `with_together`: the blocks, and after them `TOGETHER` where there are several."""
    return (*blocks, TOGETHER) if len(blocks) > 1 else tuple(blocks)


def in_file_names(name: str) -> str:
    """One of `map_names` as files are named."""
    return name.replace(" ", "-")


def with_together(maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Maps of blocks, and of several `together`, by their `map_names`."""
    return {name: together(maps) if name == TOGETHER else maps[name] for name in map_names(maps)}


def together(
    maps: Mapping[str, np.ndarray], centres: Mapping[str, tuple[np.ndarray, np.ndarray] | None] | None = None
) -> np.ndarray:
    """Where and when the blocks respond together, which tells more than most of them alone (docs/results.md).

    Of each block, what lies above its median over the clip, divided by its standard deviation in it; brought bilinearly to
    the finest grid, edge to edge; the mean over blocks. A constant map adds nothing.

    Args:
        maps: block -> raw M or other heat (L, h, w), of one clip.
        centres: of the blocks' cells, as `upsample` has them; edge to edge when not given.

    Returns:
        float32 (L, H, W), 0 or more.
    """
    height, width = max((values.shape[1:] for values in maps.values()), key=np.prod)
    total = np.zeros((len(next(iter(maps.values()))), height, width), np.float32)
    for name, values in maps.items():
        values = np.asarray(values)  # a tensor's deviation is another one
        above, spread = np.maximum(values - np.median(values), 0), float(values.std())
        if spread > 0:
            place = (centres or {}).get(name)
            total += np.stack([upsample(frame, height, width, place) for frame in above]) / spread
    return total / len(maps)


def map_values(
    maps: Mapping[str, np.ndarray],
    kind: str,
    centres: Mapping[str, tuple[np.ndarray, np.ndarray] | None] | None = None,
) -> dict[str, np.ndarray]:
    """What is shown of raw M by `map_names`: of a block as `kind` has it (`normalise`), of several what `together` gives."""
    return {
        name: together(maps, centres) if name == TOGETHER else normalise(maps[name], kind)
        for name in map_names(maps)
    }


def normalise(maps: np.ndarray, kind: str) -> np.ndarray:
    """M (..., h, w) as it is ("raw"), as sigmoid(M) ("sigmoid"), or as AFA's weights ("softmax").

    The softmax runs over the positions of each frame, so every frame sums to 1 and none can stand out as a whole.
    """
    require("normalisation", kind, NORMALISATIONS)
    maps = np.asarray(maps)
    if kind == "raw":
        return maps
    # By NumPy: the first picture has its scales in all kinds, and scipy.special takes 85 ms to import.
    if kind == "sigmoid":
        return np.exp(-np.logaddexp(0, -maps))
    weights = np.exp(maps - maps.max(axis=(-2, -1), keepdims=True))
    return weights / weights.sum(axis=(-2, -1), keepdims=True)


def colour_limits(maps: np.ndarray, kind: str = "raw") -> tuple[float, float]:
    """Ends of the one colour scale of a clip and block: the 0.5th and 99.5th percentile over all its frames.

    maps: raw M (L, h, w). A constant map c gets (c, c + 1), so that nothing stands out.
    """
    low, high = (float(limit) for limit in np.percentile(normalise(maps, kind), PERCENTILES))
    return (low, high) if high > low else (low, low + 1)


def clip_median(maps: np.ndarray, kind: str = "raw") -> float:
    """The median of a clip and block over all its frames, at which an overlay is transparent. maps: raw M (L, h, w)."""
    return float(np.median(normalise(maps, kind)))


def temporal_emphasis(maps: np.ndarray) -> dict[str, np.ndarray]:
    """How strongly a block responds in each frame. maps: raw M (L, h, w); every value is float64 (L,).

    "peak" and "mean" of raw M; "entropy" of the spatial softmax in nats; "normalised_entropy", divided by
    log(h·w), its largest value (1 where there is one position only).

    Raises:
        ValueError: maps have another shape.
    """
    maps = np.asarray(maps, np.float64)
    if maps.ndim != 3:
        raise ValueError(f"the maps have the shape {maps.shape}; allowed: (L, h, w), of one clip")
    entropy = scipy.special.entr(normalise(maps, "softmax")).sum(axis=(1, 2))
    positions = maps.shape[1] * maps.shape[2]
    return {
        "peak": maps.max(axis=(1, 2)),
        "mean": maps.mean(axis=(1, 2)),
        "entropy": entropy,
        "normalised_entropy": entropy / np.log(positions) if positions > 1 else np.ones(len(maps)),
    }


def upsample(
    map_: np.ndarray, height: int, width: int, centres: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray:
    """One map (h, w) at the size of a frame, float32 (height, width), bilinear between the cells' centres.

    centres: of its rows and columns, as shares of the height and the width (`alignment.cell_centres`); None for cells
    edge to edge. Beyond the outermost centres the map stays as it is there.

    Raises:
        ValueError: the map has another shape.
    """
    map_ = np.asarray(map_)
    if map_.ndim != 2:
        raise ValueError(f"the map has the shape {map_.shape}; allowed: (h, w), of one frame")
    if centres is None:
        return cv2.resize(map_.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    rows, columns = (weights_between(c, size) for c, size in zip(centres, (height, width), strict=True))
    return (rows @ map_ @ columns.T).astype(np.float32)


def weights_between(centres: np.ndarray, size: int) -> np.ndarray:
    """What each of the cells adds to each of `size` pixels along one axis, linear between centres: (size, cells)."""
    pixels = (np.arange(size) + 0.5) / size
    return np.stack([np.interp(pixels, centres, cell) for cell in np.eye(len(centres))], axis=1)
