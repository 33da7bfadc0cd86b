"""What lacks frames is used only with a notice: kept with the result, printed again, exit code 3."""

import json
import pickle

import cv2
import numpy as np
import pytest
import torch

import atr
from atr.__main__ import main
from atr.data.videos import VideoClips
from atr.results.notices import PRINTED, joined_notices, notice_facts, tell_notices
from atr.results.passes import per_clip
from atr.results.predictions import read_predictions
from atr.results.store import RESULT, results
from atr.video.decoding import VideoError, open_video, probe
from atr.video.notices import Notice, collected, hand_over
from tests.app.world import LABELS
from tests.damaged_clips import SPOILT, write_damaged
from tests.videos import decode

CUT = "frames 36 to 39 of 40 are missing: the file was cut short"
DEEP = "10 bits a colour are rounded to 8"
NEAREST = f"for frames {SPOILT} the nearest that can be decoded are shown"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    return write_damaged(tmp_path_factory.mktemp("damaged") / "clips")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(3)
    model = atr.create_model("tsn_resnet18", len(LABELS), 4, width=0.125, block="atr", placement="S5")
    sizes = atr.Preprocessing(short_side=48, crop=32)
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-atr"
    return atr.save_checkpoint(folder, model, labels=LABELS, preprocessing=sizes)


def atr_command(*arguments) -> int:
    return main([str(argument) for argument in arguments])


def only_result(out):
    (folder,) = results(out, "predictions")
    return folder


# ---- gathering --------------------------------------------------------------------------------------------------------


def test_a_notice_is_its_text_and_keeps_its_kind():
    notice = Notice("frames 3 to 5 are missing", "damage")
    assert notice == str(notice) == "frames 3 to 5 are missing"
    assert pickle.loads(pickle.dumps(notice)).kind == "damage"  # on its way out of a process that decodes


def test_notices_of_all_videos_read_meanwhile_are_collected_once(damaged):
    with collected() as outer:
        probe(damaged / "cut.mp4")
        with collected() as inner:
            decode(damaged / "deep.mp4", [0])
            decode(damaged / "deep.mp4", [1])
        with pytest.raises(VideoError):
            decode(damaged / "deep.mp4", [40])
    decode(damaged / "spot.mov", [SPOILT], allow_damaged=True)  # after them
    assert [(str(notice), notice.kind) for notice in outer] == [(CUT, "damage"), (DEEP, "change")]
    assert [(str(notice), notice.kind) for notice in inner] == [(DEEP, "change")]


def test_what_lies_beside_the_frames_of_a_folder_is_told(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number:05d}.png").write_bytes(png())
    assert probe(tmp_path).notices == ()
    for name in ("a.txt", "b.txt", "Thumbs.db", ".hidden"):
        (tmp_path / name).write_text("x")
    with open_video(tmp_path) as video:
        (notice,) = video.notices
    assert notice.kind == "change"
    assert notice == "4 found beside the frames and not used: '.hidden', 'Thumbs.db', 'a.txt', ..."


def png() -> bytes:
    return cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


class Told:
    """Clip i says "clip i"; even ones lack frames. Some cannot be read."""

    def __init__(self, count, missing=()):
        self.count, self.missing = count, missing

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        hand_over((Notice(f"clip {index}", "change" if index % 2 else "damage"),))
        if index in self.missing:
            raise VideoError(f"{index} is gone")
        return torch.full((1, 2, 2, 3), index, dtype=torch.uint8), 0, index


def mean_of(frames, labels, indices):
    return {"mean": frames.float().mean(dim=(1, 2, 3, 4)).numpy()}


@pytest.mark.parametrize("num_workers", [0, 1])
def test_notices_of_a_pass_outlive_an_interruption(tmp_path, num_workers):
    options = {"partial": tmp_path, "batch_size": 2, "num_workers": num_workers}
    first, whole = {}, {}
    per_clip(Told(3, missing={1}), mean_of, notices=first, **options)
    assert first == {0: ("clip 0",), 2: ("clip 2",)}  # a clip that is not used is told of by its error
    rows, broken = per_clip(Told(5), mean_of, notices=whole, **options)
    assert broken == {} and rows["mean"].tolist() == [0, 1, 2, 3, 4]
    assert whole == {index: (f"clip {index}",) for index in range(5)}
    assert [whole[index][0].kind for index in range(5)] == ["damage", "change"] * 2 + ["damage"]


class ToldTwice(Told):
    def __getitem__(self, index):
        hand_over((Notice("turned", "change"),))
        return super().__getitem__(index)


def test_all_notices_of_a_clip_are_kept(tmp_path):
    found = {}
    per_clip(ToldTwice(2), mean_of, partial=tmp_path, notices=found)
    assert found == {0: ("turned", "clip 0"), 1: ("turned", "clip 1")}
    assert notice_facts({"a": found[0], "b": found[1]})["damaged"] == ["a"]


# ---- telling ----------------------------------------------------------------------------------------------------------


def test_the_first_few_are_printed_and_the_others_counted(capsys):
    notices = {f"clip {k}": (Notice(f"frame {k} is missing", "damage"),) for k in range(PRINTED + 2)}
    notices |= {"deep": (Notice(DEEP, "change"),), "whole": ()}
    facts = notice_facts(notices)
    assert facts["notices"].keys() == notices.keys() - {"whole"}
    assert facts["damaged"] == [f"clip {k}" for k in range(PRINTED + 2)]
    assert tell_notices(facts)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"{PRINTED + 2} clips lack frames")
    assert lines[1 : PRINTED + 1] == [f"  clip {k}: frame {k} is missing" for k in range(PRINTED)]
    assert lines[PRINTED + 1].startswith("  and 2 more")
    assert lines[PRINTED + 2].startswith("1 clip has all its frames") and lines[PRINTED + 3].endswith(DEEP)
    tell_notices(notice_facts({f"clip {k}": (Notice("x", "damage"),) for k in range(PRINTED)}))
    assert len(capsys.readouterr().err.splitlines()) == 1 + PRINTED


def test_results_that_tell_nothing_and_results_together(capsys):
    assert not tell_notices({}) and not tell_notices(notice_facts({}))
    assert capsys.readouterr().err == ""
    assert not tell_notices(notice_facts({"a": (Notice(DEEP, "change"),)}))
    a = notice_facts({"x": (Notice("1 is missing", "damage"),)})
    b = notice_facts({"x": (Notice("1 is missing", "damage"), Notice(DEEP, "change"))})
    assert (
        joined_notices([b, a])
        == joined_notices([a, {}, b])
        == {"notices": {"x": ["1 is missing", DEEP]}, "damaged": ["x"]}
    )


# ---- evaluate ---------------------------------------------------------------------------------------------------------


def test_a_film_cut_a_little_is_used_with_a_notice_and_the_others_are_skipped(
    checkpoint, damaged, tmp_path, monkeypatch, capsys
):
    arguments = ("evaluate", "--checkpoint", checkpoint, "--data", damaged, "--out", tmp_path)
    assert atr_command(*arguments, "--workers", 1) == 3
    told = capsys.readouterr().err
    facts = read_predictions(only_result(tmp_path)).facts
    assert [each["id"] for each in facts["skipped"]] == ["half", "spot"]
    assert all("--allow-damaged" in each["message"] for each in facts["skipped"])
    assert facts["notices"] == {"cut": [CUT], "deep": [DEEP]}
    assert facts["damaged"] == ["cut"]
    assert f"  cut: {CUT}" in told and f"  deep: {DEEP}" in told
    monkeypatch.setattr("atr.results.questions.found_by", None)  # a stored result repeats them
    assert atr_command(*arguments) == 3
    served = capsys.readouterr().err
    assert f"  cut: {CUT}" in served and f"  deep: {DEEP}" in served


def test_damaged_films_are_used_when_asked_for(checkpoint, damaged, tmp_path, capsys):
    arguments = ("evaluate", "--checkpoint", checkpoint, "--data", damaged, "--out", tmp_path)
    assert atr_command(*arguments, "--allow-damaged") == 3
    facts = read_predictions(only_result(tmp_path)).facts
    assert facts["skipped"] == [] and facts["damaged"] == ["cut", "half", "spot"]
    assert facts["notices"]["half"] == ["frames 12 to 39 of 40 are missing: the file was cut short"]
    assert NEAREST in facts["notices"]["spot"]
    assert capsys.readouterr().err.count("\n  spot: ") == 1
    assert atr_command(*arguments) == 3  # another question, whose answer is another result
    assert len(results(tmp_path, "predictions")) == 2


def test_what_was_only_changed_is_told_and_is_no_failure(checkpoint, tmp_path, capsys):
    folder = write_damaged(tmp_path / "clips", ("whole", "deep"))
    arguments = ("evaluate", "--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results")
    assert atr_command(*arguments) == 0
    assert f"  deep: {DEEP}" in capsys.readouterr().err
    assert read_predictions(only_result(tmp_path / "results")).facts["damaged"] == []


def test_a_result_from_before_there_were_notices_is_read(checkpoint, tmp_path, capsys):
    folder = write_damaged(tmp_path / "clips", ("whole", "cut"))
    arguments = ("evaluate", "--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results")
    assert atr_command(*arguments) == 3
    file = only_result(tmp_path / "results") / RESULT
    facts = json.loads(file.read_text())
    del facts["notices"], facts["damaged"]
    file.write_text(json.dumps(facts))
    capsys.readouterr()
    assert atr_command(*arguments) == 0
    assert "lack frames" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value"), [("notices", ["cut"]), ("notices", {"cut": CUT}), ("damaged", "cut"), ("damaged", [1])]
)
def test_notices_of_another_type_are_refused(checkpoint, tmp_path, key, value):
    folder = write_damaged(tmp_path / "clips", ("whole",))
    arguments = ("evaluate", "--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results")
    assert atr_command(*arguments) == 0
    file = only_result(tmp_path / "results") / RESULT
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(ValueError, match=f"is no whole result: .*{key}"):
        read_predictions(file.parent)


def test_a_clip_called_damaged_without_a_notice_is_told(capsys):
    assert tell_notices({"damaged": ["cut"]})
    assert "  cut" in capsys.readouterr().err


def test_the_digest_without_the_option_is_the_one_there_always_was(damaged):
    options = {"num_frames": 4, "preprocessing": atr.Preprocessing(48, 32)}
    plain, allowing = (VideoClips(damaged, allow_damaged=allow, **options) for allow in (False, True))
    assert plain.digest == VideoClips(damaged, **options).digest != allowing.digest
    assert plain.list_digest == allowing.list_digest


# ---- predict ----------------------------------------------------------------------------------------------------------


def test_predict_says_what_each_answer_lacks(checkpoint, damaged, tmp_path, capsys):
    arguments = ("predict", damaged, "--checkpoint", checkpoint, "--json", tmp_path / "answers.json")
    assert atr_command(*arguments) == 3
    answers = json.loads((tmp_path / "answers.json").read_text())
    names = {name: str(damaged / f"{name}.mp4") for name in ("whole", "cut", "deep", "half")}
    assert answers["notices"] == {names["cut"]: [CUT], names["deep"]: [DEEP]}
    assert answers["damaged"] == [names["cut"]]
    assert f"  {names['cut']}: {CUT}" in capsys.readouterr().err
    overlay = ("--overlay", tmp_path / "overlays")
    assert atr_command(*arguments, "--allow-damaged", *overlay) == 3
    answers = json.loads((tmp_path / "answers.json").read_text())
    assert answers["unreadable"] == [] and len(answers["damaged"]) == 3
    summary = json.loads((tmp_path / "overlays" / "half" / "summary.json").read_text())
    assert summary["damaged"] == [names["half"]]
    assert atr_command("predict", damaged / "whole.mp4", "--checkpoint", checkpoint) == 0
    assert atr_command("predict", damaged / "deep.mp4", "--checkpoint", checkpoint) == 0
    assert DEEP in capsys.readouterr().err
