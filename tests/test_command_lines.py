"""Command lines as they are documented are understood."""

import re
import shlex
from pathlib import Path

import pytest

import analysis.__main__
import atr.__main__
from atr.commands import run_command

README = (Path(__file__).parent.parent / "README.md").read_text()
LINES = re.findall(r"^ *(?:python -m (?:atr|analysis)|atr) [a-z]+ .*$", README, re.MULTILINE)
COMMANDS = atr.__main__.COMMANDS | analysis.__main__.COMMANDS


def understood(argv: list[str]):
    found = []
    run_command(COMMANDS, argv, "atr", run=lambda command, typed: found.append(command) or 0)
    return found[0]


@pytest.mark.parametrize("line", LINES)
def test_what_the_readme_says_is_understood(line, monkeypatch):
    words = shlex.split(line, comments=True)
    argv = words[words.index("-m") + 2 :] if "-m" in words else words[1:]
    package = analysis.__main__ if argv[0] in analysis.__main__.COMMANDS else atr.__main__
    monkeypatch.setattr(package.COMMANDS[argv[0]], "run", lambda *_: 0)
    assert package.main(argv) == 0


@pytest.mark.parametrize("command", ["evaluate", "relations", "localize", "order", "faithfulness"])
def test_what_goes_over_a_data_set_shares_its_options(command):
    shared = ["--checkpoint", "net", "--data", "clips:val", "--out", "here", "--workers", "2", "--strict"]
    options = understood([command, *shared, "--cache", "there", "--num-clips", "7"]).options
    assert (options.checkpoint, options.data, options.num_clips) == (Path("net"), "clips:val", 7)
    assert (options.out, options.workers, options.strict) == (Path("here"), 2, True)


def test_relations_keeps_its_older_name_of_the_number_of_clips():
    assert understood(["relations", "--checkpoint", "net", "--num-videos", "7"]).options.num_clips == 7
