"""The page's two Streamlit components: the frame explorer and the gallery of clips.

The explorer's frames and maps go to the browser once; every choice in it is drawn there. Its JavaScript is split by
subject and joined here into the one module that Streamlit loads; there is no build step.
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.explorer.payload import Payload, pack

__all__ = ["Payload", "explorer", "gallery", "pack"]

_SCRIPTS = ("payload.js", "values.js", "outline.js", "timeline.js", "screen.js", "playback.js", "explorer.js")


def _read(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


_explorer = st.components.v2.component(
    "atr_explorer", html=_read("explorer.html"), css=_read("explorer.css"), js=_read(*_SCRIPTS)
)
_gallery = st.components.v2.component(
    "atr_gallery", html=_read("gallery.html"), css=_read("gallery.css"), js=_read("gallery.js")
)


def explorer(payload: Payload, *, start: dict, link: dict | None = None, key: str = "explorer") -> None:
    """Show a packed clip.

    start: ``{"frame": int, "block": str or None, "asked": bool}``, the view to open with; ``asked`` when a link asks
    for it, and it then wins over the block that was on screen. link: query parameters of a link to this clip and
    checkpoint, to which the browser adds block and frame; None when the clip has no address, as with an uploaded file.
    """
    _explorer(key=key, data=payload.message(start=start, link=link))


def gallery(
    clips: list[dict], *, first: str, on_choice: Callable[[], None], key: str = "gallery"
) -> str | None:
    """Thumbnails to choose from; the id of the clip clicked in this run, else None.

    clips: ``{"id", "label", "film", "frames"}``, where film is the data URL of a row of that many square frames.
    first: id of the clip chosen at the start; from then on the gallery itself shows what was clicked.
    """
    return _gallery(key=key, data={"clips": clips, "first": first}, on_clip_change=on_choice).clip
