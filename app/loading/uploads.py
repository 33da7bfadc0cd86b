"""Uploaded videos: kept for a session, in a folder of its own that is deleted with it."""

import hashlib
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from app.loading.clips import Clip
from app.loading.roots import ChoiceError
from atr.files import alive, whole_file
from atr.video.decoding import VIDEO_SUFFIXES

UPLOADS = "atr-upload"  # their folders are named so, and by the process of the server
UPLOAD_KINDS = tuple(suffix[1:] for suffix in VIDEO_SUFFIXES)


def upload_folder() -> TemporaryDirectory:
    """For the uploads of a session, deleted with it. What servers have left that were killed is deleted now."""
    for left in Path(gettempdir()).glob(f"{UPLOADS}-*-*"):
        pid = left.name.split("-")[2]
        if pid.isdecimal() and not alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return TemporaryDirectory(prefix=f"{UPLOADS}-{os.getpid()}-")


def keep_upload(name: str, data: bytes, folder: Path) -> Clip:
    """Write an upload under a name of our own, in place of the session's previous one. Raises ChoiceError."""
    suffix = Path(name).suffix.lower()
    if suffix.lstrip(".") not in UPLOAD_KINDS:
        raise ChoiceError(
            f"{name!r} is no video of an accepted kind; accepted are {', '.join(UPLOAD_KINDS)}."
        )
    path = folder / (hashlib.sha256(data).hexdigest()[:32] + suffix)
    if not path.exists():
        try:
            with whole_file(path) as unfinished:
                unfinished.write_bytes(data)
        except OSError as error:
            raise ChoiceError(f"{name!r} cannot be kept on this machine: {error.strerror}.") from error
        for other in folder.iterdir():
            if other != path:
                other.unlink()
    return Clip(name, path)
