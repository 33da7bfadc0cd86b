"""A clip is a seed: the splits, the names of their clips, the class of each."""

import numpy as np

from atr.options import require
from atr.tabletop.actions import CLASSES

ALONE = "alone"  # a split of clips in which nothing happens but the action
SPLITS = {"train": 0, "val": 10_000_000, "dev": 20_000_000, ALONE: 30_000_000}  # first seed of each split
SPLIT_SIZE = 10_000_000


def split_seed(split: str, index: int) -> int:
    """The seed of the index-th clip of a split; no two splits share a seed."""
    require("split", split, SPLITS)
    if not 0 <= index < SPLIT_SIZE:
        raise ValueError(f"clip {index} of {split} is not possible; allowed: 0 to {SPLIT_SIZE - 1:,}")
    return SPLITS[split] + index


def is_alone(seed: int) -> bool:
    """Whether it is a seed of the split "alone"."""
    return 0 <= seed - SPLITS[ALONE] < SPLIT_SIZE


def clip_name(split: str, index: int) -> str:
    """The name of the index-th clip of a split, "val-000012"."""
    return f"{split}-{index:06d}"


def named_seed(name: str) -> int:
    """The seed of the clip of that name. Raises ValueError where there is none."""
    split, _, index = name.rpartition("-")
    try:
        return split_seed(split, int(index))
    except ValueError as error:
        raise ValueError(
            f"{name!r} is no clip that can be rendered: these are named by split and number, as val-000012"
        ) from error


def label_of(seed: int) -> int:
    """Every run of 20 seeds that begins at a multiple of 20 has every class once, in a random order."""
    block, position = divmod(seed, len(CLASSES))
    return int(np.random.default_rng((block, 20)).permutation(len(CLASSES))[position])
