"""Stored results on a page, and what is to be said of them."""

from pathlib import Path

import streamlit as st

from app.loading.results import readable_results
from app.markdown import plain


def tell_left_out(*results: dict) -> None:
    """A line on the clips that stored results are without, and one on those of which frames are missing."""
    skipped = dict.fromkeys(clip["id"] for result in results for clip in result["skipped"])
    damaged = dict.fromkeys(clip for result in results for clip in result.get("damaged", ()))
    for clips, what in (
        (skipped, "left out that could not be read"),
        (damaged, "with frames that are missing or cannot be decoded"),
    ):
        if clips:
            text = f"{videos(len(clips))} {what}: {', '.join(clips)}"
            st.warning(plain(text), icon=":material/broken_image:")


def videos(count: int) -> str:
    return f"{count:,} video{'' if count == 1 else 's'}"


def stored_results(checkpoint: str, kind: str) -> dict[Path, dict]:
    """As `readable_results`; the page warns of what cannot be read, and shows the others."""
    found, faults = readable_results(checkpoint, kind)
    for fault in faults:
        st.warning(plain(fault), icon=":material/broken_image:")
    return found
