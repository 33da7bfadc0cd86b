"""Figures of the tables: ours beside the paper's, accuracy against cost, learning curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.ablation.grids import NO_BLOCK, PLACED, PLACEMENTS, TABLES, Table
from analysis.ablation.numbers import Found, accuracy
from analysis.colours import SERIES
from analysis.crossed import Estimate
from analysis.figures import GRID, LEGEND_ABOVE, plain

OURS, PAPERS = SERIES[0], SERIES[1]


def table_figure(table: Table, found: Found) -> go.Figure:
    """A line a row: our accuracy with its interval, and the paper's where it is one number."""
    figure = go.Figure()
    labels = [row.label for row in table.rows]
    ours = [(row.label, e) for row in table.rows if (e := accuracy(found.get(row.network or "", ())))]
    figure.add_trace(
        go.Scatter(
            x=[e.value for _, e in ours],
            y=[label for label, _ in ours],
            error_x=error_bars([e for _, e in ours]),
            mode="markers",
            marker={"color": OURS, "size": 9},
            name="here, 95 % over seeds and clips",
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    )
    papers = [(row.label, number) for row in table.rows if (number := first_number(row.paper)) is not None]
    figure.add_trace(
        go.Scatter(
            x=[number for _, number in papers],
            y=[label for label, _ in papers],
            mode="markers",
            marker={"color": PAPERS, "size": 9, "symbol": "diamond-open"},
            name="paper, Something-Something V2",
            hovertemplate="%{y}, paper: %{x:.1%}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="top-1", tickformat=".0%", rangemode="tozero", **GRID)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=labels[::-1],
        range=[-0.6, len(labels) - 0.4],
        automargin=True,
        **GRID,
    )
    figure.update_layout(
        height=130 + 26 * len(labels),
        showlegend=True,  # of a single trace too
        legend=LEGEND_ABOVE,
    )
    return plain(figure).update_layout(margin_t=60)


def first_number(text: str) -> float | None:
    """The share that "59.6", or "64.0 (2×3 views)", stands for; None of a range and of ""."""
    word = text.split(" ")[0]
    return float(word) / 100 if word and " to " not in text else None


def error_bars(estimates: Sequence[Estimate]) -> dict:
    """Nothing where there is no interval."""
    return {
        "array": [0 if e.high is None else e.high - e.value for e in estimates],
        "arrayminus": [0 if e.low is None else e.value - e.low for e in estimates],
        "thickness": 1.5,
    }


def cost_figure(found: Found) -> go.Figure | None:
    """Accuracy against multiply-accumulates of all networks of the tables, each once, a colour a table; None of none."""
    figure, seen = go.Figure(), set[str]()
    for number, key in enumerate(("1", "2", "3", "4", "5")):
        labels = {row.network: row.label for row in TABLES[key].rows if row.network}
        rows = {name: label for name, label in labels.items() if name in found and name not in seen}
        seen |= rows.keys()
        if not rows:
            continue
        estimates = [estimate for network in rows if (estimate := accuracy(found[network]))]
        figure.add_trace(
            go.Scatter(
                x=[found[network][0].macs / 1e9 for network in rows],
                y=[estimate.value for estimate in estimates],
                error_y=error_bars(estimates),
                text=list(rows.values()),
                mode="markers",
                marker={"color": SERIES[number], "size": 10},
                name=f"Table {key}",
                hovertemplate="%{text}: %{y:.1%} at %{x:.3f} G<extra></extra>",
            )
        )
    if not seen:
        return None
    figure.update_xaxes(title_text="multiply-accumulates of one clip, in billions", **GRID)
    figure.update_yaxes(title_text="top-1, 95 % intervals", tickformat=".0%", **GRID)
    return plain(figure.update_layout(height=380))


def epochs_figure(curves: Mapping[str, np.ndarray], labels: Mapping[str, str]) -> go.Figure:
    """Mean over seeds after every epoch, and the standard deviation of seeds. curves: network -> (S, epochs)."""
    figure = go.Figure()
    for number, (network, values) in enumerate(curves.items()):
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
        figure.add_trace(
            go.Scatter(
                x=np.arange(1, values.shape[1] + 1),
                y=values.mean(axis=0),
                error_y={"array": spread, "thickness": 1},
                mode="lines+markers",
                line={"color": SERIES[number % len(SERIES)]},
                name=labels[network],
            )
        )
    figure.update_xaxes(title_text="epoch", dtick=1, **GRID)
    figure.update_yaxes(
        title_text="top-1, held-out clips ± sd of seeds", tickformat=".0%", rangemode="tozero", **GRID
    )
    return plain(figure.update_layout(height=380))


def curve(label: str, points: Mapping[Any, Estimate], color: str) -> go.Scatter:
    """Accuracies with their intervals by whatever stands below them."""
    return go.Scatter(
        x=list(points),
        y=[estimate.value for estimate in points.values()],
        error_y=error_bars(list(points.values())),
        mode="lines+markers",
        line={"color": color},
        name=label,
    )


def placements_figure(found: Found) -> go.Figure:
    """Accuracy by where blocks are placed, with intervals, and the paper's where it is one number; a colour a block."""
    papers = {row.network: first_number(row.paper) for row in TABLES["1"].rows}
    figure = go.Figure()
    for number, (label, networks) in enumerate(PLACED.items()):
        ours = {place: e for place, network in networks.items() if (e := accuracy(found.get(network, ())))}
        stated = {place: share for place, network in networks.items() if (share := papers[network])}
        figure.add_trace(curve(label, ours, SERIES[number]))
        figure.add_trace(
            go.Scatter(
                x=list(stated),
                y=list(stated.values()),
                mode="markers",
                marker={"color": SERIES[number], "size": 9, "symbol": "diamond-open"},
                name=f"{label}, paper",
            )
        )
    figure.update_xaxes(
        title_text="blocks in", categoryorder="array", categoryarray=[NO_BLOCK, *PLACEMENTS], **GRID
    )
    figure.update_yaxes(title_text="top-1, 95 % intervals", tickformat=".0%", rangemode="tozero", **GRID)
    return plain(figure.update_layout(height=380))


def clips_figure(curves: Mapping[str, Mapping[int, Estimate]]) -> go.Figure:
    """Accuracy by number of training clips, with intervals. curves: of `clip_curves`."""
    figure = go.Figure()
    for number, (label, points) in enumerate(curves.items()):
        figure.add_trace(curve(label, points, SERIES[number]))
    ticks = sorted({clips for points in curves.values() for clips in points})
    figure.update_xaxes(
        title_text="training clips",
        type="log",
        tickvals=ticks,
        ticktext=[f"{tick:,}" for tick in ticks],
        **GRID,
    )
    figure.update_yaxes(title_text="top-1, 95 % intervals", tickformat=".0%", rangemode="tozero", **GRID)
    return plain(figure.update_layout(height=380))
