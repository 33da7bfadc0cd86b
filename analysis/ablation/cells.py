"""A cell of a grid: one network trained with one seed, and the JSON file of what came of it."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import cv2
import msgspec
import numpy as np
import torch
from msgspec import UNSET, Meta, Struct, UnsetType
from torch.utils.data import Subset
from torch.utils.flop_counter import FlopCounterMode

from analysis.actionness import has_graph_reasoner
from analysis.relations.average import local_mass, window_divergence
from analysis.relations.averaging import average_relations
from atr.block import build_reasoner
from atr.checkpoint import load_checkpoint, read_config
from atr.data.clips import TabletopClips
from atr.describe import BlockDescription, count_parameters, describe
from atr.files import digest, write_json
from atr.models import ModelConfig, VideoClassifier
from atr.results.predict import class_probabilities
from atr.results.processes import process_state
from atr.results.scores import Scores
from atr.results.store import software
from atr.schema import Count, Finite, Name, NotNegative, Positive, Share, Text, check, line, read_json, shown
from atr.tabletop import RENDERER_VERSION, REVERSED
from atr.training.config import TrainConfig, settings_of
from atr.training.loop import train

SOURCE = Path(__file__).parents[2]
BATCH = 20  # clips judged at a time
RELATED = 500  # of the judged clips, over which W is averaged
MOST_BYTES = 4 * 2**20


class OfEpoch(Struct):
    phase: Name
    epoch: Positive
    loss: Finite
    dev_top1: Share | UnsetType = UNSET
    blocks: list[dict[str, Any]] | UnsetType = UNSET


class OfReasoner(Struct):
    """Costs of all reasoners of a network alone, for one clip."""

    parameters: Count
    macs: Count


class OfRelation(Struct):
    """The averaged W of one block and stacked reasoner: mass within one step of the diagonal, JS in nats."""

    block: Name
    reasoner: Count
    local_mass: NotNegative
    chance: NotNegative
    js: Finite | None


class CellResult(Struct, kw_only=True):
    """What a reader may rely on.

    `settings` are those of the training, `start` the digest of the weights it began with, `correct` has a 1 for each clip
    that is classified rightly, in the order of the list. `blocks` in the last entry of the history tell their health.
    """

    network: Name
    seed: Count
    command: Text
    commit: Text | None
    software: dict[str, Text]
    settings: dict[str, Any]
    renderer: Count
    start: Text | None
    clips: Text
    parameters: Positive
    macs: Positive
    reasoner: OfReasoner | None
    top1: Share
    within_pairs: Share
    correct: Annotated[str, Meta(pattern="^[01]{2,100000}$")]
    history: Annotated[list[OfEpoch], Meta(min_length=1)]
    fig5: dict[Name, Share]
    relations: list[OfRelation]
    seconds: NotNegative

    def __post_init__(self) -> None:
        if abs(self.correct.count("1") / len(self.correct) - self.top1) > 1e-6:
            raise ValueError(
                f"top1 is {self.top1}, but {self.correct.count('1')} of {len(self.correct)} are right"
            )

    @property
    def verdicts(self) -> np.ndarray:
        """bool (N,), whether each clip is classified rightly."""
        return np.frombuffer(self.correct.encode(), np.uint8) == ord("1")

    @property
    def best_fig5(self) -> float | None:
        """Of the block whose maps show most; None of a network without maps."""
        return max(self.fig5.values(), default=None)


@dataclass(frozen=True)
class Cell:
    """A network of a grid and a seed. `config.seed` is the seed."""

    network: str
    config: TrainConfig

    @classmethod
    def of(cls, network: str, config: TrainConfig, seed: int) -> "Cell":
        # One thread renders and trains: as many cells run at once as there are cores.
        return cls(network, replace(config, seed=seed, workers=1))

    @property
    def seed(self) -> int:
        return self.config.seed

    @property
    def name(self) -> str:
        return f"{self.network}-seed{self.seed}"

    @property
    def command(self) -> str:
        return f"python -m analysis ablate all --only {self.network} --seeds {self.seed}"

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What has to be the same for a stored result to be of this cell."""
        return json.loads(settings_of(self.config))

    @cached_property
    def start(self) -> str | None:
        """Digest of the checkpoint it starts from. Raises CheckpointError where there is none."""
        return None if self.config.init is None else read_config(self.config.init)["weights_sha256"]

    def is_of(self, result: CellResult) -> bool:
        """Whether a stored result is this cell's, whatever weights it started from."""
        stored = (result.network, result.seed, result.settings, result.renderer)
        return stored == (self.network, self.seed, self.settings, RENDERER_VERSION)

    def is_done(self, result: CellResult) -> bool:
        return self.is_of(result) and result.start == self.start


def file_of(cell: Cell, folder: Path) -> Path:
    return folder / f"{cell.name}.json"


def read_cell(path: Path) -> CellResult:
    """Raises ValueError, naming the file and what is wrong with it."""
    try:
        values = read_json(path, most=MOST_BYTES)
        check(values, CellResult)
    except OSError as error:
        raise ValueError(line(f"{shown(path)} cannot be read: {error.strerror}")) from error
    except ValueError as error:
        raise ValueError(line(f"{shown(path)} is no result of a cell: it {error}")) from error
    return msgspec.convert(values, CellResult)


def read_cells(folder: Path) -> tuple[list[CellResult], list[str]]:
    """The results in a folder, by their files' names, and what is wrong with those that cannot be read."""
    found, faults = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(read_cell(path))
        except ValueError as error:
            faults.append(str(error))
    return found, faults


def missing(cells: Iterable[Cell], folder: Path) -> list[Cell]:
    """Those without a result of their settings and starting weights; one that cannot be read counts as none."""
    stored = {(result.network, result.seed): result for result in read_cells(folder)[0]}
    return [
        cell
        for cell in cells
        if (cell.network, cell.seed) not in stored or not cell.is_done(stored[cell.network, cell.seed])
    ]


def prepare_process() -> None:
    """One thread, so that a cell gives the same weights however many run beside it."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def run_cell(cell: Cell, folder: Path, work: Path, cache: Path) -> CellResult:
    """Train and judge a cell, and write its file into `folder`; what it prints goes into a log in `work`.

    The checkpoint stays in `work`. A cell that was killed continues where its training was.
    """
    identity = digest([cell.settings, cell.start, RENDERER_VERSION])
    place = work / f"{cell.name}-{identity[:8]}"
    work.mkdir(parents=True, exist_ok=True)
    with open(place.with_name(f"{place.name}.log"), "a") as log, redirect_stdout(log), redirect_stderr(log):
        if not place.exists():
            train(cell.config, place, cache, cell.command)
        values = measured(cell, load_checkpoint(place), cache)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(file_of(cell, folder), values)
    shutil.rmtree(work / f".{place.name}.training", ignore_errors=True)  # what it would have continued from
    return read_cell(file_of(cell, folder))


def measured(cell: Cell, model: VideoClassifier, cache: Path) -> dict:
    """What is stored of a trained cell."""
    model = model.to(process_state().device)
    clips = rendered(cell.config, "val", cache)
    parts = [
        class_probabilities(model, np.array(clips.frames[first : first + BATCH])).cpu().numpy()
        for first in range(0, len(clips), BATCH)
    ]
    scores = Scores(np.concatenate(parts), np.array(clips.targets))
    costs = describe(model.config, cell.config.size)
    return {
        "network": cell.network,
        "seed": cell.seed,
        "command": cell.command,
        "commit": commit(),
        "software": software() | {"device": str(process_state().device)},
        "settings": cell.settings,
        "renderer": RENDERER_VERSION,
        "start": cell.start,
        "clips": clips.description,
        "parameters": costs.parameters,
        "macs": costs.macs,
        "reasoner": reasoner_costs(model.config, costs.blocks),
        "top1": scores.top(1),
        "within_pairs": scores.within_pairs(REVERSED),
        "correct": "".join("01"[right] for right in scores.correct.astype(int)),
        "history": model.facts["history"],
        "fig5": model.facts.get("fig5", {}),
        "relations": relation_numbers(model, clips) if has_graph_reasoner(model) else [],
        "seconds": model.facts["environment"]["training_seconds"],
    }


def rendered(config: TrainConfig, split: str, cache: Path, workers: int = 1) -> TabletopClips:
    """The clips of a split that a training takes, rendered into `cache` if they are not there yet."""
    return TabletopClips(
        config.train_split if split == "train" else split,
        getattr(config, f"{split}_clips"),
        num_frames=config.model.num_frames,
        size=config.size,
        cache=cache,
        workers=workers,
    )


def reasoner_costs(config: ModelConfig, blocks: Iterable[BlockDescription]) -> dict[str, int] | None:
    """Parameters and multiply-accumulates of all reasoners alone, for one clip; None of a network without blocks."""
    counts = {"parameters": 0, "macs": 0}
    for block in blocks:
        with torch.device("meta"):
            reasoner = build_reasoner(block.channels, config.atr)
            s = torch.empty(1, config.num_frames, block.channels)
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            reasoner(s)
        counts["parameters"] += count_parameters(reasoner)
        counts["macs"] += counter.get_total_flops() // 2
    return counts if counts["parameters"] else None


def relation_numbers(model: VideoClassifier, clips: TabletopClips) -> list[dict]:
    """An entry a block and stacked graph reasoner, of W averaged over the first clips."""
    with TemporaryDirectory() as partial:
        first = Subset(clips, range(min(RELATED, len(clips))))
        average, _ = average_relations(model, first, partial=Path(partial))
    entries = []
    for block, matrices in average.mean.items():
        for number, w in enumerate(matrices):
            mass = local_mass(w)
            try:
                js = window_divergence(w).summary["mean"]
            except ValueError:  # a saturated softmax that looks at none of a time step's neighbours
                js = None
            near, chance = (float(values[1].mean()) for values in (mass.mass, mass.chance))
            entries.append(
                {"block": block, "reasoner": number, "local_mass": near, "chance": chance, "js": js}
            )
    return entries


def commit() -> str | None:
    """Of the source, with "-dirty" where files differ from it; None where it is in no repository."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*", "--abbrev=40"]
    try:
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
