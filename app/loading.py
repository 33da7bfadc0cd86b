"""Everything the pages read: checkpoints, clips, maps. Only app/loading*.py cache, and every cache is bounded.

Where things lie: ATR_CHECKPOINTS (checkpoint folders), ATR_CLIPS (shipped clips with annotations.json), ATR_VIDEOS (the
folder a typed path must lie in), ATR_RESULTS, and ATR_DATA, a data set to browse (none when not set). What is cached is
addressed by content, so a replaced file is read anew.
"""

import contextvars
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import streamlit as st

from analysis.actionness import ClipActionness, clip_actionness, colour_limits
from analysis.actionness import normalise as normalise_maps
from analysis.figures import block_frame_sheet
from app.explorer import Payload, data_url, pack
from atr.checkpoint import CONFIG, WEIGHTS, CheckpointError, load_checkpoint, read_config
from atr.describe import Description, describe
from atr.models import ModelConfig, VideoClassifier
from atr.store import RESULT, read_result, results
from atr.video import VideoError, decode, probe, uniform_indices

ASSETS = Path(__file__).parent.parent / "assets"
UPLOAD_KINDS = ("mp4", "webm", "avi", "mov", "mkv", "gif")
WHAT_IS_A_CHECKPOINT = (
    f"A checkpoint is a folder with {CONFIG} and {WEIGHTS}, as python -m atr train writes it."
)
FIRST_CHECKPOINT = "tabletop-atr"  # shown on the first launch when it is there
FILM_FRAMES, FILM_SIDE = 8, 112


class ChoiceError(ValueError):
    """Something asked for that cannot be had; the message names it and what is allowed."""


@dataclass(frozen=True)
class Clip:
    """A video to look at; ``truth`` is what its list says of it (label, acting, masks), ``link`` its name in links."""

    name: str
    path: Path
    link: str | None = None
    truth: dict | None = None

    @property
    def label(self) -> str | None:
        return self.truth["label"] if self.truth else None


def root(name: str) -> Path | None:
    """A configured folder; only the one of a data set to browse, "data", may be missing."""
    clips = Path(os.environ.get("ATR_CLIPS", ASSETS / "clips"))
    defaults = {
        "checkpoints": ASSETS / "checkpoints",
        "clips": clips,
        "videos": clips,
        "results": ASSETS.parent / "results",
        "data": None,
    }
    folder = os.environ.get(f"ATR_{name.upper()}") or defaults[name]
    return folder and Path(folder)


# ---- checkpoints -----------------------------------------------------------------------------------------------------


def checkpoint_names() -> list[str]:
    """Every folder in the root, whole checkpoint or not, with the one for the first launch in front."""
    folder = root("checkpoints")
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(
        (name for name in names if not name.startswith(".")),
        key=lambda name: (name != FIRST_CHECKPOINT, name),
    )


def no_checkpoint() -> str:
    return (
        f"There is no checkpoint in {root('checkpoints')}. {WHAT_IS_A_CHECKPOINT} "
        "ATR_CHECKPOINTS sets where they are looked for."
    )


def whole_checkpoint(name: str) -> bool:
    """Whether its configuration can be read; the weights are checked when it is loaded."""
    try:
        read_config(root("checkpoints") / name)
    except CheckpointError:
        return False
    return (root("checkpoints") / name / WEIGHTS).is_file()


def reasons_by_graph(name: str) -> bool:
    """Whether a checkpoint's configuration has a graph reasoner; False for one that cannot be read."""
    try:
        config = read_config(root("checkpoints") / name)["model"]
        return config["block"] is not None and config["atr"]["reasoner"] == "gr"
    except (CheckpointError, KeyError, TypeError):
        return False


def model(name: str) -> VideoClassifier:
    """The model of a checkpoint, shared by all sessions. Raises CheckpointError."""
    folder = root("checkpoints") / name
    try:
        return _model(str(folder), checkpoint_stamp(name))
    except CheckpointError as error:
        raise CheckpointError(f"{error}. {WHAT_IS_A_CHECKPOINT}") from error


def checkpoint_stamp(name: str) -> str:
    """Changes whenever the checkpoint does. Raises CheckpointError when there is none."""
    folder = root("checkpoints") / name
    digest = read_config(folder)["weights_sha256"]
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(f"{folder} has no {WEIGHTS}: it is not a checkpoint folder of this package")
    return f"{digest} {stamp_of(folder / CONFIG)} {stamp_of(folder / WEIGHTS)}"


@st.cache_resource(max_entries=16, show_spinner="Loading the checkpoint …")
def _model(folder: str, stamp: str) -> VideoClassifier:
    return load_checkpoint(folder)


@st.cache_data(max_entries=64, show_spinner="Counting parameters and multiply-accumulates …")
def description(config: dict, size: int) -> Description:
    return describe(ModelConfig.from_dict(config), size)


# ---- results ---------------------------------------------------------------------------------------------------------


def relation_results(checkpoint: str) -> dict[Path, dict]:
    """The stored relation averages of a checkpoint, own and shipped, the one over most videos first."""
    digest = read_config(root("checkpoints") / checkpoint)["weights_sha256"]
    folders = [
        folder for place in (root("results"), ASSETS / "results") for folder in results(place, "relations")
    ]
    found = {folder: _result(str(folder), stamp_of(folder / RESULT)) for folder in folders}
    own = {folder: r for folder, r in found.items() if r["checkpoint"]["weights_sha256"] == digest}
    return dict(sorted(own.items(), key=lambda item: -item[1]["videos"]))


@st.cache_data(max_entries=16, show_spinner=False)
def _result(folder: str, stamp: str) -> dict:
    return read_result(Path(folder))


# ---- clips -----------------------------------------------------------------------------------------------------------


def shipped_clips() -> list[Clip]:
    """The clips of annotations.json; none when the file is not there. Raises ChoiceError when it is not readable."""
    folder = root("clips")
    path = folder / "annotations.json"
    if not path.is_file():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["clips"]
        clips = [Clip(entry["id"], folder / entry["video"], entry["id"], entry) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise ChoiceError(
            f"{path} is not a list of clips as python -m atr tabletop writes it: {error!r}"
        ) from error
    return [clip for clip in clips if clip.path.is_file()]


def clip_in_root(typed: str) -> Clip:
    """The video at a typed path, relative to the root or absolute. Raises ChoiceError when it lies outside."""
    folder = root("videos").resolve()
    try:
        path = (folder / typed.strip()).resolve()
        inside = path.is_relative_to(folder) and ".." not in Path(typed).parts
    except (ValueError, OSError, RuntimeError):  # a null byte, a name too long, a loop of links
        inside = False
    if not inside:
        raise ChoiceError(
            f"The path {typed!r} is not allowed: give a video inside {folder} (set by ATR_VIDEOS)."
        )
    if not path.is_file():
        raise ChoiceError(f"There is no file {typed!r} in {folder} (set by ATR_VIDEOS).")
    limit = st.get_option("server.maxUploadSize")
    if path.stat().st_size > limit * 2**20:
        size = path.stat().st_size / 2**20
        raise ChoiceError(f"{typed!r} has {size:.0f} MB; at most {limit} MB are read (server.maxUploadSize).")
    name = path.relative_to(folder).as_posix()
    return Clip(name, path, name)


def keep_upload(name: str, data: bytes, folder: Path) -> Clip:
    """Write an upload under a name of our own, in place of the session's previous one. Raises ChoiceError."""
    suffix = Path(name).suffix.lower()
    if suffix.lstrip(".") not in UPLOAD_KINDS:
        raise ChoiceError(
            f"{name!r} is no video of an accepted kind; accepted are {', '.join(UPLOAD_KINDS)}."
        )
    path = folder / (hashlib.sha256(data).hexdigest()[:32] + suffix)
    if not path.exists():
        for previous in folder.iterdir():
            previous.unlink()
        path.write_bytes(data)
    return Clip(name, path)


def film(clip: Clip) -> dict:
    """A thumbnail that plays: {"id", "label", "film", "frames"} as the gallery takes it."""
    picture = _film(str(clip.path), stamp_of(clip.path))
    return {"id": clip.name, "label": clip.label or clip.name, "film": picture, "frames": FILM_FRAMES}


@st.cache_data(max_entries=256, show_spinner="Preparing thumbnails …")
def _film(path: str, stamp: str) -> str:
    frames = decode(path, uniform_indices(probe(path).num_frames, FILM_FRAMES))
    side = min(frames.shape[1:3])
    top, left = (frames.shape[1] - side) // 2, (frames.shape[2] - side) // 2
    squares = frames[:, top : top + side, left : left + side]
    row = np.hstack(
        [cv2.resize(square, (FILM_SIDE, FILM_SIDE), interpolation=cv2.INTER_AREA) for square in squares]
    )
    return data_url(row)


@st.cache_data(max_entries=1, show_spinner=False)
def blank_film() -> str:
    """In the place of a thumbnail that cannot be made."""
    return data_url(np.full((FILM_SIDE, FILM_SIDE * FILM_FRAMES, 3), 128, np.uint8))


def digest_of(path: Path) -> str:
    """Of a file's content. Raises OSError."""
    return _digest(str(path), stamp_of(path))


@st.cache_data(max_entries=64, show_spinner=False)
def _digest(path: str, stamp: str) -> str:
    if os.path.isdir(path):  # a video as a folder of frames: its stamp tells them all
        return stamp
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp_of(path: Path) -> str:
    """Differs whenever the file does, or, of a folder of frames, any file in it."""
    if path.is_dir():
        files = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in os.scandir(path)]
        return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


# ---- maps ------------------------------------------------------------------------------------------------------------


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
