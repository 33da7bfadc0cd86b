"""A comparison as one HTML file that works from disk: tables, plots, chosen clips, and what made them.

Nothing is fetched: plotly.js and all pictures are inside, and the page's own policy forbids every connection.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from analysis.compare.comparable import names, require_comparable
from analysis.compare.figures import (
    confusion_difference_figure,
    confusion_figure,
    cost_figure,
    per_class_figure,
    reliability_figure,
)
from analysis.compare.numbers import (
    config_differences,
    confusions,
    costs,
    paired,
    per_class,
    reliability,
    summary,
)
from analysis.compare.tables import (
    agreement_text,
    confusions_texts,
    made_with,
    pairs_texts,
    per_class_texts,
    provenance,
    summary_texts,
    trainings_text,
)
from analysis.html_page import Figures, folded, page, paragraph, section, table
from atr.results.predictions import Predictions
from atr.video.decoding import Notice

CAVEAT = (
    "Intervals and tests describe the variation between clips of this kind, not between trainings of the same "
    "networks."
)
SHOWN_CONFUSIONS = 30


@dataclass(frozen=True)
class Strip:
    """Frames side by side, uint8 RGB (L, H, W, 3), and what they show."""

    caption: str
    frames: np.ndarray


@dataclass(frozen=True)
class ReportClip:
    """A clip of the report: its true class, a line for what each model says of it, pictures, notices of its video."""

    id: str
    label: str
    answers: tuple[str, ...]
    strips: tuple[Strip, ...]
    notices: tuple[Notice, ...] = ()


def build_report(
    predictions: Sequence[Predictions],
    *,
    command: str,
    clips: Sequence[ReportClip] = (),
    chosen: str = "",
) -> str:
    """The whole page as text; the same arguments give the same text.

    Args:
        predictions: two to four; the first two are A and B.
        command: what was run, or the address of the page, to get this report again.
        clips: to show one by one.
        chosen: how they were chosen, or why there are none, in words.

    Raises:
        NotComparable: the predictions are of other clips, classes or protocols.
    """
    require_comparable(predictions)
    a, b = predictions[:2]
    called = names(predictions)
    data, protocol = a.facts["data"]["description"], a.protocol
    classes = per_class(a, b)
    curves = {name: reliability(p) for name, p in zip(called, predictions, strict=True)}
    matrices = {name: p.confusion() for name, p in zip(called, predictions, strict=True)}
    figures, differences = Figures(), config_differences(predictions)
    trained = trainings_text(differences)
    sections = [
        section(
            "Accuracy",
            paragraph(paired(a, b).sentence),
            paragraph(CAVEAT, note=True),
            paragraph(trained, note=True) if trained else "",
            table(summary_texts(predictions)),
            table(pairs_texts(predictions)) if len(predictions) > 2 else "",
            figures.html(cost_figure(summary(predictions).join(costs(predictions)))),
        ),
        section("What differs between the checkpoints", table(differences)),
        section(
            "Classes",
            figures.html(per_class_figure(classes, *called[:2])),
            folded(f"The same as a table, {len(classes)} classes", table(per_class_texts(classes))),
        ),
        section(
            "Confusions",
            paragraph(
                f"The {SHOWN_CONFUSIONS} confusions in which A and B differ most; solved: clips that one confuses in "
                "this way and the other classifies correctly."
            ),
            table(confusions_texts(confusions(a, b).head(SHOWN_CONFUSIONS))),
            figures.html(confusion_difference_figure(matrices[called[0]], matrices[called[1]], a.labels)),
            figures.html(confusion_figure(dict(list(matrices.items())[:2]), a.labels)),
        ),
        section(
            "Agreement and calibration",
            paragraph(agreement_text(a, b)),
            figures.html(reliability_figure(curves)),
        ),
        section("Clips", paragraph(chosen), *map(article, clips)) if clips or chosen else "",
        section("How this was made", table(provenance(predictions)), table(made_with(command))),
    ]
    heading = f"{' against '.join(called)}"
    return page(heading, paragraph(f"{data}, protocol {protocol}", note=True), *sections)


def article(clip: ReportClip) -> str:
    lines = "".join(f"<li>{escape(each)}</li>" for each in (*clip.answers, *clip.notices))
    pictures = "".join(map(strip_html, clip.strips))
    return f"<article><h3>{escape(clip.id)}: {escape(clip.label)}</h3><ul>{lines}</ul>{pictures}</article>\n"


def strip_html(strip: Strip) -> str:
    file = io.BytesIO()
    Image.fromarray(np.hstack(strip.frames)).save(file, "png")
    picture = base64.b64encode(file.getvalue()).decode()
    caption = escape(strip.caption)
    return (
        f'<figure><img src="data:image/png;base64,{picture}" alt="{caption}"><figcaption>{caption}</figcaption>'
        "</figure>\n"
    )
