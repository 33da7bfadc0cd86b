"""The page "Evidence" as one HTML file."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from analysis.ablation.figures import (
    clips_figure,
    cost_figure,
    epochs_figure,
    placements_figure,
    table_figure,
)
from analysis.ablation.grids import CLIPS, EPOCHS, TABLES, Table
from analysis.ablation.numbers import (
    Found,
    begun,
    claims_texts,
    clip_curves,
    epoch_curves,
    health_texts,
    maps_texts,
    relations_texts,
    summary,
    table_texts,
)
from analysis.html_page import Figures, page, paragraph, section, table

INTRODUCTION = (
    "The paper's accuracies are of Something-Something V2, ours of the rendered demo set, which is smaller and of other "
    "actions: what can be compared is which network is better, not by how much."
)
MARKS = (
    "The paper's numbers: stated in its text; derived by arithmetic from what is stated; inferred where more than one reading "
    "is possible; published by other papers. Blank: not known, for the bodies of its tables were not at hand. Within pairs: a prediction "
    "counts as correct if it is the class or its time reversal."
)
INTERVALS = (
    "Intervals are of 95 % and count both that another seed would give another network and that other clips would give "
    "another accuracy. A claim holds where the whole interval of the difference is above 0. Else it does not hold here where "
    "the interval is below 1 point, and cannot be decided at this scale otherwise, or with fewer than three seeds. A claim that something "
    "adds little holds where the whole interval is below 1 point. Each claim is judged alone: of twenty without any effect one would "
    "be decided by chance. Judged together, intervals are so much wider (Bonferroni's correction) that with 95 % none would be."
)
NOTHING_YET = (
    "No cell of this grid has been trained yet. The paper's numbers stand below; this command fills in ours:"
)
FIG5 = (
    "Fig-5 score: the average precision of raw M as a classifier of frame and pixel, the acting hand and what it acts on "
    "against all else, on 100 clips of the split dev. Mean ± standard deviation over seeds."
)
LOCAL_MASS = (
    "Local mass: what rows of the averaged W give to the time step itself and its neighbours, the mean over all rows. (The page "
    "Temporal relations leaves out the first and the last row, which have one neighbour; chance is higher there.) Where it is "
    "at chance, a small JS says nothing. Above chance it may still be that steps in the middle are preferred by all rows; the "
    "page Temporal relations tells that apart."
)
NOT_ALIVE = "Blocks that are not alive at the end of their training, as python -m analysis health tells it."


def command_of(key: str) -> str:
    return f"python -m analysis ablate {key} --workers 2"


COMMAND = command_of("all")


def scale_text(found: Found) -> str:
    """Which clips, how many trainings."""
    results = [result for each in found.values() for result in each]
    clips = sorted({result.clips for result in results})
    devices = sorted({result.software.get("device", "not stated") for result in results})
    uncounted = "; intervals do not account for differences between devices" if len(devices) > 1 else ""
    return (
        f"{len(results)} trainings of {len(found)} networks; unless it says otherwise {CLIPS:,} clips × {EPOCHS} epochs. "
        f"Judged on: {'; '.join(clips)}. A claim is judged at that length, whether or not networks have converged. "
        f"Trained on {' and '.join(devices)}{uncounted}."
    )


def curve_labels() -> dict[str, str]:
    return {row.network: row.label for row in TABLES["epochs"].rows if row.network}


def evidence_page(found: Found, faults: Sequence[str], *, command: str) -> str:
    """The whole page as text; the same arguments give the same text.

    Args:
        found: of `by_network`.
        faults: what is wrong with files that cannot be read.
        command: what was run to get this page.
    """
    figures = Figures()
    opening = [paragraph(summary(TABLES.values(), found)), paragraph(scale_text(found))]
    if not found:
        opening = [paragraph(NOTHING_YET), f"<pre>{COMMAND}</pre>\n"]
    warned = [paragraph(f"Not used: {fault}", note=True) for fault in faults]
    told = [paragraph(text, note=True) for text in (INTRODUCTION, MARKS, INTERVALS)]
    first = sorted(
        TABLES, key=lambda key: not begun(TABLES[key], found)
    )  # stable: those not run yet come last
    tables = [table_section(key, TABLES[key], found, figures) for key in first]
    return page(
        "Evidence: the paper's claims at the scale of the demo set",
        *opening,
        *warned,
        *told,
        *tables,
        ""
        if (costs := cost_figure(found)) is None
        else section("Accuracy against cost", figures.html(costs)),
        maps_section(found),
        section("How this was made", paragraph(command), paragraph(provenance(found))),
    )


def table_section(key: str, each: Table, found: Found, figures: Figures) -> str:
    figure = figure_of(key, found)
    return section(
        each.title,
        table(table_texts(each, found)),
        "" if figure is None else figures.html(figure),
        table(claims_texts(each, found)) if each.claims else "",
        paragraph(each.note, note=True) if each.note else "",
        f"<pre>{command_of(key)}</pre>\n",
    )


def figure_of(key: str, found: Found) -> go.Figure | None:
    """The figure of a table, a curve where it is one of learning; None where none of its networks has been trained."""
    each = TABLES[key]
    if not begun(each, found):
        return None
    if key == "epochs":
        return epochs_figure(epoch_curves(found, curve_labels()), curve_labels())
    if key == "clips":
        return clips_figure(clip_curves(found))
    return placements_figure(found) if key == "1" else table_figure(each, found)


def maps_tables(found: Found) -> list[tuple[str, pd.DataFrame]]:
    """What maps and relations of the cells show, and which blocks are not alive, each with what is said above it."""
    tables = (
        (FIG5, maps_texts(found)),
        (LOCAL_MASS, relations_texts(found)),
        (NOT_ALIVE, health_texts(found)),
    )
    return [(text, frame) for text, frame in tables if len(frame)]


def maps_section(found: Found) -> str:
    parts = [
        part for text, frame in maps_tables(found) for part in (paragraph(text, note=True), table(frame))
    ]
    return section("Maps and temporal relations over seeds", *parts) if parts else ""


def provenance(found: Found) -> str:
    results = [result for each in found.values() for result in each]
    commits = ", ".join(sorted({shortened(result.commit) for result in results})) or "none"
    told = {", ".join(f"{name} {value}" for name, value in sorted(r.software.items())) for r in results}
    machines = "; ".join(sorted(told)) or "none"
    return f"Commits: {commits}. Machines: {machines}. Each cell's file holds its command, seed, settings and history."


def shortened(commit: str | None) -> str:
    """Twelve of its digits, and "-dirty" where files differed."""
    if commit is None:
        return "unknown"
    digits, *dirty = commit.split("-")
    return "-".join([digits[:12], *dirty])
