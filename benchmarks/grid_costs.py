"""What the networks of the paper's tables cost at the scale of the demo set, into the file that the tables read.

python -m benchmarks.grid_costs
"""

from dataclasses import dataclass, replace
from pathlib import Path

from analysis.ablation.costs import FILE
from analysis.ablation.grids import NETWORKS
from analysis.ablation.running import reasoner_costs
from atr import tabletop
from atr.describe import describe
from atr.files import write_json
from atr.training.config import TrainConfig
from benchmarks.command import start


@dataclass(frozen=True)
class Options:
    out: Path = FILE


def main(options: Options) -> None:
    write_json(options.out, {name: costs_of(config) for name, config in NETWORKS.items()})
    print(f"written to {options.out}")


def costs_of(config: TrainConfig) -> dict:
    model = replace(config.model, num_classes=len(tabletop.CLASSES))
    network = describe(model, config.size)
    return {
        "parameters": network.parameters,
        "macs": network.macs,
        "reasoner": reasoner_costs(model, network.blocks),
    }


if __name__ == "__main__":
    start(main, Options, __doc__)
