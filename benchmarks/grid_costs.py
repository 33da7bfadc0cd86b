"""What the networks of the paper's tables cost at the scale of the demo set.

    python -m benchmarks.grid_costs

Writes the file that the tables of `analysis.ablation` read.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from analysis.ablation.costs import FILE
from analysis.ablation.grids import NETWORKS
from analysis.ablation.running import costs_of
from atr import tabletop
from atr.files import write_json
from atr.training.config import TrainConfig
from benchmarks.command import start


@dataclass(frozen=True)
class Options:
    out: Path = FILE


def main(options: Options) -> None:
    write_json(options.out, {name: costs_here(config) for name, config in NETWORKS.items()})
    print(f"written to {options.out}")


def costs_here(config: TrainConfig) -> dict:
    """With the classes of the demo set."""
    return costs_of(replace(config.model, num_classes=len(tabletop.CLASSES)), config.size)


if __name__ == "__main__":
    start(main, Options, __doc__)
