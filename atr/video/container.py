"""Video files are opened by what they hold.

Which demultiplexer reads a file is decided by its first bytes, never by its name or by FFmpeg's guess: playlists,
lists of files, patterns of images and text are no container listed here, whatever they are called. FFmpeg is handed
the open file and no name, so that no name can be taken for a protocol or an option.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import av

from atr.video.limits import Limits
from atr.video.video import VideoError, one_line

VIDEO_SUFFIXES = (
    *(".mp4", ".webm", ".avi", ".mov", ".mkv", ".gif", ".m4v", ".mpg", ".mpeg"),
    *(".wmv", ".flv", ".ts", ".mts", ".m2ts", ".3gp", ".ogv", ".vob"),
)

QUICKTIME_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"uuid", b"styp", b"moof")
FIRST_BYTES = {
    b"\x1aE\xdf\xa3": "matroska",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"FLV\x01": "flv",
    b"OggS": "ogg",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c": "asf",
    b"\x00\x00\x01\xba": "mpeg",
    b"\x00\x00\x01\xb3": "mpegvideo",  # bare MPEG-1 and MPEG-2
    b"\x00\x00\x01\xb0": "m4v",  # bare MPEG-4, as some copies of UCF101 are
    b"\x00\x00\x01\x00": "m4v",
    b"\x00\x00\x01\x20": "m4v",
}
TRANSPORT_SYNC = b"G"
TRANSPORT_PACKETS = (188, 192, 204)  # bytes: plain, with a time stamp (.m2ts), with error correction
HEAD = 4096


def demultiplexer(head: bytes) -> str | None:
    """FFmpeg's name for the container that begins with these bytes; None where it is no accepted one."""
    for magic, name in FIRST_BYTES.items():
        if head.startswith(magic):
            return name
    if head[4:8] in QUICKTIME_ATOMS:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    return "mpegts" if transport_grid(head) else None


def transport_grid(head: bytes) -> tuple[int, int] | None:
    """Where the first packet of a transport stream begins and how long each is, by the byte that all begin with."""
    for size in TRANSPORT_PACKETS:
        for offset in range(size):
            starts = head[offset::size]
            if len(starts) >= 3 and starts.count(TRANSPORT_SYNC) == len(starts):
                return offset, size
    return None


def open_file(path: Path, limits: Limits) -> tuple[BinaryIO, str]:
    """A regular file, open for reading, and the demultiplexer for it.

    Raises VideoError when it is missing, is no regular file, cannot be read, is too large or is no video.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe or a device could wait for ever
            raise VideoError(f"{one_line(path)}: is no regular file")
        if status.st_size == 0:
            raise unreadable(path, "is empty")
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            raise unreadable(path, "has no suffix of a video file")
        if status.st_size > limits.file_bytes:
            raise VideoError(
                f"{one_line(path)}: has {status.st_size} bytes; at most {limits.file_bytes} are read"
            )
        file = open(os.fsencode(path), "rb")  # noqa: SIM115 (its reader closes it)
    except FileNotFoundError as error:
        raise VideoError(f"{one_line(path)}: no such file") from error
    except VideoError:
        raise
    except (OSError, ValueError) as error:  # no right to read it, a name too long, a zero byte in the name
        raise VideoError(
            f"{one_line(path)}: cannot be opened ({getattr(error, 'strerror', None) or error})"
        ) from error
    head = file.read(HEAD)
    name = demultiplexer(head)
    if name is None:
        file.close()
        raise unreadable(path, "cannot be read as a video (damaged, or of another kind)")
    return file, name


def open_container(path: Path, file: BinaryIO, name: str, limits: Limits) -> av.container.InputContainer:
    """FFmpeg's view of an open file, from its start. Raises VideoError when it cannot be read."""
    file.seek(0)
    nameless = SimpleNamespace(read=file.read, seek=partial(_seek, file), tell=file.tell)
    try:
        container = av.open(
            nameless,
            format=name,
            # Pixels are bounded while FFmpeg looks for the streams, too: it decodes frames to know their kind.
            options={**pixel_option(limits), "protocol_whitelist": "none"},
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise unreadable(path, "cannot be read as a video (damaged, or of another kind)") from error
    container.flags &= (
        ~av.container.Flags.gen_pts.value
    )  # times that the file does not state are not invented
    return container


def demultiplexed(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
    """The track's packets from where the container stands. Raises av.FFmpegError."""
    with suppress(IndexError):  # from PyAV after the last packet, where a damaged file showed new tracks
        yield from container.demux(stream)


def _seek(file: BinaryIO, offset: int, whence: int = os.SEEK_SET) -> int:
    """As FFmpeg expects it: a place that a damaged file names and that cannot be is an answer, no exception."""
    try:
        return file.seek(offset, whence)
    except (OSError, ValueError, OverflowError):
        return -1


def pixel_option(limits: Limits) -> dict[str, str]:
    """For FFmpeg, which counts the pixels it adds at the edges of a frame, too."""
    return {"max_pixels": str(limits.pixels + limits.pixels // 4 + 100_000)}


def unreadable(path: Path, reason: str) -> VideoError:
    accepted = ", ".join(suffix[1:] for suffix in VIDEO_SUFFIXES)
    return VideoError(f"{one_line(path)}: {reason}; accepted are video files of the kinds {accepted}")
