"""Do maps show what a model uses? Deletion and insertion curves, with the area under them.

After Petsiuk, Das and Saenko (2018), RISE: positions are hidden (deletion) or shown (insertion) from the one the map
ranks highest to the lowest, in every frame alike. A map that shows what matters makes the probability of the predicted
class fall early in the one and rise early in the other.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import torch
from msgspec import Struct
from torch import Tensor

from analysis.actionness import actionness_blocks
from analysis.gradcam import gradcam
from analysis.localize.measures import centre_prior
from analysis.statistics import mean_estimate
from analysis.what_if.interventions import (
    Fill,
    actionness,
    count_of,
    filling,
    grid_of,
    hide,
    hiding_order,
)
from atr.data.clips import ClipDataset
from atr.models import VideoClassifier
from atr.results.passes import per_clip
from atr.results.predict import class_probabilities
from atr.results.processes import process_state
from atr.results.store import Result, result_folder
from atr.schema import Count, Finite, Name, Share
from atr.video.transforms import normalise

Mode = Literal["deletion", "insertion"]
Order = Literal["actionness", "Grad-CAM", "centre", "random"]
MODES = get_args(Mode)
STEPS = 10


class Curve(Struct):
    mode: Mode
    order: Order
    probability: list[Share]
    accuracy: list[Share]
    area: Share
    accuracy_area: Share


class Difference(Struct):
    mode: Mode
    of: Order
    against: Order
    difference: Finite
    low: Finite
    high: Finite


class FaithfulnessResult(Result):
    """What a reader may rely on."""

    clips: Count
    block: Name
    grid: tuple[Count, Count]
    fill: Fill
    orders: list[Order]
    shares: list[Share]
    curves: list[Curve]
    differences: list[Difference]

    def __post_init__(self) -> None:
        points = {len(self.shares)}.union(*({len(c.probability), len(c.accuracy)} for c in self.curves))
        if len(points) > 1:
            raise ValueError(f"shares and curves have {', '.join(map(str, sorted(points)))} points")


def faithfulness_folder(
    root: Path, checkpoint: Path, data_digest: str, block: str, *, fill: str = "mean", seed: int = 0
) -> Path:
    """Where the result lies, complete or not."""
    settings = {"data": data_digest, "block": block, "fill": fill, "seed": seed}
    return result_folder(root, "faithfulness", checkpoint, settings)


def orders_of(model: VideoClassifier, block: str) -> tuple[str, ...]:
    """Whose ranking decides what is hidden first; a block without an Action-related Region Locator has no actionness."""
    maps = ("actionness", "Grad-CAM") if block in actionness_blocks(model) else ("Grad-CAM",)
    return (*maps, "centre", "random")


def hidden_counts(grid: tuple[int, int], steps: int = STEPS) -> np.ndarray:
    """How many of the h·w positions are hidden at each point of a curve, from none to all, int (K + 1,).

    Whole positions are hidden: a grid with fewer than `steps` of them gives a point for each.
    """
    return np.unique([count_of(step / steps, grid) for step in range(steps + 1)])


def curves_of_clips(
    model: VideoClassifier, clips: ClipDataset, block: str, *, fill: str = "mean", seed: int = 0, **options
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Both curves of every clip under every order, and {index: message} of clips that could not be read.

    Args:
        block: whose maps and whose positions.
        fill: what is put in the place of hidden pixels, `interventions.filling`.
        seed: of the random order and of ties; every clip has its own.
        options: of `per_clip`.

    Returns:
        "probability" float32 and "predicted" int64 (N, 2, orders, K + 1): of the class predicted for the whole clip,
        and the class called at each point; axes in the order of `MODES`, `orders_of` and `hidden_counts` (deletion:
        the number hidden, insertion: the number shown). "index".
    """
    model = model.to(process_state().device).eval()
    orders = orders_of(model, block)

    def compute(frames: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        frames = frames.numpy()
        counts = hidden_counts(grid_of(model, block, *frames.shape[2:4]))
        filled = np.stack([filling(clip, fill) for clip in frames])
        whole, empty = (class_probabilities(model, each).cpu().numpy() for each in (frames, filled))
        seen = whole.argmax(axis=1)
        probability = np.empty((len(frames), len(MODES), len(orders), len(counts)), np.float32)
        predicted = np.empty(probability.shape, np.int64)
        for column, order in enumerate(orders):
            scores = scores_of(model, frames, block, order, seen)
            ranks = np.stack(
                [
                    hiding_order(clip, np.random.default_rng((seed, index)))
                    for clip, index in zip(scores, indices, strict=True)
                ]
            )
            for row, mode in enumerate(MODES):
                for point, count in enumerate(counts.tolist()):
                    hidden = ranks < count if mode == "deletion" else ranks >= count
                    if hidden.all() or not hidden.any():  # the same for every order
                        answers = empty if hidden.all() else whole
                    else:
                        answers = class_probabilities(model, hide(frames, hidden, filled)).cpu().numpy()
                    probability[:, row, column, point] = answers[np.arange(len(frames)), seen]
                    predicted[:, row, column, point] = answers.argmax(axis=1)
        return {"probability": probability, "predicted": predicted}

    return per_clip(clips, compute, **options)


def scores_of(
    model: VideoClassifier, frames: np.ndarray, block: str, order: str, target: np.ndarray
) -> np.ndarray:
    """What ranks the positions of clips uint8 (N, T, H, W, 3): (N, T, h, w), the highest hidden first.

    target: (N,), the classes that Grad-CAM explains. It comes without its ReLU, whose many zeros would all tie.
    """
    if order == "actionness":
        return actionness(model, frames, block)
    if order == "Grad-CAM":
        clips = normalise(frames, model.preprocessing)
        return gradcam(model, clips, block, torch.from_numpy(target), relu=False).numpy()
    grid = grid_of(model, block, *frames.shape[2:4])
    if order == "centre":
        return np.broadcast_to(centre_prior(*grid), (*frames.shape[:2], *grid))
    return np.zeros((*frames.shape[:2], *grid))  # random: ties fall at random


def areas_under(curves: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Areas under curves (..., K + 1) over shares (K + 1,), by the trapezoid rule: (...)."""
    return np.trapezoid(curves.astype(np.float64), shares, axis=-1)


def faithfulness_numbers(
    probability: np.ndarray,
    predicted: np.ndarray,
    targets: np.ndarray,
    orders: Sequence[str],
    shares: np.ndarray,
) -> dict:
    """Curves averaged over clips, the areas under them, and how the orders differ, fit for JSON.

    Args:
        probability, predicted: (N, 2, orders, K + 1), `curves_of_clips`.
        targets: int (N,).
        orders: `orders_of`.
        shares: of the area hidden (deletion) or shown (insertion), (K + 1,).

    Returns:
        "curves": entries of "mode", "order", "probability" and "accuracy" (K + 1) and "area" and "accuracy_area" under
        them. "differences": entries of "mode", "of", "against" and the area of the first under the probability minus
        that of the second, "difference", "low", "high": 95 %, bootstrapped over clips. In deletion a smaller area is
        better, in insertion a larger one.
    """
    areas = areas_under(probability, shares)  # (N, 2, orders)
    accuracy = (predicted == targets[:, None, None, None]).mean(axis=0)
    curves = [
        {
            "mode": mode,
            "order": order,
            "probability": probability[:, row, column].mean(axis=0, dtype=np.float64).tolist(),
            "accuracy": accuracy[row, column].tolist(),
            "area": float(areas[:, row, column].mean()),
            "accuracy_area": float(areas_under(accuracy[row, column], shares)),
        }
        for row, mode in enumerate(MODES)
        for column, order in enumerate(orders)
    ]
    pairs = [(a, b) for a in range(len(orders)) for b in range(a + 1, len(orders))]
    differences = []
    for row, mode in enumerate(MODES):
        for a, b in pairs:
            found = mean_estimate(areas[:, row, a] - areas[:, row, b])
            assert found is not None  # there are clips
            compared = {"mode": mode, "of": orders[a], "against": orders[b], "difference": found["value"]}
            differences.append({**compared, "low": found["low"], "high": found["high"]})
    return {"orders": list(orders), "shares": shares.tolist(), "curves": curves, "differences": differences}


def described(result: dict) -> str:
    """What was hidden of which clips."""
    rows, columns = result["grid"]
    return (
        f"{result['block']} ({rows}×{columns} positions a frame) · hidden pixels: {result['fill']} · "
        f"{result['data']['description']}"
    )


def curves_table(result: dict) -> pd.DataFrame:
    """One row for every point of every curve."""
    return pd.concat(
        pd.DataFrame(
            {
                "mode": curve["mode"],
                "order": curve["order"],
                "share": result["shares"],
                "probability": curve["probability"],
                "accuracy": curve["accuracy"],
            }
        )
        for curve in result["curves"]
    )


def areas_table(result: dict) -> pd.DataFrame:
    """One row for every mode and order: areas under the probability and under the accuracy."""
    return pd.DataFrame(
        {
            "mode": [curve["mode"] for curve in result["curves"]],
            "order": [curve["order"] for curve in result["curves"]],
            "area": [curve["area"] for curve in result["curves"]],
            "accuracy_area": [curve["accuracy_area"] for curve in result["curves"]],
        }
    )
