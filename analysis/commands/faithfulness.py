"""python -m analysis faithfulness: deletion and insertion curves of a checkpoint's maps, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from analysis.actionness import default_block
from analysis.html_page import Figures, page, paragraph
from analysis.what_if.faithfulness import (
    areas_table,
    curves_of_clips,
    curves_table,
    faithfulness_numbers,
    hidden_counts,
    orders_of,
)
from analysis.what_if.figures import faithfulness_figure
from analysis.what_if.interventions import FILLS, grid_of
from atr.checkpoint import load_checkpoint
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.results.processes import process_state
from atr.results.questions import answered, asked_of_all, clips_for, facts_of, named_rows, require_same_labels
from atr.results.store import RESULT, complete, result_folder


@dataclass(frozen=True)
class Faithfulness:
    """Hide (or show) more and more of every frame, from the highest of a map to the lowest: does the answer follow?

    Actionness and Grad-CAM of one block against its positions in random order and from the centre outwards. Runs under
    `torchrun --nproc_per_node N -m analysis faithfulness ...` too. A run that was stopped goes on where it was; one that
    is complete is only printed. Exit code 3: some videos could not be read; they are listed.
    """

    checkpoint: Path
    """a checkpoint folder; without an Action-related Region Locator it has no actionness to rank by"""
    data: str = "tabletop:val"
    """tabletop:val, rendered here, or the folder of a data set and a split, FOLDER:val"""
    block: str | None = None
    """by its paper name, such as S3B2; the checkpoint's own choice or the last block when not given"""
    num_clips: int | None = None
    """the first so many; all (2,000 rendered ones) when not given"""
    fill: Literal[FILLS] = "mean"
    """what is put in the place of hidden pixels: the clip's mean colour, or a strong blur"""
    seed: int = 0
    """of the random order; every clip has its own"""
    out: Path = Path("results")
    """where result folders lie; named by checkpoint, data and settings"""
    strict: bool = False
    """stop at the first video that cannot be read"""
    workers: int = 0
    """decoding processes beside each computing one"""
    cache: Path = Path("cache")
    """folder for rendered clips"""

    def run(self, command: str) -> int:
        model = load_checkpoint(self.checkpoint)
        block = self.block or default_block(model)
        grid = grid_of(model, block, *[model.preprocessing.crop] * 2)
        clips = clips_for(model, self.data, cache=self.cache, num_clips=self.num_clips)
        require_same_labels(model, clips, self.checkpoint, self.data)
        folder = faithfulness_folder(
            self.out, self.checkpoint, clips.digest, block, fill=self.fill, seed=self.seed
        )
        compute = partial(self.compute, model, clips, block, grid, folder, command)
        return answered(folder, compute, print_result)

    def compute(
        self,
        model: VideoClassifier,
        clips: ClipDataset,
        block: str,
        grid: tuple[int, int],
        folder: Path,
        command: str,
    ) -> None:
        ask = partial(curves_of_clips, model, clips, block, fill=self.fill, seed=self.seed)
        options = {"strict": self.strict, "num_workers": self.workers}
        rows, broken = asked_of_all(ask, clips, folder, "faithfulness", **options)
        if not process_state().is_main_process:
            return
        rows = named_rows(clips, rows)
        orders, shares = orders_of(model, block), hidden_counts(grid) / np.prod(grid)
        result = facts_of("faithfulness", command, self.checkpoint, self.data, clips, broken) | {
            "clips": len(rows["id"]),
            "block": block,
            "grid": grid,
            "fill": self.fill,
            "seed": self.seed,
            **faithfulness_numbers(rows["probability"], rows["predicted"], rows["target"], orders, shares),
        }
        arrays = {**rows, "shares": shares, "orders": np.array(orders)}

        def write(unfinished: Path) -> None:
            write_json(unfinished / RESULT, result)
            write_arrays(unfinished / "faithfulness.npz", arrays)
            curves_table(result).to_csv(unfinished / "curves.csv", index=False)
            areas_table(result).to_csv(unfinished / "areas.csv", index=False)
            heading = f"{result['checkpoint']['name']}: do the maps show what it uses?"
            figure = Figures().html(faithfulness_figure(result))
            html = page(heading, paragraph(described(result)), figure)
            (unfinished / "faithfulness.html").write_text(html)

        complete(folder, write)


def faithfulness_folder(
    out: Path, checkpoint: Path, data_digest: str, block: str, *, fill: str = "mean", seed: int = 0
) -> Path:
    """Where the result lies, complete or not."""
    settings = {"data": data_digest, "block": block, "fill": fill, "seed": seed}
    return result_folder(out, "faithfulness", checkpoint, settings)


def described(result: dict) -> str:
    rows, columns = result["grid"]
    return (
        f"{result['block']} ({rows}×{columns} positions a frame) · hidden pixels: {result['fill']} · "
        f"{result['data']['description']}"
    )


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
    print(f"written to {folder}")
