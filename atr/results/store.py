"""Results on disk, addressed by content: the same checkpoint, data and settings lead to the same folder.

Of videos on disk, the data is the list and, for every file, its path below the root, its size and the time of its last
change: one that was replaced, repaired or added makes it another question. Rendered clips are addressed by their seeds.

A result folder appears under its name only when it is complete; until then its parts lie in `.{name}.partial`.
"""

import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import torch

from atr.checkpoint import read_config
from atr.files import digest, whole_folder
from atr.sampling import Sampling

RESULT = "result.json"
# Facts of every result that a reader may rely on; "a.b" is b of a. Each kind has its own KEYS besides.
FACTS = ("checkpoint.name", "command", "skipped", "data.name", "data.description", "data.digest")


def result_folder(root: Path, kind: str, checkpoint: Path, settings: dict) -> Path:
    """Where the result of one question lies: named by the checkpoint's weights and configuration, and `settings`.

    Uniform sampling is not in the name: it is what results have that are older than the choice.
    """
    config = read_config(checkpoint)
    sampling = Sampling.of_facts(config, config["model"]["num_frames"])
    parts = [config["weights_sha256"], config["model"], config["preprocessing"], settings]
    identity = digest(parts if sampling.kind == "uniform" else [*parts, sampling_facts(sampling)])
    return root / f"{kind}-{checkpoint.resolve().name}-{identity[:12]}"


def checkpoint_facts(folder: Path) -> dict:
    """What a result says of the checkpoint it was made with."""
    config = read_config(folder)
    kept = {key: config[key] for key in ("weights_sha256", "model", "preprocessing")}
    return {"name": folder.resolve().name, **kept, "training": config.get("training")}


def sampling_facts(sampling: Sampling) -> dict:
    """What an answer says of how frames were drawn: "sampling", "sampling_stated", and "window" where it is dense."""
    window = {"window": sampling.window} if sampling.kind == "dense" else {}
    return {"sampling": sampling.kind, "sampling_stated": sampling.stated, **window}


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
    with whole_folder(folder, within=partial) as unfinished:
        write(unfinished)
    shutil.rmtree(partial)


def results(root: Path, kind: str) -> list[Path]:
    """Complete result folders of a kind, by name."""
    return sorted(path.parent for path in root.glob(f"{kind}-*/{RESULT}"))


def read_result(folder: Path) -> dict:
    """Raises ValueError where the folder holds no readable result."""
    try:
        return json.loads((folder / RESULT).read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} holds no readable result: {error}") from error
