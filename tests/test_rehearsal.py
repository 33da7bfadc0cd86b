"""A full rehearsal of the official formats: miniatures written by the demo renderer, then every command on each."""

import csv

import pytest

import atr
from analysis.__main__ import main as analyse
from atr.__main__ import main
from atr.results.predictions import read_predictions
from atr.results.store import read_result, results
from atr.tabletop import CLASSES

TRAIN, VAL = 40, 20
MISSING = {"sthv2": 0, "sthv1": 0, "kinetics": TRAIN // 10}  # a tenth of Kinetics is only listed
PRESET = {"sthv2": "sthv2-tsm-atr", "sthv1": "sthv1-tsn-atr-sim", "kinetics": "k400-slowonly-atr-sim"}
NAME = {"sthv2": "tsm_resnet18", "sthv1": "tsn_resnet18", "kinetics": "slowonly_resnet18"}
BLOCK = {"sthv2": "atr", "sthv1": "atr_sim", "kinetics": "atr_sim"}
SETTINGS = {
    "num-classes": 0,
    "width": 0.125,
    "init": None,
    "size": 32,
    "short-side": 40,
    "epochs": 1,
    "batch-size": 8,
    "dev-clips": 4,
    "val-clips": None,
    "workers": 0,
    "reasoner": "gr",
    "num-reasoners": 1,
    "placement": "S4B1",  # drawing Fig 4 of all six blocks takes longer than anything else here
    "mixed-precision": "no",  # one a process: accelerate keeps it
}


def small(layout: str) -> list[str]:
    """The preset's recipe and family of networks, on a network of 8 to 64 channels."""
    names = ["--preset", PRESET[layout], "--name", NAME[layout], "--block", BLOCK[layout]]
    return [*names, *(text for flag, value in SETTINGS.items() for text in (f"--{flag}", str(value)))]


def run(command, *arguments) -> int:
    return command([str(argument) for argument in arguments])


@pytest.fixture(scope="module", params=list(MISSING))
def layout(request):
    return request.param


@pytest.fixture(scope="module")
def data(layout, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / layout
    options = ("--num-clips", TRAIN, "--num-frames", 8, "--size", 48)
    assert run(main, "tabletop", "--out", folder, "--layout", layout, *options) == 0
    return folder


@pytest.fixture(scope="module")
def health(layout, data, tmp_path_factory):
    """The doctor's folders: what he writes, and the cache in which training looks."""
    out, cache = tmp_path_factory.mktemp("doctor"), tmp_path_factory.mktemp("cache")
    expected = 3 if MISSING[layout] else 0
    assert run(main, "doctor", data, "--out", out, "--cache", cache, "--workers", 1) == expected
    return out, cache


@pytest.fixture(scope="module")
def checkpoint(layout, data, health, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / f"tiny-{layout}"
    arguments = ["train", *small(layout), "--data", data, "--out", out, "--cache", health[1]]
    if MISSING[layout]:
        arguments.append("--leave-out-faulty")
    assert run(main, *arguments) == 0
    return out


def test_the_doctor_finds_what_is_missing_and_nothing_else(layout, data, health):
    with open(health[0] / "faults.csv") as file:
        faults = list(csv.DictReader(file))
    train = [fault for fault in faults if fault["split"] == "train"]
    assert len(train) == MISSING[layout]
    assert {fault["fault"] for fault in faults} <= {"missing"}


def test_training_refuses_faulty_clips_or_says_how_many_it_left_out(
    layout, data, health, checkpoint, tmp_path, capsys
):
    facts = atr.load_checkpoint(checkpoint).facts
    if not MISSING[layout]:
        assert "left out" not in facts["training_data"]
        return
    assert f"{MISSING[layout]} faulty ones left out" in facts["training_data"]
    arguments = ["train", *small(layout), "--data", data, "--out", tmp_path / "x"]
    capsys.readouterr()
    assert run(main, *arguments, "--cache", health[1]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert f"{MISSING[layout]} of the {TRAIN} clips" in line
    assert "--leave-out-faulty" in line


def test_the_checkpoint_knows_its_classes_and_its_learning_rate(layout, checkpoint):
    model = atr.load_checkpoint(checkpoint)
    assert {label.lower() for label in model.labels} == {
        label.lower().replace("[", "").replace("]", "") for label in CLASSES
    }
    assert (model.config.name, model.config.block) == (NAME[layout], BLOCK[layout])
    meant = 0.02 if layout == "kinetics" else 0.01
    assert model.facts["run"]["learning_rate"] == pytest.approx(meant * 8 / 64)


@pytest.mark.parametrize("protocol", ["1x1", "2x3"])
def test_evaluate_lists_every_clip_it_could_read(layout, data, checkpoint, protocol, tmp_path):
    arguments = ["evaluate", "--checkpoint", checkpoint, "--data", data, "--protocol", protocol]
    missing = 2 if MISSING[layout] else 0
    assert run(main, *arguments, "--out", tmp_path) == (3 if missing else 0)
    (folder,) = results(tmp_path, "predictions")
    predictions = read_predictions(folder)
    assert len(predictions) == VAL - missing
    assert len(predictions.facts["skipped"]) == missing
    assert predictions.facts["protocol"] == protocol


def test_relations_are_averaged(layout, data, checkpoint, tmp_path):
    arguments = ["relations", "--checkpoint", checkpoint, "--data", f"{data}:val", "--out", tmp_path]
    missing = 2 if MISSING[layout] else 0
    assert run(analyse, *arguments) == (3 if missing else 0)
    (folder,) = results(tmp_path, "relations")
    result = read_result(folder)
    assert result["videos"] == VAL - missing
    assert [entry["block"] for entry in result["trained"]] == ["S4B1"]
