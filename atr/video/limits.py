"""How much of a video is read at most: known before anything is decoded."""

import os
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """Bounds that ten minutes of a phone's 4K video pass; what exceeds one is refused with a line naming it.

    Attributes:
        pixels: of a frame, as stored and as displayed.
        proportion: of the longer side of a frame to the shorter one, which grows to what a model takes.
        frames: of a video.
        seconds: of a video, from its first frame to its last.
        file_bytes: of a file, or of a picture of a frame folder.
        decoded_bytes: of the frames that one array holds; frames read one by one are not bounded.
        counted_pixels: of all frames together where they have to be decoded to be counted.
    """

    pixels: int = 40_000_000
    proportion: int = 100
    frames: int = 500_000
    seconds: int = 6 * 3600
    file_bytes: int = 64 * 2**30
    decoded_bytes: int = 8 * 2**30
    counted_pixels: int = 200_000_000_000

    @classmethod
    def of_environment(cls) -> "Limits":
        """The defaults, or what ATR_VIDEO_PIXELS, ATR_VIDEO_FRAMES, ... state (the attributes in capitals).

        Raises ValueError for a value that is no positive whole number.
        """
        stated = {}
        for field in fields(cls):
            name = f"ATR_VIDEO_{field.name.upper()}"
            if name in os.environ:
                value = os.environ[name]
                if not (value.isascii() and value.isdigit() and int(value) > 0):
                    raise ValueError(f"{name} must be a positive whole number, got {value!r}")
                stated[field.name] = int(value)
        return cls(**stated)
