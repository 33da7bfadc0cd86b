"""One file a command of python -m atr, and how a command is started: parsed, run, its errors in one line."""

import os
import select
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Union

import tyro

CLOSED_PIPE = 141  # 128 + SIGPIPE: what a shell reports of a program that a closed pipe has ended


def run_command(
    commands: Mapping[str, type],
    argv: list[str],
    program: str,
    *,
    defaults: Mapping[str, Any] = {},  # noqa: B006 (only read)
    run: Callable[[Any, str], int] = lambda command, typed: command.run(typed),
) -> int:
    """Parse one of the commands, a dataclass each, and run it; the exit code. An error is one line and 2.

    Args:
        commands: by name.
        argv: what was typed after `program`.
        defaults: command's name -> an instance whose values are its defaults.
        run: (command, the whole line as it was typed) -> exit code.

    Raises:
        SystemExit: --help, or what was typed is no command.
    """
    kinds = (
        Annotated[
            kind, tyro.conf.subcommand(name, **({"default": defaults[name]} if name in defaults else {}))
        ]
        for name, kind in commands.items()
    )
    try:
        try:
            command = tyro.cli(
                Union[tuple(kinds)],  # noqa: UP007 (of a list)
                args=argv,
                prog=program,
                config=(tyro.conf.OmitArgPrefixes,),
            )
            return run(command, shlex.join([*program.split(), *argv]))
        finally:
            sys.stdout.flush()  # here, and not at the interpreter's end, where nobody catches what it raises
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError) and reader_has_gone():
            return CLOSED_PIPE
        print(f"error: {error}", file=sys.stderr)
        return 2


def reader_has_gone() -> bool:
    """Whether nobody reads standard output any more, as after `| head -1`; what is still in its buffer is then dropped.

    A pipe to another process, such as one that decodes, may break too: that is an error.
    """
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not output.poll(0):  # POLLERR and POLLHUP are told without being asked for
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
