"""What the server lets in, and what a fault tells: over sockets, and as a browser under another name sees it."""

import base64
import os
import shutil
import socket
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import app
from benchmarks.measuring import chromium_path
from tests.browser.conftest import ARGUMENTS, served

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "streamlit",
}


def status(address: str, path: str, **headers: str) -> int:
    """Of a GET request with these headers."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def handshake(address: str, **headers: str) -> int:
    key = base64.b64encode(os.urandom(16)).decode()
    return status(address, "/_stcore/stream", **HANDSHAKE, **{"Sec-WebSocket-Key": key}, **headers)


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/compare", "/media/anything.png"])
def test_another_name_that_leads_here_is_refused(address, path):
    port = urlsplit(address).port
    for host in ("evil.test", f"evil.test:{port}", "localhost.evil.test", "127.0.0.1.evil.test", "[", ""):
        assert status(address, path, Host=host) == 403, host
    for host in (
        "localhost",
        f"localhost:{port}",
        "LocalHost:1",
        f"127.0.0.1:{port}",
        "[::1]",
        f"[::1]:{port}",
    ):
        assert status(address, path, Host=host) != 403, host


def test_a_websocket_is_opened_by_pages_of_this_server_only(address):
    port = urlsplit(address).port
    assert handshake(address) == 101  # a program, not a page
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "localhost:9000"):
        assert handshake(address, Host=host, Origin=f"http://{host}") == 101, host
    assert handshake(address, Host=f"evil.test:{port}", Origin=f"http://evil.test:{port}") == 403
    for origin in (
        "http://evil.test",
        f"http://localhost:{port + 1}",
        "http://127.0.0.1",
        "null",
        "http://[",
        "",
    ):
        assert handshake(address, Host=f"127.0.0.1:{port}", Origin=origin) == 403, origin


def test_a_browser_gets_no_page_under_another_name(browser, address):
    port = urlsplit(address).port
    mapped = browser.browser_type.launch(
        executable_path=chromium_path(), args=[*ARGUMENTS, "--host-resolver-rules=MAP evil.test 127.0.0.1"]
    )
    try:
        page = mapped.new_page()
        answer = page.goto(f"http://evil.test:{port}/")
        assert answer.status == 403
        assert "allowed: localhost, 127.0.0.1, ::1" in page.inner_text("body")
        assert page.goto(f"http://localhost:{port}/").status == 200
    finally:
        mapped.close()


def test_the_server_listens_on_this_machine_only(address):
    port = urlsplit(address).port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent; it names our own address towards elsewhere
        outward = probe.getsockname()[0]
    if outward.startswith("127."):
        pytest.skip("this machine has no address but its own")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((outward, port), timeout=10).close()


def test_a_fault_of_a_page_is_told_in_the_log_alone(browser, tmp_path):
    settings = Path(app.__file__).parent / ".streamlit" / "config.toml"
    (tmp_path / ".streamlit").mkdir()
    shutil.copy(settings, tmp_path / ".streamlit")
    (tmp_path / "page.py").write_text('raise RuntimeError("the words of a fault")\n')
    log = tmp_path / "server.log"
    with served(tmp_path / "page.py", log) as address, browser.new_page() as page:
        page.goto(address)
        alert = page.get_by_test_id("stException")
        alert.wait_for(timeout=90_000)
        text = page.inner_text("body")
        assert not [
            word for word in ("RuntimeError", "words of a fault", "page.py", "Traceback") if word in text
        ]
    assert "RuntimeError: the words of a fault" in log.read_text()
