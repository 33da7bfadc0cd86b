"""Tabs for what takes a while to draw."""

from collections.abc import Callable, Mapping

import streamlit as st

from app.choices import one_error


@st.fragment
def tabs(
    contents: Mapping[str, Callable[[], None]], key: str, drawn: Callable[[str], None] = lambda title: None
) -> None:
    """Titles and what draws below them; only the one that is open is drawn. An error of it is one error there.

    drawn: told the title of the one that is open, after it was drawn.
    """
    places = st.tabs(list(contents), key=key, on_change="rerun")
    for tab, (title, draw) in zip(places, contents.items(), strict=True):
        if tab.open:
            with tab, one_error():
                draw()
                drawn(title)
