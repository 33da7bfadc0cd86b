"""Every page with no checkpoint, one, two, a broken one; choices, links and faults."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from analysis.actionness import clip_actionness
from analysis.commands.localize import Localize
from analysis.localize.numbers import LocalizeResult
from analysis.map_values import colour_limits, map_values
from analysis.sheets import block_frame_sheet
from app import browsing, loading
from app.exports import file_stem
from app.loading.checkpoints import FIRST_CHECKPOINT
from atr import create_model
from atr.block import BLOCKS
from atr.checkpoint import load_checkpoint, read_config, save_checkpoint
from atr.describe import describe
from atr.models import ModelConfig
from atr.preprocessing import Preprocessing
from atr.results.questions import Options
from atr.results.store import read_result
from tests.app.conftest import ROOT, open_link
from tests.app.world import LABELS, SIDE, write_calls, write_checkpoint


def errors(app) -> list[str]:
    return [error.value for error in app.error]


def test_without_a_checkpoint_both_pages_say_what_is_missing(launch, world):
    for page in ("actionness", "checkpoints"):
        (error,) = errors(launch(page))
        assert str(world / "checkpoints") in error
        assert "model.safetensors" in error


def test_the_first_launch_shows_the_first_clip_and_its_true_label(launch, world):
    write_checkpoint(world / "checkpoints" / "aaa", block="atr")
    write_checkpoint(world / "checkpoints" / FIRST_CHECKPOINT, block="atr")
    app = launch()
    assert not errors(app)
    assert app.selectbox(key="checkpoint").value == FIRST_CHECKPOINT
    assert app.title[0].value == "moving right"
    assert "predicts" in app.markdown[0].value
    assert len(app.get("bidi_component")) == 3  # gallery, its choice, and explorer
    assert any("are at the model's last time step" in caption.value for caption in app.caption)
    assert len(app.get("plotly_chart")) == 2
    assert len(app.get("download_button")) == 6


def test_the_picture_comes_before_new_thumbnails_and_an_error_leaves_them(launch, world, monkeypatch):
    network = write_checkpoint(world / "checkpoints" / "net", block="atr")
    order, payload, films = [], loading.payload, browsing.films
    monkeypatch.setattr(loading, "payload", lambda look: order.append("picture") or payload(look))
    monkeypatch.setattr(browsing, "films", lambda clips: order.append("thumbnails") or films(clips))
    app = launch()
    app.run()
    assert order == ["picture", "thumbnails", "thumbnails", "picture"]
    (network / "model.safetensors").write_bytes(b"no tensors")
    app = launch()
    assert len(errors(app)) == 1 and len(app.get("bidi_component")) == 2


def test_without_tabletop_atr_the_first_checkpoint_by_name_is_shown(launch, world):
    for name in ("zebra", "badger"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    assert launch().selectbox(key="checkpoint").value == "badger"


@pytest.mark.parametrize("options", [{}, {"block": "atr_sim"}], ids=["backbone", "atr_sim"])
def test_a_checkpoint_without_maps_shows_its_prediction_and_says_why(launch, world, options):
    write_checkpoint(world / "checkpoints" / "plain", **options)
    app = launch()
    assert not errors(app)
    assert "predicts" in app.markdown[0].value
    assert ["Action-related Region Locator" in info.value for info in app.info] == [True]
    assert len(app.get("bidi_component")) == 3
    assert len(app.get("plotly_chart")) == 1
    assert not app.get("download_button")


def test_a_foreign_folder_is_one_error_and_another_choice_mends_it(launch, world):
    write_checkpoint(world / "checkpoints" / "good", block="atr")
    (world / "checkpoints" / "foreign").mkdir()
    app = launch()
    assert app.selectbox(key="checkpoint").value == "good"
    app.selectbox(key="checkpoint").select("foreign").run()
    (error,) = errors(app)
    assert "foreign" in error and "config.json" in error
    app.selectbox(key="checkpoint").select("good").run()
    assert not errors(app) and not app.exception


@pytest.mark.parametrize("page", ["actionness", "what_if", "relations", "compare"])
def test_folders_that_are_no_checkpoints_are_one_line_beside_the_good_ones(launch, world, results, page):
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    for name in ("em*pty", "strange"):
        (world / "checkpoints" / name).mkdir()
    (world / "checkpoints" / "strange" / "config.json").write_text("{")
    app = launch(page)
    assert not errors(app)
    assert [caption.value for caption in app.sidebar.caption if "Cannot be used" in caption.value] == [
        r"Cannot be used, see Checkpoints: em\*pty, strange"
    ]


def test_a_checkpoint_in_the_place_of_their_folder_is_told(launch, world, monkeypatch):
    own = write_checkpoint(world / "checkpoints" / "own", block="atr")
    monkeypatch.setenv("ATR_CHECKPOINTS", str(own))
    (error,) = errors(launch("checkpoints"))
    assert "own is a checkpoint itself. Set ATR" in error and error.endswith("checkpoints.")


def test_a_shipped_clip_that_cannot_be_read_leaves_the_others(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "val-000001.mp4").write_bytes(b"this is no video")
    app = launch()
    assert app.title[0].value == "moving right" and not errors(app)
    (error,) = errors(launch(clip="val-000001"))
    assert error.startswith("val-000001: cannot be read as a video")


def test_a_damaged_list_of_clips_is_one_error_and_uploads_still_work(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "annotations.json").write_text("{")
    app = launch()
    (error,) = errors(app)
    assert "annotations.json" in error
    assert app.button_group(key="source").value == "Upload"
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert app.title[0].value == "mine.mp4" and len(errors(app)) == 1


def test_without_shipped_clips_uploads_come_first_and_it_is_said_where_they_would_be(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "annotations.json").unlink()
    app = launch()
    assert app.button_group(key="source").value == "Upload" and not errors(app)
    app.button_group(key="source").set_value("Shipped").run()
    (error,) = errors(app)
    assert error.startswith(f"There are no clips in {world / 'clips'}: ")


def test_the_first_upload_opens_with_a_checkpoint_that_has_learnt_from_videos(launch, world):
    for checkpoint, data, block in (
        ("drawn", "tabletop", "atr"),
        ("real", "people", "atr"),
        ("bare", "people", None),
    ):
        config = write_checkpoint(world / "checkpoints" / checkpoint, block=block) / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"training": {"data": data}}))
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    for asked, uploads in (({"checkpoint": "bare"}, ["bare"]), ({}, ["real", "drawn"])):
        app = launch(**asked)
        app.button_group(key="source").set_value("Upload").run()
        for name, expected in zip(("first", "second"), uploads, strict=False):
            app.file_uploader(key="upload").upload(f"{name}.mp4", video, "video/mp4").run()
            assert not app.exception and app.title[0].value == f"{name}.mp4"
            assert app.selectbox(key="checkpoint").value == expected
            app.selectbox(key="checkpoint").select("drawn").run()  # what a person chooses stays


def test_a_checkpoint_that_has_learnt_from_videos_stays_for_an_upload(launch, world):
    for checkpoint in ("first", "second"):
        config = write_checkpoint(world / "checkpoints" / checkpoint, block="atr") / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"training": {"data": "people"}}))
    app = launch()
    app.selectbox(key="checkpoint").select("second").run()
    app.button_group(key="source").set_value("Upload").run()
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert app.title[0].value == "mine.mp4" and app.selectbox(key="checkpoint").value == "second"


def test_what_is_stored_of_the_maps_is_said_below_the_picture(launch, world, results, monkeypatch):
    def said(app, start: str) -> list[str]:
        return [caption.value for caption in app.caption if start in caption.value]

    folder = write_checkpoint(world / "checkpoints" / "only", block="atr")
    assert not said(launch(), "Fig-5 score")
    options = Options(folder, data=str(world / "clips"), out=world / "results")
    assert Localize(options).run("python -m analysis localize") == 0
    (text,) = said(launch(), "Fig-5 score")
    result = read_result(next((world / "results").glob("localize-only-*")), LocalizeResult)
    scores = [
        entry for entry in result["fig5"]["scores"] if entry["method"] == "actionness" and entry["fig5"]
    ]
    assert scores and all(f"{entry['block']} {entry['fig5']['value']:.2f}" in text for entry in scores)
    assert "all blocks 0." in text and "what moves 0." in text and "chance 0." in text
    stored = {
        "clips": 40,
        "blocks": [{"block": "S4B1", "state": "frozen"}, {"block": "S5B1", "state": "alive"}],
    }
    monkeypatch.setattr(
        "app.actionness.below.readable_results",
        lambda name, kind: ({Path("x"): stored} if kind == "health" else {}, []),
    )
    (text,) = said(launch(), "Not alive")
    assert text.endswith("Not alive on 40 clips, so that their maps say little: S4B1 (frozen).")


def test_the_region_is_in_the_link(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    assert "region" not in app.query_params
    app.button_group(key="view").set_value("whole").run()
    assert app.query_params["region"] == "whole"
    app.button_group(key="view").set_value("crop").run()
    assert "region" not in app.query_params
    app = open_link("actionness", region="whole")
    assert app.button_group(key="view").value == "whole"
    app = open_link("actionness", region="half")
    assert any(
        "region 'half', which is not here; there are: crop, whole" in each.value for each in app.warning
    )


@pytest.mark.parametrize("what", ["checkpoint", "clip"])
def test_what_is_gone_is_told_where_another_is_shown_for_it(launch, world, what):
    for name in ("first", "sec*nd"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    (world / "checkpoints" / "empty").mkdir()
    app = launch(clip="val-000001", checkpoint="sec*nd")
    assert not app.toast
    if what == "checkpoint":
        shutil.rmtree(world / "checkpoints" / "sec*nd")
        told = r"The checkpoint 'sec\*nd' is no longer there; 'first' is shown."
    else:
        file = world / "clips" / "annotations.json"
        listed = json.loads(file.read_text())
        file.write_text(json.dumps(listed | {"clips": listed["clips"][:1]}))
        told = "The clip 'val-000001' is no longer there; 'val-000000' is shown."
    app.run()
    assert [toast.value for toast in app.toast] == [told] and not app.exception
    assert app.selectbox(key="checkpoint").value == ("first" if what == "checkpoint" else "sec*nd")


def test_an_upload_that_is_taken_back_is_gone(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Upload").run()
    video = (world / "clips" / "val-000001.mp4").read_bytes()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert app.title[0].value == "mine.mp4" and app.query_params == {}
    folder = Path(app.session_state["upload_folder"].name)
    assert len(list(folder.iterdir())) == 1
    app.switch_page("views/what_if.py").run()  # the uploader is another one there
    assert any("Chosen: mine.mp4" in caption.value for caption in app.caption)
    next(button for button in app.button if button.label == "Remove").click().run()
    assert not list(folder.iterdir()) and not any("Chosen:" in caption.value for caption in app.caption)
    app.switch_page("views/actionness.py").run()
    app.file_uploader(key="upload").upload("mine.mp4", video, "video/mp4").run()
    assert not [button for button in app.button if button.label == "Remove"]  # there is the uploader's own
    app.file_uploader(key="upload").clear().run()
    assert not app.title and not app.exception and not list(folder.iterdir())
    assert "Choose a video" in app.info[0].value and app.query_params == {}
    assert Path(app.session_state["upload_folder"].name) == folder


@pytest.mark.parametrize(
    ("called", "badge"),
    [(0, ":green-badge[:material/check: correct]"), (1, ":red-badge[:material/close: wrong]")],
)
def test_the_verdict_is_of_the_most_probable_class(launch, world, called, badge):
    model = create_model("tsn_resnet18", num_classes=3, num_frames=4, width=0.125, block="atr").eval()
    with torch.no_grad():
        model.fc.weight.zero_()
        model.fc.bias.copy_(4.0 * torch.eye(3)[called])
    sizes = Preprocessing(short_side=SIDE, crop=SIDE)
    save_checkpoint(world / "checkpoints" / "sure", model, labels=LABELS, preprocessing=sizes)
    app = launch()  # a clip of the first class
    probability = np.exp(4) / (np.exp(4) + 2)
    expected = f"sure predicts **{LABELS[called]}** · {probability:.1%} {badge}"
    assert app.markdown[0].value.endswith(expected)


def test_a_class_that_a_checkpoint_does_not_know_is_neither_correct_nor_wrong(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    file = world / "clips" / "annotations.json"
    badges = [any("-badge[:material" in text.value for text in launch().markdown)]
    file.write_text(file.read_text().replace("moving right", "peeling"))
    app = launch()
    badges.append(any("-badge[:material" in text.value for text in app.markdown))
    assert app.title[0].value == "peeling" and badges == [True, False]


def test_a_warning_of_a_link_goes_with_what_it_was_about(world, network):
    write_checkpoint(world / "checkpoints" / "other", block="atr")
    app = open_link("what_if", checkpoint="nobody")
    assert "'nobody'" in app.warning[0].value
    app.run()
    assert "'nobody'" in app.warning[0].value
    app.selectbox(key="checkpoint").select("other").run()
    assert not app.warning


def test_a_block_in_the_address_of_another_page_is_not_asked_of_the_explorer(world, network):
    write_checkpoint(world / "checkpoints" / "bare")
    app = open_link("what_if", checkpoint="bare", hide="random", block="S3B1")
    assert not app.warning
    app.switch_page("views/actionness.py").run()
    assert not app.warning and not app.exception


def test_damaged_weights_are_one_error(launch, world):
    folder = write_checkpoint(world / "checkpoints" / "damaged", block="atr")
    (folder / "model.safetensors").write_bytes(b"no tensors")
    (error,) = errors(launch())
    assert "model.safetensors is not one of safetensors" in error


def test_a_replaced_checkpoint_is_read_anew(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    assert app.get("download_button")
    shutil.rmtree(world / "checkpoints" / "only")
    write_checkpoint(world / "checkpoints" / "only")
    app.run()
    assert not app.exception
    assert not app.get("download_button")


def test_a_link_restores_clip_and_checkpoint(launch, world):
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch(clip="val-000001", checkpoint="second", block="S4B1", frame="7")
    assert app.title[0].value == "moving left"
    assert app.selectbox(key="checkpoint").value == "second"
    assert not app.warning
    assert (app.query_params["block"], app.query_params["frame"]) == ("S4B1", "7")  # the browser's own


def test_unknown_values_of_a_link_are_one_warning_and_the_defaults(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch(clip="val-9", checkpoint="nobody", block="S9B9", frame="-1")
    (warning,) = [warning.value for warning in app.warning]
    for value in ("'val-9'", "'nobody'", "'S9B9'", "'-1'"):
        assert value in warning
    assert app.title[0].value == "moving right"
    assert not errors(app)


def test_a_frame_of_thousands_of_digits_is_one_warning(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch(frame="1" * 5000)
    (warning,) = [warning.value for warning in app.warning]
    assert "which is not here; there are: 0, 1, 2" in warning and len(warning) < 500 and not errors(app)


@pytest.mark.parametrize("key", ["video", "masks"])
def test_a_list_of_clips_that_leads_out_of_its_folder_is_one_error(launch, world, key):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    path = world / "clips" / "annotations.json"
    annotations = json.loads(path.read_text())
    name = annotations["clips"][0][key]
    (world / name).write_bytes((world / "clips" / name).read_bytes())
    annotations["clips"][0][key] = f"../{name}"
    path.write_text(json.dumps(annotations))
    (error,) = errors(launch())
    assert f"{name}' lies outside {world / 'clips'}" in error


def test_damaged_masks_are_one_error(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "clips" / "val-000000.masks.npz").write_bytes(b"PK no masks")
    (error,) = errors(launch())
    assert "val-000000.masks.npz is no NPZ file with masks" in error


def test_a_link_to_a_path_outside_the_root_shows_nothing_of_it(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "secret.mp4").write_bytes((world / "clips" / "val-000000.mp4").read_bytes())
    app = launch(clip="../secret.mp4")
    assert "not allowed" in app.warning[0].value
    assert app.title[0].value == "moving right"


def test_a_typed_path_inside_the_root_is_shown_and_one_outside_is_one_error(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Path").run()
    app.text_input(key="path").input("val-000001.mp4").run()
    assert app.title[0].value == "val-000001.mp4" and not errors(app)
    app.text_input(key="path").input("  ").run()
    assert "Choose a video" in app.info[0].value and not errors(app)
    app.text_input(key="path").input("/etc/passwd").run()
    (error,) = errors(app)
    assert "'/etc/passwd' is not allowed" in error and str(world / "clips") in error


def test_an_uploaded_text_file_is_one_error_naming_it(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Upload").run()
    assert app.info and not errors(app)
    app.file_uploader(key="upload").upload("holiday.mp4", b"this is no video", "video/mp4").run()
    (error,) = errors(app)
    assert error.startswith("holiday.mp4: cannot be read as a video")


def test_the_sheet_and_the_files_may_be_drawn_flat_and_raw_m_signed(launch, world, monkeypatch):
    write_checkpoint(world / "checkpoints" / "only", block="atr", placement="S5")
    drawn = []

    def recorded(*arguments, **options):
        drawn.append((arguments[2], options["kind"]))
        return block_frame_sheet(*arguments, **options)

    monkeypatch.setattr("app.loading.sheets.block_frame_sheet", recorded)
    st.cache_data.clear()
    app = launch()
    scales, kind = drawn[-1]
    assert (kind, scales["S5B2"].style) == ("raw", "value")
    maps = clip_actionness(
        load_checkpoint(world / "checkpoints" / "only"), world / "clips" / "val-000000.mp4"
    ).maps
    medians = {name: np.median(values) for name, values in map_values(maps, "raw").items()}
    assert "all blocks" in medians
    found = {name: scale.median for name, scale in scales.items()}
    assert found == pytest.approx(medians, rel=1e-3)  # the page's network is optimised
    app.button_group(key="sheet_style True").set_value("signed").run()
    styles = {name: scale.style for name, scale in drawn[-1][0].items()}
    assert styles["S5B2"] == "signed" and styles["all blocks"] == "value" and not app.exception
    assert any("where the hand goes" in caption.value for caption in app.caption)
    app.button_group(key="sheet_kind").set_value("softmax").run()
    scales, kind = drawn[-1]
    assert (kind, scales["S5B2"].style) == ("softmax", "value") and not app.exception
    assert app.selectbox(key="export_style").options == ["by value", "flat", "signed"]
    app.selectbox(key="export_kind").select("softmax").run()
    assert app.selectbox(key="export_style").options == ["by value", "flat"]


def test_an_unknown_display_of_a_link_is_warned_of(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    display = {"overlay": "wash", "values": "all", "opacity": "2", "palette": "pink", "threshold": "-0.1"}
    (warning,) = [w.value for w in launch(**display, interpolation="none", masks="no").warning]
    for value in (*display.values(), "none", "no"):
        assert f"'{value}', which is not here; there are: " in warning
    assert "value, flat, signed" in warning and "0, 0.01 … 1 (101 in all)" in warning
    display = {
        "overlay": "flat",
        "values": "softmax",
        "opacity": "0.35",
        "palette": "magma",
        "threshold": "0.07",
    }
    assert not launch(**display, interpolation="cells", masks="shown").warning


def test_the_choice_of_checkpoint_survives_a_visit_to_the_other_page(launch, world):
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch()
    app.selectbox(key="checkpoint").select("second").run()
    app.switch_page("views/checkpoints.py").run()
    app.switch_page("views/actionness.py").run()
    assert app.selectbox(key="checkpoint").value == "second"


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
    assert any("ATR at S3-5 · GR × 1 · distribution add" in text for text in texts)
    assert any("nothing at all" in text for text in texts)
    assert [metric.value for metric in app.metric if metric.label == "Top-1"] == ["62.5 %"]
    assert [code.value for code in app.code] == ["python -m atr train --preset with-maps"]
    app.switch_page("views/actionness.py").run()
    assert app.selectbox(key="checkpoint").value == "with-maps"


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


def test_a_clip_is_looked_at_once_for_all_pages(launch, world, results, monkeypatch):
    """The same clip and checkpoint on Actionness and on Compare: maps are computed once."""
    shown = write_checkpoint(world / "checkpoints" / "first", block="atr")
    other = write_checkpoint(world / "checkpoints" / "second", block="atr", placement="S5")
    for folder in (shown, other):
        write_calls(results, folder, [0, 1], [0, 0], data=str(world / "clips"))
    computed = []

    def counted(model, clip, **options):
        computed.append((model.config.placement, clip.name))
        return clip_actionness(model, clip, **options)

    monkeypatch.setattr("app.loading.looks.clip_actionness", counted)
    st.cache_data.clear()
    app = launch(clip="val-000000", checkpoint="first")
    assert computed == [("S3-5", "val-000000.mp4")]
    app.switch_page("views/compare.py").run()
    app.button_group(key="compared_filter").set_value("all").run()
    assert app.query_params["clip"] == "val-000000" and not errors(app) and not app.exception
    assert sorted(set(computed)) == [("S3-5", "val-000000.mp4"), ("S5", "val-000000.mp4")] == sorted(computed)
    app.switch_page("views/actionness.py").run()
    assert not errors(app) and len(computed) == 2


def test_what_is_chosen_on_one_page_is_shown_on_the_next(launch, world):
    """Of widgets that several pages draw, in the very first run of the other page."""
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch()
    app.selectbox(key="checkpoint").select("second").run()
    app.button_group(key="source").set_value("Path").run()
    app.text_input(key="path").input("val-000001.mp4").run()
    for page in ("what_if", "actionness"):
        app.switch_page(f"views/{page}.py").run()
        assert not errors(app) and not app.exception
        assert app.query_params["checkpoint"] == "second" and app.query_params["clip"] == "val-000001.mp4"
        assert app.selectbox(key="checkpoint").value == "second"
        assert app.text_input(key="path").value == "val-000001.mp4"
        app.switch_page("views/checkpoints.py").run()


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


def test_a_film_of_weights_has_the_colour_scale_of_weights(launch, world, monkeypatch):
    folder = write_checkpoint(world / "checkpoints" / "only", block="atr", placement="S5")
    offers, drawn = {}, []
    monkeypatch.setattr(
        "app.actionness.below.download_row", lambda row: offers.update({offer.text: offer for offer in row})
    )
    monkeypatch.setattr("app.actionness.below.overlay_film", lambda *of, **_: drawn.append(of) or b"")
    app = launch()
    app.selectbox(key="export_kind").select("softmax").run()
    offers["Overlay, MP4"].make()
    maps = clip_actionness(load_checkpoint(folder), world / "clips" / "val-000000.mp4").maps["S5B2"]
    _, values, scale, suffix = drawn[0]
    np.testing.assert_allclose(values.sum(axis=(1, 2)), 1, rtol=1e-5)
    assert scale.limits == pytest.approx(colour_limits(maps, "softmax"), rel=1e-3) and suffix == ".mp4"


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
    assert (table["parameters"], table["macs"]) == (costs.parameters, costs.macs)
    size = (folder / "model.safetensors").stat().st_size / 1e6
    assert {metric.label: metric.value for metric in app.metric} == {
        "Top-1": "62.5 %",
        "Top-5": "90.0 %",
        "Within pairs": "75.0 %",
        "Parameters": f"{costs.parameters / 1e6:.3f} M",
        "MACs a view": f"{costs.macs / 1e9:.3f} G",
        "File": f"{size:.1f} MB",
        "Classes": "3",
    }


@pytest.mark.parametrize("part", ["fc.weight", "cond.weight"])
def test_a_network_whose_values_overflow_is_one_error(launch, world, part):
    folder = write_checkpoint(world / "checkpoints" / "huge", block="atr")
    model = load_checkpoint(folder)
    with torch.no_grad():
        for name, values in model.named_parameters():
            if name.endswith(part):
                values.fill_(3e38)
    save_checkpoint(folder, model, labels=LABELS, preprocessing=model.preprocessing)
    for page in ("actionness", "what_if"):
        (error,) = errors(launch(page))
        assert "are no numbers: its values overflow" in error


def test_files_of_clips_in_folders_are_told_apart(world):
    clip = loading.shipped_clips()[0]
    names = ["001/clip.3.mp4", "010/clip.3.MP4", "scene.1", "scene.2", "a b.webm"]
    stems = [file_stem(replace(clip, name=name)) for name in names]
    assert stems == ["001-clip.3", "010-clip.3", "scene.1", "scene.2", "a b"]
