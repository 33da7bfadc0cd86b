"""Files and folders are there whole or not at all: on a full disk, after kill -9, into folders that exist."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from atr.files import (
    MACHINE,
    file_to_write,
    filled_folder,
    reserve,
    this_process,
    whole_file,
    whole_folder,
    write_arrays,
    write_json,
)
from tests.conftest import ROOT

LIMIT = 20_000  # bytes a file may have in `limited`


def limited(code: str, *arguments) -> subprocess.CompletedProcess:
    """Run code in a process whose files may not grow beyond LIMIT: to what it writes, a disk that is full."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)),
    )


def killed(code: str, folder: Path) -> int:
    """Run code that writes in a folder until it makes `folder/ready`, then end it as kill -9 does; its process id."""
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT)
    while not (folder / "ready").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (folder / "ready").unlink()
    return process.pid


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_link_in_a_files_place_leads_to_the_file_and_a_folder_is_refused(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "elsewhere" / "file.json")
    write_json(file_to_write(tmp_path / "link.json", "1"), [1])
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "elsewhere" / "file.json").read_text() == "[\n 1\n]\n"
    with pytest.raises(ValueError, match="elsewhere is a folder; a file is written"):
        file_to_write(tmp_path / "elsewhere", "1")


def test_a_file_of_something_else_is_not_replaced(tmp_path):
    file = tmp_path / "a.json"
    for content in ("", '{"kind": "mine"}'):
        file.write_text(content)
        assert file_to_write(file, '"kind": "mine"') == file
    with pytest.raises(
        FileExistsError, match="a.json is another file and is left as it is; remove it or give"
    ):
        file_to_write(file, '"kind": "yours"')
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="pipe is a pipe or a device; a file is written"):
        file_to_write(tmp_path / "pipe", "1")


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(PermissionError, match=f"Permission denied: '{tmp_path}'"):
        file_to_write(tmp_path / "a.json", "1")


def test_an_error_leaves_the_last_good_file_and_nothing_else(tmp_path):
    write_json(tmp_path / "a.json", {"good": 1})
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.json") as unfinished:
        unfinished.write_text("half of")
        1 / 0  # noqa: B018
    assert names(tmp_path) == ["a.json"] and "good" in (tmp_path / "a.json").read_text()


@pytest.mark.parametrize(
    "write",
    [
        "write_arrays(path, {'a': np.random.default_rng(0).random(10_000)})",
        "write_json(path, {'a': list(range(10_000))})",
    ],
    ids=["arrays", "json"],
)
def test_a_full_disk_is_one_error_that_names_the_file(write, tmp_path):
    file = tmp_path / "file.npz"
    file.write_text("the last good one")
    code = f"""
import sys, numpy as np
from pathlib import Path
from atr.files import *
path = Path(sys.argv[1])
try:
    {write}
except OSError as error:
    print(error)
"""
    done = limited(code, file)
    assert done.stdout == f"[Errno {errno.EFBIG}] File too large: '{file}'\n", done.stderr
    assert names(tmp_path) == ["file.npz"] and file.read_text() == "the last good one"


def test_a_file_that_cannot_be_made_is_named_and_not_its_unfinished_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"'{tmp_path / 'nowhere' / 'a.json'}'"):
        write_json(tmp_path / "nowhere" / "a.json", {})


def test_a_checkpoint_on_a_full_disk_leaves_the_one_before(tmp_path, tiny):
    import atr

    folder = atr.save_checkpoint(tmp_path / "net", tiny(), labels=list("abcde"), note="good")
    code = """
import sys, atr
model = atr.create_model("tsn_resnet18", num_classes=5, num_frames=4, width=0.125)
try:
    atr.save_checkpoint(sys.argv[1], model, labels=list("abcde"))
except OSError as error:
    print(error)
"""
    done = limited(code, folder)
    assert str(folder) in done.stdout and "File too large" in done.stdout, done.stderr
    assert names(tmp_path) == ["net"] and atr.load_checkpoint(folder).facts["note"] == "good"


def test_files_of_a_folder_that_exists_are_replaced_together_and_others_stay(tmp_path):
    folder = tmp_path / "out"
    for text in ("first", "second"):
        with filled_folder(folder) as unfinished:
            (unfinished / "a").write_text(text)
            (unfinished / "b").write_text(text)
            if text == "second":
                assert (folder / "a").read_text() == "first"
        (folder / "mine").write_text("not of the command")
    assert names(tmp_path) == ["out"] and names(folder) == ["a", "b", "mine"]
    assert (folder / "a").read_text() == (folder / "b").read_text() == "second"
    with pytest.raises(ZeroDivisionError), filled_folder(folder) as unfinished:
        (unfinished / "a").write_text("third")
        1 / 0  # noqa: B018
    assert names(folder) == ["a", "b", "mine"] and (folder / "a").read_text() == "second"
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file is not a folder"), filled_folder(tmp_path / "file"):
        pass


def test_what_a_killed_process_left_goes_with_the_next_writing_of_the_same(tmp_path):
    code = """
import sys, time
from pathlib import Path
from atr.files import *
folder = Path(sys.argv[1])
with whole_file(folder / "a.json") as file, whole_folder(folder / "net") as inside:
    file.write_text("half"), (inside / "weights").write_text("half"), (folder / "ready").touch()
    time.sleep(600)
"""
    pid = killed(code, tmp_path)
    left = names(tmp_path)
    gone = f"{MACHINE}.{pid}"
    assert len(left) == 2 and all(f"-{gone}" in name for name in left)
    own = f".a-{this_process()}.unfinished.json"  # of a process that lives, as another thread's would be
    strangers = [f".a-{gone}.txt", f".b-{gone}.unfinished.json", f".net-{gone}", "a-1.unfinished.json", own]
    for name in strangers:
        (tmp_path / name).touch()
    with whole_folder(tmp_path / "net") as inside:
        (inside / "weights").write_text("whole")
    write_json(tmp_path / "b.txt", {})
    assert f".a-{gone}.unfinished.json" in names(tmp_path)  # of a file that nobody has written yet
    (tmp_path / own).unlink()
    write_json(tmp_path / "a.json", {})
    assert names(tmp_path) == sorted([*strangers[:-1], "a.json", "b.txt", "net"])


def test_what_another_machine_is_writing_stays_for_a_day(tmp_path):
    theirs = tmp_path / ".a-node_7.example.1.unfinished.json"
    theirs.touch()
    write_json(tmp_path / "a.json", {})
    assert names(tmp_path) == [theirs.name, "a.json"]
    long_ago = time.time() - 90_000
    os.utime(theirs, (long_ago, long_ago))
    write_json(tmp_path / "a.json", {})
    assert names(tmp_path) == ["a.json"]


def test_a_number_that_json_has_not_is_refused_and_the_file_stays(tmp_path):
    write_json(tmp_path / "a.json", {"good": 1})
    with pytest.raises(ValueError, match=r"a.json is not written: Out of range float values"):
        write_json(tmp_path / "a.json", {"good": float("nan")})
    assert names(tmp_path) == ["a.json"] and "1" in (tmp_path / "a.json").read_text()


def test_a_process_killed_between_the_two_steps_of_replacing_a_folder_loses_no_version(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "weights").write_text("good")
    code = """
import os, sys, time
from pathlib import Path
from atr.files import *
folder, replace = Path(sys.argv[1]), os.replace
def slow(source, target):
    replace(source, target)
    (folder / "ready").touch()
    time.sleep(600)
os.replace = slow
with whole_folder(folder / "net") as inside:
    (inside / "weights").write_text("new")
"""
    killed(code, tmp_path)
    assert not (tmp_path / "net").exists()
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "net"):
        1 / 0  # noqa: B018
    assert names(tmp_path) == ["net"] and (tmp_path / "net" / "weights").read_text() == "good"


def test_a_file_has_its_blocks_before_it_is_mapped(tmp_path):
    array = np.lib.format.open_memmap(tmp_path / "a.npy", mode="w+", dtype=np.uint8, shape=(3_000_000,))
    array.flush()
    head = (tmp_path / "a.npy").read_bytes()[:200]
    assert (tmp_path / "a.npy").stat().st_blocks * 512 < 3_000_000
    reserve(tmp_path / "a.npy")
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 3_000_000
    assert (tmp_path / "a.npy").read_bytes()[:200] == head and not np.load(tmp_path / "a.npy").any()


def test_blocks_are_written_where_they_cannot_be_reserved(tmp_path, monkeypatch):
    array = np.lib.format.open_memmap(tmp_path / "a.npy", mode="w+", dtype=np.uint8, shape=(3_000_000,))
    array[:5] = 7
    array.flush()

    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    reserve(tmp_path / "a.npy")
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= 3_000_000
    assert np.load(tmp_path / "a.npy")[:6].tolist() == [7] * 5 + [0]


def test_a_full_disk_ends_no_rendering_with_a_bus_error(tmp_path):
    """1.1 MB of frames on a disk of 1 MB, in processes of their own as in this one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        write_arrays(disk / "good.npz", {"a": np.arange(3)})
        code = """
import sys
from atr.tabletop.writing import render_batch_cache
try:
    render_batch_cache(sys.argv[1], range(40), num_frames=8, size=34)
except OSError as error:
    print(error)
"""
        done = subprocess.run(
            [sys.executable, "-c", code, str(disk)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("[Errno 28] No space left on device: '") and "tabletop-" in done.stdout
        assert names(disk) == ["good.npz"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)
