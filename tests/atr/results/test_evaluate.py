"""Accuracies by hand; scores in the order of the data."""

import numpy as np
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

from atr.preprocessing import Preprocessing
from atr.results.evaluate import Scores, class_scores
from atr.video.transforms import normalise


def test_accuracies_by_hand():
    logits = np.array([[3.0, 2, 1, 0], [3, 2, 1, 0], [0, 1, 2, 3], [0, 3, 2, 1]])
    scores = Scores(logits, np.array([0, 1, 0, 2]))
    assert scores.predicted.tolist() == [0, 0, 3, 1]
    assert scores.top(1) == 0.25
    assert scores.top(2) == 0.75
    assert scores.top(4) == 1.0
    # classes 0 and 1 are each other's reversal, as are 2 and 3: only the second and the first clip are in their pair
    assert scores.within_pairs((1, 0, 3, 2)) == 0.5


def test_scores_are_the_models_in_order(tiny):
    model = tiny(block="atr").train()
    frames = torch.randint(0, 256, (5, 4, 32, 32, 3), dtype=torch.uint8)
    loader = DataLoader([(frames[i], i % 3, i) for i in range(5)], 2)
    preprocessing = Preprocessing(short_side=32, crop=32)
    scores = class_scores(model, loader, preprocessing, Accelerator(cpu=True), progress=False)
    assert model.training
    with torch.inference_mode():
        expected = model.eval()(normalise(frames.numpy(), preprocessing))
    torch.testing.assert_close(torch.from_numpy(scores.logits), expected, atol=1e-5, rtol=1e-5)
    assert scores.labels.tolist() == [0, 1, 2, 0, 1]
