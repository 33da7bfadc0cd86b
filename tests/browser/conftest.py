"""A real server on a free port of this machine, and a real Chromium. Without a browser these tests fail."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Download, Error, TimeoutError, expect, sync_playwright

from benchmarks.measuring import chromium_path
from tests.app.world import store_relations, write_calls, write_checkpoint, write_clips

ROOT = Path(__file__).parents[2]
expect.set_options(timeout=30_000)  # as every other wait: a busy machine is slow, not wrong
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Path:
    torch.manual_seed(0)  # before any test's own: what a choice changes in the picture depends on the weights
    folder = tmp_path_factory.mktemp("world")
    write_clips(folder / "clips")
    action = write_checkpoint(folder / "checkpoints" / "tabletop-atr", block="atr")
    bare = write_checkpoint(folder / "checkpoints" / "tabletop-tsn")
    graph = write_checkpoint(
        folder / "checkpoints" / "tabletop-gr", block="atr_sim", reasoner="gr", num_reasoners=1
    )
    store_relations(folder, graph)
    # On 30 rendered clips: tabletop-atr alone is right on the first 10, tabletop-tsn alone on the last 5.
    targets = [0, 1, 2] * 10
    wrong = [(target + 1) % 3 for target in targets]
    write_calls(folder / "results", action, targets, targets[:25] + wrong[25:])
    write_calls(folder / "results", bare, targets, wrong[:10] + targets[10:])
    write_calls(folder / "results", graph, targets, targets[:20] + wrong[20:])
    return folder


@pytest.fixture(scope="session")
def address(world) -> str:
    roots = {f"ATR_{name.upper()}": str(world / name) for name in ("checkpoints", "clips", "results")}
    with served("app/streamlit_app.py", world / "server.log", **roots) as address:
        yield address


@contextmanager
def served(script: str | Path, log: Path, **environment: str) -> Iterator[str]:
    """The address of a server of its own; what it prints goes to `log`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with open(log, "w") as output:
        server = subprocess.Popen(
            [*command, "--server.fileWatcherType", "none", "--server.headless", "true"],
            cwd=ROOT,
            env={**os.environ, **environment, "OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(address, server, log)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the Streamlit server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser():
    executable = chromium_path()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        except Error as error:
            pytest.fail(
                f"these tests need Chromium ({executable or 'the one of playwright'} does not start): install the "
                f"package chromium, run `playwright install chromium`, or set CHROMIUM. {error.message.splitlines()[0]}"
            )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context_of(browser, address):
    """One browser profile per colour scheme for all tests, so that Streamlit's scripts are fetched and compiled once."""
    contexts = {}

    def context(scheme: str):
        if scheme not in contexts:
            contexts[scheme] = browser.new_context(color_scheme=scheme)
            contexts[scheme].grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        return contexts[scheme]

    yield context
    for opened in contexts.values():
        opened.close()


@pytest.fixture
def open_page(context_of, address, world):
    """open_page("?clip=…", width=1280) -> a page whose explorer has drawn.

    page.sent holds the sizes of the messages sent to the server, page.requests every address asked for,
    page.server_log the file that the server prints to. Fails when a script of the page failed.
    """
    pages = []

    def open_at(
        where: str = "", *, width: int = 1280, height: int = 900, scheme: str = "light", explorer: bool = True
    ):
        page = context_of(scheme).new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.faults, page.sent, page.requests = [], [], []
        page.server_log = world / "server.log"
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.requests.append(request.url))
        page.on(
            "websocket", lambda socket: socket.on("framesent", lambda frame: page.sent.append(len(frame)))
        )
        page.goto(f"{address}/{where}")
        if explorer:
            page.locator(".explorer[data-frame]").wait_for(timeout=90_000)
            settle(page)
        return page

    yield open_at
    for page in pages:
        page.close()
    assert not [fault for page in pages for fault in page.faults]


def settle(page) -> None:
    """Until the script has run to its end and every frame is decoded."""
    page.get_by_test_id("stApp").and_(page.locator("[data-test-script-state=notRunning]")).wait_for(
        timeout=90_000
    )
    page.locator(".explorer .waiting").wait_for(state="hidden", timeout=30_000)


def download(page, name: str) -> Download:
    """What the button of that name brings. One click has been seen to bring nothing, without a trace of the reason;
    so a second one follows, and a warning tells what there was to see.
    """
    button = page.get_by_role("button", name=name, exact=True)
    sent, requested = len(page.sent), len(page.requests)
    try:
        with page.expect_download(timeout=45_000) as arriving:
            button.click()
    except TimeoutError:
        warnings.warn(
            f"nothing came of a click on {name!r}: the button is {'enabled' if button.is_enabled() else 'disabled'}, "
            f"messages of {page.sent[sent:]} bytes were sent, {page.requests[requested:]} asked for; the server says "
            f"{page.server_log.read_text()[-2000:]!r}",
            stacklevel=2,
        )
        with page.expect_download(timeout=90_000) as arriving:
            button.click()
    return arriving.value
