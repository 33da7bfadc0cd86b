"""python -m atr describe | doctor | train | evaluate | predict | convert | tabletop"""

import shlex
import sys
from typing import Annotated, Union

import tyro

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


def main(argv: list[str]) -> int:
    command = tyro.cli(parser(argv), args=argv, prog="python -m atr", config=(tyro.conf.OmitArgPrefixes,))
    try:
        return command.run(shlex.join(["python", "-m", "atr", *argv]))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def parser(argv: list[str]) -> type:
    """One of the commands; the settings of the preset named in `argv` are the defaults of `train`."""
    train = Train(out=tyro.MISSING, config=PRESETS.get(preset_in(argv), Train.config))
    defaults = {"train": {"default": train}}
    return Union[  # noqa: UP007 (of a list)
        tuple(
            Annotated[kind, tyro.conf.subcommand(name, **defaults.get(name, {}))]
            for name, kind in COMMANDS.items()
        )
    ]


def preset_in(argv: list[str]) -> str | None:
    """The name after `--preset`, or in `--preset=NAME`."""
    for flag, following in zip(argv, [*argv[1:], None], strict=True):
        name, equals, value = flag.partition("=")
        if name == "--preset":
            return value if equals else following
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
