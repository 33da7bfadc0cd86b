"""How accurate are the checkpoints, and is the difference between two of them more than luck?

    python -m benchmarks.accuracy --predictions assets/results/predictions-tabletop-*

On predictions of the demo set, as `python -m atr evaluate` writes them. Prints two tables and writes one JSON file:
accuracies with 95 % intervals (Wilson) and, beside them, accuracy within pairs of time reversals; for every two
checkpoints the difference with its bootstrap interval, the clips that only one of them gets right, and the exact
two-sided McNemar test on these, adjusted for the number of pairs (Holm).
"""

from dataclasses import dataclass
from pathlib import Path

from analysis.compare.numbers import all_pairs, summary
from atr import tabletop
from atr.results.predictions import Predictions, read_predictions
from benchmarks.command import start
from benchmarks.measuring import write_found


@dataclass(frozen=True)
class Options:
    predictions: tuple[Path, ...]
    """two folders or more, of the same clips"""
    out: Path = Path("results/accuracy.json")


def main(options: Options) -> None:
    predictions = [read_predictions(folder) for folder in options.predictions]
    pairs = all_pairs(predictions)
    accuracies = summary(predictions).assign(pairs=[within_pairs(p) for p in predictions])
    tables = {"accuracy": accuracies, "paired": pairs}
    for table in tables.values():
        print(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    written = {name: table.to_dict("records") for name, table in tables.items()}
    write_found(written, options.out)


def within_pairs(predictions: Predictions) -> float:
    """Raises ValueError for predictions of other classes than the demo set's."""
    if tuple(predictions.labels) != tuple(tabletop.CLASSES):
        raise ValueError(f"{predictions.name} was not evaluated on the classes of the demo set")
    return predictions.within_pairs(tabletop.REVERSED)


if __name__ == "__main__":
    start(main, Options, __doc__)
