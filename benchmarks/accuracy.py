"""How accurate are the checkpoints, and is the difference between two of them more than luck?

    python -m benchmarks.accuracy --checkpoints assets/checkpoints/tabletop-atr assets/checkpoints/tabletop-atr-sim

One view of every clip (1×1). Prints one table and writes one JSON file: top-1 with its 95 % interval (Wilson), top-5,
accuracy within pairs of time reversals; for every two checkpoints the clips that only one of them gets right, and the
exact two-sided McNemar test on them.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tyro
from accelerate import Accelerator
from scipy.stats import binomtest
from torch.utils.data import DataLoader

from atr.checkpoint import load_checkpoint
from atr.data import TabletopClips
from atr.evaluate import Scores, class_scores


@dataclass(frozen=True)
class Options:
    checkpoints: tuple[Path, ...]
    num_clips: int = 2_000
    """of the demo set's validation split"""
    cache: Path = Path("cache")
    out: Path = Path("results/accuracy.json")


def main(options: Options) -> None:
    scores = {path.resolve().name: scores_of(path, options) for path in options.checkpoints}
    rows = [{"checkpoint": name} | accuracies(found) for name, found in scores.items()]
    pairs = [paired(*two) for two in itertools.combinations(scores.items(), 2)]
    for table in filter(None, (rows, pairs)):
        print(pd.DataFrame(table).to_string(index=False, float_format=lambda v: f"{v:.4g}"))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({"clips": options.num_clips, "accuracy": rows, "paired": pairs}, indent=1) + "\n"
    )


def scores_of(path: Path, options: Options) -> Scores:
    model = load_checkpoint(path)
    clips = TabletopClips(
        "val",
        options.num_clips,
        num_frames=model.config.num_frames,
        size=model.preprocessing.crop,
        cache=options.cache,
    )
    return class_scores(model, DataLoader(clips, 16), model.preprocessing, Accelerator())


def accuracies(scores: Scores) -> dict[str, float]:
    right = int((scores.predicted == scores.labels).sum())
    interval = binomtest(right, len(scores.labels)).proportion_ci(method="wilson")
    return {
        "top1": scores.top(1),
        "low": interval.low,
        "high": interval.high,
        "top5": scores.top(5),
        "pairs": scores.within_pairs(TabletopClips.symmetry.reversed),
    }


def paired(first: tuple[str, Scores], second: tuple[str, Scores]) -> dict:
    a, b = (scores.predicted == scores.labels for _, scores in (first, second))
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    return {
        "a": first[0],
        "b": second[0],
        "difference": float(a.mean() - b.mean()),
        "only_a": only_a,
        "only_b": only_b,
        "mcnemar_p": float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0,
    }


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
