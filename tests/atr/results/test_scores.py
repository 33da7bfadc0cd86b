"""Accuracies and confusions by hand."""

import numpy as np
import pytest

from atr.results.scores import Scores, confusion_matrix, confusion_table, most_confused

LABELS = ["wave", "clap", "nod", "bow"]
TARGETS = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 1, 1, 2, 1, 0, 2])
CONFUSION = [[1, 2, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def scores_of(predicted, targets):
    return Scores(np.eye(4, dtype=np.float32)[predicted], targets)


def test_accuracies_by_hand():
    scores = Scores(
        np.array([[3.0, 2, 1, 0], [3, 2, 1, 0], [0, 1, 2, 3], [0, 3, 2, 1]]), np.array([0, 1, 0, 2])
    )
    assert scores.predicted.tolist() == [0, 0, 3, 1]
    assert scores.top(1) == 0.25
    assert scores.top(2) == 0.75
    assert scores.top(4) == 1.0
    # classes 0 and 1 are each other's reversal, as are 2 and 3: only the second and the first clip are in their pair
    assert scores.within_pairs((1, 0, 3, 2)) == 0.5


def test_rows_are_true_classes_and_unseen_ones_are_there():
    confusion = scores_of(PREDICTED, TARGETS).confusion()
    assert confusion.tolist() == CONFUSION
    table = confusion_table(confusion, LABELS)
    assert table.to_numpy().tolist() == CONFUSION
    assert table.loc["wave", "clap"] == 2
    assert table.index.name == "true class"


@pytest.mark.parametrize("classes", [[-1, 0], [0, 4]])
def test_a_class_that_is_not_there_counts_as_no_other(classes):
    classes = np.array(classes)
    for pair in ((classes, np.zeros(2, int)), (np.zeros(2, int), classes)):
        with pytest.raises(
            ValueError, match=f"reach from {classes.min()} to {classes.max()}; allowed: 0 to 3"
        ):
            confusion_matrix(*pair, 4)


def test_the_most_confused_come_first_and_hits_never():
    pairs = most_confused(scores_of(PREDICTED, TARGETS).confusion(), LABELS, 10)
    assert pairs[0] == {"true": "wave", "predicted": "clap", "clips": 2, "of": 4}
    assert [(p["true"], p["predicted"], p["clips"]) for p in pairs[1:]] == [
        ("wave", "nod", 1),
        ("clap", "wave", 1),
    ]
    assert most_confused(scores_of(PREDICTED, TARGETS).confusion(), LABELS, 2) == pairs[:2]
    assert most_confused(scores_of(TARGETS, TARGETS).confusion(), LABELS, 10) == []


def test_scores_that_are_no_numbers_are_right_of_no_clip():
    scores = Scores(np.array([[np.nan] * 3, [np.nan, 0.9, 0.1], [0.2, 0.3, 0.5]]), np.array([1, 1, 2]))
    assert scores.top(1) == scores.correct.mean() == 1 / 3
