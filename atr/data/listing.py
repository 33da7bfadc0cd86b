"""What a folder holds: videos, folders, and what is neither. One rule for every layout and for videos without one."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from atr.data.unused import Left
from atr.video.decoding import VIDEO_SUFFIXES

HIDDEN, NO_SUFFIX, BROKEN = "hidden", "without a suffix", "broken links"
OUTSIDE, LOOP = "links that lead out of the folder", "links to a folder above"


class Contents(NamedTuple):
    """Names in one folder, each list in alphabetical order.

    videos: files with a suffix of videos, upper or lower case; whether they can be read is not looked at.
    folders: linked ones too.
    others: hidden entries and files with other suffixes.
    links: those of videos and folders that are links.
    """

    videos: list[str]
    folders: list[str]
    others: list[Left]
    links: set[str]


def contents(folder: str | Path) -> Contents:
    """Of a folder; empty where there is none."""
    found = Contents([], [], [], set())
    if not os.path.isdir(folder):
        return found
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith("."):
                found.others.append((HIDDEN, entry.name))
                continue
            try:
                is_folder = entry.is_dir()
                is_link = entry.is_symlink()
            except OSError:  # a link to itself
                found.others.append((BROKEN, entry.name))
                continue
            _, dot, kind = entry.name.rpartition(".")
            suffix = (dot + kind).lower() if dot else ""
            if is_folder:
                found.folders.append(entry.name)
            elif suffix in VIDEO_SUFFIXES:
                found.videos.append(entry.name)
            else:
                found.others.append((suffix or NO_SUFFIX, entry.name))
                continue
            if is_link:
                found.links.add(entry.name)
    return found


def videos_below(
    folder: Path, *, root: Path | None = None, follow_outside: bool = False, skip: Collection[str] = ()
) -> tuple[list[str], list[Left]]:
    """The videos in a folder to its depths, and what else is there; paths below it, in alphabetical order.

    Args:
        root: what a link must not lead out of; the folder itself when None.
        follow_outside: follow links that do.
        skip: paths below the folder that are not looked at.
    """
    top = os.path.realpath(root or folder)
    videos: list[str] = []
    left: list[Left] = []

    def visit(place: str, prefix: str, above: tuple[str, ...]) -> None:
        found = contents(place)
        left.extend((why, prefix + name) for why, name in found.others if prefix + name not in skip)
        for name in [*found.videos, *found.folders]:
            path = prefix + name
            if path in skip:
                continue
            real = os.path.realpath(os.path.join(place, name)) if name in found.links else None
            if real is not None and not follow_outside and not lies_in(real, top):
                left.append((OUTSIDE, path))
            elif real in above:
                left.append((LOOP, path))
            elif os.path.isdir(os.path.join(place, name)):
                here = real or os.path.join(above[-1], name)
                visit(os.path.join(place, name), f"{path}/", (*above, here))
            else:
                videos.append(path)

    start = os.path.realpath(folder)
    if follow_outside or lies_in(start, top):
        visit(str(folder), "", (start,))
    else:
        left.append((OUTSIDE, "."))
    return sorted(videos, key=lambda path: path.split("/")), left


def lies_in(path: str, folder: str) -> bool:
    """Of two real paths."""
    return os.path.commonpath([path, folder]) == folder


def leading_out(root: Path, files: Sequence[str]) -> dict[int, str]:
    """Index of a file -> where it lies, of those that lead out of `root`: by their path or by a link on it.

    Files that are missing are looked at too. Costs one look at each folder, not at each file.
    """
    top = os.path.realpath(root)
    places: dict[
        str, tuple[str, bool, set[str]]
    ] = {}  # folder below root -> where it lies, inside, its links
    found = {}
    for index, file in enumerate(files):
        parent, name = os.path.split(file)
        if parent not in places:
            place = os.path.realpath(os.path.join(top, parent))
            inside = lies_in(place, top)
            places[parent] = place, inside, links_in(place) if inside else set()
        place, inside, links = places[parent]
        if name in links or name in ("", ".", ".."):
            real = os.path.realpath(os.path.join(place, name))
            inside = lies_in(real, top)
        else:
            real = os.path.join(place, name)
        if not inside:
            found[index] = real
    return found


def links_in(folder: str) -> set[str]:
    if not os.path.isdir(folder):
        return set()
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_symlink()}
