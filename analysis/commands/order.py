"""python -m analysis order: accuracy with the frames in order, reversed and shuffled, as a result folder."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from analysis.html_page import Figures, page, paragraph
from analysis.what_if.figures import order_figure
from analysis.what_if.order import (
    ORDERS,
    OrderResult,
    answers_in_order,
    order_folder,
    order_numbers,
    order_table,
)
from atr.data.clips import ClipDataset
from atr.files import write_arrays, write_json
from atr.models import VideoClassifier
from atr.options import MOST_SEED, require_between
from atr.results.questions import Arrays, Question, SharedOptions, answer, named_rows
from atr.results.store import RESULT


@dataclass(frozen=True)
class Order:
    """Accuracy with the frames in order, reversed and shuffled: whether a checkpoint uses the order of frames.

    Runs under `torchrun --nproc_per_node N -m analysis order ...` too. It can be interrupted and resumed; a complete
    result is not computed again. Exit code 3: some clips could not be read or lack frames; they are
    listed.
    """

    options: SharedOptions
    seed: int = 0
    """of the shuffled orders, 0 to 4,294,967,295; every clip has its own order"""

    def run(self, command: str) -> int:
        return answer(self.options, self.question, command)

    def question(self, model: VideoClassifier) -> Question:
        require_between("seed", self.seed, 0, MOST_SEED)
        return Question(
            "order",
            folder=partial(order_folder, seed=self.seed),
            passes={"order": partial(answers_in_order, model, seed=self.seed)},
            write=self.write,
            show=print_result,
            result=OrderResult,
        )

    def write(self, folder: Path, facts: dict, clips: ClipDataset, rows: Arrays) -> None:
        rows = named_rows(clips, rows)
        reversed_classes = clips.symmetry.reversed if clips.symmetry else None
        numbers = order_numbers(rows["predicted"], rows["target"], clips.labels, reversed_classes)
        result = facts | {"clips": len(rows["id"]), "seed": self.seed, **numbers}
        write_json(folder / RESULT, result)
        write_arrays(folder / "order.npz", rows)
        order_table(result).to_csv(folder / "order.csv", index=False)
        heading = f"{result['checkpoint']['name']}: the order of the frames"
        html = page(heading, paragraph(clips.description), Figures().html(order_figure(result)))
        (folder / "order.html").write_text(html, encoding="utf-8")


def print_result(result: dict, folder: Path) -> None:
    overall = result["overall"]
    print(f"{result['checkpoint']['name']} · {result['data']['description']}")
    for order in ORDERS:
        print(f"{order:>10}: classified as its class          {as_text(overall[order])}")
    if overall["reversed class"]:
        print(f"{'reversed':>10}: classified as its reversed class {as_text(overall['reversed class'])}")
    for order in ORDERS[1:]:
        print(f"{order:>10}: classified as in order           {as_text(overall[f'{order} unchanged'])}")
    for order, drop in result["drops"].items():
        print(
            f"{order:>10}: own class, in order minus {order}: {100 * drop['difference']:+.1f} points "
            f"[{100 * drop['low']:+.1f}, {100 * drop['high']:+.1f}]"
        )


def as_text(proportion: dict[str, float]) -> str:
    return f"{proportion['value']:6.1%} [{proportion['low']:.1%}, {proportion['high']:.1%}]"
