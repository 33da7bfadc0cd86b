"""What a model said of every clip of a list: class probabilities, with all that is needed to compare and to repeat."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pandas as pd
import pyarrow
from msgspec import UNSET, UnsetType
from pyarrow import parquet

from atr.checkpoint import StoredModel, StoredPreprocessing, read_config
from atr.files import write_json
from atr.results.predict import AVERAGES, PROBABILITIES
from atr.results.scores import Scores
from atr.results.store import RESULT, OfCheckpoint, Result, read_unchecked, require_whole, result_folder
from atr.sampling import Sampling
from atr.schema import Labels, NotNegative, Share, line, regular_size, shown
from atr.video.protocol import PROTOCOLS, Protocol

KIND = "predictions"
TABLE = "predictions.parquet"
MOST_CLIPS, MOST_SCORES = 10_000_000, 2**29
# Of the sum of a clip's scores, which may have been stored with fewer digits than float32 has.
TOLERANCE = 1e-3
ROUNDING = 1e-6  # of that sum: what float32 itself leaves

PredictingCheckpoint = msgspec.defstruct(
    "PredictingCheckpoint",
    [("model", StoredModel), ("preprocessing", StoredPreprocessing)],
    bases=(OfCheckpoint,),
)
PredictionsResult = msgspec.defstruct(
    "PredictionsResult",
    [
        ("checkpoint", PredictingCheckpoint),
        ("protocol", Literal[PROTOCOLS]),
        ("labels", Labels),
        ("milliseconds_per_clip", NotNegative),
        ("average", Literal[AVERAGES] | UnsetType, UNSET),
        ("offsets", list[Share] | UnsetType, UNSET),
    ],
    bases=(Result,),
)


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
    return result_folder(root, KIND, checkpoint, settings)


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
    """What a folder holds; scores of a clip whose sum is off by more than float32 rounds are divided by it.

    Raises ValueError where the folder holds no readable predictions; the message has below 500 characters.
    """
    facts = read_unchecked(folder)
    if isinstance(facts, dict) and facts.get("kind", KIND) != KIND:
        kind = shown(facts["kind"])
        raise ValueError(
            line(
                f"{shown(folder)} is a result of the kind {kind}; allowed: {KIND}, of python -m atr evaluate"
            )
        )
    require_whole(facts, folder, PredictionsResult)
    try:
        table = read_table(folder / TABLE, len(facts["labels"]))
        scores = np.stack([table[str(index)] for index in range(len(facts["labels"]))], axis=1)
        predictions = Predictions(
            ids=tuple(table["id"]), targets=table["target"].to_numpy(np.int64), scores=scores, facts=facts
        )
        sums = require_probabilities(predictions)
        divisors = np.where(np.abs(sums - 1) > ROUNDING, sums, 1)
        scores /= divisors[:, None]  # in place: there may be 2 GB of them
    except OSError as error:
        reason = error.strerror or str(error)
        raise ValueError(line(f"{shown(folder)} holds no readable predictions: {TABLE}: {reason}")) from error
    except (KeyError, TypeError, ValueError, pyarrow.ArrowException) as error:
        raise ValueError(line(f"{shown(folder)} holds no readable predictions: {TABLE}: {error}")) from error
    return predictions


def read_table(path: Path, num_classes: int) -> pd.DataFrame:
    """Columns "id", "target" and "0" … "{num_classes - 1}", float32.

    Raises:
        OSError, ValueError, ArrowException: it cannot be read, has other columns, or too many rows.
    """
    regular_size(path)
    scores = [str(index) for index in range(num_classes)]
    with parquet.ParquetFile(path) as file:
        types, rows = file.schema_arrow, file.metadata.num_rows
        if not 1 <= rows <= MOST_CLIPS or rows * num_classes > MOST_SCORES:
            raise ValueError(
                f"{rows:,} clips of {num_classes:,} classes; allowed: 1 to {MOST_CLIPS:,} clips, {MOST_SCORES:,} scores"
            )
        if missing := [name for name in ("id", "target", *scores) if name not in types.names]:
            raise ValueError(f"has no column {shown(missing[0])}")
        if len(others := [name for name in types.names if name.isdecimal()]) > num_classes:
            raise ValueError(f"has scores of {len(others)} classes, {RESULT} has {num_classes} labels")
        kinds = {"id": is_text, "target": pyarrow.types.is_integer}
        for name in ("id", "target", *scores):
            if not kinds.get(name, pyarrow.types.is_floating)(types.field(name).type):
                wanted = {"id": "texts", "target": "whole numbers"}.get(name, "floats")
                raise ValueError(f"column {name!r} holds {types.field(name).type}; allowed: {wanted}")
        table = file.read(["id", "target", *scores])
    if empty := [name for name in table.column_names if table.column(name).null_count]:
        raise ValueError(f"column {shown(empty[0])} has empty cells")
    return table.to_pandas().astype(dict.fromkeys(scores, np.float32))


def is_text(kind: pyarrow.DataType) -> bool:
    return pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind)


def require_probabilities(predictions: Predictions) -> np.ndarray:
    """The sums of the clips' scores, float64 (N,).

    Raises ValueError where scores are not from 0 to 1, or those of a clip do not sum to 1.
    """
    scores = predictions.scores
    sums = scores.sum(axis=1, dtype=np.float64)
    for wrong, what in (
        (((scores < 0) | (scores > 1 + TOLERANCE)).any(axis=1), "scores outside 0 to 1"),
        (np.abs(sums - 1) > TOLERANCE, "scores whose sum is not 1"),
    ):
        if wrong.any():
            first = int(wrong.argmax())
            raise ValueError(f"clip {shown(predictions.ids[first])} has {what} (sum {sums[first]:.4g})")
    return sums
