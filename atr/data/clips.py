"""Clips for training, evaluation and analysis: T sampled frames, a label, an index into the list."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from atr.data.symmetry import ClassSymmetry
from atr.sampling import Sampling
from atr.video.protocol import SINGLE_VIEW, UNIFORM, Protocol


class ClipDataset(Dataset):
    """What every list of clips has. Items: (frames uint8 (T, H, W, 3), label, index).

    Attributes:
        labels: one text per class.
        ids: one name per clip.
        targets: class index per clip.
        description: the list in words.
        digest: of the clips; the same ones in the same order have the same. Of clips in files it takes in what the files
            are, told by `atr.files.stamp`, when it is first asked for: one that was added or replaced makes another digest.
        list_digest: of the list alone, whatever the files are.
        sampling: how frames are drawn from a clip.
        symmetry: what a flip makes of the classes; None where nothing is known of it, and nothing may be flipped.
        objects: float (N, K), which kinds of objects are in a clip; of rendered clips only.
        notes: what whoever opens the clips should be told, a line each: what was found and is not used, say.
    """

    labels: list[str]
    ids: list[str]
    targets: list[int]
    description: str
    digest: str
    sampling: Sampling = UNIFORM
    symmetry: ClassSymmetry | None = None
    objects: Tensor
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def list_digest(self) -> str:
        return self.digest

    def __getitem__(self, index: int) -> tuple[Tensor, int, int]:
        return torch.from_numpy(self.sampled_frames(index)), int(self.targets[index]), index

    def sampled_frames(self, index: int) -> np.ndarray:
        """The one view of protocol 1x1, uint8 (T, H, W, 3). Raises VideoError where a file cannot be read."""
        return self.views(index, SINGLE_VIEW)[0]

    def views(self, index: int, protocol: Protocol) -> np.ndarray:
        """What `protocol` shows of a clip, uint8 (V, T, h, w, 3), V = clips * crops, the crops of one clip together.

        Raises VideoError where a file cannot be read.
        """
        raise NotImplementedError

    def random_frames(self, index: int, generator: np.random.Generator) -> np.ndarray:
        """For training: T frames drawn at random and not cut, uint8 (T, H0, W0, 3).

        Uniform sampling draws one of each segment, dense sampling the place of the window.
        """
        raise NotImplementedError
