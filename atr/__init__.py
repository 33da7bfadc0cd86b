"""Action-centric temporal reasoning: the ATR block, its networks and their checkpoints."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atr.block import ATRConfig
    from atr.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
    from atr.inference import optimised
    from atr.models import MODELS, ModelConfig, create_model
    from atr.preprocessing import Preprocessing
    from atr.sampling import Sampling

__version__ = "0.1.0"

__all__ = [
    "MODELS",
    "ATRConfig",
    "CheckpointError",
    "ModelConfig",
    "Preprocessing",
    "Sampling",
    "__version__",
    "create_model",
    "load_checkpoint",
    "optimised",
    "save_checkpoint",
]

PLACES = {
    "ATRConfig": "block",
    "CheckpointError": "checkpoint",
    "MODELS": "models",
    "ModelConfig": "models",
    "Preprocessing": "preprocessing",
    "Sampling": "sampling",
    "create_model": "models",
    "load_checkpoint": "checkpoint",
    "optimised": "inference",
    "save_checkpoint": "checkpoint",
}


def __getattr__(name: str):
    """Imported when first used (PEP 562): the help of the commands needs no torch, which takes seconds to import."""
    if name in PLACES:
        value = getattr(import_module(f"atr.{PLACES[name]}"), name)
    elif find_spec(f"atr.{name}") is not None:  # `atr.models` after `import atr` alone
        value = import_module(f"atr.{name}")
    else:
        raise AttributeError(f"module 'atr' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
