"""The sheet of a clip, blocks × sampled frames."""

import io

import streamlit as st

from analysis.actionness import ClipActionness
from analysis.map_values import map_values
from analysis.overlays import scales_of
from analysis.sheets import block_frame_sheet


@st.cache_data(max_entries=16, show_spinner="Drawing the sheet …")
def sheet(identity: str, kind: str, style: str, dark: bool, _result: ClipActionness) -> bytes:
    """Blocks, and all of them together, × sampled frames as a PNG, for a light or a dark page."""
    keys, maps = _result.key_frames, map_values(_result.maps, kind)
    figure = block_frame_sheet(
        _result.frames[keys],
        {name: values[keys] for name, values in maps.items()},
        scales_of(maps, style=style),
        _result.indices[keys],
        kind=kind,
        dark=dark,
    )
    file = io.BytesIO()
    # About as wide as the page, and packed quickly: nobody's change of clip should wait for a smaller file.
    figure.savefig(file, dpi=100, pil_kwargs={"compress_level": 1})
    return file.getvalue()
