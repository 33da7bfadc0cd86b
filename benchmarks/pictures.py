"""The pictures of the README and of docs/: the dashboard on what is shipped, in a real browser, and Fig 4.

    python -m benchmarks.pictures

Looked at by eye before they are committed: which clip shows the point best is chosen by a person.
"""

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.command import start
from benchmarks.measuring import chromium_path
from benchmarks.sessions import ARGUMENTS, SHOWN, dashboard

ASSETS = Path("assets")
SIDES = ".sides[data-frame]"
QUALITY = 90  # of JPEG, for pictures that hold frames: a fourth of what they take as PNG
EVIDENCE, PLACEMENTS = "evidence?tab=Table+1", ".st-key-table-1"  # the chart of Table 1


@dataclass(frozen=True)
class Options:
    """out: folder; actionness, compare: the addresses of the pages; fig4, fig4_on_tsm: the checkpoints; chromium:
    playwright's own when not given."""

    out: Path = ASSETS / "pictures"
    actionness: str = "?clip=val-000001&checkpoint=tabletop-tsm-atr&frame=9"
    compare: str = (
        "compare?a=tabletop-atr&b=tabletop-atr-sim&filter=only_a&clip=val-000007&frame=10&source=actionness"
    )
    fig4: str = "tabletop-gr"
    fig4_on_tsm: str = "tabletop-tsm-gr"
    chromium: str | None = chromium_path()


def main(options: Options) -> None:
    options.out.mkdir(parents=True, exist_ok=True)
    with dashboard() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        page.set_default_timeout(120_000)
        show(page, f"{address}/{options.actionness}", SHOWN)
        page.screenshot(path=options.out / "actionness.jpg", quality=QUALITY)
        show(page, f"{address}/{options.compare}", SIDES)
        page.set_viewport_size({"width": 1280, "height": 2400})  # so that nothing has to be scrolled
        page.wait_for_timeout(3000)
        box = page.locator(SIDES).bounding_box()
        clip = {**box, "height": min(box["height"], 1080)}  # down to the legend of its course
        page.screenshot(path=options.out / "compare.jpg", quality=QUALITY, clip=clip)
        show(page, f"{address}/{EVIDENCE}", PLACEMENTS)
        page.locator(PLACEMENTS).screenshot(path=options.out / "placements.png")
        for name, checkpoint in (("fig4", options.fig4), ("fig4-on-tsm", options.fig4_on_tsm)):
            (figure,) = (ASSETS / "results").glob(f"relations-{checkpoint}-*/fig4.svg")
            page.goto(figure.resolve().as_uri())
            page.locator("svg").first.screenshot(path=options.out / f"{name}.png")
        browser.close()


def show(page: Page, address: str, shown: str) -> None:
    page.goto(address)
    page.locator(shown).first.wait_for()
    page.wait_for_timeout(3000)  # until the last widget has been drawn


if __name__ == "__main__":
    start(main, Options, __doc__)
