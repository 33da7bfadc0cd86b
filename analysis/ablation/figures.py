"""Figures of the tables: ours beside the paper's, accuracy against cost, learning curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from analysis.ablation.grids import FULL, NETWORKS, NO_BLOCK, PLACED, PLACEMENTS, SIMPLIFIED, TABLES, Table
from analysis.ablation.numbers import Found, accuracy
from analysis.colours import SERIES
from analysis.crossed import Estimate
from analysis.figures import GRID, LEGEND_ABOVE, plain

OURS, PAPERS = SERIES[0], "gray"
# One colour a block in all figures that tell them apart.
BLOCK_COLOURS = {FULL: SERIES[0], SIMPLIFIED: SERIES[1], NO_BLOCK: SERIES[2]}
BACKBONE_COLOURS = {"TSN": SERIES[0], "TSM": SERIES[2], "SlowOnly": SERIES[3]}
BLOCK_SYMBOLS = {FULL: "circle", SIMPLIFIED: "square", NO_BLOCK: "diamond"}


def table_figure(table: Table, found: Found) -> go.Figure:
    """A line a row: our accuracy with its interval, and the paper's where it is one number."""
    figure = go.Figure()
    labels = [row.label for row in table.rows]
    ours = [(row.label, e) for row in table.rows if (e := accuracy(found.get(row.network or "", ())))]
    papers = [(row.label, number) for row in table.rows if (number := first_number(row.paper)) is not None]
    figure.add_trace(
        go.Scatter(
            x=[number for _, number in papers],
            y=[label for label, _ in papers],
            mode="markers",
            marker={"color": PAPERS, "size": 12, "symbol": "diamond"},
            name="paper, Something-Something V2",
            hovertemplate="%{y}, paper: %{x:.1%}<extra></extra>",
        )
    )
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
    """Accuracy against multiply-accumulates of the networks of Tables 1 to 5: a colour a backbone, a symbol a block.

    None where none of them has been trained.
    """
    if not (labels := costed(found)):
        return None
    figure = go.Figure()
    for backbone, colour in BACKBONE_COLOURS.items():
        for block, symbol in BLOCK_SYMBOLS.items():
            networks = [network for network in labels if kind_of(network) == (backbone, block)]
            if not networks:
                continue
            estimates = [estimate for network in networks if (estimate := accuracy(found[network]))]
            figure.add_trace(
                go.Scatter(
                    x=[found[network][0].macs / 1e9 for network in networks],
                    y=[estimate.value for estimate in estimates],
                    error_y=error_bars(estimates),
                    text=[labels[network] for network in networks],
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": 10},
                    name=f"{backbone}, {block}",
                    hovertemplate="%{text}: %{y:.1%} at %{x:.3f} G<extra></extra>",
                )
            )
    figure.update_xaxes(title_text="MACs of one clip, G", **GRID)
    figure.update_yaxes(title_text="top-1, 95 % intervals", tickformat=".0%", rangemode="tozero", **GRID)
    return plain(figure.update_layout(height=460))


def costed(found: Found) -> dict[str, str]:
    """Networks of Tables 1 to 5 that have been trained -> the first table that has each, and its label there."""
    labels: dict[str, str] = {}
    for key in ("1", "2", "3", "4", "5"):
        for row in TABLES[key].rows:
            if row.network and row.network in found:
                labels.setdefault(row.network, f"Table {key}: {row.label}")
    return labels


def kind_of(network: str) -> tuple[str, str]:
    """Its backbone and its block, as figures name them."""
    model = NETWORKS[network].model
    backbone = model.name.partition("_")[0]
    name = next(name for name in BACKBONE_COLOURS if name.lower() == backbone)
    return name, {None: NO_BLOCK, "atr_sim": SIMPLIFIED, "atr": FULL}[model.block]


def epochs_figure(curves: Mapping[str, np.ndarray], labels: Mapping[str, str]) -> go.Figure:
    """Mean over seeds after every epoch, and the standard deviation of seeds. curves: network -> (S, epochs)."""
    figure = go.Figure()
    for network, values in curves.items():
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
        figure.add_trace(
            go.Scatter(
                x=np.arange(1, values.shape[1] + 1),
                y=values.mean(axis=0),
                error_y={"array": spread, "thickness": 1},
                mode="lines+markers",
                line={"color": BLOCK_COLOURS[labels[network]]},
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
    for label, networks in PLACED.items():
        ours = {place: e for place, network in networks.items() if (e := accuracy(found.get(network, ())))}
        stated = {place: share for place, network in networks.items() if (share := papers[network])}
        figure.add_trace(curve(label, ours, BLOCK_COLOURS[label]))
        figure.add_trace(
            go.Scatter(
                x=list(stated),
                y=list(stated.values()),
                mode="markers",
                marker={"color": BLOCK_COLOURS[label], "size": 9, "symbol": "diamond-open"},
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
    for label, points in curves.items():
        figure.add_trace(curve(label, points, BLOCK_COLOURS[label]))
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
