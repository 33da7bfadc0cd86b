"""One program works on a result; another one says so in one line. Where no result can be written, that is one line."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import atr
from atr.__main__ import main
from atr.results.store import partial_folder, results, working_on
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    model = atr.create_model("tsn_resnet18", 20, 4, width=0.125)
    labels = list(atr.tabletop.CLASSES)
    sizes = atr.Preprocessing(short_side=32, crop=32)
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    return atr.save_checkpoint(folder, model, labels=labels, preprocessing=sizes, sampling="uniform")


def arguments(checkpoint, data, out) -> list[str]:
    return ["evaluate", "--checkpoint", str(checkpoint), "--data", str(data), "--out", str(out)]


def holder(folder: Path) -> subprocess.Popen:
    """A process that works on a result until it is ended."""
    code = """
import sys, time
from pathlib import Path
from atr.results.store import working_on
with working_on(Path(sys.argv[1])):
    print("ready", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_second_program_says_so_until_the_first_is_dead(checkpoint, clips_folder, tmp_path, capsys):
    assert main(arguments(checkpoint, clips_folder, tmp_path)) == 0
    (folder,) = results(tmp_path, "predictions")
    assert not partial_folder(folder).exists()
    shutil.rmtree(folder)
    first = holder(folder)
    capsys.readouterr()
    assert main(arguments(checkpoint, clips_folder, tmp_path)) == 2
    assert capsys.readouterr().err == (
        f"error: another program is computing {folder}; its result is there when it is done\n"
    )
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert main(arguments(checkpoint, clips_folder, tmp_path)) == 0
    assert folder.exists() and not partial_folder(folder).exists()


def test_two_commands_at_once_leave_one_whole_result(checkpoint, clips_folder, tmp_path):
    command = [sys.executable, "-m", "atr", *arguments(checkpoint, clips_folder, tmp_path)]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [(process.communicate(timeout=300)[1], process.returncode) for process in both]
    assert sorted(code for _, code in told) in ([0, 0], [0, 2]), told
    for error, code in told:
        assert code == 0 or error.splitlines()[-1].startswith("error: another program is computing ")
        assert "Traceback" not in error
    (folder,) = results(tmp_path, "predictions")
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name]


def test_where_no_result_can_be_written_that_is_one_line(
    checkpoint, clips_folder, tmp_path, capsys, monkeypatch
):
    (tmp_path / "file").touch()
    assert main(arguments(checkpoint, clips_folder, tmp_path / "file" / "results")) == 2
    expected = f"error: no result can be written to {tmp_path / 'file' / 'results'}: "
    assert capsys.readouterr().err == f"{expected}Not a directory\n"

    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbidden)
    with pytest.raises(ValueError, match="no result can be written to .*: Permission denied"):
        working_on(tmp_path / "a" / "b").__enter__()
