"""Action-centric temporal reasoning: the ATR block, its networks and their checkpoints."""

from typing import TYPE_CHECKING

from atr.lazy import imported_when_used

if TYPE_CHECKING:
    from atr.block import ATRConfig, build_atr, build_atr_sim
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
    "build_atr",
    "build_atr_sim",
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
    "build_atr": "block",
    "build_atr_sim": "block",
    "create_model": "models",
    "load_checkpoint": "checkpoint",
    "optimised": "inference",
    "save_checkpoint": "checkpoint",
}
__getattr__, __dir__ = imported_when_used(__name__, PLACES)
