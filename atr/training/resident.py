"""Rendered clips in a device's memory, and their augmentation there."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from atr.data.rendered import TabletopClips
from atr.data.symmetry import ClassSymmetry
from atr.preprocessing import Preprocessing
from atr.training.augment import Augmentation, drawn_change
from atr.video.transforms import mean_and_std, standardised


class ResidentClips:
    """Rendered clips in a device's memory, shown there as `TrainingClips` shows them.

    They come into it with the first question for `frames`, and leave it with `release`.
    """

    def __init__(self, clips: TabletopClips, preprocessing: Preprocessing, device: torch.device):
        self.clips, self.device = clips, device
        # Made here: to bring a constant to a GPU is to wait for it, which no captured step may do.
        self.mean, self.std = mean_and_std(preprocessing, device)

    @cached_property
    def frames(self) -> Tensor:
        """uint8 (N, T, H, W, 3)"""
        return torch.from_numpy(np.array(self.clips.frames)).to(self.device)

    def release(self) -> None:
        self.__dict__.pop("frames", None)

    def shown(self, indices: Tensor, changes: Mapping[str, Tensor], margin: int) -> Tensor:
        """Clips (N,) as augmented, float32 (N, T, 3, H, W), standardised as the network takes them.

        Args:
            changes: of every clip, `drawn_changes`.
            margin: largest shift, in pixels.
        """
        _, num_frames, height, width, _ = self.frames.shape
        mirror, reverse, offset, colours = (
            changes[name].index_select(0, indices) for name in ("mirror", "reverse", "offset", "colours")
        )
        t, y, x = (torch.arange(size, device=indices.device) for size in (num_frames, height, width))
        t = torch.where(reverse[:, None], num_frames - 1 - t, t)
        y = (y + offset[:, :1] - margin).clamp(0, height - 1)
        x = (x + offset[:, 1:] - margin).clamp(0, width - 1)
        x = torch.where(mirror[:, None], width - 1 - x, x)
        frames = self.frames[
            indices[:, None, None, None], t[:, :, None, None], y[:, None, :, None], x[:, None, None, :]
        ]
        pixels = torch.baddbmm(colours[:, None, :, 3], frames.flatten(1, 3).float(), colours[:, :, :3].mT)
        coloured = pixels.round().clamp(0, 255).view(frames.shape)
        return standardised(coloured, self.mean, self.std)

    def plain(self, chosen: slice) -> Tensor:
        """Clips as they are, float32 (N, T, 3, H, W), standardised."""
        return standardised(self.frames[chosen], self.mean, self.std)


def drawn_changes(
    targets: list[int], symmetry: ClassSymmetry | None, augmentation: Augmentation, key: tuple[int, ...]
) -> dict[str, Tensor]:
    """What an epoch does to every clip: the draws of `TrainingClips`, whose key this is, as tensors over the clips."""
    changes = [
        drawn_change(label, symmetry, augmentation, np.random.default_rng((*key, index)))
        for index, label in enumerate(targets)
    ]
    return {
        "mirror": torch.tensor([bool(change.mirror) for change in changes]),
        "reverse": torch.tensor([bool(change.reverse) for change in changes]),
        "offset": torch.from_numpy(np.array([change.offset for change in changes])),
        "colours": torch.from_numpy(np.array([change.colours for change in changes], np.float32)),
        "label": torch.tensor([change.label for change in changes]),
    }
