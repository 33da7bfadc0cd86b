"""A clip as a checkpoint sees it, computed once for all pages, and what the browser is sent of it."""

import contextvars
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
import streamlit as st

from analysis.actionness import ClipActionness, clip_actionness
from analysis.gradcam import clip_gradcam, explained_blocks
from analysis.map_values import with_together
from analysis.shown_clip import nearest
from analysis.what_if.hiding import grid_of
from app.explorer import Payload, Side, SidesPayload, pack, pack_sides
from app.loading.checkpoints import checkpoint_stamp, model
from app.loading.clips import Clip, masks_of, truth_stamp
from app.loading.roots import ChoiceError
from app.loading.turns import networks
from app.markdown import plain
from atr.models import VideoClassifier
from atr.video.decoding import VideoError
from atr.video.transforms import view_box

if TYPE_CHECKING:
    from atr.results.predictions import Predictions  # which imports pandas

TOP = 5
ASK_FOR_GRADCAM = "Grad-CAM is computed on request: choose its class above."
NO_LOCATOR = "The blocks of this network have no Action-related Region Locator."
NO_BLOCK = "There is no ATR block here: this network averages all positions once, after its last block."


@dataclass(frozen=True)
class Look:
    """A clip as one checkpoint sees it; `identity` differs whenever anything here may.

    view: the region, "crop" or "whole". gradcam: block -> (L, h, w), None where it was not asked for; gradcam_class: of
    which class; gradcam_seconds: spent in the network for it.
    """

    clip: Clip
    checkpoint: str
    model: VideoClassifier
    view: str
    identity: str
    result: ClipActionness
    gradcam: dict[str, np.ndarray] | None = None
    gradcam_class: str | None = None
    gradcam_seconds: float = 0.0

    def position(self, frame: int | None = None) -> int:
        """Of the frame of the video among those shown; of the middle of the action, where it is known, when None."""
        indices = self.result.indices
        if frame is None:
            acting = np.flatnonzero(self.clip.acting or ())
            middle = acting if len(acting) else indices
            frame = middle[len(middle) // 2]
        return int(nearest(indices, [frame])[0])


def look(clip: Clip, checkpoint: str, view: str, *, target: int | None = None) -> Look:
    """Maps and probabilities; with Grad-CAM of class `target` unless it is None.

    Bars of progress come and go where it is called. Raises CheckpointError and VideoError.
    """
    network, identity = model(checkpoint), identity_of(clip, checkpoint, view)
    with own_name(clip), progress_bar(f"{checkpoint} computes the maps of {clip.name} …") as progress:
        result = _actionness(identity, view, network, clip, progress)
    if target is None:
        return Look(clip, checkpoint, network, view, identity, result)
    with own_name(clip), progress_bar(f"Grad-CAM of {checkpoint} …") as progress:
        maps, seconds = _gradcam(identity, view, target, network, clip, progress)
    identity, label = f"{identity} gradcam {target}", network.labels[target]
    return Look(clip, checkpoint, network, view, identity, result, maps, label, seconds)


def identity_of(clip: Clip, checkpoint: str, view: str) -> str:
    """Of what a checkpoint makes of a view of a clip: the same content has the same. Raises as `look`."""
    try:
        digest = clip.digest
    except OSError as error:
        raise VideoError(f"{clip.name}: cannot be read ({error.strerror})") from error
    parts = f"{digest} {checkpoint_stamp(checkpoint)} {view}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


@contextmanager
def own_name(clip: Clip) -> Iterator[None]:
    """An upload is known by its own name in a VideoError, not by the one it is kept under."""
    try:
        yield
    except VideoError as error:
        raise type(error)(str(error).replace(str(clip.source), clip.name)) from error


class Progress:
    """A bar of progress, for work that takes longer than half a second, and the place in the queue before it.

    It is drawn in the context outside the cached function: what is drawn inside one is recorded and drawn again on
    every later hit. Drawing is also where Streamlit ends the run of a session that has moved on.
    """

    def __init__(self, text: str):
        self.text, self.slot, self.started = text, st.empty(), time.monotonic()
        self.outside = contextvars.copy_context()

    def done(self, done: int, total: int) -> None:
        if time.monotonic() - self.started > 0.5:
            self.outside.run(self.slot.progress, done / total, plain(self.text))

    def waiting(self, before: int) -> None:
        if not before:
            self.outside.run(self.slot.empty)
        elif time.monotonic() - self.started > 0.5:
            computations = "1 computation" if before == 1 else f"{before} computations"
            self.outside.run(self.slot.progress, 0.0, plain(f"{self.text} {computations} before yours"))


@contextmanager
def progress_bar(text: str) -> Iterator[Progress]:
    progress = Progress(text)
    try:
        yield progress
    finally:
        progress.slot.empty()


_frames: WeakValueDictionary[tuple, np.ndarray] = WeakValueDictionary()


# Shared, not copied for every run of every session: the frames of a long clip are some 300 MB.
@st.cache_resource(max_entries=8, show_spinner=False)
def _actionness(
    identity: str, view: str, _model: VideoClassifier, _clip: Clip, _progress: Progress
) -> ClipActionness:
    found = clip_actionness(_model, _clip.source, **_reading(_clip, view, _progress))
    # Of several checkpoints on one clip the frames are held once.
    key = found.frames.shape, hashlib.sha256(found.frames).hexdigest()
    found = replace(found, frames=_frames.setdefault(key, found.frames))
    for values in (
        found.frames,
        found.probabilities,
        *found.maps.values(),
        *chain(*found.relations.values()),
    ):
        values.flags.writeable = False
    return found


@st.cache_data(max_entries=32, show_spinner=False)
def _gradcam(
    identity: str, view: str, target: int, _model: VideoClassifier, _clip: Clip, _progress: Progress
) -> tuple[dict[str, np.ndarray], float]:
    blocks = explained_blocks(_model)
    return clip_gradcam(_model, _clip.source, blocks, target=target, **_reading(_clip, view, _progress))


def _reading(clip: Clip, view: str, progress: Progress) -> dict:
    return {
        "view": view,
        "fps": clip.fps,
        "allow_damaged": clip.allow_damaged,
        "progress": progress.done,
        "turn": networks.turn(progress.waiting),
    }


def common_view(clip: Clip, checkpoints: Sequence[str]) -> str:
    """ "crop" where all networks cut the same region out of the frame, else "whole". Raises VideoError."""
    with own_name(clip):
        size = clip.size
    boxes = {view_box(*size, model(name).preprocessing) for name in checkpoints}
    return "crop" if len(boxes) == 1 else "whole"


# ---- what the browser is sent ----------------------------------------------------------------------------------------


def payload(seen: Look) -> Payload:
    """Of one look, for the explorer. Raises ChoiceError where what is known to be true does not fit the video."""
    return _payload(f"{seen.identity} {truth_stamp(seen.clip)} {called(seen.clip)}", seen)


def called(clip: Clip) -> str:
    return f"Video {clip.label or clip.name}"


@st.cache_data(max_entries=4, show_spinner="Preparing frames and maps for the browser …")
def _payload(identity: str, _seen: Look) -> Payload:
    clip, result = _seen.clip, _seen.result
    return pack(identity, maps=with_together(result.maps), alt=called(clip), **shown_clip(_seen))


def sides_payload(looks: Sequence[Look], predictions: Sequence["Predictions"], index: int) -> SidesPayload:
    """Of looks at one clip, side by side, with the stored class scores. Raises as `payload`."""
    sides, clip = [side(*each, index) for each in zip(looks, predictions, strict=True)], looks[0].clip
    said = [replace(each, maps={}) for each in sides]  # of the maps the identities of the looks tell
    parts = [truth_stamp(clip), clip.name, clip.label, *(each.identity for each in looks), *said]
    identity = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    return _sides_payload(identity, sides, looks[0])


@st.cache_data(max_entries=4, show_spinner="Preparing frames and maps for the browser …")
def _sides_payload(identity: str, _sides: list[Side], _first: Look) -> SidesPayload:
    clip = _first.clip
    alt = f"Video {clip.name}, {clip.label}"
    return pack_sides(identity, alt=alt, true_label=clip.label, sides=_sides, **shown_clip(_first))


def shown_clip(seen: Look) -> dict:
    """Frames, times and truth of the region that is shown, as `pack` and `pack_sides` take them."""
    clip, result = seen.clip, seen.result
    acting, masks = clip.acting, masks_of(clip)
    last, (top, left, height, width) = result.indices[-1], result.box
    for what, values in (("acting", acting), ("masks", masks)):
        if values is not None and len(values) <= last:
            raise ChoiceError(f"{clip.name}: {what} of {len(values)} frames, but the video has frame {last}.")
    if masks is not None:
        masks = masks[result.indices][:, top : top + height, left : left + width]
    return {
        "frames": result.frames,
        "video": clip.digest,
        "indices": result.indices,
        "fps": result.fps,
        "sampled": result.sampled,
        "acting": None if acting is None else np.array(acting, bool)[result.indices],
        "masks": masks,
    }


def side(seen: Look, predictions: "Predictions", index: int) -> Side:
    """What the side-by-side view shows of a checkpoint: its maps, and its class scores as they are stored."""
    maps, absent = {}, {}
    uniform = seen.model.config.block == "atr_sim"
    if seen.result.maps:
        maps["actionness"] = seen.result.maps
    elif uniform:
        maps["actionness"] = uniform_maps(seen)
    else:
        absent["actionness"] = NO_LOCATOR if seen.model.blocks else NO_BLOCK
    if seen.gradcam is None:
        absent["gradcam"] = ASK_FOR_GRADCAM
    else:
        maps["gradcam"] = seen.gradcam
    scores = predictions.scores[index]
    return Side(
        name=seen.checkpoint,
        maps=maps,
        uniform=uniform,
        scores=[(predictions.labels[c], float(scores[c])) for c in np.argsort(-scores, kind="stable")[:TOP]],
        true_probability=float(predictions.true_probability[index]),
        correct=bool(predictions.correct[index]),
        notes=(*seen.model.sampling.notes, *(seen.result.notes if seen.result.maps else ())),
        absent=absent,
    )


def uniform_maps(seen: Look) -> dict[str, np.ndarray]:
    """Of a network whose blocks pool with equal weights: a constant on the grid of each block."""
    length, shown = len(seen.result.frames), seen.result.input_size
    return {
        block: np.zeros((length, *grid_of(seen.model, block, *shown)), np.float32)
        for block in seen.model.blocks
    }
