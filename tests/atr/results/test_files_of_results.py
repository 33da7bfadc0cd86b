"""A result is served again only where the files are those it came from."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import atr
import atr.results.questions
from atr.__main__ import main
from atr.checkpoint import read_config
from atr.commands import INTERRUPTED
from atr.data.rendered import TabletopClips
from atr.data.videos import VideoClips
from atr.files import stamp
from atr.results.predictions import predictions_folder, read_predictions
from atr.results.store import (
    checkpoint_facts,
    place_of_answer,
    result_folder,
    results,
    sampling_facts,
)
from atr.sampling import ASSUMED, Sampling
from atr.tabletop import CLASSES
from atr.video.protocol import Protocol

ASSETS = Path(__file__).parents[3] / "assets"
SIZES = atr.Preprocessing(short_side=48, crop=32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(3)
    model = atr.create_model("tsn_resnet18", len(CLASSES), 4, width=0.125)
    folder = tmp_path_factory.mktemp("checkpoints") / "net"
    return atr.save_checkpoint(folder, model, labels=list(CLASSES), preprocessing=SIZES, sampling="uniform")


@pytest.fixture
def folder(clips_folder, tmp_path):
    return shutil.copytree(clips_folder, tmp_path / "a")


def evaluated(checkpoint, data, out, code=0):
    """The predictions that the command writes or finds."""
    before = set(results(out, "predictions"))
    arguments = ["evaluate", "--checkpoint", checkpoint, "--data", data, "--out", out]
    assert main([str(argument) for argument in arguments]) == code
    new = set(results(out, "predictions")) - before
    return read_predictions(new.pop()) if new else None


def test_another_folder_with_the_same_list_is_another_result(checkpoint, folder, tmp_path):
    first = evaluated(checkpoint, folder, tmp_path / "out")
    other = shutil.copytree(folder, tmp_path / "b")
    videos = sorted(path.name for path in folder.glob("*.mp4"))
    for name, its in zip(videos, reversed(videos), strict=True):
        shutil.copy(folder / its, other / name)
    second = evaluated(checkpoint, other, tmp_path / "out")
    assert first.ids == second.ids
    np.testing.assert_allclose(second.scores, first.scores[::-1], atol=1e-6)


def test_the_same_weights_with_other_labels_are_another_result(checkpoint, folder, tmp_path):
    first = evaluated(checkpoint, folder, tmp_path / "out")
    relabelled = shutil.copytree(checkpoint, tmp_path / "net")
    config = json.loads((relabelled / "config.json").read_text())
    config["labels"] = [*config["labels"][1:], config["labels"][0]]
    (relabelled / "config.json").write_text(json.dumps(config))
    second = evaluated(relabelled, folder, tmp_path / "out")
    np.testing.assert_allclose(np.roll(first.scores, 1, axis=1), second.scores, atol=1e-6)
    first_digest, second_digest = (p.facts["checkpoint"]["labels_digest"] for p in (first, second))
    assert first_digest != second_digest


def test_the_same_files_are_not_looked_at_again(checkpoint, folder, tmp_path, monkeypatch):
    assert evaluated(checkpoint, folder, tmp_path / "out") is not None
    monkeypatch.setattr(atr.results.questions, "found_by", None)
    moved = folder.rename(tmp_path / "moved")  # the paths below it stay
    assert evaluated(checkpoint, moved, tmp_path / "out") is None


def test_a_repaired_and_an_added_video_are_looked_at(checkpoint, folder, tmp_path):
    whole = evaluated(checkpoint, folder, tmp_path / "whole")
    kept = shutil.copytree(folder, tmp_path / "kept")
    (folder / "val-000004.mp4").write_bytes(b"not a video")
    (folder / "val-000007.mp4").unlink()
    assert len(evaluated(checkpoint, folder, tmp_path / "out", code=3)) == 9
    shutil.copy(kept / "val-000004.mp4", folder)
    assert len(evaluated(checkpoint, folder, tmp_path / "out", code=3)) == 10
    shutil.copy(kept / "val-000007.mp4", folder)
    np.testing.assert_array_equal(evaluated(checkpoint, folder, tmp_path / "out").scores, whole.scores)


def test_what_an_interrupted_run_found_in_other_files_is_not_used(checkpoint, folder, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(atr.results.questions, "complete", interrupted)
    arguments = ["evaluate", "--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "out"]
    assert main([str(argument) for argument in arguments]) == INTERRUPTED
    monkeypatch.undo()
    shutil.copy(folder / "val-000001.mp4", folder / "val-000000.mp4")
    found = evaluated(checkpoint, folder, tmp_path / "out")
    np.testing.assert_array_equal(found.scores[0], found.scores[1])


def test_a_stamp_tells_contents_of_other_sizes_and_times(tmp_path):
    file, frames = tmp_path / "a.mp4", tmp_path / "frames"
    assert stamp(file) == ""
    file.write_bytes(b"one")
    first = stamp(file)
    file.write_bytes(b"four")
    assert stamp(file) != first
    os.utime(file, ns=(1, 1))
    assert stamp(file) == "4 1"
    frames.mkdir()
    empty = stamp(frames)
    (frames / "gone").symlink_to("nowhere")
    dangling = stamp(frames)
    assert dangling not in ("", empty)
    (frames / "gone").unlink()
    (frames / "00001.jpg").write_bytes(b"one")
    os.utime(frames, ns=(1, 1))
    one = stamp(frames)
    os.utime(frames / "00001.jpg", ns=(1, 1))
    os.utime(frames, ns=(1, 1))
    assert len({empty, one, stamp(frames)}) == 3


def test_a_training_is_of_the_list_and_a_result_of_the_files(folder):
    clips = VideoClips(folder, num_frames=4, preprocessing=SIZES)
    digests = clips.digest, clips.list_digest
    os.utime(folder / "val-000003.mp4", ns=(1, 1))
    assert clips.digest == digests[0]  # of one pass: what it was when it was first asked for
    again = VideoClips(folder, num_frames=4, preprocessing=SIZES)
    assert again.digest != digests[0] and again.list_digest == digests[1]
    part = clips.subset([0, 1])
    assert part.digest != clips.digest
    os.utime(folder / "val-000003.mp4", ns=(2, 2))
    assert clips.subset([0, 1]).digest == part.digest  # of its own files alone


def test_a_result_is_of_the_network_as_it_is_used_and_named_by_its_folder(checkpoint, tmp_path):
    places = {result_folder(tmp_path, "toy", checkpoint, {})}
    for number, (part, key, value) in enumerate((("preprocessing", "crop", 24), ("model", "num_frames", 8))):
        other = shutil.copytree(checkpoint, tmp_path / str(number) / "net")
        config = json.loads((other / "config.json").read_text())
        config[part][key] = value
        (other / "config.json").write_text(json.dumps(config))
        places.add(result_folder(tmp_path, "toy", other, {}))
    assert len(places) == 3
    (tmp_path / "link").symlink_to(checkpoint)
    assert result_folder(tmp_path, "toy", tmp_path / "link", {}) in places
    assert checkpoint_facts(tmp_path / "link")["name"] == "net"


def test_how_frames_were_drawn_is_told_with_the_window_where_there_is_one():
    assert sampling_facts(ASSUMED) == {"sampling": "uniform", "sampling_stated": False}
    dense = {"sampling": "dense", "sampling_stated": True, "window": 32}
    assert sampling_facts(Sampling("dense", 32)) == dense


def test_what_the_key_of_predictions_takes_in(checkpoint, tmp_path):
    def place(protocol, average="probabilities", of=checkpoint):
        return predictions_folder(tmp_path, of, "data", Protocol.named(protocol), average)

    assert place("1x1") == place("1x1", "logits")  # the same numbers
    assert len({place("1x1"), place("2x3"), place("2x3", "logits"), place("10x3")}) == 4
    model = atr.load_checkpoint(checkpoint)
    places = set()
    for sampling in (Sampling(), Sampling("dense"), Sampling("dense", 32)):
        model.sampling = sampling
        other = atr.save_checkpoint(tmp_path / "net", model, labels=model.labels, preprocessing=SIZES)
        places.add(place("1x1", of=other))
    assert len(places) == 3 and place("1x1") in places


@pytest.mark.parametrize("name", ["tabletop-atr", "tabletop-gr", "tabletop-tsn"])
def test_shipped_predictions_lie_where_their_evaluation_looks_for_them(name):
    crop = read_config(ASSETS / "checkpoints" / name)["preprocessing"]["crop"]
    digest = TabletopClips.digest_of("val", 2000, num_frames=8, size=crop)
    folder = predictions_folder(ASSETS / "results", ASSETS / "checkpoints" / name, digest, Protocol())
    assert folder in results(ASSETS / "results", "predictions")


def test_classes_that_the_data_lists_in_another_order_are_another_place(tmp_path):
    folder = tmp_path / "toy-net-0"
    assert place_of_answer(folder, ["a", "b"], ("a", "b")) == folder
    assert place_of_answer(folder, ["a", "b"], ("a", "b"), in_bf16=True).name == "toy-net-0-bf16"
    others = {place_of_answer(folder, labels, ("a", "b")) for labels in (["b", "a"], ["a"], ["a", "c"])}
    assert len(others | {folder}) == 4
