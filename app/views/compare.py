"""Compare: which of two to four checkpoints is better, by how much, on which classes and clips, and where each looks."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from analysis.compare.comparable import LETTERS, NotComparable
from analysis.compare.figures import COSTS, cost_figure, per_class_figure
from analysis.compare.report import CAVEAT
from analysis.compare.tables import trainings_text
from analysis.figures import LEGEND_ABOVE
from app import loading
from app.choices import one_error
from app.compare.choices import (
    choose_checkpoints,
    choose_list,
    choose_tab,
    page_link,
    write_link,
    write_tab,
)
from app.compare.clip import choose_clip, show_clip
from app.compare.compute import compute_predictions
from app.compare.exports import report_button
from app.compare.tabs import contents
from app.loading.predictions import Stored, Tables, tables
from app.markdown import plain
from app.stored import tell_left_out
from app.tabs import tabs


def page() -> None:
    link = page_link()
    heading, corner = st.columns([4, 1], vertical_alignment="center")
    title, warnings = heading.empty(), st.empty()
    title.title("Compare", anchor=False)
    with one_error():
        show(title, corner)
    link.show_warnings(warnings)


def show(title, corner) -> None:
    """title: the place of the page's heading; corner: that beside it."""
    checkpoints = choose_checkpoints(loading.checkpoint_names())
    try:
        stored, missing = choose_list(checkpoints)
    except NotComparable as error:
        st.error(plain(str(error)), icon=":material/error:")
        stored, missing = [], []
    for name in missing:
        st.info(
            plain(
                f"{name} has no stored predictions, so it is not in the comparison: compute them at the end of this page."
            ),
            icon=":material/hourglass_empty:",
        )
    if stored:
        compare(stored, title, corner)
    compute_predictions(checkpoints, missing, expanded=not stored or bool(missing))


def compare(stored: Sequence[Stored], title, corner) -> None:
    predictions = [s.predictions for s in stored]
    names = [p.name for p in predictions]
    title.title(plain(" against ".join(names)), anchor=False)
    found = tables(stored)
    st.markdown(plain(found.pair.sentence))
    st.caption(CAVEAT)
    if trained := trainings_text(found.differences):
        st.caption(f":material/balance: {plain(trained)}")
    tell_left_out(*(p.facts for p in predictions))
    overview(found)
    classes(found.classes, names)
    chosen = choose_clip(predictions, found.clips)
    below = contents(stored, found)
    link = dict(zip(LETTERS.lower(), names, strict=False)) | {"list": stored[0].of} | chosen
    write_link(link | choose_tab(list(below)))
    with corner:
        report_button(predictions, link)
    if "clip" in link:
        show_clip(predictions, link)
    tabs(below, key="compared_tab", drawn=lambda _: write_tab(choose_tab(list(below))))


def overview(found: Tables) -> None:
    st.dataframe(found.overview, hide_index=True)
    if len(found.overview) > 2:
        st.caption("All pairs; p is adjusted for the number of pairs (Holm).")
        st.dataframe(found.pairs, hide_index=True)
    left, right = st.columns(2, gap="large")
    with left:
        heading, choice = st.columns([3, 2], vertical_alignment="bottom")
        heading.subheader("Accuracy against cost", anchor=False)
        names = {"macs": "MACs", "parameters": "Parameters"}
        cost = choice.segmented_control(
            "Cost",
            list(COSTS),
            default="macs",
            format_func=names.get,
            required=True,
            key="cost",
            label_visibility="collapsed",
        )
        figure = cost_figure(found.numbers, cost).update_layout(height=320, legend=LEGEND_ABOVE, margin_t=50)
        st.plotly_chart(figure, key="costs", alt="Top-1 with intervals against cost")
    with right:
        st.subheader("What differs", anchor=False)
        if found.differences.empty:
            st.caption("Only their weights; all recorded settings are the same.")
        else:
            st.dataframe(found.differences, hide_index=True)


def classes(table: pd.DataFrame, names: list[str]) -> None:
    """table: `compare.numbers.per_class`. A click on a class lists its clips below."""
    st.subheader("Class by class", anchor=False)
    st.caption("Click a class to list its clips below.")

    def picked() -> None:
        if points := st.session_state["classes"].selection.points:
            st.session_state["compared_label"] = table.label[points[0]["point_index"]]

    st.plotly_chart(
        per_class_figure(table, *names[:2]),
        key="classes",
        on_select=picked,
        selection_mode="points",
        alt="Accuracy of A minus that of B for every class as bars",
    )


page()
