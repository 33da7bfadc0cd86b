"""Deletion and insertion: by hand on a network that looks at one white cell, and the command on real files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import atr
from analysis.commands.faithfulness import Faithfulness
from analysis.recording import Recording
from analysis.what_if import faithfulness
from analysis.what_if.faithfulness import (
    FaithfulnessResult,
    areas_table,
    areas_under,
    comparison_table,
    curves_of_clips,
    curves_table,
    faithfulness_folder,
    faithfulness_numbers,
    hidden_counts,
)
from analysis.what_if.figures import faithfulness_figure, order_series
from analysis.what_if.hiding import hiding_order
from analysis.what_if.rankings import Ranking, finest_block, on_grid, rankings_of, scores_of
from atr.data.clips import ClipDataset
from atr.data.videos import VideoClips
from atr.files import read_arrays
from atr.locator import ActionRegionLocator
from atr.models import VideoClassifier
from atr.results.questions import Options
from atr.results.store import read_result
from tests.app.world import write_checkpoint, write_clips
from tests.stopping import stop_at

NAMES = ("actionness S1B1", "Grad-CAM S1B1", "frame difference", "centre", "random")
SHARES = np.array([0, 0.25, 0.5, 0.75, 1])


class WhiteCell(ClipDataset):
    """One black frame of 4 × 4 pixels a clip, one of whose four cells of 2 × 2 is white."""

    labels = ["nothing", "white"]
    ids, targets = tuple("abcd"), (1, 1, 1, 0)  # the last label is wrong: its prediction is "white" too

    def sampled_frames(self, index: int) -> np.ndarray:
        frame = np.zeros((1, 2, 2, 2, 2, 3), np.uint8)
        frame[:, index // 2, :, index % 2] = 255
        return frame.reshape(1, 4, 4, 3)


class Brightness(ActionRegionLocator):
    """M is the brightness of each cell."""

    def __init__(self):
        nn.Module.__init__(self)

    def forward(self, x):
        return F.avg_pool2d(x.mean(dim=1, keepdim=True), 2)


class Backbone(nn.Module):
    """One block, whose features have half as many positions to a side."""

    def __init__(self, locator):
        super().__init__()
        self.block = nn.Sequential(nn.AvgPool2d(2))
        self.block.atr = locator

    def slots(self):
        return {"S1B1": self.block.atr}


class Perfect(VideoClassifier):
    """Calls "white" as long as one white pixel is there, and looks for it with `Brightness`."""

    def __init__(self):
        nn.Module.__init__(self)
        self.locator = nn.Sequential(Brightness())
        self.unused = nn.Parameter(torch.zeros(1))  # whose device is the model's
        self.config = SimpleNamespace(num_frames=1)
        self.preprocessing = atr.Preprocessing(4, 4, mean=(0, 0, 0), std=(1, 1, 1))
        self.backbone = Backbone(self.locator)

    def forward(self, clips):
        self.locator(clips.flatten(0, 1))
        white = (clips.amax(dim=(1, 2, 3, 4)) > 0.9).float()
        return 40 * torch.stack([1 - white, white], dim=1)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """With a Grad-CAM that is wrong in every clip: it ranks the white cell last."""

    def darkness(model, clips, block, target, *, relu):
        assert target.tolist() == [1] * len(clips)  # the class predicted, whatever the label
        return -F.avg_pool2d(clips.mean(dim=2), 2)

    monkeypatch.setattr("analysis.what_if.rankings.gradcam", darkness)
    model = Perfect()
    rows, broken = curves_of_clips(model, WhiteCell(), rankings_of(model), partial=tmp_path, batch_size=2)
    assert broken == {} and model.training
    return rows


def numbers(toy):
    """Of every clip three times: four would have no intervals."""
    return faithfulness_numbers(
        np.tile(toy["probability"], (3, 1, 1, 1)),
        np.tile(toy["predicted"], (3, 1, 1, 1)),
        np.tile(WhiteCell.targets, 3),
        NAMES,
        hidden_counts((2, 2)) / 4,
    )


def test_a_perfect_map_by_hand(toy):
    """Deletion: the white cell goes first, 1 0 0 0 0, area ¼·½ = 0.125. Insertion: 0 1 1 1 1, area 0.875."""
    assert tuple(ranking.name for ranking in rankings_of(Perfect())) == NAMES
    np.testing.assert_allclose(toy["probability"][:, 0, 0], [[1, 0, 0, 0, 0]] * 4, atol=1e-6)
    np.testing.assert_allclose(toy["probability"][:, 1, 0], [[0, 1, 1, 1, 1]] * 4, atol=1e-6)
    deletion, insertion = (
        next(c for c in numbers(toy)["curves"] if (c["mode"], c["order"]) == (mode, "actionness S1B1"))
        for mode in ("deletion", "insertion")
    )
    assert deletion["area"] == pytest.approx(0.125, abs=1e-6)
    assert insertion["area"] == pytest.approx(0.875, abs=1e-6)
    assert deletion["accuracy"] == [0.75, 0.25, 0.25, 0.25, 0.25]  # the fourth clip's label is "nothing"
    assert insertion["accuracy"] == [0.25, 0.75, 0.75, 0.75, 0.75]


def test_the_worst_map_by_hand(toy):
    """The white cell goes last: 1 1 1 1 0 and 0 0 0 0 1."""
    column = NAMES.index("Grad-CAM S1B1")
    areas = areas_under(toy["probability"][:, :, column], SHARES)
    np.testing.assert_allclose(areas, [[0.875, 0.125]] * 4, atol=1e-6)


def test_the_random_order_by_hand(toy):
    """A white cell of rank r is seen at the points 0 … r of deletion: area (2r + 1) / 8; insertion mirrors it."""
    column = NAMES.index("random")
    areas = areas_under(toy["probability"][:, :, column], SHARES)
    for index in range(4):
        ranks = hiding_order(np.zeros((1, 2, 2)), np.random.default_rng((0, index)))
        rank = ranks[0, index // 2, index % 2]
        assert areas[index, 0] == pytest.approx((2 * rank + 1) / 8, abs=1e-6)
        assert areas[index, 1] == pytest.approx(1 - (2 * rank + 1) / 8, abs=1e-6)


def test_differences_are_paired_and_signed(toy):
    result = numbers(toy)
    column = NAMES.index("random")
    areas = areas_under(toy["probability"], SHARES)
    entry = next(
        d
        for d in result["differences"]
        if (d["mode"], d["of"], d["against"]) == ("deletion", "actionness S1B1", "random")
    )
    expected = areas[:, 0, 0] - areas[:, 0, column]
    assert entry["difference"] == pytest.approx(expected.mean())
    assert expected.min() <= entry["low"] <= entry["difference"] <= entry["high"] <= expected.max()


def test_points_are_whole_positions():
    assert hidden_counts((2, 2)).tolist() == [0, 1, 2, 3, 4]
    assert hidden_counts((3, 3)).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert hidden_counts((6, 6)).tolist() == [0, 4, 7, 11, 14, 18, 22, 25, 29, 32, 36]
    assert hidden_counts((1, 1)).tolist() == [0, 1]


def test_the_area_is_the_trapezoids():
    assert areas_under(np.array([1, 0.5, 0]), np.array([0, 0.2, 1])) == pytest.approx(0.15 + 0.2)
    assert areas_under(np.full(5, 0.3), SHARES) == pytest.approx(0.3)


def test_the_figure_and_the_tables_hold_the_numbers(toy):
    result = numbers(toy)
    lines = [list(trace.y) for trace in faithfulness_figure(result).data if len(trace.y) == 5]
    assert lines == [curve["probability"] for curve in result["curves"]]
    table = areas_table(result)
    assert table["area"].tolist() == [curve["area"] for curve in result["curves"]]
    assert table["accuracy_area"][0] == pytest.approx(0.25 * 0.5 + 0.75 * 0.25)  # 0.75 once, then 0.25
    assert len(curves_table(result)) == 5 * len(result["curves"])


def test_the_differences_of_few_clips_have_no_interval(toy):
    one = faithfulness_numbers(
        toy["probability"][:1],
        toy["predicted"][:1],
        np.array(WhiteCell.targets)[:1],
        NAMES,
        hidden_counts((2, 2)) / 4,
    )
    assert {(entry["low"], entry["high"]) for entry in one["differences"]} == {(None, None)}
    points = [trace for trace in faithfulness_figure(one).data if len(trace.y) == 1]
    assert len(points) == len(one["differences"])
    assert all(trace.error_x.array == trace.error_x.arrayminus == (None,) for trace in points)
    assert all("fewer than 10 clips, no interval" in trace.hovertemplate for trace in points)
    told = comparison_table(one, "deletion")
    assert "[" not in told.to_csv() and "[" in comparison_table(numbers(toy), "deletion").to_csv()


# ---- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faithfulness")
    write_clips(folder / "clips")
    write_checkpoint(folder / "net", block="atr")
    write_checkpoint(folder / "plain")
    return folder


def command(folder, out, name="net", **settings) -> Faithfulness:
    return Faithfulness(Options(folder / name, data=str(folder / "clips"), out=out), **settings)


def test_a_stopped_run_is_resumed_and_ends_as_an_uninterrupted_one(folder, tmp_path):
    model = atr.load_checkpoint(folder / "net")
    clips = VideoClips(folder / "clips", num_frames=4, preprocessing=model.preprocessing)
    options = {"partial": tmp_path / "stopped", "batch_size": 1}
    rankings = rankings_of(model, ("S5B2",))
    with pytest.raises(KeyboardInterrupt):
        curves_of_clips(model, clips, rankings, save_every=0, progress=stop_at(2), **options)
    seen = []
    resumed, _ = curves_of_clips(model, clips, rankings, progress=lambda *done: seen.append(done), **options)
    assert seen == [(2, 2)]  # one of the two was there already
    whole, _ = curves_of_clips(model, clips, rankings, partial=tmp_path / "whole", batch_size=1)
    assert resumed.keys() == whole.keys()
    for name in whole:
        np.testing.assert_array_equal(resumed[name], whole[name])


def test_the_command_writes_a_result_once(folder, tmp_path, monkeypatch, capsys):
    assert command(folder, tmp_path, block=("S4B1",)).run("python -m analysis faithfulness") == 0
    (found,) = tmp_path.glob("faithfulness-net-*")
    result = read_result(found)
    assert (result["clips"], result["block"], result["grid"]) == (2, "S4B1", [4, 4])
    arrays = read_arrays(found / "faithfulness.npz")
    assert arrays["orders"].tolist() == result["orders"]
    for curve in result["curves"]:
        row, column = ("deletion", "insertion").index(curve["mode"]), result["orders"].index(curve["order"])
        mean = arrays["probability"][:, row, column].mean(axis=0)
        np.testing.assert_allclose(curve["probability"], mean, rtol=1e-6)
    # All curves of a mode begin and end alike: with the whole clip and with nothing of it.
    ends = arrays["probability"][:, 0][..., [0, -1]]
    assert (ends == ends[:, :1]).all() and (arrays["probability"][:, 1][..., [-1, 0]] == ends).all()
    assert result["shares"] == pytest.approx([count / 16 for count in hidden_counts((4, 4))])
    assert "Plotly.newPlot" in (found / "faithfulness.html").read_text()
    rankings = rankings_of(atr.load_checkpoint(folder / "net"), ("S4B1",))
    assert found == faithfulness_folder(tmp_path, folder / "net", result["data"]["digest"], rankings)
    assert result["orders"] == ["actionness S4B1", "Grad-CAM S4B1", "frame difference", "centre", "random"]
    monkeypatch.setattr("atr.results.questions.found_by", None)
    capsys.readouterr()
    assert (
        command(folder, tmp_path, block=("S4B1",)).run("python -m analysis faithfulness") == 0
    )  # only printed
    deletion, insertion = (
        capsys.readouterr().out.split("deletion (a good map: small)")[1].split("insertion (")
    )
    for printed in (deletion, insertion):
        assert "minus random" in printed and printed.count("actionness S4B1") == 1


def test_another_filling_is_another_result(folder, tmp_path):
    for fill in ("mean", "blur"):
        assert (
            command(folder, tmp_path, block=("S5B2",), fill=fill).run("python -m analysis faithfulness") == 0
        )
    first, second = (read_result(found) for found in sorted(tmp_path.glob("faithfulness-net-*")))
    assert {first["fill"], second["fill"]} == {"mean", "blur"}
    assert first["block"] == "S5B2"
    assert first["curves"] != second["curves"]


def test_a_network_without_actionness_says_so(folder, tmp_path, capsys):
    assert (
        command(folder, tmp_path, name="plain", block=("S4B2",)).run("python -m analysis faithfulness") == 0
    )
    assert "S4B2 has no Action-related Region Locator" in capsys.readouterr().out
    (found,) = tmp_path.glob("faithfulness-plain-*")
    assert read_result(found)["orders"] == ["Grad-CAM S4B2", "frame difference", "centre", "random"]


def test_without_a_block_all_maps_are_compared_on_the_finest_grid(folder, tmp_path, monkeypatch):
    asked = []
    compute = faithfulness.class_probabilities
    monkeypatch.setattr(
        faithfulness, "class_probabilities", lambda *values: asked.append(1) or compute(*values)
    )
    assert command(folder, tmp_path).run("python -m analysis faithfulness") == 0
    (found,) = tmp_path.glob("faithfulness-net-*")
    result = read_result(found, FaithfulnessResult)
    blocks = list(atr.load_checkpoint(folder / "net").block_names)
    assert result["blocks"] == blocks and len(blocks) == 6
    assert (result["block"], result["grid"]) == ("S3B1", [8, 8])
    baselines = ["frame difference", "centre", "random"]
    assert result["orders"] == [f"actionness {block}" for block in blocks] + ["Grad-CAM S5B2", *baselines]
    # whole and empty clips once for all orders: beside them nine points of each curve
    assert len(asked) == 2 + len(result["orders"]) * 2 * 9
    pairs = {(entry["of"], entry["against"]) for entry in result["differences"]}
    assert ("actionness S3B1", "Grad-CAM S5B2") in pairs and (
        "actionness S3B1",
        "actionness S3B2",
    ) not in pairs
    table = comparison_table(result, "deletion")
    assert table["order"].tolist() == result["orders"]
    shown = next(
        entry
        for entry in result["differences"]
        if (entry["mode"], entry["of"], entry["against"]) == ("deletion", "actionness S3B1", "centre")
    )
    assert table["minus centre"][0].startswith(f"{shown['difference']:+.3f}")
    assert len({trace.name for trace in faithfulness_figure(result).data if trace.name}) == 10


def test_a_network_without_locators_has_its_last_block_explained(folder):
    model = atr.load_checkpoint(folder / "plain")
    names = [ranking.name for ranking in rankings_of(model)]
    assert names == ["Grad-CAM S5B2", "frame difference", "centre", "random"]
    assert finest_block(model, rankings_of(model), 64, 64) == "S5B2"


def test_a_block_that_is_named_twice_ranks_once(folder):
    model = atr.load_checkpoint(folder / "plain")
    names = [ranking.name for ranking in rankings_of(model, ("S4B1", "S4B1"))]
    assert names == ["Grad-CAM S4B1", "frame difference", "centre", "random"]


def test_no_two_of_many_orders_look_alike():
    blocks = [f"S{stage}B{number}" for stage in (3, 4, 5) for number in range(1, 5)]
    orders = [f"{kind} {block}" for kind in ("actionness", "Grad-CAM") for block in blocks]
    orders += ["frame difference", "centre", "random"]
    series = order_series(orders)
    looks = {json.dumps(series[order], sort_keys=True) for order in orders}
    assert len(looks) == len(orders) == 27


def test_coarse_maps_are_brought_to_the_grid():
    maps = np.array([[[[0.0, 4]]]])
    np.testing.assert_allclose(on_grid(maps, (1, 4)), [[[[0, 1, 3, 4]]]])
    assert on_grid(maps, (1, 2)) is maps


def test_an_unknown_block_is_refused_before_anything_is_computed(folder, tmp_path):
    with pytest.raises(ValueError, match="seed=-1 is not possible; allowed: 0 to 4,294,967,295"):
        command(folder, tmp_path, seed=-1).run("python -m analysis faithfulness")
    with pytest.raises(ValueError, match="block='S6B1' is unknown; allowed: S2B1, .*S5B2"):
        command(folder, tmp_path, block=("S6B1",)).run("python -m analysis faithfulness")
    assert not list(tmp_path.iterdir())


def test_grad_cam_ranks_without_its_relu(tiny):
    model = tiny("tsn_resnet18")
    model.preprocessing = atr.Preprocessing(32, 32)
    frames = np.random.default_rng(0).integers(0, 256, (1, 4, 32, 32, 3), dtype=np.uint8)
    scores = scores_of(model, frames, Ranking("Grad-CAM", "S3B1"), Recording(), np.array([0]), (4, 4))
    assert (scores < 0).any()


def test_deletion_stands_on_the_left_and_the_differences_below_their_curves(toy):
    result = numbers(toy)
    traces = faithfulness_figure(result).data
    sides = {"deletion": ("x", "x3"), "insertion": ("x2", "x4")}
    for curve in result["curves"]:
        shown = [t for t in traces if t.name == curve["order"] and t.xaxis == sides[curve["mode"]][0]]
        assert [list(t.y) for t in shown] == [curve["probability"]]
    for entry in result["differences"]:
        name = f"{entry['of']} − {entry['against']}"
        (point,) = [t for t in traces if t.xaxis == sides[entry["mode"]][1] and t.y[0] == name]
        assert point.x[0] == entry["difference"]


def test_the_area_over_clips_is_their_mean():
    """One of three clips keeps its probability of 1, the others have none."""
    probability = np.zeros((3, 2, 1, 2))
    probability[0] = 1
    found = faithfulness_numbers(
        probability, np.zeros((3, 2, 1, 2), int), np.zeros(3, int), ["random"], np.array([0.0, 1.0])
    )
    assert [curve["area"] for curve in found["curves"]] == pytest.approx([1 / 3] * 2)


def test_another_seed_is_another_result(folder, tmp_path):
    rankings = rankings_of(atr.load_checkpoint(folder / "net"))
    zero, zero_again, one = (
        faithfulness_folder(tmp_path, folder / "net", "digest", rankings, seed=seed) for seed in (0, 0, 1)
    )
    assert zero == zero_again != one


def test_orders_are_compared_with_the_baselines_alone(toy):
    baselines = ["minus frame difference", "minus centre", "minus random"]
    assert list(comparison_table(numbers(toy), "deletion")) == ["order", "area", "accuracy_area", *baselines]
