"""Checkpoints in the root, shared by all sessions."""

import streamlit as st

from app.loading.roots import root, stamp_of
from atr.checkpoint import CONFIG, WEIGHTS, CheckpointError, load_checkpoint, read_config
from atr.describe import Description, describe
from atr.models import ModelConfig, VideoClassifier

WHAT_IS_A_CHECKPOINT = (
    f"A checkpoint is a folder with {CONFIG} and {WEIGHTS}, as python -m atr train writes it."
)
FIRST_CHECKPOINT = "tabletop-atr"  # shown on the first launch when it is there


def checkpoint_names() -> list[str]:
    """Every folder in the root, whole checkpoint or not, with the one for the first launch in front."""
    folder = root("checkpoints")
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(
        (name for name in names if not name.startswith(".")),
        key=lambda name: (name != FIRST_CHECKPOINT, name),
    )


def no_checkpoint() -> str:
    return (
        f"There is no checkpoint in {root('checkpoints')}. {WHAT_IS_A_CHECKPOINT} "
        "ATR_CHECKPOINTS sets where they are looked for."
    )


def whole_checkpoint(name: str) -> bool:
    """Whether its configuration can be read; the weights are checked when it is loaded."""
    try:
        read_config(root("checkpoints") / name)
    except CheckpointError:
        return False
    return (root("checkpoints") / name / WEIGHTS).is_file()


def reasons_by_graph(name: str) -> bool:
    """Whether a checkpoint's configuration has a graph reasoner; False for one that cannot be read."""
    try:
        config = read_config(root("checkpoints") / name)["model"]
        return config["block"] is not None and config["atr"]["reasoner"] == "gr"
    except (CheckpointError, KeyError, TypeError):
        return False


def model(name: str) -> VideoClassifier:
    """The model of a checkpoint, shared by all sessions. Raises CheckpointError."""
    folder = root("checkpoints") / name
    try:
        return _model(str(folder), checkpoint_stamp(name))
    except CheckpointError as error:
        raise CheckpointError(f"{error}. {WHAT_IS_A_CHECKPOINT}") from error


def checkpoint_stamp(name: str) -> str:
    """Changes whenever the checkpoint does. Raises CheckpointError when there is none."""
    folder = root("checkpoints") / name
    digest = read_config(folder)["weights_sha256"]
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(f"{folder} has no {WEIGHTS}: it is not a checkpoint folder of this package")
    return f"{digest} {stamp_of(folder / CONFIG)} {stamp_of(folder / WEIGHTS)}"


@st.cache_resource(max_entries=16, show_spinner="Loading the checkpoint …")
def _model(folder: str, stamp: str) -> VideoClassifier:
    return load_checkpoint(folder)


@st.cache_data(max_entries=64, show_spinner="Counting parameters and multiply-accumulates …")
def description(config: dict, size: int) -> Description:
    return describe(ModelConfig.from_dict(config), size)
