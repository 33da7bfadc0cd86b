"""A data set in the dashboard: classes, search, pages, links; only what is shown is decoded."""

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from app import loading
from app.loading import data_set
from app.loading.data_set import Listed
from app.loading.lists import stamp_of_lists
from atr.data.annotations import Annotations
from atr.data.miniature import write_miniature
from atr.tabletop import CLASSES
from atr.video.decoding import VideoError
from tests.app.world import write_checkpoint


@pytest.fixture(scope="module", params=["sthv1", "sthv2", "kinetics"])
def data(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / request.param
    write_miniature(folder, request.param, num_clips=4, num_frames=8, size=64, progress=False)
    return folder


@pytest.fixture
def browse(launch, world, data, monkeypatch):
    monkeypatch.setenv("ATR_DATA", str(data))
    write_checkpoint(world / "checkpoints" / "only", block="atr")

    def opened(**query):
        app = launch(**query)
        if not query:
            app.button_group(key="source").set_value("Data set").run()
        assert not app.exception
        return app

    return opened


def test_the_first_clip_of_the_validation_split_is_shown(browse, data):
    app = browse()
    assert not app.error
    assert app.button_group(key="data_split").value == "val"
    assert app.title[0].value.lower() in {label.lower() for label in CLASSES}
    assert any(caption.value.startswith("2 of 2 clips") for caption in app.caption)
    assert app.query_params["clip"].startswith("data:val:")


def test_a_class_and_words_narrow_the_list_and_keep_the_clip(browse):
    app = browse()
    label = app.title[0].value
    app.selectbox(key="data_class").select(label).run()
    assert any("1 of 2 clips" in caption.value for caption in app.caption)
    app.text_input(key="data_search").input("no such words").run()
    assert any("No clip of the 2 " in caption.value for caption in app.caption)
    assert app.title[0].value == label and not app.exception


def test_other_clips_are_shown_from_their_first_page(browse, monkeypatch):
    monkeypatch.setattr("app.browsing.PAGE", 1)
    app = browse()
    app.number_input(key="data_page").set_value(2).run()
    assert any("page 2 of 2" in caption.value for caption in app.caption)
    app.text_input(key="data_search").input("i").run()
    assert any("2 of 2 clips · page 1 of 2" in caption.value for caption in app.caption)


@pytest.mark.parametrize("place", ["moving up", "val/moving up", "validate/moving up"])
def test_a_video_that_is_added_to_a_class_is_found(monkeypatch, tmp_path, place):
    folder = tmp_path / place
    folder.mkdir(parents=True)
    video = (loading.ASSETS / "clips" / "val-000000.mp4").read_bytes()
    for number in range(5):
        (folder / f"{number}.mp4").write_bytes(video)
    monkeypatch.setenv("ATR_DATA", str(tmp_path))

    def ids() -> set[str]:
        return {name for split in data_set.splits() for name in data_set.listed(split).annotations.ids}

    before = ids()
    (folder / "new.mp4").write_bytes(video)
    assert ids() - before == {"moving up/new.mp4"}


def test_every_split_has_its_own_clips_and_validation_comes_first(monkeypatch, tmp_path):
    for place in ("train/wave/a.mp4", "train/wave/b.mp4", "val/wave/c.mp4"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    monkeypatch.setenv("ATR_DATA", str(tmp_path))
    assert list(data_set.names().values()) == [f"{tmp_path.name}, val", f"{tmp_path.name}, train"]
    assert [data_set.found(split, "wave", "mp4").tolist() for split in ("train", "val")] == [[0, 1], [0]]
    assert [data_set.clip_at(split, 0).source.name for split in ("train", "val")] == ["a.mp4", "c.mp4"]


@pytest.mark.parametrize(
    "file", ["labels/train.json", "annotations/kinetics_train.csv", "videos_val/wave/new.mp4"]
)
def test_lists_and_videos_are_watched_wherever_a_layout_has_them(tmp_path, file):
    (tmp_path / file).parent.mkdir(parents=True)
    before = stamp_of_lists(tmp_path)
    (tmp_path / file).touch()
    assert stamp_of_lists(tmp_path) != before


def test_a_list_that_is_edited_is_read_anew(monkeypatch, world):
    monkeypatch.setenv("ATR_DATA", str(world / "clips"))
    (split,) = data_set.splits()
    assert len(data_set.found(split, None, "moving right")) == 1
    file = world / "clips" / "annotations.json"
    file.write_text(file.read_text().replace("moving right", "going east"))
    assert len(data_set.found(split, None, "moving right")) == 0
    assert len(data_set.found(split, None, "going east")) == 1


def test_a_search_finds_what_is_shown_of_an_unlisted_label():
    rows = [("1", "1.mp4", "a"), ("2", "2.mp4", "Pouring water")]
    annotations = Annotations.of_rows("a list", loading.ASSETS, "val", ["a"], rows)
    assert Listed.of(annotations).text.tolist() == ["1 a", "2 pouring water"]


def test_a_link_restores_a_clip_and_a_wrong_one_is_named(browse):
    link = browse().query_params["clip"]
    app = browse(clip=link)
    assert app.button_group(key="source").value == "Data set"
    assert app.query_params["clip"] == link
    app = browse(clip="data:val:nothing")
    assert "'nothing' is none of the 2 clips of val" in app.warning[0].value
    assert "no split 'past'" in browse(clip="data:past:1").warning[0].value


def test_a_video_that_is_gone_is_one_error(browse, data, monkeypatch):
    def gone(path, indices=None, **_):
        raise VideoError(f"{path}: no such file")

    monkeypatch.setattr("app.loading.thumbnails.open_video", gone)
    monkeypatch.setattr("analysis.shown_clip.open_video", gone)
    st.cache_data.clear()
    app = browse()
    (error,) = app.error
    assert "no such file" in error.value or "cannot be read" in error.value


def test_without_a_data_root_there_is_nothing_to_browse(launch, world, monkeypatch):
    monkeypatch.delenv("ATR_DATA", raising=False)
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    assert "Data set" not in launch().button_group(key="source").options


def test_a_folder_that_is_no_data_set_is_named(launch, world, tmp_path, monkeypatch):
    monkeypatch.setenv("ATR_DATA", str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir()
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Data set").run()
    (error,) = app.error
    assert "ATR_DATA" in error.value and "annotations.json" in error.value


def test_where_it_is_none_results_of_other_clips_are_computed_all_the_same(
    launch, world, tmp_path, monkeypatch
):
    monkeypatch.setenv("ATR_DATA", str(tmp_path / "empty"))
    (tmp_path / "empty").mkdir()
    write_checkpoint(world / "checkpoints" / "only", block="atr_sim", reasoner="gr")
    app = launch("relations")
    assert not app.error and not app.exception
    assert any("ATR_DATA" in warning.value for warning in app.warning)
    assert len(app.selectbox(key="data relations").options) == 2 and app.button(key="compute relations")


def test_a_search_looks_at_no_video(monkeypatch):
    """220,000 clips, as many as Something-Something V2 has."""
    labels = [f"Doing thing no.{number:03d}" for number in range(174)]
    rows = ((str(number), f"videos/{number}.webm", labels[number % 174]) for number in range(220_000))
    annotations = Annotations.of_rows("a list", loading.ASSETS, "val", labels, rows)
    listed = Listed.of(annotations)
    monkeypatch.setattr(data_set, "listed", lambda split: listed)
    monkeypatch.setenv("ATR_DATA", str(loading.ASSETS))
    assert len(data_set.found("val", "Doing thing no.007", "")) == len(range(7, 220_000, 174))
    everywhere = data_set.found("val", None, "no.173 DOING")
    assert everywhere.tolist() == list(range(173, 220_000, 174))
    numbers = pd.Series(range(220_000)).astype(str)
    assert np.array_equal(data_set.found("val", None, "21999"), np.flatnonzero(numbers.str.contains("21999")))


def test_a_list_cannot_lead_out_of_its_folder(monkeypatch, tmp_path):
    annotations = Annotations.of_rows("a list", tmp_path, "val", ["a"], [("1", "../secret.mp4", "a")])
    monkeypatch.setattr(data_set, "listed", lambda split: Listed.of(annotations))
    with pytest.raises(loading.ChoiceError, match="lies outside"):
        data_set.clip_at("val", 0)


def test_what_lies_unused_in_the_folder_is_one_line_with_the_names_in_it(launch, world, monkeypatch):
    (world / "clips" / "[notes](x).txt").write_text("none")
    monkeypatch.setenv("ATR_DATA", str(world / "clips"))
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch()
    app.button_group(key="source").set_value("Data set").run()
    (told,) = [each for each in app.sidebar.expander if each.label == "Not everything in the folder is used"]
    assert [caption.value for caption in told.caption] == [
        rf"{world / 'clips'}: 1 found and not used: 1 .txt (\[notes\](x).txt)"
    ]
    (world / "clips" / "[notes](x).txt").unlink()
    app = launch()
    app.button_group(key="source").set_value("Data set").run()
    assert not [each for each in app.sidebar.expander if "Not everything" in each.label]
