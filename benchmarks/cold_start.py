"""Where does the time go before the dashboard shows its first overlay?

    python -m benchmarks.cold_start

Starts the dashboard and a Chromium with an empty cache, several times, and measures by the clock, so nothing else should
run beside it: the server until it listens; the browser from the address to the overlay. What the server does meanwhile is
measured in interpreters of their own: imports before the first overlay, each package's own time as `-X importtime` tells
it, and the steps of the first page, each for the first time. Medians. Prints a table and writes one JSON file.
"""

import json
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from playwright.sync_api import Browser, WebSocket, sync_playwright

from benchmarks.command import start
from benchmarks.measuring import chromium_path, write_found
from benchmarks.sessions import ARGUMENTS, SHOWN, dashboard

# What the server imports before the first overlay, in its order.
IMPORTED = "import streamlit.web.bootstrap, analysis.actionness, app.choices, app.loading, app.explorer"
LARGEST = 10  # packages; the rest is one row
OF_EXPLORER = b'"signed_palette"'  # is in its message and in no other of the first page
# Milliseconds since the browser asked for the page.
FIRST_BYTE = "performance.getEntriesByType('navigation')[0].responseStart"
SCRIPTS = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


@dataclass(frozen=True)
class Options:
    repeats: int = 5
    chromium: str | None = chromium_path()
    """$CHROMIUM, Debian's or playwright's own when not given"""
    out: Path = Path("results/cold_start.json")


Seconds = dict[str, float]


def main(options: Options) -> None:
    imports = [by_package(import_times()) for _ in range(options.repeats)]
    steps = [first_steps() for _ in range(options.repeats)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
        starts = [one_start(browser) for _ in range(options.repeats)]
        browser.close()
    found = {
        "imports": largest(medians(imports), LARGEST),
        "steps of the first page": medians(steps),
        "clock": medians(starts),
    }
    rows = [
        {"part": part, "of": name, "seconds": value}
        for part, values in found.items()
        for name, value in values.items()
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    write_found(rows, options.out)


def medians(found: Sequence[Seconds]) -> Seconds:
    """Of each name, in the order of the first; 0 where another lacks it."""
    return {name: statistics.median(each.get(name, 0.0) for each in found) for name in found[0]}


# ---- imports ---------------------------------------------------------------------------------------------------------


def import_times() -> str:
    command = [sys.executable, "-X", "importtime", "-c", IMPORTED]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def by_package(times: str) -> Seconds:
    """Seconds that the modules of each top-level package take themselves. times: what `-X importtime` prints."""
    found: Counter[str] = Counter()
    for own, module in re.findall(r"^import time: +(\d+) \| +\d+ \| *(\S+)$", times, re.MULTILINE):
        found[module.partition(".")[0]] += int(own)
    return {package: own / 1e6 for package, own in found.items()}


def largest(seconds: Seconds, count: int) -> Seconds:
    """So many, the largest first, then the sum of the others and of all."""
    ordered = dict(sorted(seconds.items(), key=lambda item: -item[1]))
    names = list(ordered)[:count]
    rest = sum(ordered[name] for name in list(ordered)[count:])
    return {
        **{name: ordered[name] for name in names},
        "the rest": rest,
        "in all": sum(ordered.values()),
    }


# ---- the first page --------------------------------------------------------------------------------------------------


def first_steps() -> Seconds:
    """Of a new interpreter that has imported everything."""
    code = f"{IMPORTED}; from benchmarks.cold_start import steps; print(steps())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def steps() -> str:
    """The seconds of each step, as JSON."""
    import atr
    from analysis.actionness import clip_actionness
    from analysis.shown_clip import show
    from app import loading
    from app.explorer import pack
    from app.loading.thumbnails import films

    taken: Seconds = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        made = work()
        taken[name] = time.perf_counter() - start
        return made

    folder = loading.root("checkpoints") / loading.checkpoint_names()[0]
    clips = loading.shipped_clips()
    model = timed("checkpoint", lambda: atr.optimised(atr.load_checkpoint(folder), precision="float32"))
    read = timed("decoding", lambda: show(model, clips[0].source))
    found = timed("network", lambda: clip_actionness(model, read.frames))
    clip = {name: getattr(found, name) for name in ("maps", "frames", "indices", "sampled", "fps")}
    timed("packing", lambda: pack("", video="", alt="", **clip).message(start={}, link=None))
    timed("thumbnails, after the overlay", lambda: films(clips))
    return json.dumps(taken)


# ---- by the clock ----------------------------------------------------------------------------------------------------


@contextmanager
def timed_start() -> Iterator[tuple[str, float, float]]:
    """A dashboard's address, when its server was started and when it answered."""
    started = time.perf_counter()
    with dashboard() as address:
        yield address, started, time.perf_counter()


def one_start(browser: Browser) -> Seconds:
    """From the start of the server, and in the browser from the address."""
    with browser.new_context() as context, timed_start() as (address, started, answered):
        page = context.new_page()
        arrived: Seconds = {}

        def received(message: str | bytes) -> None:
            if isinstance(message, bytes) and OF_EXPLORER in message:
                arrived.setdefault("explorer's message received", time.perf_counter() - answered)

        def connected(socket: WebSocket) -> None:
            arrived["WebSocket open"] = time.perf_counter() - answered
            socket.on("framereceived", received)

        page.on("websocket", connected)
        page.goto(address, wait_until="commit")
        page.locator(SHOWN).wait_for(timeout=120_000)
        shown = time.perf_counter()
        return {
            "start of the server to its first answer": answered - started,
            "first byte": page.evaluate(FIRST_BYTE) / 1e3,
            "scripts loaded and run": page.evaluate(SCRIPTS) / 1e3,
            **arrived,
            "overlay drawn": shown - answered,
            "start of the server to the overlay": shown - started,
        }


if __name__ == "__main__":
    start(main, Options, __doc__)
