"""A thumbnail is clicked while the page around it is being replaced."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import settle

CLICKS = "([link, thumbnail, delay]) => { link.click(); setTimeout(() => thumbnail.click(), delay); }"


@pytest.mark.parametrize("delay", [50, 200])
def test_a_thumbnail_clicked_right_after_a_change_of_page(open_page, world, delay):
    """Whichever of the two Streamlit takes to be the later one, the clip that is marked is the clip that is shown."""
    page = open_page()
    for name in ["What if", "Actionness"] * 3:
        thumbnail = page.locator(".gallery button[aria-pressed=false]").first
        link = page.get_by_role("link", name=name, exact=True)
        page.evaluate(CLICKS, [link.element_handle(), thumbnail.element_handle(), delay])
        page.wait_for_timeout(delay + 100)
        deadline, agreed = time.monotonic() + 60, 0
        while agreed < 5 and time.monotonic() < deadline:  # a click may still be on its way
            settle(page)
            agreed = agreed + 1 if shown(page) == marked(page) else 0
            page.wait_for_timeout(100)
        assert shown(page) == marked(page)
        assert page.get_by_test_id("stException").count() == 0
    assert "KeyError" not in (world / "server.log").read_text()


def shown(page) -> str | None:
    """The clip of the page's address."""
    return parse_qs(urlsplit(page.url).query).get("clip", [None])[0]


def marked(page) -> str | None:
    pressed = page.locator(".gallery [aria-pressed=true]")
    return pressed.get_attribute("data-clip") if pressed.count() else ""
