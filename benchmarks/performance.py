"""Runs the benchmarks of speed and writes what they found beside what was aimed at.

    make bench

Some 20 minutes of one quiet core. Writes one JSON file, and the table of docs/performance.md between its two marks; the
text around it stays.
"""

import json
import operator
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import tyro

from benchmarks.measuring import processor, write_found

BEGIN, END = "<!-- table: python -m benchmarks.performance -->", "<!-- end of table -->"
BOUNDS = {"≤": operator.le, "≥": operator.ge}
CHECKPOINTS = ("tabletop-atr", "tabletop-atr-sim")


@dataclass(frozen=True)
class Options:
    repeats: int = 7
    batches: tuple[int, ...] = (1, 8)
    """clips in a forward pass of the networks of inference"""
    out: Path = Path("assets/results/benchmarks.json")
    page: Path = Path("docs/performance.md")


@dataclass(frozen=True)
class Answer:
    """bound: "≤ 1.02"; "" where nothing was aimed at."""

    question: str
    measured: float
    bound: str
    script: str

    @property
    def met(self) -> bool | None:
        if not self.bound:
            return None
        sign, limit = self.bound.split()
        return BOUNDS[sign](self.measured, float(limit))


def main(options: Options) -> None:
    if not all(mark in options.page.read_text() for mark in (BEGIN, END)):
        sys.exit(
            f"error: {options.page} lacks one of the marks between which the table stands: {BEGIN} {END}"
        )
    with tempfile.TemporaryDirectory() as folder:
        answers = [
            *starting(ran("starting", ["--repeats", str(options.repeats)], Path(folder))),
            *inspection(ran("inspection", ["--repeats", str(options.repeats)], Path(folder))),
            *optimised(ran("optimised", optimised_arguments(options), Path(folder))),
        ]
    machine = {
        "machine": processor(),
        "cores": os.cpu_count(),
        "threads": 1,
        "python": platform.python_version(),
    }
    written = {
        **machine,
        "torch": torch.__version__,
        "answers": [{**asdict(a), "met": a.met} for a in answers],
    }
    write_found(written, options.out)
    before, rest = options.page.read_text().split(BEGIN)
    options.page.write_text(f"{before}{BEGIN}\n{table(answers, written)}\n{END}{rest.split(END)[1]}")


def ran(script: str, arguments: list[str], folder: Path):
    """What a script wrote."""
    out = folder / f"{script}.json"
    subprocess.run(
        [sys.executable, "-m", f"benchmarks.{script}", *arguments, "--out", str(out)],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(out.read_text())


def starting(rows: list[dict]) -> list[Answer]:
    by_name = {row["question"]: row for row in rows}
    over = [
        Answer(f"{name}, over import torch", by_name[name]["over import torch"], "≤ 1.2", "starting")
        for name in by_name
        if name.startswith(("import atr", "import analysis"))
    ]
    helps = [
        Answer(f"{name}, CPU seconds", row["CPU seconds"], "≤ 1.5", "starting")
        for name, row in by_name.items()
        if name.endswith("--help")
    ]
    return over + helps


def inspection(rows: list[dict]) -> list[Answer]:
    bounds = ("≤ 1.02", "≥ 18", "≤ 0.8", "≤ 0.8", "≥ 10", "")
    return [
        Answer(row["question"], row["ratio"], bound, "inspection")
        for row, bound in zip(rows, bounds, strict=True)
    ]


def optimised_arguments(options: Options) -> list[str]:
    checkpoints = [f"assets/checkpoints/{name}" for name in CHECKPOINTS]
    batches = [str(batch) for batch in options.batches]
    return ["--repeats", str(options.repeats), "--batches", *batches, "--checkpoints", *checkpoints]


def optimised(found: dict) -> list[Answer]:
    answers = []
    for row in found["forward"]:
        clips = f"{row['clips']} clip{'s' if row['clips'] > 1 else ''}"
        if row["network"] == "TSN" and row["kind"] != "plain":
            bound = "≤ 0.4" if row["kind"] == "bf16" else ""
            question = f"optimised in {row['kind']} over plain, TSN, {clips}"
            answers.append(Answer(question, row["over plain"], bound, "optimised"))
        if row["network"] != "TSN":
            bound = "" if row["kind"] == "plain" else "≤ 1.06" if row["network"] == "TSN + ATR" else "≤ 1.02"
            kind = "plain" if row["kind"] == "plain" else f"optimised in {row['kind']}"
            answers.append(
                Answer(f"{row['network']} over TSN, {kind}, {clips}", row["over TSN"], bound, "optimised")
            )
    for row in found["answers"]:
        what = f"{row['checkpoint']}, optimised in {row['precision']}, {row['clips']} clips"
        if row["largest difference over span"]:
            difference = row["largest difference over span"]
            answers.append(
                Answer(
                    f"largest difference of a map over its span: {what}", difference, "≤ 0.02", "optimised"
                )
            )
        answers.append(Answer(f"clips of another class: {what}", row["other classes"], "≤ 0", "optimised"))
    return answers


def table(answers: list[Answer], facts: dict) -> str:
    """In Markdown, with the machine above it."""
    words = {True: "met", False: "**missed**", None: ""}
    lines = [f"{facts['machine']}, one thread, Python {facts['python']}, torch {facts['torch']}.", ""]
    lines += ["| question | measured | aimed at | | script |", "|---|---|---|---|---|"]
    lines += [
        f"| {a.question} | {number(a.measured)} | {a.bound} | {words[a.met]} | `{a.script}` |"
        for a in answers
    ]
    return "\n".join(lines)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
