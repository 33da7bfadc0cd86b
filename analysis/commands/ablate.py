"""python -m analysis ablate: train and judge the cells of the paper's tables."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from analysis.ablation.cells import Cell, CellResult, missing, read_cells
from analysis.ablation.grids import NETWORKS, TABLES, seeds_of
from analysis.ablation.numbers import by_network, claims_texts, left_out, table_texts
from atr.options import MOST_SEED, MOST_WORKERS, require_between
from atr.results.passes import SKIPPED


@dataclass(frozen=True)
class Ablate:
    """Train the networks of a table of the paper on the demo set, with several seeds, and judge its claims.

    A cell, a network with a seed, that is finished is not repeated; one that was killed continues, or on a GPU begins again.
    The table is printed at the end, with `--list` at any time. `python -m analysis evidence` writes all tables as a page.
    Exit code 3: some cells were not begun within `--minutes`; they are listed.
    """

    table: Annotated[Literal[(*TABLES, "all")], tyro.conf.Positional] = "all"
    """which table; rivals: Tables 6 and 7; epochs, clips: the learning curves; length: twice as long a training"""
    only: tuple[str, ...] = ()
    """names of networks, to run no others; --list prints them"""
    seeds: tuple[int, ...] = ()
    """0 to 4,294,967,295; 0 1 2 when not given, and 0 to 4 for the networks of the headline"""
    workers: int = 2
    """cells that run side by side, 1 to 256: one thread each, or on one GPU"""
    mixed_precision: Literal["bf16", "no"] = "bf16"
    """in which cells are trained; no: float32, which is faster on a CPU without instructions for bfloat16"""
    minutes: float = math.inf
    """after so many, 0 or more, no further training begins"""
    out: Path = Path("assets/results/ablations")
    """folder of the cells' files"""
    work: Path = Path("runs/ablations")
    """folder of the cells' checkpoints, logs and states"""
    cache: Path = Path("cache")
    """folder for rendered clips"""
    list: bool = False
    """print the cells, which are done, and the table so far, and train nothing"""

    def run(self, command: str) -> int:
        require_between("workers", self.workers, 1, MOST_WORKERS)
        for seed in self.seeds:
            require_between("seeds", seed, 0, MOST_SEED)
        if not self.minutes >= 0:
            raise ValueError(f"minutes={self.minutes} is not allowed; allowed: 0 or more")
        cells = self.cells()
        for fault in read_cells(self.out)[1]:
            print(f"{fault}; it does not count", file=sys.stderr)
        to_do = missing(cells, self.out)
        if self.list:
            for cell in cells:
                print(f"{'to do' if cell in to_do else 'done':6} {cell.name:28} {cell.command}")
            self.print_tables()
            return 0
        # Here: what trains needs more packages than what analyses.
        from analysis.ablation.running import run_cells
        from atr.results.processes import process_state
        from atr.training.loop import precision_lines

        for warning in precision_lines(self.mixed_precision, process_state().device, has_fp16=False):
            print(warning, file=sys.stderr)
        print(f"{len(cells) - len(to_do)} of {len(cells)} cells are done", flush=True)
        faults = run_cells(
            to_do,
            self.out,
            work=self.work,
            cache=self.cache,
            workers=self.workers,
            minutes=self.minutes,
            tell=print_result,
        )
        self.print_tables()
        if faults:
            told = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
            raise ValueError(f"{len(faults)} of {len(to_do)} cells failed: {told}")
        if left := missing(to_do, self.out):
            told = ", ".join(cell.name for cell in left)
            print(
                f"{len(left)} of {len(to_do)} cells were left when the minutes were over: {told}",
                file=sys.stderr,
            )
            return SKIPPED
        return 0

    def cells(self) -> Sequence[Cell]:
        """Seed by seed, so that every row has one before any has two. Raises ValueError where a name is unknown."""
        tables = TABLES.values() if self.table == "all" else [TABLES[self.table]]
        networks = list(dict.fromkeys(row.network for table in tables for row in table.rows if row.network))
        if unknown := [name for name in self.only if name not in networks]:
            raise ValueError(
                f"only={', '.join(unknown)} is not in table {self.table}; allowed: {', '.join(networks)}"
            )
        chosen = [name for name in networks if not self.only or name in self.only]
        seeds = {name: self.seeds or tuple(range(seeds_of(name))) for name in chosen}
        order = sorted({seed for each in seeds.values() for seed in each})
        configs = {name: replace(NETWORKS[name], mixed_precision=self.mixed_precision) for name in chosen}
        return [
            Cell.of(name, configs[name], seed) for seed in order for name in chosen if seed in seeds[name]
        ]

    def print_tables(self) -> None:
        results = read_cells(self.out)[0]
        found = by_network(results)
        for line in left_out(results, found):
            print(line, file=sys.stderr)
        for key in TABLES if self.table == "all" else [self.table]:
            print(f"\n{TABLES[key].title}")
            print(table_texts(TABLES[key], found).to_string(index=False))
            for claim in claims_texts(TABLES[key], found).itertuples(index=False):
                print(f"{claim.Claim}: {claim.Verdict}. {claim.Here}")


def print_result(result: CellResult) -> None:
    print(
        f"{result.network}, seed {result.seed}: top-1 {result.top1:.1%}, {result.seconds:.0f} s", flush=True
    )
