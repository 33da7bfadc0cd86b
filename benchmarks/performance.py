"""Runs the benchmarks of speed and writes what they found beside what was aimed at.

    make bench

Some 45 minutes of a machine on which nothing else runs; stopped, it continues after the last script that was done. Writes
one JSON file, the tables of docs/performance.md between their marks, and docs/costs.svg; the text around the tables stays.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from analysis.ablation.running import commit
from benchmarks import answers
from benchmarks.answers import Answer, table_of_answers, table_of_rows
from benchmarks.command import start
from benchmarks.markdown import require_marks, write_tables
from benchmarks.measuring import processor, write_found

CHECKPOINTS = ("tabletop-atr", "tabletop-atr-sim", "tabletop-tsm-atr")
# Scripts with something to aim at -> their answers.
ANSWERS: dict[str, Callable[[Any], list[Answer]]] = {
    "starting": answers.starting,
    "inspection": answers.inspection,
    "optimised": answers.optimised,
    "passes": answers.passes,
    "decoding": answers.decoding,
    "training": answers.training,
    "dashboard": answers.dashboard,
}
SCRIPTS = (*ANSWERS, "costs", "profiled", "cold_start")
TABLES: dict[str, Callable[[Any], list[dict]]] = {  # scripts with a table of their own -> its rows
    "profiled": lambda found: found["shares"],
    "cold_start": lambda found: found,
}


@dataclass(frozen=True)
class Options:
    only: tuple[Literal[SCRIPTS], ...] = SCRIPTS
    """scripts to run; what the others found stays in the file, if it was found on the same machine by as many repeats"""
    repeats: int = 7
    out: Path = Path("assets/results/benchmarks.json")
    page: Path = Path("docs/performance.md")
    figure: Path = Path("docs/costs.svg")


def main(options: Options) -> None:
    require_marks(options.page, ("performance", *TABLES))
    machine = {
        "machine": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "repeats": options.repeats,
    }
    kept = earlier(options.out, machine) if set(options.only) != set(SCRIPTS) else {}
    partial = options.out.with_name(f"{options.out.stem}.partial.json")
    run = {**machine, "only": list(options.only), "commit": commit()}
    begun = json.loads(partial.read_text()) if partial.is_file() else {}
    done = begun["found"] if run.items() <= begun.items() else {}
    for script in options.only:
        if script not in done:
            done[script] = ran(script, [*arguments(script, options), "--repeats", str(options.repeats)])
            write_found({**run, "found": done}, partial)
    unordered = kept | done
    found = {script: unordered[script] for script in SCRIPTS if script in unordered}
    write_found({**machine, "answers": told(found), "found": found}, options.out)
    if len(found) == len(SCRIPTS):
        write_tables(options.page, tables_of(found))
    else:
        print(f"{options.page} stays as it is: {options.out} does not hold all scripts")
    partial.unlink()


def earlier(file: Path, machine: dict) -> dict:
    """What an earlier run found. Raises ValueError where that was on another machine, or with other repeats."""
    values = json.loads(file.read_text()) if file.is_file() else {**machine, "found": {}}
    if other := [f"{key} {values.get(key)!r}" for key, value in machine.items() if values.get(key) != value]:
        raise ValueError(f"{file} was made otherwise ({', '.join(other)}); run all scripts: leave --only out")
    return values["found"]


def arguments(script: str, options: Options) -> list[str]:
    if script == "optimised":
        return ["--checkpoints", *(f"assets/checkpoints/{name}" for name in CHECKPOINTS)]
    return ["--figure", str(options.figure)] if script == "costs" else []


def ran(script: str, arguments: list[str]):
    """What a script wrote. One thread, but for the dashboard, which has as many as it takes by itself."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if script in ("dashboard", "cold_start"):
        environment.pop("OMP_NUM_THREADS")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        command = [sys.executable, "-m", f"benchmarks.{script}", *arguments, "--out", str(out)]
        subprocess.run(command, check=True, env=environment)
        return json.loads(out.read_text())


def answers_of(found: dict) -> dict[str, list[Answer]]:
    """Of the scripts that have any and have run."""
    return {script: answer(found[script]) for script, answer in ANSWERS.items() if script in found}


def told(found: dict) -> list[dict]:
    return [
        {"script": script, **asdict(each), "met": each.met}
        for script, given in answers_of(found).items()
        for each in given
    ]


def tables_of(found: dict) -> dict[str, str]:
    """Script -> its table, of what has been run; the answers are those of `performance`."""
    own = {script: table_of_rows(rows(found[script])) for script, rows in TABLES.items() if script in found}
    return {"performance": table_of_answers(answers_of(found)), **own}


if __name__ == "__main__":
    start(main, Options, __doc__)
