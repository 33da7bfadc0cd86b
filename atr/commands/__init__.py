"""One file a command of python -m atr, and how a command is started: parsed, run, its errors in one line."""

import ast
import os
import select
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import make_dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Union

import tyro

from atr.schema import printable

# What a shell reports of a program that a signal has ended, 128 + its number: here SIGPIPE, SIGINT and SIGTERM.
CLOSED_PIPE, INTERRUPTED, TERMINATED = 141, 130, 143


class Terminated(KeyboardInterrupt):
    """SIGTERM, which `kill` and job schedulers send: its processes and unfinished files go as after Ctrl-C."""


def run_command(
    commands: Mapping[str, str],
    argv: list[str],
    program: str,
    *,
    default: Callable[[], Any] = lambda: tyro.MISSING_NONPROP,
    run: Callable[[Any, str], int] = lambda command, typed: command.run(typed),
) -> int:
    """Parse one of the commands, a dataclass each, and run it; the exit code.

    An error is one line and 2, Ctrl-C is 130, SIGTERM 143.

    Args:
        commands: name -> where its dataclass is, "module:Class". Only the one that is typed is imported.
        argv: what was typed after `program`.
        default: gives an instance of the command's dataclass whose values are its defaults.
        run: (command, the whole line as it was typed) -> exit code.

    Raises:
        SystemExit: --help, or what was typed is no command.
    """
    try:
        try:
            require_texts(argv)
            if argv[:1] and argv[0] in commands:
                kind = imported(commands[argv[0]])
                called = {"prog": f"{program} {argv[0]}", "args": argv[1:], "default": default()}
            else:  # help, or an error that names the commands
                kind, called = any_of(commands), {"prog": program, "args": argv}
            command = tyro.cli(kind, config=(tyro.conf.OmitArgPrefixes,), **called)
            with sigterm_raised():
                code = run(command, shlex.join([*program.split(), *argv]))
            leave_the_others()
            return code
        finally:
            sys.stdout.flush()  # here, and not at the interpreter's end, where nobody catches what it raises
    except Terminated:
        print("terminated", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError) and reader_has_gone():
            return CLOSED_PIPE
        print(printable(f"error: {in_words(error)}", but="\n"), file=sys.stderr)
        return 2
    except out_of_memory() as error:
        said = ". ".join(str(error).split(". ")[:2])  # what follows is about the allocator
        print("; ".join([f"error: {said}", *getattr(error, "__notes__", [])]), file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if (said := lost(error)) is None:
            raise
        print(f"error: {said}", file=sys.stderr)
        return 2


def require_texts(argv: list[str]) -> None:
    """Raises ValueError for an empty text: as a path it is the working folder.

    A shell makes one of "$VARIABLE" where that is not set.
    """
    for before, typed in zip(["", *argv], argv, strict=False):
        name, equals, value = typed.partition("=")
        if not typed or (name.startswith("--") and equals and not value):
            what = name or (before if before.startswith("--") else "an argument")
            raise ValueError(f"{what} is an empty text; allowed: one character or more")


@contextmanager
def sigterm_raised() -> Iterator[None]:
    """Within, SIGTERM is raised as `Terminated`.

    Under torchrun it is not: it sends the signal to processes that wait for one that has failed, and these answer no Python.
    """
    if "LOCAL_RANK" in os.environ or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def leave_the_others() -> None:
    """End this process's part in a group of torchrun: threads of a group that outlives the interpreter abort it.

    After an error nobody leaves: NCCL would wait for processes that still compute.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def in_words(error: Exception) -> str:
    """Of the system's errors the file and the reason, "a.json: Permission denied", without their number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


def imported(place: str) -> type:
    module, name = place.split(":")
    return getattr(import_module(module), name)


def lost(error: Exception) -> str | None:
    """In words, where memory ran out or a process was ended from outside; None of other errors."""
    if isinstance(error, MemoryError):
        return "too little memory" + (f": {error}" if str(error) else "")
    if isinstance(error, BrokenExecutor) or str(error).startswith("DataLoader worker"):
        return "a worker process was ended from outside, often for want of memory; fewer --workers need less"
    return None


def out_of_memory() -> tuple[type[Exception], ...]:
    """What torch raises of a GPU's memory; nothing where torch has not been imported."""
    torch = sys.modules.get("torch")
    return () if torch is None else (torch.OutOfMemoryError,)


def any_of(commands: Mapping[str, str]) -> Any:
    """What the help of a program needs of its commands: a class each, without options, with the text of the real one.

    The text is read from the file: importing all commands would take seconds.
    """
    kinds = (
        Annotated[make_dataclass(name, (), namespace={"__doc__": text_of(place)}), tyro.conf.subcommand(name)]
        for name, place in commands.items()
    )
    return Union[tuple(kinds)]  # noqa: UP007 (of a list)


def text_of(place: str) -> str | None:
    """The docstring of "module:Class", which is not imported."""
    module, name = place.split(":")
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None, module
    body = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
    (found,) = (node for node in body if isinstance(node, ast.ClassDef) and node.name == name)
    return ast.get_docstring(found)


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
