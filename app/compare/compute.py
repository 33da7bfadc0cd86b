"""The page "Compare": have predictions computed, for a checkpoint that has none or over other clips."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import loading
from app.computing import compute_panel
from app.loading.results import readable_results
from atr.data.rendered import NUM_RENDERED
from atr.results.predictions import predictions_folder
from atr.video.protocol import SINGLE_VIEW


def compute_predictions(checkpoints: Sequence[str], missing: Sequence[str], *, expanded: bool) -> None:
    """missing: those of the chosen checkpoints that have no predictions."""
    with st.expander("Compute predictions", expanded=expanded, icon=":material/play_arrow:"):
        first = list(checkpoints).index(missing[0]) if missing else 0
        # With another key the choice begins anew, at the next one that is missing.
        key = " ".join(["predictions_of", *missing])
        name = st.selectbox("Checkpoint", checkpoints, index=first, key=key)
        stored = [
            r for r in readable_results(name, "predictions")[0].values() if r["protocol"] == str(SINGLE_VIEW)
        ]
        compute_panel(
            "predictions",
            name,
            loading.model(name),
            partial(predictions_folder, protocol=SINGLE_VIEW),
            stored,
            noun="list of predictions",
            program=("atr", "evaluate"),
            offered=NUM_RENDERED,  # as `python -m atr evaluate` takes them
        )
        st.caption(
            "Protocol 1×1, the centre crop of every clip. For other protocols and data sets: `python -m atr evaluate`."
        )
