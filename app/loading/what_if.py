"""What the page "What if" reads: sampled frames and outcomes of interventions."""

import dataclasses

import numpy as np
import streamlit as st

from analysis.what_if.interventions import Intervention, Outcome, intervene
from app.loading.checkpoints import model
from app.loading.clips import Clip
from app.loading.looks import Progress, identity_of, own_name, progress_bar
from app.loading.turns import networks
from atr.models import VideoClassifier
from atr.video.decoding import Notice, open_video
from atr.video.protocol import evaluated_indices
from atr.video.transforms import cut_view


def sampled(clip: Clip, checkpoint: str) -> tuple[np.ndarray, np.ndarray, tuple[Notice, ...]]:
    """The frames that a checkpoint is shown of a video, uint8 (T, H, W, 3), their indices in it (T,), and its notices.

    As in the evaluation 1×1: the checkpoint's sampling, centre crop. Raises CheckpointError and VideoError.
    """
    with own_name(clip):
        return _sampled(identity_of(clip, checkpoint, "crop"), model(checkpoint), clip)


@st.cache_data(max_entries=16, show_spinner="Reading the frames …")
def _sampled(
    identity: str, _model: VideoClassifier, _clip: Clip
) -> tuple[np.ndarray, np.ndarray, tuple[Notice, ...]]:
    with open_video(_clip.source, allow_damaged=_clip.allow_damaged) as video:
        indices = evaluated_indices(video.length, _model.config.num_frames, _model.sampling)
        return cut_view(video.frames(indices), _model.preprocessing), indices, video.notices


def outcome(clip: Clip, checkpoint: str, intervention: Intervention) -> Outcome:
    """One forward pass, two where maps rank what is hidden. Raises as `sampled`, and ValueError as `intervene`."""
    frames, *_ = sampled(clip, checkpoint)
    identity = identity_of(clip, checkpoint, "crop")
    with progress_bar(f"{checkpoint} computes the class scores …") as progress:
        settings = dataclasses.asdict(intervention)
        return _outcome(identity, settings, model(checkpoint), frames, intervention, progress)


@st.cache_data(max_entries=32, show_spinner=False)
def _outcome(
    identity: str,
    settings: dict,
    _model: VideoClassifier,
    _frames: np.ndarray,
    _intervention: Intervention,
    _progress: Progress,
) -> Outcome:
    with networks.turn(_progress.waiting):
        return intervene(_model, _frames, _intervention)
