"""Links: what they restore, and what they ask for that is not there."""

from tests.app.conftest import errors, open_link
from tests.app.world import write_checkpoint


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


def test_a_warning_of_a_link_goes_with_what_it_was_about(world, network):
    write_checkpoint(world / "checkpoints" / "other", block="atr")
    app = open_link("what_if", checkpoint="nobody")
    assert "'nobody'" in app.warning[0].value
    app.run()
    assert "'nobody'" in app.warning[0].value
    app.selectbox(key="checkpoint").select("other").run()
    assert not app.warning


def test_a_warning_of_a_link_goes_when_another_source_of_clips_is_chosen(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    app = launch(clip="val-9", block="S9B9")
    assert "'val-9'" in app.warning[0].value and "'S9B9'" in app.warning[0].value
    app.button_group(key="source").set_value("Upload").run()
    assert not app.warning
    app.button_group(key="source").set_value("Shipped").run()
    assert not app.warning


def test_a_block_in_the_address_of_another_page_is_not_asked_of_the_explorer(world, network):
    write_checkpoint(world / "checkpoints" / "bare")
    app = open_link("what_if", checkpoint="bare", hide="random", block="S3B1")
    assert not app.warning
    app.switch_page("views/actionness.py").run()
    assert not app.warning and not app.exception


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


def test_a_link_to_a_path_outside_the_root_shows_nothing_of_it(launch, world):
    write_checkpoint(world / "checkpoints" / "only", block="atr")
    (world / "secret.mp4").write_bytes((world / "clips" / "val-000000.mp4").read_bytes())
    app = launch(clip="../secret.mp4")
    assert "not allowed" in app.warning[0].value
    assert app.title[0].value == "moving right"


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
