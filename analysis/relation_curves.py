"""Figures beside Fig 4: local mass, convergence, and ER's learned kernels on the axes of GR's windows."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.figures import SERIES
from analysis.relation_figures import OFFSETS, plain, title


def local_mass_figure(entries: Sequence[dict]) -> go.Figure:
    """Mass within k of the diagonal, mean over rows, per block; dashed: chance, what uniform rows would have."""
    figure = go.Figure()
    for number, entry in enumerate(entries):
        k = list(range(len(entry["local_mass"])))
        figure.add_trace(
            go.Scatter(
                x=k,
                y=entry["local_mass"],
                mode="lines+markers",
                name=title(entry),
                line={"color": SERIES[number % len(SERIES)]},
                hovertemplate=f"{title(entry)} · k = %{{x}}: %{{y:.4f}}<extra></extra>",
            )
        )
    chance = entries[0]["chance"]
    figure.add_trace(
        go.Scatter(
            x=list(range(len(chance))), y=chance, name="chance", line={"dash": "dash", "color": "gray"}
        )
    )
    figure.update_xaxes(title_text="k: columns within k of the diagonal", dtick=1)
    figure.update_yaxes(title_text="mass", range=[0, 1.03])
    figure.update_layout(height=420)
    return plain(figure)


def convergence_figure(curves: Sequence[dict], unit: str) -> go.Figure:
    """`convergence` of every block: JS mean, and the largest distance from the average over all videos."""
    figure = make_subplots(
        1, 2, subplot_titles=[f"mean JS, {unit}", "largest distance of a window value from the end"]
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
                    line={"color": SERIES[number % len(SERIES)]},
                ),
                row=1,
                col=column,
            )
    figure.update_xaxes(type="log", title_text="videos")
    figure.update_layout(height=420)
    return plain(figure)


def kernels_figure(
    kernels: Mapping[tuple[str, int], np.ndarray], windows: Mapping[str, Sequence[float]], *, columns: int = 3
) -> go.Figure:
    """ER's kernels beside GR's averaged window, a panel a block.

    kernels: (block, reasoner) -> ω (C, 3): the mean of |ω| / Σ|ω| over channels, and its 10-90 % band; kernels are
    signed weights, so only their normalised magnitudes compare with a distribution. windows: block -> GR's mean
    window (3,), where there is one.
    """
    blocks = list(dict.fromkeys(block for block, _ in kernels))
    figure = make_subplots(-(-len(blocks) // columns), columns, shared_yaxes=True, subplot_titles=blocks)
    for (block, reasoner), weights in kernels.items():
        number = blocks.index(block)
        place = {"row": number // columns + 1, "col": number % columns + 1}
        shares = np.abs(weights) / np.abs(weights).sum(1, keepdims=True)
        low, high = np.quantile(shares, [0.1, 0.9], axis=0)
        name, colour = f"ER {reasoner + 1}", SERIES[reasoner % len(SERIES)]
        mean = shares.mean(0)
        figure.add_trace(
            go.Scatter(
                x=OFFSETS,
                y=mean,
                mode="lines+markers",
                name=name,
                legendgroup=name,
                showlegend=number == 0,
                line={"color": colour},
                error_y={"array": high - mean, "arrayminus": mean - low, "thickness": 1},
                hovertemplate=f"{block} · {name} · %{{x}}: %{{y:.3f}}<extra></extra>",
            ),
            **place,
        )
    for block, window in windows.items():
        if block in blocks:
            number = blocks.index(block)
            figure.add_trace(
                go.Scatter(
                    x=OFFSETS,
                    y=window,
                    name="GR, mean window",
                    legendgroup="GR",
                    showlegend=number == 0,
                    line={"color": "gray", "dash": "dash"},
                ),
                row=number // columns + 1,
                col=number % columns + 1,
            )
    figure.update_yaxes(range=[0, 1])
    figure.update_layout(height=130 + 230 * -(-len(blocks) // columns))
    return plain(figure)
