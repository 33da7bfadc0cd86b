"""python -m analysis compare: what the page "Compare" shows, printed and as files."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import tyro

from analysis.compare.comparable import comparable_predictions, names
from analysis.compare.numbers import (
    agreement,
    all_pairs,
    clip_table,
    config_differences,
    confusions,
    costs,
    paired,
    per_class,
    reliability,
    summary,
)
from analysis.compare.report import build_report
from analysis.compare.tables import (
    agreement_text,
    confusions_texts,
    pairs_texts,
    per_class_texts,
    summary_texts,
    trainings_text,
)
from atr.files import filled_folder, require_own_files, write_json
from atr.results.notices import joined_notices, tell_notices
from atr.results.passes import SKIPPED
from atr.results.predictions import Predictions
from atr.schema import printable

PRINTED_CONFUSIONS = 10
TABLES = ("summary", "pairs", "configuration", "classes", "confusions", "reliability", "clips")
NUMBERS, REPORT = "comparison.json", "report.html"


@dataclass(frozen=True)
class Compare:
    """Compare checkpoints on the same clips: how much they differ, whether significantly, in which classes and confusions.

    Exit code 3: clips lacked frames when they were evaluated; they are listed.
    """

    predictions: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """two to four folders as python -m atr evaluate writes them; the first two are A and B"""
    out: Path | None = None
    """a folder for the tables (CSV), the numbers (JSON) and a page with figures (HTML)"""

    def run(self, command: str) -> int:
        if self.out is not None:
            require_own_files(self.out, [*(f"{name}.csv" for name in TABLES), NUMBERS, REPORT])
        predictions = comparable_predictions(self.predictions)
        print_comparison(predictions)
        if self.out is not None:
            with filled_folder(self.out) as unfinished:
                write_comparison(unfinished, predictions, command)
            print(f"\nwritten to {self.out}: tables (CSV), {NUMBERS}, {REPORT}")
        return SKIPPED if tell_notices(joined_notices([p.facts for p in predictions])) else 0


def print_comparison(predictions: Sequence[Predictions]) -> None:
    a, b = predictions[:2]
    differences = config_differences(predictions)
    tables = {
        f"{a.facts['data']['description']}, protocol {a.protocol}": summary_texts(predictions),
        "what differs": differences,
        "classes": per_class_texts(per_class(a, b)),
        "confusions": confusions_texts(confusions(a, b).head(PRINTED_CONFUSIONS)),
    }
    if len(predictions) > 2:
        tables["every two"] = pairs_texts(predictions)
    for heading, table in tables.items():
        told = table.to_string(index=False) if len(table) else "nothing"
        print(printable(f"\n{heading}\n{told}", but="\n"))
    print(printable(f"\n{agreement_text(a, b)}\n{paired(a, b).sentence}", but="\n"))
    if trained := trainings_text(differences):
        print(printable(trained, but="\n"))


def write_comparison(folder: Path, predictions: Sequence[Predictions], command: str) -> None:
    """All tables as CSV, the numbers of A and B as JSON with their provenance, the report as HTML."""
    a, b = predictions[:2]
    called = names(predictions)
    curves = [reliability(p)[0].assign(checkpoint=name) for name, p in zip(called, predictions, strict=True)]
    tables = (
        summary(predictions).join(costs(predictions)),
        all_pairs(predictions),
        config_differences(predictions),
        per_class(a, b),
        confusions(a, b),
        pd.concat(curves),
        clip_table(predictions),
    )
    for name, table in zip(TABLES, tables, strict=True):
        table.to_csv(folder / f"{name}.csv", index=False)
    found = paired(a, b)
    result = {
        "command": command,
        "checkpoints": {name: p.facts for name, p in zip(called, predictions, strict=True)},
        "paired": asdict(found) | {"sentence": found.sentence},
        "agreement": asdict(agreement(a, b)),
        **joined_notices([p.facts for p in predictions]),
    }
    write_json(folder / NUMBERS, result)
    (folder / REPORT).write_text(build_report(predictions, command=command), encoding="utf-8")
