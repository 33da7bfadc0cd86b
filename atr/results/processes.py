"""Devices, and this process among those of torchrun."""

from collections.abc import Callable
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

Found = TypeVar("Found")


def process_state() -> PartialState:
    """This process among those of `torchrun`; without an accelerator it must be told to use the CPU, or each is alone."""
    return PartialState(cpu=not torch.accelerator.is_available())


def found_once(state: PartialState, find: Callable[[], Found]) -> Found:
    """What the main process finds, in every process; the others do not look, they are sent it.

    So the files of a data set are listed and asked about once, not once a process.

    Raises:
        ValueError, OSError: the main process did, in every process the same.
    """
    if state.num_processes == 1:
        return find()
    sent: list = [None, None]
    if state.is_main_process:
        try:
            sent[0] = find()
        except (ValueError, OSError) as error:
            sent[1] = error
    found, error = broadcast_object_list(sent)
    if error is not None:
        raise error
    return found


def device_named(name: str) -> torch.device:
    """Raises ValueError for a device this machine has not."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA raises AssertionError
        raise ValueError(f"device {name!r} cannot be used here: {str(error).splitlines()[0]}") from error


def device_name(device: torch.device) -> str:
    """As its maker calls it, where that is known; else its kind."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
