"""How quick is a training of the demo preset on one core, and how long does it wait for clips?

    python -m benchmarks.training

The command itself, `python -m atr train --preset tabletop-atr`, on few clips, one thread; by the clock, so nothing else
should run beside it. Numbers are those of its own log, at its last written step, medians of repeats. Clips are rendered
first, into --cache. Prints a table and writes one JSON file.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from atr.training.state import workspace_of
from benchmarks.command import start
from benchmarks.measuring import processor, write_found

WRITTEN = {"clips_per_second": "clips a second", "data_wait_share": "share of waiting for clips"}


@dataclass(frozen=True)
class Options:
    preset: str = "tabletop-atr"
    clips: int = 1_600
    repeats: int = 7
    cache: Path = Path("cache")
    out: Path = Path("results/training.json")


def main(options: Options) -> None:
    rounds = [one_training(options) for _ in range(1 + options.repeats)][1:]
    rows = [
        {"question": question, "median": statistics.median(each[name] for each in rounds)}
        for name, question in WRITTEN.items()
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    write_found(
        {"machine": processor(), "threads": 1, "preset": options.preset, "training": rows}, options.out
    )


def one_training(options: Options) -> dict[str, float]:
    """What the log of a training of one epoch says at last."""
    sizes = {"train-clips": options.clips, "dev-clips": 16, "val-clips": 16, "epochs": 1}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "trained"
        words = ["train", "--preset", options.preset, "--cache", str(options.cache), "--out", str(out)]
        for name, value in sizes.items():
            words += [f"--{name}", str(value)]
        subprocess.run(
            [sys.executable, "-m", "atr", *words],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        events = EventAccumulator(str(workspace_of(out) / "tensorboard" / "clips"))
        events.Reload()
        return {name: events.Scalars(name)[-1].value for name in WRITTEN}


if __name__ == "__main__":
    start(main, Options, __doc__)
