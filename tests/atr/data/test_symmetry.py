"""The class of a mirrored clip, told by the texts of the labels."""

from atr.data.symmetry import NO_CLASS, mirrored_classes
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
