"""Damaged videos on the pages: a notice above the picture, or one line and the choice to use what can be decoded."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.loading.uploads import UPLOAD_KINDS
from atr.results.predictions import TABLE
from atr.video.decoding import VIDEO_SUFFIXES
from tests.app.conftest import errors
from tests.app.world import write_calls, write_checkpoint
from tests.damaged_clips import ALL, write_damaged


@pytest.fixture
def damaged(world, monkeypatch):
    """A folder of damaged videos whose paths can be typed in, and a checkpoint."""
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    monkeypatch.setenv("ATR_VIDEOS", str(write_damaged(world / "damaged")))


def warnings(app) -> list[str]:
    return [warning.value for warning in app.warning]


@pytest.mark.parametrize("page", ["actionness", "what_if"])
def test_of_a_video_that_lost_its_end_the_page_says_which_frames_are_missing(launch, damaged, page):
    app = launch(page, clip="cut.mp4")
    assert not errors(app)
    (warning,) = warnings(app)
    assert "of 40 are missing: the file was cut short" in warning
    assert not [toggle for toggle in app.toggle if toggle.key == "allow_damaged"]


@pytest.mark.parametrize("page", ["actionness", "what_if"])
def test_half_a_video_is_refused_until_its_frames_are_asked_for(launch, damaged, page):
    app = launch(page, clip="half.mp4")
    (error,) = errors(app)
    assert "half.mp4" in error and "at least 90%" in error
    assert not app.get("bidi_component") or page == "what_if"
    app.toggle(key="allow_damaged").set_value(True).run()
    assert not errors(app) and not app.exception
    (warning,) = warnings(app)
    assert "of 40 are missing" in warning
    app.toggle(key="allow_damaged").set_value(False).run()
    assert len(errors(app)) == 1


def test_a_frame_that_cannot_be_decoded_is_stood_in_for(launch, damaged):
    app = launch(clip="spot.mov")
    (error,) = errors(app)
    assert "frame 15 cannot be decoded" in error
    app.toggle(key="allow_damaged").set_value(True).run()
    assert not errors(app)
    assert "for frames 15 the nearest that can be decoded are shown" in warnings(app)[0]


def test_what_was_changed_is_said_without_a_warning(launch, damaged):
    app = launch(clip="deep.mp4")
    assert not errors(app) and not warnings(app)
    assert any("10 bits" in caption.value for caption in app.caption)
    app = launch(clip="whole.mp4")
    assert not errors(app) and not warnings(app)


def test_names_of_videos_that_cannot_be_shown_are_not_rendered(launch, damaged, world):
    (world / "damaged" / "half.mp4").rename(world / "damaged" / "*half*.mp4")
    (world / "damaged" / "*text*.mp4").write_text("no video")
    for name in ("half", "text"):
        (error,) = errors(launch(clip=f"*{name}*.mp4"))
        assert error.startswith(rf"\*{name}\*.mp4: ")


@pytest.mark.parametrize("damage", [["*a*", "b"], []])
def test_a_notice_is_said_once_as_text_and_only_damage_can_be_refused_again(damage):
    def page(damage):
        import streamlit as st

        from app.choices import show_notices
        from atr.video.notices import Notice

        st.session_state.update(allow_damaged=True, carried=set())
        show_notices([*(Notice(text, "damage") for text in damage), Notice("_c_", "change")])

    app = AppTest.from_function(page, kwargs={"damage": damage}).run()
    assert not app.exception
    assert warnings(app) == [r"This video is damaged: \*a\*; b."] * bool(damage)
    assert [caption.value for caption in app.caption] == [r":material/info: \_c\_"]
    assert [toggle.key for toggle in app.toggle] == ["allow_damaged"] * bool(damage)


def test_compare_refuses_a_damaged_clip_until_its_frames_are_asked_for(launch, damaged, world, results):
    targets = [0, 1, 2, 0, 1]  # whole, cut, half, spot, deep
    for name in ("first", "second"):
        checkpoint = write_checkpoint(world / "checkpoints" / name, block="atr")
        folder = write_calls(results, checkpoint, targets, targets, data=str(world / "damaged"))
        table = pd.read_parquet(folder / TABLE)
        table["id"] = list(ALL)
        table.to_parquet(folder / TABLE)
    app = launch("compare", a="first", b="second", clip="cut")
    app.session_state["compared"] = ["first", "second"]
    app.session_state["compared_filter"] = "all"
    app.session_state["compared_clip"] = "cut"
    app.run()
    assert not errors(app)
    assert any("of 40 are missing: the file was cut short" in warning for warning in warnings(app))
    app.session_state["compared_clip"] = "half"
    app.run()
    (error,) = errors(app)
    assert error.startswith("half") and "at least 90%" in error
    assert app.title[0].value == "first against second"  # the numbers are there all the same
    app.toggle(key="allow_damaged").set_value(True).run()
    assert not errors(app) and not app.exception
    assert any("of 40 are missing" in warning for warning in warnings(app))


def test_the_choice_to_use_damaged_videos_is_kept_from_page_to_page(launch, damaged):
    app = launch(clip="half.mp4")
    app.toggle(key="allow_damaged").set_value(True).run()
    app.switch_page("views/what_if.py").run()
    assert not errors(app) and app.toggle(key="allow_damaged").value
    assert "of 40 are missing" in warnings(app)[0]


def test_what_can_be_decoded_can_be_uploaded():
    assert {f".{kind}" for kind in UPLOAD_KINDS} == set(VIDEO_SUFFIXES)
