"""Names that come from files reach Plotly as text: it renders marks and links in whatever it is given."""

import json

import numpy as np
import pandas as pd

from analysis.compare.figures import confusion_difference_figure, confusion_figure, per_class_figure
from analysis.figures import probabilities_figure
from analysis.what_if.figures import scores_figure

LINK = '<a href="http://x">x</a> & <b>y</b>'
LABELS = ["one", LINK]


def shown(figure) -> str:
    """All that Plotly renders; `customdata[0]` alone is what a click selects by."""
    written = json.loads(figure.to_json())
    for trace in written["data"]:
        trace.pop("customdata", None)
    return json.dumps(written)


def test_labels_are_no_markup():
    table = pd.DataFrame({"label": LABELS, "difference": [0.5, -0.5], "p_holm": [0.01, 0.5]})
    table = table.assign(clips=4, a=0.5, b=0.5, only_a=1, only_b=1)
    counts = np.eye(2, dtype=int)
    probabilities = np.array([0.25, 0.75])
    bars = per_class_figure(table, LINK, "b")
    figures = [
        bars,
        confusion_figure({LINK: counts}, LABELS),
        confusion_difference_figure(counts, counts, LABELS),
        probabilities_figure(probabilities, LABELS),
        scores_figure(probabilities, probabilities, LABELS),
    ]
    for figure in figures:
        text = shown(figure)
        assert "<a" not in text and "<b>" not in text and "&lt;a href" in text
    assert bars.data[0].customdata[1][0] == LINK and "<" not in bars.data[0].customdata[1][7]
