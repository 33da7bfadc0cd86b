"""Actionness: where and when a checkpoint looks in a clip."""

from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from analysis.actionness import (
    NORMALISATIONS,
    ClipActionness,
    colour_limits,
    default_block,
    normalise,
    temporal_emphasis,
)
from analysis.export import emphasis_table, write_maps
from analysis.figures import emphasis_figure, probabilities_figure
from analysis.opacity import SIGNED_HELP
from app import choices, loading
from app.choices import one_error
from app.explorer import data_url, explorer, relation_grid
from app.exports import Download, download_row, overlay_film, strip, written
from app.loading import ChoiceError, Look
from app.markdown import plain
from atr.options import OVERLAY_STYLES

KIND_NAMES = {"raw": "raw M", "sigmoid": "sigmoid(M)", "softmax": "spatial softmax"}


def page() -> None:
    with one_error():
        show()


def show() -> None:
    names, clips = choices.begin()
    checkpoint = choices.choose_checkpoint(names)
    warnings = st.empty()
    try:
        clip = choices.choose_clip(clips)
        view = choices.choose_view()
        if checkpoint is None:
            raise ChoiceError(loading.no_checkpoint())
        if clip is None:
            st.info("Choose a video in the sidebar to see its frames, its prediction and its maps.")
            return
        look = loading.look(clip, checkpoint, view)
        start = starting_point(look)
    finally:
        if found := st.session_state["link"]["warnings"]:
            warnings.warning(plain(" ".join(found)), icon=":material/link_off:")
    result = look.result
    verdict(look)
    choices.show_notices(result.notices)
    for note in result.notes if not result.maps else ():
        st.info(plain(note), icon=":material/layers_clear:")
    explorer(loading.payload(look), start=start, link=choices.write_link(clip, checkpoint))
    for note in result.notes if result.maps else ():
        st.caption(f":material/info: {plain(note)}")
    if result.relations:
        relations_of_clip(result)
    below(look)


def verdict(look: Look) -> None:
    """The true label beside the prediction."""
    label, probabilities = look.clip.label, look.result.probabilities
    best = int(probabilities.argmax())
    predicted, probability = look.model.labels[best], float(probabilities[best])
    st.title(plain(label or look.clip.name), anchor=False)
    badge = ""
    if label:
        correct = predicted == label
        badge = ":green-badge[:material/check: correct]" if correct else ":red-badge[:material/close: wrong]"
    truth = ":gray-badge[true label]\u2003" if label else ""
    st.markdown(
        f"{truth}{plain(look.checkpoint)} predicts **{plain(predicted)}** · {probability:.1%} {badge}"
    )
    for note in look.model.sampling.notes:
        st.caption(plain(note))


def starting_point(look: Look) -> dict:
    """Frame (position in the result) and block to open with: the link's, or the middle of the action."""
    link, maps = st.session_state["link"], look.result.maps
    shown = (look.clip.name, str(look.clip.source), look.checkpoint)
    if link.setdefault("shown", shown) != shown:  # the link was about another clip or checkpoint
        link.update(shown=shown, block=None, frame=None, overlay=None, warnings=[])
    if (block := link["block"]) is not None and block not in maps:
        allowed = ", ".join(maps) or "none, this checkpoint has no maps"
        link["warnings"].append(f"The link asks for block {block!r}; {look.checkpoint} has: {allowed}.")
        link["block"] = block = None
    frame, last = link["frame"], int(look.result.indices[-1])
    if frame is not None and choices.number(frame) not in range(last + 1):
        link["warnings"].append(f"The link asks for frame {frame!r}; this clip has 0 to {last}.")
        link["frame"] = frame = None
    if (overlay := link["overlay"]) is not None and overlay not in OVERLAY_STYLES:
        link["warnings"].append(
            f"The link asks for overlay {overlay!r}; there are: {', '.join(OVERLAY_STYLES)}."
        )
        link["overlay"] = overlay = None
    return {
        "frame": look.position(None if frame is None else int(frame)),
        "block": block or (default_block(look.model) if maps else None),
        "asked": block is not None,
        "overlay": overlay,
    }


def relations_of_clip(result: ClipActionness) -> None:
    """W of the evaluation's T frames, on one colour scale for all blocks."""
    st.subheader("Temporal relations of this clip", anchor=False)
    matrices = {
        block if len(ws) == 1 else f"{block}, GR {number}": w
        for block, ws in result.relations.items()
        for number, w in enumerate(ws, start=1)
    }
    names = list(matrices)
    block = st.segmented_control("Block of W", names, default=names[-1], required=True, key="relation_block")
    highest = max(float(w.max()) for w in matrices.values())
    positions = np.abs(result.indices - result.sampled[:, None]).argmin(axis=1)
    frames = [
        {"step": step, "index": int(index), "image": data_url(result.frames[position])}
        for step, (index, position) in enumerate(zip(result.sampled, positions, strict=True), start=1)
    ]
    relation_grid(block, matrices[block], frames, limits=(0.0, highest))
    st.caption(
        f"One colour scale for all blocks: 0 to {highest:.3f}. Uniform rows would have {1 / len(frames):.3f}."
    )


def below(look: Look) -> None:
    charts = st.container()
    if look.result.maps:
        sheet(look)  # first: it takes the server a while, in which the browser has time to show the explorer
    with charts:
        draw_charts(look)
    if look.result.maps:
        st.subheader("Downloads", anchor=False)
        downloads(look, default_block(look.model))


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
        format_func=KIND_NAMES.get,
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
        loading.sheet(look.identity, kind, style, look.result),
        width="stretch",
        alt=f"{KIND_NAMES[kind]} of every block on the sampled frames of {look.clip.label or look.clip.name}",
    )
    if style == "signed":
        st.caption(SIGNED_HELP)


@st.fragment
def downloads(look: Look, block: str) -> None:
    """Files are made when asked for."""
    result = look.result
    left, middle, right, _ = st.columns(4)
    names = list(result.maps)
    block = left.selectbox("Block", names, index=names.index(block), key="export_block")
    kind = middle.selectbox("Values", NORMALISATIONS, format_func=KIND_NAMES.get, key="export_kind")
    styles = choices.overlay_styles(kind)
    style = right.selectbox("Overlay", styles, format_func=choices.STYLE_NAMES.get, key="export_style")
    stem = f"{Path(look.clip.name).stem}-{look.checkpoint}"
    name, maps = f"{stem}-{block}-{kind}", result.maps[block]
    drawn = result, normalise(maps, kind), colour_limits(maps, kind)
    film = partial(overlay_film, *drawn, style=style)
    picture = partial(strip, *drawn, block=block, kind=kind, style=style)

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


page()
