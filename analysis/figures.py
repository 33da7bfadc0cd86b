"""Plotly charts of one clip, and what all charts share; nothing is computed and nothing is shown here."""

import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.colours import SERIES
from analysis.shown_clip import nearest

# Of charts that are readable in a light and in a dark page, with `plain`.
GRID = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
LEGEND_ABOVE = {"orientation": "h", "y": 1, "yref": "container", "yanchor": "top", "x": 0}
LEGEND_BELOW = LEGEND_ABOVE | {"y": 0, "yanchor": "bottom"}

EMPHASIS_TITLES = {
    "peak": "peak of M",
    "mean": "mean of M",
    "normalised_entropy": "entropy of softmax(M) / its maximum",
}


def emphasis_figure(
    emphasis: Mapping[str, Mapping[str, np.ndarray]],
    indices: np.ndarray,
    *,
    sampled: Sequence[int] = (),
) -> go.Figure:
    """Temporal emphasis, one row per quantity and one line per block.

    emphasis: block name -> `temporal_emphasis`. indices: original index of each frame. sampled: original indices
    of the frames the class probabilities come from, marked by dots (at the nearest where they are not among the frames).
    """
    figure = make_subplots(
        rows=len(EMPHASIS_TITLES),
        shared_xaxes=True,
        vertical_spacing=0.09,
        subplot_titles=list(EMPHASIS_TITLES.values()),
    )
    marked = np.unique(nearest(indices, sampled))
    for number, (block, values) in enumerate(emphasis.items()):
        colour = SERIES[number % len(SERIES)]
        dash = ("solid", "dash", "dot")[number // len(SERIES) % 3]  # beyond six blocks colours return, dashed
        for row, quantity in enumerate(EMPHASIS_TITLES, start=1):
            shared = {"x": indices, "legendgroup": block, "name": block}
            hover = f"{block} · frame %{{x}} · %{{y:.3f}}<extra></extra>"
            line = go.Scatter(
                **shared,
                y=values[quantity],
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                showlegend=row == 1,
                hovertemplate=hover,
            )
            dots = go.Scatter(
                x=indices[marked],
                y=values[quantity][marked],
                mode="markers",
                legendgroup=block,
                marker={"color": colour, "size": 7},
                showlegend=False,
                hovertemplate=f"{block} · frame %{{x}} (sampled) · %{{y:.3f}}<extra></extra>",
            )
            figure.add_trace(line, row=row, col=1)
            figure.add_trace(dots, row=row, col=1)
    figure.update_xaxes(**GRID)
    figure.update_xaxes(
        title_text="frame (dots: the frames the class probabilities come from)", row=len(EMPHASIS_TITLES)
    )
    figure.update_yaxes(automargin=True, nticks=5, **GRID)
    figure.update_annotations(font_size=13)
    figure.update_layout(height=110 + 150 * len(EMPHASIS_TITLES), legend=LEGEND_ABOVE)
    return plain(figure).update_layout(margin={"l": 10, "t": 90, "b": 10})  # room for two rows of the legend


def probabilities_figure(probabilities: np.ndarray, labels: Sequence[str], *, top: int = 5) -> go.Figure:
    """The most probable classes as bars, strongest on top."""
    best = np.argsort(-probabilities, kind="stable")[:top][::-1]
    bars = go.Bar(
        x=probabilities[best],
        y=list(range(len(best))),
        orientation="h",
        marker_color=SERIES[0],
        text=[f"{100 * probabilities[index]:.1f} %" for index in best],
        textposition="outside",
        cliponaxis=False,
        hovertext=[as_text(labels[index]) for index in best],
        hovertemplate="%{hovertext}: %{text}<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_xaxes(
        range=[0, 1.12], tickvals=[0, 0.5, 1], tickformat=".0%", title_text="probability", **GRID
    )
    names = numbered(wrapped(labels[index], 26) for index in best)
    figure.update_yaxes(automargin=True, showgrid=False, zeroline=False, ticksuffix=" ", **names)
    figure.update_layout(height=80 + 44 * len(best))
    return plain(figure).update_layout(margin={"l": 10, "t": 10, "b": 10})


def numbered(names: Iterable[str]) -> dict:
    """Of an axis of rows 0, 1, …: their names. Rows that were called by them would be one where two are cut to the same."""
    texts = list(names)
    return {"tickvals": list(range(len(texts))), "ticktext": texts}


def wrapped(label: str, width: int = 40) -> str:
    """In lines, so that long labels leave room: three at most."""
    lines = textwrap.wrap(label, width, max_lines=3, placeholder=" …")
    return "<br>".join(map(as_text, lines)) or as_text(label)


def as_text(name: str) -> str:
    """A name that comes from a file, for Plotly, which would render marks and links in it."""
    return html.escape(name, quote=False)


def plain(figure: go.Figure) -> go.Figure:
    """No ground of its own: readable in a light and in a dark page. Classes that are called by numbers stay names."""
    figure.update_layout(
        autotypenumbers="strict",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 40, "r": 20, "b": 40, "t": 40},
    )
    return figure
