"""What must be the same before two models are compared: protocol, classes, clips, true classes. Nothing is intersected."""

import string
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from atr.results.predictions import Predictions, read_predictions

LETTERS = "ABCD"  # side by side, more cannot be read


class NotComparable(ValueError):
    """Predictions that are not of the same clips and classes under the same protocol; the message names what differs."""


def require_comparable(predictions: Sequence[Predictions]) -> None:
    """Raises NotComparable, which names the first thing in which two predictions differ."""
    if len(predictions) < 2:
        raise NotComparable(f"two predictions or more are needed to compare, got {len(predictions)}")
    called = names(predictions)
    first = predictions[0]
    for name, other in zip(called[1:], predictions[1:], strict=True):
        pair = f"{called[0]} and {name} cannot be compared"
        protocols = first.protocol, other.protocol
        if protocols[0] != protocols[1]:
            raise NotComparable(
                f"{pair}: protocol {protocols[0]} against {protocols[1]}; evaluate both under one"
            )
        if first.states_offsets != other.states_offsets:
            older = called[0] if other.states_offsets else name
            raise NotComparable(f"{pair}: {older} is older and was shown other frames; evaluate it anew")
        if first.labels != other.labels:
            raise NotComparable(f"{pair}: {_first_difference('class', first.labels, other.labels)}")
        if first.ids != other.ids:
            skipped = [f"{len(p.facts.get('skipped', ()))} skipped" for p in (first, other)]
            difference = _first_difference("clip", first.ids, other.ids)
            raise NotComparable(f"{pair}: {difference} ({skipped[0]}, {skipped[1]})")
        if len(unlike := np.flatnonzero(first.targets != other.targets)):
            own, its = (first.labels[p.targets[unlike[0]]] for p in (first, other))
            raise NotComparable(
                f"{pair}: true classes differ on {len(unlike)} of {len(first)} clips, the first is "
                f"{first.ids[unlike[0]]!r}, {own!r} against {its!r}"
            )


def _first_difference(kind: str, a: Sequence[str], b: Sequence[str]) -> str:
    if len(a) != len(b):
        return f"{len(a)} {kind} entries against {len(b)}"
    index = next(i for i, (own, its) in enumerate(zip(a, b, strict=True)) if own != its)
    return f"{kind} {index} is {a[index]!r} against {b[index]!r}"


def names(predictions: Sequence[Predictions]) -> list[str]:
    """The checkpoints' names; with letters where two are called alike."""
    plain = [p.name for p in predictions]
    if len(set(plain)) == len(plain):
        return plain
    return [f"{letter} {name}" for letter, name in zip(string.ascii_uppercase, plain, strict=False)]


def comparable_predictions(folders: Sequence[Path]) -> list[Predictions]:
    """Raises ValueError where a folder cannot be read or is given twice, or they are too few, too many or of unlike clips."""
    most = len(LETTERS)
    if not 2 <= len(folders) <= most:
        raise ValueError(f"2 to {most} folders of predictions are compared, got {len(folders)}")
    for position, folder in enumerate(folders):
        if any(folder.resolve() == other.resolve() for other in folders[:position]):
            raise ValueError(f"{folder} is given twice: a folder is compared with others")
    predictions = [read_predictions(folder) for folder in folders]
    require_comparable(predictions)
    return predictions
