"""The maps that are held against the truth: of which method and block, where their cells lie, and what is told of them."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from analysis.alignment import Alignment, Centres, cell_centres
from analysis.map_values import TOGETHER
from atr.models import VideoClassifier
from atr.schema import Finite

Method = Literal[
    "actionness",
    "Grad-CAM",
    "actionness, all blocks",
    "Grad-CAM, all blocks",
    "frame difference",
    "centre",
    "uniform",
]


class Estimate(Struct):
    """low, high: of its interval; None where it is of less than FEWEST clips."""

    value: Finite
    low: Finite | None
    high: Finite | None


class Map(NamedTuple):
    """One kind of map: "actionness" or "Grad-CAM" of a block; one of them of all blocks, or a baseline: block is None."""

    method: str
    block: str | None
    kind: str  # of `measures.weights_of`


# `map_values.together`, of several blocks.
ALL_BLOCKS = {method: Map(f"{method}, {TOGETHER}", None, "heat") for method in ("actionness", "Grad-CAM")}
BASELINES = tuple(Map(name, None, "logits") for name in ("frame difference", "centre", "uniform"))


def maps_of(model: VideoClassifier, blocks: Sequence[str]) -> tuple[Map, ...]:
    """What there is to measure at these blocks: actionness where a block has it, Grad-CAM at all, the baselines.

    Of several blocks with actionness these and Grad-CAM of all blocks together too.
    """
    actionness = [Map("actionness", block, "logits") for block in blocks if block in model.locators]
    of_blocks = (*actionness, *(Map("Grad-CAM", block, "heat") for block in blocks))
    return (*of_blocks, *(ALL_BLOCKS.values() if len(actionness) > 1 else ()), *BASELINES)


class Layout(NamedTuple):
    """Where the cells of a block's maps lie on the picture: how many, and their centres; None for edge to edge."""

    grid: tuple[int, int]
    centres: Centres | None


def layouts_of(model: VideoClassifier, blocks: Sequence[str], alignment: Alignment) -> dict[str, Layout]:
    """Of each block, on the model's own input."""
    side, layouts = model.preprocessing.crop, {}
    for block in blocks:
        rows, columns = cell_centres(model, block, side, side, alignment)
        layouts[block] = Layout((len(rows), len(columns)), None if alignment == "edges" else (rows, columns))
    return layouts


def flat(entry: dict) -> dict:
    """One row of a table: every estimate with the ends of its interval."""
    row = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            low, high = (math.nan if value[end] is None else value[end] for end in ("low", "high"))
            row |= {name: value["value"], f"{name}, low": low, f"{name}, high": high}
        else:
            row[name] = value
    return row
