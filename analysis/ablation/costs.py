"""What the networks of the grid cost, trained or not; to find it takes seconds.

    python -m benchmarks.grid_costs

writes it down.
"""

from functools import cache
from pathlib import Path

import msgspec

from analysis.ablation.cells import OfReasoner

FILE = Path(__file__).with_name("costs.json")


class OfNetwork(msgspec.Struct):
    """Parameters and multiply-accumulates for one clip; reasoner: of all its reasoners alone, None without blocks."""

    parameters: int
    macs: int
    reasoner: OfReasoner | None


@cache
def known_costs() -> dict[str, OfNetwork]:
    """By the networks' names."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, OfNetwork])
