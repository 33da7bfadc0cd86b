"""The settings of a training run."""

import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from torch import nn

from atr.data.clips import ClipDataset
from atr.data.names import TABLETOP
from atr.models import ModelConfig, build_model
from atr.options import MOST_SEED, MOST_WORKERS, require_options
from atr.preprocessing import MOST_SIDE, Fit, Preprocessing
from atr.schema import counted, line
from atr.tabletop import CLASSES
from atr.training.augment import Augmentation
from atr.training.optimisation import Optimizer, Schedule, freeze, parameter_groups
from atr.training.starting_weights import start_from

AT_LEAST_ONE = (lambda value: value >= 1, "1 or more")
NOT_NEGATIVE = (lambda value: 0 <= value < math.inf, "0 or more, and finite")
# Names of settings, what their values must be, and how that is said.
POSSIBLE = (
    (("size",), lambda value: 1 <= value <= MOST_SIDE, f"1 to {MOST_SIDE:,}"),
    (("epochs", "batch_size", "accumulation", "reference_batch"), *AT_LEAST_ONE),
    (("train_clips", "dev_clips", "val_clips"), *AT_LEAST_ONE),
    (("gradient_clip",), lambda value: 0 < value < math.inf, "more than 0, such as 1e9 to clip nothing"),
    (("learning_rate", "arl_learning_rate", "relation_learning_rate", "weight_decay"), *NOT_NEGATIVE),
    (("still_epochs", "warm_up_epochs", "save_every"), *NOT_NEGATIVE),
    (("workers",), lambda value: 0 <= value <= MOST_WORKERS, f"0 to {MOST_WORKERS}"),
    (("seed",), lambda value: 0 <= value <= MOST_SEED, f"0 to {MOST_SEED:,}"),
    (("momentum", "label_smoothing"), lambda value: 0 <= value < 1, "0 to below 1"),
)

# Settings in which two runs of one training may differ, and what stands for them in its identity.
FREE: dict[str, Any] = {"workers": 0, "save_every": 0.0, "leave_out_faulty": False}
# Settings that states of trainings from before them lack; those were at the defaults.
YOUNGER = ("sync_bn", "compile")


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        model: the network. `num_classes` 0 stands for as many as the data has.
        data: "tabletop", the rendered demo set, or the folder of a data set with a train and a val split.
        init: what the frame network starts from (blocks and classifier do not come along): a checkpoint folder, a
            torchvision ResNet file (.pth, .safetensors), or "efficientnet-lite0", the ImageNet weights of the package of
            that name; None for fresh weights.
        freeze: names of modules that keep the weights they start with, such as "backbone.layer1" of a ResNet.
        partial_bn: freeze all batch normalisations of the frame network but the first.
        size: side of the network's input in pixels, 1 to 8,192.
        short_side: what the shorter side of a video is resized to in evaluation, before the crop; None: `size`, as it is
            where frames are squeezed.
        fit: how frames become squares: "crop" or "squeeze", `Preprocessing`.
        mean, std: of the pixel values the frame network was trained with; the defaults are ImageNet's.
        train_clips: the first so many clips, 1 or more; None for all of a data set on disk. Rendered clips are all of
            different seeds.
        dev_clips: how many are looked at after every epoch, 1 or more; of a data set, evenly spread over val.
        val_clips: the first so many are looked at once, at the end; 1 or more.
        train_split: of rendered clips, "train", or "alone" for clips in which nothing happens but the action.
        leave_out_faulty: train without the clips whose files cannot be used, instead of refusing to train.
        follow_outside: the clips of a data set on disk may lie outside its folder, by their paths or by links.
        still_epochs: epochs of warm-up of the frame network on still images before the clips, with the image-level
            target "which kinds of objects are in the picture" (no positions, no masks, no hand); rendered clips only.
        epochs: of clips, 1 or more.
        batch_size: clips that one step of the optimiser sees, over all processes; 1 or more.
        accumulation: parts a batch is worked on in, one after the other, for less memory; 1 or more.
        optimizer: "adamw" | "sgd", with `momentum`.
        momentum: of "sgd", 0 to below 1.
        schedule: "one_cycle" | "steps": a tenth of it from each of `decay_epochs` on, after a linear rise over
            `warm_up_epochs`, both of clips; constant on stills.
        learning_rate: highest of the schedule; ARL's is `arl_learning_rate` times that, that of GR's θ and φ
            `relation_learning_rate` times.
        reference_batch: the batch that `learning_rate` is meant for: the one used grows in proportion to `batch_size`
            (Goyal et al. 2017). None: it is meant for `batch_size`.
        label_smoothing: 0 to below 1.
        gradient_clip: what the norm of all gradients is brought down to, more than 0.
        mixed_precision: "no" | "bf16" | "fp16".
        sync_bn: batch normalisations take their statistics over the clips of all processes, each of which needs a GPU,
            instead of each over its own. Of a single process they are the same.
        compile: train with the network as `torch.compile` makes it, to be faster on a GPU; the first step takes a minute
            or more. It needs a C++ compiler, and on a GPU Triton. What is saved and evaluated is the network itself.
        seed: of all that is random, 0 to 4,294,967,295.
        workers: processes that render the cache or, for each training process, decode videos; 0 to 256.
        save_every: seconds between two saves of the state a stopped run goes on from; the end of an epoch is saved too.
            Of several processes, only after steps that are written to TensorBoard.
    """

    model: ModelConfig
    data: str = TABLETOP
    init: Path | None = None
    freeze: tuple[str, ...] = ()
    partial_bn: bool = False
    size: int = 96
    short_side: int | None = None
    fit: Fit = "crop"
    mean: tuple[float, float, float] = Preprocessing.mean
    std: tuple[float, float, float] = Preprocessing.std
    train_clips: int | None = 10_000
    dev_clips: int | None = 500
    val_clips: int | None = 2_000
    train_split: Literal["train", "alone"] = "train"
    leave_out_faulty: bool = False
    follow_outside: bool = False
    still_epochs: int = 0
    epochs: int = 8
    batch_size: int = 16
    accumulation: int = 1
    optimizer: Optimizer = "adamw"
    momentum: float = 0.9
    schedule: Schedule = "one_cycle"
    decay_epochs: tuple[int, ...] = ()
    warm_up_epochs: float = 0.0
    learning_rate: float = 2e-3
    reference_batch: int | None = None
    arl_learning_rate: float = 1.0
    relation_learning_rate: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    gradient_clip: float = 5.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    mixed_precision: Literal["no", "bf16", "fp16"] = "bf16"
    sync_bn: bool = False
    compile: bool = False
    seed: int = 0
    workers: int = 2
    save_every: float = 60.0

    def __post_init__(self) -> None:
        for name in ("freeze", "decay_epochs", "mean", "std"):
            if isinstance(value := getattr(self, name), list):  # as JSON gives
                object.__setattr__(self, name, tuple(value))
        require_options(self)
        for names, possible, allowed in POSSIBLE:
            for name in names:
                value = getattr(self, name)
                if value is not None and not possible(value):
                    raise ValueError(f"{name}={value} is not possible; allowed: {allowed}")
        if self.data != TABLETOP and self.train_split != "train":
            raise ValueError(f"train_split={self.train_split!r} is for data={TABLETOP!r}; allowed: 'train'")
        if self.schedule != "steps" and (self.decay_epochs or self.warm_up_epochs):
            raise ValueError(
                "decay_epochs and warm_up_epochs are of schedule='steps'; 'one_cycle' has neither"
            )
        if any(after <= before for before, after in pairwise((0, *self.decay_epochs))):
            raise ValueError(
                f"decay_epochs={self.decay_epochs} is not possible; allowed: epochs from 1 on, each later than the one before"
            )
        for split in ("train", "dev", "val"):
            if self.data == TABLETOP and getattr(self, f"{split}_clips") is None:
                raise ValueError(f"{split}_clips=None is for a data set on disk; allowed: 1 or more")

    @property
    def preprocessing(self) -> Preprocessing:
        # A squeezed frame is shown whole.
        short_side = self.size if self.fit == "squeeze" else self.short_side or self.size
        return Preprocessing(short_side, self.size, self.mean, self.std, self.fit)

    @property
    def used_learning_rate(self) -> float:
        return self.learning_rate * self.batch_size / self.meant_batch

    @property
    def meant_batch(self) -> int:
        return self.batch_size if self.reference_batch is None else self.reference_batch

    def groups(self, model: nn.Module) -> list[dict]:
        return parameter_groups(
            model,
            learning_rate=self.used_learning_rate,
            weight_decay=self.weight_decay,
            arl_learning_rate=self.arl_learning_rate,
            relation_learning_rate=self.relation_learning_rate,
        )


def fitted(config: TrainConfig, data: ClipDataset) -> ModelConfig:
    """The network for the data's classes.

    Raises:
        ValueError: a setting does not fit the data.
    """
    known = data.symmetry is not None and data.symmetry.reversed is not None
    if config.augmentation.reverse and not known:
        raise ValueError(
            f"reverse={config.augmentation.reverse}, but what the classes of {config.data} become when clips are played "
            "backwards is not known; allowed: 0"
        )
    if config.still_epochs and config.data != TABLETOP:
        raise ValueError(f"still_epochs={config.still_epochs} are for data={TABLETOP!r}; allowed: 0")
    # A still is one frame, so as many of them as a batch of clips has frames come from as many clips.
    smallest = config.batch_size * (config.model.num_frames if config.still_epochs else 1)
    if len(data) < smallest:
        raise ValueError(
            f"{counted(len(data), 'clip')} to train on, less than a batch (batch_size={config.batch_size}); allowed: "
            f"{smallest} or more"
        )
    return of_classes(config, len(data.labels))


def of_classes(config: TrainConfig, classes: int) -> ModelConfig:
    """The network for so many classes. Raises ValueError where it has another number."""
    if config.model.num_classes not in (0, classes):
        raise ValueError(
            f"num_classes={config.model.num_classes}, but {config.data} has {classes} classes; allowed: {classes}, or 0 for "
            "as many as there are"
        )
    return dataclasses.replace(config.model, num_classes=classes)


def require_network(config: TrainConfig) -> None:
    """To be asked before clips are rendered or read, which takes long.

    Raises:
        ValueError: the network cannot be built, start from `init`, or be frozen as the settings say.
    """
    classes = len(CLASSES) if config.data == TABLETOP else config.model.num_classes or 1
    model = build_model(of_classes(config, classes))
    if config.init:
        start_from(model, config.init)
    freeze(model, config.freeze, config.partial_bn)


def run_facts(config: TrainConfig, num_processes: int, train: ClipDataset, val: ClipDataset) -> dict:
    """What a run says of itself in its log and its checkpoint, the learning rate first of all."""
    return {
        "learning_rate": config.used_learning_rate,
        "learning_rate_rule": f"{config.learning_rate:g} for a batch of {config.meant_batch}, in proportion to the batch",
        "batch_size": config.batch_size,
        "processes": num_processes,
        "accumulation": config.accumulation,
        "mixed_precision": config.mixed_precision,
        "data": train.description,
        "validation_data": val.description,
    }


def settings_of(config: TrainConfig) -> str:
    """The configuration as JSON, for the checkpoint."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True, default=str)


DEFAULTS: dict[str, Any] = json.loads(settings_of(TrainConfig(ModelConfig("tsn_resnet18", 1))))


def filled(settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """The settings, with the defaults of those that are not there, in every depth: they are younger than the settings."""
    within = {
        name: filled(settings[name], default)
        for name, default in defaults.items()
        if isinstance(default, dict) and isinstance(settings.get(name), dict)
    }
    return defaults | settings | within


def require_own(out: Path, found: dict, config: TrainConfig) -> None:
    """Raises ValueError where the checkpoint `found` at `out` was not made with these settings: it would be replaced."""
    if not found:
        return
    if isinstance(made := found.get("training"), dict) and made:
        here = {name: its for name, its in json.loads(settings_of(config)).items() if name not in FREE}
        there = filled(made, DEFAULTS)
        differing = difference({name: there[name] for name in here}, here)
    else:
        differing = "it comes from elsewhere"
    if differing:
        raise ValueError(
            line(f"{out} is another checkpoint ({differing}); remove it, or give another --out", 490)
        )


def difference(there: dict, here: dict) -> str:
    """The first setting, such as model.block, in which two configurations differ, with both values; "" of the same."""
    return next((f"{name} {a!r} there, {b!r} here" for name, a, b in differences(there, here)), "")


def differences(there: dict, here: dict, within: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The settings in which two configurations differ, by name, each with both values; None of one that is not there."""
    for name in sorted(there.keys() | here.keys()):
        a, b = there.get(name), here.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from differences(a, b, f"{within}{name}.")
        elif a != b:
            yield f"{within}{name}", a, b


def identity_of(config: TrainConfig, data: ClipDataset) -> str:
    """What has to be the same for a run to go on. Its weights also depend on the numbers of processes and threads, the
    device, and what `init` holds: change none of these in the middle of a run that is to be repeated.

    Which training clips are left out is in the digest of their list. A faulty clip of the validation split is met after the
    last epoch: the same run has to end without it.
    """
    settings = json.loads(settings_of(dataclasses.replace(config, **FREE)))
    for name in YOUNGER:
        if settings[name] == getattr(TrainConfig, name):
            del settings[name]
    return json.dumps([json.dumps(settings, sort_keys=True), data.list_digest])


def identities_differ(there: str, here: str) -> str:
    """In what two of `identity_of` do, in words; "" where that cannot be told."""
    try:
        (of_there, _), (of_here, _) = json.loads(there), json.loads(here)
        settings = difference(json.loads(of_there), json.loads(of_here))
    except ValueError:
        return ""
    return settings or "other clips, labels, sizes or order of them in the data set"
