"""Figures of averaged temporal relations: Fig 4's two panels, for the page (Plotly) and for paper (Matplotlib)."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from analysis.colours import RELATIONS
from analysis.figures import plain

OFFSETS = ("t−1", "t", "t+1")
ROWS, COLUMNS, WEIGHT = "time step", "looks at", "renormalised weight"  # titles of axes


def title(entry: dict) -> str:
    """ "S3B1", or "S3B1, GR 2" where several reasoners are stacked."""
    return entry["block"] if not entry["reasoner"] else f"{entry['block']}, GR {entry['reasoner'] + 1}"


def unit_of(base: float) -> str:
    return {math.e: "nats", 2: "bits"}.get(base, f"log base {base:g}")


def js_text(entry: dict, newline: str = "\n", unit: str = "") -> str:
    js = entry["js"]
    if js is None:
        return "no JS: a window has no mass"
    return f"JS mean {js['mean']:.1e}{newline}max {js['max']:.1e}, std {js['std']:.1e}{unit}"


def limits_of(entries: Sequence[dict]) -> tuple[float, float]:
    """One colour scale for all blocks: 0 to the largest value."""
    return 0.0, max(float(np.max(entry["mean"])) for entry in entries)


def time_colours(count: int, first: float = 0.05, last: float = 0.9) -> list[str]:
    colours = matplotlib.colormaps[RELATIONS](np.linspace(first, last, count))
    return [matplotlib.colors.to_hex(colour) for colour in colours]


def fig4(entries: Sequence[dict], *, limits: tuple[float, float], base: float = math.e) -> Figure:
    """Fig 4 at paper size: (a) W̄ of every block on one colour scale, (b) dist_t at every t, JS above.

    entries: `block_numbers`. limits: of the colour scale of (a). Time steps are numbered from 1, as in the paper.
    """
    columns = min(len(entries), 7)
    rows = math.ceil(len(entries) / columns)
    frames = len(entries[0]["mean"])
    figure = Figure(figsize=(7.2, 0.5 + 2.9 * rows), facecolor="white", layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1.25, 1])
    maps = upper.subplots(rows, columns, squeeze=False)
    lines = lower.subplots(rows, columns, squeeze=False, sharey=True)
    ticks = range(0, frames, max(frames // 4, 1))
    for axes in (*maps.flat, *lines.flat):
        axes.set_visible(False)
    image = None
    for entry, axes in zip(entries, maps.flat, strict=False):
        axes.set_visible(True)
        image = axes.imshow(entry["mean"], cmap=RELATIONS, vmin=limits[0], vmax=limits[1])
        axes.set_title(title(entry), fontsize=8)
        axes.set_xticks(ticks, [t + 1 for t in ticks], fontsize=6)
        axes.set_yticks(ticks, [t + 1 for t in ticks], fontsize=6)
        axes.set_xlabel(COLUMNS, fontsize=6)
    maps[0, 0].set_ylabel(ROWS, fontsize=7)
    bar = upper.colorbar(image, ax=maps, shrink=0.7, pad=0.01)
    bar.ax.tick_params(labelsize=6)
    upper.suptitle("(a) averaged temporal relation matrix", fontsize=9, x=0.02, ha="left")
    colours = time_colours(frames - 2)
    for entry, axes in zip(entries, lines.flat, strict=False):
        axes.set_visible(True)
        for t, (window, colour) in enumerate(zip(entry["windows"], colours, strict=True), start=2):
            axes.plot(OFFSETS, window, "o-", color=colour, markersize=2.5, linewidth=1, label=f"t = {t}")
        axes.set_title(js_text(entry), fontsize=5.5)
        axes.tick_params(labelsize=6)
        axes.grid(alpha=0.25, linewidth=0.5)
    lines[0, 0].set_ylim(0, top_of(entries))  # of all: the axes are shared
    lines[0, 0].set_ylabel(WEIGHT, fontsize=7)
    handles, labels = lines[0, 0].get_legend_handles_labels()
    lower.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=6, frameon=False)
    lower.suptitle(
        f"(b) local windows at every time step; JS in {unit_of(base)}", fontsize=9, x=0.02, ha="left"
    )
    return figure


def matrices_figure(entries: Sequence[dict], *, limits: tuple[float, float], columns: int = 3) -> go.Figure:
    """W̄ of every block as heat maps on one colour scale; a click on a cell selects its block.

    Heat maps send no selection, so a layer of transparent markers lies on each: entry n has traces 2n and 2n + 1.
    """
    rows = math.ceil(len(entries) / columns)
    frames = len(entries[0]["mean"])
    steps = np.arange(1, frames + 1)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[title(entry) for entry in entries],
        horizontal_spacing=0.06,
        vertical_spacing=0.22 / rows,
    )
    column_of, row_of = (grid.ravel() for grid in np.meshgrid(steps, steps))
    for number, entry in enumerate(entries):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        values = np.asarray(entry["mean"])
        figure.add_trace(
            go.Heatmap(x=steps, y=steps, z=values, coloraxis="coloraxis", hoverinfo="skip"), **place
        )
        figure.add_trace(
            go.Scatter(
                x=column_of,
                y=row_of,
                mode="markers",
                marker={"size": 18, "opacity": 0, "symbol": "square"},
                text=[f"{v:.4f}" for v in values.ravel()],
                hovertemplate=f"{title(entry)}: step %{{y}} attends to step %{{x}} with %{{text}}<extra></extra>",
                showlegend=False,
            ),
            **place,
        )
    edges = [0.5, frames + 0.5]
    figure.update_yaxes(range=edges[::-1], constrain="domain", dtick=1, showgrid=False, zeroline=False)
    for number in range(len(entries)):
        axis = "" if number == 0 else str(number + 1)
        leftmost, lowest = number % columns == 0, number + columns >= len(entries)
        figure.layout[f"yaxis{axis}"].update(
            scaleanchor=f"x{axis}", showticklabels=leftmost, title_text=ROWS if leftmost else None
        )
        figure.layout[f"xaxis{axis}"].update(showticklabels=lowest, title_text=COLUMNS if lowest else None)
    figure.update_xaxes(range=edges, constrain="domain", dtick=1, showgrid=False, zeroline=False)
    figure.update_layout(
        coloraxis={
            "colorscale": RELATIONS,
            "cmin": limits[0],
            "cmax": limits[1],
            "colorbar": {"title": "W̄", **ticks_with_uniform(limits, frames)},
        },
        height=70 + 250 * rows,
        clickmode="event+select",
    )
    return plain(figure)


def ticks_with_uniform(limits: tuple[float, float], frames: int) -> dict:
    """Of a colour bar: its ends, and what every entry of W has where a row prefers no time step."""
    uniform, (low, high) = 1 / frames, limits
    ends = [end for end in limits if abs(end - uniform) > 0.08 * (high - low)]
    named = {end: f"{end:.2g}" for end in ends} | {uniform: f"{uniform:.3g} uniform"}
    return {"tickvals": list(named), "ticktext": list(named.values())}


def top_of(entries: Sequence[dict]) -> float:
    """End of an axis of local windows that has room for all of them."""
    return 1.05 * float(np.max([entry["windows"] for entry in entries]))


def windows_figure(entries: Sequence[dict], *, base: float = math.e, top: float | None = None) -> go.Figure:
    """dist_t of every block, a line per time step; JS (mean, max, standard deviation over the pairs) above.

    top: end of the vertical axes, to compare with another figure; what the values need when None.
    """
    columns = 3
    rows = math.ceil(len(entries) / columns)
    unit = unit_of(base)
    figure = make_subplots(
        rows,
        columns,
        shared_yaxes="all",
        horizontal_spacing=0.05,
        vertical_spacing=0.3 / rows,
        subplot_titles=[f"{title(e)} · {js_text(e, '<br>', f' {unit}')}" for e in entries],
    )
    for number, entry in enumerate(entries):
        # From 0.3 to 0.87 of the map: to be seen on a dark page and on a light one.
        colours = time_colours(len(entry["windows"]), 0.3, 0.87)
        for t, (window, colour) in enumerate(zip(entry["windows"], colours, strict=True), start=2):
            figure.add_trace(
                go.Scatter(
                    x=OFFSETS,
                    y=window,
                    mode="lines+markers",
                    name=f"t = {t}",
                    legendgroup=f"t{t}",
                    showlegend=number == 0,
                    line={"color": colour, "width": 2},
                    hovertemplate=f"{title(entry)} · t = {t} · %{{x}}: %{{y:.4f}}<extra></extra>",
                ),
                row=number // columns + 1,
                col=number % columns + 1,
            )
    figure.add_hline(1 / 3, line={"color": "gray", "dash": "dash", "width": 1})  # a window without preference
    if top is None:
        figure.update_yaxes(rangemode="tozero")
    else:
        figure.update_yaxes(range=[0, top])
    figure.update_yaxes(title_text=WEIGHT, col=1)
    figure.update_annotations(font_size=12)
    figure.update_layout(height=110 + 260 * rows)
    return plain(figure).update_layout(margin_t=60)
