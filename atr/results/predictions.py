"""What a model said of every clip of a list: class probabilities, with all that is needed to compare and to repeat."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from atr.checkpoint import read_config
from atr.files import write_json
from atr.results.predict import PROBABILITIES
from atr.results.scores import Scores
from atr.results.store import RESULT, read_result, result_folder
from atr.sampling import Sampling
from atr.video.protocol import Protocol

TABLE = "predictions.parquet"
# Facts that a reader may rely on, beside those of every result.
KEYS = ("protocol", "labels", "milliseconds_per_clip", "checkpoint.model", "checkpoint.preprocessing")


@dataclass(frozen=True, kw_only=True)
class Predictions(Scores):
    """One model's class scores over a list of clips: the softmax of every view, averaged over the views.

    Attributes:
        ids: one name per clip, (N,).
        facts: protocol and, of several views, offsets (`Protocol.offsets`) and average; sampling, window; labels, data
            {name, description, digest}, checkpoint {name, weights_sha256, model, preprocessing}, software (the decoder's
            and torch's versions), command, milliseconds_per_clip, notes, skipped [{id, message}].

    Raises:
        ValueError: arrays, labels and ids do not fit each other, a score is no number, or an id stands twice.
    """

    ids: tuple[str, ...]
    facts: dict

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.ids), len(self.labels)) or self.targets.shape != (len(self.ids),):
            raise ValueError(
                f"{len(self.ids)} clips and {len(self.labels)} labels do not fit scores {self.scores.shape} and targets "
                f"{self.targets.shape}"
            )
        if len(set(self.ids)) < len(self.ids):
            raise ValueError("a clip's id stands twice")
        if not np.isfinite(self.scores).all():
            raise ValueError("some scores are no numbers")
        if len(self) and not 0 <= self.targets.min() <= self.targets.max() < len(self.labels):
            raise ValueError(
                f"targets run from {self.targets.min()} to {self.targets.max()}; allowed: 0 to {len(self.labels) - 1}"
            )

    @property
    def name(self) -> str:
        return self.facts["checkpoint"]["name"]

    @property
    def labels(self) -> list[str]:
        return self.facts["labels"]

    @property
    def protocol(self) -> str:
        """In words: 2x3, and how its views were averaged where that is not the common way."""
        logits = self.facts.get("average", PROBABILITIES) != PROBABILITIES
        return self.facts["protocol"] + ", logits averaged" * logits

    @property
    def states_offsets(self) -> bool:
        """False of results of several views from the time when two samplings were at 1/4 and 3/4 of every segment."""
        return Protocol.named(self.facts["protocol"]).num_views == 1 or "offsets" in self.facts


def predictions_folder(
    root: Path, checkpoint: Path, data_digest: str, protocol: Protocol, average: str = PROBABILITIES
) -> Path:
    """Where the predictions lie, complete or not."""
    settings: dict = {"data": data_digest, "protocol": str(protocol)}
    if protocol.num_views > 1:  # of one view there is nothing to choose
        config = read_config(checkpoint)
        sampling = Sampling.of_facts(config, config["model"]["num_frames"])
        settings |= {"offsets": protocol.offsets(sampling), "average": average}
    return result_folder(root, "predictions", checkpoint, settings)


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """result.json and predictions.parquet into an existing folder."""
    labels = np.array(predictions.labels)
    table = {
        "id": predictions.ids,
        "target": predictions.targets,
        "label": labels[predictions.targets],
        "predicted": labels[predictions.predicted],
    }
    scores = {str(index): column for index, column in enumerate(predictions.scores.T)}
    pd.DataFrame(table | scores).to_parquet(folder / TABLE, index=False)
    write_json(folder / RESULT, predictions.facts)


def read_predictions(folder: Path) -> Predictions:
    """Raises ValueError where the folder holds no readable predictions."""
    facts = read_result(folder)
    try:
        table = pd.read_parquet(folder / TABLE)
        scores = table[[str(index) for index in range(len(facts["labels"]))]].to_numpy(np.float32)
        targets = table["target"].to_numpy(np.int64)
        return Predictions(ids=tuple(table["id"]), targets=targets, scores=scores, facts=facts)
    except (OSError, KeyError, TypeError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise ValueError(f"{folder} holds no readable predictions: {error}") from error
