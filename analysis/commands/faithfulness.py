"""python -m analysis faithfulness: deletion and insertion curves of a checkpoint's maps, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from analysis.actionness import default_block
from analysis.html_page import Figures, page, paragraph
from analysis.what_if.faithfulness import (
    FaithfulnessResult,
    areas_table,
    curves_of_clips,
    curves_table,
    described,
    faithfulness_folder,
    faithfulness_numbers,
    hidden_counts,
    orders_of,
)
from analysis.what_if.figures import faithfulness_figure
from analysis.what_if.interventions import FILLS, grid_of
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.results.questions import Arrays, Question, SharedOptions, answer, named_rows
from atr.results.store import RESULT


@dataclass(frozen=True)
class Faithfulness:
    """Hide (or show) more and more of every frame, from the highest value of a map to the lowest: does the prediction change?

    Actionness and Grad-CAM of one block against its positions in random order and from the centre outwards; a checkpoint
    without an Action-related Region Locator has Grad-CAM only. Runs under `torchrun --nproc_per_node N -m analysis
    faithfulness ...` too. It can be interrupted and resumed; a complete result is not computed again. Exit code 3: some clips
    could not be read or lack frames; they are listed.
    """

    options: SharedOptions
    block: str | None = None
    """by its paper name, such as S3B2; the checkpoint's own choice or the last block by default"""
    fill: Literal[FILLS] = "mean"
    """what replaces hidden pixels: the clip's mean colour, or a strong blur"""
    seed: int = 0
    """seed of the random orders; every clip has its own order"""

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        block = self.block or default_block(model)
        grid = grid_of(model, block, *[model.preprocessing.crop] * 2)
        settings = {"block": block, "fill": self.fill, "seed": self.seed}
        return Question(
            "faithfulness",
            folder=partial(faithfulness_folder, **settings),
            passes={"faithfulness": partial(curves_of_clips, model, **settings)},
            write=partial(write_result, settings | {"grid": grid}, orders_of(model, block)),
            show=print_result,
            result=FaithfulnessResult,
        )


def write_result(
    settings: dict, orders: tuple[str, ...], folder: Path, facts: dict, clips: ClipDataset, rows: Arrays
) -> None:
    rows, shares = named_rows(clips, rows), hidden_counts(settings["grid"]) / np.prod(settings["grid"])
    numbers = faithfulness_numbers(rows["probability"], rows["predicted"], rows["target"], orders, shares)
    result = facts | {"clips": len(rows["id"]), **settings, **numbers}
    write_json(folder / RESULT, result)
    write_arrays(folder / "faithfulness.npz", {**rows, "shares": shares, "orders": np.array(orders)})
    curves_table(result).to_csv(folder / "curves.csv", index=False)
    areas_table(result).to_csv(folder / "areas.csv", index=False)
    heading = f"{result['checkpoint']['name']}: do the maps show what the model uses?"
    html = page(heading, paragraph(described(result)), Figures().html(faithfulness_figure(result)))
    (folder / "faithfulness.html").write_text(html)


def print_result(result: dict, folder: Path) -> None:
    print(f"{result['checkpoint']['name']} · {described(result)}")
    if "actionness" not in result["orders"]:
        print(f"{result['block']} has no Action-related Region Locator: there is no actionness to rank by")
    print(
        "area under the probability of the predicted class (a good map: small in deletion, large in insertion)"
    )
    print(areas_table(result).to_string(index=False, float_format="%.3f"))
    for entry in result["differences"]:
        print(
            f"{entry['mode']:>9}: {entry['of']} minus {entry['against']}: {entry['difference']:+.3f} "
            f"[{entry['low']:+.3f}, {entry['high']:+.3f}]"
        )
