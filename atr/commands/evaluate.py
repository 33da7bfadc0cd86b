"""python -m atr evaluate: the predictions of a checkpoint over a data set, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from atr.data.clips import ClipDataset
from atr.models import VideoClassifier
from atr.results.evaluate import view_scores
from atr.results.predict import AVERAGES, PROBABILITIES
from atr.results.predictions import (
    KIND,
    Predictions,
    PredictionsResult,
    predictions_folder,
    read_predictions,
    write_predictions,
)
from atr.results.questions import (
    Arrays,
    Question,
    SharedOptions,
    answer,
    clips_of_its_classes,
    named_rows,
)
from atr.schema import counted
from atr.video.protocol import PROTOCOLS, Protocol


@dataclass(frozen=True)
class Evaluate:
    """Class scores of a checkpoint for every clip of a data set, as a result folder (Parquet and JSON).

    Runs under `torchrun --nproc_per_node N -m atr evaluate ...` too. It can be interrupted and resumed; a complete result
    is not computed again. Exit code 3: some clips could not be read or lack frames; they are listed.
    """

    options: SharedOptions
    protocol: Literal[PROTOCOLS] = "1x1"
    """clips x crops a video"""
    average: Literal[AVERAGES] = PROBABILITIES
    """of the views: their probabilities, as mmaction2 does, or their logits, as TSM does"""

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        protocol = Protocol.named(self.protocol)
        return Question(
            KIND,
            folder=partial(predictions_folder, protocol=protocol, average=self.average),
            passes={"evaluate": partial(view_scores, model, protocol=protocol, average=self.average)},
            write=partial(self.write, protocol.offsets(model.sampling)),
            show=print_result,
            result=PredictionsResult,
            open=partial(clips_of_its_classes, protocol=protocol),
        )

    def write(
        self, offsets: tuple[float, ...], folder: Path, facts: dict, clips: ClipDataset, rows: Arrays
    ) -> None:
        if Protocol.named(self.protocol).num_views > 1:
            facts = facts | {"offsets": list(offsets), "average": self.average}
        facts = facts | {
            "protocol": self.protocol,
            "labels": clips.labels,
            "milliseconds_per_clip": 1e3 * float(np.median(rows["seconds"])),
        }
        named = named_rows(clips, rows)
        predictions = Predictions(
            ids=tuple(named["id"].tolist()), targets=named["target"], scores=rows["scores"], facts=facts
        )
        write_predictions(folder, predictions)


def print_result(facts: dict, folder: Path) -> None:
    predictions = read_predictions(folder)
    sampling = f", {facts['sampling']} sampling" if "sampling" in facts else ""  # older results do not say
    print(
        f"{predictions.name}, {facts['data']['description']}, {predictions.protocol}{sampling}: top-1 {predictions.top(1):.1%}, "
        f"top-5 {predictions.top(5):.1%} of {counted(len(predictions), 'clip')}"
    )
