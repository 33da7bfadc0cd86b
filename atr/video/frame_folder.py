"""A video as a folder of JPEG frames: 00001.jpg, 00002.jpg, ... (Something-Something V1)."""

import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

NUMBERED = re.compile(r"(.*?)(\d+)\.jpe?g", re.IGNORECASE)
FPS = 12  # at which Something-Something V1 was taken apart; a folder states none
PROPERTIES = {cv2.CAP_PROP_FPS: float(FPS), cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"JPEG"))}

SIDES = {cv2.CAP_PROP_FRAME_WIDTH: 0, cv2.CAP_PROP_FRAME_HEIGHT: 1}


class FrameFolder:
    """The frames of a folder in the order of their numbers, read as from an open `cv2.VideoCapture`.

    Moving on costs nothing: a file is read only when its frame is retrieved.

    Raises:
        ValueError: there is no numbered JPEG, or a number is missing between the first and the last.
    """

    def __init__(self, folder: Path):
        numbered = numbered_frames(folder)
        if not numbered:
            raise ValueError("holds no frames named 00001.jpg, 00002.jpg, ...")
        if missing := gaps(numbered):
            ends = f"{min(numbered)} to {max(numbered)}"
            raise ValueError(f"has {len(numbered)} frames numbered {ends}; number {missing[0]} is missing")
        self.files = [numbered[number] for number in sorted(numbered)]
        self.position = -1

    def grab(self) -> bool:
        self.position += 1
        return self.position < len(self.files)

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """Whether the frame could be read, and the frame, uint8 BGR (H, W, 3)."""
        try:
            with Image.open(
                self.files[self.position]
            ) as picture:  # refuses a JPEG cut short, OpenCV fills it up
                return True, np.array(picture.convert("RGB"))[..., ::-1]
        except OSError:
            return False, None

    def get(self, name: int) -> float:
        if name in PROPERTIES:
            return PROPERTIES[name]
        try:
            with Image.open(self.files[0]) as picture:
                return float(picture.size[SIDES[name]])
        except OSError:
            return 0.0

    def release(self) -> None:
        """Nothing is held open."""


def numbered_frames(folder: Path) -> dict[int, Path]:
    """Number of a frame -> its file."""
    matches = (NUMBERED.fullmatch(path.name) for path in folder.iterdir())
    return {int(match[2]): folder / match[0] for match in matches if match}


def missing_numbers(folder: Path) -> list[int]:
    """Numbers between the first frame and the last that no file has."""
    return gaps(numbered_frames(folder))


def gaps(numbered: dict[int, Path]) -> list[int]:
    return sorted(set(range(min(numbered, default=0), max(numbered, default=0))) - set(numbered))
