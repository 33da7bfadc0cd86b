"""Writes the tables of README.md and docs/results.md from what is stored in assets/results.

    python -m benchmarks.tables

Those between marks; the text around them stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.command import start
from benchmarks.markdown import require_marks, write_tables
from benchmarks.tables import accuracy, maps, relations
from benchmarks.tables.stored import TSM_GRAPH, Stored

PAGE = Path("docs/results.md")  # has all tables
TABLES: dict[str, Callable[[Stored], str]] = {
    "accuracy": accuracy.accuracies,
    "length": accuracy.length,
    "parts": accuracy.parts,
    "seeds": accuracy.seeds,
    "claims": accuracy.claims,
    "order": accuracy.order,
    "where": maps.where,
    "fig5": maps.fig5,
    "all-blocks": maps.all_blocks,
    "taught": maps.taught,
    "costs": maps.costs,
    "faithfulness": maps.faithfulness,
    "health": maps.health,
    "relations": relations.relations,
    "relations-on-tsm": partial(relations.relations, network=TSM_GRAPH),
    "relation-seeds": relations.relation_seeds,
}


@dataclass(frozen=True)
class Options:
    results: Path = Path("assets/results")
    page: Path = PAGE
    """has a place for every table"""
    others: tuple[Path, ...] = (Path("README.md"),)
    """have places for some"""


def tables_of(results: Path) -> dict[str, str]:
    """Command after "python -m benchmarks." -> the table that it writes."""
    stored = Stored(results)
    return {f"tables {name}": made(stored) for name, made in TABLES.items()}


def main(options: Options) -> None:
    made = tables_of(options.results)
    require_marks(options.page, made)
    for page in (options.page, *options.others):
        write_tables(page, made)


if __name__ == "__main__":
    start(main, Options, __doc__)
