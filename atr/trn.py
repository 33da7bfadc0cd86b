"""TRN's multi-scale temporal relations (Zhou et al. 2018), between a frame network and the classifier."""

from fractions import Fraction
from math import comb

import torch
from torch import Tensor, nn

UNITS = 256  # of the bottleneck and of every relation; the paper's "256 units per layer"
LISTED = 2**20  # ways of which random ones are drawn without repetition
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
        self.scales = range(min(2, num_frames), num_frames + 1)
        self.num_frames, self.units = num_frames, units
        self.bottleneck = nn.Linear(channels, units)
        self.relations = nn.ModuleList(nn.Linear(n * units, units) for n in self.scales)

    @property
    def num_features(self) -> int:
        return len(self.relations) * self.units

    def forward(self, features: Tensor) -> Tensor:
        frames = self.bottleneck(features).relu()
        scales = []
        for n, relation in zip(self.scales, self.relations, strict=True):
            ways = comb(self.num_frames, n)
            few = [combination(index, n, self.num_frames) for index in self.looked_at(ways)]
            groups = frames[:, torch.tensor(few, device=frames.device)].flatten(
                2
            )  # (N, SAMPLED or fewer, n * units)
            scales.append(relation(groups).relu().mean(dim=1))
        return torch.cat(scales, dim=1).unsqueeze(1)

    def looked_at(self, ways: int) -> list[int]:
        if ways <= SAMPLED:
            return list(range(ways))
        if self.training and ways <= LISTED:
            return torch.randperm(ways)[:SAMPLED].tolist()
        if self.training:  # so many that one hardly comes twice
            return [
                min(int(share * ways), ways - 1)
                for share in torch.rand(SAMPLED, dtype=torch.float64).tolist()
            ]
        return [round(Fraction((ways - 1) * part, SAMPLED - 1)) for part in range(SAMPLED)]


def combination(index: int, n: int, num_frames: int) -> tuple[int, ...]:
    """The `index`-th of all ways to choose n frames, as `itertools.combinations` orders them, without the list of all."""
    chosen: list[int] = []
    for frame in range(num_frames):
        if len(chosen) == n:
            break
        beginning = comb(num_frames - frame - 1, n - len(chosen) - 1)  # ways that go on with this frame
        if index < beginning:
            chosen.append(frame)
        else:
            index -= beginning
    return tuple(chosen)
