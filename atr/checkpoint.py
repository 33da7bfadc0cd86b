"""A checkpoint is a folder: model.safetensors and config.json (model, labels, preprocessing, facts). No pickle."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, cast

import msgspec
import torch
from msgspec import Meta, UnsetType
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from atr.files import sha256, whole_folder
from atr.models import ModelConfig, VideoClassifier, build_model, parts_of, unwrapped
from atr.preprocessing import Fit, Preprocessing
from atr.sampling import Sampling
from atr.schema import Labels, Name, check, counted, exact, line, read_json, regular_size, shown
from atr.weights import faults_in_words, misfits, shortened

FORMAT = 1
WEIGHTS, CONFIG, CONFUSIONS = "model.safetensors", "config.json", "confusion.csv"
OWN_KEYS = ("format", "model", "labels", "preprocessing", "weights_sha256")
MOST_CONFIG_BYTES = MOST_HEADER_BYTES = 16 * 2**20
# Blocks are looked up in their table, as the names of networks and placements are, by `parts_of`.
StoredModel = exact(ModelConfig, block=Name | None)
StoredPreprocessing = exact(Preprocessing, fit=Fit | UnsetType)
Config = msgspec.defstruct(
    "Config",
    [
        ("format", Literal[1]),
        ("model", StoredModel),
        ("labels", Labels),
        ("preprocessing", StoredPreprocessing),
        ("weights_sha256", Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]),
    ],
)
# Kinds of numbers that are written, in the words of safetensors.
STORED = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64"}
STORED_AS = {torch.float32: ("F32", "F16", "BF16"), torch.int64: ("I64",)}  # half precision becomes float32


class CheckpointError(ValueError):
    """A folder that is not a whole checkpoint of this package; the message names the fault."""


def save_checkpoint(
    folder: str | Path,
    model: nn.Module,
    *,
    labels: list[str],
    preprocessing: Preprocessing | None = None,
    **facts,
) -> Path:
    """Write `model` as a checkpoint folder, whole or not at all; a checkpoint already there is replaced.

    Args:
        model: a VideoClassifier, or one as `torch.compile` or DataParallel wrap it.
        labels: one text per class, in the order of the logits.
        preprocessing: how frames are resized, cropped and normalised; the model's own when not given.
        facts: anything JSON can hold (training_data, metrics, command, ...); comes back as `model.facts`. "sampling" and
            "window" are the model's own when not given; that it is uniform is only written when it is given. A model that
            was loaded keeps what else was said of it, such as "shown_block", by `**model.facts`.

    Raises:
        ValueError: labels do not match the number of classes, weights are NaN, infinite, of a kind that is not stored
            (float64) or not those of the network that `model.config` describes, a fact has a reserved name, or it could not
            be read again.
        TypeError: JSON cannot hold a fact.
        FileExistsError: `folder` exists and is not a checkpoint, or one that this version does not read.
    """
    folder, model = Path(folder), cast(VideoClassifier, unwrapped(model))
    if isinstance(labels, str) or len(labels) != model.config.num_classes:
        found = "a text in place of a list of" if isinstance(labels, str) else len(labels)
        raise ValueError(f"{found} labels for a model of {model.config.num_classes} classes")
    if reserved := sorted(set(facts) & set(OWN_KEYS)):
        raise ValueError(f"facts may not be named {reserved}")
    if "sampling" not in facts and model.sampling.kind == "dense":
        facts |= model.sampling.facts()
    Sampling.of_facts(facts, model.config.num_frames)
    require_free(folder)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    for name, tensor in tensors.items():
        if tensor.dtype not in STORED:
            raise ValueError(
                f"{shown(folder)} is not written: {name} is {tensor.dtype}; allowed: {', '.join(map(str, STORED))}"
            )
    with torch.device("meta"):
        own = build_model(model.config).float().state_dict()
    stored = {name: Stored(tuple(tensor.shape), STORED[tensor.dtype]) for name, tensor in tensors.items()}
    if differences := differences_of(own, stored):
        raise ValueError(
            f"{shown(folder)} is not written: the weights are not those of the model's config: {differences}"
        )
    if faults := not_finite(tensors):
        raise ValueError(f"{shown(folder)} is not written: the model holds {faults}")
    try:
        json.dumps(facts)
    except TypeError as error:
        raise TypeError(f"{shown(folder)} is not written: of its facts, {error}") from error
    with whole_folder(folder.resolve()) as written:  # a link stays
        try:
            save_file(tensors, written / WEIGHTS)
        except SafetensorError as error:  # a full disk
            raise OSError(f"{folder} cannot be written: {error}") from error
        config = {
            "format": FORMAT,
            "model": model.config.to_dict(),
            "labels": list(labels),
            "preprocessing": (preprocessing or model.preprocessing).to_dict(),
            "weights_sha256": sha256(written / WEIGHTS),
            **facts,
        }
        (written / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
        try:
            checked_config(written)
        except ValueError as error:
            raise ValueError(line(f"{shown(folder)} is not written: its {CONFIG} {error}")) from error
        (written / WEIGHTS).chmod(0o644)  # safetensors writes a file for its owner alone
    return folder


def require_free(folder: Path) -> dict:
    """The configuration of the checkpoint that a new one would replace; empty where there is none.

    Raises FileExistsError where something else stands in a checkpoint's place, such as a model of another program or a
    checkpoint of a later version, or a folder that cannot be replaced.
    """
    real = folder.resolve()
    if os.path.ismount(real) or real == Path.cwd():
        what = "a mount point" if os.path.ismount(real) else "the working folder"
        raise FileExistsError(f"{folder} cannot become a checkpoint: it is {what}; name a folder in it")
    if not folder.exists():
        return {}
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not folder.is_dir() or (held and not (folder / CONFIG).is_file()):
        raise FileExistsError(f"{folder} exists and is not a checkpoint; it is left as it is")
    if others := sorted(held - {WEIGHTS, CONFIG, CONFUSIONS}):
        raise FileExistsError(
            line(f"{folder} holds {shown(others[0])}, which is no file of a checkpoint; it is left as it is")
        )
    try:
        return read_config(folder) if held else {}
    except CheckpointError as error:
        raise FileExistsError(line(f"{error}; the folder is left as it is")) from error


def load_checkpoint(folder: str | Path) -> VideoClassifier:
    """The model of a checkpoint folder, in evaluation mode on the CPU, its weights float32.

    Its `.labels` (list of texts), `.preprocessing`, `.sampling` and `.facts` (dict) come with it. Weights that are stored
    in half precision become float32.

    Raises:
        CheckpointError: files are missing, damaged, of another format, or do not fit each other.
    """
    folder = Path(folder)
    config = read_config(folder)
    try:
        with torch.device("meta"):
            model = build_model(ModelConfig.from_dict(config["model"])).float()  # whatever torch's default
    except (TypeError, ValueError, RuntimeError) as error:
        raise fault(folder / CONFIG, f"describes no network: {error}") from error
    weights = read_weights(folder, model.state_dict(), config["weights_sha256"])
    model.load_state_dict(weights, assign=True)
    model.labels = config["labels"]
    model.preprocessing = Preprocessing.from_dict(config["preprocessing"])
    model.facts = {key: value for key, value in config.items() if key not in OWN_KEYS}
    model.sampling = Sampling.of_facts(model.facts, model.config.num_frames)
    return model.eval()


def fault(path: Path, text: str) -> CheckpointError:
    return CheckpointError(line(f"{shown(path)} {text}"))


@contextmanager
def checkpoint_faults(folder: Path, name: str) -> Iterator[None]:
    """What goes wrong with one file of a checkpoint folder, as a CheckpointError."""
    try:
        yield
    except CheckpointError:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        if not folder.is_dir():
            raise fault(
                folder, f"is no folder; a checkpoint is a folder with {CONFIG} and {WEIGHTS}"
            ) from error
        inside = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG}"))
        more = f"; in it are {', '.join(inside[:3])}{', …' * (len(inside) > 3)}" if inside else ""
        raise fault(folder, f"has no {name}: it is not a checkpoint folder of this package{more}") from error
    except OSError as error:
        raise fault(folder / name, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise fault(folder / name, str(error)) from error


def read_config(folder: str | Path) -> dict:
    """The parsed config.json, all of whose own keys have been checked; the weights are not touched.

    Raises:
        CheckpointError: there is none, or it is not one; the message has below 500 characters and names the key.
    """
    folder = Path(folder)
    with checkpoint_faults(folder, CONFIG):
        return checked_config(folder)


def read_weights(folder: Path, own: dict[str, Tensor], digest: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint, in memory of their own; what the file says of itself is compared with `own` before.

    Args:
        own: what the model of the configuration takes; shapes and types are looked at, values are not.
    """
    path = folder / WEIGHTS
    most = MOST_HEADER_BYTES + sum(tensor.nbytes for tensor in own.values())
    try:
        require_weights(folder)
        if (size := regular_size(path)) > most:
            raise fault(path, f"has {size:,} bytes; the model of {CONFIG} takes at most {most:,}")
        if sha256(path) != digest:
            raise fault(path, f"does not match the digest in {CONFIG}: damaged or exchanged")
        with safe_open(path, "pt") as file:
            names = file.keys()
            slices = {name: file.get_slice(name) for name in names}
            stored = {name: Stored(tuple(s.get_shape()), s.get_dtype()) for name, s in slices.items()}
            if differences := differences_of(own, stored):
                raise fault(path, f"does not fit the model of {CONFIG}: {differences}")
            found = {name: file.get_tensor(name).to(tensor.dtype, copy=True) for name, tensor in own.items()}
    except CheckpointError:
        raise
    except (OSError, ValueError, RuntimeError, MemoryError, SafetensorError) as error:
        raise fault(path, f"cannot be read: {error}") from error
    if faults := not_finite(found):
        raise fault(path, f"holds {faults}")
    return found


def not_finite(tensors: dict[str, Tensor]) -> str:
    """Which tensors hold values that are no finite numbers, the first few; "" for none."""
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    return (
        f"NaN or infinite values in {counted(len(broken), 'tensor')} ({shortened(broken)})" if broken else ""
    )


class Stored(NamedTuple):
    """What a header says of a tensor; dtype in the words of safetensors, "F32"."""

    shape: tuple[int, ...]
    dtype: str


def differences_of(own: dict[str, Tensor], stored: dict[str, Stored]) -> str:
    """In what the tensors of a file differ from those a model takes, the first few of each kind; "" in nothing."""
    of_another_type = [
        f"{name} {stored[name].dtype} for {' or '.join(STORED_AS[tensor.dtype])}"
        for name, tensor in own.items()
        if name in stored and stored[name].dtype not in STORED_AS[tensor.dtype]
    ]
    faults = misfits(own, {name: tensor.shape for name, tensor in stored.items()})
    return faults_in_words(faults | {"of another type": of_another_type})


def require_weights(folder: Path) -> None:
    """Raises CheckpointError unless there is a regular file of weights, which is not read."""
    with checkpoint_faults(folder, WEIGHTS):
        regular_size(folder / WEIGHTS)


def require_whole_weights(folder: Path) -> None:
    """Raises CheckpointError unless there is a file of weights as long as its header says; no tensor is read."""
    path = folder / WEIGHTS
    with checkpoint_faults(folder, WEIGHTS):
        size = regular_size(path)
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
        if length > MOST_HEADER_BYTES:
            raise fault(path, f"is not one of safetensors: its header would have {length:,} bytes")
        try:
            with safe_open(path, "pt"):
                pass
        except SafetensorError as error:
            raise fault(path, f"is cut off or damaged, it has {size:,} bytes: {error}") from error


def readable_checkpoints(folders: Iterable[Path]) -> tuple[dict[Path, dict], dict[Path, str]]:
    """The configurations of those that are checkpoints, and of the others why each is none, in one short line.

    Of the weights only the header is read: whether they fit is known when a checkpoint is loaded.
    """
    found, faults = {}, {}
    for folder in folders:
        try:
            require_whole_weights(folder)
            found[folder] = read_config(folder)
        except CheckpointError as error:
            faults[folder] = str(error)
    return found, faults


def checked_config(folder: Path) -> dict:
    """`read_config`, whose errors are those of what it reads with."""
    config = read_json(folder / CONFIG, most=MOST_CONFIG_BYTES)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        found = shown(config.get("format")) if isinstance(config, dict) else type(config).__name__
        raise ValueError(f"has format {found}; this version reads format {FORMAT}")
    if missing := [key for key in OWN_KEYS if key not in config]:
        raise ValueError(f"lacks {', '.join(missing)}")
    check(config, Config)
    if len(config["labels"]) != config["model"]["num_classes"]:
        raise ValueError(
            f"has {counted(len(config['labels']), 'label')} for {counted(config['model']['num_classes'], 'class', 'classes')}"
        )
    parts_of(ModelConfig.from_dict(config["model"]))
    Preprocessing.from_dict(config["preprocessing"])
    Sampling.of_facts(config, config["model"]["num_frames"])
    return config
