"""A question of several passes: what any of them could not read is told, and a result says what it is of."""

import json
import os
import sys
from dataclasses import replace

import pytest
import torch

import atr
from atr.files import write_json
from atr.results.passes import SKIPPED, per_clip
from atr.results.questions import (
    Options,
    Question,
    answer,
    any_clips,
    clips_of_its_classes,
    found_by,
    number_classes_alike,
)
from atr.results.store import RESULT, Result, read_result
from atr.tabletop import CLASSES
from atr.video.decoding import VideoError
from atr.video.notices import Notice, hand_over
from atr.video.protocol import Protocol


class Flaky:
    """Four clips of one frame; `missing` cannot be read."""

    description, digest = "four toys", "toys"
    ids, labels = tuple("wxyz"), list("abcde")

    def __init__(self):
        self.missing, self.notes = (), ("a note",)

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index in self.missing:
            raise VideoError(f"clip {index} is gone")
        hand_over((Notice(f"clip {index} is turned", "change"),))
        return torch.zeros(1, 2, 2, 3, dtype=torch.uint8), 0, index


def pass_without(*missing):
    def ask(clips, **options):
        clips.missing = missing
        return per_clip(
            clips, lambda frames, labels, indices: {"sum": frames.numpy().sum((1, 2, 3, 4))}, **options
        )

    return ask


def toy_question(**passes):
    return Question(
        "toy",
        folder=lambda out, checkpoint, digest: out / "toy-net",
        passes=passes,
        write=lambda folder, facts, clips, *found: write_json(folder / RESULT, facts),
        show=lambda result, folder: None,
        open=lambda model, options: Flaky(),
    )


@pytest.fixture
def options(tiny, tmp_path):
    net = atr.save_checkpoint(tmp_path / "net", tiny(), labels=list("abcde"))
    return {"checkpoint": net, "out": tmp_path / "results"}


def test_clips_that_any_pass_could_not_read_are_told(tmp_path):
    passes = {"first": pass_without(1, 2), "second": pass_without(2, 3), "third": pass_without()}
    question = Question("toy", folder=None, passes=passes, write=None, show=None)
    options = Options(checkpoint=tmp_path / "net")
    found, broken, notices = found_by(question, Flaky(), tmp_path / "toy", options)
    assert [rows["index"].tolist() for rows in found] == [[0, 3], [0, 1], [0, 1, 2, 3]]
    assert broken == {index: f"clip {index} is gone" for index in (1, 2, 3)}
    assert notices == {index: (f"clip {index} is turned",) for index in range(4)}


def test_a_result_names_its_clips_in_their_order_and_strict_the_first_that_it_lacks(options, capsys):
    def question(model):
        return toy_question(first=pass_without(1, 3), second=pass_without(0))

    assert answer(Options(**options), question, "toy") == SKIPPED
    result = read_result(options["out"] / "toy-net")
    assert [(each["id"], each["message"]) for each in result["skipped"]] == [
        ("w", "clip 0 is gone"),
        ("x", "clip 1 is gone"),
        ("z", "clip 3 is gone"),
    ]
    assert result["kind"] == "toy" and result["data"]["notes"] == ["a note"]
    assert list(result["notices"]) == ["w", "x", "y", "z"]
    told = capsys.readouterr().err
    assert "skipped x: clip 1 is gone" in told and "a note\n" in told
    assert "does not state its sampling" in told and "does not state its sampling" in result["notes"][0]
    with pytest.raises(ValueError, match="without the 3 clips .* the first is w: clip 0 is gone"):
        answer(Options(**options, strict=True), question, "toy")


def test_where_no_clip_can_be_read_the_first_is_named_and_there_is_no_result(options):
    with pytest.raises(
        ValueError, match="none of the 4 clips of four toys could be read; the first, w: clip 0"
    ):
        answer(Options(**options), lambda model: toy_question(only=pass_without(0, 1, 2, 3)), "toy")
    assert not (options["out"] / "toy-net").exists()


def test_a_folder_in_the_place_of_a_result_is_named_and_left_alone(options):
    file = options["out"] / "toy-net" / "mine.txt"
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(ValueError, match="toy-net is there, but has no result.json: it is no result; remove"):
        answer(Options(**options), lambda model: toy_question(only=pass_without()), "toy")
    assert file.read_text() == "mine"


def test_the_same_weights_with_classes_in_another_order_are_a_result_of_their_own(options):
    config = options["checkpoint"] / "config.json"
    for labels in ("abcde", "bacde", "edcba"):
        config.write_text(json.dumps(json.loads(config.read_text()) | {"labels": list(labels)}))
        assert answer(Options(**options), lambda model: toy_question(only=pass_without()), "toy") == 0
    assert len(list(options["out"].glob("toy-*"))) == 3


class Counted(Result):
    count: int


def test_a_stored_result_without_what_its_question_needs_is_refused(options):
    question = toy_question(only=pass_without())
    assert answer(Options(**options), lambda model: question, "toy") == 0
    with pytest.raises(ValueError, match="count"):
        answer(Options(**options), lambda model: replace(question, result=Counted), "toy")


def test_classes_in_another_order_are_a_further_note_and_others_name_both_sides(tiny):
    model, clips, options = tiny(), Flaky(), Options("net", data="there:val")
    model.labels = list("edcba")
    number_classes_alike(model, clips, options)
    assert model.labels == clips.labels and clips.notes[0] == "a note"
    assert clips.notes[1:] == (
        "net lists its 5 classes in another order than there:val: mapped by their texts",
    )
    model.labels = list("abcdf")
    with pytest.raises(ValueError, match="^net does not fit there:val: "):
        number_classes_alike(model, clips, options)
    clips.labels = list("abcd")
    with pytest.raises(ValueError, match="^net knows 5 classes, there:val has 4$"):
        number_classes_alike(model, clips, options)


def test_clips_are_opened_as_the_options_and_the_protocol_say(tiny, clips_folder, tmp_path):
    model, views = tiny(), Protocol(2, 3)
    model.preprocessing = atr.Preprocessing(short_side=40, crop=32)
    assert len(any_clips(model, Options(tmp_path, data=str(clips_folder), num_clips=3))) == 3
    model.labels = list(CLASSES)
    options = Options(tmp_path, num_clips=2, cache=tmp_path / "rendered")
    for opened in (any_clips, clips_of_its_classes):
        clips = opened(model, options, views)
        assert len(clips) == 2 and clips.views(1, views).shape == (6, 4, 40, 40, 3)
    assert list((tmp_path / "rendered").iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_no_result_could_hold_is_refused_before_anything_is_computed(tiny, tmp_path):
    for name in (b"a.mp4", b"b.mp4", b"\xff.mp4"):
        (tmp_path / "val" / "wave").mkdir(parents=True, exist_ok=True)
        (tmp_path / "val" / "wave" / os.fsdecode(name)).write_text("video")
    with pytest.raises(ValueError, match="is not UTF-8; rename it"):
        any_clips(tiny(), Options(tmp_path, data=f"{tmp_path}:val"))
