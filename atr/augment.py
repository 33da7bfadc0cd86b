"""Augmentation of batches of sampled clips, on the device, with a passed generator."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from atr.data import ClassSymmetry


@dataclass(frozen=True)
class Augmentation:
    """Strengths; zero switches a part off.

    Attributes:
        mirror: probability of a horizontal flip; the label becomes its mirror class.
        reverse: probability of playing a clip backwards; the label becomes its reversed class.
        shift: largest translation of a whole clip, in pixels, the border repeated.
        light: largest relative change of a clip's brightness and of each colour channel.
    """

    mirror: float = 0.5
    reverse: float = 0.5
    shift: int = 6
    light: float = 0.2


def augment(
    frames: Tensor,
    labels: Tensor,
    symmetry: ClassSymmetry,
    strength: Augmentation,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """frames float (N, T, 3, H, W) in [0, 1] and labels (N,) -> the same shapes. Draws from `generator` (CPU)."""
    n, device = len(frames), frames.device

    def chosen(probability: float) -> Tensor:
        return (torch.rand(n, generator=generator) < probability).to(device)

    def exchanged(labels: Tensor, images: tuple[int, ...], where: Tensor) -> Tensor:
        return torch.where(where, torch.tensor(images, device=device)[labels], labels)

    mirror, reverse = chosen(strength.mirror), chosen(strength.reverse)
    frames = torch.where(mirror[:, None, None, None, None], frames.flip(-1), frames)
    frames = torch.where(reverse[:, None, None, None, None], frames.flip(1), frames)
    labels = exchanged(exchanged(labels, symmetry.mirrored, mirror), symmetry.reversed, reverse)
    if strength.shift:
        offsets = torch.randint(0, 2 * strength.shift + 1, (n, 2), generator=generator)
        frames = shifted(frames, offsets, strength.shift)
    gain = 1 + strength.light * (2 * torch.rand(n, 1, 3, 1, 1, generator=generator) - 1)
    return (frames * gain.to(device)).clamp(0, 1), labels


def shifted(frames: Tensor, offsets: Tensor, margin: int) -> Tensor:
    """Each clip cut at its own offset (N, 2), rows and columns, out of itself with its edges repeated `margin` far."""
    height, width = frames.shape[-2:]
    padded = F.pad(frames.flatten(1, 2), (margin,) * 4, mode="replicate").unflatten(1, frames.shape[1:3])
    cut = [
        clip[..., y : y + height, x : x + width]
        for clip, (y, x) in zip(padded, offsets.tolist(), strict=True)
    ]
    return torch.stack(cut)
