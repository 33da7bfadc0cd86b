"""Who may talk to the dashboard's server: this machine, and only pages that the server itself sent.

Any page in a browser can send requests to a port of this machine: under another name that leads here (DNS rebinding), or
from another server's page. Streamlit checks the name for its WebSocket alone, and lets in every page of localhost.
"""

from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class OwnPagesOnly:
    """ASGI middleware: 403 unless Host is one of `server.allowedHosts`, at any port, and Origin, where sent, the same."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or (reason := refusal(Headers(scope=scope))) is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(reason, 403)(scope, receive, send)
        else:
            await receive()  # the client's request to connect
            await send({"type": "websocket.close", "code": 1008, "reason": reason})


def refusal(headers: Headers) -> str | None:
    """Why a request is refused; None where it is not."""
    host, origin, allowed = (
        headers.get("host", ""),
        headers.get("origin"),
        st.get_option("server.allowedHosts"),
    )
    if hostname(host) not in allowed:
        return f"Host {host!r} is not served; allowed: {', '.join(allowed)} (server.allowedHosts)."
    if origin is not None and origin.partition("://")[2] != host:
        return f"Pages of {origin} may not use the server at {host}."
    return None


def hostname(host: str) -> str | None:
    """Without its port; None where it is no host."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
