"""python -m atr describe | doctor | train | evaluate | predict | convert | tabletop"""

import sys
from importlib import import_module

import tyro

from atr.commands import run_command
from atr.commands.convert import Convert
from atr.commands.describe import Describe
from atr.commands.doctor import Doctor
from atr.commands.evaluate import Evaluate
from atr.commands.predict import Predict
from atr.commands.tabletop import Tabletop
from atr.commands.train import Train
from atr.training.presets import PRESETS

COMMANDS = {
    "describe": Describe,
    "doctor": Doctor,
    "train": Train,
    "evaluate": Evaluate,
    "predict": Predict,
    "convert": Convert,
    "tabletop": Tabletop,
}


def main(argv: list[str], program: str = "python -m atr") -> int:
    """The exit code. The settings of the preset named in `argv` are the defaults of `train`."""
    train = Train(out=tyro.MISSING, config=PRESETS.get(preset_in(argv) or "", Train.config))
    return run_command(COMMANDS, argv, program, defaults={"train": train}, run=run)


def run(command, typed: str) -> int:
    return command.run(typed, write_overlay) if isinstance(command, Predict) else command.run(typed)


def write_overlay(*arguments, style: str, **options) -> None:
    """`analysis.clip_folder.write_clip`: of the package above this one, which is looked up only where it is wanted."""
    clip_folder = import_module("analysis.clip_folder")
    clip_folder.write_clip(*arguments, clip_folder.Drawing(overlay_style=style), **options)


def preset_in(argv: list[str]) -> str | None:
    """The name after `--preset`, or in `--preset=NAME`."""
    for flag, following in zip(argv, [*argv[1:], None], strict=True):
        name, equals, value = flag.partition("=")
        if name == "--preset":
            return value if equals else following
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
