"""Class probabilities of single videos that belong to no list."""

import glob
from pathlib import Path

import numpy as np
import torch

from atr.models import VideoClassifier
from atr.protocol import Protocol
from atr.transforms import normalise
from atr.video import VIDEO_SUFFIXES, decode, probe


def find_videos(names: list[str]) -> list[Path]:
    """The videos that names of files, folders (searched to their depths) and glob patterns stand for, each once.

    Raises:
        ValueError: a name stands for no video.
    """
    found: dict[Path, None] = {}
    for name in names:
        paths = [Path(name)] if Path(name).exists() else [Path(path) for path in sorted(glob.glob(name))]
        videos = [video for path in paths for video in _videos_at(path)]
        if not videos:
            kinds = ", ".join(suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES)
            raise ValueError(
                f"{name!r} is no video, no folder with videos and no pattern that finds any; videos: {kinds}"
            )
        found.update(dict.fromkeys(videos))
    return list(found)


def predict(
    model: VideoClassifier,
    video: Path,
    protocol: Protocol = Protocol(),  # noqa: B008 (frozen)
    sampling: str = "uniform",
) -> np.ndarray:
    """Class probabilities of a video, float32 (num_classes,): the softmax of every view, averaged.

    Args:
        model: of a checkpoint, in evaluation mode, on any device.

    Raises:
        VideoError: the file is no readable video.
    """
    chosen = protocol.indices(probe(video).num_frames, model.config.num_frames, sampling)  # (clips, T)
    crops = protocol.cut(decode(video, chosen.ravel()), model.preprocessing)  # (crops, clips·T, h, w, 3)
    device = next(model.parameters()).device
    with torch.inference_mode():
        # One sampling after the other, each in all its crops.
        views = crops.reshape(len(crops), *chosen.shape, *crops.shape[2:]).swapaxes(0, 1)
        scores = [model(normalise(view, model.preprocessing).to(device)).softmax(1) for view in views]
    return torch.stack(scores).mean(dim=(0, 1)).cpu().numpy()


def _videos_at(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(inside for inside in path.rglob("*") if inside.suffix.lower() in VIDEO_SUFFIXES)
    return [path]
