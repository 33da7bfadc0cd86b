import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import atr
from analysis.commands.report import Report
from analysis.compare.report_clips import (
    chosen_clips,
    evaluated_model,
    frame_source,
    looked_at,
    shown_blocks,
    small,
)
from analysis.gradcam import gradcam
from analysis.overlays import Scale, overlay
from analysis.recording import record
from atr import tabletop
from atr.data.rendered import TabletopClips
from atr.data.videos import VideoClips
from atr.preprocessing import Preprocessing
from atr.results.predictions import Predictions, write_predictions
from atr.results.store import checkpoint_facts
from atr.sampling import Sampling
from atr.video.decoding import VideoError
from atr.video.transforms import normalise

LABELS = list(tabletop.CLASSES)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Folders of two tiny networks on the demo set's classes: "with" has ATR blocks, "without" has none."""
    root = tmp_path_factory.mktemp("checkpoints")
    for name, block in (("with", "atr"), ("without", None)):
        torch.manual_seed(0)
        model = atr.create_model(
            "tsn_resnet18", len(LABELS), 4, width=0.125, stem="small", block=block, placement="S4-5"
        )
        atr.save_checkpoint(root / name, model, labels=LABELS, preprocessing=Preprocessing(32, 32))
    return root


@pytest.fixture(scope="module")
def models(checkpoints):
    return [atr.load_checkpoint(checkpoints / name) for name in ("with", "without")]


@pytest.fixture(scope="module")
def predictions(checkpoints):
    """Of five clips: the first model is right on all, the second on the last, surer of its error from clip to clip."""
    ids = tuple(f"val-{i:06d}" for i in range(5))
    targets = np.array(
        [tabletop.render_clip(tabletop.split_seed("val", i), num_frames=1, size=32).label for i in range(5)]
    )
    found = []
    for name in ("with", "without"):
        scores = np.zeros((5, len(LABELS)), np.float32)
        sure = np.array([0.6, 0.7, 0.8, 0.9, 0.6], np.float32)
        other = np.where((name == "with") | (np.arange(5) == 4), targets, (targets + 1) % len(LABELS))
        scores[np.arange(5), other] = sure
        scores[np.arange(5), (other + 1) % len(LABELS)] = 1 - sure
        facts = {
            "protocol": "1x1",
            "labels": LABELS,
            "checkpoint": checkpoint_facts(checkpoints / name),
            "data": {"name": "tabletop:val", "description": "five clips", "digest": "0"},
            "skipped": [],
            "command": f"python -m atr evaluate --checkpoint {name}",
            "milliseconds_per_clip": 1.0,
        }
        found.append(Predictions(ids=ids, targets=targets, scores=scores, facts=facts))
    return found


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def test_a_block_with_a_locator_shows_its_actionness(models, frames):
    clip = normalise(frames, models[0].preprocessing)[None]
    with torch.inference_mode(), record(models[0]) as recording:
        logits = models[0](clip)
    maps = recording.actionness["S4B2"][0].numpy()
    strip = looked_at(models[0], frames, "S4B2", "A with")
    np.testing.assert_array_equal(strip.frames, overlay(frames, maps, Scale.of(maps)))
    assert strip.caption.startswith("A with, S4B2: actionness M, dark ")
    assert LABELS[int(logits.argmax())] in strip.caption


def test_the_caption_tells_the_scale_of_the_overlay(models, frames):
    by_value, flat, signed = (
        looked_at(models[0], frames, "S4B2", "A", style) for style in ("value", "flat", "signed")
    )
    assert "transparent up to the median" in by_value.caption and "transparent" not in flat.caption
    assert ", blue " in signed.caption and "transparent at the median" in signed.caption
    assert (by_value.frames != flat.frames).any() and (by_value.frames != signed.frames).any()
    unsigned = looked_at(models[1], frames, "S4B2", "B", "signed")  # Grad-CAM has no sign
    np.testing.assert_array_equal(unsigned.frames, looked_at(models[1], frames, "S4B2", "B").frames)


def test_a_block_without_shows_grad_cam_for_the_class_it_calls(models, frames):
    model = models[1]
    clip = normalise(frames, model.preprocessing)[None]
    with torch.inference_mode():
        target = int(model(clip).argmax())
    maps = gradcam(model, clip, "S4B2", target)[0].numpy()
    strip = looked_at(model, frames, "S4B2", "B without")
    np.testing.assert_array_equal(strip.frames, overlay(frames, maps, Scale.of(maps)))
    assert "Grad-CAM for the predicted class" in strip.caption and LABELS[target] in strip.caption
    with pytest.raises(ValueError, match="'S9B9' is unknown"):
        looked_at(model, frames, "S9B9", "B without")


def test_both_show_the_block_that_a_names(models):
    assert shown_blocks(*models) == ("S5B2", "S5B2")
    assert shown_blocks(models[1], models[0]) == ("S5B2", "S5B2")
    named = atr.create_model("tsn_resnet18", 20, 4, width=0.125, block="atr")
    named.facts = {"shown_block": "S4B1"}
    assert shown_blocks(named, models[1]) == ("S4B1", "S4B1")
    deeper = atr.create_model("tsn_resnet50", 20, 4, width=0.125)
    assert shown_blocks(deeper, models[0]) == ("S5B3", "S5B2")  # a ResNet-18 has no S5B3


def test_large_frames_shrink_in_their_proportions():
    assert small(np.zeros((2, 320, 240, 3), np.uint8)).shape == (2, 160, 120, 3)
    assert small(np.zeros((2, 96, 96, 3), np.uint8)).shape == (2, 96, 96, 3)


def test_the_clips_of_a_filter_come_in_its_order_and_those_not_at_hand_are_passed_over(
    predictions, models, frames
):
    source = {f"val-{i:06d}": frames for i in (0, 2, 4)}.get
    clips, chosen = chosen_clips(predictions, models, [source, source], count=6)
    # the more both are sure of unlike classes, the more they disagree; on clip 4 both are right
    assert [clip.id for clip in clips] == ["val-000002", "val-000000"]
    assert chosen.startswith("2 of 4 clips of the kind “A right, B wrong”")
    target = predictions[0].targets[2]
    assert clips[0].label == LABELS[target]
    assert clips[0].answers[0] == f"A with: {LABELS[target]}; 80.0% for the true class"
    assert clips[0].answers[1].startswith(f"B without: {LABELS[(target + 1) % 20]}; 0.0% for")
    np.testing.assert_array_equal(clips[0].strips[0].frames, frames)
    assert [strip.caption[:9] for strip in clips[0].strips[1:]] == ["A with, S", "B without"]
    clips, _ = chosen_clips(predictions, models, [source, source], count=1, filter="both_right")
    assert [clip.id for clip in clips] == ["val-000004"]
    label = LABELS[predictions[0].targets[0]]
    clips, chosen = chosen_clips(predictions, models, [source, source], label=label)
    assert {clip.label for clip in clips} == {label} and f"and of the class “{label}”" in chosen
    assert "the models disagree most first" in chosen
    clips, chosen = chosen_clips(predictions, models, [source, source], filter="all")
    assert [clip.id for clip in clips] == ["val-000000", "val-000002", "val-000004"]
    assert "in the order of the list" in chosen
    twice = chosen_clips([predictions[0]] * 2, models, [source, source], count=1, filter="all")[0]
    assert [call.split(":")[0] for call in twice[0].answers] == ["A with", "B with"]
    clips, chosen = chosen_clips(predictions, models, [source, source], filter="both_wrong")
    assert clips == [] and chosen.startswith("0 of 0 clips of the kind “every model wrong”")
    with pytest.raises(ValueError, match="filter='odd' is unknown; allowed: all, only_a"):
        chosen_clips(predictions, models, [source, source], filter="odd")


def test_a_clip_that_cannot_be_read_is_said_and_the_others_are_shown(predictions, models, frames):
    def source(name):
        if name == "val-000002":
            raise VideoError("val-000002.mp4: cut off")
        return frames

    clips, chosen = chosen_clips(predictions, models, [source, source], count=2)
    assert [clip.id for clip in clips] == ["val-000003", "val-000001"]
    assert "1 could not be read: val-000002.mp4: cut off." in chosen

    def broken(name):
        raise VideoError(f"{name}.mp4: cut off")

    with pytest.raises(
        ValueError, match="none of the 4 clips to choose from can be shown: val-000003.mp4: cut off"
    ):
        chosen_clips(predictions, models, [broken, broken])


def test_a_rendered_clip_is_the_one_that_was_evaluated(models, tmp_path):
    evaluated = TabletopClips("val", 2, num_frames=4, size=32, cache=tmp_path)
    frames = frame_source("tabletop:val", models[0])("val-000001")
    np.testing.assert_array_equal(frames, evaluated.sampled_frames(1))
    assert frame_source("tabletop:val", models[0])("dev-000001") is None
    with pytest.raises(ValueError, match="'test'"):
        frame_source("tabletop:test", models[0])


def test_a_folder_gives_the_frames_of_its_own_clips_only(models, tmp_path):
    tabletop.write_dataset(tmp_path / "clips", split="val", num_clips=2, num_frames=8, size=32)
    source = frame_source(str(tmp_path / "clips"), models[0])
    assert source("val-000001").shape == (4, 32, 32, 3)
    assert source("val-000009") is None
    with pytest.raises(ValueError, match="data='nowhere' is unknown"):
        frame_source("nowhere", models[0])


def test_of_a_model_that_samples_densely_the_frames_are_those_of_its_window(models, tmp_path):
    folder = tabletop.write_dataset(tmp_path / "clips", split="val", num_clips=1, num_frames=16, size=32)
    dense = SimpleNamespace(
        config=models[0].config, preprocessing=models[0].preprocessing, sampling=Sampling("dense", 4)
    )
    clips = VideoClips(folder, num_frames=4, preprocessing=dense.preprocessing, sampling=dense.sampling)
    shown = frame_source(str(folder), dense)("val-000000")
    np.testing.assert_array_equal(shown, clips.sampled_frames(0))
    assert (shown != frame_source(str(folder), models[0])("val-000000")).any()
    with pytest.raises(ValueError, match="dense"):
        frame_source("tabletop:val", dense)


def test_the_checkpoint_of_predictions_is_looked_for_in_every_folder(checkpoints, predictions, tmp_path):
    shutil.copytree(checkpoints / "without", tmp_path / "with")
    assert evaluated_model([tmp_path, checkpoints], predictions[0]).config.block == "atr"


def test_the_checkpoint_of_predictions_may_be_named_itself(checkpoints, predictions):
    assert evaluated_model([checkpoints / "with"], predictions[0]).config.block == "atr"
    with pytest.raises(ValueError, match="there is no checkpoint 'with'"):
        evaluated_model([checkpoints / "without"], predictions[0])


def test_a_checkpoint_with_other_weights_is_refused(checkpoints, predictions):
    nowhere = checkpoints / "nowhere"
    assert evaluated_model([nowhere, checkpoints], predictions[0]).config.block == "atr"
    with pytest.raises(
        ValueError, match="there is no checkpoint 'with' in .*nowhere; --checkpoints names them or"
    ):
        evaluated_model([nowhere], predictions[0])
    facts = {**predictions[0].facts, "checkpoint": {**predictions[0].facts["checkpoint"], "name": "without"}}
    stranger = replace(predictions[0], facts=facts)
    with pytest.raises(ValueError, match="without has other weights than the predictions of without"):
        evaluated_model([checkpoints], stranger)


@pytest.fixture
def folders(predictions, tmp_path):
    for p in predictions:
        (tmp_path / p.name).mkdir()
        write_predictions(tmp_path / p.name, p)
    return tuple(tmp_path / p.name for p in predictions)


def test_the_command_writes_the_page_with_the_chosen_clips(folders, checkpoints, tmp_path, capsys):
    out = tmp_path / "new" / "report.html"
    assert Report(folders, out, num_clips=2, checkpoints=(checkpoints,)).run("the command") == 0
    page = out.read_text()
    assert page.count("<article>") == 2 and page.count('<img src="data:image/png;base64,') == 6
    assert "val-000003" in page and "val-000002" in page and "the command" in page
    assert f"written to {out}" in capsys.readouterr().out


def test_without_clips_no_checkpoint_is_needed(folders, tmp_path):
    out = tmp_path / "report.html"
    assert Report(folders, out, num_clips=0, checkpoints=(tmp_path / "nowhere",)).run("x") == 0
    assert "<article>" not in out.read_text()


def test_clips_that_are_not_there_are_an_error(folders, checkpoints, tmp_path):
    out = tmp_path / "report.html"
    with pytest.raises(
        ValueError, match="none of the 4 clips to choose from can be shown; the first is 'val-000003'"
    ):
        Report(folders, out, checkpoints=(checkpoints,), clips="tabletop:dev").run("x")
    with pytest.raises(ValueError, match="num_clips=-1 is not allowed; allowed: 0 or more"):
        Report(folders, out, num_clips=-1).run("x")
    assert not out.exists()


def test_predictions_in_the_wrong_number_are_refused(folders):
    with pytest.raises(ValueError, match="2 to 4 folders of predictions are compared, got 1"):
        Report(folders[:1]).run("x")


def test_the_first_strip_is_what_a_is_shown(predictions, models, frames):
    sources = [lambda name: frames, lambda name: 255 - frames]
    clips, _ = chosen_clips(predictions, models, sources, count=1)
    np.testing.assert_array_equal(clips[0].strips[0].frames, frames)


def test_the_limits_of_a_signed_overlay_are_as_far_from_the_median(models, frames):
    caption = looked_at(models[0], frames, "S4B2", "A", "signed").caption
    low, high, median = map(
        float, re.search(r"blue (\S+) to red (\S+), transparent at the median (\S+);", caption).groups()
    )
    assert high - median == pytest.approx(median - low, rel=0.02)  # of three digits each
