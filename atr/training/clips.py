"""The clips of a training: the lists of its splits, and how an epoch shows them."""

from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import PartialState
from torch import Tensor
from torch.utils.data import Dataset

from atr.data.annotations import require_learnable
from atr.data.clips import ClipDataset
from atr.data.faults import checked
from atr.data.names import data_name
from atr.data.rendered import TabletopClips
from atr.data.symmetry import told_symmetry
from atr.data.videos import VideoClips
from atr.preprocessing import Fit, Preprocessing
from atr.results.processes import found_once
from atr.training.augment import Augmentation, augment, mirrored_share


class TrainingClips(Dataset):
    """A list of clips as one epoch shows it. Items: (frames uint8 (T, size, size, 3), label, index).

    What is random comes from `key` and the clip's index alone: it does not matter which process or worker asks, nor
    what was asked for before.

    Args:
        key: whole numbers >= 0, such as (seed, epoch).
        fit: how frames become squares, `Preprocessing`.
    """

    def __init__(
        self,
        clips: ClipDataset,
        augmentation: Augmentation,
        size: int,
        key: tuple[int, ...],
        fit: Fit = "crop",
    ):
        self.clips, self.augmentation, self.size, self.key, self.fit = clips, augmentation, size, key, fit

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[Tensor, int | Tensor, int]:
        frames, label, _ = self.drawn(index)
        return torch.from_numpy(frames), label, index

    def drawn(self, index: int) -> tuple[np.ndarray, int, np.random.Generator]:
        """Frames, label, and the generator they were drawn from."""
        generator = np.random.default_rng((*self.key, index))
        frames = self.clips.random_frames(index, generator)
        label = int(self.clips.targets[index])
        symmetry = self.clips.symmetry
        frames, label = augment(
            frames, label, symmetry, self.augmentation, self.size, generator, fit=self.fit
        )
        return frames, label, generator


class TrainingStills(TrainingClips):
    """One frame of each clip, with the kinds of objects in it. Items: (uint8 (1, size, size, 3), float (K,), index)."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        frames, _, generator = self.drawn(index)
        chosen = generator.integers(len(frames))
        return torch.from_numpy(frames[chosen : chosen + 1]), self.clips.objects[index], index


def opening_lines(augmentation: Augmentation, train: ClipDataset, val: ClipDataset) -> list[str]:
    """What is to be known of a training's clips before it starts: what is not used, and what a flip makes of the classes."""
    share = mirrored_share(augmentation, train.symmetry)
    return [*dict.fromkeys([*train.notes, *val.notes]), told_symmetry(train.symmetry, train.labels, share)]


def training_splits(
    data: str,
    counts: dict[str, int | None],
    *,
    num_frames: int,
    preprocessing: Preprocessing,
    cache: Path,
    workers: int,
    leave_out: bool,
    state: PartialState,
    follow_outside: bool = False,
    train_split: str = "train",
) -> tuple[ClipDataset, ClipDataset, ClipDataset]:
    """Clips to train on, to look at after every epoch (dev), and to judge by (val).

    The three splits of the rendered set have seeds of their own. Of a data set on disk, dev are clips evenly spread
    over val: nothing is chosen by them.

    Args:
        data: "tabletop", or the folder of a data set with a train and a val split.
        counts: of clips, for "train", "dev" and "val"; None for all there are.
        train_split: of the rendered set, which clips to train on.

    Raises:
        ValueError: the folder is no data set, its two splits do not have the same labels, train has no clip of a class
            that another split has, or files are faulty and not to be left out.
    """
    folder, split = data_name(data)
    if split is not None:
        raise ValueError(f"data={data!r} names one split; a training takes train and val: leave :{split} out")
    if folder is None:
        with state.main_process_first():
            train, dev, val = (
                TabletopClips(
                    train_split if split == "train" else split,
                    cast(int, counts[split]),  # there is no whole of a rendered split
                    num_frames=num_frames,
                    size=preprocessing.crop,
                    cache=cache,
                    workers=max(workers, 1),  # who decodes none in other processes renders in this one
                )
                for split in ("train", "dev", "val")
            )
        return train, dev, val

    def opened(split: str) -> VideoClips:
        clips = VideoClips(
            folder,
            num_frames=num_frames,
            preprocessing=preprocessing,
            num_clips=counts[split],
            split=split,
            follow_outside=follow_outside,
        )
        return cast(VideoClips, checked(clips, leave_out, cache=cache))  # it takes some away

    train, val = found_once(state, lambda: (opened("train"), opened("val")))
    require_learnable(train.annotations)
    if train.labels != val.labels:
        different = sorted(set(train.labels) ^ set(val.labels)) or "their order"
        raise ValueError(f"the labels of the train and the val split of {data} differ: {different}")
    num_dev = len(val) if counts["dev"] is None else min(counts["dev"], len(val))
    return train, val.subset(np.linspace(0, len(val) - 1, num_dev).round().astype(int)), val
