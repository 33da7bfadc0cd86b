"""Scores in the order of the data."""

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

from atr.preprocessing import Preprocessing
from atr.results.evaluate import class_scores
from atr.video.transforms import normalise


def test_scores_are_the_models_in_order(tiny):
    model = tiny(block="atr").train()
    frames = torch.randint(0, 256, (5, 4, 32, 32, 3), dtype=torch.uint8)
    loader = DataLoader([(frames[i], i % 3, i) for i in range(5)], 2)
    preprocessing = Preprocessing(short_side=32, crop=32)
    scores = class_scores(model, loader, preprocessing, Accelerator(cpu=True), progress=False)
    assert model.training
    with torch.inference_mode():
        expected = model.eval()(normalise(frames.numpy(), preprocessing)).softmax(dim=1)
    torch.testing.assert_close(torch.from_numpy(scores.scores), expected, atol=1e-5, rtol=1e-5)
    assert scores.targets.tolist() == [0, 1, 2, 0, 1]
