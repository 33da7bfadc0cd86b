"""What people take along: animated GIF, PNG and SVG, the maps as NPZ, the emphasis as a table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from analysis.actionness import ClipActionness
from analysis.map_values import temporal_emphasis, with_together
from atr.video.encoding import checked_film


def write_gif(path: str | Path, frames: np.ndarray, fps: float, *, max_side: int = 320) -> Path:
    """Frames uint8 RGB (L, H, W, 3) as an endless GIF, shrunk to `max_side` pixels on the longer side.

    A GIF counts time in hundredths of a second, in 16 bits, and browsers slow down anything faster than 50 frames a second.
    """
    path = Path(path)
    frames = checked_film(frames, fps)
    scale = min(max_side / max(frames.shape[1:3]), 1)
    size = (max(round(frames.shape[2] * scale), 1), max(round(frames.shape[1] * scale), 1))
    pictures = [Image.fromarray(frame).resize(size, Image.Resampling.BOX) for frame in frames]
    # One palette for the whole clip: a palette a frame would shift the colours of the maps from frame to frame.
    sample = pictures[:: max(len(pictures) // 16, 1)]
    sheet = Image.new("RGB", (size[0], size[1] * len(sample)))
    for row, picture in enumerate(sample):
        sheet.paste(picture, (0, row * size[1]))
    palette = sheet.quantize(256, method=Image.Quantize.MEDIANCUT)
    first, *rest = [picture.quantize(palette=palette) for picture in pictures]
    duration = min(max(round(100 / fps), 2), 2**16 - 1) * 10  # milliseconds
    first.save(path, save_all=True, append_images=rest, duration=duration, loop=0, optimize=False)
    return path


def write_figure(figure: Figure, paths: Sequence[str | Path]) -> None:
    """One Matplotlib figure in as many formats as there are paths, each told by its suffix."""
    for path in paths:
        figure.savefig(path, dpi=150, metadata={"Date": None} if Path(path).suffix == ".svg" else None)


def write_maps(file, result: ClipActionness) -> None:
    """Raw M of every block, "all blocks" where there are several, the frames' indices, their rate and the view's box, as
    NPZ to a path or a file.
    """
    maps = with_together(result.maps)
    np.savez_compressed(file, indices=result.indices, box=result.box, fps=result.fps, **maps)


def emphasis_table(result: ClipActionness) -> pd.DataFrame:
    """`temporal_emphasis`, one row per block and frame."""
    return pd.concat(
        pd.DataFrame({"frame": result.indices, "block": name, **temporal_emphasis(maps)})
        for name, maps in result.maps.items()
    )
