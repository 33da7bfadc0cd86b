"""Relations in a real browser: a click enlarges a block, a cell of one clip's W marks its two frames."""

import re

from playwright.sync_api import expect

from analysis.relations.fig4 import COLUMNS, ROWS
from app.links import ARRIVES


def test_a_click_on_a_heat_map_enlarges_its_block(open_page):
    page = open_page("relations?clip=val-000001&checkpoint=tabletop-gr", explorer=False)
    page.get_by_text("Click a cell to enlarge its block.").wait_for(timeout=90_000)
    expect(page).to_have_url(re.compile(r"/relations\?checkpoint=tabletop-gr&enlarged=S\dB\d&unit=nats&tab="))
    charts = page.get_by_test_id("stPlotlyChart")
    enlarged = (
        charts.nth(1).locator(".annotation-text").first
    )  # until it is there, a chart of many lies in its place
    expect(enlarged).to_have_text(re.compile(r"^S\dB\d$"), timeout=90_000)  # the most structured one
    for subplot, block in (("xy", "S3B1"), ("x3y3", "S4B1")):
        page.wait_for_timeout(400)  # two clicks within 300 ms are a double click to Plotly, wherever they are
        charts.nth(0).locator(f".subplot.{subplot} .points path").nth(5).click(force=True)
        expect(enlarged).to_have_text(block, timeout=30_000)
    expect(page.get_by_text(re.compile("S4B1: strongest column"))).to_be_visible()
    expect(page).to_have_url(re.compile("enlarged=S4B1"))
    for go, block in ((page.go_back, "S3B1"), (page.go_forward, "S4B1")):
        page.wait_for_timeout(1000 * ARRIVES + 100)  # until then an address may be on its way
        go()
        expect(enlarged).to_have_text(block, timeout=30_000)
        expect(page).to_have_url(re.compile(f"enlarged={block}"))
    page.get_by_role("tab", name="Per class").click()
    expect(page).to_have_url(re.compile(r"enlarged=S4B1&unit=nats&tab=Per\+class&class=moving\+right$"))
    page.reload()  # the address is enough
    expect(page.get_by_text(re.compile("S4B1: strongest column"))).to_be_visible(timeout=90_000)
    expect(page.get_by_role("tab", name="Per class")).to_have_attribute("aria-selected", "true")


def test_on_a_phone_panels_keep_their_size_and_scroll(open_page):
    page = open_page("relations?checkpoint=tabletop-gr", width=390, explorer=False)
    windows = page.locator(".st-key-windows")
    expect(windows.locator(".subplot")).to_have_count(6, timeout=90_000)
    expect(windows.locator(".js-plotly-plot")).to_have_css("width", "700px")
    assert windows.evaluate("(element) => element.scrollWidth > element.clientWidth")
    faded = "(element) => getComputedStyle(element).maskSize"
    assert windows.evaluate(faded) == "100% 100%"  # its right edge fades while there is more to see
    windows.evaluate("(element) => element.scrollTo(element.scrollWidth, 0)")
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('.st-key-windows')).maskSize.startsWith('calc')"
    )
    main = page.get_by_test_id("stMain")
    assert main.evaluate("(element) => element.scrollWidth - element.clientWidth") <= 0
    expect(page.locator(".st-key-enlarged .js-plotly-plot")).not_to_have_css("width", "700px")


def test_a_cell_of_one_clips_w_marks_its_two_frames(open_page):
    page = open_page("?checkpoint=tabletop-gr")
    cell = page.locator(".relation-grid [data-cell='1,3']")
    cell.scroll_into_view_if_needed()
    cell.hover()
    sent = len(page.sent)
    strip = page.locator(".relation-strip figure")
    expect(page.get_by_text(COLUMNS, exact=True)).to_be_visible()
    expect(page.get_by_text(ROWS, exact=True)).to_be_visible()
    expect(strip.nth(1)).to_have_class("looks")
    expect(strip.nth(3)).to_have_class("looked-at")
    expect(page.locator(".relation-text")).to_have_text(
        re.compile(r"Step 2 \(frame 4\) attends to step 4 \(frame 10\): W = 0\.\d{4}")
    )
    page.locator(".relation-grid [tabindex='0']").focus()  # one stop of the Tab key
    expect(strip.nth(0)).to_have_class("looks looked-at")
    for key in ("ArrowRight", "ArrowDown", "End", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    expect(strip.nth(0)).to_have_class("looks")
    expect(strip.nth(3)).to_have_class("looked-at")
    assert page.locator(".relation-grid [tabindex='0']").get_attribute("data-cell") == "0,3"
    grid = page.get_by_role("grid", name="Temporal relation matrix of S5B2")
    expect(grid.get_by_role("row").nth(1).get_by_role("gridcell")).to_have_count(4)
    assert len(page.sent) == sent  # all of it in the browser
    assert page.locator(".relation-grid span").all_inner_texts() == ["", *"1234", *"1234"]
    assert page.locator(".relation-low").inner_text() == "0"
    assert 0.25 <= float(page.locator(".relation-high").inner_text()) <= 1


def test_a_computation_survives_a_reload_and_its_result_appears(open_page):
    page = open_page("relations?checkpoint=tabletop-gr", explorer=False)
    page.get_by_text("Compute over more clips").wait_for(timeout=90_000)
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=90_000)
    expect(page.get_by_text("This average is stored already.")).to_have_count(0)
    page.get_by_role(
        "button", name="Compute"
    ).scroll_into_view_if_needed()  # a list closes when its page scrolls
    page.get_by_role("combobox", name="Data").click()
    page.get_by_role("option", name="the shipped clips").click()
    expect(page.get_by_text("This average is stored already.")).to_be_visible(timeout=30_000)
    clips = page.get_by_role("spinbutton", name="Clips")
    clips.fill("1")
    clips.press("Enter")
    page.get_by_role("button", name="Compute").click()
    stop = page.get_by_test_id("stMain").get_by_role("button", name="Stop")  # Streamlit's own lies above
    stop.wait_for(timeout=30_000)
    page.reload()
    # Under way, or over by now.
    expect(stop.or_(page.get_by_label("Stored result"))).to_be_visible(timeout=60_000)
    expect(page.get_by_label("Stored result")).to_be_visible(timeout=120_000)
    expect(stop).to_have_count(0)
