"""python -m analysis evidence: the paper's tables beside ours, as one HTML file."""

import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.ablation.cells import read_cells
from analysis.ablation.grids import TABLES
from analysis.ablation.numbers import by_network, left_out, summary
from analysis.ablation.report import evidence_page
from analysis.html_page import GENERATOR
from atr.files import file_to_write, whole_file


@dataclass(frozen=True)
class Evidence:
    """Write the paper's tables, what `python -m analysis ablate` has found of them and the verdicts as one HTML file."""

    cells: Path = Path("assets/results/ablations")
    """folder of the cells' files"""
    out: Path = Path("evidence.html")
    """the file to write"""

    def run(self, command: str) -> int:
        if not self.cells.is_dir():
            raise ValueError(f"cells={str(self.cells)!r} is no folder; `python -m analysis ablate` fills one")
        out = file_to_write(self.out, GENERATOR)
        results, faults = read_cells(self.cells)
        found = by_network(results)
        faults += left_out(results, found)
        for fault in faults:
            print(fault, file=sys.stderr)
        with whole_file(out) as unfinished:
            unfinished.write_text(evidence_page(found, faults, command=command), encoding="utf-8")
        print(f"written to {self.out}. {summary(TABLES.values(), found)}")
        return 0
