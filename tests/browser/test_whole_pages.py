"""Whole pages in a real browser: uploads, faults, widths, themes."""

import re
import time
from fractions import Fraction

import av
import pytest
from playwright.sync_api import expect

from app.links import ARRIVES
from tests.app.world import square_clip
from tests.browser.conftest import download, settle


def write_webm(path, num_frames: int = 10) -> None:
    frames, _ = square_clip(num_frames, side=96)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=Fraction(10))
        stream.width = stream.height = 96
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def upload(page, path) -> None:
    page.get_by_role("radio", name="Upload").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(str(path))


def test_an_uploaded_webm_shows_its_overlay(open_page, tmp_path):
    write_webm(tmp_path / "mine.webm")
    page = open_page()
    before = page.locator(".explorer").get_attribute("data-clip")
    upload(page, tmp_path / "mine.webm")
    expect(page.get_by_role("heading", level=1)).to_have_text("mine.webm")
    expect(page.locator(".explorer")).not_to_have_attribute("data-clip", before)
    settle(page)
    assert page.get_by_role("slider", name="Frame").get_attribute("max") == "9"
    screen = page.locator(".screen")
    with_map = screen.screenshot()
    page.locator(".opacity").fill("0")
    page.mouse.move(5, 5)
    deadline = time.monotonic() + 10  # a busy browser may paint later than it answers
    while screen.screenshot() == with_map:
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    expect(page.get_by_role("button", name="Copy link")).to_be_disabled()
    assert "clip=" not in page.url


def test_a_broken_file_is_one_clear_message_and_the_page_works_on(open_page, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 5000)
    page = open_page()
    upload(page, tmp_path / "broken.mp4")
    alert = page.get_by_test_id("stAlert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("broken.mp4: cannot be read as a video")
    page.get_by_role("radio", name="Shipped").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("moving right")
    page.locator(".explorer[data-frame]").wait_for()
    settle(page)
    expect(alert).to_have_count(0)
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    expect(page.locator(".explorer")).to_have_attribute("data-frame", "7")


def test_downloads_are_made_on_demand(open_page):
    page = open_page()
    for name, suffix, start in [
        ("Maps, NPZ", ".npz", b"PK"),
        ("Emphasis, CSV", ".csv", b"frame,block,"),
        ("Strip, PNG", ".png", b"\x89PNG"),
        ("Overlay, MP4", ".mp4", b"\0\0\0"),
        ("Overlay, GIF", ".gif", b"GIF8"),
    ]:
        file = download(page, name)
        assert file.suggested_filename.endswith(suffix)
        assert file.path().read_bytes().startswith(start)


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows(open_page, width, scheme):
    for where in ("", "evidence", "checkpoints"):
        page = open_page(where, width=width, scheme=scheme, explorer=not where)
        expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=30_000)
        settle(page)
        for element in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
            assert page.evaluate(f"{element}.scrollWidth - {element}.clientWidth") <= 0
        if not where:
            viewport = page.evaluate("innerWidth")
            for part in (".viewer", ".controls", ".bar-ticks", ".keys"):
                box = page.locator(part).bounding_box()
                assert box["x"] >= 0 and box["x"] + box["width"] <= viewport


def test_on_a_phone_there_is_room_for_what_is_shown(open_page):
    page = open_page(width=390)
    assert page.locator(".explorer").bounding_box()["width"] >= 350
    expect(page.locator(".keys")).to_be_hidden()
    note = page.locator(".curve-note")
    assert note.evaluate("(element) => element.scrollWidth <= element.clientWidth")
    plot = page.locator(".curve-plot").bounding_box()
    assert note.bounding_box()["y"] >= plot["y"] + plot["height"]
    chart = page.locator(".st-key-emphasis")  # panels below each other: nothing is out of sight
    expect(chart.locator(".subplot")).to_have_count(3, timeout=60_000)
    assert chart.evaluate("(element) => element.scrollWidth <= element.clientWidth")


def test_a_click_on_a_row_of_the_checkpoints_shows_its_details(open_page):
    page = open_page("checkpoints", explorer=False)
    table = page.get_by_test_id("stDataFrame").first
    expect(page.get_by_role("heading", level=3)).to_have_text("tabletop-atr", timeout=30_000)
    table.get_by_test_id("data-grid-canvas").wait_for(
        timeout=30_000
    )  # until it is there, a grey bar lies in its place
    settle(page)
    box = table.bounding_box()
    page.mouse.click(box["x"] + 16, box["y"] + 52 + 35)  # the mark of the second row
    expect(page.get_by_role("heading", level=3)).to_have_text("tabletop-gr")
    expect(page).to_have_url(re.compile("checkpoint=tabletop-gr"))
    page.reload()
    expect(page.get_by_role("heading", level=3)).to_have_text("tabletop-gr", timeout=30_000)


def test_the_theme_follows_the_system(open_page):
    shades = {}
    for scheme in ("light", "dark"):
        page = open_page(scheme=scheme)
        colour = page.get_by_test_id("stApp").evaluate(
            "(element) => getComputedStyle(element).backgroundColor"
        )
        shades[scheme] = int(colour.split("(")[1].split(",")[0])
    assert shades["light"] > 200 > 60 > shades["dark"]


def test_nothing_is_fetched_from_elsewhere(open_page, address):
    ours = (address, address.replace("http", "ws"), "blob:", "data:")
    page = open_page()
    expect(page).to_have_title("Actionness · ATR Studio")
    assert [url for url in page.requests if not url.startswith(ours)] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_charts_can_be_read(open_page, scheme):
    """Contrast of all of them with the page, as WCAG 2 counts it: 4.5 and above."""
    page = open_page("relations", scheme=scheme, explorer=False)
    page.locator(".js-plotly-plot .xtick text").first.wait_for(timeout=60_000)
    settle(page)
    words = page.locator(".js-plotly-plot .main-svg text")
    assert words.count() > 50
    fills = words.evaluate_all(
        "(all) => all.map((text) => [getComputedStyle(text).fill, getComputedStyle(text).fillOpacity])"
    )
    app = page.get_by_test_id("stApp")
    ground = numbers(app.evaluate("(element) => getComputedStyle(element).backgroundColor"))
    for fill, opacity in set(map(tuple, fills)):
        alpha = float(opacity)
        seen = [alpha * c + (1 - alpha) * g for c, g in zip(numbers(fill), ground, strict=True)]
        dark, light = sorted((luminance(seen), luminance(ground)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (fill, opacity)


def numbers(colour: str) -> list[float]:
    """Red, green and blue, 0 to 255, of "rgb(…)"."""
    return [float(number) for number in re.findall(r"[\d.]+", colour)[:3]]


def luminance(colour: list[float]) -> float:
    """Relative luminance of WCAG 2."""
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_back_and_forward_bring_what_was_shown(open_page):
    page = open_page()
    heading, chosen = page.get_by_role("heading", level=1), page.locator(".gallery [aria-pressed=true]")
    expect(heading).to_have_text("moving right")
    page.locator(".gallery button[aria-pressed=false]").first.click()
    expect(heading).to_have_text("moving left")
    expect(page).to_have_url(re.compile("clip=val-000001"))
    for go, label, clip in (
        (page.go_back, "moving right", "val-000000"),
        (page.go_forward, "moving left", "val-000001"),
        (page.go_back, "moving right", "val-000000"),
    ):
        settle(page)
        page.wait_for_timeout(1000 * ARRIVES + 100)  # until then an address may be on its way
        go()
        expect(heading).to_have_text(label)
        expect(chosen).to_have_attribute("data-clip", clip)
        expect(page).to_have_url(re.compile(f"clip={clip}"))
    page.locator(".gallery [data-clip=val-000001]").click()  # the one that was clicked before
    expect(heading).to_have_text("moving left")
    expect(chosen).to_have_attribute("data-clip", "val-000001")
