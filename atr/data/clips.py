"""Clips for training, evaluation and analysis: T sampled frames, a label, an index into the list."""

import copy
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from atr import tabletop
from atr.data.annotations import require_listed_labels, require_one_answer
from atr.data.names import data_name
from atr.data.reading import read_annotations
from atr.data.symmetry import ClassSymmetry, is_something_something, mirrored_classes
from atr.files import digest, stamp
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.video.decoding import Video, open_video
from atr.video.protocol import SINGLE_VIEW, UNIFORM, Protocol
from atr.video.sampling import random_indices

NUM_RENDERED = 2_000  # clips of a rendered split where no number is given


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


class TabletopClips(ClipDataset):
    """Clips of the demo set, rendered once into a memory-mapped cache.

    Args:
        split: "train" | "dev" | "val"; their seeds are disjoint.
        cache: folder of the rendered arrays; a cache of the same clips is used again.
        workers: processes that render.
        protocol: what `views` will be asked for, in uniform sampling: a rendered clip is all of its time and has no
            rate of frames. The frames are square, so three crops of one coincide.
    """

    symmetry = ClassSymmetry(mirrored=tabletop.MIRRORED, reversed=tabletop.REVERSED, known=True)

    def __init__(
        self,
        split: str,
        num_clips: int,
        *,
        num_frames: int,
        size: int,
        cache: Path,
        workers: int = 1,
        protocol: Protocol = SINGLE_VIEW,
    ):
        seeds = [tabletop.split_seed(split, index) for index in range(num_clips)]
        times = None  # one sampling: the centres of T segments
        if protocol.clips > 1:
            times = [(t + offset) / num_frames for offset in protocol.offsets() for t in range(num_frames)]
        rendered = tabletop.render_batch_cache(
            cache, seeds, times=times, num_frames=num_frames, size=size, workers=workers
        )
        self.protocol = protocol
        self.frames, self.objects = rendered.frames, torch.from_numpy(rendered.objects).float()
        self.labels = list(tabletop.CLASSES)
        self.ids = [tabletop.clip_name(split, index) for index in range(num_clips)]
        self.targets = rendered.labels.tolist()
        self.description = f"tabletop {split}, {num_clips} clips, {num_frames} frames, {size} px"
        self.digest = self.digest_of(split, num_clips, num_frames=num_frames, size=size)

    @staticmethod
    def digest_of(split: str, num_clips: int, *, num_frames: int, size: int) -> str:
        """The digest, known before anything is rendered."""
        seeds = [tabletop.split_seed(split, index) for index in range(num_clips)]
        return digest([tabletop.RENDERER_VERSION, num_frames, size, seeds])

    def views(self, index: int, protocol: Protocol) -> np.ndarray:
        """Raises ValueError when the clips were rendered for another number of samplings."""
        if protocol.clips != self.protocol.clips:
            raise ValueError(f"the clips were opened for protocol {self.protocol}, {protocol} is asked for")
        samplings = np.split(self.frames[index], protocol.clips)
        return np.repeat(samplings, protocol.crops, axis=0)

    def random_frames(self, index: int, generator: np.random.Generator) -> np.ndarray:
        """The rendered frames: a clip has no others to draw from. Not to be written to."""
        return self.frames[index]


class VideoClips(ClipDataset):
    """The videos of one split of a data set on disk, in any of the layouts of `atr.data`.

    Args:
        folder: the data set.
        num_clips: the first so many; None for all.
        split: "train", "val" or "test"; None for "val", or for the only split there is.
        follow_outside: clips may lie outside the folder; else the annotations tell which do.
        sampling: how frames are drawn, the checkpoint's where there is one; as the data set has it when None.
        allow_damaged: as `atr.video.decoding.open_video` has it. The digest is another one then.

    Attributes:
        annotations: the whole list.
        positions: (N,) places in that list of the clips taken from it.
        lengths: frames per clip of the whole list, 0 where unknown; None until somebody has counted.

    Raises:
        ValueError: the folder is no data set, its lists cannot be read, or it has fewer clips.
    """

    def __init__(
        self,
        folder: Path,
        *,
        num_frames: int,
        preprocessing: Preprocessing,
        num_clips: int | None = None,
        split: str | None = None,
        follow_outside: bool = False,
        sampling: Sampling | None = None,
        allow_damaged: bool = False,
    ):
        self.allow_damaged = allow_damaged
        self.annotations = read_annotations(folder, split, follow_outside=follow_outside)
        if num_clips is not None and not 1 <= num_clips <= len(self.annotations):
            raise ValueError(
                f"{num_clips} clips asked for, {self.annotations.name} has {len(self.annotations)}; allowed: 1 to that"
            )
        self.num_frames, self.preprocessing = num_frames, preprocessing
        own = Sampling(self.annotations.sampling)
        self.labels, self.sampling = self.annotations.labels, sampling or own
        self.symmetry = symmetry_of(self.labels)
        self.notes = self.annotations.notes
        if self.sampling != own:
            note = f"{self.annotations.name} has {own}; the checkpoint's is used, {self.sampling}"
            self.notes = (*self.notes, note)
        self.lengths: Sequence[int] | None = None
        self._take(np.arange(len(self.annotations))[:num_clips])

    def _take(self, positions: np.ndarray) -> None:
        listed = self.annotations
        self.positions = positions
        self.ids = [listed.ids[position] for position in positions]
        self.targets = [listed.targets[position] for position in positions]
        self.paths = Paths(listed.root, [listed.files[position] for position in positions])
        self.description = f"{listed.name}, {len(positions)} clips, {self.num_frames} frames"
        self.__dict__.pop("digest", None)  # of other clips

    @cached_property
    def digest(self) -> str:  # type: ignore[override]  # other lists know theirs from the start
        """As `current_digest` was when it was first asked for: a pass over the clips and its result have the same one."""
        return self.current_digest()

    def current_digest(self) -> str:
        root, files = self.paths.root, self.paths.files
        values = [self.list_digest, [[file, stamp(os.path.join(root, file))] for file in files]]
        return digest([*values, "damaged ones"] if self.allow_damaged else values)

    @property
    def list_digest(self) -> str:
        return digest(
            [
                self.annotations.layout,
                self.labels,
                self.ids,
                self.targets,
                self.num_frames,
                self.preprocessing.to_dict(),
            ]
        )

    def subset(self, indices: Sequence[int]) -> "VideoClips":
        """Some of the clips, as a list of their own."""
        clips = copy.copy(self)
        clips._take(self.positions[np.asarray(indices, dtype=np.int64)])
        return clips

    def length(self, index: int, video: Video) -> int:
        """Frames of a clip: as they were counted before, or as its file, opened as `video`, tells."""
        counted = self.lengths[self.positions[index]] if self.lengths is not None else 0
        return counted or video.length

    def views(self, index: int, protocol: Protocol) -> np.ndarray:
        with open_video(self.paths[index], allow_damaged=self.allow_damaged) as video:
            chosen = protocol.indices(self.length(index, video), self.num_frames, self.sampling)
            return protocol.views(video, chosen, self.preprocessing)

    def random_frames(self, index: int, generator: np.random.Generator) -> np.ndarray:
        with open_video(self.paths[index], allow_damaged=self.allow_damaged) as video:
            chosen = random_indices(self.length(index, video), self.num_frames, self.sampling, generator)
            return video.frames(chosen)


class Paths(Sequence[Path]):
    """The files of a long list as paths, made when asked for: a path takes several times the memory of its text."""

    def __init__(self, root: Path, files: list[str]):
        self.root, self.files = root, files

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> "Paths": ...
    def __getitem__(self, index: int | slice) -> "Path | Paths":
        if isinstance(index, slice):
            return Paths(self.root, self.files[index])
        return self.root / self.files[index]


def symmetry_of(labels: Sequence[str]) -> ClassSymmetry:
    """What a flip makes of classes, told by their texts; known where these are a data set's whose table is."""
    rendered = sorted(map(str.lower, labels)) == sorted(map(str.lower, tabletop.CLASSES))
    return ClassSymmetry(mirrored_classes(labels), known=rendered or is_something_something(labels))


def require_uniform(name: str, sampling: Sampling | None) -> None:
    """Raises ValueError where rendered clips are to be sampled densely."""
    if sampling is not None and sampling.kind == "dense":
        raise ValueError(
            f"{name} is rendered over the whole time of a clip, but the checkpoint takes {sampling}; "
            "`python -m atr tabletop` writes such clips as videos"
        )


def rendered_count(num_clips: int | None) -> int:
    """How many clips of a rendered split: NUM_RENDERED when None. Raises ValueError where it would be none."""
    if num_clips is None:
        return NUM_RENDERED
    if num_clips < 1:
        raise ValueError(f"num_clips={num_clips} is not allowed; allowed: 1 or more")
    return num_clips


def open_clips(
    name: str,
    *,
    num_frames: int,
    preprocessing: Preprocessing,
    cache: Path,
    num_clips: int | None = None,
    protocol: Protocol = SINGLE_VIEW,
    follow_outside: bool = False,
    sampling: Sampling | None = None,
    allow_damaged: bool = False,
) -> ClipDataset:
    """The clips a command's `--data` names.

    Args:
        name: as `data_name` takes it. The demo set is rendered at the size of the model's crop; val where no split is
            named.
        num_clips: the first so many; NUM_RENDERED of a rendered split, all of a folder when None.
        protocol: what `views` will be asked for (matters for rendered clips).
        follow_outside: clips of a folder may lie outside it.
        sampling: of the checkpoint that is asked; as the data set has it when None.
        allow_damaged: of `VideoClips`; rendered clips have no files.

    Raises:
        ValueError: `name` is neither, `num_clips` is below 1, there are fewer clips than asked for, two clips have one id,
            a clip lies outside the folder, its label is not listed, or rendered clips are to be sampled densely.
    """
    folder, split = data_name(name)
    if folder is None:
        require_uniform(name, sampling)
        return TabletopClips(
            split or "val",
            rendered_count(num_clips),
            num_frames=num_frames,
            size=preprocessing.crop if protocol.crops == 1 else preprocessing.short_side,
            cache=cache,
            protocol=protocol,
        )
    clips = VideoClips(
        folder,
        num_frames=num_frames,
        preprocessing=preprocessing,
        num_clips=num_clips,
        split=split,
        follow_outside=follow_outside,
        sampling=sampling,
        allow_damaged=allow_damaged,
    )
    require_one_answer(clips.annotations)
    require_listed_labels(clips.annotations)
    return clips
