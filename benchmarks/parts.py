"""Which part of the ATR block does the accuracy of a trained network rest on?

    python -m benchmarks.parts

M does two things: its softmax says where AFA looks, and AFD adds M (or scales with it) at every position. Each is taken away
in turn in all blocks of a trained network: AFA averages over all positions alike, or AFD is given the mean of M over the
positions of a frame. Nothing is trained again. Prints a table and writes one JSON file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
import tyro
from torch import Tensor, nn

from analysis.ablation.running import scores_of
from analysis.statistics import wilson_interval
from atr.block import ATRBlock
from atr.checkpoint import load_checkpoint
from atr.data.clips import TabletopClips
from atr.models import VideoClassifier
from benchmarks.measuring import write_found

KINDS = {
    "as trained": (False, False),
    "AFA over all positions alike": (True, False),
    "AFD with the mean of M": (False, True),
    "both": (True, True),
}


@dataclass(frozen=True)
class Options:
    checkpoints: tuple[Path, ...] = tuple(
        Path("assets/checkpoints") / name
        for name in ("tabletop-atr", "tabletop-atr-scale", "tabletop-tsm-atr")
    )
    """networks with ATR blocks"""
    clips: int = 2_000
    """the first so many of tabletop:val"""
    cache: Path = Path("cache")
    out: Path = Path("assets/results/parts.json")


def main(options: Options) -> None:
    rows = []
    for checkpoint in options.checkpoints:
        model = load_checkpoint(checkpoint)
        clips = TabletopClips(
            "val",
            options.clips,
            num_frames=model.config.num_frames,
            size=model.preprocessing.crop,
            cache=options.cache,
        )
        for kind, (aggregation, distribution) in KINDS.items():
            with without(model, aggregation=aggregation, distribution=distribution):
                hits = scores_of(model, clips).correct
            low, high = wilson_interval(int(hits.sum()), len(hits))
            rows.append(
                {
                    "checkpoint": checkpoint.name,
                    "kind": kind,
                    "top1": float(hits.mean()),
                    "low": low,
                    "high": high,
                }
            )
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))
    write_found({"clips": options.clips, "rows": rows}, options.out)


@contextmanager
def without(model: VideoClassifier, *, aggregation: bool, distribution: bool) -> Iterator[None]:
    """AFA of every block does without M, or AFD without its pattern."""

    def alike(module: nn.Module, given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        x, actionness = given
        return x, torch.zeros_like(actionness)

    def level(module: nn.Module, given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        actionness, r = given
        return actionness.mean(dim=(2, 3), keepdim=True).expand_as(actionness), r

    hooks = []
    for block in model.modules():
        if isinstance(block, ATRBlock):
            if aggregation:
                hooks.append(block.afa.register_forward_pre_hook(alike))
            if distribution:
                hooks.append(block.afd.register_forward_pre_hook(level))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
