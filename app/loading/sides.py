"""The clips that predictions are of, and how several checkpoints see one."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from analysis.actionness import ClipActionness, actionness_blocks, clip_actionness
from analysis.gradcam import clip_gradcam, explained_blocks
from app import loading
from app.explorer import Side, SidesPayload, data_url, pack_sides
from app.loading import FILM_FRAMES, FILM_SIDE, ChoiceError, Clip
from app.loading.maps import shown_truth, truth_of
from app.loading.roots import inside
from atr.data.annotations import Annotations
from atr.data.names import data_name
from atr.data.reading import read_annotations
from atr.models import VideoClassifier
from atr.results.predictions import Predictions
from atr.tabletop import RENDERER_VERSION, named_seed, render_clip
from atr.video.decoding import VideoError, probe
from atr.video.transforms import view_box

RENDERED = "tabletop:"  # data whose clips are rendered from their seeds when they are looked at
RENDERED_FRAMES, RENDERED_SIDE, RENDERED_FPS = 32, 192, 12.0
TOP = 5
ASK_FOR_GRADCAM = "Grad-CAM is computed when asked for: choose its class above."
NO_BLOCK = "No ATR block pools here: this network averages all positions once, after its last block."


@dataclass(frozen=True)
class Subject:
    """A clip that predictions are of: frames uint8 (L, H, W, 3), or the file they are in; what is known to be true.

    masks: uint8 (L, H, W) of the original frames, acting: bool (L,); None where nobody knows them.
    """

    identity: str
    name: str
    label: str
    source: np.ndarray | Path
    fps: float = 25.0
    acting: np.ndarray | None = None
    masks: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width. Raises VideoError."""
        if isinstance(self.source, np.ndarray):
            return self.source.shape[1:3]
        info = probe(self.source)
        return info.height, info.width


def subject(predictions: Predictions, index: int) -> Subject:
    """The index-th clip of the list. Raises ChoiceError where its video is not here."""
    data, name = predictions.facts["data"]["name"], predictions.ids[index]
    label = predictions.labels[predictions.targets[index]]
    if data.startswith(RENDERED):
        return _rendered(name, label, RENDERER_VERSION)
    clip = _video(data, name, label)
    try:
        identity = loading.digest_of(clip.path)
    except OSError as error:
        raise ChoiceError(f"{name}: {clip.path} cannot be read ({error.strerror})") from error
    acting = masks = None
    shipped = {each.path.resolve(): each for each in loading.shipped_clips()}
    if known := shipped.get(clip.path.resolve()):
        acting, masks = truth_of(known)
    return Subject(identity, name, label, clip.path, acting=acting, masks=masks)


@st.cache_data(max_entries=8, show_spinner=False)
def _rendered(name: str, label: str, version: int) -> Subject:
    """With the very moments among its frames that an evaluation samples, the centres of its T segments."""
    times = np.arange(RENDERED_FRAMES) / RENDERED_FRAMES
    clip = render_clip(_seed(name), times=times, size=RENDERED_SIDE)
    identity = f"rendered {version} {name}"
    return Subject(identity, name, label, clip.frames, RENDERED_FPS, clip.acting, clip.masks)


def _seed(name: str) -> int:
    try:
        return named_seed(name)
    except ValueError as error:
        raise ChoiceError(str(error)) from error


def _video(data: str, name: str, label: str) -> Clip:
    try:
        folder, split = data_name(data)
        annotations = _annotations(str(folder), split, folder.stat().st_mtime_ns)
        path = inside(annotations.root, annotations.root / annotations.files[annotations.ids.index(name)])
    except (ValueError, OSError) as error:
        raise ChoiceError(
            f"The predictions are of clip {name!r} of {data}, which is not here: {error}"
        ) from error
    return Clip(name, path, truth={"label": label})


@st.cache_resource(max_entries=4, show_spinner="Reading the list of clips …")
def _annotations(folder: str, split: str | None, stamp: int) -> Annotations:
    return read_annotations(Path(folder), split)


def thumbnail(predictions: Predictions, index: int) -> dict:
    """As `loading.film`; a clip that is missing or broken has a picture that says so, and is still listed."""
    data, name = predictions.facts["data"]["name"], predictions.ids[index]
    label = predictions.labels[predictions.targets[index]]
    try:
        if not data.startswith(RENDERED):
            return loading.film(_video(data, name, label))
        film = _rendered_film(name, RENDERER_VERSION)
        return {"id": name, "label": label, "film": film, "frames": FILM_FRAMES}
    except (ChoiceError, VideoError, OSError):
        film = loading.blank_film()
        return {"id": name, "label": f"{label} (cannot be read)", "film": film, "frames": FILM_FRAMES}


@st.cache_data(max_entries=512, show_spinner="Preparing thumbnails …")
def _rendered_film(name: str, version: int) -> str:
    clip = render_clip(_seed(name), num_frames=FILM_FRAMES, size=FILM_SIDE)
    return data_url(np.hstack(clip.frames))


# ---- maps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """A clip as one checkpoint sees it. gradcam: block -> (L, h, w), None where it was not asked for."""

    checkpoint: str
    model: VideoClassifier
    identity: str
    result: ClipActionness
    gradcam: dict[str, np.ndarray] | None = None
    gradcam_seconds: float = 0.0


def common_view(subject: Subject, checkpoints: Sequence[str]) -> str:
    """ "crop" where all networks cut the same region out of the frame, else "whole"."""
    boxes = {view_box(*subject.size, loading.model(name).preprocessing) for name in checkpoints}
    return "crop" if len(boxes) == 1 else "whole"


def look(subject: Subject, checkpoint: str, view: str, *, target: int | None) -> Look:
    """Maps of a checkpoint; with Grad-CAM of class `target` unless it is None. Raises CheckpointError, VideoError."""
    model = loading.model(checkpoint)
    stamp = loading.checkpoint_stamp(checkpoint)
    identity = hashlib.sha256(f"{subject.identity} {stamp} {view}".encode()).hexdigest()[:16]
    with loading.progress_bar(f"{checkpoint} is looking at {subject.name} …") as progress:
        result = _actionness(identity, view, model, subject, progress)
    if target is None:
        return Look(checkpoint, model, identity, result)
    with loading.progress_bar(f"Grad-CAM of {checkpoint} …") as progress:
        maps, seconds = _gradcam(identity, view, target, model, subject, progress)
    return Look(checkpoint, model, f"{identity} gradcam {target}", result, maps, seconds)


@st.cache_data(max_entries=4, show_spinner=False)
def _actionness(
    identity: str, view: str, _model: VideoClassifier, _subject: Subject, _progress: Callable
) -> ClipActionness:
    return clip_actionness(_model, _subject.source, view=view, fps=_subject.fps, progress=_progress)


@st.cache_data(max_entries=32, show_spinner=False)
def _gradcam(
    identity: str, view: str, target: int, _model: VideoClassifier, _subject: Subject, _progress: Callable
) -> tuple[dict[str, np.ndarray], float]:
    """Maps by block, and the seconds spent in the network."""
    maps, seconds, blocks = {}, 0.0, explained_blocks(_model)
    for done, block in enumerate(blocks, start=1):
        found = clip_gradcam(_model, _subject.source, block, target=target, view=view)
        maps[block] = found.maps
        seconds += found.seconds
        _progress(done, len(blocks))
    return maps, seconds


def side(look: Look, predictions: Predictions, index: int) -> Side:
    """What the side-by-side view shows of a checkpoint: its maps, and its class scores as they are stored."""
    model, maps, absent = look.model, {}, {}
    uniform = bool(model.blocks) and not actionness_blocks(model)
    if look.result.maps:
        maps["actionness"] = look.result.maps
    elif uniform:
        maps["actionness"] = uniform_maps(look)
    else:
        absent["actionness"] = NO_BLOCK
    if look.gradcam is None:
        absent["gradcam"] = ASK_FOR_GRADCAM
    else:
        maps["gradcam"] = look.gradcam
    scores = predictions.scores[index]
    return Side(
        name=look.checkpoint,
        maps=maps,
        uniform=uniform,
        scores=[(predictions.labels[c], float(scores[c])) for c in np.argsort(-scores, kind="stable")[:TOP]],
        true_probability=float(predictions.true_probability[index]),
        correct=bool(predictions.correct[index]),
        notes=look.result.notes if look.result.maps else (),
        absent=absent,
    )


def uniform_maps(look: Look) -> dict[str, np.ndarray]:
    """Of a network whose blocks pool with equal weights: a constant on the grid of each block."""
    found = loading.description(look.model.config.to_dict(), look.model.preprocessing.crop)
    length = len(look.result.frames)
    return {b.name: np.zeros((length, b.height, b.width), np.float32) for b in found.blocks}


def payload(
    subject: Subject, looks: Sequence[Look], predictions: Sequence[Predictions], index: int
) -> SidesPayload:
    """What the side-by-side view is sent."""
    scores = b"".join(p.scores[index].tobytes() for p in predictions)
    parts = [subject.identity, *(look.identity for look in looks), hashlib.sha256(scores).hexdigest()]
    sides = [side(look, p, index) for look, p in zip(looks, predictions, strict=True)]
    return _payload(
        hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16], subject, looks[0].result, sides
    )


@st.cache_data(max_entries=4, show_spinner="Packing frames and maps for the browser …")
def _payload(identity: str, _subject: Subject, _result: ClipActionness, _sides: list[Side]) -> SidesPayload:
    return pack_sides(
        identity,
        _result.frames,
        indices=_result.indices,
        fps=_result.fps,
        sampled=_result.sampled,
        alt=f"Video {_subject.name}, {_subject.label}",
        **shown_truth(_result, _subject.acting, _subject.masks, _subject.name),
        true_label=_subject.label,
        sides=_sides,
    )
