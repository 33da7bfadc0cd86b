"""Trainings from the command line to the checkpoint: in the presets' bfloat16, and by two processes."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import atr
from atr.__main__ import main
from atr.results.fig5 import fig5_of_blocks
from atr.results.predictions import read_predictions
from atr.results.store import results
from atr.training.optimisation import channels_last
from tests.launching import launch

# The last batch of the evaluation is not full, and two processes cannot share seven clips evenly.
EPOCHS, TRAIN_CLIPS, BATCH, VAL_CLIPS = 2, 24, 8, 7
SETTINGS = {
    "preset": "tabletop-atr",
    "width": 0.125,
    "num-frames": 4,
    "size": 32,
    "init": None,
    "train-clips": TRAIN_CLIPS,
    "dev-clips": 4,
    "val-clips": VAL_CLIPS,
    "epochs": EPOCHS,
    "batch-size": BATCH,
    "workers": 1,
}


def arguments(folder, **changes) -> list[str]:
    settings = {**SETTINGS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    paths = ["--out", folder / "net", "--cache", folder / "cache"]
    return [
        *(str(text) for name, value in settings.items() for text in (f"--{name}", value)),
        *map(str, paths),
    ]


def log_of(folder) -> tuple[dict, list[dict]]:
    """What the run says of itself, and its epochs."""
    start, *epochs = map(json.loads, (folder / ".net.training" / "log.jsonl").read_text().splitlines())
    return start, epochs


@pytest.fixture(scope="module")
def bfloat16(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bfloat16")
    done = launch("atr", "train", *arguments(folder))
    assert done.returncode == 0, done.stderr
    return folder


def test_a_preset_is_trained_in_bfloat16_and_its_losses_are_numbers(bfloat16):
    start, epochs = log_of(bfloat16)
    assert (start["mixed_precision"], start["processes"]) == ("bf16", 1)
    assert [entry["epoch"] for entry in epochs] == [1, 2]
    assert all(np.isfinite(entry["loss"]) and entry["loss"] > 0 for entry in epochs)


def test_what_bfloat16_has_trained_is_stored_and_computes_in_float32(bfloat16):
    weights = load_file(bfloat16 / "net" / "model.safetensors")
    kinds = {w.dtype for name, w in weights.items() if not name.endswith("num_batches_tracked")}
    assert kinds == {torch.float32}
    model = atr.load_checkpoint(bfloat16 / "net")
    with torch.inference_mode():
        logits = model(torch.randn(2, 4, 3, 32, 32))
    assert logits.dtype == torch.float32 and logits.isfinite().all()
    assert model.facts["training"]["mixed_precision"] == "bf16"


def test_maps_of_what_bfloat16_has_trained_are_judged_in_float32(bfloat16):
    model = atr.load_checkpoint(bfloat16 / "net")
    channels_last(model)  # as in training: other kernels round otherwise
    assert model.facts["fig5"] == pytest.approx(fig5_of_blocks(model, model.preprocessing), abs=1e-5)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    done = launch("atr", "train", *arguments(folder, mixed_precision="no"), processes=2)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_two_processes_write_one_checkpoint_and_tell_of_it_once(two):
    folder, done = two
    assert sorted(path.name for path in folder.iterdir()) == [".net.training", "cache", "net"]
    assert {"config.json", "model.safetensors", "confusion.csv"} == {
        p.name for p in (folder / "net").iterdir()
    }
    assert done.stdout.count(f"{folder / 'net'}: ") == 1
    assert "Traceback" not in done.stderr


def test_two_processes_write_one_log_of_all_steps(two):
    folder, _ = two
    start, epochs = log_of(folder)
    assert (start["processes"], start["batch_size"]) == (2, BATCH)
    assert [entry["epoch"] for entry in epochs] == [1, 2]
    assert epochs == atr.load_checkpoint(folder / "net").facts["history"]
    assert all(np.isfinite(entry["loss"]) for entry in epochs)
    (written,) = (folder / ".net.training" / "tensorboard" / "clips").iterdir()  # by one of them
    events = EventAccumulator(str(written))
    events.Reload()
    steps = TRAIN_CLIPS // BATCH
    assert [(e.step, e.value) for e in events.Scalars("epoch/loss")] == [
        (steps * entry["epoch"], pytest.approx(entry["loss"])) for entry in epochs
    ]


def test_metrics_of_two_processes_are_those_that_one_finds(two, tmp_path):
    """Every clip counts once, though the shares of two processes were filled up with clips that count for nothing."""
    folder, _ = two
    options = [
        "--data",
        "tabletop:val",
        "--num-clips",
        VAL_CLIPS,
        "--cache",
        folder / "cache",
        "--out",
        tmp_path,
    ]
    assert main(["evaluate", "--checkpoint", *map(str, (folder / "net", *options))]) == 0
    (found,) = results(tmp_path, "predictions")
    predictions = read_predictions(found)
    metrics = atr.load_checkpoint(folder / "net").facts["metrics"]
    assert len(predictions) == VAL_CLIPS
    assert metrics["top1"] == pytest.approx(predictions.top(1), abs=1e-6)
    assert metrics["top5"] == pytest.approx(predictions.top(5), abs=1e-6)
    table = pd.read_csv(folder / "net" / "confusion.csv", index_col=0).to_numpy()
    expected = np.zeros_like(table)
    np.add.at(expected, (predictions.targets, predictions.predicted), 1)
    np.testing.assert_array_equal(table, expected)
