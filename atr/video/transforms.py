"""From decoded frames to a network's input: resize, crop the centre, normalise."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from atr.options import require
from atr.preprocessing import Fit, Preprocessing

VIEWS = ("crop", "whole")
STRIDE = (
    32  # of a ResNet's last stage: sides of whole frames are multiples of it, so maps meet the frame's edges
)


def view_box(
    height: int, width: int, preprocessing: Preprocessing, view: str = "crop"
) -> tuple[int, int, int, int]:
    """Region of the original frame that the model sees, (top, left, height, width), rounded to whole pixels."""
    if _checked(view) == "whole":
        return 0, 0, height, width
    resized_height, resized_width = resized_size(height, width, preprocessing.short_side, preprocessing.fit)
    top, left = _centre(resized_height, resized_width, preprocessing.crop)
    scale_y, scale_x = height / resized_height, width / resized_width
    box_height = max(round(preprocessing.crop * scale_y), 1)
    box_width = max(round(preprocessing.crop * scale_x), 1)
    box_top = min(round(top * scale_y), height - box_height)
    box_left = min(round(left * scale_x), width - box_width)
    return box_top, box_left, box_height, box_width


def resize(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Frames uint8 (L, H, W, 3) -> (L, height, width, 3): area averaging when shrinking, bilinear when enlarging."""
    shrinks = height * width < frames.shape[1] * frames.shape[2]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.stack([cv2.resize(frame, (width, height), interpolation=interpolation) for frame in frames])


def cut_view(frames: np.ndarray, preprocessing: Preprocessing, view: str = "crop") -> np.ndarray:
    """The model's input as pictures: frames uint8 (L, H, W, 3) -> uint8 (L, h, w, 3).

    "crop": resized as `resized_size` says, then the centre square. "whole": resized, not cropped, both sides rounded to
    a multiple of 32.
    """
    height, width = frames.shape[1:3]
    resized_height, resized_width = resized_size(height, width, preprocessing.short_side, preprocessing.fit)
    if _checked(view) == "whole":
        return resize(frames, _to_stride(resized_height), _to_stride(resized_width))
    top, left = _centre(resized_height, resized_width, preprocessing.crop)
    resized = resize(frames, resized_height, resized_width)
    return resized[:, top : top + preprocessing.crop, left : left + preprocessing.crop]


def standardised(frames: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Values of 0 to 255, (..., H, W, 3) -> float32 (..., 3, H, W): brought to [0, 1], minus the mean, over the std.

    mean, std: (3, 1, 1), of the channels, on the same device.
    """
    return (frames.movedim(-1, -3).float() / 255 - mean) / std


@lru_cache(maxsize=8)
def mean_and_std(preprocessing: Preprocessing, device: torch.device) -> tuple[Tensor, Tensor]:
    """As `standardised` takes them. Kept: to bring a constant to a GPU is to wait for all that it has been given to do."""
    mean, std = (
        torch.tensor(values, device=device)[:, None, None]
        for values in (preprocessing.mean, preprocessing.std)
    )
    return mean, std


@lru_cache(maxsize=8)
def _standardised_values(preprocessing: Preprocessing) -> np.ndarray:
    """(1, 256, 3), what `standardised` makes of every value in every channel."""
    values = torch.arange(256).view(1, 256, 1).expand(1, 256, 3)
    found = standardised(values, *mean_and_std(preprocessing, values.device))
    return np.ascontiguousarray(found.movedim(-3, -1).numpy())


def normalise(pictures: np.ndarray | Tensor, preprocessing: Preprocessing) -> Tensor:
    """uint8 RGB (..., h, w, 3) -> float32 (..., 3, h, w), as the model takes them, on the pictures' device.

    On a CPU by a table of the 256 values of a channel: the same to the last bit in a seventh of the time.
    """
    if isinstance(pictures, Tensor) and pictures.device.type != "cpu":
        return standardised(pictures, *mean_and_std(preprocessing, pictures.device))
    pixels = np.ascontiguousarray(pictures)
    if not pixels.size:  # which OpenCV refuses
        return torch.from_numpy(pixels).movedim(-1, -3).float()
    found = cv2.LUT(pixels.reshape(-1, pixels.shape[-2], 3), _standardised_values(preprocessing))
    return torch.from_numpy(found.reshape(pixels.shape)).movedim(-1, -3)


def resized_size(height: int, width: int, short_side: int, fit: Fit = "crop") -> tuple[int, int]:
    """Height and width: the shorter side becomes `short_side`, the longer one in proportion, or squeezed as long."""
    if fit == "squeeze":
        return short_side, short_side
    scale = short_side / min(height, width)
    return max(round(height * scale), short_side), max(round(width * scale), short_side)


def _centre(height: int, width: int, crop: int) -> tuple[int, int]:
    return (height - crop) // 2, (width - crop) // 2


def _to_stride(side: int) -> int:
    return max(round(side / STRIDE), 1) * STRIDE


def _checked(view: str) -> str:
    require("view", view, VIEWS)
    return view
