"""Thumbnails that play, of clips and of those that predictions are of."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import streamlit as st

from app.explorer import data_url
from app.loading.clips import Clip, place_of, seed_of, video_of
from app.loading.roots import ChoiceError, stamp_of
from atr.tabletop import RENDERER_VERSION, render_clip
from atr.video.decoding import VideoError, open_video
from atr.video.sampling import uniform_indices

if TYPE_CHECKING:
    from atr.results.predictions import Predictions  # which imports pandas

# Small: a gallery is one message. Eight of 90 pixels beside each other are not shrunk when they are sent.
FILM_FRAMES, FILM_SIDE, FILM_QUALITY = 8, 90, 75
DECODERS = ThreadPoolExecutor(os.cpu_count())  # for all sessions


def film(clip: Clip) -> dict:
    """A thumbnail that plays: {"id", "label", "film", "frames"} as the gallery takes it."""
    return film_entry(clip.name, clip.label or clip.name, _film(str(clip.source), stamp_of(clip.source)))


def film_entry(name: str, label: str, picture: str | None) -> dict:
    """picture: a data URL; None where no thumbnail can be made, which is said and does not keep it out of the list."""
    if picture is None:
        picture, label = blank_film(), f"{label} (cannot be read)"
    return {"id": name, "label": label, "film": picture, "frames": FILM_FRAMES}


def film_or_blank(clip: Clip) -> dict:
    """As `film`, also of a video that is missing or broken."""
    try:
        return film(clip)
    except (VideoError, OSError):
        return film_entry(clip.name, clip.label or clip.name, None)


def films(clips: Sequence[Clip]) -> list[dict]:
    """As `film_or_blank`, of many; they are decoded side by side."""
    return list(DECODERS.map(film_or_blank, clips))


def predicted_film(predictions: "Predictions", index: int) -> dict:
    """As `film_or_blank`, of the index-th clip of the list."""
    data, name = predictions.facts["data"]["name"], predictions.ids[index]
    label = predictions.labels[predictions.targets[index]]
    try:
        folder, split = place_of(data, name)
        if folder is None:
            return film_entry(name, label, _rendered_film(name, RENDERER_VERSION))
        return film_or_blank(Clip(name, video_of(folder, split, name), label))
    except ChoiceError:
        return film_entry(name, label, None)


@lru_cache(maxsize=512)
def _film(path: str, stamp: str) -> str:
    with open_video(path, allow_damaged=True) as video:  # whole or not, it is recognised
        frames = video.frames(uniform_indices(video.length, FILM_FRAMES))
    side = min(frames.shape[1:3])
    top, left = (frames.shape[1] - side) // 2, (frames.shape[2] - side) // 2
    squares = frames[:, top : top + side, left : left + side]
    row = np.hstack(
        [cv2.resize(square, (FILM_SIDE, FILM_SIDE), interpolation=cv2.INTER_AREA) for square in squares]
    )
    return data_url(row, FILM_QUALITY)


@st.cache_data(max_entries=512, show_spinner="Preparing thumbnails …")
def _rendered_film(name: str, version: int) -> str:
    clip = render_clip(seed_of(name), num_frames=FILM_FRAMES, size=FILM_SIDE)
    return data_url(np.hstack(clip.frames), FILM_QUALITY)


@cache
def blank_film() -> str:
    """In the place of a thumbnail that cannot be made."""
    return data_url(np.full((FILM_SIDE, FILM_SIDE * FILM_FRAMES, 3), 128, np.uint8))
