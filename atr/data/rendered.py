"""Clips of the demo set, rendered once into a cache."""

from pathlib import Path

import numpy as np
import torch

from atr import tabletop
from atr.data.clips import ClipDataset
from atr.data.symmetry import ClassSymmetry
from atr.files import digest
from atr.sampling import Sampling
from atr.schema import counted
from atr.video.protocol import SINGLE_VIEW, Protocol

NUM_RENDERED = 2_000  # clips of a rendered split where no number is given


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
        self.description = self.description_of(split, num_clips, num_frames=num_frames, size=size)
        self.digest = self.digest_of(split, num_clips, num_frames=num_frames, size=size)

    @staticmethod
    def description_of(split: str, num_clips: int, *, num_frames: int, size: int) -> str:
        return f"tabletop {split}, {counted(num_clips, 'clip')}, {counted(num_frames, 'frame')}, {size} px"

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


def rendered_count(num_clips: int | None) -> int:
    """How many clips of a rendered split: NUM_RENDERED when None. Raises ValueError where it would be none."""
    require_count(num_clips)
    return NUM_RENDERED if num_clips is None else num_clips


def require_count(num_clips: int | None) -> None:
    """Raises ValueError where a number of clips is asked for that is none."""
    if num_clips is not None and num_clips < 1:
        raise ValueError(f"num_clips={num_clips} is not allowed; allowed: 1 or more")


def require_uniform(name: str, sampling: Sampling | None) -> None:
    """Raises ValueError where rendered clips are to be sampled densely."""
    if sampling is not None and sampling.kind == "dense":
        raise ValueError(
            f"{name} is rendered over the whole time of a clip, but the checkpoint takes {sampling}; "
            "`python -m atr tabletop` writes such clips as videos"
        )
