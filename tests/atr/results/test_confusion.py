import numpy as np

from atr.results.confusion import confusion_table, most_confused

LABELS = ["wave", "clap", "nod", "bow"]
TARGETS = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 1, 1, 2, 1, 0, 2])


def test_rows_are_true_classes_and_unseen_ones_are_there():
    table = confusion_table(TARGETS, PREDICTED, LABELS)
    assert table.to_numpy().tolist() == [[1, 2, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert table.loc["wave", "clap"] == 2
    assert table.index.name == "true class"


def test_the_most_confused_come_first_and_hits_never():
    pairs = most_confused(confusion_table(TARGETS, PREDICTED, LABELS), 10)
    assert pairs[0] == {"true": "wave", "predicted": "clap", "clips": 2, "of": 4}
    assert [(p["true"], p["predicted"], p["clips"]) for p in pairs[1:]] == [
        ("wave", "nod", 1),
        ("clap", "wave", 1),
    ]
    assert most_confused(confusion_table(TARGETS, TARGETS, LABELS), 10) == []
