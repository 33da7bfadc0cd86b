"""Do maps show what a model uses? Deletion and insertion curves, with the area under them.

After Petsiuk, Das and Saenko (2018), RISE: positions are hidden (deletion) or shown (insertion) from the one the map
ranks highest to the lowest, in every frame alike. A map that shows what matters makes the probability of the predicted
class fall early in the one and rise early in the other.

All maps of a checkpoint rank the positions of one grid, the finest of their blocks'; coarser maps are brought to it
bilinearly, as they are drawn. So every order hides the same areas, and all can be compared with each other.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
import pandas as pd
from msgspec import UNSET, Meta, Struct, UnsetType
from torch import Tensor

from analysis.recording import Recording, record
from analysis.statistics import mean_estimate
from analysis.what_if.hiding import Fill, count_of, filling, grid_of, hide, hiding_order
from analysis.what_if.rankings import BASELINES, Ranking, finest_block, scores_of
from atr.data.clips import ClipDataset
from atr.models import VideoClassifier
from atr.results.passes import per_clip
from atr.results.predict import class_probabilities, evaluating
from atr.results.processes import process_state
from atr.results.store import Result, result_folder
from atr.schema import BlockName, Count, Finite, Share

Mode = Literal["deletion", "insertion"]
# The name of an order, with its block; of older results, which are of one block, without it.
Order = Annotated[str, Meta(pattern=r"^((actionness|Grad-CAM)( S\d+B\d+)?|frame difference|centre|random)$")]
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
    low: Finite | None  # of fewer clips than an interval needs
    high: Finite | None


class FaithfulnessResult(Result):
    """What a reader may rely on. block: whose positions are hidden. blocks: whose maps rank them."""

    clips: Count
    block: BlockName
    grid: tuple[Count, Count]
    fill: Fill
    orders: list[Order]
    shares: list[Share]
    curves: list[Curve]
    differences: list[Difference]
    blocks: list[BlockName] | UnsetType = UNSET  # older results are of `block`

    def __post_init__(self) -> None:
        points = {len(self.shares)}.union(*({len(c.probability), len(c.accuracy)} for c in self.curves))
        if len(points) > 1:
            raise ValueError(f"shares and curves have {', '.join(map(str, sorted(points)))} points")


def faithfulness_folder(
    root: Path,
    checkpoint: Path,
    data_digest: str,
    rankings: Sequence[Ranking],
    *,
    fill: str = "mean",
    seed: int = 0,
) -> Path:
    """Where the result lies, complete or not."""
    settings = {
        "data": data_digest,
        "orders": [ranking.name for ranking in rankings],
        "fill": fill,
        "seed": seed,
    }
    return result_folder(root, "faithfulness", checkpoint, settings)


def hidden_counts(grid: tuple[int, int]) -> np.ndarray:
    """How many of the h·w positions are hidden at each point of a curve, from none to all, int (K + 1,).

    Whole positions are hidden: a grid with fewer than STEPS of them gives a point for each.
    """
    return np.unique([count_of(step / STEPS, grid) for step in range(STEPS + 1)])


def curves_of_clips(
    model: VideoClassifier,
    clips: ClipDataset,
    rankings: Sequence[Ranking],
    *,
    fill: str = "mean",
    seed: int = 0,
    **options,
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Both curves of every clip under every order, and {index: message} of clips that could not be read.

    Args:
        rankings: `rankings_of`.
        fill: what is put in the place of hidden pixels, `hiding.filling`.
        seed: of the random order and of ties; every clip has its own.
        options: of `per_clip`.

    Returns:
        "probability" float32 and "predicted" int64 (N, 2, orders, K + 1): of the class predicted for the whole clip,
        and the class predicted at each point; axes in the order of `MODES`, `rankings` and `hidden_counts` (deletion:
        the number hidden, insertion: the number shown). "index".
    """
    model.to(process_state().device)

    def compute(frames: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        frames = frames.numpy()
        grid = grid_of(model, finest_block(model, rankings, *frames.shape[2:4]), *frames.shape[2:4])
        counts = hidden_counts(grid)
        filled = np.stack([filling(clip, fill) for clip in frames])
        # One pass gives the classes of the whole clips and the actionness of every block.
        with record(model) if model.locators else nullcontext(Recording()) as seen:
            whole = class_probabilities(model, frames).cpu().numpy()
        empty = class_probabilities(model, filled).cpu().numpy()
        explained = whole.argmax(axis=1)
        probability = np.empty((len(frames), len(MODES), len(rankings), len(counts)), np.float32)
        predicted = np.empty(probability.shape, np.int64)
        for column, ranking in enumerate(rankings):
            scores = scores_of(model, frames, ranking, seen, explained, grid)
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
                    probability[:, row, column, point] = answers[np.arange(len(frames)), explained]
                    predicted[:, row, column, point] = answers.argmax(axis=1)
        return {"probability": probability, "predicted": predicted}

    with evaluating(model):
        return per_clip(clips, compute, **options)


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
        orders: their names.
        shares: of the area hidden (deletion) or shown (insertion), (K + 1,).

    Returns:
        "curves": entries of "mode", "order", "probability" and "accuracy" (K + 1) and "area" and "accuracy_area" under
        them. "differences": entries of "mode", "of", "against" and the area of the first under the probability minus
        that of the second, "difference", "low", "high": 95 %, bootstrapped over clips. In deletion a smaller area is
        better, in insertion a larger one. Blocks' actionness is not compared with each other's, nor Grad-CAM's.
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
    kinds = [order.partition(" S")[0] for order in orders]
    places = range(len(orders))
    pairs = [(a, b) for a in places for b in places[a + 1 :] if kinds[a] != kinds[b]]
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
    blocks = result.get("blocks", [result["block"]])
    return (
        f"{', '.join(blocks)} ({rows}×{columns} positions a frame) · hidden pixels: {result['fill']} · "
        f"{result['data']['description']}"
    )


def has_actionness(result: dict) -> bool:
    """Whether one of the orders is that of an Action-related Region Locator."""
    return any(order.startswith("actionness") for order in result["orders"])


def comparison_table(result: dict, mode: Mode) -> pd.DataFrame:
    """One row for every order: areas, and that under the probability minus the area of each baseline, [95 %]."""
    rows = []
    for curve in (curve for curve in result["curves"] if curve["mode"] == mode):
        row = {"order": curve["order"], "area": curve["area"], "accuracy_area": curve["accuracy_area"]}
        for entry in result["differences"]:
            if (entry["mode"], entry["of"]) == (mode, curve["order"]) and entry["against"] in BASELINES:
                interval = "" if entry["low"] is None else f" [{entry['low']:+.3f}, {entry['high']:+.3f}]"
                row[f"minus {entry['against']}"] = f"{entry['difference']:+.3f}{interval}"
        rows.append(row)
    return pd.DataFrame(rows).fillna("")


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
