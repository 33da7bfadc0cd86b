"""Files and folders that are there whole or not at all, and digests of what is in them."""

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

CHUNK = 2**20  # bytes written at a time
HEAD = 2**12  # bytes in which a file tells what it is
MACHINE = re.sub(r"[^\w.]", "_", platform.node())
PROCESS = r"(?P<machine>[\w.]*)\.(?P<pid>\d+)"  # of the names of unfinished files
DAY = 86_400  # seconds


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write a file under, which becomes `path` when all went well and the content is on the disk.

    What a process that was killed has left of the same file is removed. Raises OSError naming `path`.
    """
    unfinished = path.with_name(f".{path.stem}-{this_process()}.unfinished{path.suffix}")
    remove_orphans(path.parent, rf"\.{re.escape(path.stem)}-{PROCESS}\.unfinished{re.escape(path.suffix)}")
    try:
        with naming(path, unfinished):
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
    with _unfinished_folder(folder, place) as unfinished:
        yield unfinished
        if not folder.exists():
            os.replace(unfinished, folder)
            return
        previous = Path(tempfile.mkdtemp(prefix=f".{folder.name}-{this_process()}-previous-", dir=place))
        os.replace(folder, previous)
        os.replace(unfinished, folder)
        shutil.rmtree(previous)


@contextmanager
def filled_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, whose files stand in `folder` when all went well; other files that are there stay.

    Raises ValueError where a file stands in its place.
    """
    require_folder(folder)
    with _unfinished_folder(folder, folder if folder.exists() else folder.parent) as unfinished:
        yield unfinished
        if not folder.exists():
            os.replace(unfinished, folder)
            return
        for file in sorted(unfinished.iterdir()):
            os.replace(file, folder / file.name)


@contextmanager
def _unfinished_folder(folder: Path, place: Path) -> Iterator[Path]:
    """A folder in `place` that goes with the block, unless it has been moved."""
    folder_to_write(place)
    name = re.escape(folder.name)
    if not folder.exists():  # killed between the two steps of replacing it
        for previous in orphans(place, rf"\.{name}-{PROCESS}-previous-\w+"):
            os.replace(previous, folder)
            break
    remove_orphans(place, rf"\.{name}-{PROCESS}-(previous-)?\w+")
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-{this_process()}-", dir=place))
    try:
        with naming(folder):
            unfinished.chmod(0o755)  # mkdtemp makes private folders
            yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def naming(path: Path, unfinished: Path | None = None) -> Iterator[None]:
    """An OSError that names no file, as of a full disk, or the one that is to become `path`, names `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename and str(error.filename) != str(unfinished)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def this_process() -> str:
    """As names of unfinished files have it: on a disk that machines share, a process has a number on each."""
    return f"{MACHINE}.{os.getpid()}"


def orphans(place: Path, pattern: str) -> list[Path]:
    """What processes that are no more have left in a folder under names of a pattern, which has `PROCESS` in it.

    Of another machine's it is not known; what nothing was written to for a day is taken for left.
    """
    found = ((path, re.fullmatch(pattern, path.name)) for path in place.glob(".*"))
    return sorted(path for path, match in found if match and _is_left(path, *match.group("machine", "pid")))


def _is_left(path: Path, machine: str, pid: str) -> bool:
    if machine == MACHINE:
        return not alive(int(pid))
    try:
        return time.time() - path.stat().st_mtime > DAY
    except FileNotFoundError:  # it was finished meanwhile
        return False


def remove_orphans(place: Path, pattern: str) -> None:
    for path in orphans(place, pattern):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def reserve(path: Path) -> None:
    """Take the blocks of a file that has been made longer without being written.

    Into memory mapped from a file without blocks, a write on a full disk ends the process (SIGBUS). Raises OSError.
    """
    with naming(path), open(path, "r+b") as file:
        size = os.path.getsize(path)
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except (AttributeError, OSError) as error:  # macOS has none; some file systems neither
            if isinstance(error, OSError) and error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            kept = file.read(CHUNK)  # its head is written already
            file.seek(0)
            file.write(kept)
            for start in range(len(kept), size, CHUNK):
                file.write(bytes(min(CHUNK, size - start)))


def require_empty(folder: Path) -> None:
    """Raises FileExistsError unless `folder` is free: there is none, or an empty one."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not an empty folder; choose another or remove it")


def file_to_write(path: Path, own: str) -> Path:
    """The file that a path stands for, which is asked for before anything is computed: a link is followed, not replaced.

    Its folder is made.

    Args:
        own: what a file of this kind holds in its first bytes. Another one, such as a video, is not replaced; an empty
            one is.

    Raises:
        ValueError: a folder stands in its place.
        FileExistsError: a file without `own` does.
        OSError: it cannot be written.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; a file is written")
    if path.exists():
        head = read_head(path)
        if head and own.encode() not in head:
            raise FileExistsError(
                f"{path} is another file and is left as it is; remove it or give another name"
            )
    path = path.resolve()
    folder_to_write(path.parent)
    return path


def read_head(path: Path) -> bytes:
    """The first bytes of a file. Raises FileExistsError for a pipe or a device, which cannot be replaced."""
    if not path.is_file():
        raise FileExistsError(f"{path} is a pipe or a device; a file is written")
    with open(path, "rb") as file:
        return file.read(HEAD)


def require_own_files(folder: Path, names: Iterable[str]) -> None:
    """Raises FileExistsError where a folder holds some of these files and not all: then they are not of one command."""
    names = list(names)
    found = [name for name in names if (folder / name).exists()]
    if found and len(found) < len(names):
        raise FileExistsError(
            f"{folder} holds another {found[0]}, which is left as it is; remove it or give another --out"
        )


def folder_to_write(folder: Path) -> None:
    """Make a folder that is written to later. Raises OSError naming what is in its way, or where it cannot be written."""
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def require_folder(folder: Path) -> None:
    """Raises ValueError where a file stands in its place."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")


def write_json(path: Path, values: dict | list) -> None:
    """Raises ValueError for numbers that are infinite or NaN, which JSON has not."""
    try:
        text = json.dumps(values, indent=1, allow_nan=False)
    except ValueError as error:
        raise ValueError(f"{path} is not written: {error}") from error
    with whole_file(path) as unfinished:
        unfinished.write_text(text + "\n")


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """An NPZ file."""
    with whole_file(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def read_arrays(path: Path, wanted: tuple[str, ...] = ("",)) -> dict[str, np.ndarray]:
    """Those whose names begin so, all by default. Raises ValueError for what is no NPZ file, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored if name.startswith(wanted)}
    except (EOFError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(str(error)) from error  # RuntimeError: encrypted, or compressed in an unknown way


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
            files = [(each.name, *_size_and_time(each)) for each in entries]
        return digest(sorted(files))
    except OSError:
        return ""


def _size_and_time(entry: os.DirEntry) -> tuple[int, int]:
    """Of a link that leads nowhere its own: it is not to hide that other files have changed."""
    try:
        found = entry.stat()
    except FileNotFoundError:
        found = entry.stat(follow_symlinks=False)
    return found.st_size, found.st_mtime_ns


def digest(values) -> str:
    """SHA-256 of what JSON can hold, in hexadecimal; the order of a dictionary's keys does not matter."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
