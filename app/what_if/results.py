"""The two tabs of the page "What if" on whole data sets: stored results of a checkpoint, and their computation."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from analysis.what_if.faithfulness import areas_table, described, faithfulness_folder, has_actionness
from analysis.what_if.figures import faithfulness_figure, order_figure
from analysis.what_if.hiding import FILLS
from analysis.what_if.order import order_folder, order_table
from analysis.what_if.rankings import rankings_of
from app.computing import compute_panel
from app.exports import file_row
from app.markdown import plain
from app.stored import stored_results, tell_left_out, told_apart
from atr.models import VideoClassifier

FILL_NAMES = {"mean": "Mean colour", "blur": "Strong blur"}
SCATTER = (
    "A random order hides scattered positions; a map or the centre hides neighbouring ones. This alone makes a difference: "
    "the centre is the stricter control."
)


def order_tab(checkpoint: str, model: VideoClassifier) -> None:
    st.markdown(
        "Accuracy with the frames of every clip in order, reversed and shuffled. A clip that is played backwards shows "
        "another class, where the data set names it: a model that reads the order predicts that class."
    )
    found = stored_results(checkpoint, "order")
    if chosen := choose_result("order", found, description_of):
        folder, result = chosen
        st.plotly_chart(
            order_figure(result), key="order_figure", alt="Accuracies by order, over all clips and by class"
        )
        if result["overall"]["reversed class"] is None:
            st.caption(
                "For this data set it is not known which class a clip shows when it is played backwards."
            )
        numbers(order_table(result), result, folder, checkpoint, ("order.csv", "order.npz", "order.html"))
    st.subheader("Compute over more clips", anchor=False)
    compute_panel("order", checkpoint, model, order_folder, found.values())


def faithfulness_tab(checkpoint: str, model: VideoClassifier) -> None:
    st.markdown(
        "More and more of every frame is hidden (deletion) or shown (insertion), from the highest value of a map to the lowest. "
        f"If the map shows what the model uses, the prediction changes early. {SCATTER}"
    )
    found = stored_results(checkpoint, "faithfulness")
    if chosen := choose_result("faithfulness", found, described):
        folder, result = chosen
        if not has_actionness(result):
            blocks = ", ".join(result.get("blocks", [result["block"]]))
            st.info(
                f"{plain(blocks)} of {plain(checkpoint)} has no Action-related Region Locator: there is no "
                "actionness to rank by.",
                icon=":material/layers_clear:",
            )
        figure = faithfulness_figure(result)
        st.plotly_chart(
            figure, key="faithfulness_figure", alt="Deletion and insertion curves, differences of areas"
        )
        st.caption(
            "Lower panels: the area under the first curve minus that under the second, with 95 % intervals over clips: a better map "
            "has the smaller area in deletion and the larger in insertion."
        )
        files = ("curves.csv", "areas.csv", "faithfulness.npz", "faithfulness.html")
        numbers(areas_table(result), result, folder, checkpoint, files)
    st.subheader("Compute over more clips", anchor=False)
    left, right = st.columns(2)
    blocks = tuple(model.backbone.slots())
    first = blocks.index(model.shown_block)
    block = left.selectbox("Block", blocks, index=first, key=f"block {checkpoint} faithfulness")
    fill = right.selectbox(
        "In place of hidden pixels", FILLS, format_func=FILL_NAMES.get, key="fill faithfulness"
    )
    compute_panel(
        "faithfulness",
        checkpoint,
        model,
        lambda root, path, digest: faithfulness_folder(
            root, path, digest, rankings_of(model, (block,)), fill=fill
        ),
        [r for r in found.values() if (r.get("blocks"), r["fill"]) == ([block], fill)],
        arguments=["--block", block, "--fill", fill],
    )


def description_of(result: dict) -> str:
    return result["data"]["description"]


def choose_result(
    kind: str, found: dict[Path, dict], described: Callable[[dict], str]
) -> tuple[Path, dict] | None:
    """One of the stored results, None with a sentence where there is none."""
    if not found:
        st.info("No result over a data set is stored for this checkpoint yet. Compute one below.")
        return None
    folder = next(iter(found))
    if len(found) == 1:
        st.markdown(plain(described(found[folder])))
    else:
        texts = {folder: described(result) for folder, result in found.items()}
        texts = told_apart(texts, {folder: folder.name for folder in found})
        folder = st.selectbox("Stored result", list(found), format_func=texts.get, key=f"stored {kind}")
    tell_left_out(found[folder])
    return folder, found[folder]


def numbers(table: pd.DataFrame, result: dict, folder: Path, checkpoint: str, files: Sequence[str]) -> None:
    title = "Numbers, files and the command that made them"
    expander = st.expander(title, key="what_if_numbers", on_change="rerun")
    if not expander.open:  # a browser takes a while to load tables and code for the first time
        return
    with expander:
        shares = {
            name: st.column_config.NumberColumn(format="%.3f") for name in table.select_dtypes(np.floating)
        }
        st.dataframe(table, hide_index=True, column_config=shares)
        file_row({name: folder / name for name in files}, checkpoint)
        st.code(result["command"], language="bash", wrap_lines=True)
