"""The state a stopped training goes on from: weights, optimiser, schedule, how far it was."""

import os
from pathlib import Path

import torch


def save_state(path: Path, settings: str, progress: tuple, model, optimizer, schedule) -> None:
    """Atomic: a run killed while saving goes on from the state before."""
    state = {
        "settings": settings,
        "progress": progress,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": {"last_epoch": schedule.last_epoch},
    }
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    os.replace(unfinished, path)


def load_state(path: Path, settings: str, model, optimizer, schedule) -> tuple:
    """Put the saved state into model, optimizer and schedule; returns its progress.

    Raises:
        ValueError: the state was saved under other settings.
    """
    state = torch.load(path, weights_only=True)
    if state["settings"] != settings:
        raise ValueError(
            f"{path.parent} holds a training of another configuration; remove it, or give another --out"
        )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(schedule.state_dict() | state["schedule"])
    return state["progress"]
