"""python -m analysis relations: Fig 4 of a checkpoint over a data set, as a result folder."""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from analysis.html_page import Figures, page, paragraph
from analysis.relations.average import RelationAverage
from analysis.relations.averaging import UntrainedAverage, average_relations, average_untrained
from analysis.relations.fig4 import fig4, limits_of, matrices_figure, title, unit_of, windows_figure
from analysis.relations.findings import finding
from analysis.relations.numbers import (
    ARRAYS,
    RelationsResult,
    block_numbers,
    by_class,
    convergences,
    relations_folder,
    relations_table,
    untrained_numbers,
    without_windows,
)
from atr.checkpoint import load_checkpoint
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.results.questions import Question, SharedOptions, answer, any_clips
from atr.results.store import RESULT
from atr.schema import counted


@dataclass(frozen=True)
class Relations:
    """Average the temporal relations W of a graph reasoner over a data set: the numbers and the figure of Fig 4.

    The checkpoint needs a graph reasoner. Runs under `torchrun --nproc_per_node N -m analysis relations ...` too. It can
    be interrupted and resumed; a complete result is not computed again. Exit code 3: some clips could not be read or
    lack frames; they are listed.
    """

    options: SharedOptions
    base: Literal["e", "2"] = "e"
    """of the logarithm in JS: e for nats, 2 for bits"""

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        require_relations(model, self.options.checkpoint)
        return Question(
            "relations",
            folder=partial(relations_folder, base=self.base),
            passes={
                "trained": partial(average_relations, model),
                "untrained": self.average_control,
            },
            write=partial(write_result, math.e if self.base == "e" else 2.0),
            show=print_result,
            result=RelationsResult,
            open=any_clips,
        )

    def average_control(self, clips: ClipDataset, **options) -> tuple[UntrainedAverage, dict[int, str]]:
        """Beside the network as it was trained, which the one that is asked need not be (`--inference`)."""
        return average_untrained(load_checkpoint(self.options.checkpoint), clips, **options)


def require_relations(model: VideoClassifier, checkpoint: Path) -> None:
    """Raises ValueError where there is no W, or it is too small for two local windows to compare."""
    if not model.has_graph_reasoner:
        raise ValueError(
            f"{checkpoint} has no graph reasoner (block={model.config.block!r}, reasoner="
            f"{model.config.atr.reasoner!r}): there is no W to average. Networks trained with reasoner='gr' have one"
        )
    if too_few := without_windows(model.config.num_frames):
        raise ValueError(f"{checkpoint} {too_few}; allowed: 4 frames or more")


def write_result(
    base: float,
    folder: Path,
    facts: dict,
    clips: ClipDataset,
    trained: RelationAverage,
    untrained: UntrainedAverage,
) -> None:
    """Tables, arrays and figures."""
    result = facts | {
        "videos": len(trained),
        "base": base,
        "trained": block_numbers(trained, base=base),
        "untrained": untrained_numbers(untrained, base=base),
        "convergence": convergences(trained, base),
        "classes": by_class(trained, clips.labels),
    }
    write_json(folder / RESULT, result)
    arrays = {f"trained/{name}": array for name, array in trained.to_arrays().items()}
    # The windows of single videos, most of the file, are not worth it for a control whose rows are nearly uniform.
    arrays |= {
        f"untrained/{name}": array
        for name, array in untrained.first().to_arrays().items()
        if not name.startswith("windows/")
    }
    write_arrays(folder / ARRAYS, arrays)
    relations_table(result).to_csv(folder / "relations.csv", index=False)
    entries = result["trained"]
    for suffix in ("svg", "pdf"):
        fig4(entries, limits=limits_of(entries), base=base).savefig(folder / f"fig4.{suffix}")
    (folder / "fig4.html").write_text(fig4_page(result), encoding="utf-8")


def fig4_page(result: dict) -> str:
    """Both panels in one self-contained HTML page."""
    entries, figures = result["trained"], Figures()
    return page(
        f"{result['checkpoint']['name']}: temporal relations over {result['videos']} clips",
        paragraph(
            f"{result['data']['description']}. A small JS alone is no evidence: compare the local mass with what "
            "columns alone give, and with the untrained control in relations.csv."
        ),
        *(paragraph(line) for line in told(result)),
        figures.html(matrices_figure(entries, limits=limits_of(entries))),
        figures.html(windows_figure(entries, base=result["base"])),
    )


def told(result: dict) -> list[str]:
    """A sentence on every block."""
    pairs = zip(result["trained"], result["untrained"], strict=True)
    return [f"{title(entry)}: {finding(entry, control)}" for entry, control in pairs]


COLUMNS = (
    "js_...: divergence between the local windows of two time steps, over all pairs. local_mass: what a row gives to its time "
    "step and the neighbours, the mean over all rows but the first and the last. columns_alone: the same if each row were the "
    "mean of all. chance: of uniform rows. argmax_within_1: of how many of all rows the largest entry is there."
)


def print_result(result: dict, folder: Path) -> None:
    print(
        f"{result['checkpoint']['name']}, {result['data']['description']}: {counted(result['videos'], 'clip')}; JS in "
        f"{unit_of(result['base'])}\n{COLUMNS}"
    )
    shown = relations_table(result)[
        [
            "network",
            "block",
            "reasoner",
            "js_mean",
            "js_max",
            "js_std",
            "local_mass",
            "columns_alone",
            "chance",
            "argmax_within_1",
            "rows",
        ]
    ]
    print(shown.to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    print(*told(result), sep="\n")
    print(
        "untrained: the first of the untrained reasoners, on the vectors that the trained ones get. Where its rows are nearly "
        "uniform its JS is small too: read JS with local_mass."
    )
