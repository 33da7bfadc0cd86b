"""python -m analysis relations: Fig 4 of a checkpoint over a data set, as a result folder."""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import pandas as pd
import torch

from analysis.actionness import has_graph_reasoner
from analysis.html_page import Figures, page, paragraph
from analysis.relations.average import RelationAverage
from analysis.relations.averaging import average_relations
from analysis.relations.fig4 import fig4, limits_of, matrices_figure, windows_figure
from analysis.relations.numbers import block_numbers, by_class, convergences, table
from atr.checkpoint import load_checkpoint
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier, build_model
from atr.results.processes import process_state
from atr.results.questions import answered, asked_of_all, clips_for, facts_of
from atr.results.store import RESULT, complete, result_folder

CONTROL_SEED = 0


@dataclass(frozen=True)
class Relations:
    """Average the temporal relations W of a graph reasoner over a data set: the numbers and the figure of Fig 4.

    Runs under `torchrun --nproc_per_node N -m analysis relations ...` too. A run that was stopped goes on where it
    was; one that is complete is only printed. Exit code 3: some videos could not be read; they are listed.
    """

    checkpoint: Path
    """a checkpoint folder with a graph reasoner"""
    data: str = "tabletop:val"
    """tabletop:val, rendered here, or the folder of a data set and a split, FOLDER:val"""
    num_videos: int | None = None
    """the first so many; all (2,000 rendered ones) when not given"""
    out: Path = Path("results")
    """where result folders lie; named by checkpoint, data and settings"""
    base: Literal["e", "2"] = "e"
    """of the logarithm in JS: e for nats, 2 for bits"""
    strict: bool = False
    """stop at the first video that cannot be read"""
    workers: int = 0
    """decoding processes beside each computing one"""
    cache: Path = Path("cache")
    """folder for rendered clips"""

    def run(self, command: str) -> int:
        model = load_checkpoint(self.checkpoint)
        require_graph_reasoner(model, self.checkpoint)
        clips = clips_for(model, self.data, cache=self.cache, num_clips=self.num_videos)
        folder = relations_folder(self.out, self.checkpoint, clips.digest, self.base)
        return answered(folder, partial(self.compute, model, clips, folder, command), print_result)

    def compute(self, model: VideoClassifier, clips: ClipDataset, folder: Path, command: str) -> None:
        torch.manual_seed(CONTROL_SEED)
        control = build_model(model.config)
        control.preprocessing = model.preprocessing
        averages, broken = {}, {}
        for name, network in (("trained", model), ("untrained", control)):
            ask = partial(average_relations, network, clips)
            options = {"strict": self.strict, "num_workers": self.workers}
            averages[name], broken = asked_of_all(ask, clips, folder, name, **options)
        if not process_state().is_main_process:
            return
        base = math.e if self.base == "e" else 2.0
        result = facts_of("relations", command, self.checkpoint, self.data, clips, broken) | {
            "videos": len(averages["trained"]),
            "base": base,
            "trained": block_numbers(averages["trained"], base=base),
            "untrained": block_numbers(averages["untrained"], base=base),
            "convergence": convergences(averages["trained"], base),
            "classes": by_class(averages["trained"], clips.labels),
        }
        complete(folder, lambda unfinished: write_result(result, averages, unfinished))


def relations_folder(out: Path, checkpoint: Path, data_digest: str, base: str = "e") -> Path:
    """Where the result lies, complete or not."""
    settings = {"data": data_digest, "base": base, "control_seed": CONTROL_SEED}
    return result_folder(out, "relations", checkpoint, settings)


def require_graph_reasoner(model: VideoClassifier, checkpoint: Path) -> None:
    if not has_graph_reasoner(model):
        raise ValueError(
            f"{checkpoint} has no graph reasoner (block={model.config.block!r}, reasoner="
            f"{model.config.atr.reasoner!r}): there is no W to average. Networks trained with reasoner='gr' have one"
        )


def write_result(result: dict, averages: dict[str, RelationAverage], folder: Path) -> None:
    """Tables, arrays and figures."""
    write_json(folder / RESULT, result)
    arrays = {
        f"{net}/{name}": a for net, average in averages.items() for name, a in average.to_arrays().items()
    }
    write_arrays(folder / "relations.npz", arrays)
    as_table(result).to_csv(folder / "relations.csv", index=False)
    entries, base = result["trained"], result["base"]
    for suffix in ("svg", "pdf"):
        fig4(entries, limits=limits_of(entries), base=base).savefig(folder / f"fig4.{suffix}")
    (folder / "fig4.html").write_text(fig4_page(result))


def as_table(result: dict) -> pd.DataFrame:
    return pd.concat([table(result[network], network) for network in ("trained", "untrained")])


def fig4_page(result: dict) -> str:
    """Both panels in one self-contained HTML page."""
    entries, figures = result["trained"], Figures()
    return page(
        f"{result['checkpoint']['name']}: temporal relations over {result['videos']} videos",
        paragraph(
            f"{result['data']['description']}. A small JS alone proves nothing: compare the local mass with chance, and "
            "with the untrained control in relations.csv."
        ),
        figures.html(matrices_figure(entries, limits=limits_of(entries))),
        figures.html(windows_figure(entries, base=result["base"])),
    )


def print_result(result: dict, folder: Path) -> None:
    unit = "nats" if result["base"] != 2 else "bits"
    print(
        f"{result['checkpoint']['name']}, {result['data']['description']}: {result['videos']} videos; JS in {unit}"
    )
    shown = as_table(result)[
        [
            "network",
            "block",
            "reasoner",
            "js_mean",
            "js_max",
            "js_std",
            "local_mass",
            "chance",
            "argmax_within_1",
            "rows",
        ]
    ]
    print(shown.to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    print(
        "untrained: the same network with fresh weights. Its small JS comes from uniform rows: read JS with local_mass."
    )
    print(f"written to {folder}")
