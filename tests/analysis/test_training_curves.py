import pytest

from analysis.training_curves import drawable, history_figure

HISTORY = [
    {"phase": "stills", "epoch": 1, "loss": 2.0, "seconds": 3.5},
    {"phase": "clips", "epoch": 1, "loss": 1.5, "train_top1": 0.25, "dev_top1": 0.5, "seconds": 0.5},
    {"phase": "clips", "epoch": 2, "loss": 1.0, "train_top1": 0.75, "seconds": 9.0},
]


def test_the_figure_has_the_loss_and_every_share_over_the_epochs_of_all_phases():
    lines = {line.name: (list(line.x), list(line.y)) for line in history_figure(HISTORY).data}
    assert lines == {
        "loss": ([1, 2, 3], [2.0, 1.5, 1.0]),
        "Top-1, training clips": ([2, 3], [25, 75]),
        "Top-1, held-out clips": ([2], [50]),  # no seconds among the shares
    }


def test_a_phase_begins_at_a_dotted_line():
    starts = {shape.x0 for shape in history_figure(HISTORY).layout.shapes}
    assert starts == {1.5}


@pytest.mark.parametrize(
    "history", [None, "no", 3, {"loss": 1.0}, ["no", 1, None, {}, {"epoch": 1, "loss": "low"}]]
)
def test_of_a_history_of_another_form_nothing_is_drawn(history):
    assert drawable(history) == []


def test_entries_that_can_be_drawn_are_kept():
    assert drawable([None, *HISTORY, {"phase": "clips"}]) == HISTORY
