"""A training of rendered clips whose step is captured as a CUDA graph.

A small network leaves most of a GPU idle: its kernels take microseconds, and a processor starts them one by one. Here a
whole step, from the numbers of the clips to the new weights, is captured and replayed on a stream of the training's own;
the clips lie in the GPU's memory and are augmented there. What comes of it is the state of a training whose epochs are
done: `train` continues from it with the judgement. Elsewhere than on CUDA the same step runs as it is. The dropout masks are
the GPU's, drawn from one generator for all that run, so that two such runs of a training do not equal each other.
"""

import gc
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from atr.data.names import TABLETOP
from atr.models import build_model
from atr.results.health import watch
from atr.results.processes import device_name
from atr.results.scores import Scores
from atr.tabletop import REVERSED
from atr.training.config import TrainConfig, fitted, identity_of
from atr.training.flat_adamw import FlatAdamW
from atr.training.loop import HEALTH_BATCHES, health_of
from atr.training.optimisation import (
    build_optimizer,
    channels_last,
    freeze,
    narrow,
    one_cycle,
    training_mode,
)
from atr.training.resident import ResidentClips
from atr.training.run import CLIPS, NUMBERS, class_objective
from atr.training.sampler import EpochBatches
from atr.training.starting_weights import start_from
from atr.training.state import STATE, TrainingState, workspace_of

CHUNK = 50  # steps that are queued at a time
AHEAD = 6  # chunks in the queue of a training
WARM_UP = 2  # steps before the capture: libraries choose and allocate in them
LOOKED_AT = 100  # dev clips scored at a time


def is_possible(config: TrainConfig) -> bool:
    """Whether a training can run here; the others are for `train` alone. TRN draws anew in every step which frames it
    compares, which a captured step cannot."""
    return (
        config.data == TABLETOP
        and not config.still_epochs
        and not config.augmentation.crop_scales
        and not config.partial_bn
        and not config.model.name.startswith("trn")
        and (config.optimizer, config.schedule) == ("adamw", "one_cycle")
        and config.accumulation == 1
        and config.mixed_precision != "fp16"
        and not (config.sync_bn or config.compile)
    )


@dataclass(frozen=True)
class Task:
    """A training, where it goes, and its clips, which many trainings may share."""

    config: TrainConfig
    out: Path
    clips: ResidentClips
    dev: ResidentClips

    def key(self, epoch: int) -> tuple[int, int, int]:
        return self.config.seed, NUMBERS[CLIPS], epoch

    @property
    def residents(self) -> tuple[ResidentClips, ResidentClips]:
        return self.clips, self.dev


class CapturedTraining:
    """Its network, its step, how far it is; others may run on the same GPU.

    Args:
        changes: epoch -> what it does to every clip, `drawn_changes`.
    """

    def __init__(self, task: Task, changes: Callable[[int], Future]):
        self.task, self.changes, config = task, changes, task.config
        self.device = task.clips.device
        self.stream = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None
        self.per_epoch = len(task.clips.clips) // config.batch_size
        torch.default_generator.manual_seed(config.seed)  # not the GPU's, which those that run draw from
        self.model = build_model(fitted(config, task.clips.clips))
        if config.init:
            start_from(self.model, config.init)
        freeze(self.model, config.freeze, partial_bn=False)
        channels_last(self.model)
        self.is_narrow = narrow(self.model)
        self.model.to(self.device)
        for clips in task.residents:  # there before the stream works with them
            clips.frames  # noqa: B018
        with self.here():
            self.optimizer = FlatAdamW(config.groups(self.model), config.epochs * self.per_epoch)
            self.at = torch.zeros(1, dtype=torch.long, device=self.device)  # the batch of the epoch
            self.seen = torch.zeros(2, device=self.device)
            self.scores = torch.zeros(len(task.dev.clips), self.model.config.num_classes, device=self.device)
            order, drawn = self.epoch_of(0)
            self.order = order.to(self.device)
            # A copy, also where they are on the device already: they change, and others read them.
            self.drawn = {name: values.to(self.device, copy=True) for name, values in drawn.items()}
            self.capture()
        self.epoch, self.step_of_epoch = 0, 0
        self.has_ended = False
        self.fault: str | None = None
        self.queued: deque[torch.cuda.Event] = deque()
        self.reports: deque[tuple[Tensor, Tensor, torch.cuda.Event | None]] = deque()
        self.state = TrainingState(
            workspace_of(task.out) / STATE,
            identity_of(config, task.clips.clips),
            config.save_every,
        )
        self.state.progress.begin_epoch(CLIPS, 0)
        self.state.progress.device = device_name(self.device)

    def here(self):
        """What is started within goes onto this training's stream."""
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def epoch_of(self, epoch: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The batches of an epoch, (batches, clips), and what becomes of every clip."""
        size = self.task.config.batch_size
        order = EpochBatches(len(self.task.clips.clips), size, self.task.key(epoch)).order
        order = torch.from_numpy(order[: self.per_epoch * size]).view(self.per_epoch, size)
        return self.ready(order), {
            name: self.ready(values) for name, values in self.changes(epoch).result().items()
        }

    def ready(self, values: Tensor) -> Tensor:
        """In memory from which a GPU copies without being waited for."""
        return values if self.stream is None else values.pin_memory()

    def capture(self) -> None:
        """The step and the look at the dev clips as graphs; what their first passes have changed is put back."""
        training_mode(self.model)
        if self.stream is not None:
            before = [each.clone() for each in (self.optimizer.values, *self.model.buffers())]
            for _ in range(WARM_UP):
                self.learn()
                self.begin_again()
            self.look()
            for value, each in zip(before, (self.optimizer.values, *self.model.buffers()), strict=True):
                each.copy_(value)
            self.begin_again()
        self.replay, self.replay_look = captured(self.learn), captured(self.look)

    def begin_again(self) -> None:
        self.optimizer.restart()
        self.at.zero_()
        self.seen.zero_()

    def learn(self) -> None:
        config, task = self.task.config, self.task
        indices = self.order.index_select(0, self.at)[0]
        frames = task.clips.shown(indices, self.drawn, config.augmentation.shift)
        with self.autocast():
            logits = self.model(frames.contiguous() if self.is_narrow else frames)
        targets = self.drawn["label"].index_select(0, indices)
        loss, hit = class_objective(logits.float(), targets, config.label_smoothing)
        self.optimizer.step(torch.autograd.grad(loss, self.optimizer.parameters), config.gradient_clip)
        self.seen += torch.stack([loss.detach(), hit])
        self.at += 1

    def look(self) -> None:
        self.model.eval()
        with torch.no_grad(), self.autocast():
            for start in range(0, len(self.scores), LOOKED_AT):
                chosen = slice(start, start + LOOKED_AT)
                self.scores[chosen] = self.model(self.task.dev.plain(chosen)).float().softmax(1)
        training_mode(self.model)

    def autocast(self):
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.task.config.mixed_precision == "bf16"
        )

    @property
    def is_done(self) -> bool:
        return self.epoch == self.task.config.epochs and not self.reports

    def go_on(self) -> bool:
        """`advance`, and save what is done; an error, such as of too little memory, ends it as its `fault`."""
        try:
            did = self.advance()
            if self.is_done:
                self.save()
                self.has_ended = True
        except (ValueError, OSError, RuntimeError) as error:
            did, self.has_ended, self.fault = True, True, str(error)
        return did

    def advance(self) -> bool:
        """Queue more steps if the queue is short, read what is there to read; whether there was anything to do."""
        did = False
        while self.queued and self.queued[0].query():
            self.queued.popleft()
        while self.reports and (self.reports[0][2] is None or self.reports[0][2].query()):
            self.report(*self.reports.popleft()[:2])
            did = True
        if self.epoch < self.task.config.epochs and len(self.queued) < AHEAD:
            with self.here():
                self.queue_steps()
            did = True
        return did

    def queue_steps(self) -> None:
        if self.step_of_epoch == 0 and self.epoch > 0:
            order, drawn = self.epoch_of(self.epoch)
            self.order.copy_(order, non_blocking=True)
            for name, values in drawn.items():
                self.drawn[name].copy_(values, non_blocking=True)
            self.at.zero_()
            self.seen.zero_()
        steps = min(CHUNK, self.per_epoch - self.step_of_epoch)
        for _ in range(steps):
            self.replay()
        self.step_of_epoch += steps
        if self.step_of_epoch == self.per_epoch:
            self.replay_look()
            self.reports.append((copied(self.seen), copied(self.scores), self.mark()))
            self.epoch, self.step_of_epoch = self.epoch + 1, 0
        if (mark := self.mark()) is not None:
            self.queued.append(mark)

    def mark(self) -> torch.cuda.Event | None:
        if self.stream is None:
            return None
        event = torch.cuda.Event()
        event.record(self.stream)
        return event

    def report(self, seen: Tensor, scores: Tensor) -> None:
        """An epoch into the history; with the last one how the blocks are. Raises ValueError where it has diverged."""
        progress, dev = self.state.progress, self.task.dev.clips
        loss, hit = (seen / self.per_epoch).tolist()
        progress.require_finite(loss)
        found = Scores(scores.numpy(), np.array(dev.targets))
        entry = {"dev_top1": found.top(1), "dev_pairs": found.within_pairs(REVERSED)}
        if progress.epoch + 1 == self.task.config.epochs:
            entry |= self.health()
        progress.end_epoch(phase=CLIPS, epoch=progress.epoch + 1, loss=loss, train_top1=hit, **entry)

    def health(self) -> dict:
        self.model.eval()
        size = 2 * self.task.config.batch_size  # as `train` looks at them
        with self.here(), watch(self.model) as vitals, torch.inference_mode(), self.autocast():
            for start in range(0, min(HEALTH_BATCHES * size, len(self.scores)), size):
                self.model(self.task.dev.plain(slice(start, start + size)))
        return health_of(vitals)

    def save(self) -> None:
        """The state from which `train` judges it."""
        config, model = self.task.config, self.model.cpu()
        optimizer = build_optimizer(config.optimizer, config.groups(model), config.momentum)
        steps = config.epochs * self.per_epoch
        schedule = one_cycle(optimizer, steps)
        schedule.last_epoch = steps
        self.state.path.parent.mkdir(parents=True, exist_ok=True)
        self.state.save(model, optimizer, schedule, None)


def captured(work: Callable[[], None]) -> Callable[[], None]:
    """The work as a graph of the stream it is called on; on other devices the work itself."""
    if not torch.cuda.is_available() or torch.cuda.current_stream() == torch.cuda.default_stream():
        return work
    graph = torch.cuda.CUDAGraph()
    gc.collect()
    gc.disable()  # what it frees meanwhile may end the capture
    try:
        # Not `torch.cuda.graph`: that waits for the whole device, and so for all that runs beside.
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            work()
        finally:
            graph.capture_end()
    finally:
        gc.enable()
    return graph.replay


def copied(values: Tensor) -> Tensor:
    """To the CPU, without waiting: it is there when the stream has come so far."""
    there = torch.empty(values.shape, dtype=values.dtype, pin_memory=values.is_cuda)
    return there.copy_(values, non_blocking=True)
