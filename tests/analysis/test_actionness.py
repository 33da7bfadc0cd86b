from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import atr
from analysis.actionness import clip_actionness, ranges
from analysis.overlays import Scale, overlay
from analysis.recording import record
from analysis.shown_clip import time_steps, uneven
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling
from atr.video.sampling import covering_indices, uniform_indices
from tests.videos import preprocess

SETTINGS = Preprocessing(short_side=32, crop=32)


def tiny_model(block="atr", **options):
    torch.manual_seed(0)
    options = {"num_classes": 5, "num_frames": 4, "width": 0.125, "stem": "small", **options}
    model = atr.create_model("tsn_resnet18", block=block, **options).eval()
    model.preprocessing = SETTINGS
    return model


def random_frames(num_frames, height=40, width=48):
    return np.random.default_rng(0).integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8)


def test_every_frame_has_the_map_of_its_first_pass():
    model, frames = tiny_model(), random_frames(10)
    result = clip_actionness(model, frames, batch_size=2)
    assert result.indices.tolist() == list(range(10))
    assert tuple(result.maps) == model.block_names
    expected = {}
    with torch.inference_mode():
        for row in covering_indices(10, 4):
            with record(model) as recording:
                model(preprocess(frames[row], SETTINGS)[None])
            for position, index in enumerate(row.tolist()):
                expected.setdefault(index, recording.actionness["S4B2"][0, position])
    for index in range(10):
        torch.testing.assert_close(torch.from_numpy(result.maps["S4B2"][index]), expected[index])


def test_maps_of_squeezed_frames_cover_the_whole_frame():
    model, frames = tiny_model(), random_frames(6, height=40, width=100)
    model.preprocessing = replace(SETTINGS, fit="squeeze")
    result = clip_actionness(model, frames)
    assert result.box == (0, 0, 40, 100) and result.input_size == (32, 32)
    np.testing.assert_array_equal(result.frames, frames)
    assert result.maps["S3B1"].shape == (6, 8, 8)
    maps = np.zeros((6, 8, 8), np.float32)
    maps[:, 0, -1] = 1  # a cell is 5 by 12.5 pixels; drawn smoothly it reaches the centres of its neighbours
    hot, cold = (overlay(frames, each, Scale((0, 1), 0, "flat", opacity=1)) for each in (maps, 0 * maps))
    changed = (hot != cold).any(axis=(0, 3))
    assert changed[:5, -12:].all()
    assert not changed[8:].any() and not changed[:, :81].any()


def test_probabilities_are_the_evaluations():
    model, frames = tiny_model(), random_frames(11)
    result = clip_actionness(model, frames)
    sampled = uniform_indices(11, 4)
    with torch.inference_mode():
        logits = model(preprocess(frames[sampled], SETTINGS)[None])
    assert result.sampled.tolist() == sampled.tolist()
    np.testing.assert_allclose(result.probabilities, logits.softmax(1)[0].numpy(), rtol=1e-6)
    assert result.probabilities.sum() == pytest.approx(1)
    np.testing.assert_array_equal(
        result.probabilities, clip_actionness(model, frames, view="whole").probabilities
    )


def test_the_batch_size_changes_nothing():
    model, frames = tiny_model(), random_frames(21)
    one, many = (clip_actionness(model, frames, batch_size=size) for size in (1, 7))
    for name in model.block_names:
        np.testing.assert_allclose(one.maps[name], many.maps[name], atol=1e-5)


def test_a_clip_shorter_than_the_model_repeats_frames_and_says_so():
    result = clip_actionness(tiny_model(), random_frames(3))
    assert len(result.frames) == 3 and result.maps["S5B2"].shape[0] == 3
    assert result.notes[0] == "The clip has 3 frames, fewer than the model's 4: frames repeat."
    assert result.key_frames.tolist() == [0, 1, 2]


def test_a_long_clip_is_thinned_out_and_says_so():
    result = clip_actionness(tiny_model(), random_frames(30), max_frames=10, fps=30)
    assert result.indices.tolist() == list(range(0, 30, 3))
    assert result.fps == 10
    assert result.sampled.tolist() == uniform_indices(30, 4).tolist()
    assert "30 frames; 10 of them" in result.notes[0]
    with pytest.raises(
        ValueError, match="max_frames=3 is not allowed; allowed: 4, which the model takes, or"
    ):
        clip_actionness(tiny_model(), random_frames(30), max_frames=3)


def test_frames_at_the_last_time_step_are_named_where_there_is_a_motion_cue():
    note = "Frames 7 to 9 are at the model's last time step"
    assert note in clip_actionness(tiny_model(), random_frames(10)).notes[0]
    for options in ({"use_motion": False}, {"motion": "bidirectional"}):  # the last one has a cue there
        assert clip_actionness(tiny_model(**options), random_frames(10)).notes == ()


def test_of_a_thinned_clip_no_frame_may_be_at_the_last_time_step():
    model = tiny_model(num_frames=8)
    model.sampling = Sampling("dense")
    result = clip_actionness(model, random_frames(300), max_frames=20)
    assert len(result.frames) == 20 and not any("last time step" in note for note in result.notes)


def test_a_clip_shorter_than_the_window_is_told_to_be_read_in_a_loop():
    model = tiny_model(use_motion=False)
    model.sampling = Sampling("dense")  # frames 0, 16, 32 and 48 of a window of 64
    assert clip_actionness(model, random_frames(40)).notes == (
        "The clip has 40 frames, fewer than the window of 64 that the model reads: it is read in a loop, so that frame 8 "
        "follows frame 32.",
    )
    assert clip_actionness(model, random_frames(49)).notes == ()


def test_a_model_of_one_frame_and_a_clip_of_one_are_told_as_such():
    (note,) = clip_actionness(tiny_model(num_frames=1), random_frames(2)).notes
    assert note.endswith("its motion cue is zero everywhere.")
    few, last = clip_actionness(tiny_model(), random_frames(1)).notes
    assert few.startswith("The clip has 1 frame, fewer than") and last.startswith(
        "Frame 0 is at the model's last"
    )


def test_frames_that_come_at_an_uneven_rate_are_told():
    assert uneven(np.arange(5) / 12.5, 12.5) == uneven(np.array([0.0]), 25.0) == ()
    (told,) = uneven(np.array([0, 0.02, 0.04, 0.06, 1]), 4.0)
    assert told == (
        "frames come at an uneven rate, or at one that no film has; they are timed and played at 4 a second"
    )


def test_a_model_without_locator_gives_probabilities_and_says_why_there_is_no_map():
    for block in (None, "atr_sim"):
        result = clip_actionness(tiny_model(block), random_frames(8))
        assert result.maps == {} and result.seconds == 0 and result.probabilities.shape == (5,)
        assert "no Action-related Region Locator" in result.notes[0]


def test_frames_are_the_models_view_of_the_original():
    frames = random_frames(4, height=60, width=100)
    result = clip_actionness(tiny_model(), frames)
    top, left, height, width = result.box
    assert result.box == (0, 19, 60, 60)
    np.testing.assert_array_equal(result.frames, frames[:, top : top + height, left : left + width])
    whole = clip_actionness(tiny_model(), frames, view="whole")
    np.testing.assert_array_equal(whole.frames, frames)
    assert whole.maps["S3B1"].shape[2] > whole.maps["S3B1"].shape[1]
    large = clip_actionness(tiny_model(), random_frames(4, height=960, width=1000), view="whole")
    assert large.frames.shape == (4, 480, 500, 3)


def test_progress_reaches_its_end():
    calls = []
    clip_actionness(tiny_model(), random_frames(40), batch_size=4, progress=lambda *done: calls.append(done))
    assert calls == [(4, 10), (8, 10), (10, 10)]


def test_the_model_s_own_preprocessing_is_used_where_none_is_given():
    model = tiny_model()
    own = clip_actionness(model, random_frames(4))
    model.preprocessing = Preprocessing()
    given = clip_actionness(model, random_frames(4), preprocessing=SETTINGS)
    np.testing.assert_array_equal(own.probabilities, given.probabilities)
    assert not np.array_equal(own.probabilities, clip_actionness(model, random_frames(4)).probabilities)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="training mode"):
        clip_actionness(tiny_model().train(), random_frames(4))
    with pytest.raises(ValueError, match=r"clip is uint8 \(4, 0, 48, 3\); allowed: .* of 1 or more each"):
        clip_actionness(tiny_model(), random_frames(4, height=0))


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("batch_size", 0, "1 or more"),
        ("batch_size", -1, "1 or more"),
        ("fps", 0, "more than 0"),
        ("fps", -1, "more than 0"),
    ],
)
def test_settings_that_are_not_allowed_are_named(option, value, allowed):
    with pytest.raises(ValueError, match=f"{option}={value} is not allowed; allowed: {allowed}"):
        clip_actionness(tiny_model(), random_frames(4), **{option: value})


def test_w_of_a_graph_reasoner_is_that_of_the_evaluation_pass(tiny):
    model = tiny(block="atr_sim", reasoner="gr", num_reasoners=2)
    frames = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8)
    sizes = Preprocessing(short_side=32, crop=32)
    result = clip_actionness(model, frames, preprocessing=sizes)
    sampled = preprocess(frames[result.sampled], sizes)[None]
    with torch.inference_mode(), record(model) as recording:
        expected = model(sampled).softmax(1)[0].numpy()
    np.testing.assert_array_equal(result.probabilities, expected)
    assert result.maps == {}
    for block, matrices in recording.relations.items():
        for found, w in zip(result.relations[block], matrices, strict=True):
            np.testing.assert_array_equal(found, w[0].numpy())
            np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    assert clip_actionness(tiny(block="atr"), frames, preprocessing=sizes).relations == {}


def test_probabilities_are_of_the_preprocessing_that_is_given():
    model, frames = tiny_model(), random_frames(8)
    other = atr.Preprocessing(32, 32, mean=(0.0, 0.0, 0.0), std=(0.1, 0.1, 0.1))
    found = clip_actionness(model, frames, preprocessing=other).probabilities
    model.preprocessing = other
    np.testing.assert_allclose(found, clip_actionness(model, frames).probabilities, rtol=1e-6)


def test_a_frame_of_several_samplings_has_the_time_step_of_the_first():
    shown = SimpleNamespace(indices=np.arange(6), samplings=np.array([[0, 2, 4], [1, 2, 3], [2, 4, 5]]))
    assert time_steps(shown).tolist() == [0, 0, 1, 2, 2, 2]


@pytest.mark.parametrize(("num_frames", "length"), [(1, 2), (4, 4)])
def test_where_nothing_is_left_out_and_no_motion_is_looked_at_there_is_nothing_to_note(num_frames, length):
    model = tiny_model(use_motion=False, num_frames=num_frames)
    assert clip_actionness(model, random_frames(length), max_frames=4).notes == ()


def test_frames_that_follow_each_other_in_a_thinned_clip_are_one_range():
    shown = np.arange(0, 30, 3)
    assert ranges(np.array([6, 9]), shown) == "6 to 9"
    assert ranges(np.array([3, 9, 12, 15, 27]), shown) == "3, 9 to 15, 27"
