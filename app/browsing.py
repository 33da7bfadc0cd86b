"""Browsing the data set in ATR_DATA in the sidebar: by class, by search, a page of thumbnails at a time."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import streamlit as st

from app.explorer import gallery
from app.loading import ChoiceError, Clip, data_set
from app.loading.thumbnails import films
from app.markdown import plain

PAGE = 12  # thumbnails at a time: only these are decoded
ALL = "All classes"


def carried(key: str, first: object, allowed: Sequence | None = None) -> str:
    """The key of a widget that several pages draw; it opens with its last value, or `first` where that is not allowed.

    To Streamlit it is another widget on every page: `persist_state` alone hands the value on only after the first run.
    Not in every run: a value set by the script takes the place of what was chosen in the browser meanwhile.
    """
    value = st.session_state.get(key, first)
    unallowed = allowed is not None and value not in allowed
    if unallowed or key not in st.session_state["carried"]:
        st.session_state[key] = first if unallowed else value
        st.session_state["carried"].add(key)
    return key


def thumbnails(
    clips: Sequence[Clip],
    later: ExitStack,
    *,
    name: str,
    chosen: str,
    on_choice: Callable[[str], None],
    key: str,
) -> None:
    """As `gallery`, in this place. On a page's first run when `later` is closed: the picture does not wait for them.

    In further runs at once: they are here already, and what a run leaves for later fades meanwhile.
    """
    place = st.container()

    def draw() -> None:
        with place:
            gallery(films(clips), name=name, chosen=chosen, on_choice=on_choice, key=key)

    if "thumbnails" in st.session_state["carried"]:
        draw()
    else:
        st.session_state["carried"].add("thumbnails")
        later.callback(draw)


def choose_from_data_set(later: ExitStack) -> Clip | None:
    """The chosen clip of the data set or None with a sentence when nothing is found. Raises ChoiceError."""
    splits = data_set.splits()
    split = splits[0]
    if len(splits) > 1:
        key = carried("data_split", "val" if "val" in splits else split, splits)
        split = st.segmented_control("Split", splits, key=key, required=True, persist_state="session")
    annotations = data_set.listed(split).annotations
    if annotations.notes:
        with st.expander("Not everything in the folder is used"):
            for note in annotations.notes:
                st.caption(plain(note))
    labels = [ALL, *annotations.labels]
    key = carried("data_class", ALL, labels)
    label = st.selectbox("Class", labels, key=key, persist_state="session")
    words = st.text_input(
        "Search",
        key=carried("data_search", ""),
        placeholder="words of the label, or a clip's name",
        persist_state="session",
    )
    found = data_set.found(split, None if label == ALL else label, words)
    if not len(found):
        st.caption(f"No clip of the {len(annotations):,} in {plain(annotations.name)} matches.")
        return chosen_before()
    pages = -(-len(found) // PAGE)
    page, within = 1, (split, label, words)
    if (
        st.session_state.setdefault("data_within", within) != within
    ):  # other clips: begin at the first of them
        st.session_state.update(data_within=within, data_page=1)
    if pages > 1:
        key, help = carried("data_page", 1, range(1, pages + 1)), f"{PAGE} clips a page"
        page = st.number_input("Page", 1, pages, key=key, help=help, persist_state="session")
    st.caption(f"{len(found):,} of {len(annotations):,} clips · page {page:,} of {pages:,}")
    clips = [data_set.clip_at(split, int(index)) for index in found[(page - 1) * PAGE : page * PAGE]]
    by_name = {clip.name: clip for clip in clips}
    key = f"data_gallery {split} {label} {words} {page}"

    def clicked(name: str) -> None:
        if name in by_name:
            st.session_state["data_clip"] = by_name[name].link

    if "data_clip" not in st.session_state:
        st.session_state["data_clip"] = clips[0].link
    chosen = chosen_before()
    marked = chosen.name if chosen else ""
    name = f"Clips of {annotations.name}"
    thumbnails(clips, later, name=name, chosen=marked, on_choice=clicked, key=key)
    return chosen


def chosen_before() -> Clip | None:
    """What was clicked, on whatever page and in whatever class; None when it is no longer in the data set."""
    try:
        return data_set.clip_of_link(st.session_state["data_clip"])
    except (KeyError, ChoiceError):
        st.session_state.pop("data_clip", None)
        return None
