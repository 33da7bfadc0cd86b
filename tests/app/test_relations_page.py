"""The page "Temporal relations": with a stored result, without one, with checkpoints that have no W."""

import json
import time
from functools import partial

import numpy as np
import pytest
import torch

from analysis.__main__ import main
from analysis.actionness import clip_actionness
from analysis.relations import curves
from analysis.relations import fig4 as panels
from analysis.relations.fig4 import limits_of
from analysis.relations.numbers import RelationsResult, class_entries, relations_folder
from app import loading
from app.runs import Run
from atr import create_model
from atr.checkpoint import load_checkpoint, save_checkpoint
from atr.preprocessing import Preprocessing
from atr.results.store import read_result
from tests.app.conftest import open_link
from tests.app.world import GRAPH, LABELS, store_relations, write_checkpoint


@pytest.fixture
def graph(world, monkeypatch):
    monkeypatch.setenv("ATR_RESULTS", str(world / "results"))
    return write_checkpoint(world / "checkpoints" / "graph", **GRAPH)


def keys(elements):
    return {element.proto.id.removesuffix("'").split("-")[-1] for element in elements}


def charts(app):
    return len(app.get("plotly_chart"))


def opened(app, tab: str):
    """The page with that tab open, which alone is drawn."""
    app.session_state["relations_tab"] = tab
    app.run()
    assert not app.exception
    return app


def test_without_a_checkpoint_the_page_says_so(launch, world):
    (error,) = launch("relations").error
    assert str(world / "checkpoints") in error.value


def test_a_stored_result_is_shown_with_its_numbers(launch, world, graph):
    write_checkpoint(world / "checkpoints" / "efficient", block="atr")
    store_relations(world, graph)
    app = launch("relations")
    assert (
        app.selectbox(key="relations_checkpoint").value == "graph"
    )  # by itself, though another stands in front
    assert not app.error
    assert not app.exception
    assert "over 2 videos" in app.markdown[0].value
    # Two panels and the enlarged block, and what the open tab has.
    tabs = ("Local mass", "Convergence", "Per class", "Untrained control", "ER kernels", "Numbers")
    assert [charts(opened(app, tab)) - 3 for tab in tabs] == [1, 1, 1, 2, 2, 0]
    (sentences,) = [m.value for m in app.markdown if "mass within one step" in m.value]
    assert [line.split("**")[1] for line in sentences.splitlines()] == ["S4B1", "S5B2"]
    table = next(frame.value for frame in app.dataframe if "js_mean" in frame.value)
    assert set(table["network"]) == {"trained", "untrained"}
    assert opened(app, "ER kernels").selectbox(key="er_checkpoint").options == ["efficient"]
    assert {"get CSV", "get NPZ", "get SVG", "get PDF", "get HTML"} <= keys(app.get("download_button"))
    nats = table["js_mean"].to_numpy()
    opened(app, "Numbers").button_group(key="unit").set_value("bits").run()
    table = next(frame.value for frame in app.dataframe if "js_mean" in frame.value)
    np.testing.assert_allclose(table["js_mean"], nats / np.log(2), rtol=1e-12)


def drawn_by(monkeypatch, *names: str) -> dict[str, list]:
    """What the page hands to these figures: name -> (arguments, options) of every call."""
    calls = {name: [] for name in names}

    def recorded(name, draw, *arguments, **options):
        calls[name].append((arguments, options))
        return draw(*arguments, **options)

    for name in names:
        draw = getattr(curves if hasattr(curves, name) else panels, name)
        module = "curves" if hasattr(curves, name) else "fig4"
        monkeypatch.setattr(f"analysis.relations.{module}.{name}", partial(recorded, name, draw))
    return calls


def test_every_tab_shows_what_its_name_says(launch, world, graph, monkeypatch):
    store_relations(world, graph)
    folder = next(world.glob("results/relations-graph-*"))
    result = read_result(folder, RelationsResult)
    calls = drawn_by(monkeypatch, "matrices_figure", "windows_figure", "local_mass_figure")
    app = launch("relations")

    def last(tab: str, name: str):
        calls[name].clear()
        opened(app, tab)
        return calls[name][-1]

    scale = limits_of(result["trained"])
    (entries,), options = last("Untrained control", "matrices_figure")
    assert entries == result["untrained"] and options["limits"] == scale
    assert last("Untrained control", "windows_figure")[0] == (result["untrained"],)
    assert last("Local mass", "local_mass_figure")[0] == (result["trained"], result["untrained"])
    opened(app, "Per class")
    app.selectbox(key="relation_class").set_value(LABELS[1]).run()
    (entries,), options = calls["matrices_figure"][-1]
    assert entries == class_entries(folder, 1) and options["limits"] == scale
    app.button_group(key="unit").set_value("bits").run()
    assert "The files hold JS in nats." in [caption.value for caption in app.caption]


def test_the_number_of_videos_of_a_class_is_its_own(launch, world, graph):
    file = world / "clips" / "annotations.json"
    listed = json.loads(file.read_text())
    more = {**listed["clips"][1], "id": "val-000002"}
    file.write_text(json.dumps({**listed, "clips": [*listed["clips"], more]}))
    store_relations(world, graph)
    app = opened(launch("relations"), "Per class")
    for label, count in ((LABELS[0], "1 video,"), (LABELS[1], "2 videos,")):
        app.selectbox(key="relation_class").set_value(label).run()
        assert any(caption.value.startswith(count) for caption in app.caption), label


def test_kernels_are_of_a_window_of_three_and_first_those_of_the_same_block(
    launch, world, graph, monkeypatch
):
    checkpoints = world / "checkpoints"
    write_checkpoint(checkpoints / "a-other", block="atr")
    same = write_checkpoint(checkpoints / "b-same", block="atr_sim")
    write_checkpoint(checkpoints / "c-wider", block="atr_sim", k=2)
    model = load_checkpoint(same)
    with torch.no_grad():
        for block in model.blocks.values():
            for reasoner in (each for each in block.reasoner if hasattr(each, "weight")):
                if reasoner.weight.ndim == 3:
                    reasoner.weight += 1
    save_checkpoint(same, model, labels=model.labels, preprocessing=model.preprocessing)
    store_relations(world, graph)
    calls = drawn_by(monkeypatch, "kernels_figure")
    app = opened(launch("relations"), "ER kernels")
    assert app.selectbox(key="er_checkpoint").options == ["b-same", "a-other"]
    (learned, started, windows), _ = calls["kernels_figure"][0]
    assert not windows
    for key, summary in learned.items():
        np.testing.assert_allclose(summary["mean"] - started[key]["mean"], 1, atol=0.2)  # noise


def test_without_its_arrays_a_result_has_one_error_where_they_are_wanted(launch, world, graph):
    store_relations(world, graph)
    (arrays,) = world.glob("results/relations-graph-*/relations.npz")
    arrays.write_bytes(b"no arrays")
    app = launch("relations")
    assert not app.error and charts(app) == 4
    (error,) = opened(app, "Per class").error
    assert "relations.npz" in error.value
    assert charts(app) == 3  # all but that of the class


def test_a_choice_and_a_link_win_over_the_graph_reasoner(launch, world, graph):
    write_checkpoint(world / "checkpoints" / "other", block="atr")
    app = launch("relations")
    app.selectbox(key="relations_checkpoint").set_value("other").run()
    assert "no matrix W" in app.info[0].value
    assert app.query_params == {"checkpoint": "other"}
    assert open_link("relations", **app.query_params).selectbox(key="relations_checkpoint").value == "other"
    app.switch_page("views/actionness.py").run()
    assert app.selectbox(key="checkpoint").value == "other"  # chosen for all pages
    app.switch_page("views/relations.py").run()
    assert app.selectbox(key="relations_checkpoint").value == "other"


def test_the_first_graph_reasoner_is_shown_unless_another_one_was_chosen(launch, world, graph):
    config = (
        write_checkpoint(world / "checkpoints" / "bare") / "config.json"
    )  # asks for GR, and has no block for it
    config.write_text(config.read_text().replace('"reasoner": "er"', '"reasoner": "gr"'))
    assert load_checkpoint(config.parent).config.atr.reasoner == "gr"
    write_checkpoint(world / "checkpoints" / "graph of another", **GRAPH)
    for first in (launch, open_link):  # by another page, and as the first one
        assert first("relations").selectbox(key="relations_checkpoint").value == "graph"
    for app in (launch(), open_link("relations", checkpoint="graph")):
        app.switch_page("views/actionness.py").run()
        app.selectbox(key="checkpoint").select("graph of another").run()
        app.switch_page("views/relations.py").run()
        assert app.selectbox(key="relations_checkpoint").value == "graph of another"


def test_the_other_pages_keep_the_checkpoint_that_was_chosen_there(launch, world, graph):
    for name in ("efficient", "other"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch()
    app.selectbox(key="checkpoint").select("other").run()
    for _ in range(2):
        app.switch_page("views/relations.py").run()
        assert app.selectbox(key="relations_checkpoint").value == "graph"
        app.switch_page("views/actionness.py").run()
        assert app.selectbox(key="checkpoint").value == "other"


def test_a_link_restores_block_unit_tab_and_class(launch, world, graph):
    store_relations(world, graph)
    app = launch("relations")
    assert set(app.query_params) == {"checkpoint", "enlarged", "unit", "tab"}
    (other,) = {"S4B1", "S5B2"} - {app.query_params["enlarged"]}
    link = {"checkpoint": "graph", "enlarged": other, "unit": "bits", "tab": "Per class", "class": LABELS[1]}
    app = open_link("relations", **link)
    assert app.query_params == link and not app.warning and not app.error
    assert app.selectbox(key="relation_class").value == LABELS[1]
    (result,) = (json.loads(path.read_text()) for path in world.glob("results/relations-*/result.json"))
    (entry,) = (entry for entry in result["trained"] if entry["block"] == other)
    steps = ", ".join(str(column + 1) for column in entry["argmax"])
    assert f"{other}: strongest column of rows 1 to 4: {steps}" in [caption.value for caption in app.caption]
    scales = [json.loads(chart.proto.spec)["layout"].get("coloraxis") for chart in app.get("plotly_chart")]
    assert [scale["cmax"] for scale in scales if scale] == [limits_of(result["trained"])[1]] * 3
    assert "class" not in opened(app, "Numbers").query_params
    assert any(caption.value.startswith("JS in bits. ") for caption in app.caption)


def test_unknown_values_of_a_link_are_one_warning_until_something_else_is_looked_at(world, graph):
    store_relations(world, graph)
    app = open_link("relations", enlarged="S9B9", unit="trits", tab="Sums")
    (warning,) = app.warning
    for value, allowed in (("S9B9", "S4B1, S5B2"), ("trits", "nats, bits"), ("Sums", "Local mass, Conv")):
        assert f"'{value}', which is not here; there are: {allowed}" in warning.value
    app.button_group(key="unit").set_value("bits").run()
    assert not app.warning and not app.error


def test_without_a_result_it_can_be_computed_and_then_appears(launch, world, graph):
    app = launch("relations")
    assert "No average" in app.info[0].value
    app.number_input(key="clips tabletop:val relations").set_value(2).run()
    app.button(key="compute relations").click().run()
    deadline = time.monotonic() + 120
    while not list((world / "results").glob("relations-*/result.json")):
        assert time.monotonic() < deadline, "\n".join(
            p.read_text() for p in (world / "results").glob(".*.log")
        )
        time.sleep(0.5)
    app.run()
    assert not app.error
    assert "over 2 videos" in app.markdown[0].value


def test_an_incomplete_result_is_warned_of_and_another_can_be_computed(launch, world, graph):
    store_relations(world, graph)
    (path,) = (world / "results").glob("relations-*/result.json")
    result = json.loads(path.read_text())
    del result["data"]["description"]
    path.write_text(json.dumps(result))
    app = launch("relations")
    (warning,) = app.warning
    assert path.parent.name in warning.value and "has no 'data.description'" in warning.value
    assert app.button(key="compute relations") and not app.error


def test_a_run_under_way_is_found_after_a_reload_and_can_be_stopped(launch, world, graph, tmp_path):
    digest = "of a number of clips that the page does not offer by itself"
    run = Run(relations_folder(world / "results", graph, digest))
    arguments = [
        "relations",
        "--checkpoint",
        str(graph),
        "--num-videos",
        "19999",
        "--out",
        str(tmp_path / "other"),
    ]
    run.start([*arguments, "--cache", str(tmp_path / "cache")])
    try:
        app = launch("relations")
        stop = app.button(key=f"stop {run.folder.name}")
        assert app.button(key="compute relations")  # another number of clips can be asked for meanwhile
    finally:
        if run.pid() is not None:
            stop.click().run()
    assert run.pid() is None
    assert not app.exception
    assert not [button for button in app.button if button.key.startswith("stop")]


def test_the_shipped_clips_can_be_averaged_too(launch, world, graph):
    app = launch("relations")
    app.selectbox(key="data relations").set_value(str(world / "clips")).run()
    assert app.number_input(key=f"clips {world / 'clips'} relations").value == 2
    store_relations(world, graph)
    app.run()
    assert "stored already" in " ".join(caption.value for caption in app.caption)


@pytest.mark.parametrize("labels", [LABELS, ["x", "y", "z"]])
def test_the_run_that_is_watched_is_that_of_the_result(launch, world, graph, monkeypatch, labels):
    write_checkpoint(graph, labels=labels, **GRAPH)
    asked = []
    monkeypatch.setattr(Run, "start", lambda run, arguments, module: asked.append((run.folder, arguments)))
    app = launch("relations")
    app.selectbox(key="data relations").set_value(str(world / "clips")).run()
    app.button(key="compute relations").click().run()
    ((folder, arguments),) = asked
    assert main([*arguments, "--cache", str(world / "cache")]) == 0
    assert list((world / "results").glob("relations-*")) == [folder]


def test_checkpoints_without_w_say_why(launch, world):
    write_checkpoint(world / "checkpoints" / "efficient", block="atr")
    write_checkpoint(world / "checkpoints" / "plain")
    app = launch("relations")
    assert "no matrix W" in app.info[0].value
    assert charts(app) == 1
    app.selectbox(key="relations_checkpoint").set_value("plain").run()
    assert "no ATR block" in app.info[0].value
    assert charts(app) == 0


def test_a_broken_checkpoint_is_one_error(launch, world):
    (world / "checkpoints" / "broken").mkdir()
    (error,) = launch("relations").error
    assert "config.json" in error.value


def test_two_who_ask_share_one_run_and_it_can_be_stopped(world, tmp_path):
    clips = write_checkpoint(tmp_path / "graph", **GRAPH)
    first, second = Run(tmp_path / "results" / "relations-x"), Run(tmp_path / "results" / "relations-x")
    arguments = [
        "relations",
        "--checkpoint",
        str(clips),
        "--num-videos",
        "20000",
        "--cache",
        str(tmp_path / "cache"),
    ]
    first.start([*arguments, "--out", str(tmp_path / "results")])
    pid = first.pid()
    second.start(["relations", "--help"])
    assert second.pid() == pid
    assert second.failure() is None
    second.stop()
    deadline = time.monotonic() + 30
    while second.record.exists() or first.pid() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_failed_run_tells_its_last_line(world, tmp_path):
    run = Run(tmp_path / "results" / "relations-y")
    run.start(["relations", "--checkpoint", str(tmp_path / "nowhere")])
    deadline = time.monotonic() + 60
    while run.pid() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "nowhere is no folder; a checkpoint is a folder with config.json" in run.failure()


def test_the_actionness_page_shows_w_of_the_clip(launch, world, graph):
    app = launch()
    assert not app.error
    assert "Temporal relations of this clip" in [heading.value for heading in app.subheader]
    assert app.segmented_control(key="relation_block").options[-1] == "S5B2"
    assert len(app.get("bidi_component")) == 4  # gallery, its choice, explorer, relation grid
    write_checkpoint(world / "checkpoints" / "efficient", block="atr")
    app = launch()
    app.selectbox(key="checkpoint").set_value("efficient").run()
    assert "Temporal relations of this clip" not in [heading.value for heading in app.subheader]


def test_w_of_a_thinned_clip_has_one_colour_scale_for_all_blocks_and_the_frames_of_the_video(
    launch, world, graph, monkeypatch
):
    shown = []
    monkeypatch.setattr("app.explorer.relation_grid", lambda *of, limits: shown.append((*of, limits)))
    monkeypatch.setattr("app.loading.looks.clip_actionness", partial(clip_actionness, max_frames=6))  # of 12
    app = launch()
    app.segmented_control(key="relation_block").set_value("S4B1").run()
    block, matrix, frames, limits = shown[-1]
    relations = loading.look(loading.shipped_clips()[0], "graph", "crop").result.relations
    assert block == "S4B1"
    np.testing.assert_array_equal(matrix, relations[block][0])
    assert limits == (0, max(float(w.max()) for ws in relations.values() for w in ws))
    assert [frame["index"] for frame in frames] == [1, 4, 7, 10]


def test_a_graph_reasoner_of_too_few_frames_says_so_and_offers_nothing(launch, world):
    model = create_model("tsn_resnet18", num_classes=3, num_frames=2, width=0.125, **GRAPH).eval()
    save_checkpoint(
        world / "checkpoints" / "short", model, labels=LABELS, preprocessing=Preprocessing(64, 64)
    )
    app = launch("relations")
    (info,) = app.info
    assert "takes 2 frames, of which fewer than two have both neighbours" in info.value
    assert not app.error and not app.button


def test_a_result_without_classes_is_no_whole_one(launch, world, graph):
    store_relations(world, graph)
    (file,) = world.glob("results/relations-*/result.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"classes": []}))
    app = launch("relations", tab="Per class")
    assert any("classes" in element.value for kind in (app.warning, app.error) for element in kind)
