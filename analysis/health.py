"""Are the blocks of a trained network alive? The vitals of every ATR block over clips."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from msgspec import Struct
from torch import Tensor

from atr.data.clips import ClipDataset
from atr.models import VideoClassifier
from atr.results.health import QUANTITIES, State, watch
from atr.results.passes import per_clip
from atr.results.predict import class_logits, evaluating, require_numbers
from atr.results.processes import process_state
from atr.results.store import Result, result_folder
from atr.schema import Count, Name, NotNegative, Share

COLUMNS = {
    "block": "block",
    "state": "state",
    "largest": "max |M|",
    "peak": "softmax peak",
    "times_uniform": "× uniform",
    "same_cell": "same cell",
    "share": "|F|/|X|",
    "relation_peak": "max of W's rows",
    "relation_spread": "logit spread",
}


class BlockHealth(Struct):
    block: Name
    state: State
    cells: Count | None
    largest: NotNegative | None
    peak: Share | None
    same_cell: Share | None
    share: NotNegative | None
    relation_peak: Share | None
    relation_spread: NotNegative | None
    times_uniform: NotNegative | None


class HealthResult(Result):
    """What a reader may rely on."""

    clips: Count
    blocks: list[BlockHealth]


def health_folder(root: Path, checkpoint: Path, data_digest: str) -> Path:
    """Where the result lies, complete or not."""
    return result_folder(root, "health", checkpoint, {"data": data_digest})


def vitals_of_clips(
    model: VideoClassifier, clips: ClipDataset, **options
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Every quantity of `atr.results.health`, (N, B) for the B blocks, and {index: message} of unreadable clips.

    options: of `per_clip`.

    Returns:
        by quantity, nan where a block has none of it; "cells", positions of a frame, 0 where a block has no
        Action-related Region Locator. "index".
    """
    model.to(process_state().device)

    def compute(frames: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        with torch.inference_mode(), watch(model) as vitals:
            require_numbers(class_logits(model, frames), "class scores")
        seen = vitals.values()
        cells = [vitals.cells.get(block, 0) for block in model.blocks]
        return {q: np.stack([seen[block][q] for block in model.blocks], axis=1) for q in QUANTITIES} | {
            "cells": np.tile(cells, (len(frames), 1))
        }

    with evaluating(model):
        return per_clip(clips, compute, **options)


def health_table(result: dict) -> pd.DataFrame:
    """One row for every block, columns named as in print; those of which no block has anything are left out."""
    return (
        pd.DataFrame(result["blocks"])[list(COLUMNS)]
        .rename(columns=COLUMNS)
        .dropna(axis="columns", how="all")
    )
