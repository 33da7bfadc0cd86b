"""Devices, and the processes of torchrun on them."""

import pytest
import torch

from atr.results import processes
from atr.results.processes import must_use_cpu, whole_float32
from atr.results.store import software


@pytest.mark.parametrize(
    ("started", "gpus", "mac", "cpu"),
    [
        (1, 0, False, True),
        (2, 0, False, True),
        (1, 1, False, False),
        (2, 2, False, False),
        (1, 1, True, False),
        (2, 1, True, True),
    ],
)
def test_which_processes_compute_on_the_cpu(started, gpus, mac, cpu, monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(started))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mac)
    assert must_use_cpu() == cpu


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    with pytest.raises(
        ValueError, match="3 processes were started for 2 GPUs; allowed: up to 2, or any number on"
    ):
        must_use_cpu()


def test_convolutions_are_in_float32_within_and_as_before_after():
    before = torch.backends.cudnn.allow_tf32
    with whole_float32():
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before


def test_a_result_names_the_gpu_it_was_computed_on(monkeypatch):
    assert software().keys() == {"av", "opencv", "torch", "machine"}
    monkeypatch.setattr(processes.torch.cuda, "get_device_name", lambda device: "a card")
    assert software(torch.device("cuda"))["device"] == "a card"
