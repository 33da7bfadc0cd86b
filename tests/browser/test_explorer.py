"""The explorer in a real browser."""

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from tests.app.world import NUM_FRAMES
from tests.browser.conftest import settle


def frame(page) -> int:
    return int(page.locator(".explorer").get_attribute("data-frame"))


def pixels(page) -> str:
    return page.locator(".screen").evaluate("(canvas) => canvas.toDataURL()")


def redrawn(page, before: str) -> str:
    """The picture, as soon as it is another one than before."""
    canvas = page.locator(".screen").element_handle()
    page.wait_for_function("([canvas, before]) => canvas.toDataURL() !== before", arg=[canvas, before])
    return pixels(page)


def choose_values_of_the_sheet(page, name: str) -> None:
    """Below the explorer: reruns the script."""
    page.locator(".st-key-sheet_kind").get_by_text(name).click()
    expect(page.get_by_alt_text(f"{name} of every block")).to_be_visible()
    settle(page)


def test_the_page_opens_on_the_first_clip_in_the_middle_of_its_action(open_page):
    page = open_page()
    expect(page.get_by_role("heading", level=1)).to_have_text("moving right")
    assert frame(page) == 6  # of the acting frames 3 to 8
    assert len(pixels(page)) > 20_000  # a PNG of one colour has a tenth of that
    box = page.locator(".screen").bounding_box()
    assert box["width"] >= 480 and box["height"] >= 480


def test_scrubbing_asks_nothing_of_the_server(open_page):
    page = open_page()
    page.sent.clear()
    page.keyboard.press("ArrowRight")
    assert frame(page) == 7
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert frame(page) == 5
    slider = page.get_by_role("slider", name="Frame")
    slider.fill("11")
    assert frame(page) == 11
    slider.press("Home")
    assert frame(page) == 0
    track = page.locator(".frame").bounding_box()
    page.mouse.click(track["x"] + track["width"] - 9, track["y"] + track["height"] / 2)
    assert frame(page) == NUM_FRAMES - 1
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".explorer")).not_to_have_attribute("data-frame", str(NUM_FRAMES - 1))
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    choose_values_of_the_sheet(page, "sigmoid(M)")
    assert len(page.sent) == 1  # messages arrive in order: nothing was sent before this one


def test_every_choice_is_drawn_in_the_browser(open_page):
    page = open_page()
    page.sent.clear()
    seen = [pixels(page)]
    for choose in (
        lambda: page.get_by_text("S3B1 · 8×8").click(),
        lambda: page.get_by_text("cells", exact=True).click(),
        lambda: page.locator(".palettes").get_by_text("viridis").click(),
        lambda: page.locator(".normalisations").get_by_text("spatial softmax").click(),
        lambda: page.locator(".opacity").fill("0.9"),
        lambda: page.locator(".threshold").fill("0.5"),
        lambda: page.get_by_text("True-mask outlines").click(),
    ):
        choose()
        page.mouse.move(5, 5)
        seen.append(redrawn(page, seen[-1]))
    assert page.locator(".bar-name").inner_text() == "softmax(M)"
    assert page.sent == []


def test_all_blocks_are_shown_together_in_values_of_their_own(open_page):
    page = open_page()
    page.locator(".normalisations").get_by_text("sigmoid(M)").click()
    before = pixels(page)
    page.get_by_text("all blocks · 8×8").click()
    after = redrawn(page, before)
    expect(page.locator(".bar-name")).to_have_text("response")
    expect(page.locator(".normalisations")).to_be_hidden()
    expect(page.locator(".controls").get_by_text("Values", exact=True)).to_be_hidden()
    expect(page.locator(".note")).to_contain_text("0.5 % of the values lie beyond each end")
    expect(page.locator(".overlays input[value=signed]")).to_be_disabled()
    assert float(page.locator(".curve-low").text_content()) >= 0
    page.get_by_text("S5B2 · 2×2").click()
    redrawn(page, after)
    expect(page.locator(".bar-name")).to_have_text("σ(M)")
    expect(page.locator(".controls").get_by_text("Values", exact=True)).to_be_visible()
    page = open_page("?block=all+blocks")
    expect(page.locator(".explorer")).to_have_attribute("data-block", "all blocks")


def test_after_a_click_on_a_choice_the_arrows_step_frames(open_page):
    page = open_page()
    page.get_by_text("S4B1 · 4×4").click()
    page.keyboard.press("ArrowRight")
    assert frame(page) == 7
    assert page.locator(".explorer").get_attribute("data-block") == "S4B1"


def test_the_value_under_the_pointer_and_the_curve_of_a_position(open_page):
    page = open_page()
    page.get_by_text("S4B1 · 4×4").click()
    box = page.locator(".screen").bounding_box()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.4 * box["height"])
    expect(page.locator(".readout")).to_contain_text("S4B1 · row 1, column 3 · M = ")
    page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    expect(page.locator(".curve-note")).to_have_text("M at row 0, column 0")
    points = page.locator(".followed").get_attribute("points").split()
    assert len(points) == NUM_FRAMES
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".curve-note")).to_have_text("M at row 1, column 0")
    page.keyboard.press("Escape")
    expect(page.locator(".followed")).to_have_count(0)


def test_values_shown_are_those_of_the_normalisations(open_page):
    """Softmax sums to 1 in a frame, the sigmoid is that of M: read off cell by cell."""
    page = open_page()
    page.get_by_text("S5B2 · 2×2").click()
    values = {}
    for name in ("raw M", "sigmoid(M)", "spatial softmax"):
        page.locator(".normalisations").get_by_text(name).click()
        box = page.locator(".screen").bounding_box()
        values[name] = []
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            page.mouse.move(
                box["x"] + (column + 0.5) / 2 * box["width"], box["y"] + (row + 0.5) / 2 * box["height"]
            )
            expect(page.locator(".readout")).to_contain_text(f"row {row}, column {column}")
            text = page.locator(".readout").inner_text().rsplit("= ")[1].replace("−", "-")
            values[name].append(float(text))
    assert sum(values["spatial softmax"]) == pytest.approx(1, abs=4e-3)
    for raw, squashed in zip(values["raw M"], values["sigmoid(M)"], strict=True):
        assert 1 / (1 + 2.718281828**-raw) == pytest.approx(squashed, abs=5e-3)


def test_the_caption_of_the_gallery_names_the_shown_clip_once_no_other_is_looked_at(open_page):
    page = open_page()
    caption = page.locator(".gallery-caption")
    expect(caption).to_have_text("moving right")
    page.locator(".gallery button").nth(1).focus()
    expect(caption).to_have_text("moving left")
    page.locator(".gallery button").nth(1).blur()
    expect(caption).to_have_text("moving right")


def test_by_keyboard_the_gallery_is_one_stop_in_which_arrows_move(open_page):
    page = open_page()
    gallery = page.get_by_role("group", name="Shipped clips")
    first, second = gallery.get_by_role("button").all()
    stops = gallery.locator("[tabindex='0']")
    expect(stops).to_have_attribute("data-clip", "val-000000")
    first.focus()
    before = frame(page)
    first.press("ArrowRight")
    expect(second).to_be_focused()
    expect(stops).to_have_attribute("data-clip", "val-000001")
    second.press("ArrowRight")  # there is none
    expect(second).to_be_focused()
    second.press("Home")
    expect(first).to_be_focused()
    assert frame(page) == before
    first.press("End")
    second.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("moving left")


def test_a_link_restores_clip_block_and_frame(open_page):
    page = open_page()
    page.locator(".gallery button").nth(1).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("moving left")
    settle(page)
    page.get_by_text("S3B2 · 8×8").click()
    page.get_by_role("slider", name="Frame").fill("9")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    query = {"clip": ["val-000001"], "checkpoint": ["tabletop-atr"], "block": ["S3B2"], "frame": ["9"]}
    assert parse_qs(urlparse(link).query) == query
    assert page.url == link
    other = open_page("?" + urlparse(link).query)
    expect(other.get_by_role("heading", level=1)).to_have_text("moving left")
    assert frame(other) == 9
    assert other.locator(".explorer").get_attribute("data-block") == "S3B2"


def test_a_rerun_leaves_frame_and_block_alone(open_page):
    page = open_page()
    page.get_by_text("S3B2 · 8×8").click()
    page.get_by_role("slider", name="Frame").fill("2")
    page.sent.clear()
    choose_values_of_the_sheet(page, "sigmoid(M)")
    assert page.sent
    assert frame(page) == 2
    assert page.locator(".explorer").get_attribute("data-block") == "S3B2"


def test_without_maps_the_frames_can_still_be_stepped_through(open_page):
    page = open_page("?checkpoint=tabletop-tsn")
    expect(page.get_by_text("no Action-related Region Locator")).to_be_visible()
    expect(page.locator(".blocks")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    assert frame(page) == 7


def overlay(page, name: str) -> None:
    page.locator(".overlays").get_by_text(name, exact=True).click()


def test_the_overlay_is_by_value_at_first_and_may_be_flat_or_signed(open_page):
    page = open_page()
    explorer = page.locator(".explorer")
    expect(explorer).to_have_attribute("data-overlay", "value")
    page.sent.clear()
    seen = [pixels(page)]
    for name in ("flat", "signed", "by value"):
        overlay(page, name)
        page.mouse.move(5, 5)
        seen.append(redrawn(page, seen[-1]))
    assert seen[0] == seen[3] and len(set(seen)) == 3
    assert page.sent == []


def test_by_value_covers_half_of_the_clip_and_flat_all_of_it(open_page):
    """Of all cells and frames: those that look the same at every opacity lie below the median."""
    page = open_page()
    page.get_by_text("S3B1 · 8×8").click()
    page.locator(".interpolations").get_by_text("cells").click()
    page.mouse.move(5, 5)
    reading = """(canvas) => {
      const side = canvas.width / 8, pen = canvas.getContext("2d");
      return Array.from({ length: 64 }, (_, i) => [...pen.getImageData(
        Math.round((i % 8 + 0.5) * side), Math.round((Math.floor(i / 8) + 0.5) * side), 1, 1).data].join());
    }"""
    slider = page.get_by_role("slider", name="Frame")

    def cells(opacity: str) -> list[str]:
        page.locator(".opacity").fill(opacity)
        found = []
        for index in range(NUM_FRAMES):
            slider.fill(str(index))
            found += page.locator(".screen").evaluate(reading)
        return found

    def alike() -> float:
        bare, covered = cells("0"), cells("1")
        return sum(a == b for a, b in zip(bare, covered, strict=True)) / len(bare)

    assert 0.45 < alike() < 0.65
    overlay(page, "flat")
    assert alike() < 0.05


def test_only_raw_values_are_signed_about_the_median(open_page):
    page = open_page()
    overlay(page, "signed")
    expect(page.locator(".overlay-note")).to_contain_text("differs from block to block")
    ticks = [page.locator(".bar-ticks li").nth(place).inner_text() for place in (4, 2, 0)]
    assert ticks[0].startswith("≤ ") and ticks[2].startswith("≥ ")
    low, middle, high = (float(tick.strip("≤≥ ").replace("−", "-")) for tick in ticks)
    assert middle - low == pytest.approx(high - middle, rel=0.02)
    expect(page.locator(".palettes input").first).to_be_disabled()
    page.locator(".normalisations").get_by_text("spatial softmax").click()
    expect(page.locator(".explorer")).to_have_attribute("data-overlay", "value")
    expect(page.locator(".overlays input[value=signed]")).to_be_disabled()
    expect(page.locator(".palettes input").first).to_be_enabled()
    page.locator(".normalisations").get_by_text("raw M").click()
    expect(page.locator(".explorer")).to_have_attribute("data-overlay", "signed")


def test_a_link_keeps_an_overlay_that_is_not_the_first(open_page):
    page = open_page()
    overlay(page, "signed")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    query = urlparse(page.evaluate("navigator.clipboard.readText()")).query
    assert parse_qs(query)["overlay"] == ["signed"]
    expect(open_page("?" + query).locator(".explorer")).to_have_attribute("data-overlay", "signed")
    other = open_page("?overlay=wash")
    expect(
        other.get_by_text("overlay 'wash', which is not here; there are: value, flat, signed.")
    ).to_be_visible()
    expect(other.locator(".explorer")).to_have_attribute("data-overlay", "value")


def test_a_link_restores_the_display(open_page):
    page = open_page()
    page.locator(".normalisations").get_by_text("sigmoid(M)").click()
    overlay(page, "flat")
    page.locator(".palettes").get_by_text("magma").click()
    page.locator(".interpolations").get_by_text("cells").click()
    page.locator(".opacity").fill("0.7")
    page.locator(".threshold").fill("0.29")
    page.locator(".show-masks").check()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    query = urlparse(page.evaluate("navigator.clipboard.readText()")).query
    display = {"overlay": "flat", "values": "sigmoid", "palette": "magma", "interpolation": "cells"}
    display |= {"opacity": "0.7", "threshold": "0.29", "masks": "shown"}
    assert {name: value for name, (value,) in parse_qs(query).items() if name in display} == display
    other = open_page("?" + query)
    settle(other)
    page.mouse.move(5, 5)
    assert pixels(other) == pixels(page)
    for name in ("opacity-value", "threshold-value", "bar-name"):
        expect(other.locator(f".{name}")).to_have_text(page.locator(f".{name}").inner_text())
    expect(other.locator(".palettes input:checked")).to_have_value("magma")


def test_each_overlay_has_an_opacity_of_its_own(open_page):
    page = open_page()
    page.locator(".opacity").fill("0.4")
    overlay(page, "flat")
    expect(page.locator(".opacity-value")).to_have_text("55 %")
    overlay(page, "by value")
    expect(page.locator(".opacity-value")).to_have_text("40 %")


def test_another_region_or_checkpoint_keeps_the_frame_and_the_display(open_page):
    page = open_page("?clip=val-000001&checkpoint=tabletop-atr&block=S3B2&frame=3&palette=magma")
    view = page.locator(".explorer")
    page.keyboard.press("ArrowRight")
    page.locator(".palettes").get_by_text("viridis").click()
    page.locator(".blocks").get_by_text("S4B1").click()
    page.get_by_role("radio", name="Whole frame").click()
    expect(page).to_have_url(re.compile("region=whole"))
    settle(page)
    assert (frame(page), view.get_attribute("data-block")) == (4, "S4B1")
    expect(page.locator(".palettes").get_by_label("viridis")).to_be_checked()
    page.get_by_role("combobox", name="Checkpoint").click()
    page.get_by_role("option", name="tabletop-tsn").click()
    expect(page).to_have_url(re.compile("checkpoint=tabletop-tsn"))
    settle(page)
    assert frame(page) == 4
