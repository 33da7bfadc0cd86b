"""How long does one person wait for the dashboard?

    python -m benchmarks.dashboard

Starts the dashboard and a Chromium, several times, and measures by the clock, so nothing else should run beside it: from the
start of the server to the first overlay; the same page in a new window, with an empty cache and of the same browser; the
first and the second visit of every page; a change of the clip, beside what decoding and the network alone take for it, for a
shipped network and for a ResNet-50 of 224 pixels with random weights; a change of frame, block and opacity, which asks the
server for nothing. Medians. Prints a table and writes one JSON file.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from playwright.sync_api import Browser, Page, sync_playwright

import atr
from analysis.actionness import clip_actionness
from app.explorer import pack
from benchmarks.command import start
from benchmarks.measuring import chromium_path, write_found
from benchmarks.sessions import ARGUMENTS, SHOWN, dashboard

CHECKPOINTS, CLIPS = Path("assets/checkpoints"), Path("assets/clips")
SMALL, LARGE = "tabletop-atr", "tsm-resnet50-atr"
PAGES = ("Actionness", "Compare", "What if", "Temporal relations", "Evidence", "Checkpoints")
IDLE = "[data-test-script-state=notRunning]"

# A control's event to the end of what it draws, in milliseconds.
DRAWN = """(control, [value, kind]) => {
    if (control.type === "radio") control.checked = true; else control.value = value;
    const start = performance.now();
    control.dispatchEvent(new Event(kind, { bubbles: true }));
    return performance.now() - start;
}"""


@dataclass(frozen=True)
class Options:
    repeats: int = 7
    """starts of the dashboard"""
    clips: int = 3
    """that are changed to after each start, for each of the two networks"""
    chromium: str | None = chromium_path()
    """$CHROMIUM, Debian's or playwright's own when not given"""
    out: Path = Path("results/dashboard.json")


Seconds = dict[str, list[float]]  # question -> one number a repeat


def main(options: Options) -> None:
    found: Seconds = {}
    with with_large_network() as root, sync_playwright() as playwright:
        os.environ["ATR_CHECKPOINTS"] = str(root)
        alone = {name: by_itself(root / name, options.clips) for name in (SMALL, LARGE)}
        browser = playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
        for _ in range(options.repeats):
            one_start(browser, alone, options.clips, found)
        browser.close()
        kilobytes = payload(root / LARGE)
    rows = [{"question": name, "median": statistics.median(values)} for name, values in found.items()]
    rows.append(
        {"question": "explorer's message, 13 blocks, 8 frames of 224 pixels, kB", "median": kilobytes}
    )
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    write_found(rows, options.out)


def one_start(browser: Browser, alone: dict[str, float], clips: int, found: Seconds) -> None:
    """All questions to a dashboard that is started for them."""
    started = time.perf_counter()
    with dashboard() as address:
        context = browser.new_context()
        page, sent = watched(context.new_page())
        opened(page, address)
        add(found, "start of the server to the first overlay", time.perf_counter() - started)
        page.locator(IDLE).wait_for()
        page.wait_for_timeout(5_000)  # a person looks at the page before opening another
        for name, window in (
            ("with an empty cache", browser.new_context),
            ("of the same browser", lambda: context),
        ):
            other = window().new_page()
            add(found, f"a new window {name} to its overlay", timed(partial(opened, other, address)))
            other.close()
        for visit in ("first", "second"):
            for name in (*PAGES[1:], PAGES[0]):
                add(found, f"{name}, {visit} visit", timed(partial(visited, page, name)))
        chosen(page, SMALL)  # the page of Fig 4 has turned to a network without maps
        before = len(sent)
        for control, value in in_the_browser(page).items():
            add(found, control, value)
        add(found, "messages to the server for these changes", len(sent) - before)
        for name in (SMALL, LARGE):
            chosen(page, name)
            for number in range(1, clips + 1):
                page.locator(IDLE).wait_for()
                page.wait_for_timeout(1_000)  # a person looks at a clip before choosing another
                waited = timed(partial(changed, page, number))
                add(found, f"change of clip, {name}", waited)
                add(found, f"the same beyond decoding and the network, {name}", waited - alone[name])
        for each in browser.contexts:
            each.close()


def add(found: Seconds, question: str, value: float) -> None:
    found.setdefault(question, []).append(value)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def with_large_network() -> Iterator[Path]:
    """A folder with the shipped checkpoints and a large one."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(CHECKPOINTS, Path(folder) / "checkpoints"))
        labels = atr.load_checkpoint(root / SMALL).labels
        torch.manual_seed(0)
        model = atr.create_model("tsm_resnet50", len(labels), block="atr")
        atr.save_checkpoint(root / LARGE, model, labels=labels)
        yield root


def by_itself(checkpoint: Path, count: int) -> float:
    """Seconds that decoding and the network take for a clip, with as many threads as the dashboard has."""
    model = atr.optimised(atr.load_checkpoint(checkpoint), precision="float32")
    clips = sorted(CLIPS.glob("*.mp4"))[: count + 1]
    return statistics.median([timed(partial(clip_actionness, model, clip)) for clip in clips][1:])


# ---- in the browser --------------------------------------------------------------------------------------------------


def watched(page: Page) -> tuple[Page, list[object]]:
    """The page, and all that it will send to the server."""
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    return page, sent


def opened(page: Page, address: str) -> Page:
    page.set_default_timeout(120_000)
    page.goto(address, wait_until="commit")
    page.locator(SHOWN).wait_for()
    return page


def visited(page: Page, name: str) -> None:
    """Until the script has run to its end."""
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("link", name=name, exact=True).and_(page.locator("[aria-current=page]")).wait_for()
    page.locator(IDLE).wait_for()
    if name == PAGES[0]:
        page.locator(SHOWN).wait_for()


def chosen(page: Page, checkpoint: str) -> None:
    page.get_by_role("combobox", name="Checkpoint").click()
    page.get_by_role("option", name=checkpoint, exact=True).click()
    page.locator(IDLE).wait_for()
    page.wait_for_timeout(5_000)  # what it shows first is not asked for here


def changed(page: Page, number: int) -> None:
    """To the first clip that is not shown, and so on."""
    button = page.locator(".gallery button").nth(number)
    before = page.locator(".explorer").get_attribute("data-clip")
    button.click()
    page.locator(f".explorer[data-frame]:not([data-clip='{before}'])").wait_for()


def in_the_browser(page: Page) -> dict[str, float]:
    """Milliseconds that a change of each control takes to be drawn."""
    changes = {
        "frame": (".explorer .frame", "9", "input"),
        "opacity": (".explorer .opacity", "0.3", "input"),
        "block": (".explorer .blocks input:not(:checked)", "", "change"),
    }
    taken = {}
    for name, (control, *what) in changes.items():
        taken[f"change of {name} to the picture, ms"] = page.locator(control).first.evaluate(DRAWN, what)
    page.wait_for_timeout(1_000)  # a message would be sent with a delay
    return taken


def payload(checkpoint: Path) -> float:
    """kB of the message that shows one sampling of a clip."""
    model = atr.optimised(atr.load_checkpoint(checkpoint), precision="float32")
    shown = clip_actionness(model, min(CLIPS.glob("*.mp4")))
    few = slice(None, None, len(shown.frames) // model.config.num_frames)
    packed = pack(
        "",
        video="",
        maps={name: maps[few] for name, maps in shown.maps.items()},
        frames=shown.frames[few],
        indices=shown.indices[few],
        sampled=shown.sampled,
        fps=shown.fps,
        alt="",
    )
    return len(packed.message(start={}, link=None)) / 1e3


if __name__ == "__main__":
    start(main, Options, __doc__)
