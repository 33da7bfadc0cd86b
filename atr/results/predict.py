"""From clips to class probabilities; single videos that belong to no list."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from atr.data.listing import contents, videos_below
from atr.data.unused import Left, Unused
from atr.models import VideoClassifier
from atr.options import require
from atr.preprocessing import Preprocessing
from atr.video.decoding import VIDEO_SUFFIXES, open_video
from atr.video.frame_folder import numbered_frames
from atr.video.protocol import SINGLE_VIEW, Protocol
from atr.video.transforms import normalise

PROBABILITIES = "probabilities"
AVERAGES = (PROBABILITIES, "logits")


def require_evaluation(model: nn.Module) -> None:
    """Raises ValueError for a model in training mode, whose answers are others and which changes with each of them."""
    if model.training:
        raise ValueError("the model is in training mode; call model.eval() first")


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Within, the model is in evaluation mode; after it, each of its modules is in the mode that it was in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def class_logits(
    model: VideoClassifier, clips: Tensor | np.ndarray, preprocessing: Preprocessing | None = None
) -> Tensor:
    """One view of clips as a data set gives it, uint8 (N, T, h, w, 3) -> float32 (N, num_classes) on the model's device.

    model: in evaluation mode. preprocessing: the model's own when None. Raises ValueError for a model in training mode.
    """
    require_evaluation(model)
    device = next(model.parameters()).device
    if isinstance(clips, np.ndarray):
        clips = torch.from_numpy(np.ascontiguousarray(clips))
    with torch.inference_mode():
        return model(normalise(clips.to(device), preprocessing or model.preprocessing)).float()


def class_probabilities(
    model: VideoClassifier, clips: Tensor | np.ndarray, preprocessing: Preprocessing | None = None
) -> Tensor:
    """The softmax of `class_logits`. Raises ValueError where it is no number, and as `class_logits`."""
    with torch.inference_mode():
        return softmax(class_logits(model, clips, preprocessing))


def softmax(logits: Tensor) -> Tensor:
    scores = logits.softmax(dim=1)
    require_numbers(scores, "class scores")
    return scores


def require_numbers(values: Tensor, what: str) -> None:
    """Raises ValueError where some of a network's values are infinite or NaN."""
    if not values.isfinite().all():
        raise ValueError(
            f"the network's {what} are no numbers: its values overflow, as after a training that diverged"
        )


def view_probabilities(model: VideoClassifier, views: Tensor, average: str = PROBABILITIES) -> Tensor:
    """uint8 (N, V, T, h, w, 3) -> float32 (N, num_classes), averaged over the V views of a clip.

    One view after the other: thirty views of a batch at once do not fit every machine.

    average: one of AVERAGES: "probabilities", the softmax of every view, as mmaction2 does; "logits", whose mean has the
        softmax taken of, as TSM does. Of a single view the two are the same.

    Raises:
        ValueError: `average` is unknown, and as `class_probabilities`.
    """
    require("average", average, AVERAGES)
    if average == PROBABILITIES:
        return (
            reduce(torch.add, (class_probabilities(model, view) for view in views.unbind(1))) / views.shape[1]
        )
    with torch.inference_mode():
        logits = reduce(torch.add, (class_logits(model, view) for view in views.unbind(1))) / views.shape[1]
        return softmax(logits)


def search_videos(names: list[str], *, follow_outside: bool = False) -> tuple[list[Path], Unused]:
    """The videos that names of files, folders (searched to their depths) and glob patterns stand for, each once, and what
    else lies in the folders.

    follow_outside: follow the links in a folder that lead out of it.

    Raises:
        ValueError: a name stands for no video.
    """
    found: dict[str, Path] = {}  # by where it lies: one video may be named in several ways
    unused: dict[Left, None] = {}
    for name in names:
        paths = [Path(name)] if Path(name).exists() else [Path(path) for path in sorted(glob.glob(name))]
        videos: list[Path] = []
        left: list[Left] = []
        for path in paths:
            if path.is_dir() and (contents(path).videos or not numbered_frames(path)):
                inside, others = videos_below(path, follow_outside=follow_outside)
                videos += [path / video for video in inside]
                left += [(why, str(path / other)) for why, other in others]
            else:  # a file, or a video as a folder of frames
                videos.append(path)
        if not videos:
            kinds = ", ".join(suffix.removeprefix(".") for suffix in VIDEO_SUFFIXES)
            beside = f"; {Unused.of(left)}" if left else ""
            raise ValueError(
                f"{name!r} is no video, no folder with videos and no pattern that finds any; videos: {kinds}{beside}"
            )
        for video in videos:
            found.setdefault(os.path.abspath(video), video)
        unused.update(dict.fromkeys(left))
    return list(found.values()), Unused.of(unused)


class VideoViews(NamedTuple):
    """What a model is shown of a video.

    frames: uint8 (V, T, h, w, 3). indices: int (clips, T), which of the video's `length` frames they are.
    """

    frames: np.ndarray
    indices: np.ndarray
    length: int


def video_views(
    model: VideoClassifier, video: Path, protocol: Protocol = SINGLE_VIEW, *, allow_damaged: bool = False
) -> VideoViews:
    """The views of a protocol, sampled as the model declares it.

    allow_damaged: as `open_video` has it. Raises VideoError: the file is no readable video, or damaged.
    """
    with open_video(video, allow_damaged=allow_damaged) as opened:
        chosen = protocol.indices(opened.length, model.config.num_frames, model.sampling)
        return VideoViews(protocol.views(opened, chosen, model.preprocessing), chosen, opened.length)


def distinct_names(videos: list[Path]) -> list[str]:
    """A name for each video's results: its stem, with as many folders before it as tell all of them apart."""
    whole = [Path(os.path.abspath(video)) for video in videos]  # "." has no name of its own
    for paths in ([video.with_suffix("") for video in whole], whole):
        places = [path.relative_to(path.anchor).parts for path in paths]
        for depth in range(1, max(map(len, places)) + 1):
            names = ["-".join(place[-depth:]) for place in places]
            if len(set(names)) == len(videos):
                return names
    raise ValueError(f"{len(videos)} videos have fewer names")  # not reached: each is there once
