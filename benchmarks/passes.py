"""Does a pass over a data set cost more than its larger half, decoding or the network, and does its memory grow?

    python -m benchmarks.passes

The pass is that of `python -m analysis relations`: it decodes, computes and averages W. Seconds of the clock, of one thread
each for decoding and for the network, in turn with either alone; so nothing else should run beside it. Then the peak memory
of passes of more and more clips, each in a process of its own. Prints both and writes one JSON file.
"""

import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import pandas as pd
import torch
from torch import Tensor

import atr
from analysis.relations.averaging import average_relations
from atr.data.videos import VideoClips
from atr.models import VideoClassifier
from benchmarks.command import start
from benchmarks.measuring import medians_in_turn, peak_bytes, write_found


@dataclass(frozen=True)
class Options:
    repeats: int = 7
    checkpoint: Path = Path("assets/checkpoints/tabletop-gr")
    """a network with a graph reasoner"""
    clips: Path = Path("assets/clips")
    timed: int = 200
    """clips of a pass that is timed; those of the folder, again and again"""
    measured: tuple[int, ...] = (100, 1_000, 10_000)
    """clips of the passes whose memory is measured"""
    out: Path = Path("results/passes.json")


class Again:
    """`count` clips: those of a list, again and again."""

    def __init__(self, clips, count: int):
        self.clips, self.count = clips, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, int, int]:
        frames, label, _ = self.clips[index % len(self.clips)]
        return frames, label, index


def main(options: Options) -> None:
    prepare()
    model, clips = opened(options)
    decoded = [clips[index] for index in range(len(clips))]

    def passed(source) -> None:
        with tempfile.TemporaryDirectory() as folder:
            average_relations(model, Again(source, options.timed), partial=Path(folder))  # type: ignore[arg-type]

    works = {
        "decoding alone": lambda: [clips[index % len(clips)] for index in range(options.timed)],
        "network alone": lambda: passed(decoded),
        "both": lambda: passed(clips),
    }
    seconds = medians_in_turn(works, options.repeats, time.perf_counter)
    bound = max(seconds["decoding alone"], seconds["network alone"])
    rows = [
        {
            "work": name,
            "milliseconds a clip": 1e3 * value / options.timed,
            "over the larger half": value / bound,
        }
        for name, value in seconds.items()
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        peaks = list(pool.map(peak, [options] * len(options.measured), options.measured))
    memory = [
        {"clips": count, "peak MB": value} for count, value in zip(options.measured, peaks, strict=True)
    ]
    print(pd.DataFrame(memory).to_string(index=False, float_format=lambda value: f"{value:.1f}"))
    write_found({"time": rows, "memory": memory}, options.out)


def prepare() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def opened(options: Options) -> tuple[VideoClassifier, VideoClips]:
    model = atr.load_checkpoint(options.checkpoint)
    frames = model.config.num_frames
    clips = VideoClips(options.clips, num_frames=frames, preprocessing=model.preprocessing)
    return atr.optimised(model, precision="float32"), clips


def peak(options: Options, count: int) -> float:
    """MB that a process has held at most while it passed over `count` clips."""
    prepare()
    model, clips = opened(options)
    with tempfile.TemporaryDirectory() as folder:
        average_relations(model, Again(clips, count), partial=Path(folder))  # type: ignore[arg-type]
    return peak_bytes() / 1e6


if __name__ == "__main__":
    start(main, Options, __doc__)
