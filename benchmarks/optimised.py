"""What does the network of inference save, and does it answer the same?

    python -m benchmarks.optimised --checkpoints assets/checkpoints/tabletop-atr assets/checkpoints/tabletop-atr-sim

Fresh networks of the paper's size, plain and made by `atr.optimised`: seconds of a forward pass over those of the plain
one, and over those of TSN, the network without blocks. Medians of repeats that are taken in turn, in CPU seconds: other
work on the machine does not count. Then trained checkpoints on clips of a data set: the largest difference of a map from
the plain float32 network's, over the span of that map, and how many clips get another class. Prints two tables and writes
one JSON file.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

import atr
from analysis import record
from atr.data.opening import open_clips
from atr.inference import PRECISIONS
from atr.models import VideoClassifier
from atr.video.transforms import normalise
from benchmarks.command import start
from benchmarks.measuring import medians_in_turn, processor, write_found

NETWORKS = {"TSN": {}, "TSN + ATR": {"block": "atr"}, "TSN + ATR_sim": {"block": "atr_sim"}}
PLAIN = "plain"


@dataclass(frozen=True)
class Options:
    checkpoints: tuple[Path, ...] = ()
    """whose answers are compared"""
    data: str = "assets/clips"
    """the clips they are compared on"""
    batches: tuple[int, ...] = (1, 8)
    """clips in a forward pass"""
    repeats: int = 7
    backbone: str = "tsn_resnet50"
    size: int = 224
    threads: int = 1
    out: Path = Path("results/optimised.json")


def main(options: Options) -> None:
    torch.set_num_threads(options.threads)
    kinds = (PLAIN, *PRECISIONS)
    speeds = [row for batch in options.batches for row in forward_ratios(options, kinds, batch)]
    same = [row for checkpoint in options.checkpoints for row in differences(checkpoint, options.data)]
    for table in (speeds, same):
        print(pd.DataFrame(table).to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    machine = {"machine": processor(), "torch": torch.__version__}
    written = {**machine, "threads": options.threads, "forward": speeds, "answers": same}
    write_found(written, options.out)


def forward_ratios(options: Options, kinds: tuple[str, ...], batch: int) -> list[dict]:
    """A row for every network in every kind: over the plain one, and over TSN in the same kind."""
    networks = {}
    for name, block in NETWORKS.items():
        model = atr.create_model(options.backbone, 174, 8, **block).eval()
        for kind in kinds:
            networks[name, kind] = model if kind == PLAIN else atr.optimised(model, precision=kind)
    clips = torch.randn(batch, 8, 3, options.size, options.size)
    with torch.inference_mode():
        seconds = medians_in_turn({key: lambda m=m: m(clips) for key, m in networks.items()}, options.repeats)
    return [
        {
            "clips": batch,
            "network": name,
            "kind": kind,
            "CPU seconds": value,
            "over plain": value / seconds[name, PLAIN],
            "over TSN": value / seconds["TSN", kind],
        }
        for (name, kind), value in seconds.items()
    ]


def differences(checkpoint: Path, data: str) -> list[dict]:
    """A row a precision: what becomes of the maps and of the predicted classes."""
    model = atr.load_checkpoint(checkpoint)
    rows = []
    for precision in PRECISIONS:
        found = compared(model, atr.optimised(model, precision=precision), data)
        rows.append({"checkpoint": checkpoint.name, "precision": precision, **found})
    return rows


def compared(model: VideoClassifier, other: VideoClassifier, data: str) -> dict:
    """Largest difference of a map over its span, and how many clips get another class of the other network.

    Raises ValueError where a map is not finite.
    """
    view = {"num_frames": model.config.num_frames, "preprocessing": model.preprocessing}
    clips = open_clips(data, cache=Path("cache"), **view)
    worst, others = 0.0, 0
    for frames, _, _ in clips:
        batch = normalise(frames[None], model.preprocessing)
        (maps, predicted), (other_maps, other_predicted) = (seen(m, batch) for m in (model, other))
        others += predicted != other_predicted
        for block, m in maps.items():
            difference = float((other_maps[block] - m).abs().max() / (m.max() - m.min()))
            if not math.isfinite(difference):
                raise ValueError(f"maps of {block} of a clip of {data} are not finite, or of one value alone")
            worst = max(worst, difference)
    return {"clips": len(clips), "largest difference over span": worst, "other classes": others}


def seen(model: VideoClassifier, batch: torch.Tensor) -> tuple[dict, int]:
    """The maps of a clip, none without an Action-related Region Locator, and the predicted class."""
    batch = batch.to(model.fc.weight.device)
    with torch.inference_mode():
        if model.config.block != "atr":
            return {}, int(model(batch).argmax())
        with record(model) as recording:
            predicted = int(model(batch).argmax())
        return recording.actionness, predicted


if __name__ == "__main__":
    start(main, Options, __doc__)
