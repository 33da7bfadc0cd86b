"""Do the maps find the action? Every block of a checkpoint against true masks.

    python -m benchmarks.localization --checkpoint assets/checkpoints/tabletop-atr
    python -m benchmarks.localization --checkpoint ... --sequences DAVIS   # folders with clip.mp4 and masks/*.png

Prints one table and writes one JSON file. On the demo set the target is the hand and what it acts on, over the frames
in which the hand acts; "distractor" columns: the same map against the objects that move by themselves. On sequences
the target is the annotated object, over all frames, in the centre crop.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
import tyro
from tqdm import tqdm

from analysis.actionness import clip_actionness
from analysis.localization import Localization, baselines, localize, merge
from atr.checkpoint import load_checkpoint
from atr.models import VideoClassifier
from atr.tabletop import render_clip, split_seed

ACTED, HAND, DISTRACTOR = 3, 4, 2  # values of the demo set's masks


@dataclass(frozen=True)
class Options:
    checkpoint: Path
    sequences: Path | None = None
    """a folder of sequences; the demo set's validation split when not given"""
    split: Literal["dev", "val"] = "val"
    """of the demo set; dev is for choosing between trainings"""
    num_clips: int = 500
    """of the demo set"""
    out: Path | None = None
    """JSON file to write; results/localization-NAME.json when not given"""


def main(options: Options) -> None:
    model = load_checkpoint(options.checkpoint)
    cases = (
        on_sequences(model, options.sequences)
        if options.sequences
        else on_tabletop(model, options.split, options.num_clips)
    )
    total: dict[str, Localization] = {}
    for maps, target, distractor, acting in cases:
        total = merge(total, localize(maps, target, distractor, acting))
    rows = [{"map": name} | values.to_dict() for name, values in total.items()]
    table = pd.DataFrame(rows).drop(columns="distractor_frames")
    print(table.to_string(index=False, float_format=lambda v: f"{v:.3f}"))
    data = (
        str(options.sequences.name)
        if options.sequences
        else f"tabletop {options.split}, {options.num_clips} clips"
    )
    out = options.out or Path("results") / f"localization-{options.checkpoint.resolve().name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        json.dumps({"checkpoint": options.checkpoint.name, "data": data, "maps": rows}, indent=1) + "\n"
    )
    print(f"written to {out}")


def on_tabletop(model: VideoClassifier, split: str, num_clips: int) -> Iterator[tuple]:
    """The T frames of the evaluation, each with its own masks: no map is shared between frames."""
    size = model.preprocessing.crop
    for index in tqdm(range(num_clips), unit="clip"):
        clip = render_clip(split_seed(split, index), num_frames=model.config.num_frames, size=size)
        maps = clip_actionness(model, clip.frames).maps
        yield with_baselines(maps, clip.frames), clip.masks >= ACTED, clip.masks == DISTRACTOR, clip.acting


def on_sequences(model: VideoClassifier, folder: Path) -> Iterator[tuple]:
    sequences = sorted(path.parent for path in folder.glob("*/clip.mp4"))
    if not sequences:
        raise SystemExit(f"error: {folder} has no folders with a clip.mp4")
    for sequence in tqdm(sequences, unit="sequence"):
        found = clip_actionness(model, sequence / "clip.mp4")
        files = sorted((sequence / "masks").glob("*.png"))
        masks = np.stack([cv2.imread(str(files[i]), cv2.IMREAD_GRAYSCALE) > 0 for i in found.indices])
        top, left, height, width = found.box
        cut = masks[:, top : top + height, left : left + width]
        yield with_baselines(found.maps, found.frames), cut, None, None


def with_baselines(maps: dict[str, np.ndarray], frames: np.ndarray) -> dict[str, np.ndarray]:
    finest = max((values.shape[1:] for values in maps.values()), default=(12, 12))
    return maps | baselines(frames, *finest)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
