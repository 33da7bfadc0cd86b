"""When do maps rise? Values of frames in which the action happens against the other frames of the same clip."""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from msgspec import UNSET, Struct, UnsetType

from analysis.localize.maps import Estimate, Map, Method
from analysis.localize.measures import acting_above, spearman
from analysis.statistics import mean_estimate
from atr.schema import BlockName

Quantity = Literal["peak", "mean"]
QUANTITIES = get_args(Quantity)


class Emphasis(Struct):
    method: Method
    block: BlockName | None
    quantity: Quantity
    spearman: Estimate | None
    acting_above: Estimate | None
    beyond_course: Estimate | None
    acting_above_without_last: Estimate | None | UnsetType = UNSET  # older results have neither
    beyond_course_without_last: Estimate | None | UnsetType = UNSET


def emphasis_numbers(
    values: dict[str, np.ndarray], acting: np.ndarray, maps: Sequence[Map]
) -> list[dict[str, object]]:
    """Does a map rise in frames in which the action happens?

    Args:
        values: quantity of a frame, "peak" or "mean" of its map, -> (N, M, T).
        acting: bool (N, T), with both kinds of frames in each clip.

    Returns:
        an entry for each map and quantity with the estimates, means over clips, "spearman", "acting_above", and
        "beyond_course", which is "acting_above" after the mean over all clips was taken from each time step: actions
        happen in the middle of a clip, and a map that always rises there knows nothing of this clip (nor has a
        perfect one anything left to tell at steps at which all clips act; nor has a single clip). Both also "..._without_last": without the
        last of the T steps, at which ARL's motion cue is zero by definition, over the clips that have both kinds of
        frames among the others. The entry "centre" is a guess that the middle acts. Estimates are None where there are
        no clips.
    """
    steps = np.arange(acting.shape[1])
    middle = np.broadcast_to(-np.abs(steps - steps.mean()), acting.shape)
    before = acting[:, :-1]
    told = both_kinds(before)
    entries: list[dict[str, object]] = []
    for column, (method, block, _) in enumerate(maps):
        if method == "uniform":
            continue
        for quantity in QUANTITIES:
            found = middle if method == "centre" else values[quantity][:, column]
            shown = found[:, :-1]
            entries.append(
                {
                    "method": method,
                    "block": block,
                    "quantity": quantity,
                    "spearman": mean_estimate(spearman(found, acting)),
                    "acting_above": mean_estimate(acting_above(found, acting)),
                    "beyond_course": beyond_course(found, acting),
                    "acting_above_without_last": mean_estimate(acting_above(shown[told], before[told])),
                    "beyond_course_without_last": beyond_course(shown, before, told),
                }
            )
    return entries


def both_kinds(acting: np.ndarray) -> np.ndarray:
    """Which clips have frames in which the action happens and others: bool (N, T) -> (N,)."""
    return acting.any(axis=1) & ~acting.all(axis=1)


def beyond_course(
    values: np.ndarray, acting: np.ndarray, clips: np.ndarray | slice = slice(None)
) -> dict[str, float | None] | None:
    """`acting_above` of (N, T) minus the mean over all N, in the chosen clips; None of fewer than two.

    A clip counts in the mean that is taken from it. Without it the differences would all be N / (N - 1) times as large,
    and their order is what counts.
    """
    if len(values) < 2:
        return None
    beyond = values - values.mean(axis=0, dtype=np.float64)
    return mean_estimate(acting_above(beyond[clips], acting[clips]))
