"""python -m analysis faithfulness: deletion and insertion curves of a checkpoint's maps, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from analysis.html_page import Figures, page, paragraph
from analysis.what_if.faithfulness import (
    MODES,
    FaithfulnessResult,
    areas_table,
    comparison_table,
    curves_of_clips,
    curves_table,
    described,
    faithfulness_folder,
    faithfulness_numbers,
    has_actionness,
    hidden_counts,
)
from analysis.what_if.figures import faithfulness_figure
from analysis.what_if.hiding import FILLS, grid_of
from analysis.what_if.rankings import Ranking, finest_block, rankings_of
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.options import MOST_SEED, require_between
from atr.results.questions import Arrays, Question, SharedOptions, answer, named_rows
from atr.results.store import RESULT


@dataclass(frozen=True)
class Faithfulness:
    """Hide (or show) more and more of every frame, from the highest value of a map to the lowest: does the prediction change?

    The actionness of every ATR block, and Grad-CAM of the network's last block, against the difference of frames, the
    centre outwards and a random order; a checkpoint without an Action-related Region Locator has Grad-CAM only. All rank
    the positions of one grid, the finest of these blocks'. Runs under `torchrun --nproc_per_node N -m analysis
    faithfulness ...` too. It can be interrupted and resumed; a complete result is not computed again. Exit code 3: some clips
    could not be read or lack frames; they are listed.
    """

    options: SharedOptions
    block: tuple[str, ...] = ()
    """actionness and Grad-CAM of these blocks instead, by their paper names, such as S3B2"""
    fill: Literal[FILLS] = "mean"
    """what replaces hidden pixels: the clip's mean colour, or a strong blur"""
    seed: int = 0
    """of the random orders, 0 to 4,294,967,295; every clip has its own order"""

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        require_between("seed", self.seed, 0, MOST_SEED)
        rankings = rankings_of(model, self.block)
        side = model.preprocessing.crop
        block = finest_block(model, rankings, side, side)
        settings = {"fill": self.fill, "seed": self.seed}
        told = settings | {"block": block, "grid": grid_of(model, block, side, side)}
        return Question(
            "faithfulness",
            folder=partial(faithfulness_folder, rankings=rankings, **settings),
            passes={"faithfulness": partial(curves_of_clips, model, rankings=rankings, **settings)},
            write=partial(write_result, told, rankings),
            show=print_result,
            result=FaithfulnessResult,
        )


def write_result(
    settings: dict,
    rankings: tuple[Ranking, ...],
    folder: Path,
    facts: dict,
    clips: ClipDataset,
    rows: Arrays,
) -> None:
    orders = [ranking.name for ranking in rankings]
    blocks = list(dict.fromkeys(ranking.block for ranking in rankings if ranking.block is not None))
    rows, shares = named_rows(clips, rows), hidden_counts(settings["grid"]) / np.prod(settings["grid"])
    numbers = faithfulness_numbers(rows["probability"], rows["predicted"], rows["target"], orders, shares)
    result = facts | {"clips": len(rows["id"]), "blocks": blocks, **settings, **numbers}
    write_json(folder / RESULT, result)
    write_arrays(folder / "faithfulness.npz", {**rows, "shares": shares, "orders": np.array(orders)})
    curves_table(result).to_csv(folder / "curves.csv", index=False)
    areas_table(result).to_csv(folder / "areas.csv", index=False)
    heading = f"{result['checkpoint']['name']}: do the maps show what the model uses?"
    html = page(heading, paragraph(described(result)), Figures().html(faithfulness_figure(result)))
    (folder / "faithfulness.html").write_text(html, encoding="utf-8")


def print_result(result: dict, folder: Path) -> None:
    print(f"{result['checkpoint']['name']} · {described(result)}")
    if not has_actionness(result):
        blocks = ", ".join(result["blocks"])
        print(f"{blocks} has no Action-related Region Locator: there is no actionness to rank by")
    print("area under the probability of the predicted class, and minus that of the baselines [95 %]")
    for mode, good in zip(MODES, ("small", "large"), strict=True):
        print(f"\n{mode} (a good map: {good})")
        print(comparison_table(result, mode).to_string(index=False, float_format="%.3f"))
