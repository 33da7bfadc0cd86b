"""The options that the commands over a data set share."""

from pathlib import Path

import pytest

import analysis.__main__
import atr.__main__
from atr.commands import run_command

COMMANDS = atr.__main__.COMMANDS | analysis.__main__.COMMANDS


def understood(argv: list[str]):
    found = []
    run_command(COMMANDS, argv, "atr", run=lambda command, typed: found.append(command) or 0)
    return found[0]


@pytest.mark.parametrize("command", ["evaluate", "relations", "localize", "order", "faithfulness", "health"])
def test_what_goes_over_a_data_set_shares_its_options(command):
    shared = ["--checkpoint", "net", "--data", "clips:val", "--out", "here", "--workers", "2", "--strict"]
    options = understood([command, *shared, "--cache", "there", "--num-clips", "7"]).options
    assert (options.checkpoint, options.data, options.num_clips) == (Path("net"), "clips:val", 7)
    assert (options.out, options.workers, options.strict) == (Path("here"), 2, True)


@pytest.mark.parametrize(
    ("command", "option", "allowed"),
    [
        ("train", "--seed", "0 to 4,294,967,295"),
        ("train", "--batch-size", "1 or more"),
        ("train", "--num-frames", "1 to 1,024"),
        ("describe", "--size", "1 to 8,192"),
        ("tabletop", "--fps", "1 to 1,000"),
        ("evaluate", "--workers", "0 to 256"),
        ("health", "--num-clips", "1 or more"),
        ("order", "--seed", "0 to 4,294,967,295"),
        ("doctor", "--workers", "1 to 256"),
        ("ablate", "--workers", "1 to 256"),
    ],
)
def test_the_help_says_what_numbers_are_allowed(command, option, allowed, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        understood([command, "--help"])
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert allowed in told.partition(f" {option} ")[2].partition("(default")[0]


def test_relations_keeps_its_older_name_of_the_number_of_clips():
    assert understood(["relations", "--checkpoint", "net", "--num-videos", "7"]).options.num_clips == 7
