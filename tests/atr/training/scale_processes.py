"""What the processes of test_scale.py run: trainings that are killed, and trainings of several processes.

python scale_processes.py kill FOLDER
torchrun --nproc_per_node 2 scale_processes.py gradients FOLDER NAME
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import torch
import torch._dynamo  # accelerate imports it late; once here, not once in every fork
from accelerate import PartialState
from torch.optim.optimizer import register_optimizer_step_pre_hook

from atr.models import ModelConfig
from atr.tabletop import CLASSES
from atr.training import loop as training
from atr.training.loop import TrainConfig, train

TINY = TrainConfig(
    ModelConfig("tsn_resnet18", len(CLASSES), num_frames=4, width=0.125),
    size=32,
    train_clips=40,
    dev_clips=4,
    val_clips=4,
    epochs=2,
    batch_size=8,
    mixed_precision="no",
    workers=1,
)
# Dropout, batch statistics, a phase of still images, parts of batches, momentum, a schedule: all that has a state.
STATEFUL = replace(
    TINY,
    model=replace(TINY.model, block="atr", dropout=0.5),
    still_epochs=2,
    accumulation=2,
    optimizer="sgd",
    schedule="steps",
    decay_epochs=(1,),
    warm_up_epochs=0.5,
    save_every=0.0,
)
CYCLED = replace(
    STATEFUL, still_epochs=0, optimizer="adamw", schedule="one_cycle", decay_epochs=(), warm_up_epochs=0.0
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(owner, name: str, call: int, *, before: Callable[..., None] = lambda *arguments: None) -> None:
    """Let the process die in the `call`-th call of a function, instead of it, after `before` with its arguments."""
    whole, calls = getattr(owner, name), []

    def mortal(*arguments, **options):
        calls.append(1)
        if len(calls) == call:
            before(*arguments)
            die()
        return whole(*arguments, **options)

    setattr(owner, name, mortal)


def half_written(state, file: BinaryIO) -> None:
    """What a kill leaves of a file that is being written."""
    file.write(b"PK\x03\x04 the first bytes of a state")
    file.flush()


# One life after the other: each process goes on from what the one before has left, and is killed.
Lives = tuple[tuple[str, Callable[[], None]], ...]
LIVES: Lives = (
    ("before anything is saved", lambda: killed_at(torch.optim.Optimizer, "zero_grad", 1)),
    ("in the second epoch of still images", lambda: killed_at(training, "derived_seed", 4)),
    ("between two parts of a batch of clips", lambda: killed_at(training, "derived_seed", 6)),
    ("while the state is written", lambda: killed_at(torch, "save", 2, before=half_written)),
    ("before the new state takes its place", lambda: killed_at(os, "replace", 3)),
    ("while the epoch is looked at", lambda: killed_at(training, "class_scores", 1)),
    ("in the middle of the next epoch", lambda: killed_at(training, "derived_seed", 5)),
    ("before the checkpoint is written", lambda: killed_at(training, "save_checkpoint", 1)),
)
BFLOAT16 = replace(CYCLED, mixed_precision="bf16")
FEWER_LIVES: Lives = (("in the middle of an epoch", lambda: killed_at(training, "derived_seed", 6)),)
KILLED = {
    "stateful": (STATEFUL, LIVES),
    "cycled": (CYCLED, FEWER_LIVES),
    "bfloat16": (BFLOAT16, FEWER_LIVES),
}


def in_a_process(work: Callable[[], None]) -> int:
    """Exit code of a fork of this process, in which no training has run; negative: the signal that ended it."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill(folder: Path) -> None:
    for name, (config, lives) in KILLED.items():
        whole, killed = folder / f"{name}-whole", folder / f"{name}-killed"

        def life(prepare: Callable[[], None], out: Path, config: TrainConfig = config) -> int:
            def live() -> None:
                prepare()
                train(config, out, folder / "cache")

            return in_a_process(live)

        assert life(lambda: None, whole) == 0
        for moment, prepare in lives:
            code = life(prepare, killed)
            assert code == -signal.SIGKILL, f"{name}, {moment}: the process ended with {code}"
            assert not killed.exists(), moment
        assert life(lambda: None, killed) == 0


# Every batch normalisation with fixed statistics: the first by `freeze`, all others by `partial_bn`. Everything is left
# to be learnt but these and the first convolution.
FIXED_STATISTICS = replace(
    TINY,
    model=replace(TINY.model, dropout=0.0),
    train_clips=8,
    epochs=1,
    optimizer="sgd",
    gradient_clip=1e9,
    freeze=("backbone.conv1", "backbone.bn1"),
    partial_bn=True,
)
GRADIENT_RUNS = {
    "fixed": FIXED_STATISTICS,
    "parts": replace(FIXED_STATISTICS, accumulation=2),
    "batch-statistics": replace(FIXED_STATISTICS, freeze=(), partial_bn=False),
}


def gradients(folder: Path, name: str) -> None:
    """Save what the optimiser is given in the only step of each training, by shape-independent order."""
    for run, config in GRADIENT_RUNS.items():
        seen = []

        def keep(optimizer, *_, seen=seen) -> None:
            seen.extend(p.grad.clone() for group in optimizer.param_groups for p in group["params"])

        handle = register_optimizer_step_pre_hook(keep)
        train(config, folder / f"{name}-{run}", folder / "cache")
        handle.remove()
        if PartialState().is_main_process:
            torch.save(seen, folder / f"{name}-{run}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    task, folder, *rest = sys.argv[1:]
    {"kill": kill, "gradients": gradients}[task](Path(folder), *rest)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
