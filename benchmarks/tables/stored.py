"""What lies in a folder of results, and its numbers as texts."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.ablation.cells import read_cells
from analysis.ablation.numbers import Found, by_network

ATR, ATR_SIM, GRAPH, TSM_GRAPH = "tabletop-atr", "tabletop-atr-sim", "tabletop-gr", "tabletop-tsm-gr"
LOCATING = (ATR, "tabletop-tsm-atr")


@dataclass(frozen=True)
class Stored:
    """What lies in a folder of results."""

    folder: Path

    def of(self, kind: str, checkpoint: str) -> Path:
        """The one result of a kind. Raises ValueError where there is none, or several."""
        found = [
            file.parent
            for file in self.folder.glob(f"{kind}-*/result.json")
            if json.loads(file.read_text())["checkpoint"]["name"] == checkpoint
        ]
        if len(found) != 1:
            raise ValueError(f"{self.folder} holds {len(found)} results '{kind}' of {checkpoint}, not one")
        return found[0]

    def result(self, kind: str, checkpoint: str) -> dict:
        return json.loads((self.of(kind, checkpoint) / "result.json").read_text())

    def lines(self, kind: str, checkpoint: str, name: str) -> pd.DataFrame:
        return pd.read_csv(self.of(kind, checkpoint) / name)

    def json(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text())

    @cached_property
    def cells(self) -> Found:
        results, faults = read_cells(self.folder / "ablations")
        if faults:
            raise ValueError("; ".join(faults))
        return by_network(results)


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def points(value: float) -> str:
    return f"{100 * value:+.1f}"


def interval(value: float, low: float, high: float) -> str:
    return f"{percent(value)} [{percent(low)}, {percent(high)}]"


def only(lines: pd.DataFrame, **wanted: str) -> pd.Series:
    """The one line with these values. Raises ValueError where there is none, or several."""
    chosen = lines[np.logical_and.reduce([lines[name] == value for name, value in wanted.items()])]
    if len(chosen) != 1:
        raise ValueError(f"{len(chosen)} lines with {wanted}, not one")
    return chosen.iloc[0]
