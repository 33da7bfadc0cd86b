"""The demo set in the official formats of real data sets, to rehearse on: the same files, fewer and smaller videos."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import cv2
from tqdm import tqdm

from atr.data.something_something import OFFICIAL
from atr.files import require_empty, whole_folder
from atr.options import choose
from atr.tabletop.actions import CLASSES
from atr.tabletop.scene import Clip, render_clip
from atr.tabletop.seeds import split_seed
from atr.tabletop.writing import require_film
from atr.video.encoding import write_mp4, write_webm

Layout = Literal["sthv2", "sthv1", "kinetics", "folders"]
FIRST_ID = {"train": 1, "val": 100_001}
MISSING = 10  # every tenth Kinetics video is only listed
SECONDS = 10  # length of every Kinetics clip
JPEG_QUALITY = 95


def write_miniature(
    out: str | Path,
    layout: Layout,
    *,
    num_clips: int = 40,
    num_frames: int = 32,
    size: int = 128,
    fps: float = 12,
    progress: bool = True,
) -> Path:
    """Write clips of the demo set as if they were another data set, and return the folder.

    "sthv2": Something-Something V2, VP9 in .webm, lists in labels/. "sthv1": V1, folders of JPEG frames, semicolon
    CSVs. "kinetics": .mp4 in folders by split and class, CSVs that also list videos that are missing, one in ten.
    Each has `num_clips` clips for training and half as many for validation. "folders": a folder for each class,
    `num_clips` clips in all, and no word of splits.

    Any 20 clips of a split show every class once. The folder appears when it is complete. Raises FileExistsError if
    `out` exists and is not an empty folder, and ValueError for an unknown layout or impossible sizes.
    """
    writers = {"sthv2": write_v2, "sthv1": write_v1, "kinetics": write_kinetics, "folders": write_folders}
    write = choose("layout", layout, writers)
    most = FIRST_ID["val"] - FIRST_ID["train"]
    require_film(num_clips=num_clips, num_frames=num_frames, size=size, fps=fps, most_clips=most)
    counts = {"train": num_clips}
    if layout != "folders":
        counts["val"] = max(num_clips // 2, 1)
    require_empty(Path(out))
    with (
        whole_folder(Path(out)) as folder,
        tqdm(total=sum(counts.values()), unit="clip", disable=not progress) as bar,
    ):

        def rendered(split: str) -> Iterator[tuple[int, Clip]]:
            for index in range(counts[split]):
                yield index, render_clip(split_seed(split, index), num_frames=num_frames, size=size)
                bar.update()

        for split in counts:
            bar.set_description(f"rendering {split}")
            write(folder, split, rendered(split), fps)
    return Path(out)


def write_v2(folder: Path, split: str, clips: Iterator[tuple[int, Clip]], fps: float) -> None:
    lists, videos = folder / "labels", folder / "20bn-something-something-v2"
    lists.mkdir(exist_ok=True)
    videos.mkdir(exist_ok=True)
    entries = []
    for index, clip in clips:
        template = CLASSES[clip.label].replace("something", "[something]")
        name = str(FIRST_ID[split] + index)
        entries.append(
            {
                "id": name,
                "label": template.replace("[something]", "an object"),
                "template": template,
                "placeholders": ["an object"] * template.count("[something]"),
            }
        )
        write_webm(videos / f"{name}.webm", clip.frames, fps)
    (lists / f"{OFFICIAL[split]}.json").write_text(json.dumps(entries, indent=1))
    numbers = {label: str(number) for number, label in enumerate(CLASSES)}
    (lists / "labels.json").write_text(json.dumps(numbers, indent=1))


def write_v1(folder: Path, split: str, clips: Iterator[tuple[int, Clip]], fps: float) -> None:
    """Frames have no rate."""
    rows = []
    for index, clip in clips:
        name = str(FIRST_ID[split] + index)
        frames = folder / "20bn-something-something-v1" / name
        frames.mkdir(parents=True)
        for number, frame in enumerate(clip.frames, start=1):
            bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
            _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (frames / f"{number:05d}.jpg").write_bytes(encoded)  # imwrite is silent on a full disk
        rows.append((name, CLASSES[clip.label]))
    write_rows(folder / f"something-something-v1-{OFFICIAL[split]}.csv", rows, delimiter=";")
    (folder / "something-something-v1-labels.csv").write_text("".join(f"{label}\n" for label in CLASSES))


def write_kinetics(folder: Path, split: str, clips: Iterator[tuple[int, Clip]], fps: float) -> None:
    """Labels are lower case, as there; a name stands for the eleven characters of a YouTube video."""
    rows: list[tuple] = [("label", "youtube_id", "time_start", "time_end", "split")]
    for index, clip in clips:
        label, name, start = CLASSES[clip.label].lower(), f"{split:_<5}{index:06d}", index
        rows.append((label, name, start, start + SECONDS, split))
        if index % MISSING != MISSING - 1:
            place = folder / split / label
            place.mkdir(parents=True, exist_ok=True)
            write_mp4(place / f"{name}_{start:06d}_{start + SECONDS:06d}.mp4", clip.frames, fps)
    write_rows(folder / f"{split}.csv", rows)


def write_folders(folder: Path, split: str, clips: Iterator[tuple[int, Clip]], fps: float) -> None:
    for index, clip in clips:
        place = folder / CLASSES[clip.label]
        place.mkdir(exist_ok=True)
        write_mp4(place / f"{index:06d}.mp4", clip.frames, fps)


def write_rows(file: Path, rows: list[tuple], **options) -> None:
    with file.open("w", newline="") as lines:
        csv.writer(lines, lineterminator="\n", **options).writerows(rows)
