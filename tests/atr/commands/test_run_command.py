"""How every command ends: its exit code, its errors, a reader of its output that has gone."""

import os
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
import torch

from atr.commands import CLOSED_PIPE, INTERRUPTED, TERMINATED, run_command
from atr.commands.train import Train
from atr.training.presets import PRESETS
from atr.video.decoding import VideoError


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


@dataclass(frozen=True)
class Waits:
    """A command that is interrupted."""

    def run(self, command: str) -> int:
        raise KeyboardInterrupt


def takes_too_much(*arguments):
    raise torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 1.00 GiB of which 0 is free. See"
    )


@dataclass(frozen=True)
class Grows:
    """A command that a GPU has too little memory for."""

    def run(self, command: str) -> int:
        return takes_too_much()


COMMANDS = {"fails": f"{__name__}:Fails", "tells": f"{__name__}:Tells", "waits": f"{__name__}:Waits"}
COMMANDS |= {"grows": f"{__name__}:Grows"}


def test_a_command_is_told_how_it_was_typed_and_its_code_is_given(capfd):
    assert run_command(COMMANDS, ["tells", "--code", "3"], "python -m atr") == 3
    assert capfd.readouterr().out == "python -m atr tells --code 3\n"


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (["predict", ""], "an argument"),
        (["predict", "a.mp4", ""], "an argument"),
        (["predict", "a.mp4", "--checkpoint", ""], "--checkpoint"),
        (["predict", "a.mp4", "--json="], "--json"),
        (["train", "--out", ""], "--out"),
    ],
)
def test_an_empty_text_is_refused_and_not_taken_for_the_working_folder(argv, what, capfd):
    assert run_command(COMMANDS, argv, "program") == 2
    told = f"error: {what} is an empty text; allowed: one character or more\n"
    assert capfd.readouterr().err == told


def test_a_command_leaves_the_group_of_processes_it_ran_in(tmp_path, capfd):
    """The threads of a group that is still there at the interpreter's end may abort it (pytorch issue 190489)."""
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/group", rank=0, world_size=1)
    assert run_command(COMMANDS, ["tells", "--code", "0"], "program") == 0
    assert not torch.distributed.is_initialized()


def test_a_broken_pipe_to_another_process_is_an_error(capfd):
    assert run_command(COMMANDS, ["fails"], "program") == 2
    assert capfd.readouterr().err == "error: of a worker\n"


def test_an_interrupted_command_is_one_line_and_the_code_of_its_signal(capfd):
    assert run_command(COMMANDS, ["waits"], "program") == INTERRUPTED == 130

    def interrupted():  # while the defaults' module is imported
        raise KeyboardInterrupt

    assert run_command(COMMANDS, ["waits"], "program", default=interrupted) == INTERRUPTED
    assert capfd.readouterr().err == "interrupted\n" * 2


def in_group(group: int) -> list[psutil.Process]:
    """The processes of a group that still run."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_sigterm_ends_a_command_with_its_processes_and_unfinished_files(tmp_path):
    options = [
        "--cache",
        tmp_path / "cache",
        "--out",
        tmp_path / "out",
        "--workers",
        2,
        "--mixed-precision",
        "no",
    ]
    started = [sys.executable, "-m", "atr", "train", "--preset", "tabletop-tsn", *map(str, options)]
    with subprocess.Popen(started, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        while "rendering:" not in process.stderr.read(1000):
            assert process.poll() is None
        assert list((tmp_path / "cache").iterdir())
        process.terminate()
        assert process.stderr.read().splitlines()[-1] == "terminated"
    assert process.returncode == TERMINATED == 143
    deadline = time.monotonic() + 60
    while in_group(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not list((tmp_path / "cache").iterdir()) and not (tmp_path / "out").exists()


def test_too_little_memory_is_one_line(capfd):
    assert run_command(COMMANDS, ["grows"], "program") == 2
    assert capfd.readouterr().err == "error: CUDA out of memory. Tried to allocate 2.00 GiB\n"


@dataclass(frozen=True)
class Loses:
    """A command whose process, or whose worker's, comes to nothing."""

    kind: str

    def run(self, command: str) -> int:
        raise {
            "memory": MemoryError("Unable to allocate 9 TiB"),
            "pool": BrokenProcessPool("A process in the process pool was terminated abruptly"),
            "loader": RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."),
            "else": RuntimeError("a defect"),
            "escape": ValueError("of \x1b[31mred"),
        }[self.kind]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("memory", "too little memory: Unable to allocate 9 TiB"),
        (
            "pool",
            "a worker process was ended from outside, often for want of memory; fewer --workers need less",
        ),
        (
            "loader",
            "a worker process was ended from outside, often for want of memory; fewer --workers need less",
        ),
        ("escape", r"of \x1b[31mred"),
    ],
)
def test_a_lost_process_is_one_line(kind, said, capfd):
    assert run_command({"loses": f"{__name__}:Loses"}, ["loses", "--kind", kind], "program") == 2
    assert capfd.readouterr().err == f"error: {said}\n"


def test_a_defect_keeps_its_traceback():
    with pytest.raises(RuntimeError, match="a defect"):
        run_command({"loses": f"{__name__}:Loses"}, ["loses", "--kind", "else"], "program")


def test_a_training_that_takes_too_much_memory_says_what_takes_less(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("atr.commands.train.train", takes_too_much)
    options = {"default": lambda: Train(tmp_path / "out")}
    assert run_command({"train": "atr.commands.train:Train"}, ["train"], "program", **options) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert said.endswith("2.00 GiB; a lower --batch-size or a higher --accumulation takes less memory\n")


@pytest.mark.parametrize(
    ("cache", "leave_out", "advice"),
    [
        (
            "cache",
            False,
            "`python -m atr doctor videos` finds all of them, then --leave-out-faulty trains without",
        ),
        ("fast", True, "`python -m atr doctor videos --cache fast` finds all of them, then run this again"),
    ],
)
def test_a_training_that_meets_a_broken_video_says_what_to_do(
    cache, leave_out, advice, monkeypatch, tmp_path
):
    def broken(*arguments):
        raise VideoError("of a worker\natr.video.video.VideoError: a.mp4: cannot be decoded")

    monkeypatch.setattr("atr.commands.train.train", broken)
    config = replace(PRESETS["laptop-atr"], data="videos", leave_out_faulty=leave_out)
    with pytest.raises(ValueError, match=f"^a.mp4: cannot be decoded; {advice}$"):
        Train(tmp_path / "out", cache=Path(cache), config=config).run("")
    # A state that is there is of other clips, unless only those of validation are faulty.
    (tmp_path / ".out.training").mkdir()
    (tmp_path / ".out.training" / "state.pt").touch()
    first = f"; remove {tmp_path / '.out.training'} first where train has some"
    with pytest.raises(ValueError, match=f"; {advice}{first}$"):
        Train(tmp_path / "out", cache=Path(cache), config=config).run("")


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
