"""How long do many people at once wait for a clip?

    python -m benchmarks.sessions --sessions 20 --seconds 240 --arrive-within 120

Starts the dashboard and a Chromium with that many visitors. Every few seconds each of them chooses another clip or
checkpoint, whether or not the one before has been shown. Prints one table and writes one JSON file: the time from a click to
the explorer of what was clicked, median and 95th percentile; what was not shown in time; what was left for another choice
before; faults of pages; the CPU time of the server and of the browser, which here share the cores. With `--no-browser` the
visitors draw nothing (`benchmarks.visitors`), so that the server alone is measured.
"""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import psutil
from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import TimeoutError as NotInTime
from websockets.exceptions import WebSocketException

from benchmarks.command import start
from benchmarks.measuring import chromium_path, write_found
from benchmarks.visitors import arrive

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SHOWN = ".explorer[data-frame]"


@dataclass(frozen=True)
class Options:
    sessions: int = 20
    seconds: float = 120.0
    """that each of them stays"""
    browser: bool = True
    """visitors in Chromium; else visitors that draw nothing"""
    arrive_within: float = 0.0
    """seconds over which they arrive, one after the other; 0: all at the same moment"""
    every: float = 5.0
    """seconds between two choices of one session, on average"""
    patience: float = 90.0
    """seconds after which a choice counts as not shown"""
    seed: int = 0
    address: str | None = None
    """of a dashboard that runs already; else one is started"""
    chromium: str | None = chromium_path()
    """$CHROMIUM, Debian's or playwright's own when not given"""
    out: Path = Path("results/sessions.json")


@dataclass
class Seen:
    """What all visitors saw together; seconds in `opened` and `changed`, CPU seconds of the processes."""

    opened: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)
    left: int = 0
    not_shown: int = 0
    faults: int = 0
    server_seconds: float | None = 0.0  # None where the server is not ours
    browser_seconds: float = 0.0


def main(options: Options) -> None:
    with dashboard() if options.address is None else given(options.address) as address:
        before = psutil.Process().children(recursive=True)  # the server, if it is ours
        seen = asyncio.run(visit_all(address, options, before))
    if options.address is not None:
        seen.server_seconds = None
    row = {"sessions": options.sessions, "opened": len(seen.opened), **numbers("open", seen.opened)}
    row |= {"changes shown": len(seen.changed), **numbers("change", seen.changed)}
    row |= {"left before": seen.left, "not shown": seen.not_shown, "faults": seen.faults}
    row |= {"server, CPU s": seen.server_seconds, "browser, CPU s": seen.browser_seconds}
    for name, value in row.items():
        told = f"{value:.2f}" if isinstance(value, float) else "-" if value is None else value
        print(f"{name:<24}{told:>8}")
    asked = json.loads(json.dumps(asdict(options), default=str))
    write_found(
        {"options": asked, "cores": os.cpu_count(), "summary": row, "seen": asdict(seen)}, options.out
    )


def numbers(what: str, seconds: list[float]) -> dict[str, float | None]:
    ends = np.percentile(seconds, [50, 95]).tolist() if seconds else [None, None]
    return {f"{what} median, s": ends[0], f"{what} 95 %, s": ends[1]}


@contextmanager
def given(address: str) -> Iterator[str]:
    yield address


@contextmanager
def dashboard() -> Iterator[str]:
    """The address of one of our own, on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "STREAMLIT_SERVER_HEADLESS": "true"}
    server = subprocess.Popen([sys.executable, "-m", "app", "app", "--port", str(port)], env=environment)
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise ValueError("the dashboard did not start") from None
                time.sleep(0.05)
        yield address
    finally:
        server.terminate()
        server.wait()


async def visit_all(address: str, options: Options, server: list[psutil.Process]) -> Seen:
    seen, spent = Seen(), cpu_seconds(server)
    if not options.browser:
        await asyncio.gather(
            *(visit_without_browser(address, options, number, seen) for number in range(options.sessions))
        )
        seen.server_seconds = cpu_seconds(server) - spent
        return seen
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
        visits = [visit(browser, address, options, number, seen) for number in range(options.sessions)]
        await asyncio.gather(*visits)
        mine = psutil.Process().children(recursive=True)
        seen.server_seconds = cpu_seconds(server) - spent
        seen.browser_seconds = cpu_seconds([process for process in mine if process not in server])
        await browser.close()
    return seen


async def visit_without_browser(address: str, options: Options, number: int, seen: Seen) -> None:
    """As `visit`, by a visitor that draws nothing."""
    chance = random.Random(f"{options.seed} {number}")
    await asyncio.sleep(number * options.arrive_within / options.sessions)
    started, end = time.monotonic(), time.monotonic() + options.seconds
    try:
        visitor = await arrive(address, options.patience)
    except (TimeoutError, OSError, WebSocketException):
        seen.not_shown += 1
        return
    receiving = asyncio.create_task(visitor.receive())
    try:
        await visitor.open()
        await visitor.until_shown(options.patience)
        seen.opened.append(time.monotonic() - started)
        await visitor.until_ready(options.patience)
        while time.monotonic() < end:
            pause = chance.uniform(0.5, 1.5) * options.every
            leaves = chance.random() < 0.3
            asked = time.monotonic()
            await visitor.choose(chance)
            try:
                await visitor.until_shown(pause if leaves else options.patience)
                seen.changed.append(time.monotonic() - asked)
            except TimeoutError:
                seen.left += leaves
                seen.not_shown += not leaves
            await asyncio.sleep(pause)
    except (TimeoutError, OSError, WebSocketException):  # of an overloaded server
        seen.not_shown += 1
    finally:
        seen.faults += visitor.faults
        receiving.cancel()
        await visitor.socket.close()


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Of these and of their children that have ended."""
    return sum(sum(process.cpu_times()[:4]) for process in processes)


async def visit(browser: Browser, address: str, options: Options, number: int, seen: Seen) -> None:
    """One visitor with a profile of its own."""
    chance = random.Random(f"{options.seed} {number}")
    await asyncio.sleep(number * options.arrive_within / options.sessions)
    page = await (await browser.new_context()).new_page()
    page.on("pageerror", lambda _: count_fault(seen))
    started, end = time.monotonic(), time.monotonic() + options.seconds
    try:
        await page.goto(address, timeout=1e3 * options.patience, wait_until="commit")
        await page.locator(SHOWN).wait_for(timeout=1e3 * options.patience)
    except NotInTime:
        seen.not_shown += 1
        return
    seen.opened.append(time.monotonic() - started)
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(0, 1))
        pause = chance.uniform(0.5, 1.5) * options.every
        try:
            await change(page, chance, pause if chance.random() < 0.3 else options.patience, options, seen)
        except NotInTime:  # the controls themselves were not there in time
            seen.not_shown += 1
        seen.faults += await page.get_by_test_id("stException").count()
        await asyncio.sleep(pause)


def count_fault(seen: Seen) -> None:
    seen.faults += 1


async def change(page: Page, chance: random.Random, patience: float, options: Options, seen: Seen) -> None:
    """Choose something else and wait for it; with less patience than the options', leave it before it is shown."""
    before = await page.locator(".explorer").get_attribute("data-clip")
    limit = 1e3 * options.patience
    if chance.random() < 0.3:
        await page.get_by_role("combobox", name="Checkpoint").click(timeout=limit)
        choices = page.get_by_role("option", selected=False)
        await choices.first.wait_for(timeout=limit)
        chosen = choices.nth(chance.randrange(await choices.count()))
    else:
        others = page.locator(".gallery button[aria-pressed=false]")
        chosen = others.nth(chance.randrange(await others.count()))
    started = time.monotonic()
    await chosen.click(timeout=limit)
    try:
        await page.locator(f".explorer:not([data-clip='{before}'])").wait_for(timeout=1e3 * patience)
        seen.changed.append(time.monotonic() - started)
    except NotInTime:
        if patience < options.patience:
            seen.left += 1
        else:
            seen.not_shown += 1


if __name__ == "__main__":
    start(main, Options, __doc__)
