"""A cell of a grid: one network trained with one seed, and the JSON file of what came of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType

from atr.checkpoint import read_config
from atr.schema import (
    BlockName,
    Count,
    Finite,
    Name,
    NotNegative,
    Positive,
    Share,
    Text,
    check,
    line,
    read_json,
    shown,
)
from atr.tabletop import RENDERER_VERSION
from atr.training.config import DEFAULTS, FREE, TrainConfig, filled, settings_of

MOST_BYTES = 4 * 2**20


class OfEpoch(Struct):
    phase: Name
    epoch: Positive
    loss: Finite
    train_top1: Share | UnsetType = UNSET  # of the augmented clips, with dropout
    dev_top1: Share | UnsetType = UNSET
    blocks: list[dict[str, Any]] | UnsetType = UNSET


class OfReasoner(Struct):
    """Costs of all reasoners of a network alone, for one clip."""

    parameters: Count
    macs: Count


class OfRelation(Struct):
    """The averaged W of one block and stacked reasoner: mass within one step of the diagonal, JS in nats."""

    block: BlockName
    reasoner: Count
    local_mass: NotNegative
    chance: NotNegative
    js: Finite | None


class CellResult(Struct, kw_only=True):
    """What a reader may rely on.

    `settings` are those of the training, `start` the digest of the weights it began with, `correct` has a 1 for each clip
    that is classified rightly, in the order of the list. `blocks`, in the last entry of the history alone, tell their health.
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
    fig5: dict[BlockName, Share]
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
        return cell_name(self.network, self.seed)

    @property
    def command(self) -> str:
        precision = "" if self.config.mixed_precision == "bf16" else " --mixed-precision no"
        return f"python -m analysis ablate all --only {self.network} --seeds {self.seed}{precision}"

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What has to be the same for a stored result to be of this cell."""
        return json.loads(settings_of(self.config))

    @cached_property
    def start(self) -> str | None:
        """Digest of the checkpoint it starts from. Raises CheckpointError where there is none."""
        return None if self.config.init is None else read_config(self.config.init)["weights_sha256"]

    def is_of(self, result: CellResult) -> bool:
        """Whether a stored result is this cell's, in whatever precision it was trained and from whatever weights.

        Settings that it lacks are younger than it is, and were at their defaults.
        """
        settings = filled(result.settings, DEFAULTS) | {"mixed_precision": self.config.mixed_precision}
        stored = (result.network, result.seed, settings, result.renderer)
        return stored == (self.network, self.seed, self.settings, RENDERER_VERSION)

    def is_done(self, result: CellResult) -> bool:
        return self.is_of(result) and result.start == self.start


def recipe_of(settings: dict[str, Any]) -> str:
    """The settings of a training as text, without its seed and what does not change the weights."""
    apart = ("seed", *FREE)
    named = {name: value for name, value in filled(settings, DEFAULTS).items() if name not in apart}
    return json.dumps(named, sort_keys=True)


def cell_name(network: str, seed: int) -> str:
    return f"{network}-seed{seed}"


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
    result = msgspec.convert(values, CellResult)
    if path.stem != cell_name(result.network, result.seed):  # a copy would count as another training
        raise ValueError(
            line(f"{shown(path)} is named otherwise than its cell, {result.network}, seed {result.seed}")
        )
    return result


def read_cells(folder: Path) -> tuple[list[CellResult], list[str]]:
    """The results in a folder, by their files' names, and what is wrong with those that cannot be read."""
    found, faults = [], []
    for path in sorted(folder.glob("[!.]*.json")):  # hidden ones are being written
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
