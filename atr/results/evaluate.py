"""Class scores of a model over a set of clips: quick ones while training, and whole predictions under a protocol."""

import time
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from atr.data.clips import ClipDataset
from atr.models import VideoClassifier
from atr.preprocessing import Preprocessing
from atr.results.passes import per_clip
from atr.results.predict import PROBABILITIES, class_probabilities, evaluating, view_probabilities
from atr.results.processes import process_state
from atr.results.scores import Scores
from atr.video.protocol import Protocol


def class_scores(
    model: nn.Module,
    loader: DataLoader,
    preprocessing: Preprocessing,
    accelerator: Accelerator,
    progress: bool = True,
) -> Scores:
    """One view a clip (protocol 1×1). Under several processes each scores its share; all get the whole."""
    hidden = not (progress and accelerator.is_main_process)
    found = []
    with evaluating(model):
        for frames, targets, _ in tqdm(loader, desc="evaluate", unit="batch", leave=False, disable=hidden):
            with accelerator.autocast():
                # the network, or what accelerate has wrapped around it
                scores = class_probabilities(cast(VideoClassifier, model), frames, preprocessing)
            found.append([part.cpu() for part in accelerator.gather_for_metrics((scores, targets))])
    scores, targets = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return Scores(scores, targets)


class Views(Dataset):
    """The clips as a protocol shows them: items (frames uint8 (V, T, h, w, 3), label, index)."""

    def __init__(self, clips: ClipDataset, protocol: Protocol):
        self.clips, self.protocol = clips, protocol

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[Tensor, int, int]:
        views = torch.from_numpy(self.clips.views(index, self.protocol))
        return views, int(self.clips.targets[index]), index


def view_scores(
    model: VideoClassifier, clips: ClipDataset, protocol: Protocol, average: str = PROBABILITIES, **options
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Class probabilities of every clip, averaged over the views of a protocol; float32 arithmetic.

    average: of `view_probabilities`. options: of `pass_over`.

    Returns:
        {"scores": float32 (N, num_classes), "seconds": float64 (N,), what the network took, "index": (N,)}, and
        {index: message} of the clips that could not be read.
    """
    model.to(process_state().device)

    def compute(frames: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        started = time.perf_counter()
        scores = view_probabilities(model, frames, average).cpu().numpy()
        seconds = (time.perf_counter() - started) / len(frames)
        return {"scores": scores, "seconds": np.full(len(frames), seconds)}

    with evaluating(model):
        return per_clip(Views(clips, protocol), compute, **options)
