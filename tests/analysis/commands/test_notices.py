"""Every command that reads clips: damaged films with a notice and exit code 3, others as ever; --allow-damaged."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import atr
from analysis.__main__ import main
from atr.__main__ import main as atr_main
from atr.data.miniature import write_miniature
from atr.data.reading import read_annotations
from atr.results.store import RESULT, results
from tests.app.world import LABELS
from tests.damaged_clips import write_damaged

CUT = "frames 36 to 39 of 40 are missing: the file was cut short"
DEEP = "10 bits a colour are rounded to 8"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    return write_damaged(tmp_path_factory.mktemp("damaged") / "clips")


def saved(folder: Path, labels=tuple(LABELS), **options) -> Path:
    torch.manual_seed(3)
    model = atr.create_model("tsn_resnet18", len(labels), 4, width=0.125, placement="S5", **options)
    sizes = atr.Preprocessing(short_side=48, crop=32)
    return atr.save_checkpoint(folder, model, labels=list(labels), preprocessing=sizes)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkpoints")
    saved(root / "er", block="atr")
    saved(root / "gr", block="atr", reasoner="gr", num_reasoners=1)
    return root


def analyse(*arguments) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("command", ["order", "faithfulness", "localize", "relations"])
def test_questions_over_a_data_set(command, damaged, checkpoints, tmp_path, monkeypatch, capsys):
    checkpoint = checkpoints / ("gr" if command == "relations" else "er")
    arguments = (command, "--checkpoint", checkpoint, "--data", damaged, "--out", tmp_path)
    assert analyse(*arguments, "--allow-damaged") == 3
    assert f"  cut: {CUT}" in capsys.readouterr().err
    (folder,) = results(tmp_path, command)
    found = json.loads((folder / RESULT).read_text())
    assert found["skipped"] == [] and found["damaged"] == ["cut", "half", "spot"]
    assert found["notices"]["deep"] == [DEEP]
    monkeypatch.setattr("atr.results.questions.found_by", None)
    assert analyse(*arguments, "--allow-damaged") == 3
    assert f"  cut: {CUT}" in capsys.readouterr().err
    monkeypatch.undo()
    assert analyse(*arguments) == 3
    (other,) = set(results(tmp_path, command)) - {folder}
    found = json.loads((other / RESULT).read_text())
    assert [each["id"] for each in found["skipped"]] == ["half", "spot"] and found["damaged"] == ["cut"]


def test_sequences_with_masks_of_their_own(checkpoints, damaged, tmp_path):
    for name in ("cut", "half"):
        (tmp_path / "clips" / name / "masks").mkdir(parents=True)
        (tmp_path / "clips" / name / "clip.mp4").write_bytes((damaged / f"{name}.mp4").read_bytes())
        mask = np.zeros((64, 128), np.uint8)
        mask[8:40, 30:90] = 255
        for index in range(40):
            cv2.imwrite(str(tmp_path / "clips" / name / "masks" / f"{index:05d}.png"), mask)
    arguments = ("localize", "--checkpoint", checkpoints / "er", "--data", tmp_path / "clips")
    assert analyse(*arguments, "--out", tmp_path / "out", "--allow-damaged") == 3
    (folder,) = results(tmp_path / "out", "localize")
    assert json.loads((folder / RESULT).read_text())["damaged"] == ["cut", "half"]


def test_actionness_of_one_clip(checkpoints, damaged, tmp_path, capsys):
    def actionness(name, *more):
        out = tmp_path / name
        code = analyse("actionness", damaged / name, "--checkpoint", checkpoints / "er", "--out", out, *more)
        summary = json.loads((out / "summary.json").read_text()) if out.is_dir() else {}
        return code, summary.get("notices"), summary.get("damaged")

    cut, half, deep = (str(damaged / f"{name}.mp4") for name in ("cut", "half", "deep"))
    assert actionness("whole.mp4") == (0, {}, [])
    assert actionness("deep.mp4") == (0, {deep: [DEEP]}, [])
    assert actionness("cut.mp4") == (3, {cut: [CUT]}, [cut])
    assert f"  {cut}: {CUT}" in capsys.readouterr().err
    assert actionness("half.mp4") == (2, None, None)
    (line,) = capsys.readouterr().err.splitlines()
    assert "frames 12 to 39 of 40 are missing" in line and "--allow-damaged" in line
    code, notices, lacking = actionness("half.mp4", "--allow-damaged")
    assert (code, list(notices), lacking) == (3, [half], [half])


@pytest.fixture
def unused(damaged):
    """A file beside the clips, which other tests read too."""
    (damaged / "notes.txt").write_text("beside the clips")
    yield
    (damaged / "notes.txt").unlink()


def test_comparisons_repeat_what_the_predictions_were_told(checkpoints, damaged, unused, tmp_path, capsys):
    for name in ("er", "gr"):
        evaluate = ["evaluate", "--checkpoint", checkpoints / name, "--data", damaged, "--out", tmp_path]
        assert atr_main([str(argument) for argument in evaluate]) == 3
    folders = results(tmp_path, "predictions")
    capsys.readouterr()
    assert analyse("compare", *folders, "--out", tmp_path / "compared") == 3
    assert capsys.readouterr().err.count(f"  cut: {CUT}") == 1
    comparison = json.loads((tmp_path / "compared" / "comparison.json").read_text())
    assert comparison["notices"] == {"cut": [CUT], "deep": [DEEP]} and comparison["damaged"] == ["cut"]

    report = ("report", *folders, "--checkpoints", checkpoints, "--out", tmp_path / "report.html")
    for kind in ("both_right", "both_wrong", "only_a", "only_b"):
        assert analyse(*report, "--filter", kind) == 3
        told = capsys.readouterr().err
        assert told.count(f"  cut: {CUT}") == 1
        assert told.count("not used: 1 .txt (notes.txt)") == 1  # of both sources
        assert f"1 · cut: {CUT}" in (tmp_path / "report.html").read_text()


def test_a_report_shows_damaged_clips_only_when_told_to(checkpoints, damaged, tmp_path, capsys):
    for name in ("er", "gr"):
        evaluate = ["evaluate", "--checkpoint", checkpoints / name, "--data", damaged, "--out", tmp_path]
        assert atr_main([str(argument) for argument in [*evaluate, "--allow-damaged"]]) == 3
    folders = results(tmp_path, "predictions")
    report = ("report", *folders, "--checkpoints", checkpoints, "--out", tmp_path / "report.html")
    codes, unread = {}, []
    for kind in ("both_right", "both_wrong", "only_a", "only_b"):
        codes[kind] = analyse(*report, "--filter", kind)
        unread.append("could not be read: " in (tmp_path / "report.html").read_text())
        capsys.readouterr()
        assert analyse(*report, "--filter", kind, "--allow-damaged") == 3
        assert "could not be read: " not in (tmp_path / "report.html").read_text()
    assert set(codes.values()) == {3}
    assert any(unread) and not all(unread)  # the clips are spread over the kinds, and two of five are refused
    page = (tmp_path / "report.html").read_text()
    assert "3 · cut: " in page and " · half: frames 12 to 39 of 40 are missing" in page


@pytest.mark.parametrize(
    ("command", "layout"),
    [
        *((name, "annotations") for name in ("doctor", "evaluate", "predict", "localize", "order")),
        *((name, "annotations") for name in ("faithfulness", "relations")),
        *((name, "frame folders") for name in ("doctor", "evaluate", "order", "faithfulness", "relations")),
    ],
)
def test_what_lies_unused_in_a_data_set_is_told_once(command, layout, tmp_path, capsys):
    folder, place, labels = tmp_path / "clips", ".", LABELS
    if layout == "annotations":
        write_damaged(folder, ("whole",))
    else:
        write_miniature(folder, "sthv1", num_clips=4, num_frames=8, size=32)
        place, labels = "20bn-something-something-v1", read_annotations(folder).labels
    (folder / place / "notes.xyz").write_text("beside the clips")
    checkpoint = saved(tmp_path / "own", labels, block="atr", reasoner="gr", num_reasoners=1)
    out = ["--out", tmp_path / "out"]
    asked = {
        "doctor": [folder, *out, "--cache", tmp_path / "cache", "--workers", "1"],
        "predict": [folder, "--checkpoint", checkpoint],
    }.get(command, ["--checkpoint", checkpoint, "--data", folder, *out])
    run = atr_main if command in ("doctor", "evaluate", "predict") else main
    assert run([str(argument) for argument in (command, *asked)]) == 0
    assert capsys.readouterr().err.count("notes.xyz") == 1
