"""Browsing the data set in ATR_DATA in the sidebar: by class, by search, a page of thumbnails at a time."""

import streamlit as st

from app.explorer import gallery
from app.loading import ChoiceError, Clip, data_set

PAGE = 12  # thumbnails at a time: only these are decoded
ALL = "All classes"


def choose_from_data_set() -> Clip | None:
    """The chosen clip of the data set or None with a sentence when nothing is found. Raises ChoiceError."""
    splits = data_set.splits()
    if st.session_state.get("data_split") not in splits:
        st.session_state["data_split"] = "val" if "val" in splits else splits[0]
    split = (
        st.segmented_control("Split", splits, key="data_split", required=True)
        if len(splits) > 1
        else splits[0]
    )
    annotations = data_set.listed(split).annotations
    label = st.selectbox("Class", [ALL, *annotations.labels], key="data_class")
    words = st.text_input("Search", key="data_search", placeholder="words of the label, or a clip's name")
    found = data_set.found(split, None if label == ALL else label, words)
    if not len(found):
        st.caption(f"None of the {len(annotations):,} clips of {annotations.name} fits.")
        return chosen_before()
    pages = -(-len(found) // PAGE)
    st.session_state["data_page"] = min(st.session_state.get("data_page", 1), pages)
    page = st.number_input("Page", 1, pages, key="data_page", help=f"{PAGE} clips a page") if pages > 1 else 1
    st.caption(f"{len(found):,} of {len(annotations):,} clips · page {page:,} of {pages:,}")
    clips = [data_set.clip_at(split, int(index)) for index in found[(page - 1) * PAGE : page * PAGE]]
    by_name = {clip.name: clip for clip in clips}
    key = f"data_gallery {split} {label} {words} {page}"

    def clicked() -> None:
        if (name := st.session_state[key].get("clip")) in by_name:
            st.session_state["data_clip"] = by_name[name].link

    if "data_clip" not in st.session_state:
        st.session_state["data_clip"] = clips[0].link
    chosen = chosen_before()
    first = chosen.name if chosen and chosen.name in by_name else ""
    gallery([data_set.film(clip) for clip in clips], first=first, on_choice=clicked, key=key)
    return chosen


def chosen_before() -> Clip | None:
    """What was clicked, on whatever page and in whatever class; None when it is no longer in the data set."""
    try:
        return data_set.clip_of_link(st.session_state["data_clip"])
    except (KeyError, ChoiceError):
        st.session_state.pop("data_clip", None)
        return None
