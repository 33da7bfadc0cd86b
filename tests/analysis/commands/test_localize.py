"""python -m analysis localize and its numbers: by hand on toys, and the command on real files."""

import json

import numpy as np
import pytest

import atr
from analysis.__main__ import main
from analysis.commands.localize import Localize
from analysis.gradcam import gradcam
from analysis.localize.figures import acting_figure, localization_figure
from analysis.localize.maps import Layout
from analysis.localize.masked_clips import open_masked
from analysis.localize.measures import average_precision, tally
from analysis.localize.numbers import (
    ALL_BLOCKS,
    BASELINES,
    LocalizeResult,
    Map,
    emphasis_numbers,
    localization_numbers,
    localization_table,
    localize_folder,
    maps_of,
    measure,
    measure_clips,
)
from analysis.localize.truths import ACTING, DISTRACTOR, TARGET
from analysis.map_values import together
from analysis.recording import record
from atr.files import read_arrays
from atr.results.questions import Options
from atr.results.store import read_result
from atr.schema import check
from atr.video.transforms import normalise
from tests.app.world import write_checkpoint, write_clips
from tests.stopping import stop_at

LOGITS, HEAT = Map("actionness", "S3B1", "logits"), Map("Grad-CAM", "S3B1", "heat")
EDGES = {"S3B1": Layout((2, 2), None)}
TIMES = {"forward_seconds", "gradcam_seconds"}


def clip_bits():
    """Three frames of 4x4: the action happens in two; the target is the left half, a distractor below right."""
    bits = np.zeros((3, 4, 4), np.uint8)
    bits[:, :, :2] = TARGET
    bits[:2, 2:, 2:] = DISTRACTOR
    bits[:2] |= ACTING
    return bits


# ---- numbers


def test_one_clip_by_hand():
    heat = np.zeros((3, 2, 2))
    heat[0], heat[2] = (
        [[3, 0], [0, 1]],
        [[0, 9], [9, 0]],
    )  # the second frame is empty, the third does not count
    found = measure({HEAT: heat, LOGITS: np.log(heat + 1)}, clip_bits(), EDGES)
    assert (found["frames"], found["area"]) == (2, 1)
    assert found["hits"][0] == 1 + 2 / 4  # the four tied cells of the empty frame share its point
    assert found["mass"][0] == pytest.approx(3 / 4 + 1 / 2)
    assert found["mass"][1] == pytest.approx((4 + 1) / (4 + 1 + 1 + 2) + 1 / 2)
    assert found["empty"].tolist() == [1 / 2, 0]
    assert (found["distractor_frames"], found["distractor_area"]) == (2, 2 * 4 / 16)
    assert found["distractor_mass"][0] == pytest.approx(1 / 4 + 1 / 4)
    assert found["peak"][0].tolist() == [3, 0, 9] and found["mean"][0].tolist() == [1, 0, 4.5]
    assert found["acting"].tolist() == [True, True, False]


def rows_of(clips):
    found = [measure(maps, bits, EDGES) for maps, bits in clips]
    return {name: np.stack([row[name] for row in found]) for name in found[0]}


def test_numbers_are_those_of_all_frames_together():
    """Pointing and mass are pooled over frames; average precision is a clip's, then averaged."""
    generator = np.random.default_rng(0)
    clips = []
    for _ in range(12):
        bits = np.where(generator.random((5, 8, 8)) < 0.3, TARGET, DISTRACTOR).astype(np.uint8)
        bits |= ACTING * (np.arange(5) % 2)[:, None, None].astype(np.uint8)
        clips.append(({LOGITS: generator.normal(size=(5, 4, 4))}, bits))
    numbers = localization_numbers(rows_of(clips), [LOGITS])
    (entry,) = numbers["maps"]
    maps = np.concatenate([each[LOGITS] for each, _ in clips])
    bits = np.concatenate([each for _, each in clips])
    target, acting = (bits & TARGET) > 0, (bits & ACTING).any(axis=(1, 2))
    together = tally(maps, target, acting)
    assert numbers["frames"] == together.num_frames == 24
    assert entry["pointing"]["value"] == pytest.approx(together.hits / 24)
    assert entry["ratio"]["value"] == pytest.approx(together.mass / together.area)
    assert entry["mass"]["value"] == pytest.approx(together.mass / 24)
    beside = tally(maps, bits & DISTRACTOR > 0, acting)
    assert entry["distractor_ratio"]["value"] == pytest.approx(beside.mass / beside.area)
    by_clip = [average_precision(each[LOGITS], b & TARGET > 0, np.arange(5) % 2 == 1) for each, b in clips]
    assert entry["average_precision"]["value"] == pytest.approx(np.mean(by_clip))
    assert entry["average_precision"]["low"] < np.mean(by_clip) < entry["average_precision"]["high"]


def test_what_was_not_measured_is_none():
    bits = np.full((2, 4, 4), ACTING, np.uint8)  # no target, no distractor, and the action never stops
    numbers = localization_numbers(rows_of([({HEAT: np.ones((2, 2, 2))}, bits)]), [HEAT])
    (entry,) = numbers["maps"]
    assert {entry[name] for name in entry if name not in ("method", "block")} == {None}
    assert (numbers["frames"], numbers["area"], numbers["emphasis_clips"]) == (0, None, 0)
    assert {entry["acting_above"] for entry in numbers["emphasis"]} == {None}


def test_emphasis_tells_a_clips_action_from_the_course_of_all_clips():
    """One map follows each clip's action, one always rises in the middle, where most actions are."""
    acting = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]], bool)
    rising = np.broadcast_to([0.0, 1, 1, 0], acting.shape)
    values = {"peak": np.stack([acting * 1.0, rising], axis=1)}
    maps = [LOGITS, Map("frame difference", None, "logits")]
    values["mean"] = values["peak"]
    follows, _, blind, _ = emphasis_numbers(values, acting, maps)
    assert follows["spearman"]["value"] == pytest.approx(1) and follows["acting_above"]["value"] == 1
    # left of the first clip: 0, 1/3, 0, -1/3. The step at which all act is tied with the one at which none does
    assert follows["beyond_course"]["value"] == pytest.approx(3.5 / 4)
    # in the third clip: 1 of 4 pairs is won, 2 are tied, 1 is lost
    assert blind["acting_above"]["value"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert blind["beyond_course"]["value"] == 0.5


def test_a_single_clip_has_no_course_to_go_beyond():
    acting = np.array([[0, 1, 1, 0]], bool)
    values = dict.fromkeys(("peak", "mean"), acting[:, None] * 1.0)
    for entry in emphasis_numbers(values, acting, [LOGITS]):
        assert (entry["acting_above"]["value"], entry["beyond_course"]) == (1, None)


# ---- the pass and the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("localize")
    write_clips(folder / "clips")
    write_checkpoint(folder / "net", block="atr", placement=("S3B1", "S5B2"))
    write_checkpoint(folder / "bare")
    return folder


def network_and_clips(folder, name="net"):
    model = atr.load_checkpoint(folder / name)
    clips = open_masked(str(folder / "clips"), num_frames=4, preprocessing=model.preprocessing)
    return model, clips


def test_a_pass_measures_the_maps_of_the_evaluation(folder, tmp_path):
    model, clips = network_and_clips(folder)
    blocks = ("S3B1", "S5B2")
    assert [(m.method, m.block) for m in maps_of(model, blocks)] == [
        ("actionness", "S3B1"),
        ("actionness", "S5B2"),
        ("Grad-CAM", "S3B1"),
        ("Grad-CAM", "S5B2"),
        ("actionness, all blocks", None),
        ("Grad-CAM, all blocks", None),
        *((m.method, None) for m in BASELINES),
    ]
    rows, _ = measure_clips(model.train(), clips, blocks, partial=tmp_path)
    assert model.training
    model.eval()
    items = clips[1][0]
    inputs = normalise(items[..., :3].numpy(), model.preprocessing)[None]
    with record(model) as recording:
        predicted = model(inputs).argmax(1)
    assert rows["predicted"][1] == predicted
    heat = gradcam(model, inputs, "S5B2", predicted)[0].numpy()
    bits = items[..., 3].numpy()
    m = {block: recording.actionness[block][0].numpy() for block in blocks}
    expected = measure({LOGITS: m["S3B1"], HEAT: heat, ALL_BLOCKS["actionness"]: together(m)}, bits, EDGES)
    for name in ("hits", "mass", "average_precision", "peak", "mean", "distractor_mass"):
        np.testing.assert_allclose(rows[name][1, [0, 3, 4]], expected[name], atol=1e-5)


def test_a_stopped_run_is_resumed_and_ends_as_an_uninterrupted_one(folder, tmp_path):
    model, clips = network_and_clips(folder)
    options = {"partial": tmp_path / "stopped", "batch_size": 1}
    with pytest.raises(KeyboardInterrupt):
        measure_clips(model, clips, ("S3B1",), save_every=0, progress=stop_at(2), **options)
    seen = []
    resumed, _ = measure_clips(model, clips, ("S3B1",), progress=lambda *done: seen.append(done), **options)
    assert seen == [(2, 2)]  # one of the two was there already
    whole, _ = measure_clips(model, clips, ("S3B1",), partial=tmp_path / "whole", batch_size=1)
    assert resumed.keys() == whole.keys()
    for name in whole.keys() - TIMES:
        np.testing.assert_array_equal(resumed[name], whole[name])


def test_a_block_that_is_named_twice_is_measured_once(folder, tmp_path):
    options = Options(folder / "net", data=str(folder / "clips"), out=tmp_path)
    assert Localize(options, block=("S3B1", "S5B2", "S3B1")).run("python -m analysis localize") == 0
    (result_folder,) = tmp_path.glob("localize-net-*")
    result = read_result(result_folder)
    assert result["blocks"] == ["S3B1", "S5B2"]
    assert [entry["block"] for entry in result["maps"][:4]] == ["S3B1", "S5B2"] * 2


def test_the_command_writes_a_result_once(folder, tmp_path, monkeypatch, capsys):
    command = Localize(Options(folder / "net", data=str(folder / "clips"), out=tmp_path))
    assert command.run("python -m analysis localize") == 0
    (result_folder,) = tmp_path.glob("localize-net-*")
    result = read_result(result_folder)
    assert result["blocks"] == ["S3B1", "S5B2"] and result["clips"] == 2
    assert result_folder == localize_folder(
        tmp_path, folder / "net", result["data"]["digest"], ("S3B1", "S5B2"), all_blocks=True
    )
    entries = {(entry["method"], entry["block"]): entry for entry in result["maps"]}
    chance = entries["uniform", None]
    assert chance["ratio"]["value"] == pytest.approx(1)
    assert chance["mass"]["value"] == pytest.approx(result["area"])
    # only the square moves; with the place that it leaves it fills about half of what changes
    assert entries["frame difference", None]["ratio"]["value"] > 3
    arrays = read_arrays(result_folder / "localize.npz")
    assert arrays["maps"][0] == "actionness S3B1" and arrays["hits"].shape == (2, 9)
    assert arrays["id"].tolist() == ["val-000000", "val-000001"] and arrays["target"].tolist() == [0, 1]
    assert (result_folder / "localize.csv").read_text().count("\n") == 10
    assert (result_folder / "emphasis.csv").read_text().count("\n") == 17
    assert (result_folder / "localize.html").read_text().count('class="plotly-graph-div"') == 4
    fig5 = result["fig5"]
    assert (fig5["clips"], fig5["never_acting"], fig5["without_truth"], result["not_computed"]) == (
        2,
        0,
        0,
        [],
    )
    scores = {(entry["method"], entry["block"]): entry["fig5"]["value"] for entry in fig5["scores"]}
    chance = read_arrays(result_folder / "localize.npz")["area"].sum() / (
        2 * 4
    )  # idle frames have no positive
    assert scores["uniform", None] == pytest.approx(chance, abs=1e-6)
    # the square crosses the picture from one side to the other, and acts in the middle of the clip
    assert scores["centre x middle", None] > scores["centre", None] > scores["uniform", None]
    assert (result_folder / "fig5.csv").read_text().count("\n") == 1 + 9 + 1 + 2
    broken = json.loads((result_folder / "result.json").read_text())
    broken["fig5"]["scores"][0]["block"] = "S9B9"
    with pytest.raises(ValueError, match="actionness is of block 'S9B9'; allowed: S3B1, S5B2"):
        check(broken, LocalizeResult)
    monkeypatch.setattr("atr.results.questions.found_by", None)
    capsys.readouterr()
    assert command.run("python -m analysis localize") == 0  # only printed
    assert "are they higher in frames in which the action happens? (2 clips)" in capsys.readouterr().out


def test_one_clip_has_numbers_and_pictures_without_intervals(folder, tmp_path, capsys):
    options = Options(folder / "net", data=str(folder / "clips"), out=tmp_path, num_clips=1)
    assert Localize(options).run("python -m analysis localize") == 0
    (path,) = tmp_path.glob("localize-net-*/result.json")
    result = json.loads(path.read_text())
    told = [entry["pointing"] for entry in result["maps"]]
    assert told and all(each["low"] is each["high"] is None for each in told)
    assert (path.parent / "localize.html").exists()
    bars = localization_figure([result]).data[0]
    assert set(bars.error_y.array) == {None} and bars.customdata[0][1] == "fewer than 10 clips, no interval"
    ends = localization_table(result)[["pointing, low", "pointing, high"]]
    assert ends.isna().all(axis=None)


def test_cells_can_lie_at_the_centres_of_their_fields(folder, tmp_path):
    found = {}
    for alignment in ("edges", "centres"):
        options = Options(folder / "net", data=str(folder / "clips"), out=tmp_path)
        assert Localize(options, alignment=alignment).run("python -m analysis localize") == 0
        digest = open_masked(
            str(folder / "clips"), num_frames=4, preprocessing=atr.Preprocessing(64, 64)
        ).digest
        place = localize_folder(
            tmp_path, folder / "net", digest, ("S3B1", "S5B2"), alignment, all_blocks=True
        )
        found[alignment] = read_result(place)
        assert found[alignment]["alignment"] == alignment
    edges, centres = ({(m["method"], m["block"]): m for m in found[a]["maps"]} for a in ("edges", "centres"))
    assert edges["actionness", "S3B1"] != centres["actionness", "S3B1"]
    assert edges["uniform", None] == centres["uniform", None]  # baselines are of the picture itself


def test_boxes_and_masks_without_the_time_of_the_action_are_said(folder, tmp_path, capsys):
    write_clips(tmp_path / "clips")
    annotations = tmp_path / "clips" / "annotations.json"
    told = json.loads(annotations.read_text())
    first, second = told["clips"]
    del first["acting"], second["masks"]
    second["boxes"] = [[[20, 20, 16, 16]]] * 12
    annotations.write_text(json.dumps(told))
    command = Localize(Options(folder / "net", data=str(tmp_path / "clips"), out=tmp_path))
    assert command.run("python -m analysis localize") == 0
    printed = capsys.readouterr().out
    assert "1 of 2 clips do not say in which frames the action happens" in printed
    assert "1 of 2 clips have boxes and no masks" in printed
    (place,) = tmp_path.glob("localize-net-*")
    result = read_result(place)
    assert result["fig5"]["clips"] == 0 and result["fig5"]["without_truth"] == 2
    assert result["emphasis_clips"] == 1  # boxes tell nothing of time, "acting" does
    assert result["frames"] > 0 and result["maps"][0]["pointing"] is not None
    assert "Fig-5 score, 0 clips" not in printed
    page = (place / "localize.html").read_text()
    assert "1 of 2 clips have boxes and no masks" in page
    assert "Where and when at once" not in page  # nothing is known of it
    assert "Are they higher in frames in which the action happens?" in page


def test_data_without_a_mark_is_one_error_before_anything_is_measured(folder, tmp_path, capsys):
    data = tmp_path / "clips"
    write_clips(data)
    told = json.loads((data / "annotations.json").read_text())
    for clip in told["clips"]:
        del clip["acting"], clip["masks"]
        clip["boxes"] = [[]] * 12
    (data / "annotations.json").write_text(json.dumps(told))
    out = tmp_path / "out"
    command = ["localize", "--checkpoint", str(folder / "net"), "--data", str(data), "--out", str(out)]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{data} marks nothing in the sampled frames of its 2 clips" in line and not out.exists()


def test_a_bare_network_has_grad_cam_and_a_broken_video_is_named(folder, tmp_path, capsys):
    write_clips(tmp_path / "clips")
    (tmp_path / "clips" / "val-000001.mp4").write_bytes(b"no video")
    options = Options(folder / "bare", data=str(tmp_path / "clips"), out=tmp_path)
    command = Localize(options, block=("S2B1",))
    assert command.run("python -m analysis localize") == 3
    assert "skipped val-000001" in capsys.readouterr().err
    (result_folder,) = tmp_path.glob("localize-bare-*")
    result = read_result(result_folder)
    assert [entry["method"] for entry in result["maps"]] == ["Grad-CAM", *(m.method for m in BASELINES)]
    with pytest.raises(ValueError, match="block='S9B1' is unknown; allowed: S2B1"):
        Localize(options, block=("S9B1",)).run("")


# ---- figures


def a_result(name, methods=("actionness", "Grad-CAM")):
    def at(value):
        return {"value": value, "low": value - 0.1, "high": value + 0.2}

    maps, emphasis = [], []
    for method, block, value in (
        *((method, block, 0.5) for method in methods for block in ("S4B1", "S5B1")),
        *(("frame difference", None, 0.4), ("centre", None, 0.3), ("uniform", None, 0.2)),
    ):
        measures = ("pointing", "ratio", "average_precision", "distractor_ratio")
        maps.append({"method": method, "block": block, **{name: at(value) for name in measures}})
        for quantity in ("peak", "mean") if method != "uniform" else ():
            entry = {"method": method, "block": block, "quantity": quantity}
            emphasis.append(entry | {"acting_above": at(0.7), "beyond_course": at(0.6), "spearman": at(0.2)})
    return {"checkpoint": {"name": name}, "blocks": ["S4B1", "S5B1"], "maps": maps, "emphasis": emphasis}


def test_bars_stand_beside_each_other_with_their_intervals_and_lines_of_chance():
    figure = localization_figure([a_result("tsn", ("Grad-CAM",)), a_result("atr")])
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [bar.name for bar in bars] == ["Grad-CAM"] * 3 + ["actionness", "Grad-CAM"] * 3
    for bar in bars:
        assert list(bar.y) == [0.5, 0.5]
        assert list(bar.error_y.array) == pytest.approx([0.2, 0.2])
        assert list(bar.error_y.arrayminus) == pytest.approx([0.1, 0.1])
    left, right = bars[3].x, bars[4].x
    assert all(a + bars[3].width <= b + 1e-9 for a, b in zip(left, right, strict=True))
    lines = [trace for trace in figure.data if trace.type == "scatter"]
    assert [line.y[0] for line in lines] == [0.4, 0.3, 0.2] * 6
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(shown) == ["Grad-CAM", "actionness", "centre", "frame difference", "uniform: chance"]


def test_emphasis_shows_both_with_and_without_the_course_of_all_clips():
    figure = acting_figure([a_result("atr")])
    points = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert list(points["actionness"].y) == [0.7, 0.7]
    assert list(points["actionness, mean course removed"].y) == [0.6, 0.6]
    chance = [trace for trace in figure.data if trace.name == "uniform: chance"]
    assert [line.y[0] for line in chance] == [0.5, 0.5]  # a row for the peak, a row for the mean


def test_the_share_of_empty_frames_is_that_of_clips_with_a_target():
    heat = np.zeros((3, 2, 2))
    heat[0] = 1
    nothing = np.full((3, 4, 4), ACTING, np.uint8)
    (entry,) = localization_numbers(rows_of([({HEAT: heat}, clip_bits()), ({HEAT: heat}, nothing)]), [HEAT])[
        "maps"
    ]
    assert entry["empty"] == 1 / 2  # of two frames with a target one is without heat


def test_seconds_are_those_of_one_clip_and_of_one_block(folder, tmp_path, monkeypatch):
    """A clock that tells 0, 8, 100 and 116 seconds: of a batch of two clips, and of two blocks."""
    monkeypatch.setattr("analysis.localize.numbers.perf_counter", iter([0, 8, 100, 116]).__next__)
    rows, _ = measure_clips(*network_and_clips(folder), ("S3B1", "S5B2"), partial=tmp_path, batch_size=2)
    assert (rows["forward_seconds"].tolist(), rows["gradcam_seconds"].tolist()) == ([4, 4], [4, 4])


def test_the_axis_of_emphasis_reaches_down_to_the_lowest_interval():
    result = a_result("atr")
    result["emphasis"][0]["beyond_course"] = {"value": 0.3, "low": 0.2, "high": 0.4}
    assert acting_figure([result]).layout.yaxis.range[0] < 0.2


def test_a_clip_counts_once_in_the_average_precision_however_long_it_acts():
    bits = np.full((3, 2, 2), ACTING, np.uint8)
    bits[:, 0, 0] |= TARGET
    once = bits.copy()
    once[1:] &= 255 - ACTING
    right, blind = np.zeros((3, 2, 2)), np.zeros((3, 2, 2))
    right[:, 0, 0] = 1
    (entry,) = localization_numbers(rows_of([({LOGITS: right}, bits), ({LOGITS: blind}, once)]), [LOGITS])[
        "maps"
    ]
    assert entry["average_precision"]["value"] == (1 + 1 / 4) / 2
