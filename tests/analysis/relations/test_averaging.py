"""The relations command on real files: shards, kill and resume, broken videos, and the numbers in the figure."""

import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

import atr
from analysis.__main__ import main
from analysis.recording import record
from analysis.relations import averaging
from analysis.relations.average import RelationAverage
from analysis.relations.averaging import average_relations
from analysis.relations.fig4 import fig4, limits_of, matrices_figure, windows_figure
from analysis.relations.numbers import class_entries, untrained_numbers
from atr.data.videos import VideoClips
from atr.files import read_arrays
from atr.models import build_model
from atr.results.passes import merged
from atr.results.store import read_result, results
from atr.tabletop import CLASSES
from atr.video.transforms import normalise
from tests.launching import launch


def saved(folder, num_frames=5, **options):
    torch.manual_seed(3)
    model = atr.create_model("tsn_resnet18", len(CLASSES), num_frames, width=0.125, **options)
    sizes = atr.Preprocessing(short_side=64, crop=64)
    return atr.save_checkpoint(folder, model, labels=list(CLASSES), preprocessing=sizes)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny-gr"
    return saved(folder, block="atr_sim", reasoner="gr", num_reasoners=1, placement=("S4B1", "S5B2"))


def run(*arguments) -> int:
    return main(["relations", *map(str, arguments)])


def only_result(folder):
    (found,) = results(folder, "relations")
    return found


@pytest.fixture(scope="module")
def whole(checkpoint, clips_folder, tmp_path_factory):
    """The result folder of one process over all clips."""
    out = tmp_path_factory.mktemp("results")
    assert run("--checkpoint", checkpoint, "--data", clips_folder, "--out", out) == 0
    return only_result(out)


def test_the_stored_mean_is_the_plain_mean(whole, checkpoint, clips_folder):
    model = atr.load_checkpoint(checkpoint)
    clips = VideoClips(clips_folder, num_frames=5, preprocessing=model.preprocessing)
    frames = np.stack([clips.sampled_frames(i) for i in range(len(clips))])
    with torch.inference_mode(), record(model) as recording:
        model(normalise(frames, model.preprocessing))
    result = read_result(whole)
    assert result["videos"] == 11
    for entry in result["trained"]:
        expected = recording.relations[entry["block"]][0].double().mean(0).numpy()
        np.testing.assert_allclose(entry["mean"], expected, atol=1e-6)
        assert len(entry["js_pairs"]) == 3  # T = 5: three time steps with both neighbours


def test_two_processes_give_the_same(whole, checkpoint, clips_folder, tmp_path):
    arguments = ("--checkpoint", checkpoint, "--data", clips_folder, "--out", tmp_path)
    done = launch("analysis", "relations", *arguments, processes=2)
    assert done.returncode == 0, done.stderr
    one, two = read_result(whole), read_result(only_result(tmp_path))
    assert two["videos"] == 11
    arrays = read_arrays(only_result(tmp_path) / "relations.npz")
    for network in ("trained", "untrained"):
        for a, b in zip(one[network], two[network], strict=True):
            np.testing.assert_allclose(a["mean"], b["mean"], atol=1e-9, rtol=0)
            assert a["js"] == pytest.approx(b["js"], abs=1e-9)
            summed = arrays[f"{network}/sums/{b['block']}/{b['reasoner']}"].sum(axis=0)
            np.testing.assert_allclose(summed / 11, b["mean"], atol=1e-9, rtol=0)
    assert sorted(arrays["trained/videos"]) == list(range(11))
    assert {name.split("/")[0] for name in arrays if "/windows/" in name} == {"trained"}


KILLED = """
import os, signal, sys
from pathlib import Path
import atr
from analysis.relations.averaging import average_relations
from atr.data.videos import VideoClips
from atr.results.passes import merged
model = atr.optimised(atr.load_checkpoint(sys.argv[1]), precision="float32")
clips = VideoClips(Path(sys.argv[2]), num_frames=5, preprocessing=model.preprocessing)
calls = []
def progress(done, total):
    calls.append(done)
    if len(calls) == 2: os.kill(os.getpid(), signal.SIGKILL)
average_relations(model, clips, partial=Path(sys.argv[3]), save_every=0, progress=progress)
"""


def test_a_killed_run_goes_on_where_it_was(whole, checkpoint, clips_folder, tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, checkpoint, clips_folder, tmp_path / "partial"])
    assert killed.returncode == -signal.SIGKILL
    assert (
        len(merged(tmp_path / "partial", RelationAverage)[0]) == 8
    )  # the first batch; the second was not saved yet
    model = atr.optimised(atr.load_checkpoint(checkpoint), precision="float32")
    clips = VideoClips(clips_folder, num_frames=5, preprocessing=model.preprocessing)
    seen = []
    average, broken = average_relations(
        model, clips, partial=tmp_path / "partial", progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(11, 11)]
    assert broken == {}
    for entry in read_result(whole)["trained"]:
        np.testing.assert_allclose(average.mean[entry["block"]][0], entry["mean"], atol=1e-9, rtol=0)


def test_a_broken_video_is_named_and_the_rest_counted(checkpoint, clips_folder, tmp_path, capsys):
    folder = shutil.copytree(clips_folder, tmp_path / "clips")
    (folder / "val-000004.mp4").write_bytes(b"not a video")
    assert run("--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "results") == 3
    told = capsys.readouterr().err
    assert "skipped val-000004" in told
    assert str(folder / "val-000004.mp4") in told
    result = read_result(only_result(tmp_path / "results"))
    assert result["videos"] == 10
    assert [skipped["id"] for skipped in result["skipped"]] == ["val-000004"]
    assert run("--checkpoint", checkpoint, "--data", folder, "--out", tmp_path / "strict", "--strict") == 2
    assert "val-000004.mp4" in capsys.readouterr().err
    assert results(tmp_path / "strict", "relations") == []


def test_a_second_run_computes_nothing(whole, checkpoint, clips_folder, monkeypatch, capsys):
    monkeypatch.setattr("atr.results.questions.found_by", None)
    arguments = ["relations", "--checkpoint", checkpoint, "--data", clips_folder, "--out", whole.parent]
    assert main([str(a) for a in arguments]) == 0
    assert "S5B2" in capsys.readouterr().out


def test_figures_hold_the_stored_numbers(whole):
    entries = read_result(whole)["trained"]
    maps = [
        trace.z
        for trace in matrices_figure(entries, limits=limits_of(entries)).data
        if trace.type == "heatmap"
    ]
    assert [np.asarray(z).tolist() for z in maps] == [entry["mean"] for entry in entries]
    lines = [list(trace.y) for trace in windows_figure(entries).data]
    assert lines == [window for entry in entries for window in entry["windows"]]
    rows = (whole / "relations.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * len(entries)
    assert float(rows[1].split(",")[3]) == pytest.approx(entries[0]["js"]["mean"], rel=1e-12)
    for name in ("fig4.svg", "fig4.pdf", "fig4.html"):
        assert (whole / name).stat().st_size > 1000


def test_no_line_of_the_paper_figure_leaves_its_panel(whole):
    entries = read_result(whole)["trained"]
    figure = fig4(entries, limits=limits_of(entries))
    panels = [axes for axes in figure.axes if len(axes.lines)]
    assert len(panels) == len(entries)
    for axes in panels:
        low, high = axes.get_ylim()
        assert all(low <= min(line.get_ydata()) and max(line.get_ydata()) <= high for line in axes.lines)


def test_bad_input_is_one_line(checkpoint, clips_folder, tmp_path, capsys):
    def error(*arguments):
        assert main(["relations", *map(str, arguments), "--out", str(tmp_path / "r")]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    efficient = saved(tmp_path / "er", block="atr")
    assert "no graph reasoner" in error("--checkpoint", efficient, "--data", clips_folder)
    short = saved(tmp_path / "short", 3, block="atr_sim", reasoner="gr")
    assert "takes 3 frames" in error("--checkpoint", short, "--data", clips_folder)
    assert "tabletop:val" in error("--checkpoint", checkpoint, "--data", tmp_path / "nowhere")
    assert "no annotations.json" in error("--checkpoint", checkpoint, "--data", tmp_path)
    assert "has 11" in error("--checkpoint", checkpoint, "--data", clips_folder, "--num-videos", 12)
    assert "no config.json" in error("--checkpoint", tmp_path, "--data", clips_folder)


def test_the_matrices_of_a_class_are_read_from_the_arrays(whole, tmp_path):
    result, arrays = read_result(whole), read_arrays(whole / "relations.npz")
    stored = {name.removeprefix("trained/"): v for name, v in arrays.items() if name.startswith("trained/")}
    average = RelationAverage.from_arrays(stored)
    for place, label in enumerate(np.unique(average.labels).tolist()):
        assert result["classes"][place] == {"label": CLASSES[label], "videos": average.labels.count(label)}
        expected = average.mean_of_class(label)
        entries = class_entries(whole, place)
        assert [(e["block"], e["reasoner"]) for e in entries] == average.keys
        for entry in entries:
            np.testing.assert_array_equal(entry["mean"], expected[entry["block"]][entry["reasoner"]])
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        class_entries(tmp_path, 0)
    with pytest.raises(ValueError, match="does not hold the matrices"):
        class_entries(whole, len(result["classes"]))
    (tmp_path / "relations.npz").write_bytes((whole / "relations.npz").read_bytes()[:900])
    with pytest.raises(ValueError, match="does not hold the matrices"):
        class_entries(tmp_path, 0)


def test_facts_of_the_result(whole, checkpoint):
    result = read_result(whole)
    assert result["command"].startswith("python -m analysis relations --checkpoint")
    digest = json.loads((checkpoint / "config.json").read_text())["weights_sha256"]
    assert result["checkpoint"]["weights_sha256"] == digest
    assert sum(c["videos"] for c in result["classes"]) == 11
    assert result["convergence"][0]["videos"] == [1, 2, 4, 8, 11]
    assert result["software"].keys() == {"av", "opencv", "torch", "machine"}


def test_the_model_is_left_in_the_mode_it_was_in(tiny, tmp_path):
    model = tiny(block="atr_sim", reasoner="gr", num_reasoners=1).train()
    model.preprocessing = atr.Preprocessing(32, 32)
    average, _ = average_relations(
        model, [(torch.zeros(4, 32, 32, 3, dtype=torch.uint8), 0, 0)], partial=tmp_path
    )
    assert len(average) == 1 and model.training


@pytest.fixture
def stacked(tiny):
    """Two graph reasoners in each of two blocks, whose W is far from uniform; and three clips."""
    model = tiny(block="atr_sim", reasoner="gr", num_reasoners=2, placement=("S4B1", "S5B2"))
    for name, weight in model.named_parameters():
        if "theta" in name or "phi" in name:
            weight.data *= 20
    model.preprocessing = atr.Preprocessing(32, 32, (0.1,) * 3, (0.2,) * 3)
    frames = torch.randint(0, 256, (3, 4, 32, 32, 3), dtype=torch.uint8)
    return model, [(each, 0, index) for index, each in enumerate(frames)]


def untrained(model, clips, folder):
    return averaging.average_untrained(model, clips, partial=folder)[0]


def test_untrained_reasoners_get_the_vectors_of_the_trained_ones(stacked, tmp_path):
    model, clips = stacked
    average = untrained(model, clips, tmp_path / "a")
    trained, _ = average_relations(model, clips, partial=tmp_path / "b")
    assert {key for key, _ in average.keys} == {"S4B1", "S5B2"}
    # A network that has the weights of the one but for one reasoner, which is the seventh of those that are drawn.
    with torch.random.fork_rng():
        torch.manual_seed(averaging.CONTROL_SEED)
        drawn = [build_model(model.config) for _ in range(averaging.DRAWS)][6]
    place = "backbone.layer4.1.atr.reasoner.3.relation."
    assert any(name.startswith(place) for name in model.state_dict()), list(model.state_dict())
    other = build_model(model.config)
    other.preprocessing = model.preprocessing
    other.load_state_dict(
        {n: drawn.state_dict()[n] if n.startswith(place) else w for n, w in model.state_dict().items()}
    )
    expected, _ = average_relations(other, clips, partial=tmp_path / "c")
    found = average.mean["S5B2"][averaging.DRAWS + 6]
    np.testing.assert_allclose(found, expected.mean["S5B2"][1], atol=1e-6)
    assert np.abs(found - trained.mean["S5B2"][1]).max() > 0.05


def test_the_first_untrained_reasoner_is_the_control_and_all_are_counted(stacked, tmp_path):
    model, clips = stacked
    average = untrained(model, clips, tmp_path)
    entries = untrained_numbers(average)
    assert [(entry["block"], entry["reasoner"]) for entry in entries] == [
        ("S4B1", 0),
        ("S4B1", 1),
        ("S5B2", 0),
        ("S5B2", 1),
    ]
    for entry in entries:
        drawn = average.mean[entry["block"]][entry["reasoner"] * averaging.DRAWS :][: averaging.DRAWS]
        np.testing.assert_array_equal(entry["mean"], drawn[0])
        assert len(set(entry["departures"])) == averaging.DRAWS
        for w, departure in zip(drawn, entry["departures"], strict=True):
            mass = np.mean([w[t, t - 1 : t + 2].sum() for t in (1, 2)])
            alone = np.mean([w.mean(0)[t - 1 : t + 2].sum() for t in (1, 2)])
            assert departure == pytest.approx(mass - alone, abs=1e-12)
    again = averaging.UntrainedAverage.from_arrays(average.to_arrays())
    assert untrained_numbers(again) == entries
    assert sum(name.startswith("windows/") for name in average.to_arrays()) == 4  # of the first alone


def test_the_control_of_a_network_is_always_the_same(stacked, tmp_path):
    model, clips = stacked
    state = torch.get_rng_state()
    first, second = (untrained(model, clips, tmp_path / name) for name in "ab")
    for a, b in zip(first.mean["S5B2"], second.mean["S5B2"], strict=True):
        np.testing.assert_array_equal(a, b)
    assert torch.equal(torch.get_rng_state(), state)  # what the caller draws next is the same
    assert not any(module._forward_hooks for module in model.modules())
