"""The page "Actionness" below the explorer: charts, the sheet of all blocks, files to take along."""

import time
from functools import partial

import streamlit as st

from analysis.export import emphasis_table, write_maps
from analysis.figures import emphasis_figure, probabilities_figure
from analysis.map_values import (
    NORMALISATIONS,
    TOGETHER,
    in_file_names,
    map_names,
    normalise,
    temporal_emphasis,
    together,
)
from analysis.opacity import SIGNED_HELP
from analysis.overlays import Scale
from app import choices
from app.exports import Download, download_row, file_stem, overlay_film, strip, written
from app.loading import Look, sheets
from app.loading.results import readable_results
from app.markdown import plain
from app.stored import clips_localised, fullest_first

HEAD_START = 0.5  # seconds in which a browser draws the explorer
METHOD_NAMES = {  # of maps that are of no single block
    f"actionness, {TOGETHER}": TOGETHER,
    "frame difference": "what moves",
    "uniform": "chance",
}


def below(look: Look) -> None:
    if "charts" not in st.session_state:  # a new window loads Plotly and draws nothing else for a second
        st.session_state["charts"] = True
        time.sleep(HEAD_START)
    if look.result.maps:
        measured(look)
    charts = st.container()
    if look.result.maps:
        sheet(look)  # first: it takes the server a while, in which the browser has time to show the explorer
    with charts:
        draw_charts(look)
    if look.result.maps:
        st.subheader("Downloads", anchor=False)
        downloads(look, look.model.shown_block)


def measured(look: Look) -> None:
    """What is stored on how well these maps find the action, and on blocks that are not alive.

    Of results that cannot be read other pages tell.
    """
    localized, healths = (
        readable_results(look.checkpoint, kind)[0].values() for kind in ("localize", "health")
    )
    located, vitals = next(iter(fullest_first(localized)), None), next(iter(healths), None)
    told = [
        f"{entry['block'] or METHOD_NAMES[entry['method']]} {entry['fig5']['value']:.2f}"
        for entry in (located or {}).get("fig5", {}).get("scores", ())
        if entry["fig5"] and (entry["method"] == "actionness" or entry["method"] in METHOD_NAMES)
    ]
    if located and told:
        of = f"How well these maps find the action (Fig-5 score, ours; {clips_localised(located)})"
        text = f"{of}: {' · '.join(told)}."
        st.caption(f":material/target: {plain(text)}")
    dead = [block for block in (vitals or {}).get("blocks", ()) if block["state"] != "alive"]
    if vitals and dead:
        named = ", ".join(f"{block['block']} ({block['state']})" for block in dead)
        text = f"Not alive on {vitals['clips']} clips, so that their maps say little: {named}."
        st.caption(f":material/heart_broken: {plain(text)}")


def draw_charts(look: Look) -> None:
    result = look.result
    emphasis, probabilities = st.columns([3, 2], gap="large") if result.maps else (None, st.container())
    with probabilities:
        st.subheader("Class probabilities", anchor=False)
        figure = probabilities_figure(result.probabilities, look.model.labels)
        st.plotly_chart(figure, key="probabilities", alt="The five most probable classes as bars")
    if emphasis is None:
        return
    with emphasis:
        st.subheader("Temporal emphasis", anchor=False)
        curves = {name: temporal_emphasis(maps) for name, maps in result.maps.items()}
        figure = emphasis_figure(curves, result.indices, sampled=result.sampled)
        st.plotly_chart(
            figure, key="emphasis", alt="Peak, mean and entropy of the actionness of each block over time"
        )


def sheet(look: Look) -> None:
    st.subheader("Blocks and sampled frames", anchor=False)
    row = st.container(horizontal=True)
    kind = row.segmented_control(
        "Values of the sheet",
        NORMALISATIONS,
        default="raw",
        format_func=choices.KIND_NAMES.get,
        required=True,
        key="sheet_kind",
    )
    style = row.segmented_control(
        "Overlay of the sheet",
        choices.overlay_styles(kind),
        default="value",
        format_func=choices.STYLE_NAMES.get,
        required=True,
        key=f"sheet_style {kind == 'raw'}",
    )
    st.image(
        sheets.sheet(look.identity, kind, style, st.context.theme.type == "dark", look.result),
        width="content",
        alt=f"{choices.KIND_NAMES[kind]} of every block on the sampled frames of {look.clip.label or look.clip.name}",
    )
    st.caption("Each row has its own colour scale: compare along a row, not between rows.")
    if style == "signed":
        st.caption(SIGNED_HELP)


@st.fragment
def downloads(look: Look, block: str) -> None:
    """Files are made when asked for."""
    st.caption("What the files show is chosen here; the picture above has controls of its own.")
    result = look.result
    left, middle, right, _ = st.columns(4)
    names = map_names(result.maps)
    block = left.selectbox("Block", names, index=names.index(block), key="export_block")
    if block == TOGETHER:  # has values of its own
        kinds, key = (TOGETHER,), "export_kind together"
    else:
        kinds, key = NORMALISATIONS, "export_kind"
    kind = middle.selectbox("Values", kinds, format_func=choices.KIND_NAMES.get, key=key)
    styles = choices.overlay_styles(kind)
    style = right.selectbox("Overlay", styles, format_func=choices.STYLE_NAMES.get, key="export_style")
    region = "" if look.view == "crop" else f"-{look.view}"
    stem = f"{file_stem(look.clip)}-{look.checkpoint}{region}"
    if block == TOGETHER:
        maps, name = together(result.maps), f"{stem}-{in_file_names(TOGETHER)}-{style}"
    else:
        maps, name = normalise(result.maps[block], kind), f"{stem}-{block}-{kind}-{style}"
    drawn = result, maps, Scale.of(maps, style=style)
    film = partial(overlay_film, *drawn)
    picture = partial(strip, *drawn, block=block, kind=kind)

    def arrays() -> bytes:
        return written(".npz", lambda path: write_maps(path, result))

    def emphasis() -> str:
        return emphasis_table(result).to_csv(index=False)

    download_row(
        [
            Download("Maps, NPZ", f"{stem}.npz", "application/octet-stream", arrays),
            Download("Emphasis, CSV", f"{stem}.csv", "text/csv", emphasis),
            Download("Strip, PNG", f"{name}.png", "image/png", lambda: picture(".png")),
            Download("Strip, SVG", f"{name}.svg", "image/svg+xml", lambda: picture(".svg")),
            Download("Overlay, MP4", f"{name}.mp4", "video/mp4", lambda: film(".mp4")),
            Download("Overlay, GIF", f"{name}.gif", "image/gif", lambda: film(".gif")),
        ]
    )
