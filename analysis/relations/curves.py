"""Figures beside Fig 4: local mass, convergence, and ER's learned kernels on the axes of GR's windows."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.colors import hex_to_rgb
from plotly.subplots import make_subplots

from analysis.colours import SERIES, mark
from analysis.figures import plain
from analysis.relations.average import Key
from analysis.relations.fig4 import title
from analysis.relations.findings import margin
from analysis.relations.numbers import columns_mass, inner_mass_ends

CHANCE = {"color": "gray", "dash": "dash"}
COLUMNS = 3  # of panels


def local_mass_figure(entries: Sequence[dict], untrained: Sequence[dict]) -> go.Figure:
    """Left, mass within k of the diagonal, mean over all rows; right, k = 1 over the rows with both neighbours.

    On the right with 95 % intervals; a bar is what the columns of W alone would give, and the band around it what does not
    yet count as local: as far as untrained reasoners are from theirs, `margin`.
    Dashed: chance, what uniform rows would have.
    """
    figure = make_subplots(
        1,
        2,
        column_widths=[0.5, 0.5],
        horizontal_spacing=0.11,
        subplot_titles=["all rows", "k = 1, rows with both neighbours, 95 % intervals"],
    )
    for number, entry in enumerate(entries):
        figure.add_trace(
            go.Scatter(
                x=list(range(len(entry["local_mass"]))),
                y=entry["local_mass"],
                mode="lines+markers",
                name=title(entry),
                marker=mark(number),
                line_color=mark(number)["color"],
                hovertemplate=f"{title(entry)} · k = %{{x}}: %{{y:.4f}}<extra></extra>",
            ),
            row=1,
            col=1,
        )
    chance = entries[0]["chance"]
    figure.add_trace(
        go.Scatter(x=list(range(len(chance))), y=chance, mode="lines", name="chance", line=CHANCE),
        row=1,
        col=1,
    )
    marks = [mark(number) for number in range(len(entries))]
    values, ends = np.array([entry["inner_mass"] for entry in entries]), inner_mass_ends(entries)
    figure.add_trace(
        go.Scatter(
            x=[columns_mass(entry) for entry in entries],
            y=[title(entry) for entry in entries],
            mode="markers",
            name="columns alone",
            marker={"symbol": "line-ns", "size": 22, "line": {"width": 2, "color": "gray"}},
            error_x={
                "array": [margin(control) for control in untrained],
                "color": "lightgray",
                "thickness": 6,
                "width": 0,
            },
            hovertemplate="%{y}, its columns alone: %{x:.4f} ± %{error_x.array:.4f}<extra></extra>",
        ),
        row=1,
        col=2,
    )
    figure.add_trace(
        go.Scatter(
            x=values,
            y=[title(entry) for entry in entries],
            mode="markers",
            name="mass",
            marker={
                "symbol": [each["symbol"] for each in marks],
                "size": 9,
                "color": [each["color"] for each in marks],
            },
            error_x={"array": ends[:, 1] - values, "arrayminus": values - ends[:, 0], "color": "gray"},
            customdata=ends,
            hovertemplate="%{y}: %{x:.4f}, 95 %: %{customdata[0]:.4f} to %{customdata[1]:.4f}<extra></extra>",
            showlegend=False,
        ),
        row=1,
        col=2,
    )
    figure.add_vline(entries[0]["inner_chance"], line=CHANCE, row=1, col=2)
    figure.update_xaxes(title_text="k: columns within k of the diagonal", dtick=1, row=1, col=1)
    figure.update_yaxes(title_text="mass", range=[0, 1.03], row=1, col=1)
    figure.update_xaxes(title_text="mass within one step", row=1, col=2)
    figure.update_yaxes(autorange="reversed", row=1, col=2)
    figure.update_layout(height=420)
    return plain(figure)


def convergence_figure(curves: Sequence[dict], unit: str) -> go.Figure:
    """`convergence` of every block: JS mean, and the largest distance from the average over all videos."""
    figure = make_subplots(
        1,
        2,
        subplot_titles=[f"mean JS, {unit}", "largest distance from the windows of all videos"],
    )
    for number, curve in enumerate(curves):
        for column, name in ((1, "js_mean"), (2, "distance")):
            figure.add_trace(
                go.Scatter(
                    x=curve["videos"],
                    y=curve[name],
                    mode="lines+markers",
                    name=title(curve),
                    legendgroup=title(curve),
                    showlegend=column == 1,
                    marker=mark(number),
                    line_color=mark(number)["color"],
                    hovertemplate=f"{title(curve)}, %{{x}} videos: %{{y:.2g}}<extra></extra>",
                ),
                row=1,
                col=column,
            )
    figure.update_xaxes(type="log", dtick=1, title_text="videos")
    figure.update_yaxes(type="log", dtick=1, exponentformat="power", col=1)  # blocks differ by powers of ten
    figure.update_layout(height=420)
    return plain(figure)


def kernels_figure(
    summaries: Mapping[Key, Mapping[str, np.ndarray]],
    starts: Mapping[Key, Mapping[str, np.ndarray]],
    windows: Mapping[Key, Sequence[float]],
) -> go.Figure:
    """ER's kernels, a panel a block: mean over channels and, as a band, the 10 to 90 % quantiles.

    summaries: `kernel_summary` of the learned kernels. starts: of those before training, dotted. windows: `mean_windows` of the graph reasoner, dashed on the same axes; may be empty.
    """
    blocks = list(dict.fromkeys(block for block, _ in summaries))
    rows = -(-len(blocks) // COLUMNS)
    figure = make_subplots(
        rows,
        COLUMNS,
        shared_yaxes="all",
        subplot_titles=blocks,
        horizontal_spacing=0.05,
        vertical_spacing=0.3 / rows,
    )
    shown = set()

    def line(block: str, name: str, values: Sequence[float], **style) -> None:
        number = blocks.index(block)
        figure.add_trace(
            go.Scatter(
                x=offsets(len(values)),
                y=values,
                name=name,
                legendgroup=name,
                showlegend=name not in shown,
                **style,
            ),
            row=number // COLUMNS + 1,
            col=number % COLUMNS + 1,
        )

    for (block, reasoner), summary in summaries.items():
        name, colour = f"ER {reasoner + 1}", SERIES[reasoner % len(SERIES)]
        edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        line(
            block,
            name,
            summary["mean"],
            mode="lines+markers",
            line={"color": colour},
            hovertemplate=hover(block),
        )
        shown.add(name)
        line(block, name, summary["high"], **edge)
        line(
            block,
            name,
            summary["low"],
            **edge,
            fill="tonexty",
            fillcolor=f"rgba{(*hex_to_rgb(colour), 0.15)}",
        )
    for block in blocks:  # all reasoners of a block start alike
        start = {"mode": "lines", "line": {"color": "gray", "dash": "dot"}, "hovertemplate": hover(block)}
        line(block, "start of training", starts[block, 0]["mean"], **start)
        shown.add("start of training")
    for (block, reasoner), window in windows.items():
        if block in blocks:
            name = "GR, mean window" if not reasoner else f"GR {reasoner + 1}, mean window"
            line(block, name, window, mode="lines+markers", line=CHANCE, hovertemplate=hover(block))
            shown.add(name)
    figure.update_layout(height=90 + 220 * rows)
    return plain(figure)


def hover(block: str) -> str:
    return f"{block} · %{{fullData.name}} · %{{x}}: %{{y:.4f}}<extra></extra>"


def offsets(width: int) -> list[str]:
    """3 -> "t−1", "t", "t+1"."""
    return [f"t{i:+d}".replace("-", "−") if i else "t" for i in range(-(width // 2), width // 2 + 1)]
