"""Two checkpoints on one clip in a real browser: filters, the first clip, one frame for both, the link, the files."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import download

SIDES = ".sides"


def open_compare(open_page, where: str = "compare", **options):
    # So high that the time axis, which stays in sight, covers no picture.
    page = open_page(where, explorer=False, height=1800, **options)
    page.locator(f"{SIDES}[data-frame]").wait_for(timeout=90_000)
    settled(page)
    return page


def settled(page) -> None:
    """Until the script has run to its end and every frame is decoded."""
    page.get_by_test_id("stApp").and_(page.locator("[data-test-script-state=notRunning]")).wait_for(
        timeout=90_000
    )
    page.locator(f"{SIDES} .waiting").wait_for(state="hidden", timeout=30_000)


def shown(page) -> dict[str, str]:
    """What the side-by-side view says it shows."""
    names = ("frame", "block", "source", "mode", "clip")
    return {name: page.locator(SIDES).get_attribute(f"data-{name}") for name in names}


def pictures(page) -> list[bytes]:
    return [
        screen.screenshot()
        for screen in page.locator(f"{SIDES} .panels .screen").all()
        if screen.is_visible()
    ]


def pick(page, *names: str) -> None:
    """These checkpoints, in this order."""
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_test_id("stMultiSelect").get_by_role("button", name="Clear all").click()
    for name in names:
        sidebar.get_by_role("combobox", name="Checkpoints").click()
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")


def test_pick_two_filter_open_scrub_and_share(open_page):
    page = open_compare(open_page)
    expect(page.get_by_role("heading", level=1)).to_have_text("tabletop-atr against tabletop-gr")
    pick(page, "tabletop-atr", "tabletop-tsn")
    expect(page.get_by_role("heading", level=1)).to_have_text("tabletop-atr against tabletop-tsn")
    page.get_by_text("A right, B wrong · 10").click()
    settled(page)
    first = page.get_by_role("button", name="val-0000").first
    expect(first).to_be_visible()
    first.click()
    settled(page)
    assert page.locator(".panel h3").all_text_contents()[:2] == ["tabletop-atr", "tabletop-tsn"]
    assert page.locator(".panel .verdict").all_text_contents()[:2] == ["✓ right", "✗ wrong"]

    page.get_by_role("slider", name="Frame").fill("3")
    before = pictures(page)
    sent = len(page.sent)
    page.get_by_role("slider", name="Frame").fill("25")
    assert page.locator(SIDES).get_attribute("data-frame") == "25"
    after = pictures(page)
    assert len(before) == len(after) == 2
    assert all(now != then for now, then in zip(after, before, strict=True))
    assert len(page.sent) == sent  # scrubbing asks nothing of the server

    page.locator(".blocks label", has_text="S4B1").click()
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    for part in ("a=tabletop-atr", "b=tabletop-tsn", "filter=only_a", "clip=val-", "frame=25", "block=S4B1"):
        assert part in link
    other = open_compare(open_page, link.split("/", 3)[3])
    assert shown(other) == shown(page)
    assert (
        other.get_by_role("heading", level=1).inner_text()
        == page.get_by_role("heading", level=1).inner_text()
    )
    expect(other.get_by_role("radio", name="A right, B wrong · 10")).to_be_checked()
    assert pictures(other) == pictures(page)
    assert not other.get_by_test_id("stAlert").count()


def test_a_copied_link_holds_the_tab_that_is_open(open_page):
    page = open_compare(open_page)
    named = re.compile("tab=Numbers")
    for tab in ("Numbers", "Summary"):
        page.get_by_role("tab", name=tab).click()
        in_address = expect(page).to_have_url if tab == "Numbers" else expect(page).not_to_have_url
        in_address(named)  # the script has told it
        page.get_by_role("button", name="Copy link").click()
        expect(page.get_by_role("button", name="Link copied")).to_be_visible()
        in_address(named)
        assert "mode=sides" in page.url
        expect(page.get_by_role("button", name="Copy link")).to_be_visible()


def test_the_chosen_thumbnail_is_in_sight(open_page):
    page = open_compare(open_page, "compare?filter=all&clip=val-000022")
    chosen = page.locator(".gallery [aria-pressed=true]")
    expect(chosen).to_have_attribute("data-clip", "val-000022")
    row, thumbnails = chosen.bounding_box(), page.locator(".gallery").bounding_box()
    assert thumbnails["y"] <= row["y"] and row["y"] + row["height"] <= thumbnails["y"] + thumbnails["height"]
    assert page.locator(".gallery").evaluate("list => list.scrollHeight > list.clientHeight")


def test_a_click_on_a_class_lists_its_clips(open_page):
    page = open_compare(open_page, "compare?filter=all&tab=Classes")
    page.locator(".js-plotly-plot .barlayer .point").first.click(force=True)
    settled(page)
    chosen = page.get_by_role("combobox", name="True class")
    expect(chosen).not_to_have_value("All classes")
    expect(page.get_by_role("radio", name="all clips · 10")).to_be_checked()
    settled(page)
    assert page.evaluate("new URLSearchParams(location.search).get('label')") == chosen.input_value()
    page.locator(".js-plotly-plot .barlayer .point").first.click(force=True)  # again
    expect(chosen).to_have_value("All classes")


def test_grad_cam_comes_when_asked_for(open_page):
    page = open_compare(open_page)
    option = page.locator(".sources label", has_text="Grad-CAM")
    expect(option.locator("input")).to_be_disabled()  # it would leave the pictures without maps
    expect(option).to_have_attribute("title", re.compile("choose its class above"))
    page.get_by_role("radio", name="of the true class").click()  # and is shown at once
    settled(page)
    expect(page.locator(SIDES)).to_have_attribute("data-source", "gradcam")
    expect(page.locator(".panel .sentence").first).to_have_text("")
    page.get_by_role("button", name="Copy link").click()
    assert "gradcam=true" in page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("radio", name="off").click()
    expect(page.locator(SIDES)).to_have_attribute("data-source", "actionness")
    page = open_compare(open_page, "compare?source=gradcam&gradcam=off")
    expect(page.get_by_text("source 'gradcam', which is not here; there are: actionness")).to_be_visible()
    expect(page.locator(SIDES)).to_have_attribute("data-source", "actionness")


def test_the_report_is_one_file_and_the_overlays_are_made_on_demand(open_page):
    page = open_compare(open_page)
    text = download(page, "Report (HTML)").path().read_text()
    assert text.startswith("<!doctype html>") and "tabletop-atr against tabletop-gr" in text
    page.get_by_text("Download this clip").click()
    for name, start in (
        ("MP4", b"\0\0\0"),
        ("GIF", b"GIF8"),
        ("Strip, PNG", b"\x89PNG"),
        ("Maps, NPZ", b"PK"),
        ("Class scores, CSV", b"class,true,tabletop-atr,tabletop-gr"),
    ):
        assert download(page, name).path().read_bytes().startswith(start)


@pytest.mark.parametrize("mode", ["sides", "difference", "swipe"])
def test_whole_pictures_and_the_time_axis_are_on_one_screen(open_page, mode):
    page = open_page(f"compare?mode={mode}", explorer=False, width=1440)
    page.locator(f"{SIDES}[data-frame]").wait_for(timeout=90_000)
    settled(page)
    picture = page.locator(".swipe .picture" if mode == "swipe" else ".panel .picture").first.bounding_box()
    axis = page.locator(".time").bounding_box()["y"]
    assert picture["y"] + picture["height"] <= axis < page.viewport_size["height"]


@pytest.mark.parametrize("width", [420, 1280])
def test_nothing_overflows(open_page, width):
    page = open_compare(open_page, width=width)
    for element in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{element}.scrollWidth - {element}.clientWidth") <= 0
