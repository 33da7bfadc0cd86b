"""The page's Streamlit components: the frame explorer, the gallery of clips, the relation grid of one clip.

The explorer's frames and maps go to the browser once; every choice in it is drawn there. Its JavaScript is split by
subject and joined here into the one module that Streamlit loads; there is no build step.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import streamlit as st
from matplotlib.colors import to_hex

from analysis.relation_figures import COLORMAP as RELATION_COLOURS
from app.explorer.payload import Payload, data_url, pack

__all__ = ["Payload", "data_url", "explorer", "gallery", "pack", "relation_grid"]

_SCRIPTS = ("payload.js", "values.js", "outline.js", "timeline.js", "screen.js", "playback.js", "explorer.js")


def _read(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


_explorer = st.components.v2.component(
    "atr_explorer", html=_read("explorer.html"), css=_read("explorer.css"), js=_read(*_SCRIPTS)
)
_gallery = st.components.v2.component(
    "atr_gallery", html=_read("gallery.html"), css=_read("gallery.css"), js=_read("gallery.js")
)

_relation = st.components.v2.component(
    "atr_relation", html=_read("relation.html"), css=_read("relation.css"), js=_read("relation.js")
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


def relation_grid(
    block: str, matrix: np.ndarray, frames: list[dict], *, limits: tuple[float, float], key: str = "relation"
) -> None:
    """W of one clip (T, T); pointing at a cell names and outlines its two frames.

    frames: ``{"step", "index", "image"}`` of the T sampled frames, image a data URL. limits: of the colour scale.
    """
    low, high = limits
    colours = matplotlib.colormaps[RELATION_COLOURS]((matrix - low) / (high - low))
    _relation(
        key=key,
        data={
            "block": block,
            "matrix": matrix.tolist(),
            "colours": [[to_hex(colour) for colour in row] for row in colours],
            "frames": frames,
        },
    )
