"""What a training tells of its waits."""

import errno
import resource
import sys
import threading

import pytest
import torch
from torch.utils.data import DataLoader

from atr.training import log


@pytest.mark.parametrize("idle", [True, False])
def test_a_wait_for_the_loader_counts_where_the_device_had_nothing_left_to_do(tmp_path, monkeypatch, idle):
    monkeypatch.setattr(log, "end_of_work", lambda device: lambda: idle)
    with log.TrainingLog(tmp_path, {}, torch.device("cpu"), main=False) as told:
        told.begin("clips", step=0)
        assert len(list(told.batches(DataLoader([1, 2, 3]), "clips 1/1", clips=1, left=3))) == 3
    assert told.elapsed > 0 and (told.waited > 0) is idle


def test_a_full_disk_names_the_folder_of_tensorboard(tmp_path, monkeypatch):
    failed = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    before, limit = threading.excepthook, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    folder = tmp_path / "tensorboard"
    try:
        with (
            pytest.raises(OSError, match=rf"^\[Errno {errno.EFBIG}\] File too large: '{folder}'$"),
            log.TrainingLog(tmp_path, {"long": "x" * 2000}, torch.device("cpu"), main=True) as told,
        ):
            told.begin("clips", step=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not failed and threading.excepthook == before


def test_a_cpu_has_done_what_it_was_given():
    assert log.end_of_work(torch.device("cpu"))() is True


def test_an_error_in_an_epoch_begins_a_new_line_after_the_bar(tmp_path, capfd):
    try:
        with log.TrainingLog(tmp_path, {}, torch.device("cpu"), main=True) as told:
            batches = told.batches(DataLoader([1, 2, 3]), "clips 1/1", clips=1, left=3)
            for _ in batches:
                raise ValueError("diverged")
    except ValueError as error:  # in the training loop its traceback keeps the batches, too
        print(f"error: {error}", file=sys.stderr)
    assert capfd.readouterr().err.endswith("\nerror: diverged\n")
