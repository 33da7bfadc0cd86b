"""What a training tells of its waits."""

import sys

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
