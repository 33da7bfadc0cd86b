"""The state a stopped training goes on from.

Two kinds of things decide how a run continues. What has been learnt and counted is saved: weights, optimiser, schedule,
gradient scaler, phase, epoch, batch, sums. What is random is not: the order of the clips, their augmentation and the
dropout masks are drawn from (seed, phase, epoch) and the clip's or the batch's number, so there is no state of a generator
to save, and they are the same for any number of workers.
"""

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from atr.files import whole_file
from atr.schema import line
from atr.training.config import identities_differ

STATE = "state.pt"


def workspace_of(out: Path) -> Path:
    """Where the logs and the state of a training are that will write the checkpoint folder `out`."""
    return out.parent / f".{out.name}.training"


@dataclass
class Progress:
    """How far a run is, and what it has seen.

    Attributes:
        phase: name of the phase that is running.
        epoch, batch: whole epochs of it, and whole batches of the next one, that are done.
        sums: over those batches: [loss, share of targets hit]. What is not yet read from the device is not in them.
        seconds: of training, over all sessions.
        history: one entry per epoch of every phase.
        device: what it was last trained on.
    """

    phase: str = ""
    epoch: int = 0
    batch: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0])
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)
    device: str = ""

    def __post_init__(self) -> None:
        self._counted = time.monotonic()
        self._unread: list[Tensor] = []  # of this process, a batch each

    def begin_epoch(self, phase: str, epoch: int) -> None:
        self.phase, self.epoch, self.batch, self.sums = phase, epoch, 0, [0.0, 0.0]

    def add(self, values: Tensor) -> None:
        """What one batch adds to the sums, (2,). It stays where it is: to read it is to wait for the device."""
        self._unread.append(values)
        self.batch += 1

    def __str__(self) -> str:
        return f"{self.phase}, epoch {self.epoch}, batch {self.batch}" if self.phase else "nothing"

    @property
    def is_read(self) -> bool:
        return not self._unread

    def read(self, mean_over_processes: Callable[[Tensor], Tensor]) -> None:
        """Bring what was added into the sums. All processes do so after the same batches.

        Raises ValueError where the loss is no finite number.
        """
        if self._unread:
            values = mean_over_processes(torch.stack(self._unread))
            self.sums, self._unread = summed(self.sums, values), []
        self.require_finite(self.sums[0])

    def require_finite(self, loss: float) -> None:
        """Raises ValueError."""
        if not math.isfinite(loss):
            raise ValueError(
                f"the loss is {loss} in epoch {self.epoch + 1} ({self.phase}): the training has diverged; "
                "a lower --learning-rate may help"
            )

    def means(self) -> list[float]:
        """Over the batches of the epoch; of those that are not read, over this process's share."""
        sums = summed(self.sums, torch.stack(self._unread)) if self._unread else self.sums
        return [total / self.batch for total in sums]

    def end_epoch(self, **entry) -> None:
        """Into the history with it."""
        self.count_time()
        self.history.append({**entry, "seconds": self.seconds})
        self.begin_epoch(self.phase, self.epoch + 1)

    def count_time(self) -> None:
        now = time.monotonic()
        self.seconds, self._counted = self.seconds + now - self._counted, now


def summed(sums: list[float], values: Tensor) -> list[float]:
    """values (n, 2), added one after the other: the same sum wherever a run was stopped between them."""
    for row in values.tolist():
        sums = [total + value for total, value in zip(sums, row, strict=True)]
    return sums


class TrainingState:
    """The state file of a run; there is at most one, and it is always whole.

    Args:
        identity: of the run, as text; a state saved under another is refused.
        save_every: seconds between two saves.

    Raises:
        ValueError: the file holds the state of another configuration, or is damaged.
    """

    def __init__(self, path: Path, identity: str, save_every: float):
        self.path, self.identity, self.save_every = path, identity, save_every
        self.stored = self.read() if path.exists() else None
        if self.stored is not None and self.stored["identity"] != identity:
            what = identities_differ(self.stored["identity"], identity)
            raise ValueError(
                line(
                    f"{path.parent} holds a training of another configuration{f' ({what})' * bool(what)}; remove it, or "
                    "give another --out",
                    490,
                )
            )
        self.progress = Progress() if self.stored is None else Progress(**self.stored["progress"])
        self.saved = time.monotonic()

    def read(self) -> dict:
        try:
            return torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file raises many kinds
            raise ValueError(
                f"{self.path} cannot be read (damaged?); remove {self.path.parent} to start this training anew"
            ) from error

    def begin(self, phase: str, model: nn.Module, optimizer, schedule, scaler) -> Progress:
        """A phase begins, or goes on where it was stopped, with what was saved put into the model and the others."""
        if self.progress.phase != phase:
            self.progress.begin_epoch(phase, 0)
        elif self.stored is not None:
            model.load_state_dict(self.stored["model"])
            optimizer.load_state_dict(self.stored["optimizer"])
            schedule.load_state_dict(schedule.state_dict() | self.stored["schedule"])
            if scaler is not None:
                scaler.load_state_dict(self.stored["scaler"])
        self.stored = None
        return self.progress

    @property
    def due(self) -> bool:
        return time.monotonic() - self.saved >= self.save_every

    def save(self, model: nn.Module, optimizer, schedule, scaler) -> None:
        """Atomic: the state before stays where it is until the new one is whole and on the disk.

        The progress has to be read before. Raises OSError naming the file.
        """
        self.progress.count_time()
        state = {
            "identity": self.identity,
            "progress": dataclasses.asdict(self.progress),
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": {"last_epoch": schedule.last_epoch},
            "scaler": None if scaler is None else scaler.state_dict(),
        }
        with whole_file(self.path) as unfinished, open(unfinished, "wb") as file:
            try:
                torch.save(state, file)
            except RuntimeError as error:  # of its own bytes, after the file's error, as of a full disk
                raise error.__context__ or error from None
        self.saved = time.monotonic()
