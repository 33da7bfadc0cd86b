"""python -m atr describe | doctor | train | evaluate | predict | convert | tabletop"""

import sys
from importlib import import_module
from typing import Any

from atr.commands import run_command

COMMANDS = {
    "describe": "atr.commands.describe:Describe",
    "doctor": "atr.commands.doctor:Doctor",
    "train": "atr.commands.train:Train",
    "evaluate": "atr.commands.evaluate:Evaluate",
    "predict": "atr.commands.predict:Predict",
    "convert": "atr.commands.convert:Convert",
    "tabletop": "atr.commands.tabletop:Tabletop",
}


def main(argv: list[str], program: str = "python -m atr") -> int:
    """The exit code."""
    options: dict[str, Any] = {}
    if argv[:1] == ["train"]:
        options["default"] = lambda: import_module("atr.commands.train").with_preset(argv)
    if argv[:1] == ["predict"]:
        options["run"] = lambda command, typed: command.run(typed, write_overlay)
    return run_command(COMMANDS, argv, program, **options)


def write_overlay(*arguments, style: str, **options) -> None:
    """`analysis.clip_folder.write_clip`: of the package above this one, which is looked up only where it is wanted."""
    clip_folder = import_module("analysis.clip_folder")
    clip_folder.write_clip(*arguments, clip_folder.Drawing(overlay_style=style), **options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
