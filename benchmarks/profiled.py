"""Where does the time of an ATR block go, before and after `atr.optimised`?

    python -m benchmarks.profiled

torch's profiler over forward passes of ResNet-50 with and without ATR, plain and optimised, one thread: the own time of
each kind of operator, as a share of the plain network without a block. What ATR costs is the difference of two columns.
Medians of passes that take turns. Prints a table and writes one JSON file.
"""

import statistics
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch.profiler import ProfilerActivity, profile

import atr
from atr.models import VideoClassifier
from benchmarks.command import start
from benchmarks.measuring import processor, write_found

# Kind -> how the names of its operators begin, without "aten::".
KINDS = {
    "convolutions": ("mkldnn_convolution", "_slow_conv", "thnn_conv", "conv_depthwise"),
    "batch norm": ("native_batch_norm",),
    "matrix products": ("addmm", "bmm", "mm", "baddbmm", "mkldnn_linear"),
    "sums, products, ReLU": ("add", "sub", "mul", "div", "relu", "clamp", "threshold", "addcmul", "neg"),
    "copies": ("copy", "clone", "cat", "contiguous", "stack", "fill", "zero", "roll"),
    "pooling and means": ("max_pool", "mean", "sum", "adaptive", "avg_pool"),
    "softmax": ("_softmax",),
}
REST = "everything else"
NETWORKS = {"TSN": {}, "ATR": {"block": "atr"}}
BASE = "TSN, plain"


@dataclass(frozen=True)
class Options:
    backbone: str = "tsn_resnet50"
    clips: int = 4
    size: int = 224
    repeats: int = 7
    out: Path = Path("results/profiled.json")


def main(options: Options) -> None:
    torch.set_num_threads(1)
    models: dict[str, VideoClassifier] = {}
    for name, block in NETWORKS.items():
        model = atr.create_model(options.backbone, 174, 8, **block).eval()
        models[f"{name}, plain"] = model
        models[f"{name}, optimised"] = atr.optimised(model, precision="float32")
    clips = torch.randn(options.clips, 8, 3, options.size, options.size)
    rounds = [
        {name: profiled(model, clips) for name, model in models.items()} for _ in range(1 + options.repeats)
    ]
    milliseconds = {
        name: {kind: statistics.median(each[name][kind] for each in rounds[1:]) for kind in (*KINDS, REST)}
        for name in models
    }
    rows = rows_of(milliseconds)
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    facts = {"machine": processor(), "torch": torch.__version__, "threads": 1, "clips": options.clips}
    write_found({**facts, "milliseconds": milliseconds, "shares": rows}, options.out)


def profiled(model: VideoClassifier, clips: torch.Tensor) -> dict[str, float]:
    """Milliseconds of a forward pass by kind of operator."""
    with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as seen:
        model(clips)
    taken = dict.fromkeys((*KINDS, REST), 0.0)
    for event in seen.key_averages():
        taken[kind_of(event.key)] += event.self_cpu_time_total / 1e3
    return taken


def kind_of(operator: str) -> str:
    """ "convolutions" of "aten::mkldnn_convolution"."""
    name = operator.removeprefix("aten::")
    return next((kind for kind, starts in KINDS.items() if name.startswith(starts)), REST)


def rows_of(milliseconds: dict[str, dict[str, float]]) -> list[dict]:
    """A row a kind and one for their sum, as shares of all that the plain network without a block takes."""
    whole = sum(milliseconds[BASE].values())
    rows = [
        {"operators": kind, **{name: each[kind] / whole for name, each in milliseconds.items()}}
        for kind in (*KINDS, REST)
    ]
    total = {name: sum(each.values()) / whole for name, each in milliseconds.items()}
    rows.append({"operators": "all", **total})
    return [
        {
            **row,
            **{
                f"ATR adds, {kind}": row[f"ATR, {kind}"] - row[f"TSN, {kind}"]
                for kind in ("plain", "optimised")
            },
        }
        for row in rows
    ]


if __name__ == "__main__":
    start(main, Options, __doc__)
