"""python -m analysis actionness | relations"""

import shlex
import sys

import tyro

from analysis.commands.actionness import Actionness
from analysis.commands.relations import Relations

COMMANDS = {"actionness": Actionness, "relations": Relations}


def main(argv: list[str]) -> int:
    command = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="python -m analysis", args=argv)
    try:
        return command.run(shlex.join(["python", "-m", "analysis", *argv]))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
