"""Evidence: the paper's tables beside ours, with seeds, and a verdict on each of its claims."""

from functools import partial
from urllib.parse import quote

import pandas as pd
import streamlit as st

from analysis.ablation.cells import Cell, recipe_of
from analysis.ablation.figures import cost_figure, costed
from analysis.ablation.grids import NETWORKS, TABLES, Table
from analysis.ablation.numbers import (
    NOT_RUN,
    Found,
    claims_texts,
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
from app.links import Link, set_address
from app.loading.evidence import cells, checkpoints_by_recipe
from app.markdown import plain
from app.tabs import tabs

COLOURS = {HOLDS: "green", FAILS: "red", OPEN: "orange", NOT_RUN: "gray"}
LINK = "Compare"
# In pixels: what is left of a window of 1,280 is enough for the other columns.
WIDTHS = {"Network": 215, "Paper, %": 190, "Note": 400}


def page() -> None:
    st.title("Evidence", anchor=False)
    warnings, link = st.empty(), Link.of("evidence_link", ("tab",))
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
    contents = {"Claims": partial(claims, found)}
    contents |= {name_of(key): partial(show, key, TABLES[key], found, here) for key in TABLES}
    if costed(found):
        contents["Costs"] = partial(costs, found)
    if tables := maps_tables(found):
        contents["Maps"] = partial(maps, tables)
    link.settle("evidence_tab", "tab", list(contents), next(iter(contents)), "tab")
    tabs(contents, key="evidence_tab", drawn=lambda tab: set_address({"tab": tab}))
    link.show_warnings(warnings)
    if found:
        with st.expander("Commits and machines"):
            st.caption(plain(provenance(found)))
    offer = Download(
        "This page as HTML",
        "evidence.html",
        "text/html",
        lambda: evidence_page(found, faults, command="python -m analysis evidence"),
    )
    download_row([offer])


def name_of(key: str) -> str:
    """A table's in the tabs and in links."""
    return f"Table {key}" if key.isdecimal() else key.capitalize()


def claims(found: Found) -> None:
    """All of them with their verdicts."""
    lines = pd.concat(
        claims_texts(table, found).assign(Table=name_of(key)) for key, table in TABLES.items() if table.claims
    )
    columns = {
        "Claim": st.column_config.Column(width=430),
        "Verdict": st.column_config.MultiselectColumn(
            options=list(COLOURS), color=list(COLOURS.values()), width=235
        ),
        "Table": st.column_config.Column(width=80),
    }
    lines["Verdict"] = [[word] for word in lines["Verdict"]]
    st.dataframe(
        lines[["Claim", "Verdict", "Here", "Table"]],
        hide_index=True,
        height="content",
        column_config=columns,
        alt="All claims with their verdicts",
    )


def show(key: str, table: Table, found: Found, here: dict[str, str]) -> None:
    st.subheader(table.title, anchor=False)
    lines, columns = linked(table_texts(table, found), table, here)
    columns |= {name: st.column_config.Column(width=width) for name, width in WIDTHS.items() if name in lines}
    st.dataframe(lines, hide_index=True, height="content", column_config=columns)
    for claim in table.claims:
        found_of_it = judged(claim, found)
        badge = f":{COLOURS[found_of_it.word]}-badge[{found_of_it.word}]"
        st.markdown(f"{badge} {plain(claim.told)}. {plain(found_of_it.sentence)}")
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


def costs(found: Found) -> None:
    st.subheader("Accuracy against cost", anchor=False)
    st.plotly_chart(cost_figure(found), key="costs", alt="Top-1 with intervals against multiply-accumulates")


def maps(tables: list[tuple[str, pd.DataFrame]]) -> None:
    st.subheader("Maps and temporal relations over seeds", anchor=False)
    for text, frame in tables:
        st.caption(plain(text))
        st.dataframe(frame, hide_index=True, height="content")


page()
