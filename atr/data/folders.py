"""Clips of one's own: a folder a class, or an annotations.json."""

import hashlib
import json
import os
from pathlib import Path

from atr.data.annotations import Annotations, Row
from atr.video.decoding import VIDEO_SUFFIXES

ANNOTATED, CLASS_FOLDERS = "annotations.json", "class folders"
SPLIT_FOLDERS = {"train": ("train",), "val": ("val", "validation"), "test": ("test",)}
VALIDATION_SHARE = 5  # one clip in five


def annotated_clips(file: Path) -> dict:
    """{"labels": [...], "split": "val", "clips": [{"id", "video", "label", ...}, ...]}, as `atr tabletop` writes it.

    A clip may tell "num_frames", "masks", "boxes" and "acting" too.

    Raises:
        ValueError: the file is no such list.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        for clip in found["clips"]:
            clip["id"], clip["video"], clip["label"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} is not a list of clips as python -m atr tabletop writes it: {error!r}"
        ) from error
    return {"split": "val"} | found


def annotated_lists(folder: Path) -> dict[str, Path]:
    """One list, of the split that it names."""
    file = folder / ANNOTATED
    return {annotated_clips(file)["split"]: file} if file.is_file() else {}


def read_annotated(folder: Path, split: str, file: Path) -> Annotations:
    """A list as `annotated_clips` reads it."""
    annotations = annotated_clips(file)
    clips = annotations["clips"]
    stated = [clip.get("num_frames") for clip in clips]
    rows = ((clip["id"], clip["video"], clip["label"]) for clip in clips)
    lengths = None if None in stated else stated
    return Annotations.of_rows(ANNOTATED, folder, split, annotations["labels"], rows, lengths=lengths)


def class_folder_lists(folder: Path) -> dict[str, Path]:
    """train/, val/ and test/ where there are any, else train and val out of the class folders themselves."""
    places = {
        split: folder / name
        for split, names in SPLIT_FOLDERS.items()
        for name in names
        if videos_by_class(folder / name)
    }
    if places:
        return places
    return {"train": folder, "val": folder} if videos_by_class(folder) else {}


def read_class_folders(folder: Path, split: str, place: Path) -> Annotations:
    """Every folder that holds videos is a class; classes in alphabetical order, over all splits.

    Without train/ and val/ folders one clip in five of each class (rounded, one at least where there are two) is for
    validation: those whose SHA-256 of the file name comes first. So the split is the same on every machine, is not
    told by the names, and is stratified. Clips that were cut from one recording may still come to lie on both sides;
    who knows which those are makes train/ and val/ folders. Clips are listed in the order of that hash, classes mixed.
    """
    places = class_folder_lists(folder)
    labels = sorted({label for each in places.values() for label in videos_by_class(each)})
    rows: list[Row] = []
    for label, names in videos_by_class(place).items():
        if place == folder:
            names = part(names, split)
        rows += [(f"{label}/{name}", os.path.relpath(place / label / name, folder), label) for name in names]
    rows.sort(key=lambda row: hashed(row[0]))
    return Annotations.of_rows(CLASS_FOLDERS, folder, split, labels, rows)


def part(names: list[str], split: str) -> list[str]:
    """What of a class's clips is in the split."""
    names = sorted(names, key=hashed)
    held_out = max(round(len(names) / VALIDATION_SHARE), 1) if len(names) > 1 else 0
    return names[:held_out] if split == "val" else names[held_out:]


def hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def videos_by_class(folder: Path) -> dict[str, list[str]]:
    """Class -> names of the videos in its folder; classes without a video are none."""
    if not folder.is_dir():
        return {}
    classes = {}
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir() and not entry.name.startswith("."):
            names = (file.name for file in os.scandir(entry) if not file.name.startswith("."))
            videos = [name for name in names if os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES]
            if videos:
                classes[entry.name] = videos
    return classes
