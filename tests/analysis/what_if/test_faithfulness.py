"""Deletion and insertion: by hand on a network that looks at one white cell, and the command on real files."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import atr
from analysis.commands.faithfulness import Faithfulness
from analysis.what_if.faithfulness import (
    areas_table,
    areas_under,
    curves_of_clips,
    curves_table,
    faithfulness_folder,
    faithfulness_numbers,
    hidden_counts,
    orders_of,
)
from analysis.what_if.figures import faithfulness_figure
from analysis.what_if.interventions import hiding_order
from atr.data.clips import ClipDataset, VideoClips
from atr.files import read_arrays
from atr.locator import ActionRegionLocator
from atr.results.questions import Options
from atr.results.store import read_result
from tests.app.world import write_checkpoint, write_clips
from tests.stopping import stop_at

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


class Perfect(nn.Module):
    """Calls "white" as long as one white pixel is there, and looks for it with `Brightness`."""

    def __init__(self):
        super().__init__()
        self.locator = nn.Sequential(Brightness())
        self.unused = nn.Parameter(torch.zeros(1))  # whose device is the model's
        self.config = SimpleNamespace(num_frames=1, stem="imagenet")
        self.preprocessing = atr.Preprocessing(4, 4, mean=(0, 0, 0), std=(1, 1, 1))
        self.blocks = {"S1B1": self.locator}
        self.backbone = SimpleNamespace(slots=lambda: self.blocks)

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

    monkeypatch.setattr("analysis.what_if.faithfulness.gradcam", darkness)
    rows, broken = curves_of_clips(Perfect(), WhiteCell(), "S1B1", partial=tmp_path, batch_size=2)
    assert broken == {}
    return rows


def numbers(toy):
    return faithfulness_numbers(
        toy["probability"],
        toy["predicted"],
        np.array(WhiteCell.targets),
        orders_of(Perfect(), "S1B1"),
        hidden_counts((2, 2)) / 4,
    )


def test_a_perfect_map_by_hand(toy):
    """Deletion: the white cell goes first, 1 0 0 0 0, area ¼·½ = 0.125. Insertion: 0 1 1 1 1, area 0.875."""
    assert orders_of(Perfect(), "S1B1")[0] == "actionness"
    np.testing.assert_allclose(toy["probability"][:, 0, 0], [[1, 0, 0, 0, 0]] * 4, atol=1e-6)
    np.testing.assert_allclose(toy["probability"][:, 1, 0], [[0, 1, 1, 1, 1]] * 4, atol=1e-6)
    deletion, insertion = (
        next(c for c in numbers(toy)["curves"] if (c["mode"], c["order"]) == (mode, "actionness"))
        for mode in ("deletion", "insertion")
    )
    assert deletion["area"] == pytest.approx(0.125, abs=1e-6)
    assert insertion["area"] == pytest.approx(0.875, abs=1e-6)
    assert deletion["accuracy"] == [0.75, 0.25, 0.25, 0.25, 0.25]  # the fourth clip's label is "nothing"
    assert insertion["accuracy"] == [0.25, 0.75, 0.75, 0.75, 0.75]


def test_the_worst_map_by_hand(toy):
    """The white cell goes last: 1 1 1 1 0 and 0 0 0 0 1."""
    column = orders_of(Perfect(), "S1B1").index("Grad-CAM")
    areas = areas_under(toy["probability"][:, :, column], SHARES)
    np.testing.assert_allclose(areas, [[0.875, 0.125]] * 4, atol=1e-6)


def test_the_random_order_by_hand(toy):
    """A white cell of rank r is seen at the points 0 … r of deletion: area (2r + 1) / 8; insertion mirrors it."""
    column = orders_of(Perfect(), "S1B1").index("random")
    areas = areas_under(toy["probability"][:, :, column], SHARES)
    for index in range(4):
        ranks = hiding_order(np.zeros((1, 2, 2)), np.random.default_rng((0, index)))
        rank = ranks[0, index // 2, index % 2]
        assert areas[index, 0] == pytest.approx((2 * rank + 1) / 8, abs=1e-6)
        assert areas[index, 1] == pytest.approx(1 - (2 * rank + 1) / 8, abs=1e-6)


def test_differences_are_paired_and_signed(toy):
    result = numbers(toy)
    column = orders_of(Perfect(), "S1B1").index("random")
    areas = areas_under(toy["probability"], SHARES)
    entry = next(
        d
        for d in result["differences"]
        if (d["mode"], d["of"], d["against"]) == ("deletion", "actionness", "random")
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
    assert len(curves_table(result)) == 5 * len(result["curves"])


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
    with pytest.raises(KeyboardInterrupt):
        curves_of_clips(model, clips, "S5B2", save_every=0, progress=stop_at(2), **options)
    seen = []
    resumed, _ = curves_of_clips(model, clips, "S5B2", progress=lambda *done: seen.append(done), **options)
    assert seen == [(2, 2)]  # one of the two was there already
    whole, _ = curves_of_clips(model, clips, "S5B2", partial=tmp_path / "whole", batch_size=1)
    assert resumed.keys() == whole.keys()
    for name in whole:
        np.testing.assert_array_equal(resumed[name], whole[name])


def test_the_command_writes_a_result_once(folder, tmp_path, monkeypatch, capsys):
    assert command(folder, tmp_path, block="S4B1").run("python -m analysis faithfulness") == 0
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
    assert found == faithfulness_folder(tmp_path, folder / "net", result["data"]["digest"], "S4B1")
    monkeypatch.setattr("atr.results.questions.found_by", None)
    capsys.readouterr()
    assert command(folder, tmp_path, block="S4B1").run("python -m analysis faithfulness") == 0  # only printed
    assert "actionness minus random" in capsys.readouterr().out


def test_another_filling_is_another_result(folder, tmp_path):
    for fill in ("mean", "blur"):
        assert command(folder, tmp_path, fill=fill).run("python -m analysis faithfulness") == 0
    first, second = (read_result(found) for found in sorted(tmp_path.glob("faithfulness-net-*")))
    assert {first["fill"], second["fill"]} == {"mean", "blur"}
    assert first["block"] == "S5B2"  # the last one
    assert first["curves"] != second["curves"]


def test_a_network_without_actionness_says_so(folder, tmp_path, capsys):
    assert command(folder, tmp_path, name="plain", block="S4B2").run("python -m analysis faithfulness") == 0
    assert "S4B2 has no Action-related Region Locator" in capsys.readouterr().out
    (found,) = tmp_path.glob("faithfulness-plain-*")
    assert read_result(found)["orders"] == ["Grad-CAM", "centre", "random"]


def test_an_unknown_block_is_refused_before_anything_is_computed(folder, tmp_path):
    with pytest.raises(ValueError, match="block='S6B1' is unknown; allowed: S2B1, .*S5B2"):
        command(folder, tmp_path, block="S6B1").run("python -m analysis faithfulness")
    assert not list(tmp_path.iterdir())
