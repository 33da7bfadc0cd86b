"""python -m analysis actionness: what the page "Actionness" shows, as files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from analysis.clip_folder import Drawing, write_clip
from atr.checkpoint import load_checkpoint
from atr.inference import for_inference
from atr.results.notices import tell_notices
from atr.results.passes import SKIPPED
from atr.results.processes import device_named, whole_float32
from atr.results.questions import InferenceOption
from atr.schema import printable


@dataclass(frozen=True)
class Actionness:
    """Where and when a checkpoint looks in one clip: overlays, figures and numbers in a folder.

    Exit code 3: frames of the clip are missing; it is told which.
    """

    clip: Annotated[Path, tyro.conf.Positional]
    """a video file"""
    checkpoint: Path
    """a checkpoint folder"""
    out: Path
    """the folder to write to; created if it does not exist"""
    drawing: Annotated[Drawing, tyro.conf.arg(name="")] = Drawing()
    device: str = "cpu"
    """cpu, cuda, cuda:1, ..."""
    inference: InferenceOption = "float32"
    allow_damaged: bool = False
    """use a video that cannot be decoded whole; the nearest frames stand in for those missing, and the summary says so"""

    def run(self, command: str) -> int:
        model = for_inference(load_checkpoint(self.checkpoint), self.inference).to(device_named(self.device))
        with whole_float32():
            summary = write_clip(
                model,
                self.clip,
                self.out,
                self.drawing,
                checkpoint=self.checkpoint,
                command=command,
                progress=True,
                allow_damaged=self.allow_damaged,
            )
        print(f"{model.sampling}: frames {', '.join(map(str, summary['sampled_frames']))}")
        for guess in summary["top5"]:
            print(f"{guess['probability']:7.1%}  {printable(guess['label'])}")
        for note in (*model.sampling.notes, *summary["notes"]):
            print(note)
        pictures = "overlay-*.mp4 and .gif, strip-*.png and .svg, sheet.png, emphasis.html, actionness.npz and .csv, "
        print(f"written to {self.out}: {pictures if summary['colour_limits'] else ''}summary.json")
        return SKIPPED if tell_notices(summary) else 0
