"""Figures of maps against the truth: where they lie, block by block and method by method, and when they rise."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.colours import SERIES
from analysis.figures import GRID, LEGEND_BELOW, as_text, numbered, plain
from analysis.localize.fig5 import CEILING, MIDDLE
from analysis.statistics import in_words, reach

METHODS = {"actionness": SERIES[0], "Grad-CAM": SERIES[4]}
LINES = {
    "actionness, all blocks": (SERIES[0], "solid"),
    "Grad-CAM, all blocks": (SERIES[4], "solid"),
    "frame difference": (SERIES[1], "dash"),
    "centre": (SERIES[2], "dashdot"),
    MIDDLE: (SERIES[3], "longdash"),
    "uniform": ("#8A8F98", "dot"),
}
MEASURES = {
    "pointing": "pointing game",
    "ratio": "mass inside / area",
    "average_precision": "average precision",
}
FIG5 = {
    "fig5": "Fig-5 score",
    "fig5_next": "with the next frame's masks",
    "clip_pointing": "clip pointing",
}
COSTS = {
    "without_last": ("without the last frame", SERIES[1], "diamond"),
    "without_idle": ("without idle frames", SERIES[2], "square"),
    "without_distractors": ("without what else moves", SERIES[3], "triangle-up"),
    "without_rest": ("without all that is still", SERIES[4], "circle"),
}
CEILING_TRACE = {
    "name": "true masks on the grid: ceiling",
    "legendgroup": "ceiling",
    "marker": {"symbol": "line-ew", "size": 26, "line": {"width": 2, "color": "#8A8F98"}},
    "hovertemplate": "true masks on this grid: %{y:.3f}<extra></extra>",
}
WIDTH = 0.38  # of a bar; two stand side by side in a block


def localization_figure(results: Sequence[dict]) -> go.Figure:
    """Bars of every measure by block, actionness beside Grad-CAM, with 95 % intervals; a column for each checkpoint.

    results: of `python -m analysis localize`. Lines are the maps that know no model; the uniform one is chance.
    """
    figure = _grid(results, list(MEASURES.values()))
    for column, result in enumerate(results, start=1):
        for row, (measure, title) in enumerate(MEASURES.items(), start=1):
            first = row == column == 1
            for method in METHODS:
                entries = [entry for entry in result["maps"] if entry["method"] == method]
                if entries:
                    bars = _bars(entries, measure, method, result["blocks"], title)
                    figure.add_trace(bars.update(showlegend=_new(figure, method)), row=row, col=column)
            for entry in result["maps"]:
                if entry["method"] in LINES and entry[measure] is not None:
                    line = _line(entry["method"], entry[measure]["value"], len(result["blocks"]), title)
                    figure.add_trace(line.update(showlegend=first), row=row, col=column)
    for row, measure in enumerate(MEASURES, start=1):
        ends = _ends([entry[measure] for result in results for entry in result["maps"]])
        figure.update_yaxes(range=[0, 1.06 * max(ends, default=1)], row=row)
    return figure


def acting_figure(results: Sequence[dict]) -> go.Figure:
    """How often a frame in which the action happens stands above another of its clip, by block, with 95 % intervals.

    Filled: as it is; open: after the mean course over all clips was taken away, so that a map which always rises in the
    middle of a clip stands at 1/2, chance. The line "centre" is a guess that the middle acts.

    results: of `python -m analysis localize`.
    """
    titles = {"peak": "peak of the map", "mean": "mean of the map"}
    figure = _grid(results, list(titles.values()))
    for column, result in enumerate(results, start=1):
        for row, (quantity, title) in enumerate(titles.items(), start=1):
            found = [entry for entry in result["emphasis"] if entry["quantity"] == quantity]
            for method in METHODS:
                entries = [entry for entry in found if entry["method"] == method]
                for measure in ("acting_above", "beyond_course") if entries else ():
                    points = _points(entries, measure, method, result["blocks"], title)
                    figure.add_trace(points.update(showlegend=_new(figure, points.name)), row=row, col=column)
            values = {
                entry["method"]: entry["acting_above"]["value"]
                for entry in found
                if entry["method"] in LINES and entry["acting_above"] is not None
            }
            for method, value in (values | {"uniform": 0.5}).items():
                line = _line(method, value, len(result["blocks"]), title)
                figure.add_trace(line.update(showlegend=row == column == 1), row=row, col=column)
    estimates = [e[m] for r in results for e in r["emphasis"] for m in ("acting_above", "beyond_course")]
    return figure.update_yaxes(range=[min([0.5, *_ends(estimates)]) - 0.05, 1.02])


def fig5_figure(results: Sequence[dict]) -> go.Figure:
    """Bars of the Fig-5 scores by block, lines of the baselines, and over each block the ceiling of its grid.

    results: of `python -m analysis localize`, those that have the score.
    """
    figure = _grid(results, list(FIG5.values()))
    for column, result in enumerate(results, start=1):
        scores, blocks = result["fig5"]["scores"], result["blocks"]
        for row, (measure, title) in enumerate(FIG5.items(), start=1):
            shown = [entry for entry in scores if entry.get(measure) is not None]
            for method in METHODS:
                if entries := [entry for entry in shown if entry["method"] == method]:
                    bars = _bars(entries, measure, method, blocks, title)
                    figure.add_trace(bars.update(showlegend=_new(figure, method)), row=row, col=column)
            for entry in shown:
                if entry["method"] in LINES:
                    line = _line(entry["method"], entry[measure]["value"], len(blocks), title)
                    figure.add_trace(line.update(showlegend=_new(figure, line.name)), row=row, col=column)
            if ceilings := _ceilings(shown, measure, blocks):
                trace = go.Scatter(
                    x=list(ceilings), y=list(ceilings.values()), mode="markers", **CEILING_TRACE
                )
                figure.add_trace(trace.update(showlegend=_new(figure, trace.name)), row=row, col=column)
    return figure.update_yaxes(range=[0, 1.02])


def costs_figure(results: Sequence[dict]) -> go.Figure:
    """What costs raw M its Fig-5 score: the bars, and for each block the scores if something were not ranked.

    results: of `python -m analysis localize`, those that have these scores of a block with actionness.
    """
    figure = _grid(results, ["Fig-5 score"])
    for column, result in enumerate(results, start=1):
        blocks = result["blocks"]
        entries = [
            e for e in result["fig5"]["scores"] if e["method"] == "actionness" and e["fig5"] is not None
        ]
        bars = _bars(entries, "fig5", "actionness", blocks, "Fig-5 score").update(width=2 * WIDTH)
        bars.x = [blocks.index(entry["block"]) for entry in entries]
        figure.add_trace(bars.update(showlegend=_new(figure, "actionness")), row=1, col=column)
        for place, (measure, (name, colour, symbol)) in enumerate(COSTS.items()):
            points = _points(entries, measure, "actionness", blocks, name).update(
                name=name, legendgroup=name, marker={"color": colour, "symbol": symbol}
            )
            points.x = [blocks.index(entry["block"]) + (place - 1.5) * WIDTH / 2 for entry in entries]
            figure.add_trace(points.update(showlegend=_new(figure, name)), row=1, col=column)
    return figure.update_yaxes(rangemode="tozero").update_layout(height=340)


def has_costs(result: dict) -> bool:
    """Whether a result tells what costs a map its score: of a network with actionness, and not an older one."""
    return any(
        entry["method"] == "actionness" and entry.get("without_last") is not None
        for entry in result.get("fig5", {"scores": []})["scores"]
    )


def _ceilings(scores: Sequence[dict], measure: str, blocks: Sequence[str]) -> dict[int, float]:
    """Place of a block -> what the true masks reach on its grid."""
    reached = {tuple(e["grid"]): e[measure]["value"] for e in scores if e["method"] == CEILING}
    grids = {entry["block"]: tuple(entry["grid"]) for entry in scores if entry["block"] is not None}
    return {place: reached[grids[block]] for place, block in enumerate(blocks) if grids.get(block) in reached}


def _grid(results: Sequence[dict], titles: Sequence[str]) -> go.Figure:
    """A row for each title, a column for each result; the rows share their axis."""
    figure = make_subplots(
        len(titles),
        len(results),
        shared_yaxes=True,
        shared_xaxes=True,
        vertical_spacing=0.06,
        horizontal_spacing=0.03,
        column_titles=[as_text(result["checkpoint"]["name"]) for result in results],
    )
    for row, title in enumerate(titles, start=1):
        figure.update_yaxes(title_text=title, row=row, col=1)
    for column, result in enumerate(results, start=1):
        blocks = result["blocks"]
        figure.update_xaxes(**numbered(blocks), range=[-0.6, len(blocks) - 0.4], col=column)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(**GRID)
    figure.update_layout(
        height=70 + 190 * len(titles),
        barmode="overlay",  # bars have their places already
        legend=LEGEND_BELOW,
    )
    return plain(figure).update_layout(margin={"l": 10, "t": 34, "b": 70})


def _bars(entries: Sequence[dict], measure: str, method: str, blocks: Sequence[str], title: str) -> go.Bar:
    shown = [entry for entry in entries if entry[measure] is not None]
    return go.Bar(
        **_values(shown, measure, method, blocks, title),
        width=WIDTH,
        marker_color=METHODS[method],
    )


def _points(
    entries: Sequence[dict], measure: str, method: str, blocks: Sequence[str], title: str
) -> go.Scatter:
    shown = [entry for entry in entries if entry[measure] is not None]
    values = _values(shown, measure, method, blocks, title)
    symbol = "circle" if method == "actionness" else "diamond"
    if measure == "beyond_course":
        symbol += "-open"
        values["x"] = [place + WIDTH / 2.5 for place in values["x"]]
        values["name"] += ", mean course removed"
    return go.Scatter(
        **values, mode="markers", marker={"color": METHODS[method], "size": 9, "symbol": symbol}
    )


def _values(
    entries: Sequence[dict], measure: str, method: str, blocks: Sequence[str], title: str
) -> dict[str, Any]:
    """What bars and points have in common: place, value, interval and what they say under the pointer."""
    offset = (list(METHODS).index(method) - (len(METHODS) - 1) / 2) * WIDTH
    found = [entry[measure] for entry in entries]
    return {
        "name": method,
        "legendgroup": method,
        "x": [blocks.index(entry["block"]) + offset for entry in entries],
        "y": [each["value"] for each in found],
        "error_y": {
            "array": reach(found, "high"),
            "arrayminus": reach(found, "low"),
            "color": "gray",
            "thickness": 1,
            "width": 3,
        },
        "customdata": [[entry["block"], in_words(entry[measure], ".3f")] for entry in entries],
        "hovertemplate": f"%{{customdata[0]}}, {method}<br>{title}: %{{y:.3f}}, %{{customdata[1]}}<extra></extra>",
    }


def _ends(estimates: Sequence[dict | None]) -> list[float]:
    """What an axis is to hold: values and the ends of their intervals."""
    return [end for each in estimates if each for end in each.values() if end is not None]


def _line(method: str, value: float, num_blocks: int, title: str) -> go.Scatter:
    colour, dash = LINES[method]
    name = "uniform: chance" if method == "uniform" else method
    return go.Scatter(
        x=[-0.6, num_blocks - 0.4],
        y=[value, value],
        mode="lines",
        line={"color": colour, "dash": dash, "width": 1.5},
        name=name,
        legendgroup=method,
        hovertemplate=f"{name}<br>{title}: {value:.3f}<extra></extra>",
    )


def _new(figure: go.Figure, name: str) -> bool:
    """Whether nothing of this name is in the legend yet."""
    return all(trace.name != name for trace in figure.data)
