"""python -m analysis actionness | relations | compare | localize | order | faithfulness | report"""

import shlex
import sys

import tyro

from analysis.commands.actionness import Actionness
from analysis.commands.compare import Compare
from analysis.commands.faithfulness import Faithfulness
from analysis.commands.localize import Localize
from analysis.commands.order import Order
from analysis.commands.relations import Relations
from analysis.commands.report import Report

COMMANDS = {
    "actionness": Actionness,
    "relations": Relations,
    "compare": Compare,
    "localize": Localize,
    "order": Order,
    "faithfulness": Faithfulness,
    "report": Report,
}


def main(argv: list[str]) -> int:
    command = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="python -m analysis", args=argv)
    try:
        return command.run(shlex.join(["python", "-m", "analysis", *argv]))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
