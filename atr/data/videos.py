"""Clips in video files, of a data set on disk."""

import copy
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from atr.data.clips import ClipDataset
from atr.data.reading import read_annotations
from atr.data.symmetry import symmetry_of
from atr.files import digest, stamp
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.schema import counted
from atr.video.decoding import Video, open_video
from atr.video.protocol import Protocol
from atr.video.sampling import random_indices


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
        ValueError: the folder is no data set, its lists cannot be read, or it has fewer clips, or none.
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
        if not len(self.annotations):
            raise ValueError(f"{self.annotations.name} lists no clips")
        if num_clips is not None and not 1 <= num_clips <= len(self.annotations):
            raise ValueError(
                f"{counted(num_clips, 'clip')} asked for, {self.annotations.name} has {len(self.annotations)}; allowed: 1 to that"
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
        self.description = (
            f"{listed.name}, {counted(len(positions), 'clip')}, {counted(self.num_frames, 'frame')}"
        )
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


class Paths:
    """The files of a long list as paths, made when asked for: a path takes several times the memory of its text."""

    def __init__(self, root: Path, files: list[str]):
        self.root, self.files = root, files

    def __getitem__(self, index: int) -> Path:
        return self.root / self.files[index]
