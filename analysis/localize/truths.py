"""The bits of true pixels, and how masks and boxes that are stored become them."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atr.files import read_arrays
from atr.schema import shown
from atr.video.decoding import VideoError

TARGET, DISTRACTOR, ACTING, STATED, MASKED = 1, 2, 4, 8, 16
RENDERED = np.array([0, 0, DISTRACTOR, TARGET, TARGET], np.uint8)  # of the values of the demo set's masks


class Whole(NamedTuple):
    """A whole video: its frames, whether it is known to lack some, and its sides in pixels."""

    length: int
    damaged: bool
    height: int
    width: int


def with_bits(frames: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """uint8 (T, H, W, 3) and (T, H, W) -> (T, H, W, 4)."""
    return np.concatenate([frames, bits[..., None].astype(np.uint8)], axis=-1)


def is_marked(bits: np.ndarray) -> bool:
    """Of a clip, uint8 (T, H, W): whether it has a target while it acts, or states in which frames it does, not in all."""
    acting = (bits & ACTING).any(axis=(1, 2))
    when = bool((bits & STATED).any() and acting.any() and not acting.all())
    return when or bool((bits[acting] & TARGET).any())


def require_each_frame(clip: str, what: str, count: int, video: Whole) -> None:
    """Raises VideoError where there is not one for each frame; of a damaged video there may be more, of the whole one."""
    if count < video.length or (count > video.length and not video.damaged):
        raise VideoError(f"{clip}: {count} {what} for {video.length} frames; allowed: one for every frame")


def stored_masks(file: Path, size: tuple[int, int]) -> np.ndarray:
    """An NPZ file's `masks`, uint8 (L, H, W), with the demo set's values.

    Raises VideoError where there are none, or not of the video's `size`, (H, W).
    """
    allowed = "allowed: an NPZ file with an array 'masks'"
    try:
        arrays = read_arrays(file)
    except OSError as error:
        raise VideoError(f"{file} cannot be read: {error.strerror}; {allowed}") from error
    except ValueError as error:  # numpy's own words, or those of zipfile
        raise VideoError(f"{file} holds no masks: it is no NPZ file, or a damaged one; {allowed}") from error
    if "masks" not in arrays:
        raise VideoError(f"{file} holds no masks: it has {', '.join(arrays) or 'no arrays'}; {allowed}")
    masks = arrays["masks"]
    if masks.dtype.kind not in "iu" or masks.shape[1:] != size:
        found, allowed = f"{masks.dtype} {masks.shape[1:]}", f"{size[0]}x{size[1]} as the video"
        raise VideoError(f"{file}: masks of {found}; allowed: whole numbers, {allowed}")
    if masks.size and (masks.min() < 0 or masks.max() >= len(RENDERED)):
        found = f"values from {masks.min()} to {masks.max()}"
        raise VideoError(f"{file}: masks with {found}; allowed: 0 to {len(RENDERED) - 1}")
    return masks.astype(np.uint8)


def stored_bits(file: Path, frames: np.ndarray, video: Whole, clip: str) -> np.ndarray:
    """Of some frames, as `stored_masks`. Raises VideoError where the masks do not fit the video."""
    masks = stored_masks(file, (video.height, video.width))
    require_each_frame(clip, "masks", len(masks), video)
    return RENDERED[masks[frames]]


def box_bits(boxes: list, height: int, width: int) -> np.ndarray:
    """[left, top, width, height] of every box in one frame, in pixels -> uint8 (height, width).

    A pixel is in a box where its middle is; a box without any has the pixel in which its own middle lies.

    Raises ValueError for what is no box, or one without an area, in shares of the frame, or wholly outside it.
    """
    if not isinstance(boxes, list):
        raise ValueError(f"{shown(boxes)} is no list of boxes")
    bits = np.zeros((height, width), np.uint8)
    for box in boxes:
        if not (isinstance(box, list) and [type(side) in (int, float) for side in box] == [True] * 4):
            raise ValueError(f"{shown(box)} is no box")
        left, top, box_width, box_height = box
        if not (box_width > 0 and box_height > 0):
            raise ValueError(f"{box} has no area")
        if max(box) <= 1:
            raise ValueError(f"{box} is in shares of the frame")
        if left >= width or top >= height or left + box_width <= 0 or top + box_height <= 0:
            raise ValueError(f"{box} lies outside the frame of {width}x{height}")
        bits[pixels_between(top, top + box_height, height), pixels_between(left, left + box_width, width)] = (
            TARGET
        )
    return bits


def pixels_between(low: float, high: float, count: int) -> slice:
    """Of `count` pixels those whose middle is in [low, high), at least one."""
    first, end = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first == end:
        first = math.floor((low + high) / 2)
        end = first + 1
    return slice(min(max(first, 0), count - 1), max(end, 1))


def chosen(entry: dict, what: str, frames: np.ndarray, video: Whole) -> list:
    """Of one annotation those of some frames. Raises VideoError where there is not one for each frame of the video."""
    require_each_frame(entry["id"], f"entries of {what!r}", len(entry[what]), video)
    return [entry[what][frame] for frame in frames]
