"""Checkpoints in the root, shared by all sessions."""

from functools import lru_cache
from pathlib import Path

import streamlit as st

from app.loading.roots import root, stamp_of
from atr.checkpoint import CONFIG, WEIGHTS, CheckpointError, load_checkpoint, readable_checkpoints
from atr.data.names import TABLETOP
from atr.describe import Description, describe
from atr.files import stamp
from atr.inference import for_inference
from atr.models import ModelConfig, VideoClassifier
from atr.preprocessing import Preprocessing

WHAT_IS_A_CHECKPOINT = (
    f"A checkpoint is a folder with {CONFIG} and {WEIGHTS}, as python -m atr train writes it."
)
FIRST_CHECKPOINT = "tabletop-tsm-atr"  # shown on the first launch when it is there: its maps locate best


def checkpoint_names() -> list[str]:
    """Every folder in the root, whole checkpoint or not, with the one for the first launch in front."""
    folder = root("checkpoints")
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(
        (name for name in names if not name.startswith(".")),
        key=lambda name: (name != FIRST_CHECKPOINT, name),
    )


def no_checkpoint() -> str:
    folder = root("checkpoints")
    if (folder / CONFIG).is_file():
        return f"{folder} is a checkpoint itself. Set ATR_CHECKPOINTS to the folder that it lies in: {folder.parent}."
    return f"There is no checkpoint in {folder}. {WHAT_IS_A_CHECKPOINT} ATR_CHECKPOINTS sets the folder."


def configuration(name: str) -> dict:
    """config.json of a folder with a whole file of weights; not to be changed. Raises CheckpointError."""
    folder = root("checkpoints") / name
    return _configuration(folder, stamp(folder / CONFIG), stamp(folder / WEIGHTS))


@lru_cache(maxsize=1024)
def _configuration(folder: Path, *stamps: str) -> dict:
    found, faults = readable_checkpoints([folder])
    if folder in faults:
        raise CheckpointError(f"{faults[folder]}. {WHAT_IS_A_CHECKPOINT}")
    return found[folder]


def whole_checkpoint(name: str) -> bool:
    """Whether its configuration and the header of its weights can be read; they are checked when it is loaded."""
    try:
        configuration(name)
    except CheckpointError:
        return False
    return True


def model_config(name: str) -> ModelConfig | None:
    """Of a checkpoint's network; None where it cannot be read, which the page "Checkpoints" tells."""
    try:
        return ModelConfig.from_dict(configuration(name)["model"])
    except (CheckpointError, TypeError):
        return None


def learnt_from_videos(name: str) -> bool:
    """Whether it has maps, and is recorded to have learnt from videos and not from the rendered demo set."""
    try:
        config = configuration(name)
    except CheckpointError:
        return False
    training = config.get("training")
    data = training.get("data") if isinstance(training, dict) else None
    return config["model"]["block"] == "atr" and isinstance(data, str) and data != TABLETOP


def megabytes(name: str) -> float:
    """Of the file of weights. Raises OSError."""
    return (root("checkpoints") / name / WEIGHTS).stat().st_size / 1e6


def model(name: str) -> VideoClassifier:
    """The model of a checkpoint, optimised for inference, shared by all sessions. Raises CheckpointError."""
    stamp = checkpoint_stamp(name)
    try:
        return _model(str(root("checkpoints") / name), stamp)
    except CheckpointError as error:
        raise CheckpointError(f"{error}. {WHAT_IS_A_CHECKPOINT}") from error


def checkpoint_stamp(name: str) -> str:
    """Changes whenever the checkpoint does. Raises CheckpointError when there is none."""
    folder, digest = root("checkpoints") / name, configuration(name)["weights_sha256"]
    return f"{digest} {stamp_of(folder / CONFIG)} {stamp_of(folder / WEIGHTS)}"


@st.cache_resource(max_entries=16, show_spinner="Loading the checkpoint …")
def _model(folder: str, stamp: str) -> VideoClassifier:
    return for_inference(load_checkpoint(folder), "float32")


def description(config: dict) -> Description:
    """Blocks and costs of a configuration, for one clip of the size it takes. Raises CheckpointError."""
    try:
        return _description(config["model"], Preprocessing.from_dict(config["preprocessing"]).crop)
    except (TypeError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"No network of this package has this configuration: {error}") from error


@st.cache_data(max_entries=512, show_spinner="Counting parameters and multiply-accumulates …")
def _description(model: dict, size: int) -> Description:
    return describe(ModelConfig.from_dict(model), size)
