"""How a benchmark ends."""

import subprocess
from dataclasses import dataclass

import pytest

from benchmarks.command import start


@dataclass
class Options:
    clips: int = 1


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (ValueError("clips=1 is not allowed"), 2, "error: clips=1 is not allowed\n"),
        (FileNotFoundError(2, "No such file", "gone"), 2, "error: gone: No such file\n"),
        (
            subprocess.CalledProcessError(3, ["python", "-m", "atr"]),
            2,
            "error: -m atr ended with 3\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_what_goes_wrong_is_one_line(raised, code, told, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmark", "--clips", "1"])

    def main(options):
        raise raised

    with pytest.raises(SystemExit) as ended:
        start(main, Options, "about")
    assert ended.value.code == code and capsys.readouterr().err == told


def test_a_defect_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("sys.argv", ["benchmark"])
    with pytest.raises(ZeroDivisionError):
        start(lambda options: 1 / 0, Options, None)
