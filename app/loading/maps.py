"""A clip as a checkpoint sees it, computed once, and what the explorer is sent of it."""

import contextvars
import hashlib
import io
import time
import zipfile
import zlib
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
from app.loading.roots import ChoiceError, digest_of, inside, root, stamp_of
from atr.files import read_arrays
from atr.video.decoding import VideoError


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
    result = _view.result
    return pack(
        f"{identity} {truth_stamp}",
        result.frames,
        result.maps,
        indices=result.indices,
        fps=result.fps,
        sampled=result.key_frames,
        alt=f"Video {_clip.label or _clip.name}",
        **shown_truth(result, *truth_of(_clip), _clip.name),
    )


# ---- what is known to be true ----------------------------------------------------------------------------------------


def masks_path(clip: Clip) -> Path | None:
    """None where there are no masks. Raises ChoiceError where the list of clips leads out of its folder."""
    if not (clip.truth and clip.truth.get("masks")):
        return None
    path = inside(root("clips"), clip.path.parent / clip.truth["masks"])
    return path if path.is_file() else None


def truth_of(clip: Clip) -> tuple[np.ndarray | None, np.ndarray | None]:
    """acting bool (L,) and masks uint8 (L, H, W), None where nobody knows them. Raises ChoiceError for no masks."""
    acting = masks = None
    if clip.truth and clip.truth.get("acting"):
        acting = np.array(clip.truth["acting"], bool)
    if path := masks_path(clip):
        try:
            masks = read_arrays(path)["masks"]
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise ChoiceError(f"{path} is no NPZ file with masks: {error}") from error
    return acting, masks


def shown_truth(
    result: ClipActionness, acting: np.ndarray | None, masks: np.ndarray | None, name: str
) -> dict[str, np.ndarray | None]:
    """Both of the frames and the region that are shown. Raises ChoiceError where they do not fit the video."""
    last, (top, left, height, width) = result.indices[-1], result.box
    for what, values in (("acting", acting), ("masks", masks)):
        if values is not None and len(values) <= last:
            raise ChoiceError(f"{name}: {what} of {len(values)} frames, but the video has frame {last}.")
    if masks is not None:
        masks = masks[result.indices][:, top : top + height, left : left + width]
        if masks.shape[1:] != (height, width):
            raise ChoiceError(f"{name}: the masks are smaller than the video.")
    return {"acting": None if acting is None else acting[result.indices], "masks": masks}


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
