"""python -m atr evaluate: the predictions of a checkpoint over a data set, as a result folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from accelerate import PartialState

from atr.checkpoint import load_checkpoint
from atr.data import ClipDataset, open_clips
from atr.evaluate import view_scores
from atr.models import VideoClassifier
from atr.passes import exit_code, progress_of, skipped_clips
from atr.predictions import Predictions, read_predictions, write_predictions
from atr.processes import process_state
from atr.protocol import PROTOCOLS, Protocol
from atr.store import RESULT, checkpoint_facts, complete, partial_folder, result_folder, software


@dataclass(frozen=True)
class Evaluate:
    """Class scores of a checkpoint for every clip of a data set, as a result folder (Parquet and JSON).

    Runs under `torchrun --nproc_per_node N -m atr evaluate ...` too. A run that was stopped goes on where it was; one
    that is complete is only printed. Exit code 3: some videos could not be read; they are listed.
    """

    checkpoint: Path
    """a checkpoint folder"""
    data: str = "tabletop:val"
    """tabletop:val, rendered here, or a folder of videos"""
    protocol: Literal[PROTOCOLS] = "1x1"
    """clips x crops a video"""
    num_clips: int | None = None
    """the first so many; all (2,000 rendered ones) when not given"""
    out: Path = Path("results")
    """where result folders lie; named by checkpoint, data and settings"""
    strict: bool = False
    """stop at the first video that cannot be read"""
    workers: int = 0
    """decoding processes beside each computing one"""
    cache: Path = Path("cache")
    """folder for rendered clips"""

    def run(self, command: str) -> int:
        state, protocol = process_state(), Protocol.named(self.protocol)
        model = load_checkpoint(self.checkpoint)
        with state.main_process_first():
            clips = open_clips(
                self.data,
                num_frames=model.config.num_frames,
                preprocessing=model.preprocessing,
                cache=self.cache,
                num_clips=self.num_clips,
                protocol=protocol,
            )
        require_same_labels(model.labels, clips.labels, self.checkpoint, self.data)
        folder = predictions_folder(self.out, self.checkpoint, clips.digest, protocol)
        if not (folder / RESULT).is_file():
            self.compute(model, clips, folder, command, state)
        state.wait_for_everyone()
        if not state.is_main_process:
            return 0
        predictions = read_predictions(folder)
        print(as_text(predictions), f"written to {folder}", sep="\n")
        return exit_code(predictions.facts["skipped"])

    def compute(
        self, model: VideoClassifier, clips: ClipDataset, folder: Path, command: str, state: PartialState
    ) -> None:
        partial = partial_folder(folder)
        with progress_of(partial, "evaluate", len(clips), state) as progress:
            rows, broken = view_scores(
                model,
                clips,
                Protocol.named(self.protocol),
                partial=partial,
                strict=self.strict,
                num_workers=self.workers,
                progress=progress,
            )
        if not rows:
            raise ValueError(f"none of the {len(clips)} videos of {self.data} could be read")
        if not state.is_main_process:
            return
        facts = {
            "kind": "predictions",
            "command": command,
            "protocol": self.protocol,
            "labels": clips.labels,
            "checkpoint": checkpoint_facts(self.checkpoint),
            "data": {"name": self.data, "description": clips.description, "digest": clips.digest},
            "skipped": skipped_clips(clips, broken),
            "milliseconds_per_clip": 1e3 * float(np.median(rows["seconds"])),
            "software": software(),
        }
        targets = np.array([clips.targets[i] for i in rows["index"]], np.int64)
        ids = tuple(clips.ids[i] for i in rows["index"])
        predictions = Predictions(ids, targets, rows["scores"], facts)
        complete(folder, lambda unfinished: write_predictions(unfinished, predictions))


def predictions_folder(out: Path, checkpoint: Path, data_digest: str, protocol: Protocol) -> Path:
    """Where the predictions lie, complete or not."""
    return result_folder(out, "predictions", checkpoint, {"data": data_digest, "protocol": str(protocol)})


def require_same_labels(model: list[str], data: list[str], checkpoint: Path, name: str) -> None:
    """Raises ValueError where a checkpoint's classes are not the data's."""
    if len(model) != len(data):
        raise ValueError(f"{checkpoint} knows {len(model)} classes, {name} has {len(data)}")
    for index, (own, other) in enumerate(zip(model, data, strict=True)):
        if own != other:
            raise ValueError(f"class {index} is {own!r} in {checkpoint} and {other!r} in {name}")


def as_text(predictions: Predictions) -> str:
    return (
        f"{predictions.name}, {predictions.facts['data']['description']}, {predictions.facts['protocol']}: top-1 "
        f"{predictions.top(1):.1%}, top-5 {predictions.top(5):.1%} of {len(predictions)} clips"
    )
