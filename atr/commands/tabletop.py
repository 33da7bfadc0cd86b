"""python -m atr tabletop: clips of the demo set as files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from atr.tabletop import write_dataset


@dataclass(frozen=True)
class Tabletop:
    """Render clips of the demo set: H.264 videos, true masks, annotations.json."""

    out: Path
    num_clips: int = 40
    split: Literal["train", "val"] = "val"
    num_frames: int = 32
    size: int = 128
    """side in pixels"""
    fps: float = 12
    first: int = 0
    """index of the first clip in the split"""

    def run(self, command: str) -> int:
        write_dataset(
            self.out,
            split=self.split,
            num_clips=self.num_clips,
            num_frames=self.num_frames,
            size=self.size,
            fps=self.fps,
            first=self.first,
        )
        print(f"{self.num_clips} clips in {self.out}")
        return 0
