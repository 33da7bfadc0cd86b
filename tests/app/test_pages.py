"""All pages: without a checkpoint, with broken ones, with choices that are carried from one to the next."""

import json
import shutil

import pytest
import streamlit as st

from analysis.actionness import clip_actionness
from tests.app.conftest import errors
from tests.app.world import write_calls, write_checkpoint


def test_without_a_checkpoint_both_pages_say_what_is_missing(launch, world):
    for page in ("actionness", "checkpoints"):
        (error,) = errors(launch(page))
        assert str(world / "checkpoints") in error
        assert "model.safetensors" in error


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


def test_the_choice_of_checkpoint_survives_a_visit_to_the_other_page(launch, world):
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch()
    app.selectbox(key="checkpoint").select("second").run()
    app.switch_page("views/checkpoints.py").run()
    app.switch_page("views/actionness.py").run()
    assert app.selectbox(key="checkpoint").value == "second"


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
    app.radio(key="compared_filter").set_value("all").run()
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
