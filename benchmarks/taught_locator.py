"""How well could ARL tell the action, were it taught with the true masks? A bound for what maps may show.

    python -m benchmarks.taught_locator

A network's weights stay as they are. In the place of each block a new ARL is fitted to the features that arrive there, with
the logistic loss against the share of each cell that the acting hand and what it acts on cover, in frames in which it
acts. It is scored as the network's own M is, by the Fig-5 score, on clips that neither has seen. Where the taught one is
no better than M, features or form are the limit; where it is, the features tell more than the classification asked for.
Networks without ARL are taken too: what their features would tell. Prints a table and writes one JSON file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from analysis.localize.measures import cell_shares
from analysis.statistics import mean_estimate
from atr.checkpoint import load_checkpoint
from atr.locator import ActionRegionLocator
from atr.models import VideoClassifier
from atr.resnet import placed_blocks
from atr.results.fig5 import average_precision, positives_of
from atr.tabletop import render_clip, split_seed
from atr.video.transforms import normalise
from benchmarks.command import start
from benchmarks.measuring import write_found

FORMS = {"taught": "conv_then_diff", "taught, both neighbours": "bidirectional"}  # option `motion` of ARL
EPOCHS, BATCH, RATE = 12, 16, 1e-2
FIRST = 200  # of the split "dev": the clips before it chose recipes


@dataclass(frozen=True)
class Options:
    checkpoints: tuple[Path, ...] = tuple(
        Path("assets/checkpoints") / name
        for name in ("tabletop-atr", "tabletop-tsm-atr", "tabletop-atr-sim", "tabletop-tsm")
    )
    """networks trained on the demo set"""
    fitted: int = 800
    """clips that a locator is taught with, of tabletop:dev"""
    num_clips: int = 200
    """clips that it is judged on, the first of tabletop:val"""
    out: Path = Path("assets/results/taught-locator.json")


@dataclass(frozen=True)
class Seen:
    """What arrives at each block, float16 (N, T, C, h, w), M of those that have one (N, T, h, w), and the truth (N, T, H, W)."""

    features: dict[str, Tensor]
    own: dict[str, Tensor]
    truth: np.ndarray


def main(options: Options) -> None:
    rows = []
    for checkpoint in options.checkpoints:
        model = load_checkpoint(checkpoint)
        taught = seen_by(model, "dev", range(FIRST, FIRST + options.fitted))
        judged = seen_by(model, "val", range(options.num_clips))
        for block, features in taught.features.items():
            scores = {"own M": fig5(judged.own[block], judged.truth)} if block in judged.own else {}
            for name, motion in FORMS.items():
                arl = fitted(features, cover(taught.truth, features.shape[-2:]), motion)
                scores[name] = fig5(maps_of(arl, judged.features[block]), judged.truth)
            rows += [
                {"checkpoint": checkpoint.name, "block": block, "map": name, **score}
                for name, score in scores.items()
            ]
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))
    settings = {"fitted": options.fitted, "num_clips": options.num_clips}
    write_found({**settings, "epochs": EPOCHS, "learning_rate": RATE, "scores": rows}, options.out)


def seen_by(model: VideoClassifier, split: str, indices: Sequence[int]) -> Seen:
    slots = model.backbone.slots()
    blocks = placed_blocks(tuple(slots), model.config.placement)
    features: dict[str, list[Tensor]] = {block: [] for block in blocks}
    own: dict[str, list[Tensor]] = {}
    hooks = [
        slots[block].register_forward_pre_hook(
            lambda _, inputs, block=block: features[block].append(inputs[0].half())
        )
        for block in blocks
    ]
    hooks += [
        locator.register_forward_hook(
            lambda _, inputs, m, block=block: own.setdefault(block, []).append(m[:, 0])
        )
        for block, locator in model.locators.items()
    ]
    truth = []
    try:
        for index in tqdm(indices, unit="clip", desc=split):
            clip = render_clip(
                split_seed(split, index), num_frames=model.config.num_frames, size=model.preprocessing.crop
            )
            truth.append(positives_of(clip))
            with torch.inference_mode():
                model(normalise(clip.frames[None], model.preprocessing))
    finally:
        for hook in hooks:
            hook.remove()
    stacked = ({block: torch.stack(each) for block, each in found.items()} for found in (features, own))
    return Seen(*stacked, np.stack(truth))


def cover(truth: np.ndarray, grid: Sequence[int]) -> Tensor:
    """The share of each cell that is true: bool (N, T, H, W) -> float32 (N, T, h, w)."""
    cells = cell_shares(truth.reshape(-1, *truth.shape[2:]), *grid)
    return torch.from_numpy(cells).float().unflatten(0, truth.shape[:2])


def fitted(features: Tensor, target: Tensor, motion: str) -> ActionRegionLocator:
    """An ARL of the default form but for its motion cue, taught to tell `target` from `features`; in evaluation mode."""
    count, frames, channels = features.shape[:3]
    torch.manual_seed(0)
    arl = ActionRegionLocator(channels, num_frames=frames, motion=motion)
    offset = nn.Parameter(torch.zeros(()))  # ARL has none: no ranking needs one, this loss does
    optimiser = torch.optim.Adam([*arl.parameters(), offset], lr=RATE)
    batches = [order for _ in range(EPOCHS) for order in torch.randperm(count).split(BATCH)]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, len(batches))
    for batch in batches:
        m = arl(features[batch].float().flatten(0, 1))[:, 0] + offset
        loss = nn.functional.binary_cross_entropy_with_logits(m, target[batch].flatten(0, 1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return arl.eval()


def maps_of(arl: ActionRegionLocator, features: Tensor) -> Iterator[Tensor]:
    with torch.inference_mode():
        for clip in features:
            yield arl(clip.float())[:, 0]


def fig5(maps: Iterator[Tensor] | Tensor, truth: np.ndarray) -> dict[str, float]:
    """The mean over clips with an action and its interval. maps: (T, h, w) a clip."""
    pairs = zip(maps, truth, strict=True)
    return mean_estimate(np.array([average_precision(m, true) for m, true in pairs if true.any()])) or {}


if __name__ == "__main__":
    start(main, Options, __doc__)
