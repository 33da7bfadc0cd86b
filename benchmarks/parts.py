"""Which part of the ATR block does the accuracy of a trained network rest on?

    python -m benchmarks.parts

M does two things: its softmax says where AFA looks, and AFD adds M (or scales with it) at every position. Each is taken away
in turn in all blocks of a trained network: AFA averages over all positions alike, or AFD is given the mean of M over the
positions of a frame. Nothing is trained again. Prints a table and writes one JSON file; what is lost against the network as
it was trained has an interval over the same clips.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.ablation.running import scores_of
from analysis.statistics import difference_interval, paired_counts, wilson_interval
from analysis.what_if.replaced_actionness import withheld_actionness
from atr.checkpoint import load_checkpoint, read_config
from atr.data.rendered import TabletopClips
from benchmarks.command import start
from benchmarks.measuring import write_found

AS_TRAINED = "as trained"
KINDS = {  # what is withheld M
    AS_TRAINED: (),
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
    rows, weights = [], {}
    for checkpoint in options.checkpoints:
        weights[checkpoint.name] = read_config(checkpoint)["weights_sha256"]
        model = load_checkpoint(checkpoint)
        clips = TabletopClips(
            "val",
            options.clips,
            num_frames=model.config.num_frames,
            size=model.preprocessing.crop,
            cache=options.cache,
        )
        right: dict[str, np.ndarray] = {}
        for kind, parts in KINDS.items():
            with ExitStack() as withheld:
                for part in parts:
                    withheld.enter_context(withheld_actionness(model, part))
                right[kind] = scores_of(model, clips).correct
            row = {"checkpoint": checkpoint.name, "kind": kind, **top1_of(right[kind])}
            rows.append(row if kind == AS_TRAINED else row | change(right[kind], right[AS_TRAINED]))
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.3f"))
    write_found({"clips": options.clips, "weights": weights, "rows": rows}, options.out)


def top1_of(right: np.ndarray) -> dict[str, float]:
    low, high = wilson_interval(int(right.sum()), len(right))
    return {"top1": float(right.mean()), "low": low, "high": high}


def change(right: np.ndarray, before: np.ndarray) -> dict[str, float]:
    """Of the accuracy on the same clips, with its interval over them."""
    counts = paired_counts(right, before)
    low, high = difference_interval(counts)
    return {"change": counts.difference, "change_low": low, "change_high": high}


if __name__ == "__main__":
    start(main, Options, __doc__)
