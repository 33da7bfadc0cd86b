"""Stored results of commands, own and shipped."""

from pathlib import Path

import streamlit as st
from msgspec import Struct

from analysis.health import HealthResult
from analysis.localize.numbers import LocalizeResult
from analysis.relations.numbers import RelationsResult
from analysis.what_if.faithfulness import FaithfulnessResult
from analysis.what_if.order import OrderResult
from app.loading.checkpoints import configuration
from app.loading.roots import ASSETS, root, stamp_of
from atr.files import digest
from atr.results.predictions import PredictionsResult
from atr.results.store import RESULT, read_unchecked, require_whole, results
from atr.schema import line, shown

REQUIRED: dict[str, type[Struct]] = {
    "predictions": PredictionsResult,
    "order": OrderResult,
    "faithfulness": FaithfulnessResult,
    "localize": LocalizeResult,
    "relations": RelationsResult,
    "health": HealthResult,
}


def readable_results(checkpoint: str, kind: str) -> tuple[dict[Path, dict], list[str]]:
    """The results of a kind made with a checkpoint's weights, those over most clips first, own before shipped.

    And what is wrong with those that cannot be read or do not say whose they are, and with this checkpoint's own.
    """
    config = configuration(checkpoint)
    weights, labels = config["weights_sha256"], digest(config["labels"])
    found, faults = {}, []
    for place in dict.fromkeys(place.resolve() for place in (root("results"), ASSETS / "results")):
        for folder in results(place, kind):
            try:
                result = _result(str(folder), stamp_of(folder / RESULT))
                # older results do not tell the labels
                if weights_of(result, folder) == weights and labels_of(result, labels) == labels:
                    require_whole(result, folder, REQUIRED[kind])
                    found[folder] = result
            except ValueError as error:
                faults.append(str(error))
    return dict(sorted(found.items(), key=lambda item: -clips_of(item[1]))), faults


def weights_of(result: object, folder: Path) -> object:
    """The digest of those a result was made with. Raises ValueError where it does not tell."""
    checkpoint = result.get("checkpoint") if isinstance(result, dict) else None
    if not isinstance(checkpoint, dict) or "weights_sha256" not in checkpoint:
        raise ValueError(
            line(f"{shown(folder)} is no whole result: its {RESULT} has no 'checkpoint.weights_sha256'")
        )
    return checkpoint["weights_sha256"]


def labels_of(result: dict, default: str) -> object:
    """The digest of the labels a result was made with; `default` where it does not tell."""
    return result["checkpoint"].get("labels_digest", default)


def clips_of(result: dict) -> int:
    """0 where it is not told: predictions have a row for each."""
    return next((result[key] for key in ("videos", "clips") if isinstance(result.get(key), int)), 0)


@st.cache_data(max_entries=256, show_spinner=False)
def _result(folder: str, stamp: str) -> object:
    return read_unchecked(Path(folder))
