"""From clips to class probabilities; single videos that belong to no list."""

import glob
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from atr.models import VideoClassifier
from atr.preprocessing import Preprocessing
from atr.video.decoding import VIDEO_SUFFIXES, probe
from atr.video.frame_folder import numbered_frames
from atr.video.protocol import Protocol
from atr.video.transforms import normalised, to_unit


def class_probabilities(
    model: VideoClassifier, clips: Tensor | np.ndarray, preprocessing: Preprocessing | None = None
) -> Tensor:
    """One view of clips as a data set gives it, uint8 (N, T, h, w, 3) -> float32 (N, num_classes) on the model's device.

    model: in evaluation mode. preprocessing: the model's own when None.
    """
    device = next(model.parameters()).device
    if isinstance(clips, np.ndarray):
        clips = torch.from_numpy(np.ascontiguousarray(clips))
    with torch.inference_mode():
        logits = model(normalised(to_unit(clips.to(device)), preprocessing or model.preprocessing))
        return logits.float().softmax(dim=1)


def view_probabilities(model: VideoClassifier, views: Tensor) -> Tensor:
    """uint8 (N, V, T, h, w, 3) -> float32 (N, num_classes), averaged over the V views of a clip.

    One view after the other: thirty views of a batch at once do not fit every machine.
    """
    return reduce(torch.add, (class_probabilities(model, view) for view in views.unbind(1))) / views.shape[1]


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
    length, num_frames = probe(video).length, model.config.num_frames
    views = protocol.views(video, length, num_frames, model.preprocessing, sampling)
    return view_probabilities(model, torch.from_numpy(views)[None])[0].cpu().numpy()


def distinct_names(videos: list[Path]) -> list[str]:
    """A name for each video's results: its stem, with as many folders before it as tell all of them apart."""
    for paths in ([video.with_suffix("") for video in videos], videos):
        for depth in range(1, max(len(path.parts) for path in paths) + 1):
            names = ["-".join(path.parts[-depth:]).strip("/-") for path in paths]
            if len(set(names)) == len(videos):
                return names
    raise ValueError(f"{len(videos)} videos have fewer names")  # not reached: each is there once


def _videos_at(path: Path) -> list[Path]:
    if path.is_dir() and numbered_frames(path):  # a video as a folder of frames
        return [path]
    if path.is_dir():
        return sorted(inside for inside in path.rglob("*") if inside.suffix.lower() in VIDEO_SUFFIXES)
    return [path]
