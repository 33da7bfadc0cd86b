"""A checkpoint is a folder: model.safetensors and config.json (model, labels, preprocessing, facts). No pickle."""

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from atr.files import sha256, whole_folder
from atr.models import ModelConfig, VideoClassifier, build_model
from atr.preprocessing import Preprocessing
from atr.sampling import Sampling

FORMAT = 1
WEIGHTS, CONFIG = "model.safetensors", "config.json"
OWN_KEYS = ("format", "model", "labels", "preprocessing", "weights_sha256")


class CheckpointError(ValueError):
    """A folder that is not a whole checkpoint of this package; the message names the fault."""


def save_checkpoint(
    folder: str | Path,
    model: VideoClassifier,
    *,
    labels: list[str],
    preprocessing: Preprocessing | None = None,
    **facts,
) -> Path:
    """Write `model` as a checkpoint folder, whole or not at all; a checkpoint already there is replaced.

    Args:
        labels: one text per class, in the order of the logits.
        preprocessing: how frames are resized, cropped and normalised; the model's own when not given.
        facts: anything JSON can hold (training_data, metrics, command, ...); comes back as `model.facts`. "sampling" and
            "window" are the model's own when not given; that it is uniform is only written when it is given.

    Raises:
        ValueError: labels do not match the number of classes, a fact has a reserved name, or there is no such sampling.
        FileExistsError: `folder` exists and is not a checkpoint.
    """
    folder = Path(folder)
    if len(labels) != model.config.num_classes:
        raise ValueError(f"{len(labels)} labels for a model of {model.config.num_classes} classes")
    if reserved := sorted(set(facts) & set(OWN_KEYS)):
        raise ValueError(f"facts may not be named {reserved}")
    if "sampling" not in facts and model.sampling.kind == "dense":
        facts |= model.sampling.facts()
    Sampling.of_facts(facts, model.config.num_frames)
    require_free(folder)
    with whole_folder(folder) as written:
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        save_file(tensors, written / WEIGHTS)
        config = {
            "format": FORMAT,
            "model": model.config.to_dict(),
            "labels": list(labels),
            "preprocessing": (preprocessing or model.preprocessing).to_dict(),
            "weights_sha256": sha256(written / WEIGHTS),
            **facts,
        }
        (written / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
        (written / WEIGHTS).chmod(0o644)  # safetensors writes a file for its owner alone
    return folder


def require_free(folder: Path) -> None:
    """Raises FileExistsError where something else than a checkpoint stands in a checkpoint's place."""
    if folder.exists() and not (
        folder.is_dir() and ((folder / CONFIG).is_file() or not any(folder.iterdir()))
    ):
        raise FileExistsError(f"{folder} exists and is not a checkpoint; it is left as it is")


def load_checkpoint(folder: str | Path) -> VideoClassifier:
    """The model of a checkpoint folder, in evaluation mode on the CPU.

    Its `.labels` (list of texts), `.preprocessing`, `.sampling` and `.facts` (dict) come with it.

    Raises:
        CheckpointError: files are missing, damaged, of another format, or do not fit each other.
    """
    folder = Path(folder)
    config = read_config(folder)
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(f"{folder} has no {WEIGHTS}: it is not a checkpoint folder of this package")
    if sha256(folder / WEIGHTS) != config["weights_sha256"]:
        raise CheckpointError(
            f"{folder / WEIGHTS} does not match the digest in {CONFIG}: damaged or exchanged"
        )
    try:
        model = build_model(ModelConfig.from_dict(config["model"]))
        preprocessing = Preprocessing.from_dict(config["preprocessing"])
        model.load_state_dict(load_file(folder / WEIGHTS), strict=True)
    except (TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder} cannot be loaded: {error}") from error
    if len(config["labels"]) != model.config.num_classes:
        raise CheckpointError(
            f"{folder} has {len(config['labels'])} labels for {model.config.num_classes} classes in {CONFIG}"
        )
    model.labels = config["labels"]
    model.preprocessing = preprocessing
    model.facts = {key: value for key, value in config.items() if key not in OWN_KEYS}
    try:
        model.sampling = Sampling.of_facts(model.facts, model.config.num_frames)
    except ValueError as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}") from error
    return model.eval()


def read_config(folder: str | Path) -> dict:
    """The parsed config.json, checked for its format and its own keys; the weights are not touched."""
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise CheckpointError(f"{folder} has no {CONFIG}: it is not a checkpoint folder of this package")
    try:
        config = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{path} is not readable JSON: {error}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        found = config.get("format") if isinstance(config, dict) else type(config).__name__
        raise CheckpointError(f"{path} has format {found!r}; this version reads format {FORMAT}")
    if missing := [key for key in OWN_KEYS if key not in config]:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}")
    return config
