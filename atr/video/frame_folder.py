"""A video as a folder of pictures: 00001.jpg, 00002.jpg, ... (Something-Something V1)."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from atr.video.limits import Limits
from atr.video.notices import Notice
from atr.video.video import Video

NUMBERED = re.compile(r"(.*?)(\d+)\.(jpe?g|png)", re.IGNORECASE | re.DOTALL)
KINDS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG"}
FPS = 12.0  # at which Something-Something V1 was taken apart; a folder states none
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")  # Pillow's modes
GAPS_NAMED = 1000


class FrameFolder(Video):
    """The pictures of a folder in the order of their numbers: one sequence, of one prefix and one kind, without gaps.

    Raises VideoError when there is no numbered picture, or more than one such sequence, or a number is missing.
    """

    def __init__(self, path: Path, limits: Limits):
        self.path, self.limits = path, limits
        try:
            found = _numbered(path)
        except OSError as error:
            raise self.error(f"the folder cannot be read ({error.strerror})") from error
        if not found:
            raise self.error("is a folder and holds no frames named 00001.jpg, 00002.jpg, ...")
        if len(found) > limits.frames:
            raise self.error(f"has {len(found)} frames; at most {limits.frames} are read")
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
            if following > number + 1:
                ends = f"{found[0][0]} to {found[-1][0]}"
                raise self.error(
                    f"is a folder and has {len(found)} frames numbered {ends}; number {number + 1} is missing"
                )
        self.codec = kinds.pop()
        self.files = [file for *_, file in found]
        self._others = sorted({file.name for file in path.iterdir()} - {file.name for file in self.files})

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
        return self._read(0).shape[:2]

    @property
    def notices(self) -> tuple[Notice, ...]:
        if not self._others:
            return ()
        named = ", ".join(map(ascii, self._others[:3])) + ", ..." * (len(self._others) > 3)
        return (Notice(f"{len(self._others)} found beside the frames and not used: {named}", "change"),)

    def pictures(self, wanted: list[int] | None) -> Iterator[np.ndarray]:
        if wanted and wanted[-1] >= self.length:
            raise self.error(f"frame {wanted[-1]} is wanted, but the video ends after {self.length} frames")
        yield from map(self._read, range(self.length) if wanted is None else wanted)

    def check(self) -> None:
        """Read every picture. Raises VideoError when one cannot be."""
        for _ in self.pictures(None):
            pass

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self, index: int) -> np.ndarray:
        file = self.files[index]
        try:
            if not file.is_file() or file.stat().st_size > self.limits.file_bytes:
                raise OSError
            with Image.open(
                file, formats=[self.codec]
            ) as picture:  # refuses one cut short, OpenCV fills it up
                if picture.width * picture.height > self.limits.pixels:
                    raise self.error(
                        f"{file.name} has {picture.width}x{picture.height} pixels; at most {self.limits.pixels} are read"
                    )
                if picture.mode not in EIGHT_BITS:
                    raise OSError
                return np.array(ImageOps.exif_transpose(picture).convert("RGB"))
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise self.error(f"frame {index} cannot be decoded") from error


def numbered_frames(folder: Path) -> dict[int, Path]:
    """Number of a frame -> its file."""
    return {number: file for number, _, _, file in _numbered(folder)}


def missing_numbers(folder: Path) -> list[int]:
    """Numbers between the first frame and the last that no file has, the first thousand of them."""
    missing: list[int] = []
    for number, following in pairwise(sorted(numbered_frames(folder))):
        missing.extend(range(number + 1, min(following, number + 1 + GAPS_NAMED - len(missing))))
    return missing


def _numbered(folder: Path) -> list[tuple[int, str, str, Path]]:
    """(number, prefix, kind, file) of the numbered pictures, by number."""
    matches = (NUMBERED.fullmatch(path.name) for path in folder.iterdir())
    found = [(int(m[2]), m[1], KINDS[m[3].lower()], folder / m[0]) for m in matches if m and len(m[2]) < 100]
    return sorted(found, key=lambda each: (each[0], each[3].name))
