"""python -m analysis order: accuracy with the frames in order, reversed and shuffled, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analysis.html_page import Figures, page, paragraph
from analysis.what_if.figures import order_figure
from analysis.what_if.order import ORDERS, answers_in_order, order_numbers, order_table
from atr.checkpoint import load_checkpoint
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.results.processes import process_state
from atr.results.questions import answered, asked_of_all, clips_for, facts_of, named_rows, require_same_labels
from atr.results.store import RESULT, complete, result_folder


@dataclass(frozen=True)
class Order:
    """Accuracy with the frames in order, reversed and shuffled: what a checkpoint makes of the order of events.

    Runs under `torchrun --nproc_per_node N -m analysis order ...` too. A run that was stopped goes on where it was; one
    that is complete is only printed. Exit code 3: some videos could not be read; they are listed.
    """

    checkpoint: Path
    """a checkpoint folder"""
    data: str = "tabletop:val"
    """tabletop:val, rendered here, or the folder of a data set and a split, FOLDER:val"""
    num_clips: int | None = None
    """the first so many; all (2,000 rendered ones) when not given"""
    seed: int = 0
    """of the shuffled orders; every clip has its own"""
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
        clips = clips_for(model, self.data, cache=self.cache, num_clips=self.num_clips)
        require_same_labels(model, clips, self.checkpoint, self.data)
        folder = order_folder(self.out, self.checkpoint, clips.digest, self.seed)
        return answered(folder, partial(self.compute, model, clips, folder, command), print_result)

    def compute(self, model: VideoClassifier, clips: ClipDataset, folder: Path, command: str) -> None:
        ask = partial(answers_in_order, model, clips, seed=self.seed)
        options = {"strict": self.strict, "num_workers": self.workers}
        rows, broken = asked_of_all(ask, clips, folder, "order", **options)
        if not process_state().is_main_process:
            return
        rows = named_rows(clips, rows)
        reversed_classes = clips.symmetry.reversed if clips.symmetry else None
        result = facts_of("order", command, self.checkpoint, self.data, clips, broken) | {
            "clips": len(rows["id"]),
            "seed": self.seed,
            **order_numbers(rows["predicted"], rows["target"], clips.labels, reversed_classes),
        }

        def write(unfinished: Path) -> None:
            write_json(unfinished / RESULT, result)
            write_arrays(unfinished / "order.npz", rows)
            order_table(result).to_csv(unfinished / "order.csv", index=False)
            heading = f"{result['checkpoint']['name']}: the order of the frames"
            figure = Figures().html(order_figure(result))
            html = page(heading, paragraph(result["data"]["description"]), figure)
            (unfinished / "order.html").write_text(html)

        complete(folder, write)


def order_folder(out: Path, checkpoint: Path, data_digest: str, seed: int = 0) -> Path:
    """Where the result lies, complete or not."""
    return result_folder(out, "order", checkpoint, {"data": data_digest, "seed": seed})


def print_result(result: dict, folder: Path) -> None:
    overall = result["overall"]
    print(f"{result['checkpoint']['name']} · {result['data']['description']}")
    for order in ORDERS:
        print(f"{order:>10}: called by its class          {as_text(overall[order])}")
    if overall["reversed class"]:
        print(f"{'reversed':>10}: called by its reversed class {as_text(overall['reversed class'])}")
    for order in ORDERS[1:]:
        print(f"{order:>10}: called as in order           {as_text(overall[f'{order} unchanged'])}")
    for order, drop in result["drops"].items():
        print(
            f"{order:>10}: own class, in order minus {order}: {100 * drop['difference']:+.1f} points "
            f"[{100 * drop['low']:+.1f}, {100 * drop['high']:+.1f}]"
        )
    print(f"written to {folder}")


def as_text(proportion: dict[str, float]) -> str:
    return f"{proportion['value']:6.1%} [{proportion['low']:.1%}, {proportion['high']:.1%}]"
