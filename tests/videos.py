"""A video read, or shown to a network, in one call."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from atr.models import VideoClassifier
from atr.preprocessing import Preprocessing
from atr.results.predict import PROBABILITIES, video_views, view_probabilities
from atr.video.decoding import VideoInfo, open_video
from atr.video.protocol import SINGLE_VIEW, Protocol
from atr.video.transforms import cut_view, normalise


def decode(path: Path, indices=None, **options) -> np.ndarray:
    """Its frames, all where indices is None, uint8 RGB (L, H, W, 3). options: of `open_video`."""
    with open_video(path, **options) as video:
        return video.frames(indices)


def check(path: Path, **options) -> VideoInfo:
    """What is known of it once every frame was decoded. options: of `open_video`."""
    with open_video(path, **options) as video:
        video.check()
        return video.info


def preprocess(frames: np.ndarray, preprocessing: Preprocessing, view: str = "crop") -> Tensor:
    """A network's input: frames uint8 (L, H, W, 3) -> float32 (L, 3, h, w)."""
    return normalise(cut_view(frames, preprocessing, view), preprocessing)


def predict(
    model: VideoClassifier, video: Path, protocol: Protocol = SINGLE_VIEW, average: str = PROBABILITIES
) -> np.ndarray:
    """Class probabilities, float32 (num_classes,)."""
    views = torch.from_numpy(video_views(model, video, protocol).frames)
    return view_probabilities(model, views[None], average)[0].numpy()
