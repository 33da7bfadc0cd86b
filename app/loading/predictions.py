"""Stored predictions, and the tables that compare them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import streamlit as st

from analysis.compare.comparable import names
from analysis.compare.numbers import (
    Paired,
    clip_table,
    config_differences,
    confusions,
    costs,
    paired,
    per_class,
    reliability,
    summary,
)
from analysis.compare.tables import pairs_texts, summary_texts
from app import loading
from app.loading.results import readable_results
from atr.files import digest
from atr.results.predictions import TABLE, Predictions, read_predictions
from atr.results.store import RESULT


@dataclass(frozen=True)
class Stored:
    """A checkpoint's predictions as they lie in a folder; `of` tells the clips, classes and protocol they are of."""

    folder: Path
    stamp: str
    of: str
    predictions: Predictions

    @property
    def title(self) -> str:
        facts = self.predictions.facts
        return f"{facts['data']['description']} · protocol {self.predictions.protocol.replace('x', '×')}"


@dataclass(frozen=True)
class Tables:
    """What is said of several predictions of the same clips. A is the first, B the second."""

    numbers: pd.DataFrame  # `compare.numbers.summary` with `costs` and the sizes of the files
    overview: pd.DataFrame  # the same for reading
    pair: Paired  # A and B
    pairs: pd.DataFrame  # every two, for reading
    classes: pd.DataFrame
    confusions: pd.DataFrame
    clips: pd.DataFrame
    differences: pd.DataFrame
    curves: dict[str, tuple[pd.DataFrame, float]]


def stored_predictions(checkpoint: str) -> tuple[dict[str, Stored], list[str]]:
    """A checkpoint's predictions by what they are of, those of most clips first; and what could not be read."""
    folders, faults = readable_results(checkpoint, "predictions")
    found = {}
    for folder in folders:
        try:
            stamp = " ".join(loading.stamp_of(folder / name) for name in (RESULT, TABLE))
            stored = _stored(str(folder), stamp, checkpoint)
        except (ValueError, OSError) as error:
            faults.append(str(error))
            continue
        found.setdefault(stored.of, stored)
    return dict(sorted(found.items(), key=lambda item: -len(item[1].predictions))), faults


@st.cache_resource(max_entries=32, show_spinner="Reading predictions …")
def _stored(folder: str, stamp: str, checkpoint: str) -> Stored:
    predictions = read_predictions(Path(folder))
    facts = dict(predictions.facts)  # the folder may have been renamed since
    facts["checkpoint"] = {**facts["checkpoint"], "name": checkpoint}
    predictions = replace(predictions, facts=facts)
    # What `require_comparable` asks to be the same, and nothing else.
    views = [predictions.protocol, predictions.states_offsets]
    identity = [views, predictions.labels, predictions.ids, predictions.targets.tolist()]
    return Stored(Path(folder), stamp, digest(identity)[:8], predictions)


def tables(chosen: Sequence[Stored]) -> Tables:
    """Raises NotComparable."""
    megabytes = [loading.megabytes(stored.predictions.name) for stored in chosen]
    return _tables(" ".join(f"{s.folder} {s.stamp} {s.predictions.name}" for s in chosen), megabytes, chosen)


@st.cache_data(max_entries=8, show_spinner="Comparing …")
def _tables(identity: str, megabytes: list[float], _chosen: Sequence[Stored]) -> Tables:
    predictions = [stored.predictions for stored in _chosen]
    a, b = predictions[:2]
    return Tables(
        numbers=summary(predictions).join(costs(predictions)).assign(megabytes=megabytes),
        overview=summary_texts(predictions).assign(**{"file, MB": [f"{size:.1f}" for size in megabytes]}),
        pair=paired(a, b),
        pairs=pairs_texts(predictions),
        classes=per_class(a, b),
        confusions=confusions(a, b),
        clips=clip_table(predictions),
        differences=config_differences(predictions),
        curves={name: reliability(p) for name, p in zip(names(predictions), predictions, strict=True)},
    )
