"""Devices, and this process among those of torchrun."""

import torch
from accelerate import PartialState


def process_state() -> PartialState:
    """This process among those of `torchrun`; without an accelerator it must be told to use the CPU, or each is alone."""
    return PartialState(cpu=not torch.accelerator.is_available())


def device_named(name: str) -> torch.device:
    """Raises ValueError for a device this machine has not."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA raises AssertionError
        raise ValueError(f"device {name!r} cannot be used here: {str(error).splitlines()[0]}") from error


def device_name(device: torch.device) -> str:
    """As its maker calls it, where that is known; else its kind."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
