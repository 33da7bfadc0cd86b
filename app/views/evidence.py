"""Evidence: the paper's tables beside ours, with seeds, and a verdict on each of its claims."""

from urllib.parse import quote

import pandas as pd
import streamlit as st

from analysis.ablation.cells import Cell, recipe_of
from analysis.ablation.figures import cost_figure
from analysis.ablation.grids import NETWORKS, TABLES, Table
from analysis.ablation.numbers import (
    NOT_RUN,
    Found,
    begun,
    judged,
    summary,
    table_texts,
)
from analysis.ablation.report import (
    COMMAND,
    INTERVALS,
    INTRODUCTION,
    MARKS,
    NOTHING_YET,
    command_of,
    evidence_page,
    figure_of,
    maps_tables,
    provenance,
    scale_text,
)
from analysis.crossed import FAILS, HOLDS, OPEN
from app.exports import Download, download_row
from app.loading.evidence import cells, checkpoints_by_recipe
from app.markdown import plain

COLOURS = {HOLDS: "green", FAILS: "red", OPEN: "orange", NOT_RUN: "gray"}
LINK = "Compare"
# In pixels: what is left of a window of 1,280 is enough for the other columns.
WIDTHS = {"Network": 215, "Paper, %": 135, "Note": 400}


def page() -> None:
    st.title("Evidence", anchor=False)
    found, faults = cells()
    for fault in faults:
        st.warning(plain(fault), icon=":material/broken_image:")
    if found:
        st.markdown(plain(f"{summary(TABLES.values(), found)} {scale_text(found)}"))
    else:
        st.info(NOTHING_YET, icon=":material/hourglass_empty:")
        st.code(COMMAND, language="bash")
    st.markdown(plain(INTRODUCTION))
    with st.expander("How to read this page"):
        for text in (MARKS, INTERVALS):
            st.markdown(plain(text))
    here = checkpoints_by_recipe()
    waiting = [key for key in TABLES if not begun(TABLES[key], found)]
    for key in [key for key in TABLES if key not in waiting]:
        show(key, TABLES[key], found, here)
    if (costs := cost_figure(found)) is not None:
        st.subheader("Accuracy against cost", anchor=False)
        st.plotly_chart(costs, key="costs", alt="Top-1 with intervals against multiply-accumulates")
    if found:
        maps(found)
        st.caption(plain(provenance(found)))
    if waiting:
        with st.expander(f"Not run yet: {len(waiting)} of {len(TABLES)} tables", expanded=not found):
            for key in waiting:
                show(key, TABLES[key], found, here)
    offer = Download(
        "This page as HTML",
        "evidence.html",
        "text/html",
        lambda: evidence_page(found, faults, command="python -m analysis evidence"),
    )
    download_row([offer])


def show(key: str, table: Table, found: Found, here: dict[str, str]) -> None:
    st.subheader(table.title, anchor=False)
    lines, columns = linked(table_texts(table, found), table, here)
    columns |= {name: st.column_config.Column(width=width) for name, width in WIDTHS.items() if name in lines}
    st.dataframe(lines, hide_index=True, height="content", column_config=columns)
    for claim in table.claims:
        found_of_it = judged(claim, found)
        badge = f":{COLOURS[found_of_it.word]}-badge[{found_of_it.word}]"
        st.markdown(f"{badge} {plain(claim.text)}. {plain(found_of_it.sentence)}")
    if (figure := figure_of(key, found)) is not None:
        st.plotly_chart(figure, key=f"table {key}", alt=f"Top-1 of the networks of {table.title}")
    if table.note:
        st.caption(plain(table.note))
    st.code(command_of(key), language="bash")


def linked(lines: pd.DataFrame, table: Table, here: dict[str, str]) -> tuple[pd.DataFrame, dict]:
    """With a link to Compare in rows of which a checkpoint is here, and how that column is shown."""
    recipes = [
        recipe_of(Cell.of(row.network, NETWORKS[row.network], seed=0).settings) if row.network else ""
        for row in table.rows
    ]
    names = [here.get(recipe) for recipe in recipes]
    if not any(names):
        return lines, {}
    column = st.column_config.LinkColumn(
        LINK,
        display_text=r"\?a=(.*)",
        width=125,
        help="A checkpoint of this network and training, of one of the seeds",
    )
    links = [f"compare?a={quote(name, safe='')}" if name else "" for name in names]
    lines.insert(1, LINK, links)  # notes are long
    return lines, {LINK: column}


def maps(found: Found) -> None:
    if tables := maps_tables(found):
        st.subheader("Maps and temporal relations over seeds", anchor=False)
    for text, frame in tables:
        st.caption(plain(text))
        st.dataframe(frame, hide_index=True)


page()
