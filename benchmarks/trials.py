"""What came of trainings in which something differs from a preset: accuracy, Fig-5 scores, health of the blocks.

    python -m atr train --preset tabletop-tsm-atr --arl-learning-rate 1 --out runs/trials/arl-1     # for example
    python -m benchmarks.trials --checkpoints runs/trials/*

Prints a table and writes one JSON file, a row for each training.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from atr.checkpoint import read_config
from atr.training.config import DEFAULTS, FREE, filled, settings_of
from atr.training.presets import PRESETS
from benchmarks.command import start
from benchmarks.measuring import write_found


@dataclass(frozen=True)
class Options:
    checkpoints: tuple[Path, ...]
    """folders that `atr train --preset` has written, of networks with maps"""
    out: Path = Path("assets/results/trials.json")


def main(options: Options) -> None:
    rows = [trial(read_config(folder), folder) for folder in options.checkpoints]
    told = [{**row, **row["fig5"]} for row in rows]
    columns = [
        "preset",
        "changed",
        "seed",
        "top1",
        *dict.fromkeys(block for row in rows for block in row["fig5"]),
    ]
    print(pd.DataFrame(told)[columns].to_string(index=False, float_format="%.3f"))
    write_found(
        {"trials": sorted(rows, key=lambda row: (row["preset"], str(row["changed"]), row["seed"]))},
        options.out,
    )


def trial(found: dict, folder: Path) -> dict:
    """Of a checkpoint's config.json. Raises ValueError where no preset is told, or no Fig-5 scores."""
    told = re.search(r"--preset (\S+)", found.get("command", ""))
    if told is None or told[1] not in PRESETS or "fig5" not in found:
        raise ValueError(f"{folder} is not of a training by a preset with maps")
    settings = filled(found["training"], DEFAULTS)
    blocks = found["history"][-1]["blocks"]
    return {
        "preset": told[1],
        "changed": dict(changes(json.loads(settings_of(PRESETS[told[1]])), settings)),
        "seed": settings["seed"],
        "top1": found["metrics"]["top1"],
        "data": found["metrics"]["data"],
        "fig5": found["fig5"],
        "peak": {block["block"]: block["peak"] for block in blocks},
        "state": {block["block"]: block["state"] for block in blocks},
        "environment": found["environment"],
    }


def changes(preset: dict, settings: dict) -> Iterator[tuple[str, Any]]:
    """Names and values of the settings that the preset has otherwise, in every depth; the seed is not one of them."""
    for name, value in settings.items():
        if isinstance(value, dict) and isinstance(preset[name], dict):
            yield from changes(preset[name], value)
        elif value != preset[name] and name not in ("seed", *FREE):
            yield name, value


if __name__ == "__main__":
    start(main, Options, __doc__)
