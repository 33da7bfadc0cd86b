"""A video as a folder of pictures: 00001.jpg, 00002.jpg, ... (Something-Something V1)."""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from atr.schema import counted
from atr.video.limits import Limits
from atr.video.notices import Notice
from atr.video.video import NEAREST_SHOWN, Video, VideoError, spans

NUMBERED = re.compile(r"(.*?)(\d+)\.(jpe?g|png)", re.IGNORECASE | re.DOTALL)
KINDS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG"}
FPS = 12.0  # at which Something-Something V1 was taken apart; a folder states none
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # Pillow's modes
GAPS_NAMED = 1000


class FrameFolder(Video):
    """The pictures of a folder in the order of their numbers: one sequence, of one prefix and one kind, without gaps.

    Where damage is allowed the nearest picture stands in for one that is missing or cannot be decoded.

    Raises VideoError when there is no numbered picture, or more than one such sequence, or a number is missing.
    """

    def __init__(self, path: Path, limits: Limits, allow_damaged: bool):
        self.path, self.limits, self.allow_damaged = path, limits, allow_damaged
        self._spoilt: set[int] = set()  # indices known to be missing or not decodable
        self._replaced: set[int] = set()
        try:
            names = {file.name for file in path.iterdir()}
        except OSError as error:
            raise self.error(f"the folder cannot be read ({error.strerror})") from error
        found = _numbered(path, names)
        if not found:
            raise self.error("is a folder and holds no frames named 00001.jpg, 00002.jpg, ...")
        span = found[-1][0] - found[0][0] + 1
        count = max(len(found), span) if allow_damaged else len(found)
        if count > limits.frames:
            raise self.error(f"has {count} frames; at most {limits.frames} are read")
        prefixes, kinds = sorted({prefix for _, prefix, _, _ in found}), {kind for _, _, kind, _ in found}
        if len(prefixes) > 1:
            named = ", ".join(map(ascii, prefixes[:3]))
            raise self.error(
                f"is a folder and has more than one sequence of frames; names begin with {named}"
            )
        if len(kinds) > 1:
            raise self.error("is a folder and has frames of two kinds, JPEG and PNG")
        for (number, *_, file), (following, *_, other) in pairwise(found):
            if following == number:
                raise self.error(
                    f"is a folder and has two frames numbered {number}, {file.name} and {other.name}"
                )
            if following > number + 1 and not allow_damaged:
                ends = f"{found[0][0]} to {found[-1][0]}"
                raise self.damage(
                    f"is a folder and has {counted(len(found), 'frame')} numbered {ends}; number {number + 1} is missing"
                )
        self.codec = kinds.pop()
        self._others = sorted(names - {file.name for *_, file in found})
        first, files = found[0][0], {number: file for number, *_, file in found}
        self.files = [files.get(number) for number in range(first, first + span)]
        self._spoilt.update(index for index, file in enumerate(self.files) if file is None)

    @property
    def length(self) -> int:
        return len(self.files)

    @property
    def times(self) -> np.ndarray:
        return np.arange(self.length) / self.fps

    @property
    def fps(self) -> float:
        return FPS

    @property
    def size(self) -> tuple[int, int]:
        return next(self.pictures([0])).shape[:2]

    @property
    def notices(self) -> tuple[Notice, ...]:
        told = []
        if self._spoilt:
            found = f"{spans(self._spoilt)} of {self.length} frames are missing or cannot be decoded"
            told.append(Notice(found, "damage"))
        if self._replaced:
            told.append(Notice(f"for frames {spans(self._replaced)} {NEAREST_SHOWN}", "damage"))
        if self._others:
            named = ", ".join(map(ascii, self._others[:3])) + ", ..." * (len(self._others) > 3)
            found = f"{len(self._others)} found beside the frames and not used: {named}"
            told.append(Notice(found, "change"))
        return tuple(told)

    def pictures(self, wanted: list[int] | None) -> Iterator[np.ndarray]:
        if wanted and wanted[-1] >= self.length:
            raise self.error(f"frame {wanted[-1]} is wanted, but the video ends after {self.length} frames")
        read = self._nearest if self.allow_damaged else self._read
        yield from map(read, range(self.length) if wanted is None else wanted)

    def check(self) -> None:
        """Read every picture. Raises VideoError when one cannot be, unless damage is allowed."""
        for _ in self.pictures(None):
            pass

    def close(self) -> None:
        """Nothing is held open."""

    def _nearest(self, index: int) -> np.ndarray:
        for other in _by_distance(index, self.length):
            if other in self._spoilt:
                continue
            picture = self._decoded(other)
            if picture is None:
                self._spoilt.add(other)
                continue
            if other != index:
                self._replaced.add(index)
            return picture
        raise self.error("holds no frame that can be decoded")

    def _read(self, index: int) -> np.ndarray:
        picture = self._decoded(index)
        if picture is None:
            raise self.damage(f"frame {index} cannot be decoded")
        return picture

    def _decoded(self, index: int) -> np.ndarray | None:
        """None where it cannot be. Raises VideoError beyond a limit."""
        file = self.files[index]
        try:
            if file is None or not file.is_file() or file.stat().st_size > self.limits.file_bytes:
                return None
            with Image.open(
                file, formats=[self.codec]
            ) as picture:  # refuses one cut short, OpenCV fills it up
                if picture.width * picture.height > self.limits.pixels:
                    raise self.error(
                        f"{file.name} has {picture.width}x{picture.height} pixels; at most {self.limits.pixels} are read"
                    )
                if picture.mode not in EIGHT_BITS:
                    raise self.error(
                        f"{file.name} has pixels of more than 8 bits ({picture.mode}); 8 are read"
                    )
                return np.array(ImageOps.exif_transpose(picture).convert("RGB"))
        except VideoError:
            raise
        # What a damaged file raises; a profile that is too large is a ValueError.
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return None


def _by_distance(index: int, length: int) -> Iterator[int]:
    yield index
    for distance in range(1, length):
        yield from (other for other in (index - distance, index + distance) if 0 <= other < length)


def numbered_frames(folder: Path) -> dict[int, Path]:
    """Number of a frame -> its file."""
    return {number: file for number, _, _, file in _numbered(folder, os.listdir(folder))}


def missing_numbers(folder: Path) -> list[int]:
    """Numbers between the first frame and the last that no file has, the first thousand of them."""
    missing: list[int] = []
    for number, following in pairwise(sorted(numbered_frames(folder))):
        missing.extend(range(number + 1, min(following, number + 1 + GAPS_NAMED - len(missing))))
    return missing


def _numbered(folder: Path, names: Iterable[str]) -> list[tuple[int, str, str, Path]]:
    """(number, prefix, kind, file) of the numbered pictures among the names in a folder, by number."""
    matches = map(NUMBERED.fullmatch, names)
    found = [(int(m[2]), m[1], KINDS[m[3].lower()], folder / m[0]) for m in matches if m and len(m[2]) < 100]
    return sorted(found, key=lambda each: (each[0], each[3].name))
