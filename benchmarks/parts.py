"""Which part of the ATR block does the accuracy of a trained network rest on?

    python -m benchmarks.parts

M does two things: its softmax says where AFA looks, and AFD adds M (or scales with it) at every position. Each is taken away
in turn in all blocks of a trained network: AFA averages over all positions alike, or AFD is given the mean of M over the
positions of a frame. Nothing is trained again. Prints a table and writes one JSON file.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.ablation.running import scores_of
from analysis.statistics import wilson_interval
from analysis.what_if.replaced_actionness import withheld_actionness
from atr.checkpoint import load_checkpoint
from atr.data.rendered import TabletopClips
from benchmarks.command import start
from benchmarks.measuring import write_found

KINDS = {  # what is withheld M
    "as trained": (),
    "AFA over all positions alike": ("AFA",),
    "AFD with the mean of M": ("AFD",),
    "both": ("AFA", "AFD"),
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
        for kind, parts in KINDS.items():
            with ExitStack() as withheld:
                for part in parts:
                    withheld.enter_context(withheld_actionness(model, part))
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


if __name__ == "__main__":
    start(main, Options, __doc__)
