"""Files and folders that are there whole or not at all, and digests of what is in them."""

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write a file under, which becomes `path` when all went well and the content is on the disk."""
    unfinished = path.with_name(f".{path.stem}-{os.getpid()}.unfinished{path.suffix}")
    try:
        yield unfinished
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path, *, within: Path | None = None) -> Iterator[Path]:
    """A folder to fill, which becomes `folder` when all went well; at every moment one whole version is on disk.

    within: where it lies until then, on the same disk; beside `folder` when not given.
    """
    place = within or folder.parent
    place.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=place))
    try:
        yield unfinished
        unfinished.chmod(0o755)  # mkdtemp makes private folders
        if not folder.exists():
            os.replace(unfinished, folder)
            return
        previous = Path(tempfile.mkdtemp(prefix=f".{folder.name}-previous-", dir=place))
        os.replace(folder, previous)
        os.replace(unfinished, folder)
        shutil.rmtree(previous)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def require_empty(folder: Path) -> None:
    """Raises FileExistsError unless `folder` is free: there is none, or an empty one."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not an empty folder; choose another or remove it")


def make_folder(folder: Path) -> None:
    """Raises ValueError where a file stands in its place."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    folder.mkdir(parents=True, exist_ok=True)


def write_json(path: Path, values: dict) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(values, indent=1) + "\n")


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """An NPZ file."""
    with whole_file(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def stamp(path: str | Path) -> str:
    """What a file is, told without reading it: its size and the time of its last change in nanoseconds.

    Of a folder, of all files in it; "" where there is nothing. It differs whenever content was written, and may differ
    where it was not: a file that was only touched is another one.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            return f"{found.st_size} {found.st_mtime_ns}"
        with os.scandir(path) as entries:
            files = [(e.name, e.stat().st_size, e.stat().st_mtime_ns) for e in entries]
        return digest(sorted(files))
    except OSError:
        return ""


def digest(values) -> str:
    """SHA-256 of what JSON can hold, in hexadecimal; the order of a dictionary's keys does not matter."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
