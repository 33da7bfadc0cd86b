"""Clips for training, evaluation and analysis: T sampled frames, a label, an index into the list."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from atr import tabletop
from atr.transforms import Preprocessing, cut_view
from atr.video import decode, probe, uniform_indices


@dataclass(frozen=True)
class ClassSymmetry:
    """What a clip of each class becomes: played backwards (`reversed`), seen in a mirror (`mirrored`).

    (num_classes,) class indices. A class that is its own image maps to itself.
    """

    reversed: tuple[int, ...]
    mirrored: tuple[int, ...]


class ClipDataset(Dataset):
    """What every list of clips has. Items: (frames uint8 (T, H, W, 3), label, index).

    Attributes:
        labels: one text per class.
        ids: one name per clip.
        targets: class index per clip.
        description: the list in words.
        digest: of the list; the same clips in the same order have the same.
    """

    labels: list[str]
    ids: list[str]
    targets: list[int]
    description: str
    digest: str

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> tuple[Tensor, int, int]:
        return torch.from_numpy(self.sampled_frames(index)), int(self.targets[index]), index

    def sampled_frames(self, index: int) -> np.ndarray:
        """uint8 (T, H, W, 3), as cut for the model. Raises VideoError where a file cannot be read."""
        raise NotImplementedError


class TabletopClips(ClipDataset):
    """Clips of the demo set, rendered once into a memory-mapped cache.

    Args:
        split: "train" | "dev" | "val"; their seeds are disjoint.
        cache: folder of the rendered arrays; a cache of the same clips is used again.
        workers: processes that render.
    """

    symmetry = ClassSymmetry(tabletop.REVERSED, tabletop.MIRRORED)

    def __init__(
        self, split: str, num_clips: int, *, num_frames: int, size: int, cache: Path, workers: int = 1
    ):
        seeds = [tabletop.split_seed(split, index) for index in range(num_clips)]
        rendered = tabletop.render_batch_cache(
            cache, seeds, num_frames=num_frames, size=size, workers=workers
        )
        self.frames, self.objects = rendered.frames, torch.from_numpy(rendered.objects).float()
        self.labels = list(tabletop.CLASSES)
        self.ids = [f"{split}-{index:06d}" for index in range(num_clips)]
        self.targets = rendered.labels.tolist()
        self.description = f"tabletop {split}, {num_clips} clips, {num_frames} frames, {size} px"
        self.digest = self.digest_of(split, num_clips, num_frames=num_frames, size=size)

    @staticmethod
    def digest_of(split: str, num_clips: int, *, num_frames: int, size: int) -> str:
        """The digest, known before anything is rendered."""
        seeds = [tabletop.split_seed(split, index) for index in range(num_clips)]
        return digest([tabletop.RENDERER_VERSION, num_frames, size, seeds])

    def sampled_frames(self, index: int) -> np.ndarray:
        return np.array(self.frames[index])


class VideoClips(ClipDataset):
    """Videos listed in a folder's annotations.json, as `python -m atr tabletop` writes it; uniform sampling, centre.

    Raises:
        ValueError: the folder has no annotations.json, it cannot be read, or it names a label it does not list.
    """

    def __init__(
        self, folder: Path, *, num_frames: int, preprocessing: Preprocessing, num_clips: int | None = None
    ):
        path = folder / "annotations.json"
        if not path.is_file():
            raise ValueError(f"{folder} has no annotations.json: it is not a folder of annotated clips")
        try:
            annotations = json.loads(path.read_text())
            clips = annotations["clips"][:num_clips]
            self.labels = annotations["labels"]
            self.ids = [clip["id"] for clip in clips]
            self.paths = [folder / clip["video"] for clip in clips]
            self.targets = [self.labels.index(clip["label"]) for clip in clips]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} cannot be read as a list of clips: {error!r}") from error
        self.num_frames, self.preprocessing = num_frames, preprocessing
        self.description = f"{folder.name}, {len(clips)} clips, {num_frames} frames"
        self.digest = digest([clips, num_frames, preprocessing.to_dict()])

    def sampled_frames(self, index: int) -> np.ndarray:
        path = self.paths[index]
        chosen = uniform_indices(probe(path).num_frames, self.num_frames)
        return cut_view(decode(path, chosen), self.preprocessing)


def open_clips(
    name: str, *, num_frames: int, preprocessing: Preprocessing, cache: Path, num_clips: int | None = None
) -> ClipDataset:
    """The clips a command's `--data` names.

    Args:
        name: "tabletop:val" (or :dev, :train), rendered at the size of the model's crop, or a folder with an
            annotations.json.
        num_clips: the first so many; 2,000 of a rendered split, all of a folder when None.

    Raises:
        ValueError: `name` is neither, or there are fewer clips than asked for.
    """
    if name.startswith("tabletop:"):
        size = preprocessing.crop
        return TabletopClips(
            name.removeprefix("tabletop:"), num_clips or 2_000, num_frames=num_frames, size=size, cache=cache
        )
    if not Path(name).is_dir():
        raise ValueError(
            f"data {name!r} is unknown; allowed: tabletop:val, tabletop:dev, tabletop:train, or a folder with an "
            "annotations.json"
        )
    clips = VideoClips(Path(name), num_frames=num_frames, preprocessing=preprocessing, num_clips=num_clips)
    if num_clips is not None and len(clips) < num_clips:
        raise ValueError(f"{num_clips} clips asked for, {name} has {len(clips)}")
    return clips


def digest(values) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
