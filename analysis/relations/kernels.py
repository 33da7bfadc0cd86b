"""ER's learned kernels on the axes of GR's windows."""

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.relations.average import Key
from atr.models import VideoClassifier
from atr.reasoner import EfficientReasoner, temporal_kernel


def efficient_kernels(model: VideoClassifier) -> dict[Key, np.ndarray]:
    """The learned temporal kernels ω of efficient reasoners: (block, reasoner) -> (C, 2k + 1), C = 1 if shared."""
    kernels: dict[Key, np.ndarray] = {}
    for name, block in model.blocks.items():
        reasoners = [m for m in block.modules() if isinstance(m, EfficientReasoner)]
        for index, reasoner in enumerate(reasoners):
            kernels[name, index] = reasoner.weight.detach().cpu().double().squeeze(1).numpy()
    return kernels


def starting_kernels(model: VideoClassifier) -> dict[Key, np.ndarray]:
    """As `efficient_kernels`, before training and without its noise: (block, reasoner) -> (1, 2k + 1)."""
    config = model.config.atr
    start = temporal_kernel(1, config.k, config.er_init, noise=0.0).double().squeeze(1).numpy()
    return dict.fromkeys(efficient_kernels(model), start)


def mean_windows(entries: Sequence[dict]) -> dict[Key, np.ndarray]:
    """The graph reasoner's window (t-1, t, t+1), the mean of the renormalised ones: (block, reasoner) -> (3,).

    Windows without mass do not count; a reasoner that has no other is left out.
    """
    windows = {(e["block"], e["reasoner"]): [w for w in e["windows"] if any(w)] for e in entries}
    return {key: np.mean(found, axis=0) for key, found in windows.items() if found}


def kernel_summary(kernels: Mapping[Key, np.ndarray], *, shapes: bool) -> dict[Key, dict[str, np.ndarray]]:
    """Over the channels of ω (C, 2k + 1): "mean", and "low" and "high", the 10 and 90 % quantiles, each (2k + 1,).

    shapes: of |ω| / Σ|ω| instead of the signed ω, so that it compares with a distribution; channels that are all 0
    have no shape and are left out, as is a kernel that has no other.
    """
    found = {}
    for key, weights in kernels.items():
        if shapes:
            size = np.abs(weights)
            weights = size[size.sum(1) > 0] / size.sum(1, keepdims=True)[size.sum(1) > 0]
            if not len(weights):
                continue
        low, high = np.quantile(weights, [0.1, 0.9], axis=0)
        found[key] = {"mean": weights.mean(0), "low": low, "high": high}
    return found
