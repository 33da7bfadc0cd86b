"""Compare: which of two to four checkpoints is better, by how much, on which classes and clips, and where each looks."""

from collections.abc import Sequence

import streamlit as st

from analysis.compare.comparable import LETTERS, NotComparable
from analysis.compare.tables import trainings_text
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
from app.loading.predictions import Stored, tables
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
    title.title(
        plain(" against ".join(names)) if len(names) == 2 else f"Comparison of {len(names)} checkpoints",
        anchor=False,
    )
    found = tables(stored)
    st.markdown(plain(found.pair.sentence))
    if trained := trainings_text(found.differences):
        st.caption(f":material/balance: {plain(trained)}")
    tell_left_out(*(p.facts for p in predictions))
    with st.sidebar:
        chosen = choose_clip(predictions, found.clips)
    below = contents(stored, found)
    link = dict(zip(LETTERS.lower(), names, strict=False)) | {"list": stored[0].of} | chosen
    write_link(link | choose_tab(list(below)))
    with corner:
        report_button(predictions, link)
    if "clip" in link:
        show_clip(predictions, link)
    tabs(below, key="compared_tab", drawn=lambda _: write_tab(choose_tab(list(below))))


page()
