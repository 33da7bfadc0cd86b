"""Stored results of commands, own and shipped."""

from pathlib import Path

import streamlit as st

from app.loading.roots import ASSETS, root, stamp_of
from atr.checkpoint import read_config
from atr.store import RESULT, read_result, results


def stored_results(checkpoint: str, kind: str) -> dict[Path, dict]:
    """The results of a kind made with a checkpoint's weights, those over most clips first, own before shipped.

    Raises ValueError for a result that cannot be read.
    """
    found, faults = readable_results(checkpoint, kind)
    if faults:
        raise ValueError(faults[0])
    return found


def readable_results(checkpoint: str, kind: str) -> tuple[dict[Path, dict], list[str]]:
    """As `stored_results`, and what is wrong with those that cannot be read, whichever checkpoint they are of."""
    weights = read_config(root("checkpoints") / checkpoint)["weights_sha256"]
    found, faults = {}, []
    for place in dict.fromkeys(place.resolve() for place in (root("results"), ASSETS / "results")):
        for folder in results(place, kind):
            try:
                result = _result(str(folder), stamp_of(folder / RESULT))
                if result["checkpoint"]["weights_sha256"] == weights:
                    found[folder] = result
            except (KeyError, TypeError):
                faults.append(f"{folder} names no checkpoint: it is no result of this program")
            except ValueError as error:
                faults.append(str(error))
    by_size = sorted(found.items(), key=lambda item: -item[1].get("videos", item[1].get("clips", 0)))
    return dict(by_size), faults


@st.cache_data(max_entries=256, show_spinner=False)
def _result(folder: str, stamp: str) -> dict:
    return read_result(Path(folder))
