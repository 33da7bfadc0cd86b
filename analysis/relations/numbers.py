"""From averaged relations to the numbers of Fig 4: a result folder's tables, the same for command and page."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from msgspec import UNSET, Meta, Struct, UnsetType

from analysis.relations.average import (
    RelationAverage,
    convergence,
    have_mass,
    local_mass,
    local_windows,
    resampled_divergence,
    window_divergence,
)
from analysis.relations.averaging import CONTROL_SEED, DRAWS, UntrainedAverage
from atr.files import read_arrays
from atr.results.store import OfCheckpoint, Result, result_folder
from atr.schema import BlockName, Count, Finite, NotNegative, Share, Text, line, shown

ARRAYS = "relations.npz"

Interval = tuple[Finite, Finite]
Row = Annotated[list[Share], Meta(min_length=3, max_length=1024)]
Matrix = Annotated[list[Row], Meta(min_length=3, max_length=1024)]


class Network(Struct):
    block: Literal["atr", "atr_sim"]


class RelatingCheckpoint(OfCheckpoint):
    model: Network


class Divergence(Struct):
    mean: Finite
    max: Finite
    std: Finite


class DivergenceIntervals(Struct):
    mean: Interval
    max: Interval
    std: Interval


class Relation(Struct):
    """One block and reasoner, `block_numbers`."""

    block: BlockName
    reasoner: Count
    js: Divergence | None
    js_interval: DivergenceIntervals | None
    js_pairs: list[tuple[Count, Count, Finite]]
    windows: list[tuple[Share, Share, Share]]
    local_mass: list[NotNegative]
    chance: list[NotNegative]
    inner_mass: NotNegative
    inner_mass_interval: Interval | None
    inner_chance: NotNegative
    argmax: list[Count]
    mean: Matrix
    js_left_out: Share | UnsetType = UNSET
    departures: Annotated[list[Finite], Meta(min_length=1)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        t = frames_of(self.mean)
        lengths = [len(each) for each in (self.windows, self.local_mass, self.chance, self.argmax)]
        if lengths != [t - 2, t, t, t]:
            raise ValueError(f"windows, local_mass, chance and argmax have {lengths} entries for {t} frames")
        if max(self.argmax) >= t:
            raise ValueError(f"argmax has {max(self.argmax)}; allowed: 0 to {t - 1}")


class Convergence(Struct):
    block: BlockName
    reasoner: Count
    videos: list[Count]
    js_mean: list[Finite]
    distance: list[NotNegative]

    def __post_init__(self) -> None:
        if not len(self.videos) == len(self.js_mean) == len(self.distance):
            raise ValueError("videos, js_mean and distance differ in their lengths")


class OfClass(Struct):
    """Its matrices are in the arrays, `class_entries`: as text those of 400 classes would be megabytes."""

    label: Text
    videos: Count


class RelationsResult(Result):
    """What a reader may rely on."""

    checkpoint: RelatingCheckpoint
    videos: Count
    base: Annotated[float, Meta(gt=1, le=10)]
    trained: Annotated[list[Relation], Meta(min_length=1)]
    untrained: Annotated[list[Relation], Meta(min_length=1)]
    convergence: list[Convergence]
    classes: Annotated[list[OfClass], Meta(min_length=1)]

    def __post_init__(self) -> None:
        frames = {len(entry.mean) for entry in (*self.trained, *self.untrained)}
        if len(frames) > 1:
            raise ValueError(f"matrices are of {', '.join(map(str, sorted(frames)))} frames")


def frames_of(matrix: Sequence[Sequence[float]]) -> int:
    """Raises ValueError where a matrix is not square."""
    if any(len(row) != len(matrix) for row in matrix):
        raise ValueError(f"a matrix of {len(matrix)} rows has one of another length")
    return len(matrix)


def relations_folder(root: Path, checkpoint: Path, data_digest: str, base: str = "e") -> Path:
    """Where the result lies, complete or not."""
    # "intervals" and "control" tell it from older results: of JS by percentiles, of one untrained network.
    versions = {"intervals": "basic", "control": f"{DRAWS} untrained reasoners"}
    settings = {"data": data_digest, "base": base, "control_seed": CONTROL_SEED, **versions}
    return result_folder(root, "relations", checkpoint, settings)


def block_numbers(average: RelationAverage, *, base: float = math.e, resamples: int = 1000) -> list[dict]:
    """One entry per block and reasoner, shallow to deep; every value fit for JSON.

    "js": mean, max, std over the pairs of time steps; "js_interval": their 95 % intervals, from resampled videos, of
    which the share "js_left_out" has a window without mass. Where W̄ itself has one, its "windows" are 0 there and "js"
    is None, as is "js_interval" where no resample is left.
    "local_mass" and "chance": mean over the rows, for k = 0 … T - 1. "inner_mass": k = 1, over the rows with both
    neighbours, whose chance is 3 / T; "inner_mass_interval". "argmax": 0-based column of each row's largest value.
    Fewer than FEWEST have no intervals: both are None.
    """
    entries = []
    for block, matrices in average.mean.items():
        for reasoner, w in enumerate(matrices):
            windows, mass = local_windows(w), local_mass(w)
            sums = windows.sum(-1, keepdims=True)
            divergence = window_divergence(w, base) if have_mass(windows) else None
            pairs = (
                [[*pair, float(v)] for pair, v in zip(divergence.pairs, divergence.values, strict=True)]
                if divergence
                else []
            )
            intervals, left_out = resampled_divergence(
                average.windows((block, reasoner)), base=base, resamples=resamples
            )
            entries.append(
                {
                    "block": block,
                    "reasoner": reasoner,
                    "js": divergence.summary if divergence else None,
                    "js_interval": (
                        {name: intervals[name] for name in ("mean", "max", "std")}
                        if intervals["mean"]
                        else None
                    ),
                    "js_left_out": left_out,
                    "js_pairs": pairs,
                    "windows": (windows / np.where(sums > 0, sums, 1)).tolist(),
                    "local_mass": mass.mass.mean(1).tolist(),
                    "chance": mass.chance.mean(1).tolist(),
                    "inner_mass": float(sums.mean()),
                    "inner_mass_interval": intervals["local_mass"],
                    "inner_chance": 3 / len(w),
                    "argmax": w.argmax(1).tolist(),
                    "mean": w.tolist(),
                }
            )
    return entries


def untrained_numbers(average: UntrainedAverage, *, base: float = math.e) -> list[dict]:
    """`block_numbers` of the first untrained reasoner in each place, and of all of them "departures": the inner mass
    beyond what the columns alone give.
    """
    entries = block_numbers(average.first(), base=base)
    for entry in entries:
        start = entry["reasoner"] * DRAWS
        drawn = average.mean[entry["block"]][start : start + DRAWS]
        entry["departures"] = [
            float(local_windows(w).sum(-1).mean()) - columns_mass({"mean": w}) for w in drawn
        ]
    return entries


def columns_mass(entry: dict) -> float:
    """The inner mass that the averaged W of an entry would have were each of its rows the mean of all of them.

    It is what a preference for some time steps gives, whatever the row: 3 / T for uniform columns, more where steps in the
    middle are preferred. W is local where it has more.
    """
    columns = np.mean(entry["mean"], axis=0)
    return float(np.convolve(columns, np.ones(3), "valid").mean())


def most_structured(entries: Sequence[dict]) -> int:
    """Index of the entry (`block_numbers`) whose rows differ most from uniform ones, by total variation, on average."""
    return int(np.argmax([np.abs(np.array(e["mean"]) - 1 / len(e["mean"])).mean() for e in entries]))


def inner_mass_ends(entries: Sequence[dict]) -> np.ndarray:
    """(n, 2): the ends of the intervals of the local mass, nan where there is none."""
    return np.array([entry["inner_mass_interval"] or (math.nan, math.nan) for entry in entries])


def table(entries: Sequence[dict], network: str) -> pd.DataFrame:
    """One row per block and reasoner: what the command prints and the CSV file holds; nan where there is no JS."""
    divergences = [entry["js"] or dict.fromkeys(("mean", "max", "std"), math.nan) for entry in entries]
    intervals = [entry["js_interval"] or {"mean": (math.nan, math.nan)} for entry in entries]
    mass_low, mass_high = inner_mass_ends(entries).T
    return pd.DataFrame(
        {
            "network": network,
            "block": [entry["block"] for entry in entries],
            "reasoner": [entry["reasoner"] + 1 for entry in entries],
            "js_mean": [js["mean"] for js in divergences],
            "js_mean_low": [interval["mean"][0] for interval in intervals],
            "js_mean_high": [interval["mean"][1] for interval in intervals],
            "js_max": [js["max"] for js in divergences],
            "js_std": [js["std"] for js in divergences],
            "local_mass": [entry["inner_mass"] for entry in entries],
            "local_mass_low": mass_low,
            "local_mass_high": mass_high,
            "columns_alone": [columns_mass(entry) for entry in entries],
            "chance": [entry["inner_chance"] for entry in entries],
            "argmax_within_1": [
                sum(abs(q - t) <= 1 for t, q in enumerate(entry["argmax"])) for entry in entries
            ],
            "rows": [len(entry["argmax"]) for entry in entries],
        }
    )


def relations_table(result: dict) -> pd.DataFrame:
    """`table` of the trained network and of its untrained control."""
    return pd.concat([table(result[network], network) for network in ("trained", "untrained")])


def convergences(average: RelationAverage, base: float = math.e) -> list[dict]:
    """`convergence` of every block and reasoner, fit for JSON."""
    return [
        {"block": block, "reasoner": reasoner}
        | {name: v.tolist() for name, v in convergence(average.windows((block, reasoner)), base).items()}
        for block, reasoner in average.keys
    ]


def by_class(average: RelationAverage, labels: Sequence[str]) -> list[dict]:
    """Label and number of videos of every class that has any."""
    counts = np.bincount(average.labels, minlength=len(labels))
    return [{"label": labels[c], "videos": int(counts[c])} for c in np.flatnonzero(counts).tolist()]


def without_windows(num_frames: int) -> str:
    """What is to be said of a network of too few frames for two local windows; "" of others."""
    if num_frames >= 4:
        return ""
    return f"takes {num_frames} frames, of which fewer than two have both neighbours: there are no local windows to compare"


def class_entries(folder: Path, place: int) -> list[dict]:
    """W̄ of one class, an entry a block and reasoner as in `block_numbers`, but for the numbers.

    place: of the class in the result's "classes".

    Raises:
        ValueError: the result's arrays cannot be read.
    """
    entries, path = [], folder / ARRAYS
    try:
        arrays = read_arrays(path, ("trained/labels", "trained/sums/", "trained/classes/"))
        labels, counts = np.unique(arrays["trained/labels"], return_counts=True)
        for name in arrays:
            _, is_sum, block_and_reasoner = name.partition("trained/sums/")
            if is_sum:
                block, reasoner = block_and_reasoner.split("/")
                row = arrays[f"trained/classes/{block_and_reasoner}"].tolist().index(labels[place])
                mean = arrays[name][row] / counts[place]
                entries.append({"block": block, "reasoner": int(reasoner), "mean": mean.tolist()})
    except OSError as error:
        raise ValueError(line(f"{shown(path)} cannot be read: {error.strerror or error}")) from error
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(line(f"{shown(path)} does not hold the matrices of this result: {error}")) from error
    return entries


def in_base(result: dict, base: float) -> dict:
    """A stored result with its JS in another base: every JS is divided by one and the same logarithm."""
    factor = math.log(result["base"]) / math.log(base)

    def converted(entry: dict) -> dict:
        js, intervals = entry["js"], entry["js_interval"]
        return entry | {
            "js": js and {name: v * factor for name, v in js.items()},
            "js_interval": intervals
            and {name: [v * factor for v in pair] for name, pair in intervals.items()},
            "js_pairs": [[a, b, v * factor] for a, b, v in entry["js_pairs"]],
        }

    return result | {
        "base": base,
        "trained": [converted(entry) for entry in result["trained"]],
        "untrained": [converted(entry) for entry in result["untrained"]],
        "convergence": [c | {"js_mean": [v * factor for v in c["js_mean"]]} for c in result["convergence"]],
    }
