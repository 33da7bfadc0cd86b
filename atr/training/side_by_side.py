"""Many trainings of rendered clips at once on one GPU, each on a stream of its own (`atr.training.captured`).

One that is stopped before its epochs are done begins again.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from functools import partial

import torch
from tqdm import tqdm

from atr.training.captured import CapturedTraining, Task
from atr.training.resident import drawn_changes


def train_side_by_side(
    tasks: Iterable[Task], at_once: int, executor: Executor, until: float = math.inf
) -> Iterator[tuple[Task, str | None]]:
    """Train them, so many at a time, and give each when its state is saved, or with why it could not begin or go on.

    Where memory is too little for so many, there are fewer from then on, and those that did not fit begin later.

    Args:
        executor: draws what the epochs do to the clips, ahead of time.
        until: in seconds since the epoch, after which no further one begins.
    """
    waiting, running = deque(tasks), list[CapturedTraining]()
    drawn: dict[tuple, Future] = {}

    def changes(task: Task, epoch: int) -> Future:
        augmentation, clips = task.config.augmentation, task.clips.clips
        asked = (task.clips, augmentation, task.key(epoch))
        if asked not in drawn:
            drawn[asked] = executor.submit(
                drawn_changes, clips.targets, clips.symmetry, augmentation, task.key(epoch)
            )
        return drawn[asked]

    for task in waiting:
        for epoch in range(task.config.epochs):
            changes(task, epoch)
    finished = 0
    with tqdm(desc="side by side", total=sum(task.config.epochs for task in waiting), unit="epoch") as bar:
        while waiting or running:
            if time.time() > until:
                waiting.clear()
            failed: list[tuple[Task, str | None]] = []
            if waiting and len(running) < at_once:
                task = waiting.popleft()
                try:
                    running.append(CapturedTraining(task, partial(changes, task)))
                except (ValueError, OSError, RuntimeError) as error:
                    if isinstance(error, torch.OutOfMemoryError) and running:
                        waiting.appendleft(task)
                        at_once = len(running)
                    else:
                        failed.append((task, str(error)))
            worked = [training.go_on() for training in running]  # of all
            # A training that has ended leaves with its graphs and memory before the next begins: no name keeps it.
            ended = [*failed, *((each.task, each.fault) for each in running if each.has_ended)]
            running = [each for each in running if not each.has_ended]
            in_use = {
                clips for task in (*waiting, *(each.task for each in running)) for clips in task.residents
            }
            for task, fault in ended:
                for clips in {*task.residents} - in_use:
                    clips.release()
                finished += task.config.epochs
                yield task, fault
            bar.update(finished + sum(each.state.progress.epoch for each in running) - bar.n)
            if not any(worked):
                time.sleep(2e-4)
