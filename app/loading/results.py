"""Stored results of commands, own and shipped."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from analysis.localize import numbers as localize
from analysis.relations import numbers as relations
from analysis.what_if import faithfulness, order
from app.loading.roots import ASSETS, root, stamp_of
from atr.checkpoint import read_config
from atr.results import predictions
from atr.results.store import FACTS, RESULT, read_result, results

WEIGHTS = "checkpoint.weights_sha256"
KEYS = {
    "predictions": predictions.KEYS,
    "order": order.KEYS,
    "faithfulness": faithfulness.KEYS,
    "localize": localize.KEYS,
    "relations": relations.KEYS,
}


def readable_results(checkpoint: str, kind: str) -> tuple[dict[Path, dict], list[str]]:
    """The results of a kind made with a checkpoint's weights, those over most clips first, own before shipped.

    And what is wrong with those that cannot be read or lack what the pages read, whichever checkpoint they are of.
    """
    weights = read_config(root("checkpoints") / checkpoint)["weights_sha256"]
    found, faults = {}, []
    for place in dict.fromkeys(place.resolve() for place in (root("results"), ASSETS / "results")):
        for folder in results(place, kind):
            try:
                result = _result(str(folder), stamp_of(folder / RESULT))
                require(result, [WEIGHTS], folder)
                if result["checkpoint"]["weights_sha256"] == weights:
                    require(result, FACTS + KEYS[kind], folder)
                    found[folder] = result
            except ValueError as error:
                faults.append(str(error))
    by_size = sorted(found.items(), key=lambda item: -item[1].get("videos", item[1].get("clips", 0)))
    return dict(by_size), faults


def require(result: dict, keys: Sequence[str], folder: Path) -> None:
    """Raises ValueError, naming the first key that a result lacks."""
    for key in keys:
        value = result
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise ValueError(f"{folder} is no whole result: its {RESULT} has no {key!r}")
            value = value[part]


@st.cache_data(max_entries=256, show_spinner=False)
def _result(folder: str, stamp: str) -> dict:
    return read_result(Path(folder))
