"""Clips to look at: shipped ones, a typed path, an upload, those that predictions are of; their truth and thumbnails."""

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING

import cv2
import numpy as np
import streamlit as st

from app.explorer import data_url
from app.loading.roots import ChoiceError, digest_of, inside, root, stamp_of
from atr.data.annotations import Annotations
from atr.data.folders import SPLIT_FOLDERS, annotated_clips
from atr.data.names import DataName, data_name
from atr.data.reading import read_annotations
from atr.files import digest, read_arrays, whole_file
from atr.schema import shown
from atr.tabletop import RENDERER_VERSION, named_seed, render_clip
from atr.video.decoding import VIDEO_SUFFIXES, VideoError, open_video, probe
from atr.video.sampling import uniform_indices

if TYPE_CHECKING:
    from atr.results.predictions import Predictions  # which imports pandas

UPLOADS = "atr-upload"  # their folders are named so, and by the process of the server
UPLOAD_KINDS = tuple(suffix[1:] for suffix in VIDEO_SUFFIXES)
FILM_FRAMES, FILM_SIDE, FILM_QUALITY = 8, 96, 75  # small: a gallery is one message
LISTING = (
    "labels",
    *chain(*SPLIT_FOLDERS.values()),
)  # folders in a data set with lists or folders of classes
RENDERED_FRAMES, RENDERED_SIDE, RENDERED_FPS = 32, 192, 12.0  # of clips rendered from their seeds
DECODERS = ThreadPoolExecutor(os.cpu_count())  # of thumbnails, for all sessions


@dataclass(frozen=True)
class Clip:
    """A clip to look at.

    Attributes:
        name: as pages show it.
        source: the video, a file or a folder of frames; or the frames themselves, uint8 (L, H, W, 3).
        label: the true class; None where nobody knows it, as of `acting` and `masks`.
        link: its name in links; None where it has none.
        acting: whether the hand acts, one a frame.
        masks: uint8 (L, H, W), or the NPZ file that holds them.
        fps: of a clip given as frames; a file states its own.
        allow_damaged: of frames that cannot be decoded, the nearest that can are shown.
    """

    name: str
    source: Path | np.ndarray
    label: str | None = None
    link: str | None = None
    acting: Sequence[bool] | None = None
    masks: Path | np.ndarray | None = None
    fps: float = 25.0
    allow_damaged: bool = False

    @property
    def digest(self) -> str:
        """Of its content, and of how it is read. Raises OSError."""
        if isinstance(self.source, np.ndarray):
            return hashlib.sha256(self.source).hexdigest()
        return f"{digest_of(self.source)}{' with damage' if self.allow_damaged else ''}"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width. Raises VideoError."""
        if isinstance(self.source, np.ndarray):
            return self.source.shape[1:3]
        info = probe(self.source, allow_damaged=self.allow_damaged)
        return info.height, info.width


def shipped_clips() -> list[Clip]:
    """The clips of annotations.json; none when the file is not there.

    Raises ChoiceError when it is not readable, or leads out of its folder.
    """
    folder = root("clips")
    path = folder / "annotations.json"
    if not path.is_file():
        return []
    try:
        entries = annotated_clips(path)["clips"]
    except ValueError as error:
        raise ChoiceError(str(error)) from error
    try:
        clips = [
            Clip(
                entry["id"],
                video := inside(folder, folder / entry["video"]),
                entry["label"],
                link=entry["id"],
                acting=entry.get("acting") or None,
                masks=video.parent / entry["masks"] if entry.get("masks") else None,
            )
            for entry in entries
        ]
    except (ChoiceError, TypeError) as error:
        raise ChoiceError(f"{path}: {error}") from error
    return [clip for clip in clips if clip.source.is_file()]


def clip_in_root(typed: str) -> Clip:
    """The video at a typed path, relative to the root or absolute. Raises ChoiceError when it lies outside."""
    folder = root("videos").resolve()
    try:
        path = inside(folder, folder / typed.strip()).resolve()
    except ChoiceError as error:
        raise ChoiceError(
            f"The path {shown(typed)} is not allowed: give a video inside {folder} (set by ATR_VIDEOS)."
        ) from error
    if not os.path.isfile(path):  # a name too long is none: Path.is_file raises OSError
        raise ChoiceError(f"There is no file {shown(typed)} in {folder} (set by ATR_VIDEOS).")
    limit = st.get_option("server.maxUploadSize")
    if path.stat().st_size > limit * 2**20:
        size = path.stat().st_size / 2**20
        raise ChoiceError(f"{typed!r} has {size:.0f} MB; at most {limit} MB are read (server.maxUploadSize).")
    name = path.relative_to(folder).as_posix()
    return Clip(name, path, link=name)


def upload_folder() -> TemporaryDirectory:
    """For the uploads of a session, deleted with it. What servers have left that were killed is deleted now."""
    for left in Path(gettempdir()).glob(f"{UPLOADS}-*-*"):
        if not is_running(left.name.split("-")[2]):
            shutil.rmtree(left, ignore_errors=True)
    return TemporaryDirectory(prefix=f"{UPLOADS}-{os.getpid()}-")


def is_running(pid: str) -> bool:
    """A text that is no number of a process is taken for one that runs."""
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except (ValueError, PermissionError):
        pass
    return True


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
        with whole_file(path) as unfinished:
            unfinished.write_bytes(data)
    return Clip(name, path)


# ---- clips that predictions are of -----------------------------------------------------------------------------------


def predicted_clip(predictions: "Predictions", index: int) -> Clip:
    """The index-th clip of the list. Raises ChoiceError where its video is not here."""
    data, name = predictions.facts["data"]["name"], predictions.ids[index]
    label = predictions.labels[predictions.targets[index]]
    folder, split = _place(data, name)
    if folder is None:
        return _rendered(name, label, RENDERER_VERSION)
    path = _video(folder, split, name)
    if not path.exists():
        raise ChoiceError(f"{name}: {path} cannot be read (it is not there)")
    shipped = {clip.source.resolve(): clip for clip in shipped_clips()}
    known = shipped.get(path.resolve(), Clip(name, path))
    return Clip(name, path, label, acting=known.acting, masks=known.masks)


@st.cache_data(max_entries=8, show_spinner=False)
def _rendered(name: str, label: str, version: int) -> Clip:
    """With the very moments among its frames that an evaluation samples, the centres of its T segments."""
    times = np.arange(RENDERED_FRAMES) / RENDERED_FRAMES
    clip = render_clip(_seed(name), times=times, size=RENDERED_SIDE)
    return Clip(name, clip.frames, label, acting=clip.acting.tolist(), masks=clip.masks, fps=RENDERED_FPS)


def _seed(name: str) -> int:
    try:
        return named_seed(name)
    except ValueError as error:
        raise ChoiceError(str(error)) from error


def _place(data: str, name: str) -> DataName:
    try:
        return data_name(data)
    except ValueError as error:
        raise ChoiceError(f"Clip {name!r} is not here, which the predictions are of: {error}") from error


def _video(folder: Path, split: str | None, name: str) -> Path:
    try:
        annotations = annotations_of(folder, split)
        return inside(annotations.root, annotations.root / annotations.files[annotations.ids.index(name)])
    except (ValueError, OSError) as error:
        raise ChoiceError(
            f"Clip {name!r} is not in {folder}, which the predictions are of: {error}"
        ) from error


def annotations_of(folder: Path, split: str | None) -> Annotations:
    """The list of a data set on disk. Raises ValueError and OSError as `read_annotations`."""
    return _annotations(str(folder), split, stamp_of_lists(folder))


@st.cache_resource(max_entries=4, show_spinner="Reading the list of clips …")
def _annotations(folder: str, split: str | None, stamp: str) -> Annotations:
    return read_annotations(Path(folder), split)


def stamp_of_lists(folder: Path) -> str:
    """Differs whenever a list of a data set's clips does, or the files in the folder of a class. Raises OSError."""
    found = [os.fspath(folder)]
    top = _watched(found[0], os.stat(folder).st_mtime_ns)
    within = [path for path in top if os.path.basename(path).lower() in LISTING and os.path.isdir(path)]
    found += [*top, *chain(*(_watched(path, os.stat(path).st_mtime_ns) for path in within))]
    return digest([(path, os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in found])


@lru_cache(maxsize=64)
def _watched(folder: str, stamp: int) -> list[str]:
    """Lists and folders in a folder: it may hold 200,000 videos, and is looked through when an entry came or went."""
    with os.scandir(folder) as entries:
        return [e.path for e in entries if e.is_dir() or (e.is_file() and e.name.endswith((".json", ".csv")))]


# ---- what is known to be true ----------------------------------------------------------------------------------------


def truth_stamp(clip: Clip) -> str:
    """Differs whenever `acting` or the file of masks does."""
    path = masks_path(clip)
    return f"{clip.acting} {stamp_of(path) if path else ''}"


def masks_path(clip: Clip) -> Path | None:
    """None where there is no file of masks. Raises ChoiceError where the list of clips leads out of its folder."""
    if not isinstance(clip.masks, Path):
        return None
    path = inside(root("clips"), clip.masks)
    return path if path.is_file() else None


def masks_of(clip: Clip) -> np.ndarray | None:
    """uint8 (L, H, W), None where nobody knows them. Raises ChoiceError for a file without masks."""
    if isinstance(clip.masks, np.ndarray):
        return clip.masks
    if (path := masks_path(clip)) is None:
        return None
    try:
        return read_arrays(path)["masks"]
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ChoiceError(f"{path} is no NPZ file with masks: {error}") from error


# ---- thumbnails ------------------------------------------------------------------------------------------------------


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
        folder, split = _place(data, name)
        if folder is None:
            return film_entry(name, label, _rendered_film(name, RENDERER_VERSION))
        return film_or_blank(Clip(name, _video(folder, split, name), label))
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
    clip = render_clip(_seed(name), num_frames=FILM_FRAMES, size=FILM_SIDE)
    return data_url(np.hstack(clip.frames), FILM_QUALITY)


@cache
def blank_film() -> str:
    """In the place of a thumbnail that cannot be made."""
    return data_url(np.full((FILM_SIDE, FILM_SIDE * FILM_FRAMES, 3), 128, np.uint8))
