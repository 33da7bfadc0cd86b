"""Class scores of a model over a set of clips: quick ones while training, and whole predictions under a protocol."""

import time
from dataclasses import dataclass

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
from atr.results.processes import process_state
from atr.video.protocol import Protocol
from atr.video.transforms import normalised, to_unit


@dataclass(frozen=True)
class Scores:
    """logits (N, num_classes) float32 and labels (N,), in the order of the data."""

    logits: np.ndarray
    labels: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        return self.logits.argmax(1)

    def top(self, k: int) -> float:
        """Share of clips whose label is among the k highest logits."""
        best = np.argsort(-self.logits, axis=1, kind="stable")[:, :k]
        return float((best == self.labels[:, None]).any(1).mean())

    def within_pairs(self, reversed_classes: tuple[int, ...]) -> float:
        """Share of clips called by their class or by its time reversal: what needs no order of frames."""
        images = np.asarray(reversed_classes)[self.labels]
        return float(((self.predicted == self.labels) | (self.predicted == images)).mean())


def class_scores(
    model: nn.Module,
    loader: DataLoader,
    preprocessing: Preprocessing,
    accelerator: Accelerator,
    progress: bool = True,
) -> Scores:
    """One view a clip (protocol 1×1). Under several processes each scores its share; all get the whole."""
    was_training = model.training
    model.eval()
    logits, labels = [], []
    with torch.inference_mode():
        for frames, targets, _ in tqdm(
            loader,
            desc="evaluate",
            unit="batch",
            leave=False,
            disable=not (progress and accelerator.is_main_process),
        ):
            with accelerator.autocast():
                scores = model(normalised(to_unit(frames), preprocessing))
            scores, targets = accelerator.gather_for_metrics((scores.float(), targets))
            logits.append(scores.cpu())
            labels.append(targets.cpu())
    model.train(was_training)
    return Scores(torch.cat(logits).numpy(), torch.cat(labels).numpy())


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
    model: VideoClassifier, clips: ClipDataset, protocol: Protocol, **options
) -> tuple[dict[str, np.ndarray], dict[int, str]]:
    """Class probabilities of every clip, averaged over the views of a protocol; float32 arithmetic.

    options: of `pass_over`.

    Returns:
        {"scores": float32 (N, num_classes), "seconds": float64 (N,), what the network took, "index": (N,)}, and
        {index: message} of the clips that could not be read.
    """
    device = process_state().device
    model = model.to(device).eval()

    def compute(frames: Tensor, targets: list[int], indices: list[int]) -> dict[str, np.ndarray]:
        started = time.perf_counter()
        with torch.inference_mode():
            # One view after the other: thirty views of a batch at once do not fit every machine.
            views = (normalised(to_unit(view.to(device)), model.preprocessing) for view in frames.unbind(1))
            scores = sum(model(view).softmax(dim=1) for view in views) / frames.shape[1]
            scores = scores.cpu().numpy()
        seconds = (time.perf_counter() - started) / len(frames)
        return {"scores": scores, "seconds": np.full(len(frames), seconds)}

    return per_clip(Views(clips, protocol), compute, **options)
