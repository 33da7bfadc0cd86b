"""Two or more models on the same clips: gaps and how sure they are, class by class, confusion by confusion, clip by clip.

A is the first of the models, B the second. Nothing is intersected: unlike lists, classes or protocols are refused.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from analysis.compare.comparable import LETTERS, names, require_comparable
from analysis.relations.divergence import js_divergence
from analysis.statistics import (
    cohen_kappa,
    difference_interval,
    holm,
    mcnemar,
    paired_counts,
    reliability_curve,
    wilson_interval,
)
from atr.describe import describe
from atr.models import ModelConfig
from atr.preprocessing import Preprocessing
from atr.results.predictions import Predictions
from atr.results.scores import confusion_matrix
from atr.training.config import DEFAULTS, FREE, filled
from atr.video.protocol import Protocol

SIGNIFICANT = 0.05
ABSENT = "–"


# ---- accuracy --------------------------------------------------------------------------------------------------------


def summary(predictions: Sequence[Predictions]) -> pd.DataFrame:
    """One row a checkpoint: accuracies (shares of the clips) with their 95 % intervals, ECE, milliseconds a clip."""
    rows = []
    for name, p in zip(names(predictions), predictions, strict=True):
        row, ranks = {"checkpoint": name, "clips": len(p)}, p.ranks
        for k in (1, 5):
            right = int((ranks < k).sum())
            low, high = wilson_interval(right, len(p))
            row |= {f"top{k}": right / len(p), f"top{k}_low": low, f"top{k}_high": high}
        row |= {"ece": reliability(p)[1], "ms_per_clip": p.facts["milliseconds_per_clip"]}
        rows.append(row)
    return pd.DataFrame(rows)


def costs(predictions: Sequence[Predictions]) -> pd.DataFrame:
    """Rows as in `summary`: parameters, and the multiply-accumulates of one view."""
    rows = []
    for p in predictions:
        checkpoint = p.facts["checkpoint"]
        side = Protocol.named(p.facts["protocol"]).side(Preprocessing.from_dict(checkpoint["preprocessing"]))
        found = describe(ModelConfig.from_dict(checkpoint["model"]), side)
        rows.append({"parameters": found.parameters, "macs": found.macs})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Paired:
    """Top-k of a minus top-k of b, its 95 % interval (low, high), the 2x2 table of the clips, McNemar's exact p.

    All of it is about clips: what another training of the same two networks would give, it cannot say.
    """

    a: str
    b: str
    k: int
    clips: int
    difference: float
    low: float
    high: float
    both: int
    only_a: int
    only_b: int
    neither: int
    p: float

    @property
    def sentence(self) -> str:
        of_a, of_b = ((self.both + only) / self.clips for only in (self.only_a, self.only_b))
        verdict = (
            "significant at the 5 % level" if self.p < SIGNIFICANT else "not significant at the 5 % level"
        )
        return (
            f"Top-{self.k} of {self.a} is {100 * of_a:.1f} %, of {self.b} {100 * of_b:.1f} %: a difference of "
            f"{100 * self.difference:+.1f} points (95 % interval {100 * self.low:+.1f} to {100 * self.high:+.1f}; "
            f"{self.clips:,} clips). Only {self.a} is right on {self.only_a:,} clips, only {self.b} on "
            f"{self.only_b:,}: exact McNemar p = {p_text(self.p)}, {verdict}."
        )


def paired(a: Predictions, b: Predictions, *, k: int = 1) -> Paired:
    """Whether a and b differ by more than luck. Raises NotComparable."""
    require_comparable([a, b])
    counts = paired_counts(a.ranks < k, b.ranks < k)
    low, high = difference_interval(counts)
    p = mcnemar(counts.only_a, counts.only_b)
    first, second = names([a, b])
    return Paired(first, second, k, len(a), counts.difference, low, high, **asdict(counts), p=p)


def all_pairs(predictions: Sequence[Predictions]) -> pd.DataFrame:
    """`paired` of every two, one row each, and "p_holm", adjusted for there being several. Raises NotComparable."""
    require_comparable(predictions)
    table = pd.DataFrame([asdict(paired(a, b)) for a, b in itertools.combinations(predictions, 2)])
    table[["a", "b"]] = list(itertools.combinations(names(predictions), 2))
    return table.assign(p_holm=holm(table.p))


def p_text(p: float) -> str:
    """ "0.012", and "2·10⁻⁵⁶" below 0.001."""
    if p >= 0.001 or p == 0:
        return f"{p:.2g}"
    digits, exponent = f"{p:.0e}".split("e")
    return f"{digits}·10{str(int(exponent)).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


# ---- classes ---------------------------------------------------------------------------------------------------------


def per_class(a: Predictions, b: Predictions) -> pd.DataFrame:
    """One row a class that has clips, sorted by "difference", the accuracy of a minus that of b on its clips.

    Columns: label, clips, a, b (accuracies), difference, only_a, only_b, p (McNemar), p_holm (over these classes).
    """
    require_comparable([a, b])

    def count(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(a.targets[chosen], minlength=len(a.labels))

    right_a, right_b = a.correct, b.correct
    table = pd.DataFrame(
        {
            "label": a.labels,
            "clips": count(np.full(len(a), True)),
            "a": count(right_a),
            "b": count(right_b),
            "only_a": count(right_a & ~right_b),
            "only_b": count(right_b & ~right_a),
        }
    )
    table = table[table.clips > 0]
    table = table.assign(a=table.a / table.clips, b=table.b / table.clips)
    table.insert(4, "difference", (table.only_a - table.only_b) / table.clips)
    table["p"] = [mcnemar(*pair) for pair in zip(table.only_a, table.only_b, strict=True)]
    table["p_holm"] = holm(table.p)
    return table.sort_values("difference", ascending=False, kind="stable", ignore_index=True)


def confusions(a: Predictions, b: Predictions) -> pd.DataFrame:
    """One row for each way in which either is wrong, those in which a and b differ most first.

    Columns: label (the true class), predicted, a_count and b_count (clips so confused), solved_by_b (of the a_count
    clips, those that b gets right), solved_by_a (of the b_count).
    """
    require_comparable([a, b])

    def errors(own: Predictions, other: Predictions, count: str, solved: str) -> pd.DataFrame:
        wrong = ~own.correct
        clips = {
            "target": own.targets[wrong],
            "predicted": own.predicted[wrong],
            solved: other.correct[wrong],
        }
        groups = pd.DataFrame(clips).groupby(["target", "predicted"])[solved]
        return groups.agg(**{count: "size", solved: "sum"})

    table = errors(a, b, "a_count", "solved_by_b").join(errors(b, a, "b_count", "solved_by_a"), how="outer")
    table = table.fillna(0).astype(int).reset_index()
    order = np.lexsort((-(table.a_count + table.b_count), -(table.a_count - table.b_count).abs()))
    table, labels = table.iloc[order], np.array(a.labels, dtype=object)
    table.insert(0, "label", labels[table.target])
    table["predicted"] = labels[table.predicted]
    counts = ["a_count", "b_count", "solved_by_b", "solved_by_a"]
    return table[["label", "predicted", *counts]].reset_index(drop=True)


@dataclass(frozen=True)
class Agreement:
    """How often two models give a clip the same class, right or wrong.

    share: of clips with the same prediction. kappa: Cohen's, share beyond what independent predictions would give; None
    where both only ever predict one and the same class.
    both_wrong: clips that neither gets right; same_error: those of them with the same prediction.
    """

    share: float
    kappa: float | None
    both_wrong: int
    same_error: int


def agreement(a: Predictions, b: Predictions) -> Agreement:
    require_comparable([a, b])
    alike, both_wrong = a.predicted == b.predicted, ~a.correct & ~b.correct
    kappa = cohen_kappa(confusion_matrix(a.predicted, b.predicted, len(a.labels)))
    kappa = kappa if math.isfinite(kappa) else None
    return Agreement(float(alike.mean()), kappa, int(both_wrong.sum()), int((alike & both_wrong).sum()))


def reliability(predictions: Predictions) -> tuple[pd.DataFrame, float]:
    """The reliability curve and the expected calibration error, of the probability of the predicted class.

    One row a bin: low, high (its edges), clips, confidence, accuracy, accuracy_low, accuracy_high (95 %); nan where
    a bin has no clip.
    """
    curve = reliability_curve(predictions.scores.max(axis=1), predictions.correct)
    intervals = np.array(
        [
            wilson_interval(correct, count) if count else (np.nan, np.nan)
            for correct, count in zip(curve.correct, curve.counts, strict=True)
        ]
    )
    table = pd.DataFrame(
        {
            "low": curve.edges[:-1],
            "high": curve.edges[1:],
            "clips": curve.counts,
            "confidence": curve.confidence,
            "accuracy": curve.accuracy,
            "accuracy_low": intervals[:, 0],
            "accuracy_high": intervals[:, 1],
        }
    )
    return table, curve.ece


# ---- clips -----------------------------------------------------------------------------------------------------------


def clip_table(predictions: Sequence[Predictions]) -> pd.DataFrame:
    """One row a clip, in the order of the list. Raises NotComparable.

    Columns: id, label (true); for each model, by its letter from a on, predicted_a (a label), right_a, p_true_a
    (the probability of the true class); disagreement, the mean Jensen-Shannon divergence between the class scores of every
    two models, in nats: 0 where all say the same, ln 2 where no two share a class.
    """
    require_comparable(predictions)
    labels = np.array(predictions[0].labels, dtype=object)
    table = {"id": predictions[0].ids, "label": labels[predictions[0].targets]}
    for letter, p in zip(LETTERS.lower(), predictions, strict=False):
        table |= {
            f"predicted_{letter}": labels[p.predicted],
            f"right_{letter}": p.correct,
            f"p_true_{letter}": p.true_probability,
        }
    pairs = itertools.combinations(predictions, 2)
    table["disagreement"] = np.mean([js_divergence(a.scores, b.scores) for a, b in pairs], axis=0)
    return pd.DataFrame(table)


def _right(table: pd.DataFrame) -> np.ndarray:
    """bool (N, models)"""
    return table.filter(regex=f"^right_[{LETTERS.lower()}]$").to_numpy()


def of_class(table: pd.DataFrame, label: str | None) -> pd.DataFrame:
    """The clips of a true class in a `clip_table`; all when None."""
    return table if label is None else table[table.label == label]


def _most_disagreed_first(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("disagreement", ascending=False, kind="stable")


Filter = Callable[[pd.DataFrame], pd.DataFrame]
# What a `clip_table` is narrowed to; all but the first put the clips on which the models disagree most in front.
FILTERS: dict[str, tuple[str, Filter]] = {
    "all": ("all clips", lambda t: t),
    "only_a": ("A right, B wrong", lambda t: _most_disagreed_first(t[t.right_a & ~t.right_b])),
    "only_b": ("A wrong, B right", lambda t: _most_disagreed_first(t[t.right_b & ~t.right_a])),
    "both_right": ("every model right", lambda t: _most_disagreed_first(t[_right(t).all(axis=1)])),
    "both_wrong": ("every model wrong", lambda t: _most_disagreed_first(t[~_right(t).any(axis=1)])),
    "disagreed": ("all clips, most disagreed first", _most_disagreed_first),
}


# ---- configurations --------------------------------------------------------------------------------------------------


def config_differences(predictions: Sequence[Predictions]) -> pd.DataFrame:
    """The settings in which the checkpoints, their trainings, or what they were evaluated on and with, differ.

    One row a setting ("setting": model.block, model.atr.er_init, preprocessing.crop, data.description, window,
    inference, software.torch …), one column of texts a checkpoint. A network without blocks has no block settings, which
    makes no row of those that all others share.
    "data.files" is a row where networks that are given alike frames were evaluated on files that are not the same,
    "data.name" none where they are the same.
    """
    settings, files = [], {}
    for p in predictions:
        checkpoint, kept = p.facts["checkpoint"], {}
        kept["model"] = dict(checkpoint["model"])
        if kept["model"]["block"] is None:
            kept["model"] = {k: v for k, v in kept["model"].items() if k not in ("atr", "placement")}
        kept["preprocessing"] = {"fit": "crop"} | checkpoint["preprocessing"]  # told where it is another
        kept["sampling"] = p.facts.get("sampling", "uniform")  # older results are of networks trained so
        kept |= {k: p.facts[k] for k in ("window", "inference") if k in p.facts}
        # Weights from elsewhere come without; settings that are younger than a training were at their defaults.
        stored = checkpoint.get("training")
        training = filled(stored, DEFAULTS) if stored and isinstance(stored, dict) else {}
        kept["training"] = {k: v for k, v in training.items() if k not in ("model", *FREE)}
        kept["data"] = {k: p.facts["data"][k] for k in ("name", "description")}
        kept["data"]["files"] = f"digest {p.facts['data']['digest'][:12]}"
        given = str((checkpoint["model"]["num_frames"], kept["preprocessing"]))  # which the digest takes in
        files.setdefault(given, set()).add(kept["data"]["files"])
        kept["software"] = p.facts.get("software", {})
        settings.append(pd.json_normalize(kept).iloc[0].map(_written))
    table = pd.concat(settings, axis=1, sort=False).fillna(ABSENT)
    table.columns = names(predictions)
    differing = table.nunique(axis=1) > 1
    of_blocks = table.index.str.startswith("model.atr.")
    differing &= ~of_blocks | (table.where(table != ABSENT).nunique(axis=1) > 1)
    differing["data.files"] = any(len(digests) > 1 for digests in files.values())
    if [len(digests) for digests in files.values()] == [1]:  # the same files, however the folder was named
        differing["data.name"] = False
    return table[differing].rename_axis("setting").reset_index()


def _written(value: object) -> str:
    """3 and 3.0 are one setting."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
