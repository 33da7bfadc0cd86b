"""How does the cost grow with clips, frames, resolution and blocks, and with the frames that a reasoner relates?

    python -m benchmarks.costs --figure docs/costs.svg

Forward passes of TSN-ResNet-50 without a block and with ATR, optimised in float32 as all commands use them, and one reasoner
alone; CPU seconds of one thread, medians of repeats that take turns. A cost that grows as its axis to the power 1 is linear; the power told is that between the two
largest points. Prints a table, writes one JSON file and draws it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

import atr
from atr import ATRConfig
from atr.block import build_reasoner
from atr.models import VideoClassifier
from benchmarks.command import start
from benchmarks.measuring import medians_in_turn, processor, write_found

COLOURS = {"TSN": "#59636e", "TSN + ATR": "#0969da", "ER×2": "#1a7f37", "GR×1": "#bc4c00"}
NETWORKS = {"TSN": {}, "TSN + ATR": {"block": "atr"}}
REASONERS = {
    "ER×2": ATRConfig(num_reasoners=2),
    "GR×1": ATRConfig(reasoner="gr", num_reasoners=1, scale="sqrt"),
}
BLOCKS = "blocks with ATR"
CALLS = 10  # of a reasoner in each timing
PLACEMENTS = ("S5", "S4-5", "S3-5", "S2-5")

Point = tuple[str, str, float]  # axis, network, where on the axis


@dataclass(frozen=True)
class Options:
    backbone: str = "tsn_resnet50"
    side: int = 224
    clips: tuple[int, ...] = (1, 2, 4)
    frames: tuple[int, ...] = (4, 8, 16)
    sides: tuple[int, ...] = (112, 160, 224, 320)
    related: tuple[int, ...] = (8, 32, 128, 512, 2048)
    """frames of a clip whose vectors a reasoner alone gets"""
    channels: int = 512
    """of these vectors; as after stage 3 of a ResNet-50"""
    repeats: int = 7
    out: Path = Path("results/costs.json")
    figure: Path = Path("results/costs.svg")


def main(options: Options) -> None:
    torch.set_num_threads(1)
    with torch.inference_mode():
        seconds = medians_in_turn(network_works(options), options.repeats)
        calls = medians_in_turn(reasoner_works(options), options.repeats)
    seconds |= {point: value / CALLS for point, value in calls.items()}
    rows = rows_of(seconds)
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    machine = {"machine": processor(), "torch": torch.__version__, "threads": 1}
    write_found({**machine, "costs": rows}, options.out)
    draw(rows, options.figure)


def network_works(options: Options) -> dict[Point, Callable[[], object]]:
    works: dict[Point, Callable[[], object]] = {}
    for name, block in NETWORKS.items():
        model = network(options.backbone, 8, **block)
        for count in options.clips:
            works["clips", name, count] = partial(model, clips(count, 8, options.side))
        for side in options.sides:
            works["pixels of a frame", name, side**2] = partial(model, clips(1, 8, side))
        for count in options.frames:
            longer = network(options.backbone, count, **block)
            works["frames of a clip", name, count] = partial(longer, clips(1, count, options.side))
    for place in (None, *PLACEMENTS):
        block = {"block": "atr", "placement": place} if place else {}
        model = network(options.backbone, 8, **block)
        blocks = len(model.block_names) if place else 0
        works[BLOCKS, "TSN + ATR", blocks] = partial(model, clips(1, 8, options.side))
    return works


def network(backbone: str, frames: int, **block: str) -> VideoClassifier:
    return atr.optimised(atr.create_model(backbone, 174, frames, **block).eval(), precision="float32")


def reasoner_works(options: Options) -> dict[Point, Callable[[], object]]:
    """CALLS passes each, of which one may take less than a millisecond."""
    works: dict[Point, Callable[[], object]] = {}
    for name, config in REASONERS.items():
        reasoner = build_reasoner(options.channels, config).eval()
        for count in options.related:
            vectors = torch.randn(1, count, options.channels)
            works["frames in a reasoner", name, count] = partial(called, reasoner, vectors)
    return works


def called(reasoner: torch.nn.Module, vectors: torch.Tensor) -> None:
    """CALLS times, so that the first, which finds the caches of a larger one before it, weighs little."""
    for _ in range(CALLS):
        reasoner(vectors)


def clips(count: int, frames: int, side: int) -> torch.Tensor:
    return torch.randn(count, frames, 3, side, side)


def rows_of(seconds: dict[Point, float]) -> list[dict]:
    """A row an axis and network: the cost at each point over that at the first, and the power it grows with at the end,
    None along the blocks, which begin at 0."""
    rows = []
    for axis, name in dict.fromkeys((axis, name) for axis, name, _ in seconds):
        places = [place for a, n, place in seconds if (a, n) == (axis, name)]
        costs = [seconds[axis, name, place] for place in places]
        power = math.log(costs[-1] / costs[-2]) / math.log(places[-1] / places[-2]) if places[0] else None
        row = {"axis": axis, "network": name, "at": places, "CPU seconds": costs}
        rows.append({**row, "over the first": [cost / costs[0] for cost in costs], "power": power})
    return rows


def draw(rows: list[dict], file: Path) -> None:
    """A panel an axis; a broken line has the slope of a linear cost. The same rows give the same bytes."""
    axes_of = list(dict.fromkeys(row["axis"] for row in rows))
    with matplotlib.rc_context({"svg.hashsalt": "costs", "font.size": 8, "axes.linewidth": 0.6}):
        figure = Figure(figsize=(11, 2.6), layout="constrained", facecolor="white")
        for panel, axis in zip(figure.subplots(1, len(axes_of)), axes_of, strict=True):
            draw_axis(panel, axis, [row for row in rows if row["axis"] == axis])
        figure.supylabel("CPU seconds")
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Date": None})


def draw_axis(panel: Axes, axis: str, rows: list[dict]) -> None:
    for row in rows:
        panel.plot(
            row["at"], row["CPU seconds"], "o-", ms=3, lw=1.2, c=COLOURS[row["network"]], label=row["network"]
        )
    places, costs = rows[0]["at"], rows[0]["CPU seconds"]
    if axis == BLOCKS:
        panel.set_ylim(0)
    else:
        panel.plot(places, [costs[0] * place / places[0] for place in places], c="#818b98", lw=0.6, ls="--")
        panel.set(xscale="log", yscale="log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_locator(NullLocator())
    panel.set(xlabel=axis)
    panel.set_xticks(places, [name_of(place) for place in places])
    panel.set_xticks([], minor=True)
    panel.legend(frameon=False)


def name_of(place: float) -> str:
    """Pixels as a square's."""
    side = math.isqrt(int(place))
    return f"{side}²" if place > 10_000 and side**2 == place else f"{place:g}"


if __name__ == "__main__":
    start(main, Options, __doc__)
