"""Stored results on a page, and what is to be said of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import streamlit as st

from app.loading.results import readable_results
from app.markdown import plain

Key = TypeVar("Key")


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


def told_apart(texts: Mapping[Key, str], marks: Mapping[Key, str]) -> dict[Key, str]:
    """Texts of what can be chosen, with its mark where several are alike: a widget knows its options by their texts."""
    alike = Counter(texts.values())
    return {key: f"{text} · {marks[key]}" if alike[text] > 1 else text for key, text in texts.items()}


def videos(count: int) -> str:
    return f"{count:,} video{'' if count == 1 else 's'}"


def clips_localised(result: dict) -> str:
    """Those of a result of `localize`, and where its cells lie if not edge to edge."""
    centres = ", cells at their fields' centres" if alignment_of(result) == "centres" else ""
    return result["data"]["description"] + centres


def alignment_of(result: dict) -> str:
    return result.get("alignment", "edges")  # which older results do not tell


def fullest_first(localized: Iterable[dict]) -> list[dict]:
    """Results of `localize`: cells edge to edge, as they are drawn, then those of most blocks, which one of few hides."""
    return sorted(localized, key=lambda result: (alignment_of(result) != "edges", -len(result["blocks"])))


def stored_results(checkpoint: str, kind: str) -> dict[Path, dict]:
    """As `readable_results`; the page warns of what cannot be read, and shows the others."""
    found, faults = readable_results(checkpoint, kind)
    for fault in faults:
        st.warning(plain(fault), icon=":material/broken_image:")
    return found
