"""Computations started from a page: shared, stopped, taken over, found again; never somebody else's process."""

import json
import subprocess
import sys
import threading
import time

import pytest

from app import runs
from app.runs import Run, running
from atr.files import write_json
from atr.results.store import RESULT, partial_folder

WAIT = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def started(monkeypatch):
    """The processes started in a test: they carry the arguments of the real ones, and only wait."""
    processes, popen = [], subprocess.Popen

    def waiting(command, **options):
        processes.append(popen([*WAIT, *command[3:]], **options))
        return processes[-1]

    monkeypatch.setattr(runs.subprocess, "Popen", waiting)
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "results" / "relations-net-0123")


def test_all_who_ask_at_once_share_one_run(run, started):
    everybody = [threading.Thread(target=run.start, args=(["relations", "--x"],)) for _ in range(8)]
    for one in everybody:
        one.start()
    for one in everybody:
        one.join()
    (process,) = started
    assert run.pid() == process.pid
    assert run.failure() is None


def test_the_record_of_a_dead_run_is_taken_over_by_one(run, started):
    run.start(["relations"])
    started[0].kill()
    wait_until(lambda: run.pid() is None)
    everybody = [threading.Thread(target=run.start, args=(["relations"],)) for _ in range(8)]
    for one in everybody:
        one.start()
    for one in everybody:
        one.join()
    assert len(started) == 2
    assert run.pid() == started[1].pid


def test_a_stopped_run_is_over_when_stop_returns_and_its_sums_stay(run, started):
    run.start(["relations"])
    progress = {"phase": "trained", "done": 3, "total": 9, "rate": 1.5}
    partial_folder(run.folder).mkdir()
    write_json(partial_folder(run.folder) / "progress.json", progress)
    run.stop()
    assert started[0].poll() is not None
    assert not run.record.exists()
    assert run.failure() is None
    assert run.progress() == progress
    run.start(["relations"])
    assert run.pid() == started[1].pid


def test_a_process_that_was_given_the_same_number_is_not_taken_for_the_run(run):
    run.folder.parent.mkdir()
    other = subprocess.Popen(WAIT, start_new_session=True)
    try:
        run.record.write_text(json.dumps({"pid": other.pid, "birth": "another", "arguments": []}))
        assert run.pid() is None
        run.stop()
        assert other.poll() is None  # it was left alone
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("record", ["[]", "{}", "{", '{"pid": 1}'])
def test_a_record_of_something_else_is_of_no_run(run, record):
    run.folder.parent.mkdir()
    run.record.write_text(record)
    assert run.pid() is None


def test_runs_of_a_checkpoint_are_found_again_whatever_their_settings(tmp_path, started):
    root, checkpoint = tmp_path / "results", tmp_path / "net"
    mine, other = Run(root / "relations-net-0123"), Run(root / "relations-other-4567")
    assert running(root, "relations", checkpoint) == []
    mine.start(["relations", "--num-videos", "7"])
    other.start(["relations"])
    assert running(root, "relations", checkpoint) == [mine]
    mine.stop()
    assert running(root, "relations", checkpoint) == []


@pytest.mark.parametrize("name", ["net", "net[1]", "net*"])
def test_a_checkpoint_whose_name_continues_has_runs_of_its_own(tmp_path, started, name):
    root = tmp_path / "results"
    mine, longer = Run(root / f"relations-{name}-0123"), Run(root / f"relations-{name}-sim-4567")
    mine.start(["relations"])
    longer.start(["relations"])
    assert running(root, "relations", tmp_path / name) == [mine]
    assert running(root, "relations", tmp_path / f"{name}-sim") == [longer]


def test_a_failure_is_the_last_line_and_a_result_is_none(run, started):
    run.start(["relations"])
    started[0].kill()
    wait_until(lambda: run.pid() is None)
    assert run.failure() == "the computation ended without a message"
    run.log.write_text("first\nValueError: no such data\n")
    assert run.failure() == "ValueError: no such data"
    run.folder.mkdir()
    (run.folder / RESULT).write_text("{}")
    assert run.complete
    assert run.failure() is None
