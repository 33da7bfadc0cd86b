"""The history that a checkpoint records of its training, as a figure."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis.colours import SERIES
from analysis.figures import GRID, as_text, plain

NOT_SHARES = ("epoch", "loss", "seconds")
NAMES = {
    "train_top1": "Top-1, training clips",
    "dev_top1": "Top-1, held-out clips",
    "dev_pairs": "within pairs, held-out clips",
}


def drawable(history: object) -> list[dict]:
    """The entries of a recorded history that have a loss or a share; none where it is of another form."""
    entries = history if isinstance(history, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and _numbers(entry)]


def history_figure(history: Sequence[dict]) -> go.Figure:
    """Loss, and shares such as top-1, over the epochs of all phases in a row; dotted: where a phase begins.

    history: `drawable`; an entry has an "epoch" of its "phase", the "loss", and shares under further keys.
    """
    figure = make_subplots(1, 2, subplot_titles=("Loss", "Accuracy, %"), horizontal_spacing=0.1)
    shares = dict.fromkeys(key for entry in history for key in _numbers(entry) if key != "loss")
    for number, key in enumerate(("loss", *shares)):
        points = [
            (position, value * (1 if key == "loss" else 100), entry)
            for position, entry in enumerate(history, start=1)
            if (value := _numbers(entry).get(key)) is not None
        ]
        if not points:
            continue
        x, y, entries = zip(*points, strict=True)
        name = NAMES.get(key) or as_text(key)
        line = go.Scatter(
            x=x,
            y=y,
            name=name,
            mode="lines+markers",
            line={"color": SERIES[number % len(SERIES)]},
            showlegend=key != "loss",
            text=[
                as_text(f"{entry.get('phase', '')} epoch {entry.get('epoch', '')}".strip())
                for entry in entries
            ],
            hovertemplate=f"%{{text}} · {name} %{{y:.4g}}<extra></extra>",
        )
        figure.add_trace(line, row=1, col=1 if key == "loss" else 2)
    phases = [entry.get("phase") for entry in history]
    for position in range(1, len(phases)):
        if phases[position] != phases[position - 1]:
            figure.add_vline(position + 0.5, line={"color": "gray", "dash": "dot", "width": 1})
    ends = {"range": [0.5, len(history) + 0.5], "dtick": 1 + len(history) // 12, "tick0": 1}
    figure.update_xaxes(title_text="epoch", **ends, showgrid=False, zeroline=False)
    figure.update_yaxes(rangemode="tozero", **GRID)
    figure.update_yaxes(range=[0, 104], row=1, col=2)
    figure.update_layout(height=300, legend={"orientation": "h", "y": -0.25, "x": 1, "xanchor": "right"})
    return plain(figure)


def _numbers(entry: dict) -> dict[str, float]:
    """The loss and the shares of an entry."""
    found = {key: value for key, value in entry.items() if isinstance(value, float)}
    return {k: v for k, v in found.items() if k == "loss" or (k not in NOT_SHARES and 0 <= v <= 1)}
