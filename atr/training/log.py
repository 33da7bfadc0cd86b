"""What a training tells while it runs: a progress bar, JSON lines, TensorBoard."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from atr.files import naming, whole_file
from atr.results.passes import ahead

SHOWN_EVERY = 1.0  # seconds
WRITTEN_EVERY = 20  # steps


class TrainingLog:
    """Of the main process; the others are silent.

    `log.jsonl` holds the facts of the run in its first line, then the history, an entry an epoch; it is written anew from
    the history every time, so a run that goes on leaves no entry twice. TensorBoard has those and every 20th step.
    The time for which the loader was waited for counts where the device had nothing left to do when a batch came.
    """

    def __init__(self, folder: Path, facts: dict, device: torch.device, *, main: bool):
        self.file, self.facts, self.main = folder / "log.jsonl", facts, main
        self.device = device
        self.folder = folder / "tensorboard"
        self.writer: Any = None  # a SummaryWriter while a phase runs
        self.bar: Any = None  # a tqdm from the first epoch on

    def __enter__(self) -> "TrainingLog":
        self.of_threads = threading.excepthook
        threading.excepthook = self.thread_failed
        return self

    def __exit__(self, *_) -> None:
        if self.bar is not None:
            self.bar.close()  # an error's message begins a new line
        try:
            self.close()
        finally:
            threading.excepthook = self.of_threads

    def close(self) -> None:
        if self.writer is not None:
            with naming(self.folder):
                self.writer.close()

    def thread_failed(self, failed: threading.ExceptHookArgs) -> None:
        if failed.exc_type is not OSError:  # that of TensorBoard's thread is raised by the next call, too
            self.of_threads(failed)

    def begin(self, phase: str, step: int) -> None:
        """A phase starts, or goes on at this step: what TensorBoard had beyond it is dropped."""
        self.waited = self.elapsed = 0.0
        self.steps, self.shown = 0, -math.inf
        if self.main:
            self.close()
            with naming(self.folder):
                self.writer = SummaryWriter(str(self.folder / phase), purge_step=step + 1)
                if step == 0:
                    self.writer.add_text("run", f"```\n{json.dumps(self.facts, indent=1)}\n```")

    def batches(self, loader: DataLoader, name: str, *, clips: int, left: int) -> Iterator:
        """What the loader gives, under a bar in clips, which are timed and the waits for the loader with them.

        Args:
            clips: in one of the loader's batches, over all processes.
            left: batches of the loader until the phase ends, for the time that is left.
        """
        total = len(loader) * clips
        with tqdm(desc=name, total=total, unit="clip", unit_scale=True, disable=not self.main) as self.bar:
            source, asked = iter(loader if loader.num_workers else ahead(loader)), time.monotonic()
            is_idle = end_of_work(self.device)
            while (batch := next(source, None)) is not None:
                waited = time.monotonic() - asked if is_idle() else 0.0
                yield batch
                now, is_idle = time.monotonic(), end_of_work(self.device)
                self.waited, self.elapsed = self.waited + waited, self.elapsed + now - asked
                self.steps, left, asked = self.steps + 1, left - 1, now
                self.rate = clips * self.steps / self.elapsed
                self.left = left * self.elapsed / self.steps
                self.bar.update(clips)

    def shows(self, number: int) -> bool:
        """Whether the values of this step are wanted: they lie on the device, and to read them is to wait for it."""
        return self.main and (number % WRITTEN_EVERY == 0 or time.monotonic() - self.shown >= SHOWN_EVERY)

    def step(self, number: int, values: dict[str, float]) -> None:
        """Show the first two on the bar; every so many steps write all down, with speed and the share of waiting."""
        self.shown = time.monotonic()
        waiting = self.waited / self.elapsed if self.elapsed else 0.0
        shown = {name: f"{value:.4g}" for name, value in list(values.items())[:2]}
        if self.elapsed:
            shown |= {"left": tqdm.format_interval(self.left), "waiting": f"{waiting:.0%}"}
        self.bar.set_postfix(shown, refresh=False)
        if number % WRITTEN_EVERY == 0 and self.elapsed:
            values |= {"clips_per_second": self.rate, "data_wait_share": waiting}
            self.write(values, number)

    def write(self, values: dict, step: int) -> None:
        """The floats among them, for TensorBoard."""
        with naming(self.folder):
            for name, value in values.items():
                if isinstance(value, float):
                    self.writer.add_scalar(name, value, step)

    def epoch(self, history: list[dict], step: int) -> None:
        """The newest entry of the history."""
        if not self.main:
            return
        lines = [{"phase": "start", **self.facts}, *history]
        with whole_file(self.file) as unfinished:
            unfinished.write_text("".join(json.dumps(line) + "\n" for line in lines))
        entry, blocks = {**history[-1]}, history[-1].get("blocks", [])
        entry.pop("blocks", None)
        values = {f"epoch/{name}": value for name, value in entry.items()}
        for block in blocks:
            values |= {f"blocks/{block['block']}/{name}": value for name, value in block.items()}
        self.write(values, step)
        tqdm.write(
            "  ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items())
        )
        for line in health_lines(blocks):
            tqdm.write(line)


def end_of_work(device: torch.device) -> Callable[[], bool]:
    """Whether what is queued on the device now is done, to be asked later; on a CPU it is done already."""
    if device.type != "cuda":
        return lambda: True
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    return event.query


def health_lines(blocks: list[dict]) -> list[str]:
    """All blocks in one line, and a warning for each that has collapsed. blocks: of `health.health_numbers`."""
    if not blocks:
        return []
    states = []
    for block in blocks:
        peak = "" if block["peak"] is None else f" (softmax peak {block['peak']:.2f})"
        states.append(f"{block['block']} {block['state']}{peak}")
    collapsed = [
        f"warning: block {block['block']} has collapsed: the largest softmax weight of a frame is {block['peak']:.2f}, and "
        f"in {block['same_cell']:.0%} of frames it is in the cell of the frame before"
        for block in blocks
        if block["state"] == "collapsed"
    ]
    return ["blocks: " + ", ".join(states), *collapsed]
