"""Action-centric temporal reasoning: the ATR block, its networks and their checkpoints."""

from atr.block import ATRConfig
from atr.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
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
    "save_checkpoint",
]
