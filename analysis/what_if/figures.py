"""Figures of interventions: class scores before and after, accuracy by order, deletion and insertion curves."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.colours import SERIES, mark
from analysis.figures import GRID, LEGEND_ABOVE, LEGEND_BELOW, as_text, numbered, plain, wrapped
from analysis.statistics import in_words, reach

BEFORE = "#8A8F98"  # grey, holds on white and on dark grounds
ORDER_SERIES = {  # proportion of `order_numbers`: name, colour, symbol
    "as it is": ("in order", SERIES[0], "circle"),
    "reversed class": ("reversed, predicts the reversed class", SERIES[2], "triangle-up"),
    "reversed": ("reversed, predicts its own class", SERIES[4], "triangle-down"),
    "shuffled": ("shuffled", SERIES[1], "square"),
    "reversed unchanged": ("reversed, same prediction as in order", SERIES[3], "triangle-up-open"),
    "shuffled unchanged": ("shuffled, same prediction as in order", SERIES[5], "square-open"),
}
BASELINES = {"frame difference": "dashdot", "centre": "dash", "random": "dot"}  # dashes of their grey lines
# The colour of Grad-CAM in other figures, with a symbol that no other block has there.
GRADCAM_FIRST = len(SERIES) + 4


def scores_figure(
    before: np.ndarray,
    after: np.ndarray | None,
    labels: Sequence[str],
    *,
    top: int = 5,
    true_class: int | None = None,
) -> go.Figure:
    """The most probable classes before and after as paired bars, in the order before; the true class is always there.

    before, after: probabilities (num_classes,). The `top` of either are shown; with after None, those of the original.
    """
    series = [("after", after, SERIES[0])] if after is not None else []
    series.append(("original clip", before, BEFORE))
    shown = {int(c) for _, values, _ in series for c in np.argsort(-values, kind="stable")[:top]}
    if true_class is not None:
        shown.add(true_class)
    classes = sorted(shown, key=lambda c: (before[c], -c))  # Plotly draws from the bottom
    marks = [" ✓" if c == true_class else "" for c in classes]
    names = numbered(wrapped(labels[c]) + mark for c, mark in zip(classes, marks, strict=True))
    figure = go.Figure()
    for name, values, colour in series:
        figure.add_trace(
            go.Bar(
                x=values[classes],
                y=list(range(len(classes))),
                orientation="h",
                name=name,
                marker_color=colour,
                text=[f"{100 * value:.1f} %" for value in values[classes]],
                textposition="outside",
                cliponaxis=False,
                hovertext=[as_text(labels[c]) + mark for c, mark in zip(classes, marks, strict=True)],
                hovertemplate=f"%{{hovertext}}, {name}: %{{x:.4f}}<extra></extra>",
            )
        )
    figure.update_xaxes(
        range=[0, 1.25], tickvals=[0, 0.5, 1], tickformat=".0%", title_text="probability", **GRID
    )
    figure.update_yaxes(automargin=True, ticksuffix=" ", **names)
    figure.update_layout(
        barmode="group",
        bargap=0.25,
        height=90 + (20 + 14 * len(series)) * len(classes),  # a name may take two lines
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "reversed"},
    )
    return plain(figure).update_layout(margin={"l": 10, "t": 34})


def order_figure(result: dict) -> go.Figure:
    """`order_numbers`: shares over all clips above, by class below, with 95 % intervals."""
    overall, classes = result["overall"], result["classes"]
    known = [name for name in ORDER_SERIES if overall[name] is not None]
    by_class = [name for name in known if not name.endswith("unchanged")]
    heights = [40 + 32 * len(known), 40 + 40 * len(classes)]
    figure = make_subplots(
        2,
        1,
        row_heights=heights,
        vertical_spacing=60 / sum(heights),
        subplot_titles=["all clips", "by class"],
    )
    for name in known:
        text, colour, symbol = ORDER_SERIES[name]
        marker = {"color": colour, "symbol": symbol, "size": 10}
        trace = _shares([overall[name]], [text], marker)
        trace.update(showlegend=False, mode="markers+text", text=[f"{100 * overall[name]['value']:.1f} %"])
        trace.update(textposition="top center", textfont_size=11, cliponaxis=False)
        figure.add_trace(trace, row=1, col=1)
    for place, name in enumerate(by_class):
        text, colour, symbol = ORDER_SERIES[name]
        # Side by side, so that equal shares do not hide each other.
        known_of = [(row, entry) for row, entry in enumerate(classes) if entry[name] is not None]
        rows = np.array([row for row, _ in known_of]) + (place - (len(by_class) - 1) / 2) * 0.17
        trace = _shares(
            [entry[name] for _, entry in known_of], rows, {"color": colour, "symbol": symbol, "size": 7}
        )
        trace.update(
            name=text,
            customdata=[
                [as_text(e["label"]), as_text(e["reversed_label"] or ""), e["clips"]] for _, e in known_of
            ],
        )
        trace.update(
            hovertemplate="%{customdata[0]} (%{customdata[2]} clips)<br>"
            + ("reversed: %{customdata[1]}<br>" if name == "reversed class" else "")
            + f"{text}: %{{x:.1%}}<extra></extra>"
        )
        figure.add_trace(trace, row=2, col=1)
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", **GRID)
    figure.update_xaxes(title_text="share of clips, 95 % intervals", row=2)
    figure.update_yaxes(automargin=True, showgrid=False, zeroline=False)
    figure.update_yaxes(range=[len(known) - 0.5, -0.8], row=1)  # room for the first number
    names = numbered(wrapped(entry["label"], 34) for entry in classes)
    figure.update_yaxes(range=[len(classes) - 0.4, -0.6], row=2, **names)
    figure.update_layout(
        height=sum(heights) + 130,
        legend=LEGEND_BELOW,
    )
    return plain(figure).update_layout(margin={"l": 10, "b": 90})


def faithfulness_figure(result: dict) -> go.Figure:
    """`faithfulness_numbers`: both curves of every order; below, differences of the areas under them, 95 % intervals."""
    compared = len({(entry["of"], entry["against"]) for entry in result["differences"]})
    heights = [347, max(213, 20 * compared)]
    figure = make_subplots(
        2,
        2,
        row_heights=heights,
        vertical_spacing=112 / sum(heights),
        horizontal_spacing=0.07,
        subplot_titles=["deletion", "insertion", "deletion: lower is better", "insertion: higher is better"],
    )
    series = order_series(result["orders"])
    for curve in result["curves"]:
        column = 1 if curve["mode"] == "deletion" else 2
        figure.add_trace(
            go.Scatter(
                x=result["shares"],
                y=curve["probability"],
                customdata=curve["accuracy"],
                mode="lines+markers",
                name=curve["order"],
                legendgroup=curve["order"],
                showlegend=column == 1,
                **series[curve["order"]],
                hovertemplate=f"{curve['order']}, area {curve['area']:.3f} · %{{x:.0%}}: %{{y:.3f}}, accuracy "
                "%{customdata:.1%}<extra></extra>",
            ),
            row=1,
            col=column,
        )
    for entry in result["differences"]:
        figure.add_trace(
            go.Scatter(
                x=[entry["difference"]],
                y=[f"{entry['of']} − {entry['against']}"],
                mode="markers",
                marker=series[entry["of"]]["marker"] | {"size": 9},
                error_x={
                    "array": reach([entry], "high", "difference"),
                    "arrayminus": reach([entry], "low", "difference"),
                    "color": "gray",
                },
                showlegend=False,
                hovertemplate=f"%{{y}}: %{{x:+.4f}}, {in_words(entry, '+.4f')}<extra></extra>",
            ),
            row=2,
            col=1 if entry["mode"] == "deletion" else 2,
        )
    for column, text in ((1, "share hidden"), (2, "share shown")):
        figure.update_xaxes(title_text=text, tickformat=".0%", row=1, col=column)
        figure.update_xaxes(title_text="difference of the areas", row=2, col=column)
        figure.add_vline(0, line={"color": "gray", "dash": "dash"}, row=2, col=column)
    figure.update_xaxes(**GRID)
    figure.update_yaxes(**GRID)
    figure.update_yaxes(title_text="probability of the predicted class", range=[0, 1], row=1, col=1)
    figure.update_yaxes(range=[0, 1], row=1, col=2)
    figure.update_yaxes(autorange="reversed", automargin=True, row=2)
    figure.update_yaxes(showticklabels=False, row=2, col=2)
    above = 24 * (len(result["orders"]) // 6)  # rows of the legend beyond the first
    figure.update_layout(
        height=sum(heights) + above,
        legend=LEGEND_ABOVE,
    )
    return plain(figure).update_layout(margin={"l": 10, "t": 70 + above})


def order_series(orders: Sequence[str]) -> dict[str, dict]:
    """Line and marker of each order: solid lines are actionness and long dashes Grad-CAM, a mark a block; grey is neither."""
    located, explained = ([o for o in orders if o.startswith(kind)] for kind in ("actionness", "Grad-CAM"))
    marks = {order: (mark(place), "solid") for place, order in enumerate(located)}
    marks |= {order: (mark(place + GRADCAM_FIRST), "longdash") for place, order in enumerate(explained)}
    marks |= {order: ({"color": BEFORE}, dash) for order, dash in BASELINES.items()}
    return {
        order: {"marker": marker, "line": {"color": marker["color"], "dash": dash, "width": 2}}
        for order, (marker, dash) in marks.items()
    }


def _shares(proportions: Sequence[dict], rows: Sequence, marker: dict) -> go.Scatter:
    """Proportions as dots with their intervals."""
    values = np.array([proportion["value"] for proportion in proportions])
    low, high = (np.array([proportion[end] for proportion in proportions]) for end in ("low", "high"))
    return go.Scatter(
        x=values,
        y=rows,
        mode="markers",
        marker=marker,
        error_x={
            "array": high - values,
            "arrayminus": values - low,
            "color": "gray",
            "thickness": 1,
            "width": 2,
        },
        customdata=np.stack([low, high], axis=1),
        hovertemplate="%{y}: %{x:.1%}, 95 %: %{customdata[0]:.1%} to %{customdata[1]:.1%}<extra></extra>",
    )
