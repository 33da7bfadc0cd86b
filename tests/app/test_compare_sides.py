"""What the page "Compare" reads and writes: stored predictions, clips, sides, overlays, files."""

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from matplotlib.figure import Figure

from analysis.actionness import ClipActionness
from analysis.overlays import Scale
from app import loading
from app.compare import exports
from app.compare.clip import gradcam_class
from app.compare.tabs import reliability_table
from app.exports import overlay_film, strip
from app.loading.clips import RENDERED_FRAMES, RENDERED_SIDE, masks_of
from app.loading.looks import side
from app.loading.predictions import stored_predictions, tables
from atr.preprocessing import Preprocessing
from atr.tabletop import render_clip, split_seed
from atr.video.sampling import uniform_indices
from tests.app.world import LABELS, SECOND, SIDE, TARGETS, write_calls, write_checkpoint


def test_a_rendered_clip_holds_the_very_frames_that_the_evaluation_samples(two):
    predictions = stored(two, "first")
    clip = loading.predicted_clip(predictions, 3)
    rendered = render_clip(split_seed("val", 3), num_frames=8, size=RENDERED_SIDE)
    sampled = uniform_indices(len(clip.source), 8)
    np.testing.assert_array_equal(clip.source[sampled], rendered.frames)
    np.testing.assert_array_equal(clip.masks[sampled], rendered.masks)
    np.testing.assert_array_equal(np.array(clip.acting)[sampled], rendered.acting)


def test_clips_of_a_folder_are_its_videos_with_the_truth_that_is_known(world, results):
    checkpoint = write_checkpoint(world / "checkpoints" / "first", block="atr")
    write_calls(results, checkpoint, [0, 1], [0, 0], data=str(world / "clips"))
    clip = loading.predicted_clip(stored([checkpoint], "first"), 1)
    assert clip.source == world / "clips" / "val-000001.mp4" and clip.label == LABELS[1]
    entry = json.loads((world / "clips" / "annotations.json").read_text())["clips"][1]
    assert clip.acting == entry["acting"] and masks_of(clip).shape == (12, SIDE, SIDE)
    thumbnail = loading.predicted_film(stored([checkpoint], "first"), 1)
    assert thumbnail["id"] == "val-000001" and thumbnail["label"] == LABELS[1]


def test_sides_without_an_arl_show_their_pooling_as_what_it_is(world, two, results):
    bare = write_checkpoint(world / "checkpoints" / "bare")
    write_calls(results, bare, TARGETS, SECOND)
    seen = {}
    for name in ("first", "second", "bare"):
        predictions = stored(two, name)
        look = loading.look(loading.predicted_clip(predictions, 1), name, "crop", target=0)
        seen[name] = side(look, predictions, 1)
    assert [each.uniform for each in seen.values()] == [False, True, False]
    maps = seen["second"].maps["actionness"]
    assert maps.keys() == seen["first"].maps["actionness"].keys()
    for block, values in seen["first"].maps["actionness"].items():
        assert maps[block].shape == values.shape and not maps[block].any()
    assert (
        "actionness" not in seen["bare"].maps and "There is no ATR block" in seen["bare"].absent["actionness"]
    )
    assert all(each.maps["gradcam"].keys() >= maps.keys() for each in seen.values())
    # the class scores are those that are stored, not those of the frames that are shown
    assert seen["first"].scores[0] == (LABELS[0], pytest.approx(0.8)) and seen["first"].correct
    assert seen["second"].true_probability == pytest.approx(0.1) and not seen["second"].correct


def test_a_whole_frame_that_is_wide_is_pooled_on_the_grid_it_has(two):
    predictions = {name: stored(two, name) for name in ("first", "second")}
    clip = loading.predicted_clip(predictions["first"], 1)
    wide = replace(clip, source=np.repeat(clip.source, 2, axis=2), masks=None)
    seen = [side(loading.look(wide, name, "whole"), each, 1) for name, each in predictions.items()]
    for block, values in seen[0].maps["actionness"].items():
        assert seen[1].maps["actionness"][block].shape == values.shape
        assert values.shape[2] == 2 * values.shape[1]


def test_one_video_under_two_classes_is_shown_with_the_verdict_of_each(two):
    predictions = [stored(two, name) for name in ("first", "second")]
    clip = loading.predicted_clip(predictions[0], 1)
    other = 1 + list(TARGETS[1:]).index(next(t for t in TARGETS[1:] if t != TARGETS[1]))
    payloads = []
    for index in (1, other):
        its = replace(clip, label=LABELS[TARGETS[index]])
        looks = [loading.look(its, name, "crop") for name in ("first", "second")]
        payloads.append(loading.sides_payload(looks, predictions, index))
    assert payloads[0].header["id"] != payloads[1].header["id"]
    assert [p.header["true_label"] for p in payloads] == [LABELS[TARGETS[i]] for i in (1, other)]
    for payload, index in zip(payloads, (1, other), strict=True):
        said = [(side["correct"], side["true_probability"]) for side in payload.header["sides"]]
        assert said == [
            (bool(p.correct[index]), pytest.approx(float(p.true_probability[index]))) for p in predictions
        ]


def test_the_frames_of_a_clip_are_held_once_for_all_checkpoints(two):
    looks, _ = looked_at(two)
    assert looks[0].result.frames is looks[1].result.frames
    assert looks[0].result.probabilities is not looks[1].result.probabilities


def test_a_renamed_checkpoint_is_shown_under_its_new_name(two, world):
    def names_of(first: str) -> list[str]:
        predictions = [stored(two, name) for name in (first, "second")]
        clip = loading.predicted_clip(predictions[0], 1)
        looks = [loading.look(clip, name, "crop") for name in (first, "second")]
        return [side["name"] for side in loading.sides_payload(looks, predictions, 1).header["sides"]]

    assert names_of("first") == ["first", "second"]
    two[0].rename(world / "checkpoints" / "renamed")
    assert names_of("renamed") == ["renamed", "second"]


def test_all_sides_that_have_such_maps_can_be_taken_along(two):
    looks, _ = looked_at(two)
    found = exports.drawn(looks, "actionness", "S4B1", "softmax")
    assert list(found) == ["first", "second"]
    (first, maps), (second, uniform) = found.values()
    assert first is looks[0].result and second is looks[1].result
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1, rtol=1e-5)
    np.testing.assert_allclose(uniform, 1 / uniform[0].size, rtol=1e-6)
    heat = exports.drawn(looks, "gradcam", "S4B1", "relative")["second"]
    scale = Scale((0, 1), 0.5)
    for each in (*found.values(), heat):
        assert strip(*each, scale, ".png", block="S4B1", kind="softmax").startswith(b"\x89PNG")
    assert heat[1].max() == 1 and overlay_film(*heat, scale, ".gif").startswith(b"GIF8")


def test_the_file_of_maps_holds_every_map_by_checkpoint_source_and_block(two):
    looks, _ = looked_at(two)
    with np.load(io.BytesIO(exports.maps_file(looks))) as file:
        assert "second/actionness/S4B1" not in file and "second/gradcam/S4B1" in file
        np.testing.assert_array_equal(file["first/actionness/S4B1"], looks[0].result.maps["S4B1"])
        assert file["indices"].tolist() == list(range(RENDERED_FRAMES))


def test_the_class_scores_of_a_clip_are_those_of_every_side(two):
    predictions = [stored(two, name) for name in ("first", "second")]
    scores = exports.class_scores(predictions, 1)
    assert scores["class"].tolist() == LABELS and scores.true.tolist() == [True, False, False]
    np.testing.assert_allclose(scores["first"], [0.8, 0.1, 0.1], rtol=1e-6)
    np.testing.assert_allclose(scores["second"], [0.1, 0.8, 0.1], rtol=1e-6)


def test_the_reliability_curves_are_one_table(two):
    found = list(stored_predictions("first")[0].values()) + list(stored_predictions("second")[0].values())
    curves = reliability_table(tables(found))
    assert curves.groupby("checkpoint").clips.sum().to_dict() == {"first": 6, "second": 6}
    filled = curves[curves.clips > 0]  # all are called with 0.8
    assert filled.accuracy.tolist() == pytest.approx([4 / 6, 2 / 6])
    assert filled.ece.tolist() == pytest.approx([0.8 - 4 / 6, 0.8 - 2 / 6])


@pytest.mark.parametrize("name", ["foo", "val", "val-x", "past-000001", "val-" + "9" * 5000])
def test_a_name_that_is_no_rendered_clip_is_one_error_and_still_listed(two, name):
    predictions = stored(two, "first")
    predictions = replace(predictions, ids=(name, *predictions.ids[1:]))
    with pytest.raises(loading.ChoiceError, match="no clip that can be rendered"):
        loading.predicted_clip(predictions, 0)
    assert "cannot be read" in loading.predicted_film(predictions, 0)["label"]


@pytest.mark.parametrize(
    ("acting", "masks", "message"),
    [
        ([True] * 11, np.zeros((12, SIDE, SIDE), int), "acting of 11 frames, but the video has frame 11"),
        ([True] * 12, np.zeros((3, SIDE, SIDE), int), "masks of 3 frames, but the video has frame 11"),
        ([True] * 12, np.zeros((12, 8, 8), int), rf"masks of int64 \(8, 8\); .*{SIDE}x{SIDE} as the video"),
        ([True] * 12, np.zeros((12, 2 * SIDE, 2 * SIDE), int), f"{SIDE}x{SIDE} as the video"),
        ([True] * 12, np.zeros((12, SIDE, SIDE)), "masks of float64 .* allowed: whole numbers"),
        ([True] * 12, np.full((12, SIDE, SIDE), 300), "values from 300 to 300; allowed: 0 to 4"),
        ([True] * 12, np.zeros(12, int), rf"masks of int64 \(\); .*{SIDE}x{SIDE} as the video"),
        ([True] * 12, None, "holds no masks"),
    ],
)
def test_truth_that_does_not_fit_the_video_is_one_error(world, results, acting, masks, message):
    checkpoint = write_checkpoint(world / "checkpoints" / "first", block="atr")
    write_calls(results, checkpoint, [0], [0], data=str(world / "clips"))
    path = world / "clips" / "annotations.json"
    annotations = json.loads(path.read_text())
    annotations["clips"][0]["acting"] = acting
    path.write_text(json.dumps(annotations))
    named = {"other": np.zeros(1)} if masks is None else {"masks": masks}
    np.savez(world / "clips" / "val-000000.masks.npz", **named)
    predictions = stored([checkpoint], "first")
    with pytest.raises(loading.ChoiceError, match=message):
        looks = [loading.look(loading.predicted_clip(predictions, 0), "first", "crop")] * 2
        loading.sides_payload(looks, [predictions] * 2, 0)


def test_predictions_of_a_video_outside_the_data_are_refused(world, results):
    checkpoint = write_checkpoint(world / "checkpoints" / "first", block="atr")
    write_calls(results, checkpoint, [0], [0], data=str(world / "clips"))
    path = world / "clips" / "annotations.json"
    (world / "outside.mp4").write_bytes((world / "clips" / "val-000000.mp4").read_bytes())
    path.write_text(path.read_text().replace('"val-000000.mp4"', '"../outside.mp4"'))
    predictions = stored([checkpoint], "first")
    with pytest.raises(loading.ChoiceError, match="outside.mp4' lies outside"):
        loading.predicted_clip(predictions, 0)


def looked_at(folders):
    predictions = [stored(folders, name) for name in ("first", "second")]
    clip = loading.predicted_clip(predictions[0], 1)
    looks = [loading.look(clip, p.name, "crop", target=0) for p in predictions]
    return looks, loading.sides_payload(looks, predictions, 1)


def stored(folders, name):
    assert loading.root("checkpoints") == folders[0].parent
    return next(iter(stored_predictions(name)[0].values())).predictions


def test_grad_cam_is_of_the_class_of_that_text(monkeypatch):
    """The checkpoint numbers its classes otherwise than the data that it was evaluated on."""
    own = SimpleNamespace(labels=["clap", "jump", "wave"])
    monkeypatch.setattr(loading, "model", {"net": own}.get)
    predictions = SimpleNamespace(
        name="net", labels=["jump", "wave", "clap"], targets=np.array([1]), predicted=np.array([2])
    )
    asked = [gradcam_class(predictions, 0, choice) for choice in ("off", "true", "called")]
    assert asked == [None, own.labels.index("wave"), own.labels.index("clap")]


def test_networks_that_cut_other_regions_are_compared_on_the_whole_frame(monkeypatch):
    crops = {"whole": 64, "other": 64, "middle": 48}
    networks = {
        name: SimpleNamespace(preprocessing=Preprocessing(short_side=64, crop=crop))
        for name, crop in crops.items()
    }
    monkeypatch.setattr("app.loading.looks.model", networks.get)
    clip = loading.Clip("x", np.zeros((2, 64, 96, 3), np.uint8))
    assert loading.common_view(clip, ["whole", "other"]) == "crop"
    assert loading.common_view(clip, ["whole", "middle"]) == "whole"


def test_files_of_a_thinned_clip_name_the_videos_frames_and_play_at_its_speed(monkeypatch):
    frames = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    clip = ClipActionness(
        frames=frames,
        indices=np.arange(0, 30, 3),
        fps=4.0,
        box=(0, 0, 8, 8),
        maps={},
        seconds=0.0,
        probabilities=np.ones(1),
        sampled=np.array([3, 11, 18, 26]),
        relations={},
        notes=(),
        input_size=(8, 8),
    )
    maps, drawn = np.arange(10.0).reshape(10, 1, 1), []
    monkeypatch.setattr(
        "app.exports.strip_figure", lambda *of, **options: drawn.append((of, options)) or Figure()
    )
    scale = Scale.of(maps)
    strip(clip, maps, scale, ".png", block="S5B1", kind="raw")
    (shown, values, of_strip, indices), _ = drawn[0]
    assert indices.tolist() == [3, 12, 18, 27] and values.ravel().tolist() == [1, 4, 6, 9]
    np.testing.assert_array_equal(shown, frames[[1, 4, 6, 9]])
    assert of_strip is scale  # of the whole clip
    monkeypatch.setattr("app.exports.film", lambda frames, fps, suffix: (len(frames), fps, suffix))
    assert overlay_film(clip, maps, scale, ".gif") == (10, 4, ".gif")


def test_the_file_of_maps_says_of_which_class_its_grad_cam_is(two):
    looks, _ = looked_at(two)
    with np.load(
        io.BytesIO(exports.maps_file([looks[0], replace(looks[1], gradcam_class=LABELS[2])]))
    ) as file:
        assert [str(file[f"{name}/gradcam_class"]) for name in ("first", "second")] == [LABELS[0], LABELS[2]]


def test_the_report_has_the_clips_of_the_filter_and_the_class_that_are_chosen(two, monkeypatch):
    makers, asked = [], []
    monkeypatch.setattr(st, "download_button", lambda text, make, *_, **__: makers.append(make))
    monkeypatch.setattr(exports, "chosen_clips", lambda *_, **options: asked.append(options) or ([], ""))
    monkeypatch.setattr(exports, "build_report", lambda *_, **options: options["command"])
    predictions = [stored(two, name) for name in ("first", "second")]
    exports.report_button(predictions, {"filter": "only_b", "label": LABELS[1]})
    assert makers[0]().endswith("?filter=only_b&label=moving+left")
    assert asked == [{"filter": "only_b", "label": LABELS[1]}]
