"""What came of trainings in which something differs from a preset: accuracy, Fig-5 scores, health of the blocks.

    python -m atr train --preset tabletop-tsm-atr --arl-learning-rate 1 --out runs/trials/arl-1     # for example
    python -m benchmarks.trials --checkpoints runs/trials/*

Prints a table and writes one JSON file, a row for each training. Rows of other trainings that the file has stay in it.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from atr.checkpoint import read_config
from atr.training.config import DEFAULTS, FREE, differences, filled, settings_of
from atr.training.presets import PRESETS
from benchmarks.command import start
from benchmarks.measuring import write_found


@dataclass(frozen=True)
class Options:
    checkpoints: tuple[Path, ...]
    """folders that `atr train --preset` has written, of networks with maps"""
    out: Path = Path("assets/results/trials.json")


def main(options: Options) -> None:
    stored = json.loads(options.out.read_text())["trials"] if options.out.exists() else []
    made = [trial(read_config(folder), folder) for folder in options.checkpoints]
    by_place = {place(row): row for row in (*stored, *made)}
    rows = [by_place[at] for at in sorted(by_place)]
    scores = pd.DataFrame([row["fig5"] for row in rows])
    told = pd.DataFrame(rows)[["preset", "changed", "seed", "top1"]].join(scores)
    print(told.to_string(index=False, float_format="%.3f"))
    write_found({"trials": rows}, options.out)


def place(row: dict) -> tuple[str, int, str, int]:
    """Which training a row is of; rows stand in this order."""
    return row["preset"], len(row["changed"]), str(row["changed"]), row["seed"]


def trial(found: dict, folder: Path) -> dict:
    """Of a checkpoint's config.json. Raises ValueError where no preset is told, or no Fig-5 scores."""
    told = re.search(r"--preset (\S+)", found.get("command", ""))
    if told is None or told[1] not in PRESETS or "fig5" not in found:
        raise ValueError(f"{folder} is not of a training by a preset with maps")
    settings = filled(found["training"], DEFAULTS)
    blocks = found["history"][-1]["blocks"]
    return {
        "preset": told[1],
        "changed": changes(json.loads(settings_of(PRESETS[told[1]])), settings),
        "seed": settings["seed"],
        "top1": found["metrics"]["top1"],
        "data": found["metrics"]["data"],
        "fig5": found["fig5"],
        "peak": {block["block"]: block["peak"] for block in blocks},
        "state": {block["block"]: block["state"] for block in blocks},
        "environment": found["environment"],
    }


def changes(preset: dict, settings: dict) -> dict[str, Any]:
    """The settings that the preset has otherwise, by the last part of their name; the seed is not one of them."""
    return {
        name.rpartition(".")[2]: value
        for name, _, value in differences(preset, settings)
        if name not in ("seed", *FREE)
    }


if __name__ == "__main__":
    start(main, Options, __doc__)
