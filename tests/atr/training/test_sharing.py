"""Of two processes the main one opens a data set, and the other is sent it, or the error."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import atr
from atr.video.encoding import write_mp4

SCRIPT = Path(__file__).with_name("sharing_processes.py")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What each of two processes wrote down: of a folder of eight clips, and of one with an empty file in it."""
    folder = tmp_path_factory.mktemp("shared")
    for label in ("move left", "move right"):
        (folder / "sound" / label).mkdir(parents=True)
        for clip in range(4):
            frames = np.full((6, 32, 32, 3), 20 * clip, np.uint8)
            write_mp4(folder / "sound" / label / f"{clip}.mp4", frames, fps=12)
    shutil.copytree(folder / "sound", folder / "faulty")
    network = atr.create_model("tsn_resnet18", num_classes=2, num_frames=4, width=0.125)
    atr.save_checkpoint(folder / "net", network, labels=["move left", "move right"])
    for file in (folder / "faulty").glob("*/*.mp4"):
        file.write_bytes(b"")
    root = SCRIPT.parents[3]
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    done = subprocess.run(
        [*torchrun, str(SCRIPT), str(folder)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"{process}.json").read_text()) for process in range(2)]


def test_files_are_asked_about_by_the_main_process_alone(told):
    main, other = told
    # The list is read for train, for val and for the question. The doctor looks at each of the eight clips, and the
    # digest of the question at the two of val.
    assert main["asked"] == {"read_annotations": 3, "stamp": 10, "file_fault": 8}
    assert other["asked"] == {}


def test_all_have_the_same_clips_and_classes(told):
    main, other = told
    for name in ("splits", "digest", "orders"):
        assert main[name] == other[name]
    assert [len(ids) for _, ids, _ in main["splits"]] == [6, 2, 2]
    assert main["orders"] == [[1, 0]]  # of each process's own model


def test_an_error_is_the_same_in_all(told):
    main, other = told
    for name in ("faulty", "gone", "sync_bn"):
        assert main[name] == other[name]
    assert "of the" in main["faulty"] and main["faulty"].startswith("ValueError: ")
    assert main["gone"] == "FileNotFoundError: [Errno 2] No such file or directory: 'list.json'"
    allowed = "sync_bn=True is for processes with a GPU each; allowed here: False"
    assert main["sync_bn"] == f"ValueError: {allowed}"


def test_what_all_must_find_alike_is_compared(told):
    for found in told:
        assert found["alike"] is None
        assert found["apart"] == (
            "ValueError: the processes find different things in the state, batch 0, batch 1: it must be on a disk that all of "
            "them share"
        )


def test_a_result_that_the_main_process_alone_sees_is_the_answer(told):
    """The others do not begin to compute it, which would be to wait for a main process that does not."""
    assert [found["answered"] for found in told] == [[0, 0], [0, 0]]
