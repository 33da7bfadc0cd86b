"""Actionness: where and when a checkpoint looks in a clip."""

import streamlit as st

from analysis.actionness import ClipActionness
from analysis.map_values import TOGETHER, TOGETHER_HELP, map_names
from analysis.shown_clip import nearest
from app import choices, loading
from app.choices import one_error
from app.explorer import DISPLAY, data_url, explorer, relation_grid
from app.links import take_out_unknown
from app.loading import ChoiceError, Look
from app.markdown import plain


def page() -> None:
    with one_error():
        show()


def show() -> None:
    names, clips = choices.begin(view=("block", "frame", *DISPLAY))
    checkpoint = choices.choose_checkpoint(names)
    warnings = st.empty()
    try:
        with choices.chosen_clip(clips) as clip:
            view = choices.choose_view()
            if checkpoint is None:
                raise ChoiceError(loading.no_checkpoint())
            forget_link((clip and (clip.name, str(clip.source)), checkpoint, view))
            if clip is None:
                st.info("Choose a video in the sidebar to see its frames, its prediction and its maps.")
                return
            look = loading.look(clip, checkpoint, view)
            picture(look, start=starting_point(look))
    finally:
        if found := st.session_state["link"]["warnings"]:
            warnings.warning(plain(" ".join(found)), icon=":material/link_off:")
    result = look.result
    together = (TOGETHER_HELP,) if TOGETHER in map_names(result.maps) else ()
    for note in (*together, *result.notes) if result.maps else ():
        st.caption(f":material/info: {plain(note)}")
    if result.relations:
        relations_of_clip(result)
    # Here: the picture is not to wait for what only the charts import.
    from app.actionness.below import below

    below(look)


def forget_link(chosen: tuple) -> None:
    """What the link asks for, and its warnings, where it was about another clip, checkpoint or region."""
    link = st.session_state["link"]
    if link.setdefault("shown", chosen) != chosen:
        link.update(shown=chosen, view={}, warnings=[])


def picture(look: Look, *, start: dict) -> None:
    """The explorer, and what is to be known before."""
    verdict(look)
    choices.show_notices(look.result.notices)
    for note in look.result.notes if not look.result.maps else ():
        st.info(plain(note), icon=":material/layers_clear:")
    explorer(
        loading.payload(look), start=start, link=choices.write_link(look.clip, look.checkpoint, look.view)
    )


def verdict(look: Look) -> None:
    """The true label beside the prediction."""
    label, probabilities = look.clip.label, look.result.probabilities
    best = int(probabilities.argmax())
    predicted, probability = look.model.labels[best], float(probabilities[best])
    st.title(plain(label or look.clip.name), anchor=False)
    badge = truth = ""
    if label in look.model.labels:
        correct = predicted == label
        badge = ":green-badge[:material/check: correct]" if correct else ":red-badge[:material/close: wrong]"
        truth = "\u2003:gray[The title is the true label.]"
    elif label:
        truth = "\u2003:gray[The title is the true label, which is not a class of this checkpoint.]"
    st.markdown(
        f"{plain(look.checkpoint)} predicts **{plain(predicted)}** · {100 * probability:.1f} % {badge}{truth}"
    )
    for note in look.model.sampling.notes:
        st.caption(plain(note))


def starting_point(look: Look) -> dict:
    """The view to open with, frame as a position in the result: the link's, or the middle of the action."""
    link, maps = st.session_state["link"], look.result.maps
    view, frames = link["view"], [str(index) for index in range(int(look.result.indices[-1]) + 1)]
    link["warnings"] += take_out_unknown(view, {"block": map_names(maps), "frame": frames, **DISPLAY})
    return {
        **view,
        "frame": look.position(int(view["frame"]) if "frame" in view else None),
        "block": view.get("block") or (look.model.shown_block if maps else None),
        "asked": list(view),
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
    positions = nearest(result.indices, result.sampled)
    frames = [
        {"step": step, "index": int(index), "image": data_url(result.frames[position])}
        for step, (index, position) in enumerate(zip(result.sampled, positions, strict=True), start=1)
    ]
    relation_grid(block, matrices[block], frames, limits=(0.0, highest))
    st.caption(
        f"One colour scale for all blocks: 0 to {highest:.3f}. Uniform rows would have {1 / len(frames):.3f}."
    )


page()
