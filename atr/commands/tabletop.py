"""python -m atr tabletop: clips of the demo set as files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from atr.data.miniature import write_miniature
from atr.schema import counted
from atr.tabletop import write_dataset


@dataclass(frozen=True)
class Tabletop:
    """Render clips of the demo set: H.264 videos, true masks, annotations.json; or in the layout of another data set.

    "sthv2", "sthv1", "kinetics" and "folders" are small data sets for trying the commands, in the official formats: clips for training
    and half as many for validation ("folders": clips in class folders, no splits).
    """

    out: Path
    layout: Literal["annotations", "sthv2", "sthv1", "kinetics", "folders"] = "annotations"
    num_clips: int = 40
    """1 to 10,000,000, in the other layouts to 100,000"""
    split: Literal["train", "val"] = "val"
    """of the demo set; the other layouts take both"""
    num_frames: int = 32
    """1 or more, up to 2^28 pixels in a clip: 16,384 frames of size 128"""
    size: int = 128
    """side in pixels, an even number from 32 to 2,048"""
    fps: float = 12
    """1 to 1,000"""
    first: int = 0
    """index of the first clip in the split, 0 to 9,999,999"""

    def run(self, command: str) -> int:
        film: dict[str, Any] = {
            "num_clips": self.num_clips,
            "num_frames": self.num_frames,
            "size": self.size,
            "fps": self.fps,
        }
        if self.layout == "annotations":
            write_dataset(self.out, split=self.split, first=self.first, **film)
        elif self.first or self.split != "val":
            raise ValueError(
                f"first and split do not go with layout {self.layout!r}; allowed: layout 'annotations'"
            )
        else:
            write_miniature(self.out, self.layout, **film)
        both = self.layout not in ("annotations", "folders")
        print(
            f"{counted(self.num_clips, 'clip')}{' for training, and half as many for validation,' * both} in {self.out}"
        )
        return 0
