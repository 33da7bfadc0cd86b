"""Tables of what maps show: localisation, the Fig-5 score and what costs it, faithfulness, health."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.ablation.grids import NETWORKS
from analysis.map_values import TOGETHER
from atr.training.presets import PRESETS
from benchmarks.markdown import table
from benchmarks.tables.stored import ATR, ATR_SIM, GRAPH, LOCATING, Stored, only, percent

METHODS = {"frame difference": "frame difference", "centre": "centre prior", "uniform": "chance"}
WITHOUT = ("fig5", "without_last", "without_idle", "without_distractors", "without_rest")


def where(stored: Stored) -> str:
    """Pointing, mass and average precision in acting frames, of maps, Grad-CAM and the baselines."""
    of = {name: stored.lines("localize", name, "localize.csv") for name in LOCATING}
    columns = ((ATR, "actionness"), (ATR, "Grad-CAM"), (LOCATING[1], "actionness"))

    def told(row: pd.Series) -> tuple[str, ...]:
        mass = f"{row['ratio']:.1f} × ({row['distractor_ratio']:.1f})"
        return f"{row['pointing']:.2f}", mass, f"{row['average_precision']:.2f}"

    def line(block: str) -> Iterator[str]:
        yield block
        for name, method in columns:
            yield from told(only(of[name], method=method, block=block))

    blocks = of[ATR].block.dropna().unique()
    together = (
        cell for name, method in columns for cell in told(only(of[name], method=f"{method}, {TOGETHER}"))
    )
    blank = [""] * 6
    baselines = ((text, *told(only(of[ATR], method=method)), *blank) for method, text in METHODS.items())
    maps = (f"actionness of `{ATR}`", "its Grad-CAM", f"actionness of `{LOCATING[1]}`")
    named = [column for of_map in maps for column in (f"{of_map}: pointing", "mass", "AP")]
    return table(("block", *named), [*map(tuple, map(line, blocks)), (TOGETHER, *together), *baselines])


def when(stored: Stored) -> str:
    """How often a frame in which the hand acts is higher than another of its clip, of maps, Grad-CAM and the baseline."""
    of = {name: stored.lines("localize", name, "emphasis.csv") for name in LOCATING}

    def told(name: str, method: str, **block: str) -> tuple[str, ...]:
        mean = only(of[name], method=method, quantity="mean", **block)
        peak = only(of[name], method=method, quantity="peak", **block)
        ends = f"[{mean['acting_above, low']:.2f}, {mean['acting_above, high']:.2f}]"
        others = (mean["acting_above_without_last"], mean["beyond_course"], peak["acting_above"])
        return f"{mean['acting_above']:.2f} {ends}", *(f"{value:.2f}" for value in others)

    def line(text: str, suffix: str = "", **block: str) -> Iterator[str]:
        yield text
        for name in LOCATING:
            yield from told(name, f"actionness{suffix}", **block)
            yield told(name, f"Grad-CAM{suffix}", **block)[0]

    quantities = ("mean of M [95 %]", "without the last step", "beyond the mean course", "strongest cell")
    names = [f"`{name}`: {text}" for name in LOCATING for text in (*quantities, "its Grad-CAM, mean [95 %]")]
    lines = [tuple(line(block, block=block)) for block in of[ATR].block.dropna().unique()]
    moves = [cell for name in LOCATING for cell in (*told(name, "frame difference"), "")]
    return table(("", *names), [*lines, tuple(line(TOGETHER, f", {TOGETHER}")), ("frame difference", *moves)])


def fig5(stored: Stored) -> str:
    of = {name: stored.lines("localize", name, "fig5.csv") for name in LOCATING}

    def told(row: pd.Series) -> tuple[str, ...]:
        score = f"{row['fig5']:.2f} [{row['fig5, low']:.2f}, {row['fig5, high']:.2f}]"
        return score, f"{row['fig5_next']:.2f}", f"{row['clip_pointing']:.2f}"

    def line(name: str, suffix: str = "", **block: str) -> tuple[str, ...]:
        """suffix: of the methods. block: whose maps, where they are of one."""
        rows = [only(of[network], method=f"actionness{suffix}", **block) for network in LOCATING]
        gradcam = (only(of[network], method=f"Grad-CAM{suffix}", **block)["fig5"] for network in LOCATING)
        each = (
            cell for row, other in zip(rows, gradcam, strict=True) for cell in (*told(row), f"{other:.2f}")
        )
        ceiling = only(of[ATR], method="true masks", grid=rows[0]["grid"])
        return name, rows[0]["grid"], *each, f"{ceiling['fig5']:.2f}"

    blocks = of[ATR].block.dropna().unique()
    names = {
        "frame difference": "frame difference",
        "centre": "centre",
        "centre x middle": "centre × middle",
        "uniform": "chance",
    }
    baselines = ((text, "", *told(only(of[ATR], method=method)), *[""] * 6) for method, text in names.items())
    scores = [
        column
        for name in LOCATING
        for column in (
            f"`{name}`: Fig-5 [95 %]",
            "with the next frame",
            "clip pointing",
            "its Grad-CAM: Fig-5",
        )
    ]
    lines = [*(line(block, block=block) for block in blocks), line(TOGETHER, f", {TOGETHER}")]
    return table(("", "grid", *scores, "ceiling of Fig-5"), [*lines, *baselines])


def all_blocks(stored: Stored) -> str:
    """Of networks that did not choose the form of the map of all blocks: it, beside their best single block."""
    rows = stored.json("all-blocks.json")["networks"]
    of = {(row["network"], row["map"]): row for row in rows}

    def cells(row: dict) -> tuple[str, str]:
        score = row["fig5"]
        told = f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"
        return told, f"{row['clip_pointing']['value']:.2f}"

    lines = []
    for network in dict.fromkeys(row["network"] for row in rows):
        best, together = of[network, "actionness"], of[network, f"actionness, {TOGETHER}"]
        name, seed = re.fullmatch(r"(.+)-seed(\d+)-\w+", network).groups()
        moves = of[network, "frame difference"]["fig5"]["value"]
        lines.append(
            (f"`{name}`, seed {seed}", best["block"], *cells(best), *cells(together), f"{moves:.2f}")
        )
    columns = ("Fig-5 [95 %]", "clip pointing")
    return table(
        (
            "network",
            "best block",
            *columns,
            *(f"{TOGETHER}: {column}" for column in columns),
            "frame difference",
        ),
        lines,
    )


def taught(stored: Stored) -> str:
    """Fig-5 scores of locators that were taught with the true masks, beside a network's own."""
    scores = pd.DataFrame(stored.json("taught-locator.json")["scores"])
    columns = scores[["checkpoint", "map"]].drop_duplicates().to_records(index=False).tolist()

    def line(block: str) -> tuple[str, ...]:
        rows = (only(scores, checkpoint=name, map=of_map, block=block) for name, of_map in columns)
        return block, *(f"{row['value']:.2f}" for row in rows)

    return table(
        ("block", *(f"`{name}`: {of_map}" for name, of_map in columns)), map(line, scores["block"].unique())
    )


def trials(stored: Stored) -> str:
    """What came of one change to the training of a network with maps, below the network as it is, a training a line."""
    rows = stored.json("trials.json")["trials"]

    def told(value: object) -> str:
        return f"{value:g}" if isinstance(value, float) else str(value)

    lines = []
    for preset in reversed(LOCATING):
        (network,) = (name for name, config in NETWORKS.items() if config == replace(PRESETS[preset], seed=0))
        cells = sorted(stored.cells[network], key=lambda cell: cell.seed)
        for cell in cells:
            peaks = [block["peak"] for block in cell.history[-1].blocks]
            lines.append(_of_training(preset, "as it is", cell.seed, cell.top1, cell.fig5, peaks))
        for row in (row for row in rows if row["preset"] == preset):
            changed = " ".join(
                f"`--{name.replace('_', '-')} {told(value)}`" for name, value in row["changed"].items()
            )
            of_row = row["seed"], row["top1"], row["fig5"], list(row["peak"].values())
            lines.append(_of_training(preset, changed, *of_row))
    blocks = rows[0]["fig5"]
    return table(
        ("network", "changed", "seed", "top-1, %", *blocks, "mean of the blocks", "softmax peaks"), lines
    )


def _of_training(
    network: str, changed: str, seed: int, top1: float, scores: dict[str, float], peaks: list[float]
) -> tuple[str, ...]:
    values = list(scores.values())
    shown = (f"{value:.2f}" for value in (*values, np.mean(values)))
    return f"`{network}`", changed, str(seed), percent(top1), *shown, f"{min(peaks):.2f} to {max(peaks):.2f}"


def costs(stored: Stored) -> str:
    """The score without each kind of pixel, of the blocks that locate and two baselines."""
    of = {name: stored.lines("localize", name, "fig5.csv") for name in LOCATING}
    lines = []
    for name in reversed(LOCATING):
        for block in ("S3B2", "S4B1"):
            row = only(of[name], method="actionness", block=block)
            lines.append((f"{block} of `{name}`", *(f"{row[column]:.2f}" for column in WITHOUT)))
    for method in ("frame difference", "uniform"):
        row = only(of[ATR], method=method)
        lines.append((METHODS[method], *(f"{row[column]:.2f}" for column in WITHOUT)))
    kinds = ("the last frame", "idle frames", "distractors", "the rest")
    return table(("", "Fig-5", *(f"without {kind}" for kind in kinds)), lines)


def faithfulness(stored: Stored) -> str:
    """Areas of all orders, the best of a column in bold."""
    names = (*LOCATING, ATR_SIM)
    found = {name: stored.lines("faithfulness", name, "areas.csv") for name in names}
    columns = {
        (name, mode): areas[areas["mode"] == mode].set_index("order")["area"]
        for name, areas in found.items()
        for mode in ("deletion", "insertion")
    }
    best = {key: area.min() if key[1] == "deletion" else area.max() for key, area in columns.items()}

    def told(key: tuple[str, str], order: str) -> str:
        area = columns[key].get(order)
        text = "" if area is None else f"{area:.3f}"
        return f"**{text}**" if area == best[key] else text

    lines = ((order, *(told(key, order) for key in columns)) for order in columns[ATR, "deletion"].index)
    return table(("map", *(head for name in names for head in (f"`{name}`: deletion", "insertion"))), lines)


def health(stored: Stored) -> str:
    shown = {
        ATR: ("softmax peak", "same cell", "|F|/|X|"),
        "tabletop-tsm-atr": ("softmax peak", "same cell", "|F|/|X|"),
        ATR_SIM: ("|F|/|X|",),
        GRAPH: ("max of W's rows", "|F|/|X|"),
        "tabletop-tsm-gr": ("max of W's rows", "|F|/|X|"),
    }
    words = {"softmax peak": "peak", "max of W's rows": "largest of a row", "|F|/|X|": r"\|F\|/\|X\|"}
    of = {name: stored.lines("health", name, "health.csv").set_index("block") for name in shown}
    header = [
        f"`{name}`: {words.get(column, column)}" if column == columns[0] else words.get(column, column)
        for name, columns in shown.items()
        for column in columns
    ]
    lines = (
        (block, *(f"{of[name].at[block, column]:.2f}" for name in shown for column in shown[name]))
        for block in of[ATR].index
    )
    return table(("block", *header), lines)
