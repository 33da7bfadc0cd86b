"""The Fig-5 score of a network's blocks: does raw M show where AND when, on one scale for all frames of a clip?

The paper's Fig 5 shows raw M: bright on the acting hand, dark everywhere in idle frames. As a number: the average
precision of the map, brought to the picture bilinearly, as a classifier of (frame, pixel). Positive is the hand and what
it acts on, in frames in which it acts; all else is negative, idle frames altogether.
"""

from contextlib import ExitStack
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from atr.models import VideoClassifier
from atr.preprocessing import Preprocessing
from atr.tabletop import Clip, render_clip, split_seed
from atr.tabletop.cast import ACTED, HAND
from atr.video.transforms import normalise


@dataclass(frozen=True)
class Ranking:
    """Positions from the highest score to the lowest. Equal scores are one threshold, which passes all or none of them.

    order: int (P,), the positions. ends: where in it the last one of each distinct score stands.
    """

    order: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> "Ranking":
        order = np.argsort(-scores, axis=None)
        return cls(order, np.append(np.flatnonzero(np.diff(scores.ravel()[order])), scores.size - 1))

    def average_precision(self, positives: np.ndarray, among: np.ndarray | None = None) -> float:
        """Sum over distinct thresholds of (R_n - R_{n-1})·P_n, exact; of bool positives (P,).

        among: bool (P,), the positions that are ranked, as if there were no others; by default all. nan where no
        positive is among them.
        """
        if among is None:
            hits, guesses = positives, self.ends + 1
        else:
            hits, guesses = positives & among, np.cumsum(among.ravel()[self.order])[self.ends]
        found = np.cumsum(hits.ravel()[self.order])[self.ends]
        if not found[-1]:
            return float("nan")
        precision, recall = found / np.maximum(guesses, 1), found / found[-1]
        return float((np.diff(recall, prepend=0) * precision).sum())

    def pointing(self, positives: np.ndarray) -> float:
        """Share of the strongest positions (one, unless they tie) that are positive."""
        return float(positives.ravel()[self.order[: self.ends[0] + 1]].mean())


def fig5_of_blocks(
    model: VideoClassifier, preprocessing: Preprocessing, *, split: str = "dev", num_clips: int = 100
) -> dict[str, float]:
    """Block with actionness -> mean score over the first rendered clips of a split, those without an action left out.

    Cells lie edge to edge. {} of a network without such a block.

    Args:
        model: in evaluation mode, on any device.
    """
    device, locators, maps = next(model.parameters()).device, model.locators, {}
    scores: list[list[float]] = []
    with ExitStack() as hooks:
        for name, locator in locators.items():
            hooks.enter_context(
                locator.register_forward_hook(
                    lambda _, inputs, output, name=name: maps.update({name: output})
                )
            )
        for index in range(num_clips if locators else 0):
            clip = render_clip(
                split_seed(split, index), num_frames=model.config.num_frames, size=preprocessing.crop
            )
            positives = positives_of(clip)
            if not positives.any():
                continue
            with torch.inference_mode():
                model(normalise(clip.frames[None], preprocessing).to(device))
            scores.append([average_precision(m[:, 0], positives) for m in maps.values()])
    return dict(zip(maps, np.mean(scores, axis=0).tolist(), strict=True)) if scores else {}


def positives_of(clip: Clip) -> np.ndarray:
    """The hand and what it acts on, in frames in which it acts: bool (T, H, W) of a rendered clip."""
    return np.isin(clip.masks, (ACTED, HAND)) & clip.acting[:, None, None]


def average_precision(m: Tensor, positives: np.ndarray) -> float:
    """Raw M (T, h, w) against bool (T, H, W)."""
    size = positives.shape[:0:-1]  # OpenCV's (width, height)
    maps = [cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) for frame in m.float().cpu().numpy()]
    return Ranking.of(np.stack(maps)).average_precision(positives)
