"""The page "Compare": what it says with none, one, two, broken checkpoints; lists of clips, filters, links, files."""

import json
import shutil
from functools import partial

import numpy as np
import plotly.graph_objects as go
import pytest

from analysis.commands.localize import Localize
from analysis.map_values import together
from analysis.overlays import Scale
from app.loading.predictions import stored_predictions
from app.runs import Run
from atr.results.questions import Options
from tests.app.conftest import errors, open_link
from tests.app.world import FIRST, LABELS, SECOND, TARGETS, write_calls, write_checkpoint


@pytest.fixture
def compare(results):
    """Opens the page at once, as a link does: compare(a="first", clip="val-000001")."""
    return partial(open_link, "compare")


def texts(app) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info) for element in kind)


def query(app) -> dict[str, str]:
    return {key: value for key, value in app.query_params.items() if key != "list"}


# ---- which checkpoints -----------------------------------------------------------------------------------------------


def test_without_a_checkpoint_the_page_says_what_is_missing(compare, world):
    (error,) = errors(compare())
    assert str(world / "checkpoints") in error and "model.safetensors" in error


def test_one_checkpoint_is_too_few(compare, world):
    write_checkpoint(world / "checkpoints" / "lonely")
    (error,) = errors(compare())
    assert "Two checkpoints are needed" in error and "lonely" in error


def test_a_broken_checkpoint_is_named_and_the_others_are_compared(compare, world, two):
    (world / "checkpoints" / "foreign").mkdir()
    app = compare(a="foreign", b="second", c="first")
    (error,) = errors(app)
    assert "foreign" in error and "config.json" in error
    assert app.title[0].value == "second against first"


def test_two_of_which_one_is_broken_is_too_few(compare, world, two):
    shutil.rmtree(two[1])
    two[1].mkdir()
    app = compare()
    assert len(errors(app)) == 2 and "second" in errors(app)[0] and "Two checkpoints" in errors(app)[1]


def test_the_shipped_pair_comes_first_where_it_is_there(compare, world):
    for name in ("aaa", "tabletop-atr", "tabletop-atr-sim"):
        write_checkpoint(world / "checkpoints" / name)
    assert compare().multiselect(key="compared").value == ["tabletop-atr", "tabletop-atr-sim"]


# ---- which predictions -----------------------------------------------------------------------------------------------


def test_without_predictions_the_page_says_whose_are_missing_and_computes_them(compare, world, monkeypatch):
    path = write_checkpoint(world / "checkpoints" / "first", block="atr")
    write_checkpoint(world / "checkpoints" / "second")
    started = []
    monkeypatch.setattr(
        Run, "start", lambda self, arguments, module: started.append((self, arguments, module))
    )
    app = compare()
    assert not errors(app)
    assert [("first" in i.value, "no stored predictions" in i.value) for i in app.info] == [
        (True, True),
        (False, True),
    ]
    app.selectbox(key="data predictions").set_value(str((world / "clips").resolve())).run()
    app.button(key="compute predictions").click().run()
    ((run, arguments, module),) = started
    assert module == "atr" and arguments[0] == "evaluate"
    assert arguments[1:3] == ["--checkpoint", str(path.resolve())]
    assert str(world / "clips") in arguments and arguments[-2:] == ["--out", str(world / "results")]
    assert run.folder.parent == world / "results" and run.folder.name.startswith("predictions-first-")


def test_a_checkpoint_without_predictions_leaves_the_others_to_be_compared(compare, world, two):
    write_checkpoint(world / "checkpoints" / "third")
    app = compare(a="first", b="third", c="second")
    assert app.title[0].value == "first against second"
    assert ["third has no stored predictions" in info.value for info in app.info] == [True]


def test_predictions_that_cannot_be_compared_are_refused_by_name(compare, world, results):
    for name, protocol in (("first", "1x1"), ("second", "2x3")):
        write_calls(
            results, write_checkpoint(world / "checkpoints" / name), TARGETS, FIRST, protocol=protocol
        )
    app = compare()
    (error,) = errors(app)
    assert "first and second cannot be compared" in error and "1x1 against 2x3" in error
    assert app.selectbox(key="predictions_of").options == ["first", "second"]


def test_only_lists_that_all_have_are_offered_and_the_others_are_named(compare, two, results):
    write_calls(results, two[0], TARGETS + [0], FIRST + [0])
    for folder, calls in zip(two, (FIRST, SECOND), strict=True):
        write_calls(results, folder, TARGETS[:4], calls[:4], protocol="2x3")
    app = compare()
    chosen = app.selectbox(key="compared_list")
    assert chosen.options == ["toy list of 6 · protocol 1×1", "toy list of 4 · protocol 2×3"]
    (caption,) = [caption.value for caption in app.sidebar.caption]
    assert "toy list of 7" in caption and "missing for second" in caption
    assert "6 clips" in texts(app)
    (other,) = set(stored_predictions("second")[0]) - {chosen.value}
    chosen.set_value(other).run()
    assert "4 clips" in texts(app) and not app.exception


def test_damaged_predictions_are_named_and_the_readable_ones_are_used(compare, two, results):
    damaged = write_calls(results, two[0], TARGETS[:4], FIRST[:4])
    (damaged / "predictions.parquet").write_bytes(b"no table")
    app = compare()
    (warning,) = [warning.value for warning in app.warning]
    assert damaged.name in warning and "no readable predictions" in warning
    assert app.title[0].value == "first against second"


@pytest.mark.parametrize("key", ["protocol", "data.description"])
def test_predictions_that_lack_a_fact_are_named_with_it(compare, two, results, key):
    folder = write_calls(results, two[0], TARGETS[:4], FIRST[:4])
    facts = json.loads((folder / "result.json").read_text())
    *outer, name = key.split(".")
    del (facts[outer[0]] if outer else facts)[name]
    (folder / "result.json").write_text(json.dumps(facts))
    app = compare()
    (warning,) = [warning.value for warning in app.warning]
    assert folder.name in warning and f"has no {key!r}" in warning
    assert app.title[0].value == "first against second"


# ---- what is said ----------------------------------------------------------------------------------------------------


def test_the_difference_is_said_in_one_sentence_and_the_clips_are_counted(compare, two):
    app = compare()
    assert not errors(app)
    assert app.title[0].value == "first against second"
    said = texts(app)
    assert "Top-1 of first is 66.7 %, of second 33.3 %: a difference of +33.3 points" in said
    assert "Only first is right on 2 clips, only second on 0: exact McNemar p = 0.5" in said
    assert "not significant at the 5 % level" in said
    filters = app.radio(key="compared_filter")
    assert filters.value == "only_a"
    assert filters.options == [
        "all clips · 6",
        "A right, B wrong · 2",
        "A wrong, B right · 0",
        "every model right · 2",
        "every model wrong · 2",
        "all clips, most disagreed first · 6",
    ]
    overview = app.dataframe[0].value
    assert overview.checkpoint.tolist() == ["first", "second"]
    assert overview["top-1, % [95 %]"].str.split(" ").str[0].tolist() == ["66.7", "33.3"]


def test_filters_and_classes_narrow_the_clips_and_an_empty_choice_is_said(compare, two):
    app = compare()
    app.radio(key="compared_filter").set_value("both_wrong").run()
    assert query(app)["clip"] == "val-000005"  # on val-000004 they agree
    app.selectbox(key="compared_label").select(LABELS[0]).run()
    assert ["every model wrong: no clip of this class" in info.value for info in app.info] == [True]
    assert "clip" not in query(app)
    app.radio(key="compared_filter").set_value("only_a").run()
    assert query(app) == {
        "a": "first",
        "b": "second",
        "filter": "only_a",
        "label": LABELS[0],
        "clip": "val-000001",
    }


def test_the_choices_survive_a_visit_to_another_page(compare, two):
    app = compare()
    app.radio(key="compared_filter").set_value("both_wrong").run()
    app.switch_page("views/checkpoints.py").run()
    app.switch_page("views/compare.py").run()
    assert not app.exception
    assert app.radio(key="compared_filter").value == "both_wrong"
    assert query(app)["clip"] == "val-000005"


def test_every_tab_can_be_opened(compare, two):
    app = compare()
    for tab in ("Summary", "Classes", "Confusions", "Calibration", "Agreement", "Localisation", "Numbers"):
        app.session_state["compared_tab"] = tab
        app.run()
        assert not app.exception and not errors(app)
        assert query(app).get("tab") == (None if tab == "Summary" else tab)
    assert len(app.get("download_button")) == 1 + 5 + 6 + 4  # report, clip, tables, predictions


def test_stored_localisation_is_drawn_with_the_fig5_score(compare, world, two, results, monkeypatch):
    for name in ("first", "second"):
        options = Options(world / "checkpoints" / name, data=str(world / "clips"), out=results)
        assert Localize(options, block=("S5B2",)).run("python -m analysis localize") == 0
    app = compare()
    app.session_state["compared_tab"] = "Localisation"
    app.run()
    assert not app.exception and not errors(app)
    drawn = [chart.proto.alt for chart in app.get("plotly_chart")]
    assert "Fig-5 score of every block's maps" in drawn
    # one that was asked of more blocks is not hidden by it
    options = Options(world / "checkpoints" / "first", data=str(world / "clips"), out=results)
    assert Localize(options).run("python -m analysis localize") == 0
    shown = []
    monkeypatch.setattr("app.compare.tabs.localization_figure", lambda of: shown.extend(of) or go.Figure())
    app.run()
    assert [len(result["blocks"]) for result in shown] == [6, 1]


def test_four_checkpoints_are_compared_two_by_two(compare, world, two, results):
    for name in ("third", "fourth"):
        write_calls(results, write_checkpoint(world / "checkpoints" / name), TARGETS, SECOND)
    app = compare(a="first", b="second", c="third", d="fourth")
    assert app.title[0].value == "Comparison of 4 checkpoints"
    pairs = next(table.value for table in app.dataframe if "p, adjusted (Holm)" in table.value)
    assert len(pairs) == 6


# ---- links -----------------------------------------------------------------------------------------------------------


def test_a_link_restores_the_view(compare, two):
    asked = {"a": "second", "b": "first", "filter": "both_right", "label": LABELS[1], "clip": "val-000003"}
    asked["tab"] = "Calibration"
    app = compare(**asked, block="S4B1", frame="3", source="gradcam", mode="swipe")
    assert not app.warning and not errors(app)
    assert query(app) == asked | {"gradcam": "true"}  # the map that is asked for needs a class
    assert app.multiselect(key="compared").value == ["second", "first"]
    assert app.button_group(key="compared_gradcam").value == "true"
    assert app.session_state["compared_view"] == {
        "block": "S4B1",
        "frame": "3",
        "source": "gradcam",
        "mode": "swipe",
    }


def test_the_class_of_grad_cam_is_kept_in_the_link(compare, two):
    app = compare()
    app.button_group(key="compared_gradcam").set_value("called").run()
    link = dict(app.query_params)
    assert link["gradcam"] == "called"
    app = compare(**link)
    assert app.button_group(key="compared_gradcam").value == "called" and not app.warning
    app.button_group(key="compared_gradcam").set_value("off").run()
    assert "gradcam" not in app.query_params
    app = compare(source="gradcam")
    app.button_group(key="compared_gradcam").set_value("off").run()
    assert not app.warning  # the link was followed before


def test_unknown_values_of_a_link_are_one_warning_and_the_rest_is_restored(compare, two):
    unknown = {"a": "nobody", "filter": "best", "label": "flying", "clip": "val-9", "list": "none"}
    unknown |= {"block": "S9B9", "frame": "-1", "source": "eyes", "mode": "upside down", "gradcam": "mine"}
    unknown |= {"overlay": "wash", "tab": "Sums"}
    app = compare(**unknown, b="second")
    (warning,) = [warning.value for warning in app.warning]
    for value in unknown.values():
        assert repr(value) in warning
    assert "there are: first, second" in warning and "only\\_a" not in warning
    assert "all (all clips), only_a (A right, B wrong), only_b (A wrong, B right)" in warning
    assert LABELS[2] in warning and "swipe" in warning
    assert app.title[0].value == "second against first" and not errors(app)
    app.radio(key="compared_filter").set_value("both_right").run()
    assert not app.warning


def test_a_clip_of_the_link_that_its_filter_leaves_out_is_warned_of(compare, two):
    app = compare(a="first", b="second", filter="only_a", clip="val-000000")
    (warning,) = [warning.value for warning in app.warning]
    assert "'val-000000', which its filter or its class leaves out" in warning


def test_a_clip_of_a_link_without_a_filter_is_found_among_all(compare, two):
    app = compare(a="first", b="second", clip="val-000000")
    assert query(app)["clip"] == "val-000000" and query(app)["filter"] == "all" and not app.warning


# ---- clips -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["elsewhere", "clips"])
def test_a_missing_video_is_one_error_and_the_numbers_stay(compare, world, results, folder):
    for name in ("first", "second"):
        checkpoint = write_checkpoint(world / "checkpoints" / name)
        write_calls(results, checkpoint, [0, 1], [0, 0], data=str(world / folder))
    (world / "clips" / "val-000000.mp4").unlink()
    app = compare(filter="all")
    (error,) = errors(app)
    assert "val-000000" in error and str(world / folder) in error
    assert "Top-1 of first" in texts(app)


def test_grad_cam_is_computed_when_asked_for_and_its_cost_is_said(compare, two):
    app = compare()
    assert "actionness" in texts(app) and "Grad-CAM 0" not in texts(app)
    app.button_group(key="compared_gradcam").set_value("called").run()
    assert not app.exception and "B Grad-CAM" in texts(app)


def test_thumbnails_come_page_by_page_and_say_who_is_right(compare, two, monkeypatch):
    shown = []
    monkeypatch.setattr("app.compare.clip.gallery", lambda films, **_: shown.append(films))
    monkeypatch.setattr("app.compare.clip.PAGE", 2)
    app = compare(filter="all", clip="val-000003")  # of six, on the second page
    assert app.number_input(key="compared_page").value == 2 and not errors(app)
    assert [film["id"] for film in shown[-1]] == ["val-000002", "val-000003"]
    calls = [film["label"].split(" · ")[1:] for film in shown[-1]]
    assert calls == [["A ✓", f"B ✗ {LABELS[0]}"], ["A ✓", "B ✓"]]


def test_the_matrices_are_those_of_a_and_b_after_a_change_of_checkpoints(compare, world, results, two):
    write_calls(results, write_checkpoint(world / "checkpoints" / "third"), TARGETS, SECOND)
    app = compare(a="first", b="second", tab="Confusions")
    for chosen in (["first", "third"], ["third", "second"]):
        app.multiselect(key="compared").set_value(chosen).run()
        assert app.multiselect(key=f"matrices {chosen[0]} {chosen[1]}").value == chosen
        assert "Confusion matrices" in str([chart.proto.alt for chart in app.get("plotly_chart")])


def test_a_film_of_one_side_has_the_scale_of_all_sides(compare, two, monkeypatch):
    offers, drawn, sent = {}, [], []
    monkeypatch.setattr(
        "app.compare.exports.download_row", lambda row, **_: offers.update({o.text: o for o in row})
    )
    monkeypatch.setattr("app.compare.exports.overlay_film", lambda *of: drawn.append(of) or b"")
    monkeypatch.setattr("app.compare.clip.side_by_side", lambda payload, **_: sent.append(payload))
    page = compare()
    offers["MP4"].make()
    _, _, scale, suffix = drawn[0]
    limits, median = (sent[-1].header[key]["actionness"]["S5B2"]["softmax"] for key in ("scales", "medians"))
    assert scale == Scale(limits, median) and suffix == ".mp4"
    assert page.selectbox("take_kind actionness False").options == ["spatial softmax"]  # B has no M
    assert "-actionness-softmax-value" in offers["MP4"].name
    page.selectbox("take_block").set_value("all blocks").run()
    assert "-all-blocks-actionness-" in offers["MP4"].name
    offers["MP4"].make()
    result, values, scale, _ = drawn[1]
    np.testing.assert_array_equal(values, together(result.maps))
    limits, median = (sent[-1].header[key]["actionness"]["all blocks"] for key in ("scales", "medians"))
    assert scale == Scale(limits["response"], median["response"])


@pytest.mark.parametrize(
    ("source", "kind", "figures"),
    [("actionness", "raw", "raw"), ("gradcam", "raw", "gradcam_raw"), ("gradcam", "relative", "gradcam")],
)
def test_the_values_of_a_strip_are_chosen_and_named(
    compare, world, results, monkeypatch, source, kind, figures
):
    for name in ("first", "second"):
        write_calls(results, write_checkpoint(world / "checkpoints" / name, block="atr"), [0, 1], [0, 0])
    offers, drawn, sent = {}, [], []
    monkeypatch.setattr(
        "app.compare.exports.download_row", lambda row, **_: offers.update({o.text: o for o in row})
    )
    monkeypatch.setattr(
        "app.compare.exports.strip", lambda *of, **options: drawn.append((of, options)) or b""
    )
    monkeypatch.setattr("app.compare.clip.side_by_side", lambda payload, **_: sent.append(payload))
    page = compare(source="gradcam")
    page.selectbox("take_source").set_value(source).run()
    page.selectbox(f"take_kind {source} False").set_value(kind).run()
    assert not page.exception
    offers["Strip, PNG"].make()
    (result, values, scale, _), options = drawn[-1]
    of_class = "-of-true-class" if source == "gradcam" else ""
    assert offers["Strip, PNG"].name.endswith(f"-S5B2-{source}{of_class}-{kind}-value.png")
    assert options["kind"] == figures and scale.limits == sent[-1].header["scales"][source]["S5B2"][kind]
    if source == "actionness":
        np.testing.assert_array_equal(values, result.maps["S5B2"])
    assert ("signed" in page.selectbox("take_style").options) == (figures == "raw")
