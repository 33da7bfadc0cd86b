"""Makes what lies in assets/ anew: clips, checkpoints, results and pictures, and the tables told of them.

    python -m benchmarks.shipped --workers 2

A list of this repository's own commands, in stages; the commands of a stage run side by side, one thread each. A training or
a result that is complete is not made again, what was stopped is resumed, so the same command can be given at any time.
`--anew` removes what is there first: after a change of the demo set or of the presets.
"""

import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import start

ASSETS = Path("assets")
CHECKPOINTS, RESULTS = ASSETS / "checkpoints", ASSETS / "results"
FRAME_NETWORK = "tabletop-tsn"
LOCATING = ("tabletop-atr", "tabletop-tsm-atr")  # have maps
GRAPHS = ("tabletop-gr", "tabletop-tsm-gr")
BLOCKS = ("tabletop-atr-sim", "tabletop-atr-scale", *LOCATING, *GRAPHS)
VIDEO_NETWORKS = ("tabletop-tsm", *BLOCKS)
SEVERAL_SEEDS = ("atr-sim-s3-5", "atr-s3-5")
MADE_ONCE = ("atr train", "atr tabletop", "benchmarks.performance")
# The whole grid of networks, of whose files `ablate` knows which still count, what was asked of some of them, trials, and
# what was learnt from videos that are not the project's.
ELSEWHERE = ("ablations", "all-blocks.json", "gpu.json", "trials.json", "people.json")
REPORTS = ("localize", "order", "faithfulness", "relations")  # with plotly.js inside, 5 MB each; left out


@dataclass(frozen=True)
class Options:
    workers: int = 2
    """commands that run side by side"""
    anew: bool = False
    """remove the clips, checkpoints and results that are there, but for those that are made elsewhere"""
    list: bool = False
    """print the commands and run none"""


def training(name: str) -> str:
    return f"atr train --preset {name} --out {CHECKPOINTS / name}"


def stages() -> list[list[str]]:
    """Commands without "python -m", stage by stage."""
    networks = (FRAME_NETWORK, *VIDEO_NETWORKS)

    def asked(question: str, names: tuple[str, ...], options: str = "") -> list[str]:
        parts = (f"--checkpoint {CHECKPOINTS / name} {options}--out {RESULTS}" for name in names)
        return [f"{question} {part}" for part in parts]

    return [
        [
            training(FRAME_NETWORK),
            f"atr tabletop --out {ASSETS / 'clips'} --split val --num-clips 40 --size 192",
        ],
        [training(name) for name in VIDEO_NETWORKS],
        [
            *asked("atr evaluate", networks, "--data tabletop:val --protocol 1x1 "),
            *asked("analysis order", networks),
            *asked("analysis relations", GRAPHS, "--data tabletop:val "),
            *asked("analysis localize", (*LOCATING, "tabletop-atr-sim", FRAME_NETWORK), "--num-clips 500 "),
            *asked("analysis faithfulness", (*LOCATING, "tabletop-atr-sim"), "--num-clips 300 "),
            *asked("analysis health", BLOCKS, f"--data {ASSETS / 'clips'} "),
            f"benchmarks.scaling --repeats 15 --out {RESULTS / 'scaling.json'}",
        ],
        [f"benchmarks.accuracy --predictions {RESULTS}/predictions-* --out {RESULTS / 'accuracy.json'}"],
        [
            f"benchmarks.parts --out {RESULTS / 'parts.json'}",
            f"benchmarks.taught_locator --out {RESULTS / 'taught-locator.json'}",
        ],
        [f"analysis ablate 1 --only {' '.join(SEVERAL_SEEDS)} --seeds 0 1 2"],
        ["benchmarks.tables", "benchmarks.pictures"],
        [f"benchmarks.performance --out {RESULTS / 'benchmarks.json'}"],  # alone on the machine
    ]


def made(command: str) -> bool:
    """Whether a command has nothing to do; results know themselves."""
    words = shlex.split(command)
    if not command.startswith(MADE_ONCE):
        return False
    return Path(words[words.index("--out") + 1]).exists()


def run(command: str) -> None:
    """Raises CalledProcessError when the command fails."""
    words = [
        str(path)
        for word in shlex.split(command)
        for path in (sorted(Path().glob(word)) if "*" in word else [word])
    ]
    print(f"python -m {command}", flush=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-m", *words], check=True, env=environment, stdout=subprocess.DEVNULL)


def main(options: Options) -> None:
    if options.list:
        print(*(f"python -m {command}" for stage in stages() for command in stage), sep="\n")
        return
    if options.anew:
        for folder in (ASSETS / "clips", CHECKPOINTS):
            shutil.rmtree(folder, ignore_errors=True)
        for result in set(RESULTS.glob("*")) - {RESULTS / name for name in ELSEWHERE}:
            shutil.rmtree(result) if result.is_dir() else result.unlink()
    for stage in stages():
        with ThreadPoolExecutor(options.workers) as pool:
            list(pool.map(run, [command for command in stage if not made(command)]))
    for kind in REPORTS:
        for report in RESULTS.glob(f"{kind}-*/*.html"):
            report.unlink()


if __name__ == "__main__":
    start(main, Options, __doc__)
