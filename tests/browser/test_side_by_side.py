"""Models side by side in a real browser."""

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from analysis.map_values import together
from tests.app.world import NUM_FRAMES
from tests.browser.conftest import ROOT, served
from tests.browser.side_by_side_maps import WEIGHTS, actionness


@pytest.fixture(scope="module")
def sides_address(tmp_path_factory):
    log = tmp_path_factory.mktemp("sides") / "server.log"
    with served("tests/browser/side_by_side_page.py", log, PYTHONPATH=str(ROOT)) as address:
        yield address


@pytest.fixture(scope="module")
def contexts(browser, sides_address):
    opened = {}
    for scheme in ("light", "dark"):
        opened[scheme] = browser.new_context(color_scheme=scheme)
        opened[scheme].grant_permissions(["clipboard-read", "clipboard-write"], origin=sides_address)
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture
def open_sides(contexts, sides_address):
    """open_sides("sides=atr,pool", width=1280) -> a page whose pictures are drawn; page.sent as of open_page."""
    pages = []

    def open_at(query: str = "", *, width: int = 1280, scheme: str = "light"):
        page = contexts[scheme].new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.faults, page.sent = [], []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on(
            "websocket", lambda socket: socket.on("framesent", lambda frame: page.sent.append(len(frame)))
        )
        page.goto(f"{sides_address}/?{query}")
        page.locator(".sides[data-frame]").wait_for(timeout=90_000)
        page.locator("[data-test-script-state=notRunning]").wait_for(timeout=90_000)
        page.locator(".sides .waiting").wait_for(state="hidden", timeout=30_000)
        page.sent.clear()
        return page

    yield open_at
    for page in pages:
        page.close()
    assert not [fault for page in pages for fault in page.faults]


def shown(page, name: str) -> str:
    return page.locator(".sides").get_attribute(f"data-{name}")


def panel(page, name: str):
    return page.locator(".panel").filter(has=page.locator("h3", has_text=re.compile(f"^{re.escape(name)}$")))


def pixels(canvas) -> str:
    return canvas.evaluate("(canvas) => canvas.toDataURL()")


def rerun(page) -> None:
    """For the first time; until the script has run to its end."""
    page.get_by_role("button", name="Rerun").click()
    expect(page.get_by_text("Reruns: 1")).to_be_visible(timeout=30_000)
    page.locator("[data-test-script-state=notRunning]").wait_for(timeout=30_000)


def point_at(page, screen, x: float, y: float) -> None:
    """Parts of the picture's width and height."""
    box = screen.bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_all_sides_are_on_the_same_frame_and_nothing_is_asked_of_the_server(open_sides):
    page = open_sides()
    screens = [panel(page, name).locator(".screen") for name in ("atr", "pool")]
    assert shown(page, "frame") == "6"

    def moved_to(frame: int, before: list[str]) -> list[str]:
        assert shown(page, "frame") == str(frame)
        after = [pixels(screen) for screen in screens]
        assert all(new != old for new, old in zip(after, before, strict=True))
        for screen in screens:
            assert f"frame {frame}," in screen.get_attribute("aria-label")
        return after

    seen = [pixels(screen) for screen in screens]
    page.keyboard.press("ArrowRight")
    seen = moved_to(7, seen)
    page.get_by_role("slider", name="Frame").fill("10")
    seen = moved_to(10, seen)
    page.locator(".curve-plot").scroll_into_view_if_needed()
    curve = page.locator(".curve-plot").bounding_box()
    page.mouse.click(curve["x"] + 1, curve["y"] + curve["height"] / 2)
    seen = moved_to(0, seen)
    page.locator(".rate").select_option("0.25")  # four seconds until frame 0 is there again
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".sides")).not_to_have_attribute("data-frame", "0")
    page.get_by_role("button", name="Pause").click()
    moved_to(int(shown(page, "frame")), seen)
    rerun(page)
    assert len(page.sent) == 1  # messages arrive in order: nothing was sent before this one


def test_pointing_shows_the_values_of_all_sides_and_their_difference(open_sides):
    page = open_sides("mode=difference")
    point_at(page, panel(page, "atr").locator(".screen"), 0.25, 0.25)
    expect(panel(page, "atr").locator(".value")).to_have_text("softmax(M) = 0.100 · 0.4 × uniform")
    expect(panel(page, "pool").locator(".value")).to_have_text("softmax(M) = 0.250 · 1.0 × uniform")
    expect(panel(page, "|A − B|").locator(".value")).to_have_text("|A − B| = 0.150")
    point_at(page, panel(page, "pool").locator(".screen"), 0.75, 0.75)  # from any of the pictures
    expect(panel(page, "atr").locator(".value")).to_have_text("softmax(M) = 0.400 · 1.6 × uniform")
    expect(page.locator(".readout")).to_have_text("row 1, column 1 of 2×2")


def test_one_colour_bar_holds_for_all_sides_and_the_difference_has_its_own(open_sides):
    page = open_sides("mode=difference")
    ticks = page.locator(".scale .bar-ticks li")
    assert ticks.first.inner_text() == "≤ 0.100" and ticks.last.inner_text() == "≥ 0.400"
    own = panel(page, "|A − B|").locator(".bar-ticks li")
    assert own.first.inner_text() == "0.000" and own.last.inner_text() == "0.150"
    page.locator(".blocks").get_by_text("S4B1").click()
    assert ticks.last.inner_text() == "≥ 0.118"  # 16 / 136
    assert own.last.inner_text().startswith("0.055")  # 1 / 16 − 1 / 136


def test_uniform_pooling_is_shown_as_what_it_is(open_sides):
    page = open_sides()
    sentence = panel(page, "pool").locator(".sentence")
    expect(sentence).to_have_text("Pools uniformly: 1/HW = 1/4 = 0.25 in every cell.")
    page.locator(".blocks").get_by_text("S4B1").click()
    expect(sentence).to_have_text("Pools uniformly: 1/HW = 1/16 = 0.063 in every cell.")
    page.locator(".overlays").get_by_text(
        "flat", exact=True
    ).click()  # by value it is transparent: nothing stands out
    screen = panel(page, "pool").locator(".screen")
    flat = pixels(screen)
    page.locator(".opacity").fill("0")
    page.mouse.move(5, 5)
    assert pixels(screen) != flat  # a map lay over the picture


def test_unlike_grids_are_compared_on_the_finer_one(open_sides):
    """A weight of 1 in a single cell is 1/4 in each of the four cells that it covers."""
    page = open_sides("sides=atr,coarse&mode=difference")
    point_at(page, panel(page, "atr").locator(".screen"), 0.25, 0.25)
    expect(panel(page, "coarse").locator(".value")).to_have_text("softmax(M) = 1.00 · 1.0 × uniform")
    gap = panel(page, "|A − B|")
    expect(gap.locator(".value")).to_have_text("|A − B| = 0.150")
    expect(gap.locator(".sentence")).to_contain_text("On the finer grid, 2×2.")
    page.locator(".blocks").get_by_text("S4B1").click()  # its own maps say that it has no such block
    sentence = panel(page, "coarse").locator(".sentence")
    expect(sentence).to_have_text("No ATR block at S4B1. Pools uniformly: 1/HW = 1/16 = 0.063 in every cell.")


def test_raw_values_are_offered_when_every_side_has_a_locator(open_sides):
    page = open_sides()
    expect(page.locator(".kinds label")).to_have_text(["spatial softmax"])
    expect(page.locator(".scale .note")).to_contain_text("Raw M is not offered: pool has none.")
    page = open_sides("sides=atr,mirrored")
    expect(page.locator(".kinds label")).to_have_text(["spatial softmax", "raw M", "sigmoid(M)"])
    page.locator(".kinds").get_by_text("raw M").click()
    point_at(page, panel(page, "atr").locator(".screen"), 0.25, 0.75)
    expect(panel(page, "atr").locator(".value")).to_have_text("M = 4.80")  # log 0.3 + 6
    expect(panel(page, "mirrored").locator(".value")).to_have_text("M = 5.08")  # log 0.4 + 6


def test_a_side_without_the_block_or_the_source_says_so(open_sides):
    page = open_sides("sides=atr,mirrored,pool&block=S4B1&mode=difference")
    expect(panel(page, "mirrored").locator(".sentence")).to_have_text(
        "mirrored has no Actionness map at S4B1."
    )
    gap = panel(page, "|A − B|").locator(".sentence")
    expect(gap).to_have_text("No difference to show: B has no map here.")
    page.locator(".sources").get_by_text("Grad-CAM").click()
    page.locator(".blocks").get_by_text("S5B1").click()
    explained = panel(page, "atr").locator(".sentence")
    expect(explained).to_have_text("Press the button to have it computed.")
    page.locator(".modes").get_by_text("Side by side").click()  # without: the pair and its difference
    expect(panel(page, "pool").locator(".value")).to_be_visible()
    expect(panel(page, "pool").locator(".sentence")).to_be_hidden()
    point_at(page, panel(page, "pool").locator(".screen"), 0.75, 0.25)
    expect(panel(page, "pool").locator(".value")).to_have_text("CAM / max = 0.545")  # frame 6 of 0 … 11


def test_all_blocks_together_are_shown_as_responses(open_sides):
    """The level of M rises over time, so that the last cell of the last frame stands highest above the median."""
    page = open_sides("sides=atr,mirrored,pool&mode=difference")
    page.locator(".blocks").get_by_text("all blocks").click()
    assert shown(page, "kind") == "response"
    expect(page.locator(".values-choice")).to_be_hidden()
    expect(page.locator(".scale .note")).to_have_text(re.compile("^Response, ours: what of each block’s M"))
    expect(panel(page, "mirrored").locator(".sentence")).to_have_text(
        "mirrored has Actionness maps of one block only."
    )
    expect(panel(page, "pool").locator(".sentence")).to_have_text(
        "Pools uniformly in every block: nothing stands out."
    )
    page.get_by_role("slider", name="Frame").fill(str(NUM_FRAMES - 1))
    point_at(page, panel(page, "atr").locator(".screen"), 0.9, 0.9)
    seen = {block: actionness(weights) for block, weights in WEIGHTS.items()}
    expected = together(seen)[-1, -1, -1]
    value = panel(page, "atr").locator(".value")
    expect(value).to_have_text(re.compile(r"^response = \d"))
    assert float(value.inner_text().removeprefix("response = ")) == pytest.approx(expected, rel=0.01)
    page.locator(".sources").get_by_text("Grad-CAM").click()
    expect(panel(page, "pool").locator(".sentence")).to_have_text("pool has Grad-CAM maps of one block only.")
    page.locator(".blocks").get_by_text("S5B1").click()
    expect(page.locator(".values-choice")).to_be_visible()


def test_the_pair_is_chosen_among_three(open_sides):
    page = open_sides("sides=atr,pool,mirrored&mode=difference")
    first, second = page.locator("select.first"), page.locator("select.second")
    expect(panel(page, "mirrored")).to_be_hidden()
    second.select_option("C · mirrored")
    expect(panel(page, "pool")).to_be_hidden()
    point_at(page, panel(page, "atr").locator(".screen"), 0.25, 0.25)
    expect(panel(page, "|A − C|").locator(".value")).to_contain_text("= 0.100")  # 0.1 and 0.2
    first.select_option("C · mirrored")
    expect(second).to_have_value("0")
    expect(panel(page, "|C − A|")).to_be_visible()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    other = open_sides(urlparse(page.url).query)
    expect(panel(other, "|C − A|")).to_be_visible()


def test_a_followed_position_is_one_line_per_side(open_sides):
    page = open_sides("sides=atr,mirrored")
    page.locator(".kinds").get_by_text("raw M").click()
    box = panel(page, "mirrored").locator(".screen").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    expect(page.locator(".curve-note")).to_have_text("M at row 0, column 1 of 2×2")
    for side in (0, 1):
        points = page.locator(f".curve-plot .line-{side}").get_attribute("points").split()
        heights = [float(point.split(",")[1]) for point in points]
        assert len(heights) == NUM_FRAMES and heights == sorted(heights, reverse=True)  # M rises by 1 a frame
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".curve-note")).to_have_text("M at row 1, column 1 of 2×2")
    page.keyboard.press("Escape")
    expect(page.locator(".curve-note")).to_contain_text("peak of M in each frame")


def test_swipe_moves_the_divider_by_pointer_and_keyboard(open_sides):
    page = open_sides("mode=swipe")
    divider = page.get_by_role("slider", name="Divider between the two models")
    assert divider.get_attribute("aria-valuenow") == "50"
    box = page.locator(".swipe .picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 100)
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "25"
    assert divider.get_attribute("aria-valuetext") == "25 % atr, 75 % pool"
    clip_path = page.locator(".over").evaluate("(canvas) => getComputedStyle(canvas).clipPath")
    assert clip_path == "inset(0px 0px 0px 25%)"
    divider.press("ArrowRight")
    assert divider.get_attribute("aria-valuenow") == "27"
    assert shown(page, "frame") == "6"  # the arrow moved the divider, not the frame
    divider.press("End")
    assert divider.get_attribute("aria-valuenow") == "100"
    divider.press("Home")
    assert divider.get_attribute("aria-valuenow") == "0"
    under, over = (pixels(page.locator(place)) for place in (".under", ".over"))
    page.locator(".modes").get_by_text("Side by side").click()
    assert page.locator(".swipe").is_hidden() and under != over
    page.locator(".modes").get_by_text("Swipe").click()
    point_at(page, page.locator(".over"), 0.25, 0.25)
    expect(panel(page, "atr").locator(".value")).to_contain_text("0.100")
    expect(panel(page, "pool").locator(".value")).to_contain_text("0.250")


def test_the_true_class_is_always_listed_and_marked(open_sides):
    page = open_sides("sides=atr,mirrored,pool")
    expect(panel(page, "atr").locator(".verdict")).to_have_text("✗ wrong")
    expect(panel(page, "mirrored").locator(".verdict")).to_have_text("✓ right")
    for name, probability in (("atr", "30.0 %"), ("mirrored", "90.0 %"), ("pool", "10.0 %")):
        true = panel(page, name).locator(".is-true")
        expect(true.locator(".score-label")).to_have_text("moving right")
        expect(true.locator(".score")).to_have_text(probability)
    expect(panel(page, "pool").locator("li")).to_have_count(3)  # two best classes, then the true one
    panel(page, "atr").get_by_text("A note on these maps").click()
    expect(panel(page, "atr").get_by_text("Nothing is trained.")).to_be_visible()


def test_a_link_restores_block_frame_source_and_mode(open_sides):
    page = open_sides("sides=pool,atr")
    page.locator(".sources").get_by_text("Grad-CAM").click()
    page.locator(".blocks").get_by_text("S4B1").click()
    page.locator(".modes").get_by_text("Swipe").click()
    page.get_by_role("slider", name="Frame").fill("9")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    asked = {"sides": "pool,atr", "block": "S4B1", "source": "gradcam", "mode": "swipe", "frame": "9"}
    assert parse_qs(urlparse(link).query) == {
        name: [value] for name, value in ({"reruns": "0"} | asked).items()
    }
    other = open_sides(urlparse(link).query)
    assert {name: shown(other, name) for name in ("block", "source", "mode", "frame")} == {
        name: value for name, value in asked.items() if name != "sides"
    }


def test_a_rerun_leaves_the_view_alone_and_renews_the_link(open_sides):
    page = open_sides()
    page.locator(".blocks").get_by_text("S4B1").click()
    page.get_by_role("slider", name="Frame").fill("2")
    rerun(page)
    assert page.sent
    assert (shown(page, "frame"), shown(page, "block")) == ("2", "S4B1")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    assert "reruns=1" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["difference", "swipe"])
def test_on_a_narrow_screen_the_panels_stack_and_nothing_overflows(open_sides, mode, scheme):
    page = open_sides(f"sides=atr,pool,mirrored&mode={mode}", width=420, scheme=scheme)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    boxes = [box for element in page.locator(".panel").all() if (box := element.bounding_box())]
    assert len({round(box["x"]) for box in boxes}) == 1
    assert all(
        upper["y"] + upper["height"] <= lower["y"] for upper, lower in zip(boxes, boxes[1:], strict=False)
    )
    track, view = page.locator(".track").bounding_box(), page.viewport_size["height"]
    assert track["y"] + track["height"] <= view  # the time axis is in view wherever the page is scrolled to


def test_the_time_axis_does_not_cover_the_colour_bar(open_sides):
    page = open_sides(width=390)
    main, bar, axis = page.get_by_test_id("stMain"), page.locator(".scale"), page.locator(".time")
    bottom = bar.evaluate("(element) => element.getBoundingClientRect().bottom")
    page.set_viewport_size({"width": 390, "height": round(bottom)})  # it ends where the window does
    assert main.evaluate("(element) => element.scrollTop") == 0
    assert axis.bounding_box()["y"] >= bar.bounding_box()["y"] + bar.bounding_box()["height"]


def test_the_overlay_is_one_for_all_sides_and_in_the_link(open_sides):
    page = open_sides("sides=atr,mirrored&mode=difference")
    screens = [page.locator(".panel .screen").nth(number) for number in range(3)]
    assert shown(page, "overlay") == "value"
    before = [pixels(screen) for screen in screens]
    page.locator(".overlays").get_by_text("flat", exact=True).click()
    expect(page.locator(".sides")).to_have_attribute("data-overlay", "flat")
    page.mouse.move(5, 5)
    assert all(pixels(screen) != old for screen, old in zip(screens, before, strict=True))
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    assert parse_qs(urlparse(page.evaluate("navigator.clipboard.readText()")).query)["overlay"] == ["flat"]


def test_a_link_restores_the_display(open_sides):
    page = open_sides("sides=atr,mirrored")
    page.locator(".kinds").get_by_text("sigmoid(M)").click()
    page.locator(".palettes").get_by_text("viridis").click()
    page.locator(".opacity").fill("0.5")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    other = open_sides(urlparse(page.evaluate("navigator.clipboard.readText()")).query)
    assert (shown(other, "kind"), shown(other, "overlay")) == ("sigmoid", "value")
    expect(other.locator(".palettes input:checked")).to_have_value("viridis")
    expect(other.locator(".opacity-value")).to_have_text("50 %")


def test_a_link_to_a_signed_overlay_turns_to_raw_values(open_sides):
    page = open_sides("sides=atr,mirrored&overlay=signed")
    assert (shown(page, "kind"), shown(page, "overlay")) == ("raw", "signed")
    page = open_sides("sides=atr,pool&overlay=signed")  # without raw M
    assert (shown(page, "kind"), shown(page, "overlay")) == ("softmax", "value")


def test_uniform_pooling_is_transparent_by_value(open_sides):
    page = open_sides()
    uniform = panel(page, "pool").locator(".screen")
    page.locator(".opacity").fill("0")
    bare = pixels(uniform)
    page.locator(".opacity").fill("1")
    assert pixels(uniform) == bare
    page.locator(".overlays").get_by_text("flat", exact=True).click()
    page.mouse.move(5, 5)
    assert pixels(uniform) != bare
