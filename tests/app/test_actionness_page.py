"""The page "Actionness": its first look, verdict, maps, sheet and files."""

from pathlib import Path

import numpy as np
import pytest
import streamlit as st
import torch

from analysis.actionness import clip_actionness
from analysis.commands.localize import Localize
from analysis.localize.numbers import LocalizeResult
from analysis.map_values import colour_limits, map_values
from analysis.sheets import block_frame_sheet
from app import browsing, loading
from app.loading.checkpoints import FIRST_CHECKPOINT
from atr import create_model
from atr.checkpoint import load_checkpoint, save_checkpoint
from atr.preprocessing import Preprocessing
from atr.results.questions import Options
from atr.results.store import read_result
from tests.app.conftest import errors
from tests.app.world import LABELS, SIDE, write_checkpoint


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
    for more in (
        {"alignment": "centres"},
        {"block": (scores[0]["block"],)},
    ):  # results in which less is told
        assert Localize(options, **more).run("python -m analysis localize") == 0
    assert len([*(world / "results").glob("localize-only-*")]) == 3
    assert said(launch(), "Fig-5 score") == [text]
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
    expected = f"sure predicts **{LABELS[called]}** · {100 * probability:.1f} % {badge}"
    assert app.markdown[0].value == f"{expected}\u2003:gray[The title is the true label.]"


def test_a_class_that_a_checkpoint_does_not_know_is_neither_correct_nor_wrong(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    file = world / "clips" / "annotations.json"
    badges = [any("-badge[:material" in text.value for text in launch().markdown)]
    file.write_text(file.read_text().replace("moving right", "peeling"))
    app = launch()
    badges.append(any("-badge[:material" in text.value for text in app.markdown))
    assert app.title[0].value == "peeling" and badges == [True, False]
    assert "The title is the true label, which is not a class of this checkpoint." in app.markdown[0].value


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
    assert any("Each row has its own colour scale" in caption.value for caption in app.caption)
    found = {name: scale.median for name, scale in scales.items()}
    assert found == pytest.approx(medians, rel=1e-3)  # the page's network is optimised
    app.button_group(key="sheet_style True").set_value("signed").run()
    styles = {name: scale.style for name, scale in drawn[-1][0].items()}
    assert styles["S5B2"] == "signed" and styles["all blocks"] == "value" and not app.exception
    assert any("differs from block to block" in caption.value for caption in app.caption)
    app.button_group(key="sheet_kind").set_value("softmax").run()
    scales, kind = drawn[-1]
    assert (kind, scales["S5B2"].style) == ("softmax", "value") and not app.exception
    assert app.selectbox(key="export_style").options == ["by value", "flat", "signed"]
    app.selectbox(key="export_kind").select("softmax").run()
    assert app.selectbox(key="export_style").options == ["by value", "flat"]


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
