"""What pays on many or on large GPUs: batch statistics over all processes, and a compiled network."""

from collections.abc import Callable

import torch
from accelerate import Accelerator
from torch import Tensor, nn


def require_scalable(sync_bn: bool, compile: bool, accelerator: Accelerator) -> None:
    """Raises ValueError where this machine cannot do what is asked for."""
    device = accelerator.device
    if sync_bn and accelerator.num_processes > 1 and device.type == "cpu":
        raise ValueError("sync_bn=True is for processes with a GPU each; allowed here: False")
    if compile:
        try:
            torch.compile(torch.sin)(torch.zeros(1, device=device))
        except Exception as error:  # whatever is missing: a C++ compiler, Python's headers, Triton
            told = " ".join(str(error).strip().partition("\n\n")[0].split())
            raise ValueError(
                "compile=True needs a C++ compiler that torch can use (CXX names it; g++ when not set), and on a GPU Triton; "
                f"allowed here: False. torch says: {told}"
            ) from None


def compiled(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """The network's forward pass, compiled when it is first asked for; the network itself stays as it is.

    Dropout draws what it draws in the network itself.
    """
    return torch.compile(model, options={"fallback_random": True})
