"""What the explorer is sent: one binary message per clip and checkpoint, holding every frame and every map."""

import base64
import json
from dataclasses import dataclass

import cv2
import matplotlib
import numpy as np

from analysis.actionness import NORMALISATIONS, colour_limits

PALETTES = ("inferno", "viridis", "magma", "cividis")  # perceptually uniform
LONGEST_SIDE = 720  # of a frame as sent, in pixels: the size at which the page shows it
LONGEST_MASK_SIDE = 160
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Payload:
    """A clip and its maps, packed. ``header`` says what lies where in ``body``: spans are (offset, length) in bytes."""

    header: dict
    body: bytes

    def message(self, *, start: dict, link: dict | None) -> bytes:
        """Length of the header (uint32, little-endian), the header as JSON, the body."""
        header = json.dumps({**self.header, "start": start, "link": link}).encode()
        return len(header).to_bytes(4, "little") + header + self.body


def pack(
    identity: str,
    frames: np.ndarray,
    maps: dict[str, np.ndarray],
    *,
    indices: np.ndarray,
    fps: float,
    sampled: np.ndarray,
    alt: str,
    acting: list[bool] | None = None,
    masks: np.ndarray | None = None,
) -> Payload:
    """Pack one clip for the browser.

    identity: differs whenever the frames or the maps differ. frames: uint8 (L, H, W, 3), RGB.
    maps: raw actionness M by block name, float32 (L, h, w), covering the whole frame.
    indices: int (L,), the index of each frame in the original video. sampled: original indices of the frames of the
    prediction. acting: per frame, whether the hand acts. masks: uint8 (L, H, W), of the same region as the frames.
    """
    body = Body()
    header = {
        "id": identity,
        **clip_header(
            body,
            frames,
            indices=indices,
            fps=fps,
            sampled=sampled,
            alt=alt,
            acting=acting,
            masks=masks,
        ),
        "blocks": [
            {
                "name": name,
                **packed_map(body, values),
                "limits": {kind: colour_limits(values, kind) for kind in NORMALISATIONS},
            }
            for name, values in maps.items()
        ],
    }
    return Payload(header, bytes(body.data))


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
    indices: np.ndarray,
    fps: float,
    sampled: np.ndarray,
    alt: str,
    acting: list[bool] | None,
    masks: np.ndarray | None,
) -> dict:
    """The clip's own part of a header, whatever is shown on it; arguments as of `pack`."""
    header = {
        "size": [frames.shape[2], frames.shape[1]],
        "fps": float(fps),
        "indices": np.asarray(indices).tolist(),
        # In a long clip only some frames are shown, so a sampled one is marked at the frame shown just before it.
        "sampled": (np.searchsorted(indices, np.unique(sampled), side="right") - 1).tolist(),
        "acting": None if acting is None else [bool(flag) for flag in acting],
        "alt": alt,
        "frames": [body.add(_jpeg(frame)) for frame in frames],
        "masks": None,
        "palettes": {name: body.add(palette(name)) for name in PALETTES},
    }
    if masks is not None:
        masks = _shrink_masks(masks)
        span = body.add(masks.tobytes())
        header["masks"] = {"height": masks.shape[1], "width": masks.shape[2], "span": span}
    return header


def _jpeg(frame: np.ndarray) -> bytes:
    scale = LONGEST_SIDE / max(frame.shape[:2])
    if scale < 1:
        frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    # Full chroma resolution: halving it blurs the colours of small clips visibly.
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
    return cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), quality)[1].tobytes()


def data_url(picture: np.ndarray) -> str:
    """A small picture, uint8 RGB (H, W, 3), to stand in a component's data."""
    return "data:image/jpeg;base64," + base64.b64encode(_jpeg(picture)).decode()


def packed_map(body: Body, values: np.ndarray) -> dict:
    """Values (L, h, w) at 16 bits each: with 8 the number under the pointer would be off in its third digit."""
    low, high = float(values.min()), float(values.max())
    codes = np.round((values - low) / max(high - low, 1e-12) * 65535).astype("<u2")
    height, width = values.shape[1:]
    return {"height": height, "width": width, "low": low, "high": high, "span": body.add(codes.tobytes())}


def palette(name: str) -> bytes:
    """256 RGB triples of a colour map."""
    return matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3].tobytes()


def _shrink_masks(masks: np.ndarray) -> np.ndarray:
    scale = LONGEST_MASK_SIDE / max(masks.shape[1:])
    if scale >= 1:
        return masks
    size = (round(masks.shape[2] * scale), round(masks.shape[1] * scale))
    return np.stack([cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) for mask in masks])
