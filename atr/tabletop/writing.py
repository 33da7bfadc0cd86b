"""Rendered clips on disk: a data set of videos with masks, and a memory-mapped cache of frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from atr.files import digest, read_arrays, require_empty, reserve, whole_file, whole_folder, write_arrays
from atr.options import require, require_between
from atr.schema import shown
from atr.tabletop.actions import CLASSES
from atr.tabletop.objects import OBJECT_KINDS
from atr.tabletop.scene import RENDERER_VERSION, Clip, render_clip
from atr.tabletop.seeds import SPLIT_SIZE, SPLITS, clip_name, split_seed
from atr.video.encoding import MOST_FPS, write_mp4
from atr.video.parallel import in_processes

MOST_SIZE = 2048  # pixels a side: a scene takes 200 bytes a pixel while it is painted
MOST_PIXELS = 2**28  # of all frames of a clip, which are held with their masks: 1 GiB


def write_dataset(
    out: str | Path,
    *,
    split: str,
    num_clips: int,
    num_frames: int = 32,
    size: int = 128,
    fps: float = 12,
    first: int = 0,
    progress: bool = True,
) -> Path:
    """Write `num_clips` clips of a split, from index `first` on, and return the folder.

    Each clip is an H.264 video and a compressed `masks` array, uint8 (num_frames, size, size);
    annotations.json lists labels and clips. Any 20 clips from a multiple of 20 on show every class once. The
    folder appears when it is complete. Raises FileExistsError if `out` exists and is not an empty folder,
    and ValueError for an unknown split, or numbers that `require_film` or the split has not.
    """
    out = Path(out)
    require("split", split, SPLITS)
    require_between("first", first, 0, SPLIT_SIZE - 1)
    require_film(
        num_clips=num_clips, num_frames=num_frames, size=size, fps=fps, most_clips=SPLIT_SIZE - first
    )
    indices = range(first, first + num_clips)
    require_empty(out)
    with (
        whole_folder(out) as unfinished,
        tqdm(indices, desc=f"rendering {split}", unit="clip", disable=not progress) as bar,
    ):
        clips = []
        for index in bar:
            seed, name = split_seed(split, index), clip_name(split, index)
            clip = render_clip(seed, num_frames=num_frames, size=size)
            write_mp4(unfinished / f"{name}.mp4", clip.frames, fps)
            np.savez_compressed(unfinished / f"{name}.masks.npz", masks=clip.masks)
            clips.append(_annotation(name, seed, clip, fps))
        annotations = {
            "labels": list(CLASSES),
            "split": split,
            "renderer_version": RENDERER_VERSION,
            "clips": clips,
        }
        (unfinished / "annotations.json").write_text(json.dumps(annotations, indent=1) + "\n")
    return out


def require_film(*, num_clips: int, num_frames: int, size: int, fps: float, most_clips: int) -> None:
    """Asked before anything is rendered. Raises ValueError for numbers that memory or the video format cannot hold."""
    if not 32 <= size <= MOST_SIZE or size % 2:  # 4:2:0 chroma
        raise ValueError(
            f"size={shown(size)} is not possible; allowed: even numbers from 32 to {MOST_SIZE:,}"
        )
    require_between("num_clips", num_clips, 1, most_clips)
    require_between("fps", fps, 1, MOST_FPS)
    require_between(f"at size={size}, num_frames", num_frames, 1, MOST_PIXELS // size**2)


def _annotation(name: str, seed: int, clip: Clip, fps: float) -> dict:
    return {
        "id": name,
        "video": f"{name}.mp4",
        "masks": f"{name}.masks.npz",
        "label": CLASSES[clip.label],
        "seed": seed,
        "num_frames": len(clip.frames),
        "fps": fps,
        "acting": clip.acting.tolist(),
        "objects": [OBJECT_KINDS[kind] for kind in sorted(clip.objects)],
    }


@dataclass(frozen=True)
class RenderedClips:
    """frames: read-only memory map, uint8 RGB (N, T, S, S, 3); labels: int64 (N,); objects: bool
    (N, len(OBJECT_KINDS)), the kinds seen; acting: bool (N, T)."""

    frames: np.ndarray
    labels: np.ndarray
    objects: np.ndarray
    acting: np.ndarray


def render_batch_cache(
    path: str | Path,
    seeds: Sequence[int],
    *,
    times: Sequence[float] | None = None,
    num_frames: int = 8,
    size: int = 96,
    workers: int = 1,
) -> RenderedClips:
    """The clips of `seeds` from the folder `path`, rendered there first if they are not in it yet.

    The files' name holds the renderer's version and a digest of the arguments; they appear when complete.
    times: (T,) of the frames, in any order; as `render_clip` has them when None.
    workers: processes that render; with 1, this process does.
    """
    seeds = [int(seed) for seed in seeds]
    if not seeds or workers < 1:
        raise ValueError(
            f"needs one seed and one worker or more, got {len(seeds)} seeds and {workers} workers"
        )
    settings = [RENDERER_VERSION, num_frames, size, seeds]
    if times is None:
        times = (np.arange(num_frames) + 0.5) / num_frames
    else:
        times, num_frames = np.asarray(times), len(times)
        settings = [RENDERER_VERSION, times.tolist(), size, seeds]
    identity = digest(settings)
    name = f"tabletop-v{RENDERER_VERSION}-{num_frames}x{size}px-{identity[:12]}"
    folder = Path(path)
    array, facts = folder / f"{name}.npy", folder / f"{name}.npz"
    if not (array.exists() and facts.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        _render_cache(array, facts, seeds, times, size, workers)
    try:
        stored = read_arrays(facts)
        return RenderedClips(
            np.load(array, mmap_mode="r"), stored["labels"], stored["objects"], stored["acting"]
        )
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{facts} or {array} is damaged; remove both to have the clips rendered again"
        ) from error


def _render_cache(
    array: Path, facts: Path, seeds: list[int], times: np.ndarray, size: int, workers: int
) -> None:
    labels = np.zeros(len(seeds), np.int64)
    objects = np.zeros((len(seeds), len(OBJECT_KINDS)), bool)
    acting = np.zeros((len(seeds), len(times)), bool)
    with whole_file(array) as unfinished:
        shape = (len(seeds), len(times), size, size, 3)
        np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=shape).flush()
        reserve(unfinished)
        jobs = [(unfinished, k, seeds[k : k + 16], times, size) for k in range(0, len(seeds), 16)]
        with tqdm(total=len(seeds), desc="rendering", unit="clip") as bar:
            for first, rendered in in_processes(_render_rows, jobs, workers):
                for k, (label, kinds, active) in enumerate(rendered, start=first):
                    labels[k], acting[k] = label, active
                    objects[k, list(kinds)] = True
                bar.update(len(rendered))
        write_arrays(facts, {"labels": labels, "objects": objects, "acting": acting})


def _render_rows(job) -> tuple[int, list[tuple[int, frozenset[int], np.ndarray]]]:
    """Render consecutive rows of the cache in place; the first row and (label, objects, acting) of each."""
    array, first, seeds, times, size = job
    frames = np.load(array, mmap_mode="r+")
    facts = []
    for k, seed in enumerate(seeds, start=first):
        clip = render_clip(seed, times=times, size=size)
        frames[k] = clip.frames
        facts.append((clip.label, clip.objects, clip.acting))
    return first, facts
