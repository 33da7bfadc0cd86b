"""Devices, and this process among those of torchrun."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather_object

Found = TypeVar("Found")

# How long a process waits for the others, such as for the main one that renders; torchrun ends all when one has failed.
PATIENCE = timedelta(days=1)


def process_state() -> PartialState:
    """This process among those of `torchrun`. Raises ValueError where these are more than the machine's GPUs."""
    return PartialState(cpu=must_use_cpu(), timeout=PATIENCE)


def must_use_cpu() -> bool:
    """Whether accelerate must be told to use the CPU, or each of several processes takes itself for the only one.

    That is so without an accelerator, and on a Mac, whose processes cannot reduce on its GPU.
    """
    started = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # by torchrun, on this machine
    gpus = torch.accelerator.device_count()
    if not gpus or (started > 1 and torch.backends.mps.is_available()):
        return True
    if started > gpus:
        raise ValueError(
            f"{started} processes were started for {gpus} GPUs; allowed: up to {gpus}, or any number on the CPU, with "
            "CUDA_VISIBLE_DEVICES= before the command"
        )
    return False


@contextmanager
def whole_float32() -> Iterator[None]:
    """Within, a GPU convolves float32 in float32, and not in TF32 of 10 bits, which is what PyTorch begins with.

    The setting is the process's: not for two threads whose blocks overlap.
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


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


def require_alike(state: PartialState, found: Any, what: str) -> None:
    """Raises ValueError, in every process the same, where they have not all found the same of `what`."""
    if state.num_processes > 1:
        of_each = gather_object([found])
        if any(each != of_each[0] for each in of_each):
            raise ValueError(
                f"the processes find different things in {what}, {', '.join(map(str, of_each))}: it must be on a disk that "
                "all of them share"
            )


def device_named(name: str) -> torch.device:
    """Raises ValueError for a device this machine has not."""
    try:
        device = torch.empty(0, device=name).device
        if device.type == "meta":
            raise RuntimeError("it computes nothing")
        return device
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA raises AssertionError
        raise ValueError(f"device {name!r} cannot be used here: {str(error).splitlines()[0]}") from error


def device_name(device: torch.device) -> str:
    """As its maker calls it, where that is known; else its kind."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
