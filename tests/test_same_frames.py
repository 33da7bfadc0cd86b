"""Whoever is asked about a clip shows a checkpoint the frames that its training showed: commands, maps and pages agree."""

import json

import numpy as np
import pytest
import torch

import atr
from analysis.__main__ import main as analyse
from analysis.actionness import clip_actionness
from analysis.compare.report_clips import frame_source
from analysis.gradcam import clip_gradcam, gradcam
from analysis.localize.masked_clips import open_masked
from analysis.recording import record
from analysis.shown_clip import show
from analysis.what_if.interventions import Intervention
from app import loading
from app.loading import what_if
from atr.__main__ import main
from atr.results.predict import class_probabilities
from atr.results.predictions import read_predictions
from atr.results.store import RESULT, read_result, results
from atr.sampling import Sampling
from atr.tabletop import CLASSES, render_clip, split_seed
from atr.video.encoding import write_mp4
from tests.videos import decode, predict, preprocess

LENGTH = 60
DENSE = [22, 26, 30, 34]  # four frames out of a window of 16 in the middle of 60


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A checkpoint trained on windows of 16 frames, and three videos of 60 frames with boxes."""
    root = tmp_path_factory.mktemp("world")
    torch.manual_seed(3)
    model = atr.create_model(
        "tsm_resnet18", len(CLASSES), 4, width=0.125, block="atr", placement="S5", reasoner="gr"
    )
    torch.nn.init.normal_(model.fc.weight, std=3)
    model.sampling = Sampling("dense", 16)
    sizes = atr.Preprocessing(short_side=48, crop=32)
    atr.save_checkpoint(root / "checkpoints" / "net", model, labels=list(CLASSES), preprocessing=sizes)
    clips = root / "clips"
    clips.mkdir()
    entries = []
    for index in range(3):
        clip = render_clip(split_seed("val", index), num_frames=LENGTH, size=64)
        write_mp4(clips / f"{index}.mp4", clip.frames, 25)
        boxes = [[[8, 8, 16, 16]]] * LENGTH
        entries.append(
            {"id": str(index), "video": f"{index}.mp4", "label": CLASSES[clip.label], "boxes": boxes}
        )
    (clips / "annotations.json").write_text(json.dumps({"labels": list(CLASSES), "clips": entries}))
    return root


@pytest.fixture(scope="module")
def net(world):
    return world / "checkpoints" / "net"


@pytest.fixture(scope="module")
def expected(world, net):
    """Of the first video, computed here."""
    model = atr.load_checkpoint(net)
    frames = decode(world / "clips" / "0.mp4", DENSE)
    with torch.inference_mode():
        found = model(preprocess(frames, model.preprocessing)[None]).softmax(1)[0].numpy()
        uniform = decode(world / "clips" / "0.mp4", [7, 22, 37, 52])
        other = model(preprocess(uniform, model.preprocessing)[None]).softmax(1)[0].numpy()
    assert np.abs(found - other).max() > 1e-3  # or the test could not tell
    return found


def ran(*arguments, program=main):
    assert program([str(argument) for argument in arguments]) == 0


def test_evaluate(world, net, expected, tmp_path, capsys):
    ran("evaluate", "--checkpoint", net, "--data", world / "clips", "--out", tmp_path)
    (folder,) = results(tmp_path, "predictions")
    np.testing.assert_allclose(read_predictions(folder).scores[0], expected, atol=1e-6)
    facts = read_result(folder)
    assert (facts["sampling"], facts["window"]) == ("dense", 16)
    (note,) = facts["data"]["notes"]  # the list says nothing of windows
    assert note == "clips val has uniform sampling; the checkpoint's is used, dense sampling of 16 frames"
    assert note in capsys.readouterr().err


def test_predict(world, net, expected, tmp_path, capsys):
    video = world / "clips" / "0.mp4"
    np.testing.assert_allclose(predict(atr.load_checkpoint(net), video), expected, atol=1e-6)
    ran("predict", video, "--checkpoint", net, "--json", tmp_path / "a.json")
    assert "dense sampling of 16 frames: frames 22, 26, 30, 34 of 60" in capsys.readouterr().out
    said = json.loads((tmp_path / "a.json").read_text())
    assert (said["sampling"], said["window"], said["notes"]) == ("dense", 16, [])
    assert said["clips"][0]["sampled_frames"] == [DENSE]
    np.testing.assert_allclose(said["clips"][0]["probabilities"], expected, atol=1e-6)


def test_predict_as_asked_for_says_so(world, net, tmp_path, capsys):
    video, overlay = world / "clips" / "0.mp4", tmp_path / "overlay"
    arguments = ["predict", video, "--checkpoint", net, "--json", tmp_path / "a.json"]
    ran(*arguments, "--sampling", "uniform", "--overlay", overlay)
    told = (
        "The checkpoint was trained with dense sampling of 16 frames; uniform sampling is used, as asked for."
    )
    assert told in capsys.readouterr().err
    said, seen = (json.loads(p.read_text()) for p in (tmp_path / "a.json", overlay / "0" / "summary.json"))
    assert said["notes"] == [told] and said["clips"][0]["sampled_frames"] == [[7, 22, 37, 52]]
    np.testing.assert_allclose(seen["probabilities"], said["clips"][0]["probabilities"], atol=1e-6)
    assert main([*map(str, arguments), "--sampling", "uniform", "--window", "8"]) == 2
    assert "window=8 is of dense sampling" in capsys.readouterr().err
    assert main([*map(str, arguments), "--window", "2"]) == 2
    assert "window=2 is not possible; allowed: 4 frames or more" in capsys.readouterr().err


def test_actionness(world, net, expected, tmp_path, capsys):
    ran(
        "actionness",
        world / "clips" / "0.mp4",
        "--checkpoint",
        net,
        "--out",
        tmp_path / "out",
        program=analyse,
    )
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["sampling"], summary["window"], summary["sampled_frames"]) == ("dense", 16, DENSE)
    np.testing.assert_allclose(summary["probabilities"], expected, atol=1e-6)
    assert "dense sampling of 16 frames: frames 22, 26, 30, 34" in capsys.readouterr().out


@pytest.mark.parametrize("max_frames", [300, 10])
def test_maps_of_the_evaluated_frames_are_of_the_evaluated_window(world, net, expected, max_frames):
    model = atr.load_checkpoint(net)
    seen = clip_actionness(model, world / "clips" / "0.mp4", max_frames=max_frames)
    np.testing.assert_allclose(seen.probabilities, expected, atol=1e-6)
    assert seen.sampled.tolist() == DENSE
    (block,) = set(seen.maps) & {"S5B2"}
    assert seen.maps[block].any(axis=(1, 2)).all()
    with record(model) as recording:
        class_probabilities(model, decode_views(world, model)[None])
    for position, index in enumerate(DENSE):
        if index in seen.indices:
            place = seen.indices.tolist().index(index)
            expected_map = recording.actionness[block][0, position].numpy()
            np.testing.assert_allclose(seen.maps[block][place], expected_map, atol=1e-5)
    assert (30 in seen.indices) and model.locators


def decode_views(world, model):
    return show(model, world / "clips" / "0.mp4").evaluated


def test_frames_of_reports_and_of_masked_clips(world, net, expected):
    model = atr.load_checkpoint(net)
    frames = frame_source(str(world / "clips"), model)("0")
    np.testing.assert_allclose(class_probabilities(model, frames[None])[0], expected, atol=1e-6)
    options = {"num_frames": 4, "preprocessing": model.preprocessing, "sampling": model.sampling}
    masked = open_masked(str(world / "clips"), **options)[0][0]
    np.testing.assert_allclose(class_probabilities(model, masked[None, ..., :3])[0], expected, atol=1e-6)


def test_pages(world, net, expected, monkeypatch):
    monkeypatch.setenv("ATR_CHECKPOINTS", str(net.parent))
    monkeypatch.setenv("ATR_CLIPS", str(world / "clips"))
    clip = loading.shipped_clips()[0]
    frames, indices, _ = what_if.sampled(clip, "net")
    assert indices.tolist() == DENSE and frames.shape == (4, 32, 32, 3)
    unchanged = what_if.outcome(clip, "net", Intervention())
    np.testing.assert_allclose(unchanged.probabilities, expected, atol=1e-6)
    look = loading.look(clip, "net", "crop", target=0)
    np.testing.assert_allclose(look.result.probabilities, expected, atol=1e-6)
    assert all(len(maps) == LENGTH for maps in look.gradcam.values())


def test_gradcam_explains_the_evaluated_window(world, net):
    model, video = atr.load_checkpoint(net), world / "clips" / "0.mp4"
    maps, _ = clip_gradcam(model, video, ["S5B2"], target=1)
    clips = preprocess(decode(video, DENSE), model.preprocessing)[None]
    np.testing.assert_allclose(maps["S5B2"][DENSE], gradcam(model, clips, "S5B2", 1)[0], atol=1e-6)


@pytest.mark.parametrize("question", ["order", "faithfulness", "localize", "relations", "health"])
def test_every_question_asked_of_a_data_set(world, net, expected, question, tmp_path):
    ran(question, "--checkpoint", net, "--data", world / "clips", "--out", tmp_path, program=analyse)
    (folder,) = results(tmp_path, question)
    facts = read_result(folder)
    assert (facts["sampling"], facts["window"]) == ("dense", 16)
    if question == "order":
        with np.load(folder / "order.npz") as rows:
            assert rows["predicted"][0, 0] == expected.argmax()
            true = expected[rows["target"][0]]
            np.testing.assert_allclose(rows["true_probability"][0, 0], true, atol=1e-6)


def test_rendered_clips_have_no_windows(world, net, tmp_path, capsys):
    for program, command in ((main, "evaluate"), (analyse, "localize")):
        arguments = [command, "--checkpoint", net, "--num-clips", 2, "--out", tmp_path, "--cache", tmp_path]
        assert program([str(argument) for argument in arguments]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert (
            "tabletop:val is rendered over the whole time of a clip, but the checkpoint takes dense" in line
        )
    assert not list(tmp_path.glob(f"*/{RESULT}"))
