"""The page "Compare", clip by clip: filters, thumbnails, the models side by side on one clip, and what is taken along."""

import hashlib
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from analysis.compare.comparable import LETTERS
from analysis.compare.numbers import FILTERS, of_class
from app import loading
from app.choices import as_chosen, one_error, show_notices
from app.compare.choices import choose_filter, choose_label, page_link
from app.compare.exports import class_scores, take_along
from app.explorer import SidesPayload, gallery, side_by_side
from app.links import LOOKED_AT, take_out_unknown
from app.loading import Clip, Look
from app.markdown import plain
from atr.results.predictions import Predictions
from atr.schema import line

PAGE = 24  # thumbnails at a time: only these are rendered
GRADCAM = {"off": "off", "true": "of the true class", "called": "of the prediction"}
GRADCAM_FILES = {"off": "", "true": "true-class", "called": "predicted-class"}


def choose_clip(predictions: Sequence[Predictions], clips: pd.DataFrame) -> dict[str, str]:
    """Filter, class, clip and Grad-CAM, as a link has them. clips: `compare.numbers.clip_table`."""
    filters = st.container()
    label = choose_label(predictions[0].labels)
    kept = of_class(clips, label)
    narrowed = {key: narrow(kept) for key, (_, narrow) in FILTERS.items()}
    with filters:
        chosen = choose_filter({key: len(found) for key, found in narrowed.items()})
    link = {"filter": chosen} if label is None else {"filter": chosen, "label": label}
    found = narrowed[chosen]
    if found.empty:
        text = f"{FILTERS[chosen][0]}: no clip{'' if label is None else ' of this class'}."
        st.info(plain(text), icon=":material/search_off:")
        return link
    return {**link, "clip": from_gallery(predictions, found), **settle_gradcam()}


def from_gallery(predictions: Sequence[Predictions], found: pd.DataFrame) -> str:
    """The chosen one of the clips found, out of a page of thumbnails."""
    ids = found.id.tolist()
    wanted = page_link().take("clip", predictions[0].ids, "clip")
    if wanted is not None and wanted not in ids:
        page_link().warnings.append(
            f"The link asks for clip {line(repr(wanted))}, which its filter or its class leaves out."
        )
        wanted = None
    if wanted or st.session_state.get("compared_clip") not in ids:
        st.session_state["compared_clip"] = wanted or ids[0]
    names = [p.name for p in predictions]
    within = hashlib.sha256(repr((names, ids)).encode()).hexdigest()[:12]
    pages = -(-len(ids) // PAGE)
    if st.session_state.get("compared_within") != within:  # other clips: begin at the page of the chosen one
        st.session_state["compared_within"] = within
        st.session_state["compared_page"] = ids.index(st.session_state["compared_clip"]) // PAGE + 1
    page = st.session_state["compared_page"]
    if pages > 1:
        help = f"{PAGE} of {len(ids):,} clips a page"
        page = st.number_input(
            f"Page (of {pages})", 1, pages, key="compared_page", help=help, persist_state="session"
        )
    key = f"compared_gallery {within} {page}"

    def clicked(name: str) -> None:
        if name in ids:
            st.session_state["compared_clip"] = name

    rows = found.iloc[(page - 1) * PAGE : page * PAGE]
    films = [thumbnail(predictions, index, row) for index, row in rows.iterrows()]
    chosen = st.session_state["compared_clip"]
    gallery(films, name="Clips of the filter", chosen=chosen, on_choice=clicked, key=key)
    return st.session_state["compared_clip"]


def thumbnail(predictions: Sequence[Predictions], index: int, row: pd.Series) -> dict:
    film = loading.predicted_film(predictions[0], index)
    answers = [
        f"{letter} {'✓' if row[f'right_{letter.lower()}'] else '✗ ' + row[f'predicted_{letter.lower()}']}"
        for letter, _ in zip(LETTERS, predictions, strict=False)
    ]
    return {**film, "label": " · ".join([film["label"], *answers])}


def show_clip(predictions: Sequence[Predictions], link: dict[str, str]) -> None:
    """The clip of the link, side by side; what stands in the way is one error. link: what restores the page."""
    with one_error():
        explore(predictions, predictions[0].ids.index(link["clip"]), link)


def settle_gradcam() -> dict[str, str]:
    """Grad-CAM's class as a link has it, before its control is drawn: of the true class where the map is asked for."""
    first = "true" if page_link().asked.get("source") == "gradcam" else "off"
    page_link().settle("compared_gradcam", "gradcam", list(GRADCAM), first, "Grad-CAM")
    chosen = st.session_state["compared_gradcam"]
    return {} if chosen == "off" else {"gradcam": chosen}


def choose_gradcam() -> str:
    return st.segmented_control(
        "Grad-CAM",
        list(GRADCAM),
        format_func=GRADCAM.get,
        key="compared_gradcam",
        required=True,
        persist_state="session",
    )


def explore(predictions: Sequence[Predictions], index: int, link: dict[str, str]) -> None:
    clip = as_chosen(loading.predicted_clip(predictions[0], index))
    heading, choice = st.columns([3, 2], vertical_alignment="bottom")
    heading.markdown(f"**{plain(str(clip.label))}** · {plain(clip.name)}")
    view_asked = starting_view(clip)
    with choice:
        gradcam = choose_gradcam()
    names = [p.name for p in predictions]
    view = loading.common_view(clip, names)
    targets = [gradcam_class(p, index, gradcam) for p in predictions]
    with st.container():  # bars of progress come and go in it, and the view below stays in its place
        looks = [loading.look(clip, name, view, target=t) for name, t in zip(names, targets, strict=True)]
    show_notices(looks[0].result.notices)
    payload = loading.sides_payload(looks, predictions, index)
    side_by_side(payload, start=start_of(view_asked, looks, payload), link=link, key="compared_sides")
    st.caption(plain(costs(looks)))
    if view == "whole":
        st.caption(
            "These checkpoints use different crops of the frame, so the maps are computed on the whole frame."
        )
    scores = class_scores(predictions, index)
    take_along(looks, payload, named_block(looks, payload), scores, gradcam=GRADCAM_FILES[gradcam])


def gradcam_class(predictions: Predictions, index: int, asked: str) -> int | None:
    """The class whose Grad-CAM is asked for, by the checkpoint's own numbers: predictions number classes as the data."""
    if asked == "off":
        return None
    number = (predictions.targets if asked == "true" else predictions.predicted)[index]
    return loading.model(predictions.name).labels.index(predictions.labels[number])


def starting_view(clip: Clip) -> dict[str, str] | None:
    """What the link asks to open its clip with, which is the first to be shown; None for any other."""
    if "compared_view" not in st.session_state:
        link = page_link().asked
        view = {key: link.pop(key) for key in LOOKED_AT if key in link}
        st.session_state.update(compared_view=view, compared_first=clip.name)
    return st.session_state["compared_view"] if st.session_state["compared_first"] == clip.name else None


def start_of(view: dict[str, str] | None, looks: Sequence[Look], payload: SidesPayload) -> dict:
    """As the side-by-side view takes it; what the link asks for and is not there is warned of and left out.

    The first clip opens with a block that a checkpoint names (fact "shown_block"), a later one as the one before was left.
    """
    if view is None:
        return {"frame": looks[0].position(None)}
    frames = [str(index) for index in range(int(looks[0].result.indices[-1]) + 1)]
    page_link().warnings += take_out_unknown(view, {**payload.allowed(view.get("source")), "frame": frames})
    frame = looks[0].position(int(view["frame"]) if "frame" in view else None)
    return {"block": named_block(looks, payload), **view, "frame": frame}


def named_block(looks: Sequence[Look], payload: SidesPayload) -> str | None:
    named = (look.model.facts.get("shown_block") for look in looks)
    return next((block for block in named if block in payload.blocks), None)


def costs(looks: Sequence[Look]) -> str:
    """What the maps of this clip cost, in seconds."""
    parts = []
    for letter, look in zip(LETTERS, looks, strict=False):
        spent = []
        if look.result.maps:
            spent.append(f"actionness {look.result.seconds:.2f} s")
        if look.gradcam is not None:
            spent.append(f"Grad-CAM {look.gradcam_seconds:.2f} s")
        parts.append(f"{letter} {', '.join(spent) or 'nothing to compute'}")
    frames = len(looks[0].result.frames)
    return (
        f"Computing time for the maps of all blocks and {frames} frames: {'; '.join(parts)}. Class scores are the "
        "stored ones of the evaluation."
    )
