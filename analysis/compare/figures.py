"""Figures of a comparison, from the tables of analysis.compare; A is blue and B is orange, wherever they meet."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb
from plotly.subplots import make_subplots

from analysis.colours import SERIES, SYMBOLS
from analysis.compare.numbers import SIGNIFICANT
from analysis.figures import GRID, LEGEND_ABOVE, as_text, numbered, plain

COSTS = {
    "macs": ("MACs of one view, G", 1e9),
    "parameters": ("parameters, M", 1e6),
}
SHARES = "cividis"  # runs evenly through lightness, with colour-vision deficiency too
FAINT = 0.35
READABLE = 60  # classes whose labels fit along an axis


def cost_figure(table: pd.DataFrame, cost: str = "macs") -> go.Figure:
    """Top-1 with its 95 % interval against a cost, a mark a checkpoint.

    table: rows of `compare.numbers.summary` joined with `compare.numbers.costs`. cost: a key of COSTS.
    """
    axis, unit = COSTS[cost]
    figure = go.Figure()
    for number, row in enumerate(table.to_dict("records")):
        figure.add_trace(
            go.Scatter(
                x=[row[cost] / unit],
                y=[row["top1"]],
                error_y={
                    "array": [row["top1_high"] - row["top1"]],
                    "arrayminus": [row["top1"] - row["top1_low"]],
                    "thickness": 1.5,
                },
                mode="markers",
                name=as_text(row["checkpoint"]),
                marker={"color": SERIES[number], "size": 11, "symbol": SYMBOLS[number]},
                hovertemplate=f"{as_text(row['checkpoint'])}: %{{y:.1%}} [{row['top1_low']:.1%}, {row['top1_high']:.1%}] at "
                "%{x:.4g}<extra></extra>",
            )
        )
    figure.update_xaxes(title_text=axis, rangemode="tozero", **GRID)
    figure.update_yaxes(title_text="top-1, 95 % intervals", tickformat=".0%", **GRID)
    figure.update_layout(height=380)
    return plain(figure)


def per_class_figure(table: pd.DataFrame, a: str, b: str, *, chosen: str | None = None) -> go.Figure:
    """Accuracy of A minus that of B, a bar a class, the best for A on top.

    table: `compare.numbers.per_class`. Bars are faint where the difference may be luck (Holm's p not below 0.05). What a click
    selects has the class's label as `customdata[0]`. chosen: the label of a class to highlight; of none where no class has it.
    """
    ahead = np.where(table.difference >= 0, SERIES[0], SERIES[1])
    sure = (table.p_holm < SIGNIFICANT).to_numpy()
    colours = [rgba(colour, 1 if certain else FAINT) for colour, certain in zip(ahead, sure, strict=True)]
    others = (table.label != chosen) & (table.label == chosen).any()
    bars = go.Bar(
        x=100 * table.difference,
        y=list(range(len(table))),
        orientation="h",
        # Not Plotly's own selection: a click on what that holds would be told as a choice of nothing.
        marker={"color": colours, "line": {"color": ahead, "width": 1}, "opacity": np.where(others, 0.25, 1)},
        customdata=table.assign(shown=table.label.map(as_text))[
            ["label", "clips", "a", "b", "only_a", "only_b", "p_holm", "shown"]
        ].to_numpy(),
        hovertemplate="%{customdata[7]}<br>%{customdata[1]} clips · A %{customdata[2]:.1%}, B %{customdata[3]:.1%}<br>"
        "only A right %{customdata[4]}, only B %{customdata[5]} · Holm's p %{customdata[6]:.2g}<extra></extra>",
        showlegend=False,
    )
    figure = go.Figure(bars)
    # An empty trace a meaning: Plotly's legend knows traces, not the colours of single bars.
    for name, colour, edge in (
        (f"A better ({as_text(a)})", SERIES[0], SERIES[0]),
        (f"B better ({as_text(b)})", SERIES[1], SERIES[1]),
        ("faint: Holm's p not below 0.05", rgba("#808080", FAINT), "#808080"),
    ):
        marker = {"color": colour, "line": {"color": edge, "width": 1}}
        figure.add_trace(go.Bar(x=[None], y=[None], name=name, marker=marker))
    figure.add_vline(0, line={"color": "gray", "width": 1})
    figure.update_xaxes(title_text="accuracy of A minus accuracy of B, points", tickformat="+~g", **GRID)
    figure.update_yaxes(
        **numbered(map(shortened, table.label)),
        range=[len(table) - 0.4, -0.6],
        automargin=True,
        showgrid=False,
        zeroline=False,
    )
    figure.update_layout(
        height=130 + 22 * len(table),
        barmode="overlay",
        bargap=0.25,
        clickmode="event+select",
        legend=LEGEND_ABOVE,
    )
    return plain(figure).update_layout(margin_t=70)


def reliability_figure(curves: Mapping[str, tuple[pd.DataFrame, float]]) -> go.Figure:
    """Accuracy at each confidence with 95 % intervals, the clips of each bin below; dashed, a calibrated model.

    curves: name -> `compare.numbers.reliability`.
    """
    figure = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.06)
    figure.add_trace(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": "gray", "dash": "dash"},
            name="calibrated",
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )
    for number, (checkpoint, (table, ece)) in enumerate(curves.items()):
        name = as_text(checkpoint)
        filled = table[table.clips > 0]
        colour = SERIES[number]
        figure.add_trace(
            go.Scatter(
                x=filled.confidence,
                y=filled.accuracy,
                error_y={
                    "array": filled.accuracy_high - filled.accuracy,
                    "arrayminus": filled.accuracy - filled.accuracy_low,
                    "thickness": 1,
                },
                mode="lines+markers",
                name=f"{name}, ECE {ece:.3f}",
                legendgroup=name,
                line={"color": colour},
                marker={"symbol": SYMBOLS[number]},
                customdata=filled.clips,
                hovertemplate=f"{name}: confidence %{{x:.1%}}, right %{{y:.1%}} of %{{customdata}} clips<extra></extra>",
            ),
            row=1,
            col=1,
        )
        figure.add_trace(
            go.Scatter(
                x=(table.low + table.high) / 2,
                y=table.clips,
                mode="lines",
                line={"color": colour, "shape": "hvh"},
                name=name,
                legendgroup=name,
                showlegend=False,
                hovertemplate=f"{name}: %{{y}} clips<extra></extra>",
            ),
            row=2,
            col=1,
        )
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", **GRID)
    figure.update_xaxes(title_text="confidence: probability of the predicted class", row=2)
    figure.update_yaxes(**GRID)
    figure.update_yaxes(title_text="accuracy", range=[0, 1.03], tickformat=".0%", row=1)
    figure.update_yaxes(title_text="clips", rangemode="tozero", row=2)
    figure.update_layout(height=520, legend=LEGEND_ABOVE)
    return plain(figure).update_layout(margin_t=70)


def confusion_figure(matrices: Mapping[str, np.ndarray], labels: Sequence[str]) -> go.Figure:
    """Confusion matrices side by side on one colour scale, as shares of each true class.

    matrices: name -> clips of class i (rows) predicted as j (columns), int (C, C); a class without clips is left blank.
    """
    figure = make_subplots(
        1, len(matrices), subplot_titles=list(map(as_text, matrices)), horizontal_spacing=0.03
    )
    for column, matrix in enumerate(matrices.values(), start=1):
        shares = matrix / np.where(matrix.sum(1), matrix.sum(1), np.nan)[:, None]
        figure.add_trace(heat_map(shares, matrix, labels, "%{z:.1%}, %{customdata} clips"), row=1, col=column)
    figure.update_layout(
        coloraxis={
            "colorscale": SHARES,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": "share of<br>the class", "tickformat": ".0%"},
        }
    )
    figure = square(figure, labels)
    for column in range(2, len(matrices) + 1):
        figure.update_yaxes(showticklabels=False, col=column)
    return figure


def confusion_difference_figure(a: np.ndarray, b: np.ndarray, labels: Sequence[str]) -> go.Figure:
    """Clips of class i (rows) that A takes for j (columns), minus those that B does; 0 is clear.

    On the diagonal blue is good for A, off it good for B. The scale is that of the confusions: the diagonal may lie beyond it.
    """
    difference = a - b
    limit = max(int(np.abs(difference - np.diag(np.diag(difference))).max()), 1)
    figure = make_subplots(1, 1)
    figure.add_trace(
        heat_map(difference, np.stack([a, b], -1), labels, "A %{customdata[0]}, B %{customdata[1]} clips")
    )
    figure.update_layout(
        coloraxis={
            "colorscale": [
                (0, SERIES[1]),
                (0.5, rgba(SERIES[1], 0)),
                (0.5, rgba(SERIES[0], 0)),
                (1, SERIES[0]),
            ],
            "cmin": -limit,
            "cmax": limit,
            "colorbar": {"title": "clips,<br>A minus B"},
        }
    )
    return square(figure, labels)


def heat_map(values: np.ndarray, shown: np.ndarray, labels: Sequence[str], text: str) -> go.Heatmap:
    """values (C, C); shown: (C, C, ...), what `text` calls customdata."""
    labels = list(map(as_text, labels))
    heat = go.Heatmap(x=labels, y=labels, z=values, customdata=shown, coloraxis="coloraxis")
    heat.hovertemplate = f"%{{y}}<br>predicted %{{x}}<br>{text}<extra></extra>"
    if len(labels) <= READABLE:  # the pointer would show the shortened labels of the axes
        heat.text = [[f"{true}<br>predicted {predicted}" for predicted in labels] for true in labels]
        heat.hovertemplate = f"%{{text}}<br>{text}<extra></extra>"
    return heat


def square(figure: go.Figure, labels: Sequence[str]) -> go.Figure:
    """Square cells, true classes down. Of many classes the pointer alone gives the names."""
    ticks = {"tickvals": list(map(as_text, labels)), "ticktext": [shortened(label, 32) for label in labels]}
    ticks = ticks if len(labels) <= READABLE else {"showticklabels": False}
    bare = {"constrain": "domain", "showgrid": False, "zeroline": False, "automargin": True}
    figure.update_xaxes(**ticks, **bare, tickangle=-90, title_text="predicted")
    figure.update_yaxes(**ticks, **bare, autorange="reversed")
    figure.update_yaxes(title_text="true class", col=1)
    for axis in figure.select_yaxes():
        axis.scaleanchor = axis.anchor
    figure.update_layout(height=620)
    return plain(figure)


def shortened(label: str, length: int = 44) -> str:
    """A long label without its middle: classes that are each other's reversal differ at the end."""
    end = 2 * length // 3
    return as_text(
        label if len(label) <= length else f"{label[: length - 1 - end].rstrip()}…{label[-end:].lstrip()}"
    )


def rgba(colour: str, opacity: float) -> str:
    return f"rgba{(*hex_to_rgb(colour), opacity)}"
