"""A clip as a checkpoint sees it, computed once, and what the explorer is sent of it."""

import contextvars
import hashlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from analysis.actionness import ClipActionness, clip_actionness, colour_limits
from analysis.actionness import normalise as normalise_maps
from analysis.figures import block_frame_sheet
from app.explorer import Payload, pack
from app.loading.checkpoints import checkpoint_stamp, model
from app.loading.clips import Clip
from app.loading.roots import digest_of, stamp_of
from atr.video import VideoError


@dataclass(frozen=True)
class Seen:
    """A clip as one checkpoint sees it; ``identity`` differs whenever anything in ``result`` may differ."""

    identity: str
    result: ClipActionness


def seen(clip: Clip, checkpoint: str, view: str) -> Seen:
    """Maps and probabilities, with a progress bar while they are computed. Raises CheckpointError and VideoError."""
    network = model(checkpoint)
    try:
        digest = digest_of(clip.path)
    except OSError as error:
        raise VideoError(f"{clip.name}: cannot be read ({error.strerror})") from error
    identity = hashlib.sha256(f"{digest} {checkpoint_stamp(checkpoint)} {view}".encode()).hexdigest()[:16]
    with progress_bar(f"{checkpoint} is looking at {clip.name} …") as progress:
        try:
            return Seen(identity, _actionness(identity, view, network, clip.path, progress))
        except VideoError as error:  # an upload is known by its own name, not by the one it is kept under
            raise VideoError(str(error).replace(str(clip.path), clip.name)) from error


@st.cache_data(max_entries=4, show_spinner=False)
def _actionness(identity: str, view: str, _network, _path: Path, _progress: Callable) -> ClipActionness:
    return clip_actionness(_network, _path, view=view, progress=_progress)


@contextmanager
def progress_bar(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that appears when work takes longer than half a second.

    It is drawn in the context outside the cached function: what is drawn inside one is recorded and drawn again on
    every later hit.
    """
    slot, started, outside = st.empty(), time.monotonic(), contextvars.copy_context()

    def draw(done: int, total: int) -> None:
        if time.monotonic() - started > 0.5:
            slot.progress(done / total, text)

    try:
        yield lambda done, total: outside.run(draw, done, total)
    finally:
        slot.empty()


def payload(view: Seen, clip: Clip) -> Payload:
    """What the explorer is sent."""
    truth_stamp = stamp_of(masks_path(clip)) if masks_path(clip) else ""
    return _payload(view.identity, truth_stamp, view, clip)


@st.cache_data(max_entries=4, show_spinner="Packing frames and maps for the browser …")
def _payload(identity: str, truth_stamp: str, _view: Seen, _clip: Clip) -> Payload:
    result, truth = _view.result, _clip.truth
    acting = masks = None
    if truth and len(truth.get("acting", ())) > result.indices[-1]:
        acting = np.asarray(truth["acting"], bool)[result.indices]
    if path := masks_path(_clip):
        top, left, height, width = result.box
        with np.load(path) as file:
            masks = file["masks"][result.indices][:, top : top + height, left : left + width]
    return pack(
        f"{identity} {truth_stamp}",
        result.frames,
        result.maps,
        indices=result.indices,
        fps=result.fps,
        sampled=result.key_frames,
        alt=f"Video {_clip.label or _clip.name}",
        acting=acting,
        masks=masks,
    )


def masks_path(clip: Clip) -> Path | None:
    path = clip.path.parent / clip.truth["masks"] if clip.truth and clip.truth.get("masks") else None
    return path if path and path.is_file() else None


@st.cache_data(max_entries=16, show_spinner="Drawing the sheet …")
def sheet(identity: str, kind: str, _result: ClipActionness) -> bytes:
    """Blocks × sampled frames as a PNG."""
    keys = _result.key_frames
    figure = block_frame_sheet(
        _result.frames[keys],
        {name: normalise_maps(maps[keys], kind) for name, maps in _result.maps.items()},
        {name: colour_limits(maps, kind) for name, maps in _result.maps.items()},
        _result.indices[keys],
        kind=kind,
    )
    file = io.BytesIO()
    figure.savefig(file, dpi=150)
    return file.getvalue()
