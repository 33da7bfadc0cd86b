"""Overlays as files people can take along: H.264 video, animated GIF, PNG and SVG."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from matplotlib.figure import Figure
from PIL import Image


def write_mp4(path: str | Path, frames: np.ndarray, fps: float) -> Path:
    """Frames uint8 RGB (L, H, W, 3) as H.264 (yuv420p, which every browser plays).

    H.264 in 4:2:0 needs even sides: an odd last row or column is repeated once.
    """
    path = Path(path)
    frames = _checked(frames, fps)
    height, width = frames.shape[1:3]
    frames = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.options = {"crf": "18", "preset": "medium"}
        for frame in frames:
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"))
            )
        container.mux(stream.encode())
    return path


def write_gif(path: str | Path, frames: np.ndarray, fps: float, *, max_side: int = 320) -> Path:
    """Frames uint8 RGB (L, H, W, 3) as an endless GIF, shrunk to `max_side` pixels on the longer side.

    A GIF counts time in hundredths of a second, and browsers slow down anything faster than 50 frames a second.
    """
    path = Path(path)
    frames = _checked(frames, fps)
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
    duration = max(round(100 / fps), 2) * 10  # milliseconds
    first.save(path, save_all=True, append_images=rest, duration=duration, loop=0, optimize=False)
    return path


def write_figure(figure: Figure, paths: Sequence[str | Path], *, dpi: int = 150) -> None:
    """One Matplotlib figure in as many formats as there are paths, each told by its suffix."""
    for path in paths:
        figure.savefig(path, dpi=dpi, metadata={"Date": None} if Path(path).suffix == ".svg" else None)


def _checked(frames: np.ndarray, fps: float) -> np.ndarray:
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be uint8 (L, H, W, 3) with L >= 1, got {frames.dtype} {frames.shape}")
    if not fps > 0:
        raise ValueError(f"fps must be positive, got {fps}")
    return frames
