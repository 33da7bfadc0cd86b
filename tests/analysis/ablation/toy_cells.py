"""Results of cells of the real grid, made up: a network that is right on so many of 200 clips."""

import json
from pathlib import Path

import numpy as np

from analysis.ablation.cells import Cell
from analysis.ablation.grids import NETWORKS
from atr.tabletop import RENDERER_VERSION

CLIPS = 200


def values_of(network: str, seed: int, share: float, **changed) -> dict:
    """As a cell's file has them. The first clips are right, but for two, and two of the last, that the seed chooses."""
    right = np.arange(CLIPS) < round(share * CLIPS)
    chosen = np.random.default_rng(seed).choice(20, 2, replace=False)
    right[chosen], right[-1 - chosen] = False, True
    config = NETWORKS[network]
    history = [
        {"phase": "clips", "epoch": epoch, "loss": 2.0, "dev_top1": share * epoch / config.epochs}
        for epoch in range(1, config.epochs + 1)
    ]
    return {
        "network": network,
        "seed": seed,
        "command": f"python -m analysis ablate all --only {network} --seeds {seed}",
        "commit": "0" * 40,
        "software": {"torch": "2"},
        "settings": Cell.of(network, config, seed).settings,
        "renderer": RENDERER_VERSION,
        "start": "a" * 64,
        "clips": f"made up, {CLIPS} clips",
        "parameters": 700_000,
        "macs": 300_000_000,
        "reasoner": {"parameters": 5_000, "macs": 40_000} if config.model.block else None,
        "top1": float(right.mean()),
        "within_pairs": 0.9,
        "correct": "".join("01"[each] for each in right.astype(int)),
        "history": history,
        "fig5": {"S4B1": 0.4, "S5B1": 0.1 * (seed + 1)} if config.model.block == "atr" else {},
        "relations": [],
        "seconds": 400.0,
        **changed,
    }


def write_cell(folder: Path, network: str, seed: int, share: float, **changed) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{network}-seed{seed}.json"
    path.write_text(json.dumps(values_of(network, seed, share, **changed)))
    return path


def write_headline(folder: Path) -> None:
    """Three seeds of none, ATR_sim and ATR, far apart; of one block of ATR a single seed."""
    for seed in range(3):
        for network, share in (("tsn", 0.3), ("atr-sim-s3-5", 0.5), ("atr-s3-5", 0.7)):
            write_cell(folder, network, seed, share)
    write_cell(folder, "atr-s5-3", 0, 0.6)
