"""Predictions: what is read from scores by hand, and files that come back as they went."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from atr.models import ModelConfig
from atr.preprocessing import Preprocessing
from atr.results.predictions import TABLE, Predictions, read_predictions, write_predictions

FACTS = {
    "labels": ["up", "down", "left"],
    "checkpoint": {
        "name": "toy",
        "weights_sha256": "0",
        "model": ModelConfig("tsn_resnet18", 3).to_dict(),
        "preprocessing": json.loads(json.dumps(Preprocessing().to_dict())),
    },
    "data": {"name": "toys", "description": "four toys", "digest": "1"},
    "command": "python -m atr evaluate",
    "milliseconds_per_clip": 1.5,
    "protocol": "1x1",
    "skipped": [],
}
SCORES = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.3, 0.6], [0.6, 0.3, 0.1]], np.float32)


@pytest.fixture
def toy():
    return Predictions(ids=("a", "b", "c", "d"), targets=np.array([0, 1, 1, 2]), scores=SCORES, facts=FACTS)


def test_what_scores_say_by_hand(toy):
    assert toy.predicted.tolist() == [0, 0, 2, 0]
    assert toy.correct.tolist() == [True, False, False, False]
    assert toy.ranks.tolist() == [0, 1, 1, 2]  # the tie of the second clip goes to the lower class
    assert [toy.top(k) for k in (1, 2, 3)] == [0.25, 0.75, 1.0]
    np.testing.assert_allclose(toy.true_probability, [0.5, 0.4, 0.3, 0.1])


def test_files_come_back_as_they_went(toy, tmp_path):
    write_predictions(tmp_path, toy)
    back = read_predictions(tmp_path)
    assert (back.ids, back.facts) == (toy.ids, toy.facts)
    assert np.array_equal(back.scores, toy.scores)
    assert back.scores.dtype == np.float32
    assert back.targets.tolist() == toy.targets.tolist()
    texts = pd.read_parquet(tmp_path / TABLE)[["label", "predicted"]]
    assert texts.label.tolist() == ["up", "down", "down", "left"]
    assert texts.predicted.tolist() == ["up", "up", "left", "up"]


def test_scores_that_were_stored_with_few_digits_are_read_as_probabilities(toy, tmp_path):
    factors = np.array([1.0009, 1, 0.9991, 1], np.float32)[:, None]
    write_predictions(tmp_path, dataclasses.replace(toy, scores=SCORES * factors))
    back = read_predictions(tmp_path)
    np.testing.assert_allclose(back.scores.sum(axis=1, dtype=np.float64), 1, atol=1e-6)
    np.testing.assert_allclose(back.scores, SCORES, rtol=1e-6)
    assert np.array_equal(back.scores[[1, 3]], SCORES[[1, 3]]) and back.scores.dtype == np.float32


def test_a_certainty_that_was_rounded_up_is_read_and_the_clip_that_is_none_is_named(toy, tmp_path):
    scores = SCORES.copy()
    scores[1] = [1.0005, 0, 0]
    write_predictions(tmp_path, dataclasses.replace(toy, scores=scores))
    assert read_predictions(tmp_path).scores[1].tolist() == [1, 0, 0]
    scores[2] = [0.3, 0.3, 0.3]
    write_predictions(tmp_path, dataclasses.replace(toy, scores=scores))
    with pytest.raises(ValueError, match="clip 'c' has scores whose sum is not 1"):
        read_predictions(tmp_path)


@pytest.mark.parametrize(
    ("facts", "words", "states"),
    [
        ({}, "1x1", True),
        ({"protocol": "2x3"}, "2x3", False),
        ({"protocol": "2x3", "offsets": [0.25, 0.75], "average": "probabilities"}, "2x3", True),
        ({"protocol": "2x3", "offsets": [0.25, 0.75], "average": "logits"}, "2x3, logits averaged", True),
    ],
)
def test_how_views_were_shown_and_averaged(toy, facts, words, states):
    found = dataclasses.replace(toy, facts=FACTS | facts)
    assert (found.protocol, found.states_offsets) == (words, states)


def test_a_damaged_table_is_named(toy, tmp_path):
    write_predictions(tmp_path, toy)
    (tmp_path / TABLE).write_bytes(b"PAR1 but not really")
    with pytest.raises(ValueError, match=f"{tmp_path.name} holds no readable predictions"):
        read_predictions(tmp_path)
    with pytest.raises(ValueError, match="no readable result"):
        read_predictions(tmp_path / "nowhere")


def test_scores_must_fit_clips_and_labels():
    with pytest.raises(ValueError, match="3 labels do not fit scores"):
        Predictions(ids=("a",), targets=np.array([0]), scores=np.ones((1, 2), np.float32), facts=FACTS)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"targets": np.array([0, 1, 1, 3])}, "targets run from 0 to 3; allowed: 0 to 2"),
        ({"targets": np.array([0, -1, 1, 2])}, "targets run from -1 to 2"),
        ({"scores": SCORES * np.nan}, "no numbers"),
        ({"ids": ("a", "b", "b", "c")}, "stands twice"),
    ],
)
def test_what_is_no_prediction_is_refused(toy, change, named):
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(toy, **change)
