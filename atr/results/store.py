"""Results on disk, addressed by content: the same checkpoint, data and settings lead to the same folder.

Of videos on disk, the data is the list and, for every file, its path below the root, its size and the time of its last
change: one that was replaced, repaired or added makes it another question. Rendered clips are addressed by their seeds.

A result folder appears under its name only when it is complete; until then its parts lie in `.{name}.partial`.
"""

import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import cv2
import torch
from msgspec import UNSET, Struct, UnsetType

from atr.checkpoint import read_config
from atr.files import digest, whole_folder
from atr.locks import held
from atr.results.processes import device_name
from atr.sampling import Sampling
from atr.schema import Name, Text, check, line, read_json, shown

RESULT = "result.json"
MOST_BYTES = 256 * 2**20
CPU = torch.device("cpu")


class OfCheckpoint(Struct, kw_only=True):
    name: Name
    weights_sha256: Name
    labels_digest: Name | UnsetType = UNSET


class OfData(Struct):
    name: Text
    description: Text
    digest: Name


class Skipped(Struct):
    id: Text
    message: Text


class Result(Struct, kw_only=True):
    """Facts of every result that a reader may rely on; each kind adds its own, and there may be others."""

    checkpoint: OfCheckpoint
    command: Text
    skipped: list[Skipped]
    data: OfData
    notes: list[Text] | UnsetType = UNSET
    notices: dict[Text, list[Text]] | UnsetType = UNSET
    damaged: list[Text] | UnsetType = UNSET
    software: dict[str, Text] | UnsetType = UNSET


def result_folder(root: Path, kind: str, checkpoint: Path, settings: dict) -> Path:
    """Where the result of one question lies: named by the checkpoint's weights and configuration, and `settings`.

    Uniform sampling is not in the name: it is what results have that are older than the choice.
    """
    config = read_config(checkpoint)
    sampling = Sampling.of_facts(config, config["model"]["num_frames"])
    parts = [config["weights_sha256"], config["model"], config["preprocessing"], settings]
    identity = digest(parts if sampling.kind == "uniform" else [*parts, sampling_facts(sampling)])
    return root / f"{kind}-{checkpoint.resolve().name}-{identity[:12]}"


def place_of_answer(
    folder: Path, labels: Sequence[str], of_data: Sequence[str], *, in_bf16: bool = False
) -> Path:
    """Where a result lies: its `result_folder`, named further where the checkpoint has other classes than the data or lists
    them in another order, and of what was computed in bfloat16."""
    if list(labels) != list(of_data):  # the texts of its classes say which is which of the data
        folder = folder.with_name(f"{folder.name}-{digest(list(labels))[:8]}")
    if in_bf16:  # another answer than that of the other two precisions, which agree
        folder = folder.with_name(f"{folder.name}-bf16")
    return folder


def checkpoint_facts(folder: Path) -> dict:
    """What a result says of the checkpoint it was made with."""
    config = read_config(folder)
    kept = {key: config[key] for key in ("weights_sha256", "model", "preprocessing")}
    labels = {"labels_digest": digest(config["labels"])}
    return {"name": folder.resolve().name, **kept, **labels, "training": config.get("training")}


def sampling_facts(sampling: Sampling) -> dict:
    """What an answer says of how frames were drawn: "sampling", "sampling_stated", and "window" where it is dense."""
    window = {"window": sampling.window} if sampling.kind == "dense" else {}
    return {"sampling": sampling.kind, "sampling_stated": sampling.stated, **window}


def software(device: torch.device = CPU) -> dict[str, str]:
    """What can move a number or a time: versions of what decodes, resizes and computes, the machine, its threads in use, or
    its GPU."""
    gpu = {} if device.type == "cpu" else {"device": device_name(device)}
    return gpu | {
        "av": av.__version__,
        "opencv": cv2.__version__,
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }


def partial_folder(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.partial"


@contextmanager
def working_on(folder: Path) -> Iterator[None]:
    """No other program is at work on the result `folder` meanwhile; the system lifts the lock of a process that dies.

    Raises ValueError where another one is, or where no result can be written.
    """
    busy = f"another program is computing {folder}; its result is there when it is done"
    refused = f"no result can be written to {folder.parent}"
    with held(partial_folder(folder), busy=busy, refused=refused):
        yield


def complete(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new folder, which then appears as `folder`, whole; the partial one is removed."""
    partial = partial_folder(folder)
    with whole_folder(folder, within=partial) as unfinished:
        write(unfinished)
    shutil.rmtree(partial)


def results(root: Path, kind: str) -> list[Path]:
    """Complete result folders of a kind, by name."""
    return sorted(path.parent for path in root.glob(f"{kind}-*/{RESULT}"))


def read_result(folder: Path, kind: type[Struct] = Result) -> dict:
    """What a result folder holds, checked for what readers of its kind rely on.

    Raises ValueError where the folder holds no readable result, or another one.
    """
    result = read_unchecked(folder)
    require_whole(result, folder, kind)
    return result


def read_unchecked(folder: Path) -> Any:
    """Raises ValueError where the folder holds no readable result."""
    try:
        return read_json(folder / RESULT, most=MOST_BYTES)
    except OSError as error:
        text = f"{shown(folder)} holds no readable result: {RESULT}: {error.strerror}"
        raise ValueError(line(text)) from error
    except ValueError as error:
        raise ValueError(line(f"{shown(folder)} holds no readable result: {RESULT} {error}")) from error


def require_whole(result: object, folder: Path, kind: type[Struct]) -> None:
    """Raises ValueError, naming the first key that is missing or has a value that is not allowed."""
    try:
        check(result, kind)
    except ValueError as error:
        raise ValueError(line(f"{shown(folder)} is no whole result: its {RESULT} {error}")) from error
