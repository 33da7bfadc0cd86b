"""python -m analysis health on real files."""

import numpy as np
import pandas as pd
import pytest
import torch

import atr
from analysis.commands.health import Health
from analysis.commands.localize import Localize
from analysis.commands.relations import Relations
from analysis.health import COLUMNS, HealthResult, health_table, vitals_of_clips
from atr.data.videos import VideoClips
from atr.files import read_arrays
from atr.results.health import health_numbers, watch
from atr.results.questions import Options
from atr.results.store import read_result
from atr.video.transforms import normalise
from tests.app.world import write_checkpoint, write_clips


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("health")
    write_clips(folder / "clips")
    write_checkpoint(folder / "net", block="atr", placement=("S3B1", "S5B2"))
    write_checkpoint(folder / "graph", block="atr_sim", placement=("S5B2",), reasoner="gr")
    write_checkpoint(folder / "bare")
    return folder


def command(folder, out, name) -> Health:
    return Health(Options(folder / name, data=str(folder / "clips"), out=out))


def test_the_command_writes_what_a_watched_pass_sees(folder, tmp_path, capsys):
    assert command(folder, tmp_path, "net").run("python -m analysis health") == 0
    (place,) = tmp_path.glob("health-net-*")
    result = read_result(place, HealthResult)
    model = atr.load_checkpoint(folder / "net")
    clips = VideoClips(folder / "clips", num_frames=4, preprocessing=model.preprocessing)
    seen, _ = vitals_of_clips(model.train(), clips, partial=tmp_path / "partial")
    assert model.training
    model.eval()
    frames = torch.stack([normalise(clips.sampled_frames(i), model.preprocessing) for i in range(2)])
    with torch.inference_mode(), watch(model) as vitals:
        model(frames)
    expected = health_numbers(vitals.values(), vitals.cells)
    assert [block["block"] for block in result["blocks"]] == ["S3B1", "S5B2"]
    for key in ("largest", "peak", "times_uniform", "same_cell", "share"):
        found = [block[key] for block in result["blocks"]]
        assert found == pytest.approx([block[key] for block in expected], rel=1e-4)
    assert result["clips"] == 2 and [block["cells"] for block in result["blocks"]] == [64, 4]
    arrays = read_arrays(place / "health.npz")
    assert arrays["peak"].shape == (2, 2) and np.isnan(arrays["relation_peak"]).all()
    assert arrays["blocks"].tolist() == ["S3B1", "S5B2"]
    np.testing.assert_allclose(seen["peak"], arrays["peak"], rtol=1e-4)
    table = pd.read_csv(place / "health.csv")
    assert table["softmax peak"].tolist() == pytest.approx([block["peak"] for block in result["blocks"]])
    printed = capsys.readouterr().out
    assert "collapsed: softmax peak >= 0.8 and same cell >= 0.6" in printed
    assert "logit spread" not in printed  # no block has a graph reasoner


def test_a_graph_reasoner_is_told_by_its_relations(folder, tmp_path):
    assert command(folder, tmp_path, "graph").run("python -m analysis health") == 0
    (place,) = tmp_path.glob("health-graph-*")
    (block,) = read_result(place, HealthResult)["blocks"]
    assert block["peak"] is None and 1 / 4 <= block["relation_peak"] <= 1 and block["relation_spread"] >= 0


@pytest.mark.parametrize("command", [Health, Localize, Relations])
def test_a_network_whose_values_overflow_has_no_result(folder, tmp_path, command):
    name = "graph" if command is Relations else "net"
    model = atr.load_checkpoint(folder / name)
    model.fc.weight.data.fill_(3e38)
    broken = atr.save_checkpoint(tmp_path / "broken", model, labels=model.labels)
    options = Options(broken, data=str(folder / "clips"), out=tmp_path / "results")
    for _ in range(2):
        with pytest.raises(ValueError, match="the network's class scores are no numbers"):
            command(options).run("")
    assert not list((tmp_path / "results").glob("*/result.json"))


def test_a_network_without_blocks_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="bare has no ATR or ATR_sim block"):
        command(folder, tmp_path, "bare").run("python -m analysis health")
    assert not list(tmp_path.iterdir())


def test_what_one_block_lacks_and_another_has_is_in_the_table():
    one = dict.fromkeys(COLUMNS) | {"block": "S3B1", "state": "alive", "peak": 0.5}
    table = health_table({"blocks": [one, one | {"block": "S5B2", "peak": None, "share": 0.1}]})
    assert list(table) == ["block", "state", "softmax peak", "|F|/|X|"]
