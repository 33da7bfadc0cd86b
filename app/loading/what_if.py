"""What the page "What if" reads: sampled frames and outcomes of interventions."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

from analysis.what_if.interventions import Intervention, Outcome, intervene
from app import loading
from app.loading import Clip
from atr.preprocessing import Preprocessing
from atr.video.decoding import VideoError, decode, probe
from atr.video.sampling import uniform_indices
from atr.video.transforms import cut_view


@dataclass(frozen=True)
class Sampled:
    """The frames a checkpoint is shown of a clip: uint8 (T, H, W, 3), and their indices in the video (T,)."""

    identity: str
    frames: np.ndarray
    indices: np.ndarray


def sampled(clip: Clip, checkpoint: str) -> Sampled:
    """As in the evaluation 1×1: uniform sampling, centre crop. Raises CheckpointError and VideoError."""
    network = loading.model(checkpoint)
    try:
        status = clip.path.stat()
    except OSError as error:
        raise VideoError(f"{clip.name}: cannot be read ({error.strerror})") from error
    file = f"{clip.path} {status.st_size} {status.st_mtime_ns}"
    try:
        frames, indices = _sampled(
            file, network.config.num_frames, network.preprocessing.to_dict(), clip.path
        )
    except VideoError as error:  # an upload is known by its own name, not by the one it is kept under
        raise VideoError(str(error).replace(str(clip.path), clip.name)) from error
    return Sampled(f"{file} {loading.checkpoint_stamp(checkpoint)}", frames, indices)


@st.cache_data(max_entries=16, show_spinner="Reading the frames …")
def _sampled(file: str, num_frames: int, preprocessing: dict, _path: Path) -> tuple[np.ndarray, np.ndarray]:
    indices = uniform_indices(probe(_path).length, num_frames)
    return cut_view(decode(_path, indices), Preprocessing.from_dict(preprocessing)), indices


def outcome(clip: Sampled, checkpoint: str, intervention: Intervention) -> Outcome:
    """One forward pass, two where maps rank what is hidden. Raises CheckpointError, and ValueError as `intervene`."""
    network = loading.model(checkpoint)
    return _outcome(clip.identity, dataclasses.asdict(intervention), network, clip.frames, intervention)


@st.cache_data(max_entries=128, show_spinner=False)
def _outcome(
    identity: str, settings: dict, _network, _frames: np.ndarray, _intervention: Intervention
) -> Outcome:
    return intervene(_network, _frames, _intervention)
