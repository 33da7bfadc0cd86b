"""Scores in the order of the data."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

from atr.preprocessing import Preprocessing
from atr.results.evaluate import class_scores, view_scores
from atr.video.protocol import Protocol
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


class Grey:
    """Two clips of one grey frame."""

    targets = (1, 0)

    def __len__(self):
        return 2

    def views(self, index, protocol):
        return np.full((protocol.num_views, 4, 32, 32, 3), 100 * index, np.uint8)


def test_seconds_are_those_of_one_clip(tiny, tmp_path, monkeypatch):
    """A clock that tells 0 and 6 seconds."""
    clock = SimpleNamespace(perf_counter=iter([0, 6]).__next__)
    monkeypatch.setattr("atr.results.evaluate.time", clock)
    model = tiny().train()
    model.preprocessing = Preprocessing(short_side=32, crop=32)
    rows, _ = view_scores(model, Grey(), Protocol(), partial=tmp_path, batch_size=2)
    assert rows["seconds"].tolist() == [3, 3] and rows["scores"].shape == (2, 5)
    assert model.training


@pytest.mark.parametrize("training", [True, False])
def test_a_model_is_in_the_mode_it_was_in_and_computes_in_the_precision_of_its_training(tiny, training):
    """Accelerate keeps one precision for a whole process: this stands for another one."""
    accelerator = SimpleNamespace(
        autocast=lambda: torch.autocast("cpu", torch.bfloat16),
        gather_for_metrics=lambda parts: parts,
        is_main_process=True,
    )
    model, seen = tiny().train(training), []
    model.register_forward_hook(lambda module, given, logits: seen.append((logits.dtype, module.training)))
    loader = DataLoader([(torch.zeros(4, 32, 32, 3, dtype=torch.uint8), 0, 0)], 1)
    class_scores(model, loader, Preprocessing(32, 32), accelerator, progress=False)
    assert seen == [(torch.bfloat16, False)] and model.training == training
