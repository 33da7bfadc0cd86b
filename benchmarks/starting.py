"""How long does it take to import the package, and until a command has told its help?

    python -m benchmarks.starting

CPU seconds of fresh interpreters that take turns, medians. Prints a table and writes one JSON file.
"""

import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.command import start
from benchmarks.measuring import medians_in_turn, write_found

WORKS = {
    "import torch": ["-c", "import torch"],
    "import atr, and a network of it": ["-c", "import atr; atr.create_model"],
    "import analysis, and a recording of it": ["-c", "import analysis; analysis.record"],
    "python -m atr --help": ["-m", "atr", "--help"],
    "python -m analysis --help": ["-m", "analysis", "--help"],
}


@dataclass(frozen=True)
class Options:
    repeats: int = 7
    out: Path = Path("results/starting.json")


def main(options: Options) -> None:
    seconds = medians_in_turn(
        {name: lambda words=words: started(words) for name, words in WORKS.items()}, options.repeats, clock
    )
    rows = [
        {"question": name, "CPU seconds": value, "over import torch": value / seconds["import torch"]}
        for name, value in seconds.items()
    ]
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    write_found(rows, options.out)


def started(words: list[str]) -> None:
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def clock() -> float:
    """Of the interpreters that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    start(main, Options, __doc__)
