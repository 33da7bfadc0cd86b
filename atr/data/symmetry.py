"""What becomes of a class when its clips are mirrored or played backwards."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from atr import tabletop
from atr.schema import counted

NO_CLASS = -1

LEFT, RIGHT, CLOCKWISE, AGAINST = "<left>", "<right>", "<clockwise>", "<against the clock>"
MIRROR = {LEFT: RIGHT, RIGHT: LEFT, CLOCKWISE: AGAINST, AGAINST: CLOCKWISE}
# The words of a label that a mirror changes, and those that only look like one. A word may be written into another:
# move_left, TurnLeft, turnleft, left-to-right, leftwards, L2R, swipe_l, SwipeL, RotateCCW. "pulling it right out"
# (Something-Something) means at once.
WORDS = re.compile(
    r"""
    (?P<none> (?<![a-z])(?: (?:up|out|down|forth|copy|birth|al|b|f)right | cleft | leftover | righteous | rightful )
            | right\ out\b )
  | (?P<against> (?:counter|anti|contra)[-_ ]*clock[-_ ]*wise | (?<![a-z])(?:ccw|acw)(?![a-z]) | (?-i:(?<=[a-z])CCW(?![A-Za-z])) )
  | (?P<clockwise> clock[-_ ]*wise | (?<![a-z])cw(?![a-z]) | (?-i:(?<=[a-z])CW(?![A-Za-z])) )
  | (?P<left_to_right> (?<![a-z0-9])(?:l2r|ltr)(?![a-z0-9]) )
  | (?P<right_to_left> (?<![a-z0-9])(?:r2l|rtl)(?![a-z0-9]) )
  | (?P<left> left(?:wards?)? | (?<![a-z'])l(?![a-z']) | (?-i:(?<=[a-z])L(?![A-Za-z])) )
  | (?P<right> right(?:wards?)? | (?<![a-z'])r(?![a-z']) | (?-i:(?<=[a-z])R(?![A-Za-z])) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
LETTER = re.compile(
    r"(?<![a-z'])[a-z](?![a-z']) | (?-i:(?<=[a-z])[A-Z](?![A-Za-z]))", re.IGNORECASE | re.VERBOSE
)
SPELLED = {
    "against": AGAINST,
    "clockwise": CLOCKWISE,
    "left_to_right": f"{LEFT} to {RIGHT}",
    "right_to_left": f"{RIGHT} to {LEFT}",
    "left": LEFT,
    "right": RIGHT,
}
SIDES_OF_SOMETHING = {
    "Pulling something from left to right",
    "Pulling something from right to left",
    "Pushing something from left to right",
    "Pushing something from right to left",
    "Turning the camera left while filming something",
    "Turning the camera right while filming something",
}
NUM_SOMETHING = 174


@dataclass(frozen=True)
class ClassSymmetry:
    """What a clip of each class becomes: seen in a mirror (`mirrored`), played backwards (`reversed`).

    (num_classes,) class indices. A class that is its own image maps to itself. NO_CLASS, -1: the image belongs to no
    class of the list, so a clip of this class must not be flipped. `reversed` is None where it is not known.
    `known`: the table is a published one; else the texts of the labels told it, and they need not tell all.
    """

    mirrored: tuple[int, ...]
    reversed: tuple[int, ...] | None = None
    known: bool = False


def mirrored_classes(labels: Sequence[str]) -> tuple[int, ...]:
    """The class of a mirrored clip, told by the texts of the labels: left and right change places, turns change sense.

    Gives the table published with Something-Something: three pairs, every other class is its own image. A label whose
    image is not in the list, or is the image of two that differ in spelling alone, has NO_CLASS.
    """
    letters = alphabets(labels)
    spelled = [label if without_letter(label) in letters else one_spelling(label) for label in labels]
    counts = Counter(spelled)
    numbers = {text: number for number, text in enumerate(spelled)}

    def image(number: int) -> int:
        text = spelled[number]
        if not any(word in text for word in MIRROR):
            return number
        mirrored = re.sub("|".join(map(re.escape, MIRROR)), lambda word: MIRROR[word[0]], text)
        if counts[text] > 1 or counts[mirrored] != 1:
            return NO_CLASS
        return numbers[mirrored]

    return tuple(image(number) for number in range(len(labels)))


def alphabets(labels: Sequence[str]) -> set[str | None]:
    """What is left of labels that differ in one letter, of which l and r are some: "sign A" … "sign Z" name no sides."""
    found: dict[str | None, set[str]] = {}
    for label in labels:
        found.setdefault(without_letter(label), set()).update(map(str.lower, LETTER.findall(label)))
    return {rest for rest, letters in found.items() if rest is not None and letters - {"l", "r"}}


def without_letter(label: str) -> str | None:
    """None where it does not hold just one letter that stands alone."""
    rest, count = LETTER.subn("*", label)
    return rest.casefold() if count == 1 else None


def one_spelling(label: str) -> str:
    """A label with the words that a mirror changes in one spelling, and words set apart by single spaces."""
    text = WORDS.sub(lambda word: " " + SPELLED.get(word.lastgroup or "", word[0]) + " ", label)
    return " ".join(re.split(r"[-_\s]+", text)).strip().casefold()


def is_something_something(labels: Sequence[str]) -> bool:
    """Whether these are the official labels, of V1 or V2: as many, and of them these six that name a side."""
    mirrored = mirrored_classes(labels)
    sided = {label for number, label in enumerate(labels) if mirrored[number] != number}
    return len(labels) == NUM_SOMETHING and sided == SIDES_OF_SOMETHING and NO_CLASS not in mirrored


def told_symmetry(symmetry: ClassSymmetry | None, labels: Sequence[str], share: float) -> str:
    """What a training that flips this share of its clips makes of the classes, in words."""
    if symmetry is None:
        return "no clip is flipped: it is not known what a mirror makes of the classes"
    images = symmetry.mirrored
    pairs = [(k, image) for k, image in enumerate(images) if image > k]
    never = [labels[k] for k, image in enumerate(images) if image == NO_CLASS]
    own = sum(image == k for k, image in enumerate(images))
    exchanged = "".join(f"\n  {labels[a]!r} <-> {labels[b]!r}" for a, b in pairs)
    alone = "".join(f"\n  {label!r} has no mirror image in the list and is not flipped" for label in never)
    source = "published" if symmetry.known else "told by the texts of the labels"
    table = (
        f"{counted(len(pairs), 'pair')} of classes exchanged, {own} taken for their own mirror image, {len(never)} not "
        f"flipped ({source}){':' if pairs or never else ''}{exchanged}{alone}"
    )
    if share:
        return f"{share:.0%} of the clips are flipped: {table}"
    return f"no clip is flipped; --mirror 0.5 would flip half of them: {table}"


def symmetry_of(labels: Sequence[str]) -> ClassSymmetry:
    """What a flip makes of classes, told by their texts; known where these are a data set's whose table is."""
    rendered = sorted(map(str.lower, labels)) == sorted(map(str.lower, tabletop.CLASSES))
    return ClassSymmetry(mirrored_classes(labels), known=rendered or is_something_something(labels))
