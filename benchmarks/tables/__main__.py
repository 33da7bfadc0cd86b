"""Writes the tables of README.md, docs/results.md and docs/scaling.md from what is stored in assets/results.

    python -m benchmarks.tables

Those between marks; the text around them stays.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.command import start
from benchmarks.markdown import require_marks, write_tables
from benchmarks.tables import accuracy, maps, people, relations, scaling
from benchmarks.tables.stored import TSM_GRAPH, Stored

RESULTS: dict[str, Callable[[Stored], str]] = {
    "accuracy": accuracy.accuracies,
    "length": accuracy.length,
    "clips": accuracy.clips,
    "parts": accuracy.parts,
    "seeds": accuracy.seeds,
    "claims": accuracy.claims,
    "order": accuracy.order,
    "where": maps.where,
    "when": maps.when,
    "fig5": maps.fig5,
    "all-blocks": maps.all_blocks,
    "taught": maps.taught,
    "costs": maps.costs,
    "trials": maps.trials,
    "faithfulness": maps.faithfulness,
    "health": maps.health,
    "relations": relations.relations,
    "relations-on-tsm": partial(relations.relations, network=TSM_GRAPH),
    "relation-seeds": relations.relation_seeds,
    "people-maps": people.maps,
    "people-accuracy": people.accuracy,
}
SCALING = {"one-clip": scaling.one_clip, "one-training": scaling.one_training}
# That have a place for each of their tables.
PAGES = {Path("docs/results.md"): RESULTS, Path("docs/scaling.md"): SCALING}
OTHERS = (Path("README.md"),)  # have places for some


@dataclass(frozen=True)
class Options:
    results: Path = Path("assets/results")


def tables_of(results: Path) -> dict[Path, dict[str, str]]:
    """Page -> command after "python -m benchmarks." -> the table that it writes there."""
    stored = Stored(results)
    return {
        page: {f"tables {name}": make(stored) for name, make in tables.items()}
        for page, tables in PAGES.items()
    }


def main(options: Options) -> None:
    made = tables_of(options.results)
    for page, tables in made.items():
        require_marks(page, tables)
    every = {command: written for tables in made.values() for command, written in tables.items()}
    for page in (*made, *OTHERS):
        write_tables(page, every)


if __name__ == "__main__":
    start(main, Options, __doc__)
