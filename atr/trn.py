"""TRN's multi-scale temporal relations (Zhou et al. 2018), between a frame network and the classifier."""

from itertools import combinations

import torch
from torch import Tensor, nn

UNITS = 256  # of the bottleneck and of every relation; the paper's "256 units per layer"
SAMPLED = 3  # relations of a scale that are looked at, as in the paper's training and test


class MultiScaleRelations(nn.Module):
    """Features of frames -> relations among n = 2 to T of them in their order, side by side.

    (N, T, C) -> (N, 1, (T - 1) * units). For each n a layer of its own looks at n frames at a time; a linear classifier
    after it adds the scales up, as the paper's does. Of the ways to choose n frames SAMPLED are looked at and averaged: in
    training random ones, in evaluation always the same, evenly spread over the list of all. The paper adds them, which
    differs by a factor, and its dropout stands before the first layer instead of before the classifier.
    """

    def __init__(self, channels: int, num_frames: int, units: int = UNITS):
        super().__init__()
        # A single frame, on which frame networks are trained first, has a relation with itself.
        self.chosen = [
            list(combinations(range(num_frames), n)) for n in range(min(2, num_frames), num_frames + 1)
        ]
        self.units = units
        self.bottleneck = nn.Linear(channels, units)
        self.relations = nn.ModuleList(nn.Linear(len(ways[0]) * units, units) for ways in self.chosen)

    @property
    def num_features(self) -> int:
        return len(self.relations) * self.units

    def forward(self, features: Tensor) -> Tensor:
        frames = self.bottleneck(features).relu()
        scales = []
        for ways, relation in zip(self.chosen, self.relations, strict=True):
            few = [ways[index] for index in self.looked_at(len(ways))]
            groups = frames[:, torch.tensor(few, device=frames.device)].flatten(
                2
            )  # (N, SAMPLED or fewer, n * units)
            scales.append(relation(groups).relu().mean(dim=1))
        return torch.cat(scales, dim=1).unsqueeze(1)

    def looked_at(self, ways: int) -> list[int]:
        if ways <= SAMPLED:
            return list(range(ways))
        if self.training:
            return torch.randperm(ways)[:SAMPLED].tolist()
        return [round((ways - 1) * part / (SAMPLED - 1)) for part in range(SAMPLED)]
