"""python -m atr evaluate: the predictions of a checkpoint over a data set, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from atr.checkpoint import load_checkpoint
from atr.data.clips import ClipDataset
from atr.models import VideoClassifier
from atr.results.evaluate import view_scores
from atr.results.predictions import Predictions, read_predictions, write_predictions
from atr.results.processes import process_state
from atr.results.questions import answered, asked_of_all, clips_for, facts_of, named_rows, require_same_labels
from atr.results.store import complete, result_folder
from atr.video.protocol import PROTOCOLS, Protocol


@dataclass(frozen=True)
class Evaluate:
    """Class scores of a checkpoint for every clip of a data set, as a result folder (Parquet and JSON).

    Runs under `torchrun --nproc_per_node N -m atr evaluate ...` too. A run that was stopped goes on where it was; one
    that is complete is only printed. Exit code 3: some videos could not be read; they are listed.
    """

    checkpoint: Path
    """a checkpoint folder"""
    data: str = "tabletop:val"
    """tabletop:val, rendered here, or the folder of a data set and a split, FOLDER:val"""
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
        protocol, model = Protocol.named(self.protocol), load_checkpoint(self.checkpoint)
        clips = clips_for(model, self.data, cache=self.cache, num_clips=self.num_clips, protocol=protocol)
        require_same_labels(model, clips, self.checkpoint, self.data)
        folder = predictions_folder(self.out, self.checkpoint, clips.digest, protocol)
        return answered(folder, partial(self.compute, model, clips, protocol, folder, command), print_result)

    def compute(
        self, model: VideoClassifier, clips: ClipDataset, protocol: Protocol, folder: Path, command: str
    ) -> None:
        ask = partial(view_scores, model, clips, protocol)
        options = {"strict": self.strict, "num_workers": self.workers}
        rows, broken = asked_of_all(ask, clips, folder, "evaluate", **options)
        if not process_state().is_main_process:
            return
        facts = facts_of("predictions", command, self.checkpoint, self.data, clips, broken) | {
            "protocol": self.protocol,
            "labels": clips.labels,
            "milliseconds_per_clip": 1e3 * float(np.median(rows["seconds"])),
        }
        named = named_rows(clips, rows)
        predictions = Predictions(
            ids=tuple(named["id"].tolist()), targets=named["target"], scores=rows["scores"], facts=facts
        )
        complete(folder, lambda unfinished: write_predictions(unfinished, predictions))


def predictions_folder(out: Path, checkpoint: Path, data_digest: str, protocol: Protocol) -> Path:
    """Where the predictions lie, complete or not."""
    return result_folder(out, "predictions", checkpoint, {"data": data_digest, "protocol": str(protocol)})


def print_result(facts: dict, folder: Path) -> None:
    predictions = read_predictions(folder)
    print(
        f"{predictions.name}, {facts['data']['description']}, {facts['protocol']}: top-1 {predictions.top(1):.1%}, "
        f"top-5 {predictions.top(5):.1%} of {len(predictions)} clips\nwritten to {folder}"
    )
