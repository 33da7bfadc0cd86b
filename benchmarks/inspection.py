"""What does it cost to look inside, and what does the graph reasoner cost beside the efficient one?

    python -m benchmarks.inspection

TSM with ATR at the paper's size (ResNet-50, 8 frames of 224²), one thread: the recorded forward pass over the bare one; the
maps of all blocks with ATR, one recorded pass, against captum's Grad-CAM at the same blocks, a pass and a gradient each.
Then one reasoner alone on the vectors of a block of stage 5. Medians of repeats that take turns, in CPU seconds. Prints a
table and writes one JSON file.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

import atr
from analysis import record
from analysis.gradcam import gradcams
from atr import ATRConfig
from atr.block import build_reasoner
from atr.models import VideoClassifier
from benchmarks.command import start
from benchmarks.measuring import medians_in_turn, write_found

LAST = "S5B3"
CLIPS = 16  # in one call of a reasoner alone, which is over in a moment


@dataclass(frozen=True)
class Options:
    network: str = "tsm_resnet50"
    size: int = 224
    channels: int = 2048
    """of the vectors that a reasoner alone gets"""
    repeats: int = 7
    out: Path = Path("results/inspection.json")


def main(options: Options) -> None:
    torch.set_num_threads(1)
    rows = [*looking(options), *reasoners(options)]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    write_found(rows, options.out)


def looking(options: Options) -> list[dict]:
    model = atr.create_model(options.network, 174, 8, block="atr").eval()
    clips = torch.randn(1, 8, 3, options.size, options.size)
    last = LAST if LAST in model.block_names else model.block_names[-1]

    def bare() -> None:
        with torch.inference_mode():
            model(clips)

    def explained(blocks: tuple[str, ...]) -> None:
        gradcams(model, clips, blocks, target=0)

    fast = atr.optimised(model)
    works = {
        "bare": bare,
        "recorded": lambda: recorded(model, clips),
        "fast": lambda: recorded(fast, clips),
        "last": lambda: explained((last,)),
        "all": lambda: explained(model.block_names),
    }
    seconds = medians_in_turn(works, options.repeats)
    count = len(model.block_names)
    return [
        {"question": "recorded forward over bare forward", "ratio": seconds["recorded"] / seconds["bare"]},
        {
            "question": f"Grad-CAM at {count} blocks over the maps of all of them",
            "ratio": seconds["all"] / seconds["recorded"],
        },
        {
            "question": f"the maps of all blocks over Grad-CAM at {last} alone",
            "ratio": seconds["recorded"] / seconds["last"],
        },
        {
            "question": "the same of the optimised network, in the precision that it chooses",
            "ratio": seconds["fast"] / seconds["last"],
        },
    ]


def recorded(model: VideoClassifier, clips: torch.Tensor) -> None:
    with torch.inference_mode(), record(model):
        model(clips)


def reasoners(options: Options) -> list[dict]:
    """GR×1 over ER×2: multiply-accumulates of a clip, and time."""
    vectors = torch.randn(CLIPS, 8, options.channels)
    both = {
        "er": build_reasoner(options.channels, ATRConfig(num_reasoners=2)).eval(),
        "gr": build_reasoner(options.channels, ATRConfig(reasoner="gr", num_reasoners=1)).eval(),
    }
    macs = {}
    with torch.inference_mode():
        for name, reasoner in both.items():
            with FlopCounterMode(display=False) as counter:
                reasoner(vectors[:1])
            macs[name] = counter.get_total_flops() // 2
        seconds = medians_in_turn(
            {name: lambda m=reasoner: m(vectors) for name, reasoner in both.items()}, 10 * options.repeats
        )
    return [
        {"question": "GR×1 over ER×2 alone, multiply-accumulates", "ratio": macs["gr"] / macs["er"]},
        {"question": "GR×1 over ER×2 alone, time", "ratio": seconds["gr"] / seconds["er"]},
    ]


if __name__ == "__main__":
    start(main, Options, __doc__)
