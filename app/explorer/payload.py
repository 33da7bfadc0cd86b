"""What the browser is sent: a component's files, and of a clip one binary message with every frame and every map.

The components' JavaScript is split by subject and joined here into the one module that Streamlit loads; there is no
build step.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import cv2
import matplotlib
import numpy as np

from analysis.opacity import SIGNED_COLORMAP
from analysis.shown_clip import nearest

PALETTES = ("inferno", "viridis", "magma", "cividis")  # perceptually uniform
LONGEST_SIDE = 720  # of a frame as sent, in pixels: the size at which the page shows it
LONGEST_MASK_SIDE = 160  # so that no run is longer than 16 bits tell
JPEG_QUALITY = 90
_SHARED = (
    "payload.js",
    "opacity.js",
    "values.js",
    "outline.js",
    "timeline.js",
    "screen.js",
    "playback.js",
    "viewer.js",
)


def read(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


def clip_view(name: str, *scripts: str) -> dict[str, str]:
    """The parts of a component that shows one clip: its own files, with those that all such components share."""
    shared = {part: read(f"{part}.html") for part in ("timeline", "legend", "display")}
    return {
        "html": Template(read(f"{name}.html")).substitute(shared),
        "css": read("common.css", f"{name}.css"),
        "js": read(*_SHARED, *scripts, f"{name}.js"),
    }


@dataclass(frozen=True)
class Payload:
    """A clip and its maps, packed. ``header`` says what lies where in ``body``: spans are (offset, length) in bytes."""

    header: dict
    body: bytes

    def message(self, *, start: dict, link: dict | None) -> bytes:
        """Length of the header (uint32, little-endian), the header as JSON, the body."""
        header = json.dumps({**self.header, "start": start, "link": link}).encode()
        return len(header).to_bytes(4, "little") + header + self.body


class Body:
    """The bytes of a message as they gather."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, part: bytes) -> list[int]:
        """The part's span, (offset, length)."""
        self.data.extend(part)
        return [len(self.data) - len(part), len(part)]


def clip_header(
    body: Body,
    frames: np.ndarray,
    *,
    video: str,
    indices: np.ndarray,
    fps: float,
    sampled: np.ndarray,
    alt: str,
    acting: Sequence[bool] | None = None,
    masks: np.ndarray | None = None,
) -> dict:
    """The clip's own part of a header, whatever is shown on it.

    Args:
        frames: uint8 (L, H, W, 3), RGB.
        video: the same for all regions of one video: whatever else is looked at on it, the frame stays.
        indices: int (L,), the index of each frame in the original video.
        sampled: original indices of the frames of the prediction.
        acting: per frame, whether the action happens.
        masks: uint8 (L, H, W), of the same region as the frames.
    """
    header = {
        "video": video,
        "size": [frames.shape[2], frames.shape[1]],
        "fps": float(fps),
        "indices": np.asarray(indices).tolist(),
        "sampled": np.unique(nearest(indices, sampled)).tolist(),
        "acting": None if acting is None else [bool(flag) for flag in acting],
        "alt": alt,
        "frames": [body.add(_jpeg(frame)) for frame in frames],
        "masks": None,
        "palettes": {name: body.add(palette(name)) for name in PALETTES},
        "signed_palette": body.add(palette(SIGNED_COLORMAP)),
    }
    if masks is not None:
        masks = _shrink_masks(masks)
        spans = [body.add(runs(mask)) for mask in masks]
        header["masks"] = {"height": masks.shape[1], "width": masks.shape[2], "spans": spans}
    return header


def _jpeg(frame: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    scale = LONGEST_SIDE / max(frame.shape[:2])
    if scale < 1:
        frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # Full chroma resolution: halving it blurs the colours of small clips visibly.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    return cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def data_url(picture: np.ndarray, quality: int = JPEG_QUALITY) -> str:
    """A small picture, uint8 RGB (H, W, 3), to stand in a component's data."""
    return "data:image/jpeg;base64," + base64.b64encode(_jpeg(picture, quality)).decode()


def packed_map(body: Body, values: np.ndarray) -> dict:
    """Values (L, h, w) at 16 bits each: with 8 the number under the pointer would be off in its third digit,
    as it still may be near 0. They are finite: `clip_actionness` and `pack_sides` refuse others.
    """
    low, high = float(values.min()), float(values.max())
    codes = np.round((values - low) / max(high - low, 1e-12) * 65535).astype("<u2")
    height, width = values.shape[1:]
    return {"height": height, "width": width, "low": low, "high": high, "span": body.add(codes.tobytes())}


def palette(name: str) -> bytes:
    """256 RGB triples of a colour map."""
    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3].tobytes()


def runs(mask: np.ndarray) -> bytes:
    """A mask (h, w), row by row, as runs of equal values: all lengths (uint16, little-endian), then all values."""
    values = mask.ravel()
    starts = np.flatnonzero(np.diff(values, prepend=~values[:1]))
    lengths = np.diff(starts, append=len(values))
    return lengths.astype("<u2").tobytes() + values[starts].tobytes()


def _shrink_masks(masks: np.ndarray) -> np.ndarray:
    scale = LONGEST_MASK_SIDE / max(masks.shape[1:])
    if scale >= 1:
        return masks
    size = (round(masks.shape[2] * scale), round(masks.shape[1] * scale))
    return np.stack([cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) for mask in masks])
