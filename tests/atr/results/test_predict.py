"""Predict on real files: folders, patterns, broken ones, JSON, overlays."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import atr
from analysis.__main__ import main as analyse
from atr.__main__ import main
from atr.data.reading import read_annotations
from atr.results.predict import (
    AVERAGES,
    class_logits,
    class_probabilities,
    distinct_names,
    evaluating,
    search_videos,
    video_views,
    view_probabilities,
)
from atr.sampling import Sampling
from atr.tabletop import CLASSES
from atr.video.protocol import Protocol
from tests.videos import decode, predict, preprocess


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch.manual_seed(3)
    model = atr.create_model("tsn_resnet18", len(CLASSES), 4, width=0.125, block="atr", placement="S5")
    sizes = atr.Preprocessing(short_side=48, crop=32)
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-atr"
    return atr.save_checkpoint(folder, model, labels=list(CLASSES), preprocessing=sizes)


def test_names_folders_and_patterns_stand_for_videos(clips_folder):
    first = clips_folder / "val-000000.mp4"
    assert search_videos([str(first)])[0] == [first]
    assert len(search_videos([str(clips_folder)])[0]) == 11  # masks and annotations are no videos
    five, _ = search_videos([str(clips_folder / "val-00000[0-4].mp4"), str(first)])
    assert [video.name for video in five] == [f"val-00000{number}.mp4" for number in range(5)]
    spelt, _ = search_videos([f"{clips_folder}/../{clips_folder.name}/{first.name}", str(clips_folder)])
    assert len(spelt) == len(distinct_names(spelt)) == 11
    with pytest.raises(ValueError, match="'nowhere/.*mp4' is no video, no folder with videos and no pattern"):
        search_videos([str(first), "nowhere/*.mp4"])


def test_a_folder_is_searched_as_the_doctor_searches_it(tmp_path):
    folder = tmp_path / "data"
    for name in ("wave/a.MP4", "wave/.b.mp4", "wave/c.txt", "clap/d.webm"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (tmp_path / "far.mp4").write_text("x")
    (folder / "clap" / "far.mp4").symlink_to(tmp_path / "far.mp4")
    videos, unused = search_videos([str(folder)])
    assert videos == [folder / "clap" / "d.webm", folder / "wave" / "a.MP4"]
    assert unused.counts == {"links that lead out of the folder": 1, "hidden": 1, ".txt": 1}
    followed, _ = search_videos([str(folder)], follow_outside=True)
    assert followed == [folder / "clap" / "d.webm", folder / "clap" / "far.mp4", folder / "wave" / "a.MP4"]
    clips = [read_annotations(folder, split, follow_outside=True) for split in ("train", "val")]
    assert sorted(folder / file for found in clips for file in found.files) == followed
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "a.xyz").write_text("x")
    with pytest.raises(ValueError, match=r"no folder with videos.*1 found and not used: 1 .xyz"):
        search_videos([str(tmp_path / "empty")])


def test_probabilities_of_the_centre_and_of_six_views(checkpoint, clips_folder):
    model, video = atr.load_checkpoint(checkpoint), clips_folder / "val-000003.mp4"
    frames = decode(video, [1, 3, 6, 8])  # the centres of four segments of ten frames
    with torch.inference_mode():
        expected = model(preprocess(frames, model.preprocessing)[None]).softmax(1)[0]
    np.testing.assert_allclose(predict(model, video), expected, atol=1e-6)
    six = predict(model, video, Protocol(2, 3))
    assert six.sum() == pytest.approx(1, abs=1e-5)
    assert not np.allclose(six, expected, atol=1e-6)
    logits = predict(model, video, Protocol(2, 3), "logits")
    assert not np.array_equal(logits, six)
    model.sampling = Sampling("dense", 4)
    assert np.diff(video_views(model, video).indices).tolist() == [[1, 1, 1]]


class OnePixel(torch.nn.Module):
    preprocessing = atr.Preprocessing(1, 1, (0, 0, 0), (1, 1, 1))

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))  # tells the device


def test_views_are_averaged_as_probabilities_or_as_logits(checkpoint):
    """By hand: two views whose logits are 0, log 3 and log 9, 0 of two classes."""
    logits = torch.tensor([[[0.0, np.log(3)], [np.log(9), 0.0]]])  # (N, V, classes)
    views = torch.tensor([0, 1], dtype=torch.uint8).reshape(1, 2, 1, 1, 1, 1).expand(1, 2, 1, 1, 1, 3)

    class Told(OnePixel):
        def forward(self, clips):
            return logits[0, (clips.flatten(1)[:, 0] * 255).round().long()]

    averaged = view_probabilities(Told().eval(), views)
    torch.testing.assert_close(averaged, torch.tensor([[(0.25 + 0.9) / 2, (0.75 + 0.1) / 2]]))
    # the mean logits are log 3 and log 3 / 2: odds of the square root of 3
    expected = np.sqrt(3) / (1 + np.sqrt(3))
    torch.testing.assert_close(
        view_probabilities(Told().eval(), views, "logits"), torch.tensor([[expected, 1 - expected]]).float()
    )
    for average in AVERAGES:
        torch.testing.assert_close(
            view_probabilities(Told().eval(), views[:, :1], average), torch.tensor([[0.25, 0.75]])
        )
    with pytest.raises(ValueError, match="average='votes' is unknown; allowed: probabilities, logits"):
        view_probabilities(Told(), views, "votes")


def test_frames_are_prepared_as_asked_for_and_logits_are_float32():
    class Brightness(OnePixel):
        def forward(self, clips):
            return clips.mean(dim=(1, 2, 3, 4)).bfloat16()[:, None]

    white = np.full((1, 1, 1, 1, 3), 255, np.uint8)
    brighter = atr.Preprocessing(1, 1, (0, 0, 0), (0.5, 0.5, 0.5))
    found = [class_logits(Brightness().eval(), white, preprocessing) for preprocessing in (None, brighter)]
    assert [float(logits) for logits in found] == [1, 2] and found[0].dtype == torch.float32


@pytest.mark.parametrize("answer", [class_logits, class_probabilities, view_probabilities])
def test_a_model_in_training_mode_gives_no_answer(answer):
    with pytest.raises(ValueError, match="the model is in training mode"):
        answer(OnePixel(), torch.zeros(1, 1, 1, 1, 1, 3, dtype=torch.uint8))


def test_after_an_evaluation_each_module_is_in_the_mode_that_it_was_in(tiny):
    model = tiny().train()
    model.backbone.bn1.eval()  # as a frozen one is
    with pytest.raises(KeyboardInterrupt), evaluating(model):
        assert not any(module.training for module in model.modules())
        raise KeyboardInterrupt
    assert [name for name, module in model.named_modules() if not module.training] == ["backbone.bn1"]


@pytest.mark.parametrize("average", AVERAGES)
def test_scores_that_are_no_numbers_are_refused(checkpoint, average):
    model = atr.load_checkpoint(checkpoint)
    with torch.no_grad():
        model.fc.weight.fill_(3e38)
    views = torch.zeros(1, 2, 4, 32, 32, 3, dtype=torch.uint8)
    with pytest.raises(ValueError, match="the network's class scores are no numbers: its values overflow"):
        view_probabilities(model, views, average)


def test_a_folder_with_a_broken_video(checkpoint, clips_folder, tmp_path, capsys):
    folder = shutil.copytree(clips_folder, tmp_path / "clips")
    (folder / "val-000004.mp4").write_bytes(b"not a video")
    answers = tmp_path / "answers.json"
    arguments = ["predict", folder, "--checkpoint", checkpoint, "--json", answers]
    assert main([str(a) for a in arguments]) == 3
    printed = capsys.readouterr()
    assert "val-000004.mp4" in printed.err
    assert printed.out.count("%") == 50  # ten videos, five classes each
    written = json.loads(answers.read_text())
    assert [entry["clip"] for entry in written["unreadable"]] == [str(folder / "val-000004.mp4")]
    assert len(written["clips"]) == 10
    first = written["clips"][0]
    assert first["top5"][0]["probability"] == max(first["probabilities"])
    assert first["top5"][0]["label"] == CLASSES[int(np.argmax(first["probabilities"]))]
    assert main([str(a) for a in arguments]) == 3  # its own file is replaced
    video = folder / "val-000001.mp4"
    content = video.read_bytes()
    assert main([str(a) for a in (*arguments[:-1], video)]) == 2
    assert f"{video} is another file and is left as it is" in capsys.readouterr().err
    assert video.read_bytes() == content


def test_answers_of_a_run_that_is_stopped_are_kept(checkpoint, clips_folder, tmp_path, capsys):
    videos = [clips_folder / f"val-00000{k}.mp4" for k in (1, 2, 3)]
    foreign = tmp_path / "seen" / "val-000002"
    foreign.mkdir(parents=True)
    (foreign / "summary.json").write_text('{"clip": "another.mp4", "checkpoint": "another"}')
    options = [
        "--checkpoint",
        checkpoint,
        "--overlay",
        tmp_path / "seen",
        "--json",
        tmp_path / "answers.json",
    ]
    assert main([str(a) for a in ("predict", *videos, *options)]) == 2
    assert "another" in capsys.readouterr().err
    written = json.loads((tmp_path / "answers.json").read_text())
    assert [entry["clip"] for entry in written["clips"]] == [str(videos[0])]
    assert written["not_reached"] == [str(video) for video in videos[1:]]


def test_the_overlay_is_a_video_of_all_frames(checkpoint, clips_folder, tmp_path):
    arguments = [
        "predict",
        clips_folder / "val-000001.mp4",
        "--checkpoint",
        checkpoint,
        "--overlay",
        tmp_path,
    ]
    assert main([str(a) for a in arguments]) == 0
    assert len(decode(tmp_path / "val-000001" / "overlay-S5B1.mp4")) == 10


def test_overlays_need_one_model_and_no_other_process(checkpoint, clips_folder, tmp_path, monkeypatch):
    """The files are those of the command that makes them of one clip."""
    first, second = clips_folder / "val-000001.mp4", clips_folder / "val-000002.mp4"
    alone = tmp_path / "alone"
    arguments = ["actionness", first, "--checkpoint", checkpoint, "--out", alone]
    assert analyse([str(a) for a in arguments]) == 0
    loaded = []
    monkeypatch.setattr("atr.commands.predict.load_checkpoint", lambda folder: loaded.append(folder) or model)
    monkeypatch.setattr("subprocess.Popen", None)
    model = atr.load_checkpoint(checkpoint)
    arguments = ["predict", first, second, "--checkpoint", checkpoint, "--overlay", tmp_path / "seen"]
    assert main([str(a) for a in arguments]) == 0
    assert loaded == [checkpoint]
    folders = [tmp_path / "seen" / video.stem for video in (first, second)]
    for folder in folders:
        assert {path.name for path in folder.iterdir()} == {path.name for path in alone.iterdir()}
    for name in ("actionness.csv", "sheet.png"):
        assert (folders[0] / name).read_bytes() == (alone / name).read_bytes()
    summary = json.loads((folders[0] / "summary.json").read_text())
    assert summary.pop("command").startswith("python -m atr predict ")
    assert summary.items() <= json.loads((alone / "summary.json").read_text()).items()


def test_the_style_of_an_overlay_is_that_of_the_command_for_one_clip(checkpoint, clips_folder, tmp_path):
    video, style = clips_folder / "val-000001.mp4", ("--overlay-style", "flat")
    one = ["actionness", video, "--checkpoint", checkpoint, "--out", tmp_path / "one", *style]
    assert analyse([str(a) for a in one]) == 0
    for name, options in (("flat", style), ("value", ())):
        many = ["predict", video, "--checkpoint", checkpoint, "--overlay", tmp_path / name, *options]
        assert main([str(a) for a in many]) == 0
    flat, value = ((tmp_path / name / video.stem / "sheet.png").read_bytes() for name in ("flat", "value"))
    assert flat == (tmp_path / "one" / "sheet.png").read_bytes() != value


def test_bad_input_is_one_line(checkpoint, clips_folder, tmp_path, capsys):
    bare = atr.create_model("tsn_resnet18", len(CLASSES), 4, width=0.125)
    atr.save_checkpoint(tmp_path / "bare", bare, labels=list(CLASSES))

    def error(*arguments):
        assert main(["predict", *map(str, arguments)]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    video = clips_folder / "val-000001.mp4"
    assert "no Action-related Region Locator" in error(
        video, "--checkpoint", tmp_path / "bare", "--overlay", tmp_path
    )
    assert f"{video} is not a folder" in error(video, "--checkpoint", checkpoint, "--overlay", video)
    assert "'nothing.mp4' is no video" in error("nothing.mp4", "--checkpoint", checkpoint)
    assert "device 'gpu9'" in error(video, "--checkpoint", checkpoint, "--device", "gpu9")


@pytest.mark.parametrize("command", ["predict", "actionness"])
def test_what_a_label_would_do_to_a_terminal_is_escaped(command, clips_folder, tmp_path, capsys):
    model = atr.create_model("tsn_resnet18", 2, 4, width=0.125)
    atr.save_checkpoint(tmp_path / "net", model, labels=["\x1b[31mred", "line\nbreak"])
    run, out = (main, []) if command == "predict" else (analyse, ["--out", str(tmp_path / "out")])
    video = str(clips_folder / "val-000001.mp4")
    assert run([command, video, "--checkpoint", str(tmp_path / "net"), *out]) == 0
    told = capsys.readouterr().out
    assert r"%  \x1b[31mred" in told and r"%  line\nbreak" in told and "\x1b" not in told


def test_results_of_videos_of_one_name_lie_apart():
    def names(*videos):
        return distinct_names([Path(video) for video in videos])

    assert names("a/1.mp4", "a/2.mp4") == ["1", "2"]
    assert names("a/1.mp4", "b/1.mp4") == ["a-1", "b-1"]
    assert names("a/1.mp4", "a/1.webm") == ["1.mp4", "1.webm"]
    assert names(".") == [Path.cwd().name]
    assert names("-a.mp4", "a.mp4") == ["-a", "a"] and names("-.mp4") == ["-"]


def test_a_picture_beside_videos_does_not_make_their_folder_a_video(tmp_path):
    for name in ("a.mp4", "b.mp4", "poster1.jpg"):
        (tmp_path / name).write_text("x")
    videos, unused = search_videos([str(tmp_path)])
    assert [video.name for video in videos] == ["a.mp4", "b.mp4"] and unused.counts == {".jpg": 1}


def test_a_folder_of_frames_is_a_video(checkpoint, clips_folder, tmp_path):
    frames = decode(clips_folder / "val-000003.mp4")
    (tmp_path / "frames").mkdir()
    for number, frame in enumerate(frames, start=1):
        cv2.imwrite(str(tmp_path / "frames" / f"{number:05d}.jpg"), frame[..., ::-1])
    assert search_videos([str(tmp_path / "frames")])[0] == [tmp_path / "frames"]
    model = atr.load_checkpoint(checkpoint)
    taken_apart = predict(model, tmp_path / "frames")
    np.testing.assert_allclose(taken_apart, predict(model, clips_folder / "val-000003.mp4"), atol=0.05)
