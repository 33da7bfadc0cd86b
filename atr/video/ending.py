"""What the structure of a file tells of its end, for containers that state no number of frames."""

import os
from typing import BinaryIO

from atr.video.container import HEAD, TRANSPORT_SYNC, transport_grid

LOOKS = 64  # places at which the grid of a transport stream is looked at
CUT = "the file was cut short: its last part is incomplete"
TORN = "bytes are missing or too many inside the file"


def fault_of_structure(file: BinaryIO, demultiplexer: str, num_frames: int) -> str | None:
    """A sentence where a container cannot have been written like this; None where nothing is wrong or can be told.

    Args:
        file: open for reading; where it stands is kept.
        demultiplexer: FFmpeg's name of the container.
        num_frames: that were found.
    """
    place, size = file.tell(), os.fstat(file.fileno()).st_size
    try:
        if demultiplexer == "gif":
            return _gif(file, size, num_frames)
        if demultiplexer == "matroska":
            return _matroska(file, size)
        if demultiplexer == "mpegts":
            return _transport(file, size)
        return None
    finally:
        file.seek(place)


def _gif(file: BinaryIO, size: int, num_frames: int) -> str | None:
    """Walk from block to block; the last is the trailer. Pictures are counted, not decoded."""
    file.seek(10)
    flags = file.read(3)[:1]
    file.seek(13 + _table(flags))
    pictures = 0
    while file.tell() < size:
        kind = file.read(1)
        if kind == b";":
            lost = pictures != num_frames
            return f"of {pictures} pictures in the file {num_frames} can be read" if lost else None
        if kind == b"!":
            file.seek(1, os.SEEK_CUR)
        elif kind == b",":
            pictures += 1
            flags = file.read(9)[8:9]
            file.seek(_table(flags) + 1, os.SEEK_CUR)
        else:
            return TORN
        while (length := file.read(1)) not in (b"", b"\0"):
            file.seek(length[0], os.SEEK_CUR)
    return CUT


def _table(flags: bytes) -> int:
    """Bytes of a colour table, by the byte that announces it."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _matroska(file: BinaryIO, size: int) -> str | None:
    """The segment states how long it is, unless it was written to a pipe."""
    file.seek(4)
    length = _number(file)
    if length is None:
        return None
    file.seek(length, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return None
    length = _number(file)
    if length is None:
        return None
    end = file.tell() + length
    return CUT if end > size else None


def _number(file: BinaryIO) -> int | None:
    """A length of EBML: the zeros before its first bit tell its bytes; None for "unknown"."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    width = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(width - 1), "big") - (1 << 7 * width)
    return None if value == (1 << 7 * width) - 1 else value


def _transport(file: BinaryIO, size: int) -> str | None:
    """Every packet begins with the same byte, and the last one is complete."""
    file.seek(0)
    grid = transport_grid(file.read(HEAD))
    if grid is None:
        return None
    start, packet = grid
    whole, rest = divmod(size - start, packet)
    for look in range(1, LOOKS + 1):
        file.seek(start + (whole - 1) * look // LOOKS * packet)
        if file.read(1) != TRANSPORT_SYNC:
            return TORN
    # Where each packet follows its time stamp, the last ends without the next one's.
    return CUT if rest not in (0, packet - start) else None
