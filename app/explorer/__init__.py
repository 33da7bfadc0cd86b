"""The pages' Streamlit components: frame explorer, models side by side, gallery of clips, relation grid of one clip.

Frames and maps go to the browser once; every choice of the first two is drawn there.
"""

from collections.abc import Callable

import matplotlib
import numpy as np
import streamlit as st
from matplotlib.colors import to_hex
from streamlit.runtime.scriptrunner import get_script_run_ctx

from analysis.colours import RELATIONS
from analysis.map_values import NORMALISATIONS, TOGETHER, clip_median, colour_limits
from app.explorer.display import DISPLAY
from app.explorer.payload import Body, Payload, clip_header, clip_view, data_url, packed_map, read
from app.explorer.sides import Side, SidesError, SidesPayload, pack_sides, side_by_side

__all__ = [
    "DISPLAY",
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

_explorer = st.components.v2.component("atr_explorer", **clip_view("explorer"))
_gallery = st.components.v2.component(
    "atr_gallery", html=read("gallery.html"), css=read("gallery.css"), js=read("gallery.js")
)
_chosen = st.components.v2.component("atr_chosen", js=read("chosen.js"))

_relation = st.components.v2.component(
    "atr_relation", html=read("relation.html"), css=read("relation.css"), js=read("relation.js")
)


def pack(identity: str, frames: np.ndarray, maps: dict[str, np.ndarray], **clip) -> Payload:
    """Pack one clip for the browser.

    identity: differs whenever anything here does. maps: raw actionness M by block name, float32 (L, h, w), covering the
    whole frame, and `map_values.together`, which is shown as it is. frames, clip: the arguments of `clip_header`.
    """
    body = Body()
    header = {
        "id": identity,
        **clip_header(body, frames, **clip),
        "blocks": [
            {
                "name": name,
                **packed_map(body, values),
                "together": name == TOGETHER,
                "limits": {kind: colour_limits(values, kind) for kind in kinds},
                "medians": {kind: clip_median(values, kind) for kind in kinds},
            }
            for name, values in maps.items()
            for kinds in [("raw",) if name == TOGETHER else NORMALISATIONS]
        ],
    }
    return Payload(header, bytes(body.data))


def explorer(payload: Payload, *, start: dict, link: dict | None = None) -> None:
    """Show a packed clip.

    start: ``{"frame": int, "block": str or None, "asked": [str]}``, the view to open with, and what a link asks for of
    DISPLAY; ``asked`` names what a link asks for, which wins over what was on screen. link: query
    parameters of a link to this clip and checkpoint, to which the browser adds block, frame and what of the display is
    not the first choice; None when the clip has no address, as with an uploaded file.
    """
    _explorer(key="explorer", data=payload.message(start=start, link=link))


def gallery(
    clips: list[dict], *, name: str, chosen: str, on_choice: Callable[[str], None], key: str = "gallery"
) -> None:
    """Thumbnails to choose from.

    name: of all of them, for screen readers. clips: ``{"id", "label", "film", "frames"}``, where film is the data URL of
    a row of that many square frames. chosen: id of the clip that is shown; of none of these where it is another one.
    on_choice: told the id of what was clicked, before the script runs.
    """
    # A key a page: to Streamlit it is another widget there, and the click may come when the page has changed already.
    context = get_script_run_ctx()
    key = f"{key} {context.page_script_hash}" if context else key

    def changed() -> None:
        if (clip := st.session_state.get(key, {}).get("clip")) is not None:
            on_choice(clip["id"])

    # Apart from the thumbnails: a message that is the same as before is not sent again, and they are a megabyte.
    with st.container(gap=None):
        _gallery(key=key, data={"clips": clips, "name": name, "gallery": key}, on_clip_change=changed)
        _chosen(key=f"{key} chosen", data={"gallery": key, "chosen": chosen})


def relation_grid(block: str, matrix: np.ndarray, frames: list[dict], *, limits: tuple[float, float]) -> None:
    """W of one clip (T, T); pointing at a cell names and outlines its two frames.

    frames: ``{"step", "index", "image"}`` of the T sampled frames, image a data URL. limits: of the colour scale.
    """
    low, high = limits
    palette = matplotlib.colormaps[RELATIONS]
    colours = palette((matrix - low) / (high - low))
    _relation(
        key="relation",
        data={
            "block": block,
            "matrix": matrix.tolist(),
            "colours": [[to_hex(colour) for colour in row] for row in colours],
            "scale": [to_hex(colour) for colour in palette(np.linspace(0, 1, 17))],
            "limits": [f"{limit:.3g}" for limit in limits],
            "frames": frames,
        },
    )
