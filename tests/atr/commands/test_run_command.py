"""How every command ends: its exit code, its errors, a reader of its output that has gone."""

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from atr.commands import CLOSED_PIPE, run_command


@dataclass(frozen=True)
class Fails:
    """A command whose pipe to another process breaks."""

    def run(self, command: str) -> int:
        raise BrokenPipeError(32, "of a worker")


@dataclass(frozen=True)
class Tells:
    """A command that ends with a code of its own."""

    code: int

    def run(self, command: str) -> int:
        print(command)
        return self.code


COMMANDS = {"fails": f"{__name__}:Fails", "tells": f"{__name__}:Tells"}


def test_a_command_is_told_how_it_was_typed_and_its_code_is_given(capfd):
    assert run_command(COMMANDS, ["tells", "--code", "3"], "python -m atr") == 3
    assert capfd.readouterr().out == "python -m atr tells --code 3\n"


def test_a_broken_pipe_to_another_process_is_an_error(capfd):
    assert run_command(COMMANDS, ["fails"], "program") == 2
    assert capfd.readouterr().err == "error: [Errno 32] of a worker\n"


@pytest.mark.parametrize(
    "arguments",
    [["atr", "describe", "tsm_resnet18", "--block", "atr"], ["analysis", "--help"]],
    ids=["what is printed", "help"],
)
def test_a_reader_that_has_gone_ends_a_command_quietly(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", *arguments], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (CLOSED_PIPE, "")
