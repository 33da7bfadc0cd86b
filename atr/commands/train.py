"""python -m atr train: a network of a preset, or of your own settings."""

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
import tyro

from atr.data.annotations import doctor_command
from atr.data.names import TABLETOP as DEMO_SET
from atr.results.processes import process_state
from atr.training.loop import TrainConfig, train
from atr.training.presets import PRESETS, TABLETOP
from atr.training.state import STATE, workspace_of
from atr.video.decoding import VideoError


@dataclass(frozen=True)
class Train:
    """Train a network; `--preset` names the settings, and each of them can be changed.

    It can be interrupted and resumed: the same command, given again, ends with the same weights.
    """

    out: Path
    """the checkpoint folder to write"""
    preset: Literal[tuple(PRESETS)] = "tabletop-atr"
    cache: Path = Path("cache")
    """folder for rendered clips"""
    config: TrainConfig = PRESETS["tabletop-atr"]

    def run(self, command: str) -> int:
        config = in_proportion(self.config, PRESETS[self.preset], command)
        try:
            metrics = train(config, self.out, self.cache, command)
        except VideoError as error:  # of a loader's process, which puts its own account before it
            kind = type(error)
            found = str(error).strip().splitlines()[-1].removeprefix(f"{kind.__module__}.{kind.__name__}: ")
            elsewhere = [] if self.cache == Path("cache") else ["--cache", str(self.cache)]
            doctor = doctor_command(self.config.data, *elsewhere)
            workspace = workspace_of(self.out)
            again = "run this again" if self.config.leave_out_faulty else "--leave-out-faulty trains without"
            # A state is of a list of training clips, and without these it is another list.
            first = f"; remove {workspace} first where train has some" if (workspace / STATE).exists() else ""
            raise ValueError(f"{found}; {doctor} finds all of them, then {again}{first}") from error
        except ValueError as error:
            if self.preset in TABLETOP and self.config.data != DEMO_SET:
                advice = f"preset {self.preset!r} is for the rendered clips, laptop-atr for clips of your own"
                raise ValueError(f"{error}; {advice}") from error
            raise
        except torch.OutOfMemoryError as error:
            error.add_note("a lower --batch-size or a higher --accumulation takes less memory")
            raise
        if process_state().is_main_process:
            values = (f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in metrics.items())
            print(f"{self.out}: {', '.join(values)}")
        return 0


def in_proportion(config: TrainConfig, preset: TrainConfig, command: str) -> TrainConfig:
    """With as much around the crop as the preset has, where another size is typed and no short side."""
    if preset.short_side is None or config.size == preset.size or re.search("--short[-_]side", command):
        return config
    short_side = round(preset.short_side * config.size / preset.size)
    if process_state().is_main_process:
        print(
            f"short_side={short_side}, in proportion to size={config.size} as {preset.short_side} to {preset.size}; "
            "--short-side sets another",
            file=sys.stderr,
        )
    return replace(config, short_side=short_side)


def with_preset(argv: list[str]) -> Train:
    """The defaults of what is typed: the settings of the preset that is named in it."""
    return Train(out=tyro.MISSING, config=PRESETS.get(preset_in(argv) or "", Train.config))


def preset_in(argv: list[str]) -> str | None:
    """The name after `--preset`, or in `--preset=NAME`."""
    for flag, following in zip(argv, [*argv[1:], None], strict=True):
        name, equals, value = flag.partition("=")
        if name == "--preset":
            return value if equals else following
    return None
