"""Does a model need the order of the frames? Its answers to clips in order, reversed and shuffled."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
from msgspec import Struct
from torch import Tensor

from analysis.statistics import difference_interval, paired_counts, wilson_interval
from analysis.what_if.interventions import frame_order
from atr.data.clips import ClipDataset
from atr.data.symmetry import NO_CLASS
from atr.models import VideoClassifier
from atr.results.passes import per_clip
from atr.results.predict import class_probabilities, evaluating
from atr.results.processes import process_state
from atr.results.store import Result, result_folder
from atr.schema import Count, Finite, Share, Text

ORDERS = ("as it is", "reversed", "shuffled")  # of `frame_order`, and of the columns of every array here


class Proportion(Struct):
    value: Share
    low: Share
    high: Share


class Proportions(Struct, kw_only=True):
    clips: Count
    as_it_is: Proportion = msgspec.field(name="as it is")
    reversed: Proportion
    shuffled: Proportion
    reversed_class: Proportion | None = msgspec.field(name="reversed class")
    reversed_unchanged: Proportion = msgspec.field(name="reversed unchanged")
    shuffled_unchanged: Proportion = msgspec.field(name="shuffled unchanged")


class ProportionsOfClass(Proportions):
    label: Text
    reversed_label: Text | None


class Drop(Struct):
    difference: Finite
    low: Finite
    high: Finite


class Drops(Struct):
    reversed: Drop
    shuffled: Drop


class OrderResult(Result):
    """What a reader may rely on."""

    clips: Count
    overall: Proportions
    drops: Drops
    classes: list[ProportionsOfClass]


def order_folder(root: Path, checkpoint: Path, data_digest: str, seed: int = 0) -> Path:
    """Where the result lies, complete or not."""
    return result_folder(root, "order", checkpoint, {"data": data_digest, "seed": seed})


def answers_in_order(
    model: VideoClassifier, clips: ClipDataset, *, seed: int = 0, **options
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """What a model answers to each clip in each of `ORDERS`, and {index: message} of clips that could not be read.

    seed: of the shuffled orders; every clip has its own. options: of `per_clip`.

    Returns:
        "predicted" int64 (N, 3), class indices; "true_probability" float32 (N, 3), of the clip's own class; "index".
    """
    model.to(process_state().device)

    def compute(frames: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        answers = []
        for kind in ORDERS:
            orders = [frame_order(kind, frames.shape[1], seed=(seed, index)) for index in indices]
            ordered = np.stack([clip[order] for clip, order in zip(frames.numpy(), orders, strict=True)])
            answers.append(class_probabilities(model, ordered).cpu().numpy())
        probabilities = np.stack(answers, axis=1)  # (n, 3, num_classes)
        return {
            "predicted": probabilities.argmax(axis=2),
            "true_probability": probabilities[np.arange(len(targets)), :, targets],
        }

    with evaluating(model):
        return per_clip(clips, compute, **options)


def order_numbers(
    predicted: np.ndarray, targets: np.ndarray, labels: Sequence[str], reversed_classes: Sequence[int] | None
) -> dict:
    """Accuracies by order, over all clips and by class, fit for JSON.

    Args:
        predicted: int (N, 3), `answers_in_order`.
        targets: int (N,).
        labels: one text per class.
        reversed_classes: `ClassSymmetry.reversed`; None where it is not known.

    Returns:
        "overall", and "classes", one entry for each class that has clips, named by "label" and "reversed_label" (None
        where not known). An entry has "clips" and the proportions "as it is", "reversed", "shuffled" (predicted
        as the clip's own class), "reversed class" (played backwards, predicted as the class it then shows; None where no clip has
        one), "reversed unchanged", "shuffled unchanged" (predicted as in order): {"value", "low", "high"}, 95 % Wilson intervals.
        "drops": own-class accuracy in order minus that in the other order, {"difference", "low", "high"}, bootstrapped
        over clips.
    """
    correct = predicted == targets[:, None]
    images = np.full(len(labels), NO_CLASS) if reversed_classes is None else np.asarray(reversed_classes)
    backwards = images[targets]

    def entry(chosen: np.ndarray) -> dict:
        kept, found, image = predicted[chosen], correct[chosen], backwards[chosen]
        known = image != NO_CLASS
        return {
            "clips": len(kept),
            **{order: proportion(found[:, column]) for column, order in enumerate(ORDERS)},
            "reversed class": proportion((kept[:, 1] == image)[known]) if known.any() else None,
            "reversed unchanged": proportion(kept[:, 1] == kept[:, 0]),
            "shuffled unchanged": proportion(kept[:, 2] == kept[:, 0]),
        }

    drops = {}
    for column, order in enumerate(ORDERS[1:], start=1):
        counts = paired_counts(correct[:, 0], correct[:, column])
        low, high = difference_interval(counts)
        drops[order] = {"difference": counts.difference, "low": low, "high": high}
    classes = [
        {
            "label": labels[c],
            "reversed_label": labels[images[c]] if images[c] != NO_CLASS else None,
            **entry(targets == c),
        }
        for c in np.unique(targets).tolist()
    ]
    return {"overall": entry(np.ones(len(targets), bool)), "drops": drops, "classes": classes}


def proportion(verdicts: np.ndarray) -> dict[str, float]:
    """bool (N,) -> the share that holds, with its interval."""
    low, high = wilson_interval(int(verdicts.sum()), len(verdicts))
    return {"value": float(verdicts.mean()), "low": low, "high": high}


def order_table(result: dict) -> pd.DataFrame:
    """One row over all clips and one per class; every proportion with the ends of its interval."""
    rows = []
    for entry in ({"label": "all", "reversed_label": None, **result["overall"]}, *result["classes"]):
        row = {"class": entry["label"], "reversed class": entry["reversed_label"], "clips": entry["clips"]}
        for name, value in entry.items():
            if isinstance(value, dict):
                column = "predicted as the reversed class" if name == "reversed class" else name
                row |= {
                    column: value["value"],
                    f"{column}, low": value["low"],
                    f"{column}, high": value["high"],
                }
        rows.append(row)
    return pd.DataFrame(rows)
