"""Results on disk, addressed by content: the same checkpoint, data and settings lead to the same folder.

A result folder appears under its name only when it is complete; until then its parts lie in `.{name}.partial`.
"""

import json
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from atr.checkpoint import read_config
from atr.data import digest

RESULT = "result.json"


def result_folder(root: Path, kind: str, checkpoint: Path, settings: dict) -> Path:
    """Where the result of one question lies: named by the checkpoint's weights and configuration, and `settings`."""
    config = read_config(checkpoint)
    identity = digest([config["weights_sha256"], config["model"], config["preprocessing"], settings])
    return root / f"{kind}-{checkpoint.resolve().name}-{identity[:12]}"


def checkpoint_facts(folder: Path) -> dict:
    """What a result says of the checkpoint it was made with."""
    config = read_config(folder)
    kept = {key: config[key] for key in ("weights_sha256", "model", "preprocessing")}
    return {"name": folder.resolve().name, **kept, "training": config.get("training")}


def software() -> dict[str, str]:
    """What can move a number or a time: versions of decoder and network, the machine and the threads in use."""
    return {
        "opencv": cv2.__version__,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }


def partial_folder(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.partial"


def complete(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new folder, which then appears as `folder`, whole; the partial one is removed."""
    partial = partial_folder(folder)
    unfinished = partial / "result"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write(unfinished)
    unfinished.rename(folder)
    shutil.rmtree(partial)


def make_folder(folder: Path) -> None:
    """Raises ValueError where a file stands in its place."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    folder.mkdir(parents=True, exist_ok=True)


def results(root: Path, kind: str) -> list[Path]:
    """Complete result folders of a kind, by name."""
    return sorted(path.parent for path in root.glob(f"{kind}-*/{RESULT}"))


def read_result(folder: Path) -> dict:
    """Raises ValueError where the folder holds no readable result."""
    try:
        return json.loads((folder / RESULT).read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} holds no readable result: {error}") from error


def write_json(path: Path, values: dict) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(json.dumps(values, indent=1) + "\n")
    os.replace(unfinished, path)


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """An NPZ file, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with open(unfinished, "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(unfinished, path)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)
