"""The pages' Streamlit components: frame explorer, models side by side, gallery of clips, relation grid of one clip.

Frames and maps go to the browser once; every choice of the first two is drawn there. Their JavaScript is split by
subject and joined here into the one module that Streamlit loads; there is no build step.
"""

from collections.abc import Callable
from pathlib import Path
from string import Template

import matplotlib
import numpy as np
import streamlit as st
from matplotlib.colors import to_hex

from analysis.relations.fig4 import COLORMAP as RELATION_COLOURS
from app.explorer.payload import Payload, data_url, pack
from app.explorer.sides import MODES, Side, SidesError, SidesPayload, pack_sides

__all__ = [
    "MODES",
    "Payload",
    "Side",
    "SidesError",
    "SidesPayload",
    "data_url",
    "explorer",
    "gallery",
    "pack",
    "pack_sides",
    "relation_grid",
    "side_by_side",
]

_SHARED = ("payload.js", "values.js", "outline.js", "timeline.js", "screen.js", "playback.js", "viewer.js")


def _read(*names: str) -> str:
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in names)


def _clip_view(name: str, *scripts: str) -> dict[str, str]:
    """The parts of a component that shows one clip: its own files, with those that all such components share."""
    shared = {part: _read(f"{part}.html") for part in ("timeline", "legend", "display")}
    return {
        "html": Template(_read(f"{name}.html")).substitute(shared),
        "css": _read("common.css", f"{name}.css"),
        "js": _read(*_SHARED, *scripts, f"{name}.js"),
    }


_explorer = st.components.v2.component("atr_explorer", **_clip_view("explorer"))
_side_by_side = st.components.v2.component("atr_side_by_side", **_clip_view("side_by_side", "side_panel.js"))
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


def side_by_side(
    payload: SidesPayload, *, start: dict, link: dict | None = None, key: str = "side_by_side"
) -> None:
    """Show two to four models on one packed clip.

    start: ``{"frame": int, "block": str or None, "source": str or None, "mode": str or None}``, the view to open a clip
    with. What is None was not asked for: what is on screen stays, at first the last block, actionness and "sides".
    link: query parameters of a link to this clip and these checkpoints, to which the browser adds block, frame (index
    in the original video), source and mode; None when the clip has no address.

    Raises:
        SidesError: start asks for a block, source or mode that is not there.
    """
    allowed = {"block": payload.blocks, "source": payload.sources, "mode": MODES}
    for name, values in allowed.items():
        if start.get(name) is not None and start[name] not in values:
            raise SidesError(f"{name} is one of {', '.join(values) or 'none'}, got {start[name]!r}")
    _side_by_side(key=key, data=payload.message(start=start, link=link))


def gallery(
    clips: list[dict],
    *,
    first: str,
    on_choice: Callable[[], None],
    key: str = "gallery",
    group: str = "gallery",
) -> str | None:
    """Thumbnails to choose from; the id of the clip clicked in this run, else None.

    clips: ``{"id", "label", "film", "frames"}``, where film is the data URL of a row of that many square frames.
    first: id of the clip chosen at the start; from then on the gallery itself shows what was clicked. group: galleries
    of one group, such as the pages of a long list, share one choice.
    """
    return _gallery(
        key=key, data={"clips": clips, "first": first, "group": group}, on_clip_change=on_choice
    ).clip


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
