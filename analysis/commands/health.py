"""python -m analysis health: whether the blocks of a checkpoint are alive, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analysis.health import HealthResult, health_folder, health_table, vitals_of_clips
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.results.health import (
    COLLAPSED_PEAK,
    COLLAPSED_SAME,
    FROZEN_SAME,
    QUANTITIES,
    SILENT_SHARE,
    health_numbers,
)
from atr.results.questions import Arrays, Question, SharedOptions, answer, any_clips, named_rows
from atr.results.store import RESULT

EXPLAINED = (
    f"collapsed: softmax peak >= {COLLAPSED_PEAK:g} and same cell >= {COLLAPSED_SAME:g}; frozen: same cell >= "
    f"{FROZEN_SAME:g}; silent: |F|/|X| < {SILENT_SHARE:g}. Softmax peak: the largest weight of a frame in AFA; same cell: "
    "share of frames in which it is the cell of the frame before; |F|/|X|: what the block adds against what it adds to."
)


@dataclass(frozen=True)
class Health:
    """Is every ATR block of a checkpoint alive, or collapsed to one cell, frozen, silent? One row a block.

    Runs under `torchrun --nproc_per_node N -m analysis health ...` too. It can be interrupted and resumed; a complete
    result is not computed again. Exit code 3: some clips could not be read or lack frames; they are listed.
    """

    options: SharedOptions

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        if not model.blocks:
            raise ValueError(
                f"{self.options.checkpoint} has no ATR or ATR_sim block: there is nothing to examine"
            )
        return Question(
            "health",
            folder=health_folder,
            passes={"health": partial(vitals_of_clips, model)},
            write=partial(write_result, model.block_names),
            show=print_result,
            open=any_clips,
            result=HealthResult,
        )


def write_result(
    blocks: tuple[str, ...], folder: Path, facts: dict, clips: ClipDataset, rows: Arrays
) -> None:
    values = {
        block: {quantity: rows[quantity][:, column] for quantity in QUANTITIES}
        for column, block in enumerate(blocks)
    }
    cells = {block: int(count) for block, count in zip(blocks, rows["cells"][0], strict=True) if count}
    result = facts | {"clips": len(rows["index"]), "blocks": health_numbers(values, cells)}
    write_json(folder / RESULT, result)
    write_arrays(folder / "health.npz", {**named_rows(clips, rows), "blocks": blocks})
    health_table(result).to_csv(folder / "health.csv", index=False)


def print_result(result: dict, folder: Path) -> None:
    print(f"{result['checkpoint']['name']} · {result['data']['description']}")
    print(health_table(result).to_string(index=False, float_format="%.3f"))
    print(EXPLAINED)
