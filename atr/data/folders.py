"""Clips of one's own: a folder a class, or an annotations.json."""

import hashlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from atr.data.annotations import LISTED_SPLITS, SPLIT_NAMES, Annotations, Row, lacking_labels
from atr.data.listing import OUTSIDE, contents, videos_below
from atr.data.text import faults_of, read_text
from atr.data.unused import Left, Unused
from atr.schema import FileName, Flag, Labels, Name, Positive, check, parse_json, require_unicode

ANNOTATED, CLASS_FOLDERS = "annotations.json", "class folders"
VALIDATION_SHARE = 5  # one clip in five
UNLISTED, NO_CLASS_FOLDER, BELOW_CLASSES = (
    "in no list",
    "in no folder of a class",
    "in subfolders of classes",
)
NO_VIDEO, BESIDE_SPLITS = "folders without a video", "folders beside those of the splits"
NO_LIST = "cannot be read as a list of clips as python -m atr tabletop writes it"


class AnnotatedClip(Struct):
    """One entry; boxes are looked at clip by clip."""

    id: Name
    video: FileName
    label: Name
    num_frames: Positive | None | UnsetType = UNSET
    masks: FileName | UnsetType = UNSET
    boxes: list | UnsetType = UNSET
    acting: list[Flag] | UnsetType = UNSET


AnnotatedClips = msgspec.defstruct(
    "AnnotatedClips",
    [
        ("labels", Labels),
        ("clips", list[AnnotatedClip]),
        ("split", Literal[LISTED_SPLITS] | UnsetType, UNSET),
    ],
)


def annotated_clips(file: Path) -> dict:
    """{"labels": [...], "split": "val", "clips": [{"id", "video", "label", ...}, ...]}, as `atr tabletop` writes it.

    A clip may tell "num_frames", "masks", "boxes" and "acting" too.

    Raises:
        NamedFault: the file is no such list; the message has below 500 characters and names the entry.
    """
    text = read_text(file)
    with faults_of(file, NO_LIST):
        found = parse_json(text)
        check(found, AnnotatedClips)
    return {"split": "val"} | found


def annotated_lists(folder: Path) -> dict[str, Path]:
    """One list, of the split that it names, or one in each of the folders train/, val/ and test/."""
    file = folder / ANNOTATED
    if file.is_file():
        return {annotated_clips(file)["split"]: file}
    places = split_folders(folder, lambda place: (place / ANNOTATED).is_file())
    return {split: place / ANNOTATED for split, place in places.items()}


def read_annotated(folder: Path, split: str, file: Path) -> Annotations:
    """A list as `annotated_clips` reads it; its files are below the folder that it lies in."""
    annotations = annotated_clips(file)
    clips, place = annotations["clips"], file.parent
    stated = [clip.get("num_frames") for clip in clips]
    below = "" if place == folder else f"{place.name}/"
    rows = ((clip["id"], below + clip["video"], clip["label"]) for clip in clips)
    lengths = None if None in stated else stated
    named = [clip[key] for clip in clips for key in ("video", "masks") if key in clip]
    return Annotations.of_rows(
        ANNOTATED, folder, split, annotations["labels"], rows, lengths=lengths, unused=beside(place, named)
    )


def split_folders(folder: Path, holds_clips: Callable[[Path], bool]) -> dict[str, Path]:
    """Split -> the folder in `folder` that has its name and holds its clips.

    Raises:
        ValueError: two folders are of one split.
    """
    names, places = contents(folder).folders, {}
    for split, allowed in SPLIT_NAMES.items():
        found = [name for name in names if name.lower() in allowed and holds_clips(folder / name)]
        if len(found) > 1:
            raise ValueError(
                f"{' and '.join(found)} could each be the clips of {split}; rename or remove one"
            )
        if found:
            places[split] = folder / found[0]
    return places


def beside(folder: Path, named: list[str]) -> Unused:
    """What lies in a folder beside the files that its annotations.json names."""
    used = {os.path.relpath(folder / path, folder) for path in named}
    above = {os.path.dirname(path) for path in used}  # a link on the way to a clip is used
    videos, left = videos_below(folder, skip={*used, ANNOTATED})
    left = [(why, path) for why, path in left if not (why == OUTSIDE and path in above)]
    return Unused.of([*((UNLISTED, video) for video in videos), *left])


def class_folder_lists(folder: Path) -> dict[str, Path]:
    """train/, val/ and test/ where there are any, else train and val out of the class folders themselves.

    Train alone where no class has two clips: then `part` holds none out.

    Raises:
        ValueError: two folders are of one split, or those of the splits hold videos of no class.
    """
    if places := split_folders(folder, lambda place: bool(classes_in(place))):
        return places
    classes = classes_in(folder)
    if classes and all(name.lower() in itertools.chain(*SPLIT_NAMES.values()) for name in classes):
        raise ValueError(
            f"{' and '.join(classes)} {'hold' if len(classes) > 1 else 'holds'} videos, and not a folder for each class"
        )
    if not classes:
        return {}
    held_out = any(len(contents(folder / name).videos) > 1 for name in classes)
    return {"train": folder, "val": folder} if held_out else {"train": folder}


def classes_in(folder: Path) -> list[str]:
    """The folders with videos in them."""
    return [name for name in contents(folder).folders if contents(folder / name).videos]


def read_class_folders(folder: Path, split: str, place: Path) -> Annotations:
    """Every folder that holds videos is a class; classes in alphabetical order, over all splits.

    Without train/ and val/ folders one clip in five of each class (rounded, one at least where there are two) is for
    validation: those whose SHA-256 of the file name comes first. So the split is the same on every machine, is not
    told by the names, and is stratified. Clips that were cut from one recording may still come to lie on both sides;
    who knows which those are makes train/ and val/ folders. Clips are listed in the order of that hash, classes mixed.

    Raises:
        NamedFault: the name of a class is no text, of whichever split.
    """
    lists = class_folder_lists(folder)
    places = set(lists.values())
    classes, left = {}, beside_splits(folder, places) if folder not in places else []
    for each in sorted(places):
        classes[each], others = videos_by_class(folder, each)
        with faults_of(each, "cannot be read as class folders"):
            require_unicode(classes[each])
        left += [(why, os.path.relpath(each / path, folder)) for why, path in others]
    clips = {
        name: classes[each] if each != folder else parts(classes[each], name) for name, each in lists.items()
    }
    labels = sorted({label for each in classes.values() for label in each})
    rows: list[Row] = [
        (f"{label}/{name}", os.path.relpath(place / label / name, folder), label)
        for label, names in clips[split].items()
        for name in names
    ]
    rows.sort(key=lambda row: hashed(row[0]))
    found = {"unused": Unused.of(left), "lacking": lacking_labels(clips)}
    return Annotations.of_rows(CLASS_FOLDERS, folder, split, labels, rows, **found)


def parts(classes: dict[str, list[str]], split: str) -> dict[str, list[str]]:
    """Class -> what of its clips is in the split; classes of which nothing is are none."""
    return {label: own for label, names in classes.items() if (own := part(names, split))}


def part(names: list[str], split: str) -> list[str]:
    """What of a class's clips is in the split."""
    names = sorted(names, key=hashed)
    held_out = max(round(len(names) / VALIDATION_SHARE), 1) if len(names) > 1 else 0
    return names[:held_out] if split == "val" else names[held_out:]


def hashed(name: str) -> str:
    content = name.encode(errors="surrogateescape")  # names on disk need not be UTF-8
    return hashlib.sha256(content).hexdigest()


def videos_by_class(folder: Path, place: Path) -> tuple[dict[str, list[str]], list[Left]]:
    """Class -> names of the videos in its folder, and what else lies in `place`; classes without a video are none.

    folder: of the data set. Subfolders of classes are looked through only where they lie in it.
    """
    top = contents(place)
    classes, left = {}, [*top.others, *((NO_CLASS_FOLDER, name) for name in top.videos)]
    for label in top.folders:
        inside = contents(place / label)
        if inside.videos:
            classes[label] = inside.videos
        else:
            left.append((NO_VIDEO, label))
        left += [(why, f"{label}/{name}") for why, name in inside.others]
        for name in inside.folders:
            videos, others = videos_below(place / label / name, root=folder)
            left += [(BELOW_CLASSES, f"{label}/{name}/{video}") for video in videos]
            left += [(why, f"{label}/{name}/{path}") for why, path in others]
    return classes, left


def beside_splits(folder: Path, places: set[Path]) -> list[Left]:
    """What lies beside the folders of the splits."""
    top = contents(folder)
    others = [name for name in top.folders if folder / name not in places]
    return [
        *top.others,
        *((NO_CLASS_FOLDER, name) for name in top.videos),
        *((BESIDE_SPLITS if classes_in(folder / name) else NO_VIDEO, name) for name in others),
    ]
