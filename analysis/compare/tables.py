"""The tables of a comparison as people read them: percent with intervals, p-values as powers; for page, file and print."""

import platform
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly
import scipy

from analysis.compare.comparable import LETTERS, names
from analysis.compare.numbers import agreement, all_pairs, costs, p_text, summary
from atr.results.notices import PRINTED
from atr.results.predictions import Predictions
from atr.results.store import software

# Of trainings that are otherwise the same.
OWN_TO_EACH = {
    f"training.{name}"
    for name in ("seed", "arl_learning_rate", "relation_learning_rate", "dev_clips", "val_clips")
}


def summary_texts(predictions: Sequence[Predictions]) -> pd.DataFrame:
    found = summary(predictions).join(costs(predictions))
    rows = found.to_dict("records")
    return pd.DataFrame(
        {
            "": list(LETTERS[: len(rows)]),
            "checkpoint": found.checkpoint,
            "clips": [f"{n:,}" for n in found.clips],
            "top-1, % [95 %]": [interval_text(row, "top1") for row in rows],
            "top-5, % [95 %]": [interval_text(row, "top5") for row in rows],
            "ECE": [f"{value:.3f}" for value in found.ece],
            "parameters, M": [f"{n / 1e6:.3f}" for n in found.parameters],
            "MACs, G": [f"{n / 1e9:.3f}" for n in found.macs],
        }
    )


def interval_text(row: dict, name: str) -> str:
    value, low, high = (100 * row[key] for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def pairs_texts(predictions: Sequence[Predictions]) -> pd.DataFrame:
    found = all_pairs(predictions)
    return pd.DataFrame(
        {
            "first": found.a,
            "second": found.b,
            "difference of top-1, points [95 %]": [
                f"{100 * d:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
                for d, low, high in zip(found.difference, found.low, found.high, strict=True)
            ],
            "only the first": found.only_a,
            "only the second": found.only_b,
            "p (McNemar)": found.p.map(p_text),
            "p, adjusted (Holm)": found.p_holm.map(p_text),
        }
    )


def per_class_texts(found: pd.DataFrame) -> pd.DataFrame:
    """found: `compare.numbers.per_class`."""
    return pd.DataFrame(
        {
            "class": found.label,
            "clips": found.clips,
            "A, %": [f"{100 * value:.1f}" for value in found.a],
            "B, %": [f"{100 * value:.1f}" for value in found.b],
            "A minus B, points": [f"{100 * value:+.1f}" for value in found.difference],
            "only A right": found.only_a,
            "only B right": found.only_b,
            "p (McNemar)": found.p.map(p_text),
            "p, adjusted (Holm)": found.p_holm.map(p_text),
        }
    )


def confusions_texts(found: pd.DataFrame) -> pd.DataFrame:
    """found: `compare.numbers.confusions`."""
    return found.rename(
        columns={
            "label": "true class",
            "a_count": "by A",
            "b_count": "by B",
            "solved_by_b": "of A's solved by B",
            "solved_by_a": "of B's solved by A",
        }
    )


def agreement_text(a: Predictions, b: Predictions) -> str:
    found = agreement(a, b)
    kappa = "is not defined" if found.kappa is None else f"{found.kappa:.3f}"
    return (
        f"A and B give the same prediction for {100 * found.share:.1f} % of the clips (Cohen's kappa {kappa}); of the {found.both_wrong:,} "
        f"clips that both get wrong, {found.same_error:,} alike."
    )


def provenance(predictions: Sequence[Predictions]) -> pd.DataFrame:
    rows = {}
    for name, p in zip(names(predictions), predictions, strict=True):
        facts, checkpoint = p.facts, p.facts["checkpoint"]
        rows[name] = {
            "made by": facts.get("command", ""),
            "weights, SHA-256": checkpoint["weights_sha256"],
            "data": facts["data"]["name"],
            "list of clips, digest": facts["data"]["digest"],
            "clips that could not be read": str(len(facts["skipped"])),
            "clips that lack frames": missing_frames(facts),
            "software": ", ".join(f"{k} {v}" for k, v in facts.get("software", {}).items()),
        }
    return pd.DataFrame(rows).rename_axis("predictions").reset_index()


def missing_frames(facts: dict) -> str:
    """How many clips, and the notices of the first few."""
    if "damaged" not in facts:
        return "not recorded"
    notices = facts.get("notices", {})
    first = [f"{clip}: {'; '.join(notices.get(clip, ()))}" for clip in facts["damaged"][:PRINTED]]
    return " · ".join([str(len(facts["damaged"])), *first])


def made_with(command: str) -> pd.DataFrame:
    versions = software() | {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "pandas": pd.__version__,
        "plotly": plotly.__version__,
    }
    texts = [command, ", ".join(f"{name} {version}" for name, version in versions.items())]
    return pd.DataFrame({"report": ["made by", "software"], "": texts})


def trainings_text(differences: pd.DataFrame) -> str:
    """What but the networks separates trainings that differ, in a sentence; "" where nothing does.

    differences: of `config_differences`. Seeds are another matter, and so are rates of parts that only some networks have.
    """
    found = [
        setting.removeprefix("training.")
        for setting in differences.setting
        if setting.startswith("training.") and setting not in OWN_TO_EACH
    ]
    if not found:
        return ""
    return f"The trainings differ too ({', '.join(found)}): what separates them is not the networks alone."
