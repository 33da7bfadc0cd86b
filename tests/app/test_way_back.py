"""The browser's Back and Forward on a page: the address that they bring is followed as a link is at first."""

import pytest

from app.choices import SHIPPED
from app.explorer import DISPLAY
from app.links import LOOKED_AT, Link
from tests.app.conftest import open_link
from tests.app.world import GRAPH, LABELS, store_relations, write_checkpoint


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """No browser is on its way to an address here."""
    monkeypatch.setattr("app.links.ARRIVES", 0)


def go_to(app, address: dict[str, str]):
    """As a browser does after Back."""
    app.query_params.clear()
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def test_clip_checkpoint_region_and_source_are_those_of_before(launch, world):
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch(checkpoint="first", clip="val-000001")
    before = dict(app.query_params)
    app.selectbox(key="checkpoint").set_value("second").run()
    app.button_group(key="view").set_value("whole").run()
    after = dict(app.query_params)
    app.button_group(key="source").set_value("Upload").run()
    go_to(app, before)
    assert app.title[0].value == LABELS[1] and app.button_group(key="source").value == SHIPPED
    assert app.selectbox(key="checkpoint").value == "first" and app.button_group(key="view").value == "crop"
    assert app.query_params == before and not app.warning
    go_to(app, after)
    assert app.selectbox(key="checkpoint").value == "second" and app.button_group(key="view").value == "whole"
    assert app.query_params == after


def test_settings_that_an_address_leaves_out_are_as_at_first(launch, network):
    app = launch("what_if")
    app.session_state["view"] = "whole"  # of another page, which alone has it in its address
    before = dict(app.query_params)
    app.button_group(key="what_if order").set_value("reversed").run()
    after = dict(app.query_params)
    assert after["order"] == "reversed"
    assert go_to(app, before).button_group(key="what_if order").value == "as it is"
    assert app.session_state["view"] == "whole"
    assert app.query_params == before
    assert go_to(app, after).button_group(key="what_if order").value == "reversed"


def test_the_enlarged_block_its_checkpoint_and_the_tab_are_those_of_before(world, monkeypatch):
    monkeypatch.setenv("ATR_RESULTS", str(world / "results"))
    for name in ("graph", "other"):
        store_relations(world, write_checkpoint(world / "checkpoints" / name, **GRAPH))
    app = open_link("relations", checkpoint="graph", tab="Numbers")
    before = dict(app.query_params)
    app.selectbox(key="relations_checkpoint").set_value("other").run()
    app.session_state["relations_tab"] = "Convergence"
    app.run()
    assert app.query_params != before
    go_to(app, before)
    assert app.selectbox(key="relations_checkpoint").value == "graph"
    assert app.query_params == before


def test_the_filter_of_a_comparison_and_its_clip_are_those_of_before(two):
    app = open_link("compare", a="first", b="second", filter="all", clip="val-000003")
    before = dict(app.query_params)
    app.radio(key="compared_filter").set_value("only_a").run()
    assert app.query_params["filter"] == "only_a"
    go_to(app, before)
    assert app.query_params == before


def test_an_address_that_is_still_on_its_way_is_not_followed(launch, world, monkeypatch):
    """A click right after another comes with the address of before the first."""
    monkeypatch.setattr("app.links.ARRIVES", 60)
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch(checkpoint="first")
    before = dict(app.query_params)
    app.selectbox(key="checkpoint").set_value("second").run()
    assert go_to(app, before).selectbox(key="checkpoint").value == "second"


def test_what_the_browser_adds_to_the_address_is_no_way_back(launch, world):
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = launch(checkpoint="first")
    app.selectbox(key="checkpoint").set_value("second")
    go_to(app, {**app.query_params, "frame": "3"})
    assert app.selectbox(key="checkpoint").value == "second"
    assert app.query_params["checkpoint"] == "second"


def test_another_frame_of_a_link_is_a_way_back_and_no_address_is_none(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch(clip="val-000001", checkpoint="only", frame="3")
    assert "ways_back" not in app.run().session_state
    assert go_to(app, {**app.query_params, "frame": "5"}).session_state["ways_back"] == 1
    assert go_to(app, {}).session_state["ways_back"] == 1


def test_what_an_address_leaves_out_is_as_at_first_until_it_is_chosen_anew(monkeypatch):
    state = {"a tab": "Numbers"}
    monkeypatch.setattr("app.links.st.session_state", state)
    link, tabs = Link({}, at_first={"tab"}), ["Maps", "Numbers"]
    for expected in ("Maps", "Numbers"):
        link.settle("a tab", "tab", tabs, tabs[0], "tab")
        assert state["a tab"] == expected
        state["a tab"] = "Numbers"


def test_the_row_of_the_checkpoints_is_that_of_before(launch, world):
    for name in ("first", "second"):
        write_checkpoint(world / "checkpoints" / name, block="atr")
    app = open_link("checkpoints", checkpoint="first")
    assert app.subheader[0].value == "first"
    assert go_to(app, {"checkpoint": "second"}).subheader[0].value == "second"
    assert app.query_params == {"checkpoint": "second"}


def test_what_the_browser_adds_is_the_view_and_how_it_is_displayed():
    assert ("block", "frame", "source", "mode", "pair", *DISPLAY) == LOOKED_AT
