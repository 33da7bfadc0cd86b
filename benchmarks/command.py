"""How every benchmark is started: its options parsed, what goes wrong with them told in one line."""

import subprocess
import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from atr.commands import in_words

Options = TypeVar("Options")


def start(main: Callable[[Options], object], options: type[Options], description: str | None) -> None:
    """Measure with the options that are typed. An error ends the process with code 2, Ctrl-C with 130."""
    try:
        main(tyro.cli(options, description=description))
    except (ValueError, OSError) as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        sys.exit(2)
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(map(str, error.cmd[1:]))} ended with {error.returncode}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
