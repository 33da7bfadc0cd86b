"""Folds by recording, boxes as annotations, and what is written of the networks of people's actions."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import atr
from analysis.__main__ import main as analysis_command
from analysis.localize.masked_clips import open_masked
from analysis.localize.truths import TARGET
from atr.__main__ import main as atr_command
from atr.commands.train import Train
from atr.data.reading import read_annotations
from atr.preprocessing import Preprocessing
from atr.video.encoding import write_mp4
from benchmarks.people import (
    ALL,
    ARMS,
    BASELINES,
    Options,
    accuracy_of,
    best_block,
    clips_by_recording,
    folds_of,
    keep,
    link_boxes,
    link_clips,
    localized,
    main,
)
from benchmarks.tables import people
from benchmarks.tables.stored import Stored

RECORDINGS = {f"seq{n:02}": [(label, f"{n}.mp4") for label in "abc"[: 1 + n % 3]] for n in range(7)}


@pytest.fixture
def folder(tmp_path):
    """Classes "hug" and "push", one clip of each of three recordings."""
    for label in ("hug", "push"):
        for recording in (1, 2, 12):
            place = tmp_path / "clips" / label / f"set1_seq{recording:02}_{label}.avi"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"x")
    return tmp_path / "clips"


def test_every_clip_is_validated_once_and_no_recording_is_on_both_sides():
    splits = folds_of(RECORDINGS, 3)
    everything = sorted(clip for clips in RECORDINGS.values() for clip in clips)
    assert splits.pop(ALL) == (sum(RECORDINGS.values(), []),) * 2
    assert sorted(clip for _, val in splits.values() for clip in val) == everything
    for train, val in splits.values():
        assert sorted(train + val) == everything
        assert not {name for _, name in train} & {name for _, name in val}  # a name is a recording's here
    assert [len({name for _, name in val}) for _, val in splits.values()] == [3, 2, 2]
    for folds in (1, 8):
        with pytest.raises(ValueError, match=f"folds={folds} is not possible; allowed: 2 to 7"):
            folds_of(RECORDINGS, folds)


def test_recordings_are_told_by_the_names_of_the_files(folder):
    found = clips_by_recording(folder, r"seq\d+")
    assert list(found) == ["seq01", "seq02", "seq12"]
    assert found["seq12"] == [("hug", "set1_seq12_hug.avi"), ("push", "set1_seq12_push.avi")]
    with pytest.raises(ValueError, match="hug/set1_seq01_hug.avi does not tell its recording"):
        clips_by_recording(folder, r"take\d+")


def test_a_fold_is_a_data_set_of_links_and_replaces_an_earlier_one(folder, tmp_path):
    found = clips_by_recording(folder, r"seq\d+")
    for held_out in ("seq01", "seq12"):
        train = sum((clips for recording, clips in found.items() if recording != held_out), [])
        link_clips(tmp_path / "fold", folder, train, found[held_out])
    listed = {
        split: read_annotations(tmp_path / "fold", split, follow_outside=True) for split in ("train", "val")
    }
    assert sorted(listed["val"].ids) == ["hug/set1_seq12_hug.avi", "push/set1_seq12_push.avi"]
    assert len(listed["train"]) == 4 and not any("seq12" in name for name in listed["train"].ids)
    assert listed["train"].labels == listed["val"].labels == ["hug", "push"]


@pytest.fixture
def boxes(tmp_path):
    """A video of 64x48, 4 frames, with a box that is stated for one frame more than there is."""
    (tmp_path / "boxes").mkdir()
    write_mp4(tmp_path / "boxes" / "v.mp4", np.full((4, 48, 64, 3), 128, np.uint8), fps=8)
    tube = {"sf": 2, "ef": 5, "boxes_xywh_on_320x240": [[160, 120, 80, 60]] * 3}
    told = {"v.mp4": {"class": "Dancing", "numf": 5, "label": 0, "tubes": [tube]}}
    (tmp_path / "boxes" / "boxes.json").write_text(json.dumps(told))
    return tmp_path / "boxes"


@pytest.fixture
def masks(tmp_path):
    """A sequence of 4 frames of 64x48 whose upper left quarter is marked."""
    (tmp_path / "masks" / "dance" / "masks").mkdir(parents=True)
    write_mp4(tmp_path / "masks" / "dance" / "clip.mp4", np.full((4, 48, 64, 3), 128, np.uint8), fps=8)
    mask = np.zeros((48, 64), np.uint8)
    mask[:24, :32] = 255
    for index in range(4):
        cv2.imwrite(str(tmp_path / "masks" / "dance" / "masks" / f"{index:05d}.png"), mask)
    return tmp_path / "masks"


def test_boxes_lie_where_they_were_stated(boxes, tmp_path):
    """On a grid of 320x240; of a video of 64x48 a fifth: the box from (160, 120), 80 wide, 60 high, from frame 2 on."""
    link_boxes(tmp_path / "linked", boxes)
    settings = Preprocessing(48, 48, fit="squeeze")
    clips = open_masked(str(tmp_path / "linked"), num_frames=4, preprocessing=settings, follow_outside=True)
    expected = np.zeros((4, 48, 48), bool)
    expected[2:, 24:36, 24:36] = True  # 32 to 48 of 64 columns
    np.testing.assert_array_equal((clips[0][0][..., 3].numpy() & TARGET) > 0, expected)


def test_one_command_trains_keeps_and_measures(folder, masks, boxes, tmp_path, monkeypatch):
    """With tiny networks in the place of trained ones; all else is as it is."""
    trainings = []

    def trained(self, command):
        config, data = self.config, Path(self.config.data)
        assert config.preprocessing.fit == "squeeze" and config.follow_outside
        listed = read_annotations(data, "train", follow_outside=True)
        trainings.append((self.preset, data.name, len(listed)))
        block = config.model.block
        model = atr.create_model("tsn_resnet18", 2, 4, width=1 / 32, block=block, placement=["S5B2"])
        sizes = Preprocessing(32, 32, fit="squeeze")
        history = [{"epoch": 1, "loss": 0.5, "blocks": [{"block": "S5B2", "peak": 0.1}]}]
        facts = {"history": history, "metrics": {"top1": 0.5}, "environment": {"device": "cpu"}}
        atr.save_checkpoint(self.out, model, labels=listed.labels, preprocessing=sizes, **facts)
        return 0

    def run(command):
        program, *arguments = command.split()
        assert {"atr": atr_command, "analysis": analysis_command}[program](arguments) == 0

    monkeypatch.setattr(Train, "run", trained)
    monkeypatch.setattr("benchmarks.people.run", run)
    options = Options(folder, masks, boxes, folds=3, out=tmp_path / "run", workers=1)
    for _ in range(2):  # again: nothing is trained
        main(options)
    assert len(trainings) == 8 and set(trainings) == {
        (arm, name, clips)
        for arm in ("people-atr", "people-atr-sim")
        for name, clips in (("people-all", 6), *((f"people-fold-{n}-of-3", 4) for n in (1, 2, 3)))
    }
    found = json.loads((tmp_path / "run" / "people.json").read_text())
    assert found["accuracy"]["people-atr"]["folds"] == [0.5] * 3 and found["difference"]["value"] == 0
    assert (found["blocks"][0]["peak"], found["environment"]) == (0.1, {"device": "cpu"})
    for arm, methods in (("people-atr", ("actionness", "Grad-CAM")), ("people-atr-sim", ("Grad-CAM",))):
        for kind in ("masks", "boxes"):
            names = [entry["map"] for entry in found["localisation"][arm][kind]]
            assert names == [*(f"{method} S5B2" for method in methods), *BASELINES, "uniform"]
    maps, shares = people.maps(Stored(tmp_path / "run")), people.accuracy(Stored(tmp_path / "run"))
    assert re.search(r"\| M of `people-atr`, S5B2 \| 0.\d\d \| [+-]0.\d\d \|", maps)
    assert "| `people-atr` | 50.0 | 50.0 | 50.0 | 50.0 | 50.0 [18.8, 81.2] |" in shares
    with_atr, without = (atr.load_checkpoint(tmp_path / "run" / "checkpoints" / arm) for arm in ARMS)
    assert with_atr.facts["shown_block"] == "S5B2" and "shown_block" not in without.facts
    assert with_atr.preprocessing == Preprocessing(32, 32, fit="squeeze")
    assert str(tmp_path) not in json.dumps(with_atr.facts)


def test_accuracy_by_hand():
    found = accuracy_of([0.5, 1.0], [4, 2])
    assert (found["folds"], found["clips"]) == ([0.5, 1.0], [4, 2])
    assert found["mean"]["value"] == 0.75 and found["pooled"]["value"] == pytest.approx(4 / 6)
    assert found["pooled"]["low"] < 4 / 6 < found["pooled"]["high"]


def test_what_is_kept_is_half_as_large_and_tells_of_unseen_clips_alone(tmp_path):
    model = atr.create_model("tsn_resnet18", 2, 4, width=1 / 32, block="atr", placement=["S5B2"])
    seen = {
        "history": [{"epoch": 1, "loss": 0.5, "dev_top1": 1.0}],
        "metrics": {"top1": 1.0},
        "most_confused": [],
    }
    atr.save_checkpoint(tmp_path / "a", model, labels=["hug", "push"], **seen)
    keep(tmp_path / "a", tmp_path / "b", accuracy_of([0.5, 1.0], [4, 2]), "6 clips of mine", "S5B2")
    stored = load_file(tmp_path / "b" / "model.safetensors")
    assert {w.dtype for name, w in stored.items() if "num_batches" not in name} == {torch.float16}
    facts = atr.load_checkpoint(tmp_path / "b").facts
    assert facts["metrics"]["top1"] == pytest.approx(4 / 6)
    assert facts["history"] == [{"epoch": 1, "loss": 0.5}] and "most_confused" not in facts
    assert (facts["shown_block"], facts["training_data"]) == ("S5B2", "6 clips of mine")


def test_precision_is_held_against_the_baselines_clip_by_clip(tmp_path):
    names = ["actionness S4B2", "actionness S5B1", "frame difference", "centre", "uniform"]
    precision = np.array([[0.5, 0.6, 0.4, 0.3, 0.1], [0.7, 0.9, 0.2, 0.5, 0.1], [np.nan] * 5])
    np.savez(
        tmp_path / "localize.npz",
        average_precision=precision,
        frames=np.array([3, 4, 0]),
        maps=np.array(names),
    )
    entries = localized(tmp_path)
    assert [entry["map"] for entry in entries] == names
    first = entries[0]
    assert first["average_precision"]["value"] == pytest.approx(0.6)
    assert first["above frame difference"]["value"] == pytest.approx((0.1 + 0.5) / 2)
    assert first["above centre"] == {"value": pytest.approx(0.2), "low": None, "high": None}  # of two clips
    assert "above centre" not in entries[2]
    assert best_block({"masks": entries, "boxes": entries}) == "S5B1"
    assert best_block({"masks": entries[2:]}) is None
    assert best_block({"masks": entries}, "Grad-CAM") is None
