"""The page "What if": class scores under interventions, links, stored results and their computation."""

import io
import json
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from PIL import Image

import atr
from analysis.what_if.interventions import Intervention, intervene
from app import loading
from app.exports import enlarged, film
from app.loading.what_if import outcome, sampled
from app.what_if.outcome import PLACES, Answer, arrays, picture, scores, strip, table, take_along
from atr.tabletop import CLASSES
from tests.app.conftest import errors, open_link
from tests.app.world import LABELS, write_checkpoint
from tests.videos import decode


def expected(folder, intervention: Intervention, clip: int = 0) -> np.ndarray:
    """Probabilities of a shipped clip, computed without the page."""
    model, clips = atr.load_checkpoint(folder), loading.shipped_clips()
    frames = decode(clips[clip].source, [1, 4, 7, 10])
    return intervene(model, frames, intervention).probabilities


def shown(app) -> tuple[str, str | None]:
    (metric,) = app.metric
    return metric.value, metric.delta


def test_without_a_checkpoint_the_page_says_so(launch, world):
    (error,) = errors(launch("what_if"))
    assert str(world / "checkpoints") in error


def test_a_broken_checkpoint_is_one_error_and_another_choice_mends_it(launch, world, network):
    (world / "checkpoints" / "broken").mkdir()
    app = launch("what_if")
    app.selectbox(key="checkpoint").select("broken").run()
    (error,) = errors(app)
    assert "broken" in error and "config.json" in error
    app.selectbox(key="checkpoint").select("net").run()
    assert not errors(app) and not app.exception and app.metric


def test_damaged_weights_are_one_error(launch, network):
    (network / "model.safetensors").write_bytes(b"no tensors")
    (error,) = errors(launch("what_if"))
    assert "model.safetensors is not one of safetensors" in error


def test_at_first_nothing_is_changed(launch, network):
    app = launch("what_if")
    assert not errors(app) and not app.warning
    true = expected(network, Intervention())[LABELS.index("moving right")]
    assert shown(app) == (f"{100 * true:.1f} %", "")
    assert app.query_params == {"clip": "val-000000", "checkpoint": "net"}
    assert len(app.get("tab")) == 2


@pytest.mark.parametrize("page", ["what_if", "actionness"])
def test_without_a_clip_the_address_is_of_none(launch, network, page):
    app = launch(page)
    for source in ("Upload", "Shipped", "Path"):
        app.button_group(key="source").set_value(source).run()
        assert ("clip" in app.query_params) == (source == "Shipped")
    app.text_input(key="path").input("../elsewhere.mp4").run()
    assert errors(app) and not app.query_params


def test_every_control_moves_the_true_class_as_computed(launch, network):
    app = launch("what_if")
    was = expected(network, Intervention())[0]

    def now_is(**settings):
        now = expected(network, Intervention(**settings))[0]
        assert not errors(app) and not app.exception
        assert shown(app) == (
            f"{100 * now:.1f} %",
            f"{100 * (now - was):+.1f} points, from {100 * was:.1f} %",
        )

    app.button_group(key="what_if order").set_value("reversed").run()
    now_is(order="reversed")
    app.button_group(key="what_if order").set_value("frozen").run()
    app.select_slider(key="what_if step").set_value(3).run()
    now_is(order="frozen", step=2)
    app.button_group(key="what_if order").set_value("shuffled").run()
    app.number_input(key="what_if seed").set_value(5).run()
    now_is(order="shuffled", seed=5)
    app.button_group(key="what_if hide").set_value("top").run()
    now_is(order="shuffled", seed=5, hide="top", share=0.2, block="S5B2")
    assert app.columns[3].slider  # the second row begins at the left
    app.slider(key="what_if q").set_value(45).run()
    app.selectbox(key="what_if block").set_value("S3B1").run()
    app.selectbox(key="what_if fill").set_value("blur").run()
    now_is(order="shuffled", seed=5, hide="top", share=0.45, block="S3B1", fill="blur")
    assert any("29 of the 64 positions of S3B1 in every frame (45.3 %)" in c.value for c in app.caption)
    app.button_group(key="what_if order").set_value("as it is").run()
    app.button_group(key="what_if hide").set_value("nothing").run()
    app.selectbox(key="what_if actionness").set_value("zero").run()
    now_is(actionness="zero")
    for part in ("not in AFA", "not in AFD"):
        app.selectbox(key="what_if actionness").set_value(part).run()
        now_is(actionness=part)
    app.button_group(key="what_if hide").set_value("bottom").run()
    assert app.slider(key="what_if q").value == 45  # a control that comes back has kept its value


def test_a_link_restores_the_settings(launch, network):
    app = launch(
        "what_if",
        clip="val-000001",
        checkpoint="net",
        order="frozen",
        step="2",
        hide="random",
        q="30",
        seed="9",
    )
    assert not app.warning and not errors(app)
    settings = {"order": "frozen", "step": 1, "hide": "random", "share": 0.3, "seed": 9, "block": "S5B2"}
    was = expected(network, Intervention(), clip=1)[1]
    now = expected(network, Intervention(**settings), clip=1)[1]
    assert shown(app) == (f"{100 * now:.1f} %", f"{100 * (now - was):+.1f} points, from {100 * was:.1f} %")
    assert app.query_params == {
        "clip": "val-000001",
        "checkpoint": "net",
        "order": "frozen",
        "step": "2",
        "hide": "random",
        "q": "30",
        "seed": "9",
        "block": "S5B2",
    }


def test_unknown_values_of_a_link_are_one_warning_and_the_defaults(launch, network):
    app = open_link("what_if", order="sideways", q="101", step="0", block="S9B1", actionness="<b>", seed="-1")
    (warning,) = [warning.value for warning in app.warning]
    for sentence in (
        "order 'sideways', which is not here; there are: as it is, reversed, shuffled, frozen.",
        "q '101', which is not here; there are: 0, 1 … 100 (101 in all).",
        "step '0', which is not here; there are: 1, 2, 3, 4.",
        "block 'S9B1', which is not here; there are: S3B1, S3B2, S4B1, S4B2, S5B1, S5B2.",
        "seed '-1', which is not here; there are: 0, 1 … 9999 (10,000 in all).",
    ):
        assert sentence in warning
    assert r"actionness '\<b\>'" in warning
    assert not errors(app)
    assert app.query_params == {"clip": "val-000000", "checkpoint": "net"}


def test_a_number_of_thousands_of_digits_is_one_warning(launch, network):
    app = open_link("what_if", seed="1" * 5000)
    (warning,) = [warning.value for warning in app.warning]
    assert "there are: 0, 1 … 9999 (10,000 in all)." in warning
    assert not errors(app) and not app.exception


def test_the_same_area_is_hidden_at_the_top_at_random_and_at_the_bottom(launch, network):
    app = open_link("what_if", hide="bottom", q="40", block="S4B1", order="reversed")
    settings = {"order": "reversed", "share": 0.4, "block": "S4B1"}
    true = {
        place: expected(network, Intervention(hide=place, **settings))[0]
        for place in ("top", "random", "bottom")
    }
    line = " · ".join(f"{PLACES[place]} **{100 * probability:.1f} %**" for place, probability in true.items())
    assert [markdown.value for markdown in app.markdown if "same area" in markdown.value] == [
        f":gray[The same area hidden:] {line}"
    ]
    assert shown(app)[0] == f"{100 * true['bottom']:.1f} %"
    app.button_group(key="what_if hide").set_value("nothing").run()
    assert not [markdown for markdown in app.markdown if "same area" in markdown.value]


def test_what_is_taken_along_is_what_the_model_was_given_and_said(network):
    clip = loading.shipped_clips()[0]
    intervention = Intervention(order="reversed", hide="top", share=0.5, block="S5B2")
    answer = Answer.of(clip, "net", LABELS, intervention)
    said = intervene(loading.model("net"), decode(clip.source, [1, 4, 7, 10]), intervention)
    np.testing.assert_array_equal(Image.open(io.BytesIO(picture(answer))), np.hstack(said.frames))
    frames = answer.after.frames
    assert film(frames, 4, ".gif").startswith(b"GIF8") and film(frames, 4, ".mp4")[4:8] == b"ftyp"
    scores = table(answer).set_index("class")
    assert scores.index.tolist() == LABELS
    np.testing.assert_allclose(scores.before, expected(network, Intervention()), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(scores.after, said.probabilities, rtol=1e-6)
    with np.load(io.BytesIO(arrays(answer))) as file:
        assert Intervention(**json.loads(str(file["intervention"]))) == answer.intervention
        assert file["indices"].tolist() == [10, 7, 4, 1] and file["labels"].tolist() == LABELS
        np.testing.assert_array_equal(file["frames"], said.frames)
        np.testing.assert_array_equal(file["hidden"], said.hidden)


@pytest.mark.parametrize(
    ("label", "labels", "order", "shows"),
    [
        (CLASSES[0], CLASSES, "as it is", 0),
        (CLASSES[0], CLASSES, "reversed", 1),
        (CLASSES[3], CLASSES, "reversed", 2),
        (CLASSES[3], CLASSES, "shuffled", 3),
        ("wave", ["wave", "clap"], "as it is", 0),
        ("wave", ["wave", "clap"], "reversed", None),
        (None, CLASSES, "reversed", None),
    ],
)
def test_a_reversed_clip_shows_the_reversed_class_where_that_is_known(label, labels, order, shows):
    scores = SimpleNamespace(probabilities=np.eye(len(labels))[0])
    clip = SimpleNamespace(label=label)
    answer = Answer(clip, "net", labels, np.arange(4), Intervention(order=order), scores, scores)
    assert answer.shows == shows


def test_a_prediction_of_what_a_reversed_clip_shows_is_not_marked_wrong(launch, network):
    """The classes here are not the demo set's: what a reversed clip shows is not known."""
    app = open_link("what_if", clip="val-000001", order="reversed")
    now = next(text.value for text in app.markdown if text.value.startswith(":gray[After:]"))
    original = next(text.value for text in app.markdown if text.value.startswith(":gray[Original clip:]"))
    assert "-badge[" in original and "-badge[" not in now
    assert any(text.value.startswith(":gray[True class of the clip as it is:] **") for text in app.markdown)


def test_the_settings_survive_a_visit_to_another_page(launch, network):
    app = launch("what_if")
    app.button_group(key="what_if hide").set_value("bottom").run()
    app.slider(key="what_if q").set_value(65).run()
    app.switch_page("views/checkpoints.py").run()
    app.switch_page("views/what_if.py").run()
    assert app.button_group(key="what_if hide").value == "bottom"
    assert app.slider(key="what_if q").value == 65


@pytest.mark.parametrize("options", [{}, {"block": "atr_sim"}], ids=["backbone", "atr_sim"])
def test_a_checkpoint_without_actionness_hides_at_random_and_says_why(launch, world, network, options):
    write_checkpoint(world / "checkpoints" / "plain", **options)
    app = open_link("what_if", checkpoint="net", hide="top", actionness="zero")
    app.selectbox(key="checkpoint").select("plain").run()
    assert not errors(app) and not app.exception
    assert app.button_group(key="what_if hide").options == ["Nothing", "Random"]
    assert app.button_group(key="what_if hide").value == "nothing"
    assert any("no Action-related Region Locator" in caption.value for caption in app.caption)
    app.button_group(key="what_if hide").set_value("random").run()
    assert not errors(app)
    assert any("Hidden:" in caption.value for caption in app.caption)


def test_a_video_that_is_none_is_one_error(launch, network):
    app = launch("what_if")
    app.button_group(key="source").set_value("Upload").run()
    app.file_uploader(key="upload").upload("holiday.mp4", b"this is no video", "video/mp4").run()
    (error,) = errors(app)
    assert error.startswith("holiday.mp4: cannot be read as a video")


def test_an_upload_without_a_label_follows_the_class_first_predicted(launch, world, network):
    app = launch("what_if")
    app.button_group(key="source").set_value("Upload").run()
    app.file_uploader(key="upload").upload(
        "mine.mp4", (world / "clips" / "val-000001.mp4").read_bytes(), "video/mp4"
    ).run()
    assert not errors(app)
    assert any(text.value.startswith(":gray[First predicted:] **") for text in app.markdown)
    assert app.query_params == {}


def test_what_is_computed_is_found_again_and_a_replaced_clip_is_read_anew(world, network):
    first, second = loading.shipped_clips()
    frames, indices, _ = sampled(first, "net")
    assert indices.tolist() == [1, 4, 7, 10]
    before = outcome(first, "net", Intervention())
    shutil.copy(second.source, first.source)
    assert (sampled(first, "net")[0] != frames).any()
    assert (outcome(first, "net", Intervention()).probabilities != before.probabilities).any()


def test_of_an_unchanged_clip_the_prediction_is_told_once(network):
    told = [text.value for text in open_link("what_if").markdown]
    assert sum(text.startswith(":gray[Original clip:]") for text in told) == 1
    assert not any(text.startswith(":gray[After:]") for text in told)


def test_what_is_predicted_now_stands_below_what_was(network):
    app = open_link("what_if", hide="random", q="100", block="S3B1")
    hidden = Intervention(hide="random", share=1, block="S3B1")
    for name, intervention, badge in (("Original clip", Intervention(), "red"), ("After", hidden, "green")):
        found = expected(network, intervention)
        (line,) = [text.value for text in app.markdown if text.value.startswith(f":gray[{name}:]")]
        assert f"**{LABELS[found.argmax()]}** · {100 * found.max():.1f} % :{badge}-badge" in line


def test_the_strip_names_the_frame_of_every_step_and_films_are_of_what_was_given(network, monkeypatch):
    answer = Answer.of(loading.shipped_clips()[0], "net", LABELS, Intervention(order="reversed"))
    shown, offers = [], {}
    monkeypatch.setattr(st, "html", shown.append)
    strip(answer)
    captions = re.findall("<figcaption>(.*?)</figcaption>", shown[0])
    assert captions == ["1 · frame 10", "2 · frame 7", "3 · frame 4", "4 · frame 1"]
    monkeypatch.setattr(
        "app.what_if.outcome.download_row", lambda row, **_: offers.update({o.text: o for o in row})
    )
    monkeypatch.setattr("app.what_if.outcome.film", lambda frames, fps, suffix: (frames, suffix))
    take_along(answer, {"order": "reversed"})
    for kind in (".gif", ".mp4"):
        offer = offers[f"Frames, {kind[1:].upper()}"]
        frames, suffix = offer.make()
        assert suffix == kind and offer.name == f"val-000000-net-what-if-order-reversed{kind}"
        np.testing.assert_array_equal(frames, enlarged(answer.after.frames))


@pytest.mark.parametrize(
    ("order", "named", "followed"),
    [
        ("reversed", "True class of the reversed clip", 1),
        ("shuffled", "True class", 0),
    ],
)
def test_of_a_reversed_clip_of_the_demo_set_the_reversed_class_is_followed(
    monkeypatch, order, named, followed
):
    """By its probability, its verdict and its mark in the chart."""
    before = SimpleNamespace(probabilities=np.linspace(0.2, 0, len(CLASSES)), hidden=None)
    after = SimpleNamespace(probabilities=np.eye(len(CLASSES))[1] * 0.9, hidden=None)
    clip = SimpleNamespace(label=CLASSES[0])
    answer = Answer(clip, "net", CLASSES, np.arange(4), Intervention(order=order), before, after)
    drawn, metrics, told = [], [], []
    monkeypatch.setattr(
        "app.what_if.outcome.scores_figure", lambda *of, true_class: drawn.append(true_class) or {}
    )
    monkeypatch.setattr("app.what_if.outcome.st.plotly_chart", lambda *of, **options: None)
    monkeypatch.setattr("app.what_if.outcome.st.metric", lambda *of, **_: metrics.append(of))
    monkeypatch.setattr("app.what_if.outcome.st.markdown", told.append)
    scores(answer, with_maps=False)
    ((label, value, delta),) = metrics
    was = before.probabilities[followed]
    now = after.probabilities[followed]
    assert (label, value) == (named, f"{100 * now:.1f} %")
    assert f":gray[{named}:] **{CLASSES[followed]}**" in told
    assert delta == f"{100 * (now - was):+.1f} points, from {100 * was:.1f} %"
    assert drawn == [followed]
    original, shown = (
        next(text for text in told if text.startswith(f":gray[{n}")) for n in ("Orig", "After")
    )
    assert "green-badge" in original  # class 0, as the clip is
    assert ("green-badge" if followed == 1 else "red-badge") in shown
