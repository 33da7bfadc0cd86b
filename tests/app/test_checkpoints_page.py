"""The page "Checkpoints"."""

import json
import re
import shutil

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from atr.block import BLOCKS
from atr.checkpoint import read_config
from atr.describe import describe
from atr.models import ModelConfig
from tests.app.conftest import ROOT, errors
from tests.app.world import SIDE, write_checkpoint


def test_the_checkpoints_page_lists_whole_and_broken_folders(launch, world):
    write_checkpoint(world / "checkpoints" / "with-maps", block="atr", reasoner="gr", num_reasoners=1)
    write_checkpoint(world / "checkpoints" / "bare")
    (world / "checkpoints" / "empty").mkdir()
    app = launch("checkpoints")
    (error,) = errors(app)
    assert "empty" in error and "config.json" in error
    table = app.dataframe[0].value
    assert list(table["Checkpoint"]) == ["bare", "with-maps"]
    assert list(table["Block"]) == ["none", "ATR"] and list(table["Placement"]) == ["", "S3-5"]
    assert list(table["Top-1"]) == [62.5] * 2 and set(table["Trained on"]) == {"nothing at all"}
    assert (table["parameters"] > 0).all() and (table["macs"] > 0).all()


def test_the_chosen_checkpoint_of_the_table_has_its_details_and_the_address(launch, world):
    write_checkpoint(world / "checkpoints" / "with-maps", block="atr", reasoner="gr", num_reasoners=1)
    write_checkpoint(world / "checkpoints" / "bare")
    app = launch("checkpoints")
    assert [heading.value for heading in app.subheader] == ["bare"]
    assert app.query_params == {"checkpoint": "bare"}
    app = launch("checkpoints", checkpoint="with-maps")
    assert [heading.value for heading in app.subheader] == ["with-maps"]
    assert app.query_params == {"checkpoint": "with-maps"}
    texts = [markdown.value for markdown in app.markdown]
    assert any("ATR at S3-5 · GR×1 · distribution add" in text for text in texts)
    assert any("nothing at all" in text for text in texts)
    assert [metric.value for metric in app.metric if metric.label == "Top-1"] == ["62.5 %"]
    assert [code.value for code in app.code] == ["python -m atr train --preset with-maps"]
    app.switch_page("views/actionness.py").run()
    assert app.selectbox(key="checkpoint").value == "with-maps"


def test_the_health_of_blocks_is_shown_where_it_was_measured(launch, world, monkeypatch):
    (folder,) = (ROOT / "assets" / "results").glob("health-tabletop-tsm-atr-*")
    stored = json.loads((folder / "result.json").read_text())
    stored["blocks"][1]["state"] = "frozen"
    write_checkpoint(world / "checkpoints" / "measured", block="atr")
    write_checkpoint(world / "checkpoints" / "other", block="atr")
    monkeypatch.setattr(
        "app.loading.results.readable_results",
        lambda name, kind: ({folder: stored} if (name, kind) == ("measured", "health") else {}, []),
    )
    app = launch("checkpoints")
    assert list(app.dataframe[0].value["alive"]) == ["5 of 6", ""]
    assert any(each.value.startswith("**Health of its blocks**") for each in app.markdown)
    assert list(app.dataframe[1].value["state"]) == ["alive", "frozen", *["alive"] * 4]
    app = launch("checkpoints", checkpoint="other")
    assert not any("Health" in each.value for each in app.markdown)


def test_history_and_confusions_are_shown_where_they_are_recorded(launch, world):
    folder = write_checkpoint(world / "checkpoints" / "known", block="atr")
    app = launch("checkpoints")
    assert not app.get("plotly_chart") and "most_confused" not in folder.joinpath("config.json").read_text()
    recorded = json.loads(folder.joinpath("config.json").read_text())
    history = [{"phase": "clips", "epoch": 1, "loss": 1.0, "dev_top1": 0.5}]
    confused = [{"true": "nothing", "predicted": "moving left", "clips": 2, "of": 5}]
    recorded |= {"history": history, "most_confused": confused}
    folder.joinpath("config.json").write_text(json.dumps(recorded))
    app = launch("checkpoints")
    assert len(app.get("plotly_chart")) == 1 and not app.exception
    assert any("predicted" in frame.value and list(frame.value["clips"]) == ["2"] for frame in app.dataframe)


def test_many_checkpoints_cost_one_look_at_each_configuration_and_no_network(launch, world, monkeypatch):
    first = write_checkpoint(world / "checkpoints" / "first", block="atr")
    for number in range(40):
        shutil.copytree(first, world / "checkpoints" / f"copy-{number:02d}")

    def refuse(folder):
        raise AssertionError(f"{folder} was loaded")

    monkeypatch.setattr("app.loading.checkpoints.load_checkpoint", refuse)
    described = []
    monkeypatch.setattr("app.loading.checkpoints.describe", lambda *of: described.append(of) or describe(*of))
    read = []
    monkeypatch.setattr(
        "atr.checkpoint.read_config", lambda folder: read.append(folder) or read_config(folder)
    )
    st.cache_data.clear()
    app = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=120)
    app.switch_page("views/checkpoints.py").run()
    assert not errors(app) and not app.exception
    assert len(app.dataframe[0].value) == 41 and len(app.subheader) == 1
    assert len(described) == 1  # one configuration, counted once
    assert len(read) == len(set(read)) == 41
    app.run()
    assert len(described) == 1 and len(read) == 41 and not app.exception


def test_a_network_of_an_unknown_kind_is_one_error_beside_the_others(launch, world):
    for name in ("good", "strange"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    path = world / "checkpoints" / "strange" / "config.json"
    path.write_text(path.read_text().replace('"block": "atr"', '"block": "future"'))
    app = launch("checkpoints")
    (error,) = errors(app)
    assert "strange" in error and "'future'" in error
    assert [heading.value for heading in app.subheader] == ["good"]
    assert list(app.dataframe[0].value["Checkpoint"]) == ["good"]


def test_a_new_kind_of_block_is_shown_by_its_own_name(launch, world, monkeypatch):
    write_checkpoint(world / "checkpoints" / "new", block="atr")
    path = world / "checkpoints" / "new" / "config.json"
    known = describe(ModelConfig.from_dict(json.loads(path.read_text())["model"]), 64)
    path.write_text(path.read_text().replace('"block": "atr"', '"block": "future"'))
    monkeypatch.setattr("app.loading.checkpoints.describe", lambda config, size: known)
    monkeypatch.setitem(BLOCKS, "future", BLOCKS["atr"])
    app = launch("checkpoints")
    assert not errors(app)
    assert any("future at S3-5" in markdown.value for markdown in app.markdown)


@pytest.mark.parametrize(
    "odd",
    [
        {"metrics": ["top1", 0.5]},
        {"metrics": {"top1": "high", "<b>x</b>": 0.5, "[a](http://x)": 0.25}},
        {"metrics": None, "command": ["python", {"-m": "atr"}], "training_data": {"a": [1, None]}},
        {"history": "none", "most_confused": 5, "training": [[[]]], "environment": "x" * 100_000},
        {
            "history": [{"loss": "low"}, {"loss": 1.0, "phase": []}],
            "most_confused": [{"true": [1], "of": None}, 3],
        },
        {"training_data": "[a](http://x) <script>alert(1)</script>"},
    ],
)
def test_facts_of_odd_kinds_are_shown_and_no_fault(launch, world, odd):
    folder = write_checkpoint(world / "checkpoints" / "odd", block="atr")
    write_checkpoint(world / "checkpoints" / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | odd))
    app = launch("checkpoints")
    assert not errors(app)
    assert list(app.dataframe[0].value["Checkpoint"]) == ["odd", "other"]
    assert [each.value for each in app.subheader] == ["odd"]  # the chosen row, with its details
    for text in app.markdown:
        assert not re.search(r"(?<!\\)[\[<]", text.value), "a link or markup that would be rendered"


def test_the_figures_of_a_checkpoint_are_its_own(launch, world):
    folder = write_checkpoint(world / "checkpoints" / "only", block="atr")
    config = json.loads((folder / "config.json").read_text())
    config["metrics"] = {"top1": 0.625, "top5": 0.9, "within_pairs": 0.75}
    config["preprocessing"] |= {"short_side": SIDE + 16}  # the network is given the crop
    (folder / "config.json").write_text(json.dumps(config))
    app = launch("checkpoints")
    costs = describe(ModelConfig.from_dict(config["model"]), SIDE)
    table = app.dataframe[0].value.iloc[0]
    assert (table["Top-1"], table["Top-5"], table["Within pairs"]) == (62.5, 90.0, 75.0)
    assert (table["parameters"], table["macs"]) == (costs.parameters / 1e6, costs.macs / 1e9)
    assert (table["Reasoner"], table["Distribution"]) == ("ER×2", "add")
    size = (folder / "model.safetensors").stat().st_size / 1e6
    assert {metric.label: metric.value for metric in app.metric} == {
        "Top-1": "62.5 %",
        "Top-5": "90.0 %",
        "Within pairs": "75.0 %",
        "Parameters, M": f"{costs.parameters / 1e6:.3f}",
        "MACs, G": f"{costs.macs / 1e9:.3f}",
        "File": f"{size:.1f} MB",
        "Classes": "3",
    }
