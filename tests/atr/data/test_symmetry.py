"""The class of a mirrored clip, told by the texts of the labels."""

import pytest

from atr.data.symmetry import (
    NO_CLASS,
    ClassSymmetry,
    is_something_something,
    mirrored_classes,
    symmetry_of,
    told_symmetry,
)
from atr.tabletop import CLASSES, MIRRORED

# Of the 174 classes of Something-Something V2: those that name a side, with their numbers, and those that only seem to.
SIDED = {
    86: "Pulling something from left to right",
    87: "Pulling something from right to left",
    93: "Pushing something from left to right",
    94: "Pushing something from right to left",
    166: "Turning the camera left while filming something",
    167: "Turning the camera right while filming something",
}
UNSIDED = {
    37: "Laying something on the table on its side, not upright",
    57: "Plugging something into something but pulling it right out as you remove your hand",
    118: "Putting something upright on the table",
}


def test_the_published_table_of_something_something_v2():
    labels = [SIDED.get(k) or UNSIDED.get(k) or f"Doing {k} with something" for k in range(174)]
    mirrored = mirrored_classes(labels)
    exchanged = {k: image for k, image in enumerate(mirrored) if image != k}
    assert exchanged == {86: 87, 87: 86, 93: 94, 94: 93, 166: 167, 167: 166}


def test_the_demo_set_has_turns_as_well():
    assert mirrored_classes(CLASSES) == MIRRORED


def test_a_class_without_its_image_is_never_flipped():
    assert mirrored_classes(["Turning left", "Jumping"]) == (NO_CLASS, 1)
    assert mirrored_classes(["spinning clockwise", "falling"]) == (NO_CLASS, 1)


def test_names_of_folders():
    assert mirrored_classes(["swipe_left", "swipe_right", "copyright", "cleft"]) == (1, 0, 2, 3)
    assert mirrored_classes(["TurnLeft", "TurnRight", "LEFT", "RIGHT"]) == (1, 0, 3, 2)
    assert mirrored_classes(["turn anticlockwise", "turn clockwise"]) == (1, 0)


def test_mirroring_twice_changes_nothing():
    labels = [*CLASSES, *SIDED.values(), *UNSIDED.values()]
    mirrored = mirrored_classes(labels)
    assert all(mirrored[mirrored[k]] == k for k in range(len(labels)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("turnleft", "turnright"),
        ("swipe_l", "swipe_r"),
        ("SwipeL", "SwipeR"),
        ("L2R", "R2L"),
        ("ltr", "rtl"),
        ("L-to-R", "R-to-L"),
        ("cw", "ccw"),
        ("rotate_cw", "rotate_acw"),
        ("RotateCW", "RotateCCW"),
        ("spin clock wise", "spin counter clock wise"),
        ("spin Clockwise", "spin anti-clockwise"),
        ("TurnClockwise", "TurnCounterClockwise"),
        ("move leftward", "move rightward"),
        ("leftwards", "rightwards"),
        ("left-to-right", "right to left"),
        ("Left2Right", "Right2Left"),
        ("lefthand", "righthand"),
        ("climbleft", "climbright"),
    ],
)
def test_sides_and_turns_in_other_spellings(one, other):
    assert mirrored_classes([one, "jump", other]) == (2, 1, 0)
    assert mirrored_classes([one, "jump"]) == (NO_CLASS, 1)
    assert mirrored_classes([other, "jump"]) == (NO_CLASS, 1)


@pytest.mark.parametrize(
    "label", ["upright", "bright", "Copyright", "outright", "leftover", "cleft", "you're", "l'eau", "wall"]
)
def test_words_that_only_look_like_a_side(label):
    assert mirrored_classes([label, "jump"]) == (0, 1)


def test_an_alphabet_of_signs_has_no_sides():
    assert mirrored_classes(["L", "M", "R"]) == (0, 1, 2)
    assert mirrored_classes(["sign A", "sign L", "sign R", "sign Z"]) == (0, 1, 2, 3)
    assert mirrored_classes(["signA", "signL", "signR", "swipeL", "swipeR"]) == (0, 1, 2, 4, 3)
    assert mirrored_classes(["lift a cup", "turn L", "turn R", "turn L twice"]) == (0, 2, 1, NO_CLASS)


def test_two_spellings_of_one_label_are_not_flipped():
    assert mirrored_classes(["turn left", "TurnLeft", "turn_right", "jump"]) == (
        NO_CLASS,
        NO_CLASS,
        NO_CLASS,
        3,
    )


def something_something(*changed):
    labels = [SIDED.get(k) or UNSIDED.get(k) or f"Doing {k} with something" for k in range(174)]
    labels[: len(changed)] = changed
    return labels


def test_the_tables_that_are_known():
    official = something_something()
    assert symmetry_of(official).known
    assert symmetry_of(official[::-1]).known  # in any order
    assert symmetry_of(CLASSES).known
    assert symmetry_of([label.lower() for label in CLASSES]).known
    assert not symmetry_of(["turn left", "turn right"]).known
    assert not is_something_something(official[:173])
    assert not is_something_something(something_something("Swiping left", "Swiping right"))
    assert not is_something_something(something_something("Swiping left"))


def test_the_table_in_words():
    labels = ["turn left", "jump", "turn right", "spin clockwise"]
    symmetry = ClassSymmetry(mirrored_classes(labels))
    told = told_symmetry(symmetry, labels, 0.5)
    assert told.startswith(
        "50% of the clips are flipped: 1 pair of classes exchanged, 1 taken for their own mirror image, 1 not flipped"
    )
    assert "'turn left' <-> 'turn right'" in told
    assert "'spin clockwise' has no mirror image in the list and is not flipped" in told
    assert told_symmetry(symmetry, labels, 0.0).startswith("no clip is flipped; --mirror 0.5 would flip half")
    assert told_symmetry(None, labels, 0.0).startswith("no clip is flipped: it is not known")
