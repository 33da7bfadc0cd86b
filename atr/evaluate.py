"""Class scores of a model over a set of clips, and the accuracies read from them."""

from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from atr.transforms import Preprocessing, normalised, to_unit


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
