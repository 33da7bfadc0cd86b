"""python -m analysis actionness | relations | compare | localize | order | faithfulness | health | report"""

import sys

from analysis.commands.actionness import Actionness
from analysis.commands.compare import Compare
from analysis.commands.faithfulness import Faithfulness
from analysis.commands.health import Health
from analysis.commands.localize import Localize
from analysis.commands.order import Order
from analysis.commands.relations import Relations
from analysis.commands.report import Report
from atr.commands import run_command

COMMANDS = {
    "actionness": Actionness,
    "relations": Relations,
    "compare": Compare,
    "localize": Localize,
    "order": Order,
    "faithfulness": Faithfulness,
    "health": Health,
    "report": Report,
}


def main(argv: list[str], program: str = "python -m analysis") -> int:
    """The exit code."""
    return run_command(COMMANDS, argv, program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
