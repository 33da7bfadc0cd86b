"""The stored cells of the paper's tables, own and shipped."""

from pathlib import Path

import streamlit as st

from analysis.ablation.cells import CellResult, read_cells, recipe_of
from analysis.ablation.numbers import by_network, left_out
from app.loading.checkpoints import checkpoint_names, configuration, whole_checkpoint
from app.loading.roots import ASSETS, root
from atr.files import stamp

CELLS = "ablations"


def cells() -> tuple[dict[str, list[CellResult]], list[str]]:
    """As `by_network` has them, own in the place of shipped ones; and what is wrong with files, or with what is in them."""
    places = dict.fromkeys(folder.resolve() / CELLS for folder in (ASSETS / "results", root("results")))
    return _cells(tuple(map(str, places)), tuple(map(stamp, places)))


def checkpoints_by_recipe() -> dict[str, str]:
    """`recipe_of` a training -> the checkpoint here that came of it."""
    trainings = {
        name: configuration(name).get("training") for name in checkpoint_names() if whole_checkpoint(name)
    }
    return {recipe_of(settings): name for name, settings in trainings.items() if isinstance(settings, dict)}


@st.cache_data(max_entries=4, show_spinner="Reading the cells …")
def _cells(places: tuple[str, ...], stamps: tuple[str, ...]) -> tuple[dict[str, list[CellResult]], list[str]]:
    found, faults = {}, []
    for place in places:
        results, wrong = read_cells(Path(place))
        found |= {(result.network, result.seed): result for result in results}
        faults += wrong
    results = list(found.values())
    counted = by_network(results)
    return counted, [*faults, *left_out(results, counted)]
