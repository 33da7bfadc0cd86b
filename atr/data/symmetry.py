"""What becomes of a class when its clips are mirrored or played backwards."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

NO_CLASS = -1

# A word may be written into a name: move_left, TurnLeft. "pulling it right out" (Something-Something) means at once.
SIDES = re.compile(r"(?:(?<![a-z])(?:left|right)|Left|Right|LEFT|RIGHT)(?! out\b)")
TURNS = re.compile(r"(?:(?:counter|anti)[- _]?)?clockwise", re.IGNORECASE)
OTHER_SIDE = {
    "left": "right",
    "right": "left",
    "Left": "Right",
    "Right": "Left",
    "LEFT": "RIGHT",
    "RIGHT": "LEFT",
}


@dataclass(frozen=True)
class ClassSymmetry:
    """What a clip of each class becomes: seen in a mirror (`mirrored`), played backwards (`reversed`).

    (num_classes,) class indices. A class that is its own image maps to itself. NO_CLASS, -1: the image belongs to no
    class of the list, so a clip of this class must not be flipped. `reversed` is None where it is not known.
    """

    mirrored: tuple[int, ...]
    reversed: tuple[int, ...] | None = None


def mirrored_classes(labels: Sequence[str]) -> tuple[int, ...]:
    """The class of a mirrored clip, told by the texts of the labels: left and right change places, turns change sense.

    Gives the table published with Something-Something V2: three pairs, every other class is its own image. A label
    whose image is not in the list has NO_CLASS.
    """
    numbers = {one_spelling(label): number for number, label in enumerate(labels)}
    return tuple(numbers.get(one_spelling(mirrored_text(label)), NO_CLASS) for label in labels)


def mirrored_text(label: str) -> str:
    label = TURNS.sub(
        lambda turn: "counter-clockwise" if turn[0].lower() == "clockwise" else "clockwise", label
    )
    return SIDES.sub(lambda side: OTHER_SIDE[side[0]], label)


def one_spelling(label: str) -> str:
    """Turns against the clock are spelled in many ways."""
    return TURNS.sub(
        lambda turn: "clockwise" if turn[0].lower() == "clockwise" else "counter-clockwise", label
    )
