"""The evaluate command on real files: protocols by hand, shards, kill and resume, broken videos, unlike labels."""

import dataclasses
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import atr
import atr.results.evaluate
import atr.video.protocol
from analysis.compare.comparable import NotComparable, require_comparable
from atr.__main__ import main
from atr.data.videos import VideoClips
from atr.results.predictions import read_predictions
from atr.results.store import results
from atr.tabletop import CLASSES
from atr.video.transforms import normalise
from tests.launching import launch


def saved(folder, labels=CLASSES):
    torch.manual_seed(3)
    model = atr.create_model("tsn_resnet18", len(labels), 4, width=0.125, block="atr")
    sizes = atr.Preprocessing(short_side=48, crop=32)
    return atr.save_checkpoint(folder, model, labels=list(labels), preprocessing=sizes)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("checkpoints") / "tiny-atr")


def evaluate(*arguments) -> int:
    return main(["evaluate", *map(str, arguments)])


def only_predictions(folder):
    (found,) = results(folder, "predictions")
    return read_predictions(found)


@pytest.fixture(scope="module")
def whole(checkpoint, clips_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    assert evaluate("--checkpoint", checkpoint, "--data", clips_folder, "--out", out) == 0
    return only_predictions(out)


def test_one_view_is_the_softmax_of_the_centre(whole, checkpoint, clips_folder):
    model = atr.load_checkpoint(checkpoint)
    clips = VideoClips(clips_folder, num_frames=4, preprocessing=model.preprocessing)
    frames = np.stack([clips.sampled_frames(i) for i in range(len(clips))])
    with torch.inference_mode():
        expected = model(normalise(frames, model.preprocessing)).softmax(1)
    np.testing.assert_allclose(whole.scores, expected, atol=1e-5)
    assert whole.ids == tuple(clips.ids)
    assert whole.targets.tolist() == clips.targets
    assert whole.labels == list(CLASSES)
    assert whole.facts["checkpoint"]["name"] == "tiny-atr"
    assert whole.facts["data"]["digest"] == clips.digest
    assert whole.facts["command"].startswith("python -m atr evaluate --checkpoint ")
    assert whole.facts["milliseconds_per_clip"] > 0


def test_six_views_are_averaged_as_probabilities(checkpoint, clips_folder, tmp_path):
    arguments = ["--checkpoint", checkpoint, "--data", clips_folder, "--protocol", "2x3", "--out", tmp_path]
    assert main(["evaluate", *map(str, arguments)]) == 0
    predictions, model = only_predictions(tmp_path), atr.load_checkpoint(checkpoint)
    clips = VideoClips(clips_folder, num_frames=4, preprocessing=model.preprocessing)
    views = clips.views(2, atr.video.protocol.Protocol(2, 3))
    assert views.shape == (6, 4, 48, 48, 3)
    with torch.inference_mode():
        expected = model(normalise(views, model.preprocessing)).softmax(1).mean(0)
    np.testing.assert_allclose(predictions.scores[2], expected, atol=1e-5)
    facts = predictions.facts
    assert (facts["protocol"], facts["offsets"], facts["average"]) == ("2x3", [0.5, 0.0], "probabilities")
    assert evaluate(*arguments, "--average", "logits") == 0
    (other,) = {
        f for f in results(tmp_path, "predictions") if read_predictions(f).facts["average"] == "logits"
    }
    with torch.inference_mode():
        expected = model(normalise(views, model.preprocessing)).mean(0).softmax(0)
    np.testing.assert_allclose(read_predictions(other).scores[2], expected, atol=1e-5)
    with pytest.raises(NotComparable, match="protocol 2x3 against 2x3, logits averaged; evaluate both"):
        require_comparable([predictions, read_predictions(other)])
    older = dataclasses.replace(predictions, facts={k: v for k, v in facts.items() if k != "offsets"})
    with pytest.raises(
        NotComparable, match="B tiny-atr is older and was shown other frames; evaluate it anew"
    ):
        require_comparable([predictions, older])


def test_the_network_is_optimised_unless_told_otherwise(whole, checkpoint, clips_folder, tmp_path):
    options = ("--checkpoint", checkpoint, "--data", clips_folder, "--out", tmp_path, "--inference")
    assert evaluate(*options, "plain") == 0
    plain = only_predictions(tmp_path)
    assert (plain.facts["inference"], whole.facts["inference"]) == ("plain", "float32")
    np.testing.assert_allclose(whole.scores, plain.scores, rtol=0, atol=1e-5)
    assert evaluate(*options, "bf16") == 0  # another answer, in a folder of its own
    (folder,) = tmp_path.glob("predictions-*-bf16")
    rounded = read_predictions(folder)
    assert rounded.facts["inference"] == "bf16" and not np.allclose(
        rounded.scores, plain.scores, rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(rounded.scores, plain.scores, rtol=0, atol=0.05)


def test_two_processes_say_the_same(whole, checkpoint, clips_folder, tmp_path):
    """A clip that cannot be read is told, and is no failure, which is all that torchrun would make of a code."""
    shutil.copytree(clips_folder, tmp_path / "clips")
    next((tmp_path / "clips").rglob(f"{whole.ids[0]}.mp4")).write_bytes(b"")
    arguments = ("--checkpoint", checkpoint, "--data", tmp_path / "clips", "--out", tmp_path / "results")
    done = launch("atr", "evaluate", *arguments, processes=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("top-1") == 1 and f"skipped {whole.ids[0]}" in done.stderr
    two = only_predictions(tmp_path / "results")
    assert (two.ids, two.targets.tolist()) == (whole.ids[1:], whole.targets[1:].tolist())
    np.testing.assert_allclose(two.scores, whole.scores[1:], atol=1e-6)


KILLED = """
import os, signal, sys
from pathlib import Path
import atr
from atr.data.videos import VideoClips
from atr.results.evaluate import view_scores
from atr.video.protocol import Protocol
model = atr.optimised(atr.load_checkpoint(sys.argv[1]), precision="float32")
clips = VideoClips(Path(sys.argv[2]), num_frames=4, preprocessing=model.preprocessing)
calls = []
def progress(done, total):
    calls.append(done)
    if len(calls) == 2: os.kill(os.getpid(), signal.SIGKILL)
view_scores(model, clips, Protocol(), partial=Path(sys.argv[3]), save_every=0, progress=progress)
"""


def test_a_killed_run_goes_on_where_it_was(whole, checkpoint, clips_folder, tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, checkpoint, clips_folder, tmp_path / "partial"])
    assert killed.returncode == -signal.SIGKILL
    model = atr.optimised(atr.load_checkpoint(checkpoint), precision="float32")
    clips = VideoClips(clips_folder, num_frames=4, preprocessing=model.preprocessing)
    seen = []
    rows, broken = atr.results.evaluate.view_scores(
        model,
        clips,
        atr.video.protocol.Protocol(),
        partial=tmp_path / "partial",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(11, 11)]  # the first eight were saved
    assert broken == {}
    assert np.array_equal(rows["scores"], whole.scores)


def test_a_broken_video_is_named_and_the_rest_kept(checkpoint, clips_folder, tmp_path, capsys):
    folder = shutil.copytree(clips_folder, tmp_path / "clips")
    (folder / "val-000004.mp4").write_bytes(b"not a video")
    assert evaluate("--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results") == 3
    assert "skipped val-000004" in capsys.readouterr().err
    predictions = only_predictions(tmp_path / "results")
    assert len(predictions) == 10
    assert [skipped["id"] for skipped in predictions.facts["skipped"]] == ["val-000004"]
    strict = ("--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "strict", "--strict")
    assert evaluate(*strict) == 2
    assert results(tmp_path / "strict", "predictions") == []
    capsys.readouterr()
    stored = ("--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results", "--strict")
    assert evaluate(*stored) == 2  # it is not computed again, and lacks a clip
    assert "without the 1 clip that" in (told := capsys.readouterr().err) and "first is val-000004: " in told


def test_a_second_run_computes_nothing(whole, checkpoint, clips_folder, tmp_path, monkeypatch, capsys):
    arguments = ["evaluate", "--checkpoint", checkpoint, "--data", clips_folder, "--out", tmp_path]
    assert main([str(a) for a in arguments]) == 0
    first = capsys.readouterr().out
    monkeypatch.setattr("atr.results.questions.found_by", None)
    assert main([str(a) for a in arguments]) == 0
    assert capsys.readouterr().out == first


def test_labels_in_another_order_are_mapped_by_their_texts(whole, checkpoint, clips_folder, tmp_path, capsys):
    model = atr.load_checkpoint(checkpoint)
    model.reorder_classes(list(range(len(CLASSES)))[::-1])
    assert model.labels == list(CLASSES[::-1])
    other = atr.save_checkpoint(
        tmp_path / "other", model, labels=model.labels, preprocessing=model.preprocessing
    )
    assert evaluate("--checkpoint", other, "--data", clips_folder, "--out", tmp_path / "results") == 0
    assert "mapped by their texts" in capsys.readouterr().err
    found = only_predictions(tmp_path / "results")
    assert (found.labels, found.targets.tolist()) == (whole.labels, whole.targets.tolist())
    np.testing.assert_allclose(found.scores, whole.scores, atol=1e-6)
    assert any("mapped by their texts" in note for note in found.facts["data"]["notes"])


def test_what_is_not_used_is_told_once_and_kept(checkpoint, clips_folder, tmp_path, capsys):
    folder = shutil.copytree(clips_folder, tmp_path / "clips")
    (folder / "more").mkdir()
    shutil.copy(folder / "val-000000.mp4", folder / "more" / "copy.mp4")
    assert evaluate("--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results") == 0
    note = f"{folder}: 1 found and not used: 1 in no list (more/copy.mp4)"
    assert [line for line in capsys.readouterr().err.splitlines() if "not used" in line] == [note]
    assert only_predictions(tmp_path / "results").facts["data"]["notes"] == [note]


def test_clips_outside_are_read_only_when_told_to(checkpoint, clips_folder, tmp_path, capsys):
    folder = shutil.copytree(clips_folder, tmp_path / "clips")
    shutil.move(folder / "val-000003.mp4", tmp_path / "far.mp4")
    (folder / "val-000003.mp4").symlink_to(tmp_path / "far.mp4")
    arguments = ("--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results")
    assert evaluate(*arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "1 clip lies outside" in line and "val-000003" in line and "--follow-outside" in line
    assert evaluate(*arguments, "--follow-outside") == 0
    assert len(only_predictions(tmp_path / "results")) == 11


@pytest.mark.parametrize("workers", [-1, 257])
def test_an_impossible_number_of_workers_is_refused_by_name(
    workers, clips_folder, checkpoint, tmp_path, capsys
):
    asked = ["--checkpoint", checkpoint, "--data", clips_folder, "--out", tmp_path, "--workers", workers]
    assert evaluate(*asked) == 2
    assert capsys.readouterr().err == f"error: workers={workers} is not possible; allowed: 0 to 256\n"


def test_unlike_labels_are_refused_by_name(clips_folder, tmp_path, capsys):
    other = [*CLASSES[:-1], "something else"]
    arguments = ["evaluate", "--checkpoint", saved(tmp_path / "other", other), "--data", clips_folder]
    assert main([str(a) for a in arguments]) == 2
    assert "class 19 is 'something else' in" in capsys.readouterr().err
    arguments[2] = saved(tmp_path / "few", CLASSES[:7])
    assert main([str(a) for a in arguments]) == 2
    assert "knows 7 classes" in capsys.readouterr().err
