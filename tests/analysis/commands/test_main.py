import errno
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

import atr
from analysis.__main__ import main
from analysis.actionness import clip_actionness
from analysis.map_values import temporal_emphasis
from atr.preprocessing import Preprocessing
from atr.video.encoding import write_mp4


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    frames = np.random.default_rng(0).integers(0, 256, (10, 48, 64, 3), dtype=np.uint8)
    return write_mp4(tmp_path_factory.mktemp("clips") / "clip.mp4", frames, 10)


def saved_checkpoint(folder, block):
    torch.manual_seed(0)
    model = atr.create_model("tsn_resnet18", 3, 4, block=block, placement="S4-5", width=0.125, stem="small")
    settings = Preprocessing(short_side=32, crop=32)
    return atr.save_checkpoint(folder, model, labels=["push", "pull", "turn"], preprocessing=settings)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return saved_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny", "atr")


def run(clip, checkpoint, out, *more):
    return main(["actionness", str(clip), "--checkpoint", str(checkpoint), "--out", str(out), *more])


def test_the_command_writes_what_the_functions_compute(clip, checkpoint, tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert run(clip, checkpoint, out, "--block", "S4B1", "S5B2", "--normalisation", "sigmoid") == 0
    expected = clip_actionness(atr.optimised(atr.load_checkpoint(checkpoint), precision="float32"), clip)

    numbers = np.load(out / "actionness.npz")
    for name, maps in expected.maps.items():
        np.testing.assert_array_equal(numbers[name], maps)
    np.testing.assert_array_equal(numbers["indices"], np.arange(10))

    table = pd.read_csv(out / "actionness.csv")
    assert len(table) == 10 * len(expected.maps)
    peaks = table[table.block == "S5B1"].peak
    np.testing.assert_allclose(peaks, temporal_emphasis(expected.maps["S5B1"])["peak"], rtol=1e-6)

    summary = json.loads((out / "summary.json").read_text())
    assert summary["probabilities"] == pytest.approx(expected.probabilities.tolist())
    assert summary["notes"] == list(expected.notes) and summary["fps"] == expected.fps == 10
    ranked = sorted(zip(expected.probabilities.tolist(), summary["labels"], strict=True), reverse=True)
    best = [(entry["probability"], entry["label"]) for entry in summary["top5"]]
    assert [label for _, label in best] == [label for _, label in ranked[:5]]
    assert [p for p, _ in best] == pytest.approx([p for p, _ in ranked[:5]])
    assert summary["command"].startswith("python -m analysis actionness ")

    files = {path.name for path in out.iterdir()}
    for block in ("S4B1", "S5B2"):
        assert {f"overlay-{block}.{kind}" for kind in ("mp4", "gif")} <= files
        assert {f"strip-{block}.{kind}" for kind in ("png", "svg")} <= files
    assert {"sheet.png", "emphasis.html"} <= files and "overlay-S5B1.mp4" not in files
    assert not any("all-blocks" in name for name in files)
    printed = capsys.readouterr().out
    assert summary["top5"][0]["label"] in printed and str(out) in printed


def test_overlays_can_lie_at_the_centres_of_fields(clip, checkpoint, tmp_path):
    """The view "whole" is wider than the network's crop: centres are those of the frame that was shown."""
    for alignment in ("edges", "centres"):
        more = ["--block", "S4B1", "--view", "whole", "--alignment", alignment]
        assert run(clip, checkpoint, tmp_path / alignment, *more) == 0
        assert json.loads((tmp_path / alignment / "summary.json").read_text())["alignment"] == alignment
    edges, centres = ((tmp_path / a / "strip-S4B1.png").read_bytes() for a in ("edges", "centres"))
    assert edges != centres


def test_a_signed_overlay_has_limits_symmetric_about_the_median(clip, checkpoint, tmp_path):
    summaries, sheets = {}, {}
    for style in ("value", "flat", "signed"):
        out = tmp_path / style
        assert run(clip, checkpoint, out, "--block", "S5B2", "--overlay-style", style) == 0
        summaries[style] = json.loads((out / "summary.json").read_text())
        sheets[style] = (out / "sheet.png").read_bytes()
    assert run(clip, checkpoint, tmp_path / "default", "--block", "S5B2") == 0
    assert (tmp_path / "default" / "sheet.png").read_bytes() == sheets["value"]
    assert len(set(sheets.values())) == 3
    maps = clip_actionness(atr.load_checkpoint(checkpoint), clip).maps["S5B2"]
    for style, summary in summaries.items():
        assert summary["overlay_style"] == style
        assert summary["medians"]["S5B2"] == pytest.approx(np.median(maps))
        low, high = summary["colour_limits"]["S5B2"]
        if style == "signed":
            assert summary["medians"]["S5B2"] == pytest.approx((low + high) / 2)
        else:
            np.testing.assert_allclose([low, high], np.percentile(maps, [0.5, 99.5]), rtol=1e-6)
    assert any("differs from block to block" in note for note in summaries["signed"]["notes"])


@pytest.mark.parametrize(
    "more", [["--overlay-style", "signed"], ["--alignment", "centres"]], ids=["signed", "centres"]
)
def test_all_blocks_are_drawn_together_too(more, clip, checkpoint, tmp_path):
    assert run(clip, checkpoint, tmp_path / "out", *more) == 0
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"overlay-all-blocks.mp4", "overlay-all-blocks.gif", "strip-all-blocks.png"} <= files
    assert {f"overlay-S{stage}B{block}.mp4" for stage in (4, 5) for block in (1, 2)} <= files
    limits = json.loads((tmp_path / "out" / "summary.json").read_text())["colour_limits"]
    assert list(limits)[-1] == "all blocks" and limits["all blocks"][0] >= 0


def test_a_model_without_maps_writes_its_probabilities_and_says_why(clip, tmp_path, capsys):
    checkpoint = saved_checkpoint(tmp_path / "sim", "atr_sim")
    assert run(clip, checkpoint, tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["summary.json"]
    assert "no Action-related Region Locator" in capsys.readouterr().out


def failure(capsys, *arguments):
    assert run(*arguments) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("error: ") and "\n" not in message
    return message


def test_errors_are_one_line(clip, checkpoint, tmp_path, capsys):
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    assert "broken.mp4" in failure(capsys, tmp_path / "broken.mp4", checkpoint, tmp_path / "out")
    assert "not a checkpoint" in failure(capsys, clip, tmp_path, tmp_path / "out")
    assert "is not a folder" in failure(capsys, clip, checkpoint, tmp_path / "broken.mp4")
    message = failure(capsys, clip, checkpoint, tmp_path / "out", "--block", "S4B1", "S9B9")
    assert "block S9B9" in message and "allowed: S4B1, S4B2, S5B1, S5B2" in message
    assert "opacity" in failure(capsys, clip, checkpoint, tmp_path / "out", "--opacity", "2")
    signed = ("--overlay-style", "signed", "--normalisation", "softmax")
    message = failure(capsys, clip, checkpoint, tmp_path / "out", *signed)
    assert "overlay_style='signed' is of raw M, not of softmax; allowed: value, flat" in message
    assert "device 'nowhere'" in failure(capsys, clip, checkpoint, tmp_path / "out", "--device", "nowhere")


def test_a_folder_is_of_one_clip_and_one_checkpoint(clip, checkpoint, tmp_path, capsys):
    out, copies = tmp_path / "out", tmp_path / "copies"
    assert run(clip, checkpoint, out, "--block", "S5B2") == 0
    assert run(os.path.relpath(clip), checkpoint, out, "--block", "S4B1") == 0
    capsys.readouterr()
    shutil.copytree(checkpoint, copies / "tiny")
    shutil.copy(clip, copies)
    files = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    held = f"{out} holds what was made of the"
    assert f"{held} clip {os.path.relpath(clip)}; choose another" in failure(
        capsys, copies / clip.name, checkpoint, out
    )
    assert f"{held} checkpoint {checkpoint}; choose another" in failure(capsys, clip, copies / "tiny", out)
    message = failure(capsys, copies / "nope.mp4", checkpoint, out)
    assert "nope.mp4" in message and "holds" not in message
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == files
    (out / "summary.json").write_text("[]")
    assert "summary.json is not of this command" in failure(capsys, clip, checkpoint, out)


@pytest.mark.parametrize("name", ["sheet.png", "overlay-S4B1.mp4", "strip-of-mine.svg", "actionness.csv"])
def test_a_folder_with_a_file_of_somebody_else_is_left_alone(clip, checkpoint, tmp_path, capsys, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    assert f"{name} is another file and is left as it is" in failure(
        capsys, clip, checkpoint, tmp_path / "out"
    )
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_run_that_fails_leaves_the_last_good_files(clip, checkpoint, tmp_path, capsys, monkeypatch):
    assert run(clip, checkpoint, tmp_path / "out", "--block", "S5B2") == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("analysis.clip_folder.write_gif", full)
    assert run(clip, checkpoint, tmp_path / "out", "--block", "S5B2", "--opacity", "1") == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message == f"error: {tmp_path / 'out'}: No space left on device"
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
