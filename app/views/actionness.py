"""Actionness: where and when a checkpoint looks in a clip."""

from pathlib import Path

import numpy as np
import streamlit as st

from analysis.actionness import NORMALISATIONS, ClipActionness, default_block, temporal_emphasis
from analysis.export import emphasis_table, write_maps
from analysis.figures import emphasis_figure, probabilities_figure
from app import choices, loading
from app.choices import plain
from app.explorer import data_url, explorer, relation_grid
from app.exports import Download, Overlay, download_row, written
from app.loading import ChoiceError, Clip, Seen
from atr.models import VideoClassifier

KIND_NAMES = {"raw": "raw M", "sigmoid": "sigmoid(M)", "softmax": "spatial softmax"}


def page() -> None:
    choices.keep()
    try:
        show()
    except ValueError as error:  # whatever cannot be had; the message names it
        st.error(plain(str(error)), icon=":material/error:")


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
            st.info("Choose a video in the sidebar: its frames, its prediction and its maps appear here.")
            return
        model = loading.model(checkpoint)
        seen = loading.seen(clip, checkpoint, view)
        start = starting_point(model, clip, checkpoint, seen.result)
    finally:
        if found := st.session_state["link"]["warnings"]:
            warnings.warning(plain(" ".join(found)), icon=":material/link_off:")
    verdict(model, checkpoint, clip, seen.result)
    for note in seen.result.notes if not seen.result.maps else ():
        st.info(plain(note), icon=":material/layers_clear:")
    explorer(loading.payload(seen, clip), start=start, link=choices.write_link(clip, checkpoint))
    for note in seen.result.notes if seen.result.maps else ():
        st.caption(f":material/info: {plain(note)}")
    if seen.result.relations:
        relations_of_clip(seen.result)
    below(model, clip, checkpoint, seen)


def verdict(model: VideoClassifier, checkpoint: str, clip: Clip, result: ClipActionness) -> None:
    """The true label beside the prediction."""
    best = int(result.probabilities.argmax())
    predicted, probability = model.labels[best], float(result.probabilities[best])
    st.title(plain(clip.label or clip.name), anchor=False)
    badge = ""
    if clip.label:
        correct = predicted == clip.label
        badge = ":green-badge[:material/check: correct]" if correct else ":red-badge[:material/close: wrong]"
    truth = ":gray-badge[true label]\u2003" if clip.label else ""
    st.markdown(f"{truth}{plain(checkpoint)} predicts **{plain(predicted)}** · {probability:.1%} {badge}")


def starting_point(model: VideoClassifier, clip: Clip, checkpoint: str, result: ClipActionness) -> dict:
    """Frame (position in the result) and block to open with: the link's, or the middle of the action."""
    link = st.session_state["link"]
    shown = (clip.name, str(clip.path), checkpoint)
    if link.setdefault("shown", shown) != shown:  # the link was about another clip or checkpoint
        link.update(shown=shown, block=None, frame=None, warnings=[])
    if (block := link["block"]) is not None and block not in result.maps:
        allowed = ", ".join(result.maps) or "none, this checkpoint has no maps"
        link["warnings"].append(f"The link asks for block {block!r}; {checkpoint} has: {allowed}.")
        link["block"] = block = None
    frame, last = link["frame"], int(result.indices[-1])
    if frame is not None and choices.number(frame) not in range(last + 1):
        link["warnings"].append(f"The link asks for frame {frame!r}; this clip has 0 to {last}.")
        link["frame"] = frame = None
    acting = np.flatnonzero(clip.truth.get("acting", ())) if clip.truth else []
    middle = int(acting[len(acting) // 2]) if len(acting) else int(result.indices[len(result.indices) // 2])
    position = int(np.abs(result.indices - (middle if frame is None else int(frame))).argmin())
    return {
        "frame": position,
        "block": block or (default_block(model) if result.maps else None),
        "asked": block is not None,
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


def below(model: VideoClassifier, clip: Clip, checkpoint: str, seen: Seen) -> None:
    result = seen.result
    emphasis, probabilities = st.columns([3, 2], gap="large") if result.maps else (None, st.container())
    with probabilities:
        st.subheader("Class probabilities", anchor=False)
        figure = probabilities_figure(result.probabilities, model.labels)
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
    st.subheader("Blocks and sampled frames", anchor=False)
    kind = st.segmented_control(
        "Values of the sheet",
        NORMALISATIONS,
        default="raw",
        format_func=KIND_NAMES.get,
        required=True,
        key="sheet_kind",
    )
    st.image(
        loading.sheet(seen.identity, kind, result),
        width="stretch",
        alt=f"{KIND_NAMES[kind]} of every block on the sampled frames of {clip.label or clip.name}",
    )
    st.subheader("Downloads", anchor=False)
    downloads(clip, checkpoint, result, default_block(model))


@st.fragment
def downloads(clip: Clip, checkpoint: str, result: ClipActionness, block: str) -> None:
    """Files are made when asked for."""
    left, right, _ = st.columns([1, 1, 2])
    names = list(result.maps)
    block = left.selectbox("Block", names, index=names.index(block), key="export_block")
    kind = right.selectbox("Values", NORMALISATIONS, format_func=KIND_NAMES.get, key="export_kind")
    stem = f"{Path(clip.name).stem}-{checkpoint}"
    drawn, overlay = f"{stem}-{block}-{kind}", Overlay.of_actionness(result, block, kind)

    def maps() -> bytes:
        return written(".npz", lambda path: write_maps(path, result))

    def emphasis() -> str:
        return emphasis_table(result).to_csv(index=False)

    download_row(
        [
            Download("Maps, NPZ", f"{stem}.npz", "application/octet-stream", maps),
            Download("Emphasis, CSV", f"{stem}.csv", "text/csv", emphasis),
            Download("Strip, PNG", f"{drawn}.png", "image/png", lambda: overlay.strip(".png")),
            Download("Strip, SVG", f"{drawn}.svg", "image/svg+xml", lambda: overlay.strip(".svg")),
            Download("Overlay, MP4", f"{drawn}.mp4", "video/mp4", lambda: overlay.film(".mp4")),
            Download("Overlay, GIF", f"{drawn}.gif", "image/gif", lambda: overlay.film(".gif")),
        ]
    )


page()
