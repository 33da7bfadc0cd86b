"""python -m analysis actionness | relations | compare | localize | order | faithfulness | health | report | ablate | evidence"""

import sys

from atr.commands import run_command

COMMANDS = {
    "actionness": "analysis.commands.actionness:Actionness",
    "relations": "analysis.commands.relations:Relations",
    "compare": "analysis.commands.compare:Compare",
    "localize": "analysis.commands.localize:Localize",
    "order": "analysis.commands.order:Order",
    "faithfulness": "analysis.commands.faithfulness:Faithfulness",
    "health": "analysis.commands.health:Health",
    "report": "analysis.commands.report:Report",
    "ablate": "analysis.commands.ablate:Ablate",
    "evidence": "analysis.commands.evidence:Evidence",
}


def main(argv: list[str], program: str = "python -m analysis") -> int:
    """The exit code."""
    return run_command(COMMANDS, argv, program)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
