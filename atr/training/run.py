"""The two phases of a training, still images and clips, and what they share."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from atr.data.clips import ClipDataset
from atr.data.names import TABLETOP
from atr.results.scores import Scores
from atr.training.clips import TrainingClips
from atr.training.config import TrainConfig
from atr.training.log import TrainingLog
from atr.training.sampler import EpochBatches, share_of
from atr.training.state import TrainingState

STILLS, CLIPS = "stills", "clips"
NUMBERS = {STILLS: 0, CLIPS: 1}  # so that the phases draw different things


@dataclass(frozen=True)
class Phase:
    """What is shown, what is asked, how often.

    Attributes:
        shown: data set of an epoch, built from (clips, augmentation, size, key, fit).
        objective: (logits, targets, label smoothing) -> the loss and the share of targets hit, scalars.
        hit: name of that share in the history.
        look: what else goes into the history after an epoch, of the model.
    """

    name: str
    epochs: int
    batch_size: int
    shown: type[TrainingClips]
    objective: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
    hit: str
    look: Callable[[nn.Module], dict]


@dataclass
class Run:
    """A training on its way: its settings, the clips it learns from, how far it is."""

    config: TrainConfig
    accelerator: Accelerator
    data: ClipDataset
    state: TrainingState
    log: TrainingLog

    def key(self, phase: Phase, epoch: int) -> tuple[int, int, int]:
        """What all that is random in an epoch is drawn from."""
        return self.config.seed, NUMBERS[phase.name], epoch

    def batches(self, phase: Phase, epoch: int, start: int) -> DataLoader:
        """What is left of an epoch after `start` batches, for this process. Nothing random in it has a state."""
        config, accelerator = self.config, self.accelerator
        key = self.key(phase, epoch)
        sampler = EpochBatches(
            len(self.data),
            phase.batch_size,
            key,
            start=start,
            process=accelerator.process_index,
            num_processes=accelerator.num_processes,
            accumulation=config.accumulation,
        )
        shown = phase.shown(self.data, config.augmentation, config.size, key, config.fit)
        return self.loader(shown, batch_sampler=sampler)

    def loader(self, clips: Dataset, **options) -> DataLoader:
        cv2.setNumThreads(1)  # OpenCV's threads do not survive the fork of a worker
        # Rendered clips lie decoded in a memory-mapped file: a thread is enough to fetch them ahead.
        workers = 0 if self.config.data == TABLETOP else self.config.workers
        return DataLoader(
            clips, num_workers=workers, pin_memory=self.accelerator.device.type == "cuda", **options
        )

    def evaluation(self, clips: ClipDataset) -> DataLoader:
        """All clips in order, shared out by accelerate, which knows how to put the scores together again."""
        share = share_of(self.config.batch_size, self.accelerator.num_processes, self.config.accumulation)
        return self.accelerator.prepare(self.loader(clips, batch_size=2 * share))

    def within_pairs(self, scores: Scores, name: str) -> dict[str, float]:
        """Under `name` the accuracy that needs no order of frames, where it is known which classes are reversals."""
        symmetry = self.data.symmetry
        if symmetry is None or symmetry.reversed is None:
            return {}
        return {name: scores.within_pairs(symmetry.reversed)}


def class_objective(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """logits (N, num_classes), targets (N,)"""
    loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    return loss, (logits.argmax(1) == targets).float().mean()


def object_objective(logits: Tensor, objects: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    """logits (N, K), objects (N, K): 1 where a kind of object is in the picture; not smoothed."""
    loss = F.binary_cross_entropy_with_logits(logits, objects)
    return loss, ((logits > 0) == objects.bool()).float().mean()
