"""The Fig-5 score: do raw maps show where AND when? Every pixel of every frame of a clip is ranked on one scale.

The score is that of `atr.results.fig5`, here of any clips with true pixels and of any map, with baselines and ceilings,
and with what costs a map its score: the score it would have if pixels of one kind were not ranked.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from msgspec import UNSET, Struct, UnsetType

from analysis.alignment import Centres
from analysis.localize.maps import Estimate, Layout, Map, Method, flat
from analysis.localize.measures import at_pixels, cell_shares, centre_prior
from analysis.localize.truths import ACTING, DISTRACTOR, MASKED, STATED, TARGET
from analysis.statistics import mean_estimate
from atr.results.fig5 import Ranking
from atr.schema import BlockName, Count

# What is not ranked. The last three are all negatives: when, which and where a map is wrong.
WITHOUT = ("without_last", "without_idle", "without_distractors", "without_rest")
SCORES = ("fig5", "fig5_next", "clip_pointing", *WITHOUT)
MIDDLE, CEILING = "centre x middle", "true masks"


class Score(Struct):
    method: Method | Literal["centre x middle", "true masks"]
    block: BlockName | None
    grid: tuple[Count, Count] | None
    fig5: Estimate | None
    fig5_next: Estimate | None
    clip_pointing: Estimate | None | UnsetType = UNSET  # older results have none of these
    without_last: Estimate | None | UnsetType = UNSET
    without_idle: Estimate | None | UnsetType = UNSET
    without_distractors: Estimate | None | UnsetType = UNSET
    without_rest: Estimate | None | UnsetType = UNSET


class Fig5(Struct):
    """Of how many clips, how many were left out because nobody acts in them or the truth is not told, and the scores."""

    clips: Count
    never_acting: Count
    without_truth: Count
    scores: list[Score]


class Ranked(NamedTuple):
    """What is ranked: a map of a block or a baseline, with its grid; None for what has none."""

    method: str
    block: str | None
    grid: tuple[int, int] | None


def ranked_of(maps: Sequence[Map], layouts: Mapping[str, Layout]) -> tuple[Ranked, ...]:
    """The maps, "centre x middle" after them, and "true masks" of each grid, finest first.

    "true masks" are the ceiling of a grid: the positives themselves, averaged over its cells and brought up again. The
    baselines have the finest grid; "uniform" is chance, the share of positives.
    """
    grids = grids_of(layouts)
    return (
        *(Ranked(m.method, m.block, layouts[m.block].grid if m.block else grids[0]) for m in maps),
        Ranked(MIDDLE, None, grids[0]),
        *(Ranked(CEILING, None, grid) for grid in grids),
    )


def grids_of(layouts: Mapping[str, Layout]) -> list[tuple[int, int]]:
    """Those of all blocks, each once, the finest first."""
    return sorted({layout.grid for layout in layouts.values()}, reverse=True)


def fig5_row(
    maps: Mapping[Map, np.ndarray], bits: np.ndarray, layouts: Mapping[str, Layout]
) -> dict[str, np.ndarray]:
    """The scores of one clip: maps (T, h, w) against bits uint8 (T, H, W) of `masked_clips`.

    "fig5" and "fig5_next" are average precisions against the target and against its union with that of the next frame;
    "clip_pointing" is 1 where the strongest pixel of the whole clip lies on the target while it acts; "without_..." are
    "fig5" of the pixels that `remaining` leaves.

    Returns:
        each of these float32 (R,), in the order of `ranked_of`, nan where the clip has no positive or does not tell
        masks and when the action happens; "told" and "acts", bool.
    """
    told = bool((bits & STATED).all() and (bits & MASKED).all())
    now, union = positives_of(bits)
    by_grid = {layout.grid: layout.centres for layout in layouts.values()}
    if not (told and now.any()):
        nothing = np.full(len(ranked_of(list(maps), layouts)), np.nan, np.float32)
        return dict.fromkeys(SCORES, nothing) | {"told": np.array(told), "acts": now.any()}

    kept = remaining(bits)

    def scored(
        values: np.ndarray, centres: Centres | None, of_union: np.ndarray | None = None
    ) -> tuple[float, ...]:
        ranking = Ranking.of(at_pixels(values, now, centres))
        ranking_of_union = ranking if of_union is None else Ranking.of(at_pixels(of_union, now, centres))
        return (
            ranking.average_precision(now),
            ranking_of_union.average_precision(union),
            ranking.pointing(now),
            *(ranking.average_precision(now, kept[score]) for score in WITHOUT),
        )

    def ceiling(grid: tuple[int, int]) -> tuple[float, ...]:
        centres = by_grid[grid]
        ideal, ideal_union = (cell_shares(truth, *grid, centres) for truth in (now, union))
        return scored(ideal, centres, ideal_union)

    grids = grids_of(layouts)
    middle = centre_prior(*grids[0]) + centre_prior(len(bits))[:, None, None]
    scores = [
        *(scored(values, layouts[m.block].centres if m.block else None) for m, values in maps.items()),
        scored(middle, None),
        *(ceiling(grid) for grid in grids),
    ]
    found = dict(zip(SCORES, np.array(scores, np.float32).T, strict=True))
    return found | {"told": np.array(told), "acts": np.array(True)}


def positives_of(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits (T, H, W) -> bool (T, H, W), twice: the target, and the union of it and that of the next frame.

    Both in frames in which the action happens alone. ARL's motion cue compares a frame with the next sampled one, so M
    may rightly be high where the target will be. The last frame has no next one.
    """
    target, acting = (bits & TARGET) > 0, (bits & ACTING).any(axis=(1, 2))
    union = target.copy()
    union[:-1] |= target[1:]
    return target & acting[:, None, None], union & acting[:, None, None]


def remaining(bits: np.ndarray) -> dict[str, np.ndarray]:
    """Bits (T, H, W) -> for each of `WITHOUT` the pixels that are still ranked, bool (T, H, W).

    The last frame is that of which ARL's motion cue is zero by definition. Of the others each takes away negatives, and
    each negative once: idle frames, in which the action does not happen; of the other frames what else moves; the rest.
    """
    acting = np.broadcast_to((bits & ACTING).any(axis=(1, 2), keepdims=True), bits.shape)
    others = acting & ((bits & TARGET) == 0)
    moving = others & ((bits & DISTRACTOR) > 0)
    last = np.zeros(bits.shape, bool)
    last[-1] = True
    return {
        "without_last": ~last,
        "without_idle": acting,
        "without_distractors": ~moving,
        "without_rest": moving | ~others,
    }


def fig5_numbers(rows: dict[str, np.ndarray], ranked: Sequence[Ranked]) -> dict:
    """What `fig5_row` found, a row a clip, as `Fig5` in JSON: means over clips with 95 % intervals."""
    told, used = rows["told"], rows["told"] & rows["acts"]
    return {
        "clips": int(used.sum()),
        "never_acting": int((told & ~rows["acts"]).sum()),
        "without_truth": int((~told).sum()),
        "scores": [
            {
                "method": method,
                "block": block,
                "grid": list(grid) if grid else None,
                **{score: mean_estimate(known(rows[score][used, number])) for score in SCORES},
            }
            for number, (method, block, grid) in enumerate(ranked)
        ],
    }


def known(values: np.ndarray) -> np.ndarray:
    """Without nan: a clip in which nothing acts before the last frame has no score without that frame."""
    return values[~np.isnan(values)]


def fig5_table(result: dict) -> pd.DataFrame:
    """One row for every map, baseline and ceiling; the scores with the ends of their intervals."""
    rows = [flat(entry) for entry in result["fig5"]["scores"]]
    for row in rows:
        row["grid"] = "×".join(map(str, row["grid"])) if row["grid"] else ""
    return pd.DataFrame(rows)
