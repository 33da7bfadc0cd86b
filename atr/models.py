"""Whole networks by name: a backbone, ATR blocks at a placement, average consensus of the frame logits."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta
from torch import Tensor, nn

from atr import efficientnet, resnet
from atr.block import BLOCKS, ATRConfig
from atr.efficientnet import EfficientNetLite0
from atr.locator import ActionRegionLocator
from atr.options import choose, require, require_options
from atr.preprocessing import Preprocessing
from atr.reasoner import TemporalRelation
from atr.resnet import DEPTHS, ResNet, initialise, placed_blocks
from atr.sampling import Sampling
from atr.schema import shown
from atr.temporal import ShiftConv, TemporalConv, inflate
from atr.trn import UNITS, MultiScaleRelations
from atr.weights import check_fit


@dataclass(frozen=True)
class ModelConfig:
    """Everything needed to build a network again; a checkpoint carries one, and may say what the annotations allow.

    Attributes:
        name: one of MODELS, for example "tsm_resnet50".
        num_classes: 1 to 100,000.
        num_frames: T, 1 to 1,024.
        block: None | "atr" | "atr_sim".
        placement: "S5-3" | "S5" | "S4-5" | "S3-5" | "S2-5" (Table 1) or block names such as ("S3B1", "S5B2").
        width: scales every channel count of the backbone; 1/64 to 8.
        stem: "imagenet" | "small", which keeps twice the resolution, for frames of about 100 pixels.
        dropout: before the classifier, in training; 0 to 1.
        atr: the choices inside the blocks.
    """

    name: str
    num_classes: Annotated[int, Meta(ge=1, le=100_000)]
    num_frames: Annotated[int, Meta(ge=1, le=1024)] = 8
    block: Literal["atr", "atr_sim"] | None = None
    placement: str | tuple[str, ...] = "S3-5"
    width: Annotated[float, Meta(ge=1 / 64, le=8)] = 1.0
    stem: Literal["imagenet", "small"] = "imagenet"
    dropout: Annotated[float, Meta(ge=0, le=1)] = 0.5
    atr: ATRConfig = field(default_factory=ATRConfig)

    def __post_init__(self) -> None:
        if isinstance(self.placement, list):
            object.__setattr__(self, "placement", tuple(self.placement))

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "ModelConfig":
        """Raises TypeError where a name is unknown or a required one is missing."""
        return cls(**{**values, "atr": ATRConfig(**values.get("atr", {}))})


class VideoClassifier(nn.Module):
    """A frame network, a linear classifier on every frame, the average of the frames' logits (TSN's consensus).

    TRN has its relations between the two, and the classifier on all of them at once.

    `forward`: clips (N, T, 3, H, W), float, normalised -> logits (N, num_classes).

    Attributes:
        labels: one text per class, in the order of the logits; none until a checkpoint tells them.
        preprocessing: how its frames are prepared; the paper's until a checkpoint tells its own.
        sampling: how its frames are drawn from a clip; uniform until a checkpoint tells its own.
        facts: what else a checkpoint says of itself.
    """

    def __init__(
        self,
        config: ModelConfig,
        backbone: ResNet | EfficientNetLite0,
        trn: MultiScaleRelations | None = None,
    ):
        super().__init__()
        self.config = config
        self.labels: list[str] = []
        self.preprocessing = Preprocessing()
        self.sampling = Sampling()
        self.facts: dict = {}
        self.backbone = backbone
        self.trn: nn.Module = trn or nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.fc = nn.Linear((trn or backbone).num_features, config.num_classes)
        if not self.fc.weight.is_meta:
            nn.init.normal_(self.fc.weight, std=0.01)
            nn.init.zeros_(self.fc.bias)

    def forward(self, clips: Tensor) -> Tensor:
        if clips.ndim != 5 or clips.shape[1] != self.config.num_frames:
            raise ValueError(
                f"clips have shape {tuple(clips.shape)}; this model takes (N, {self.config.num_frames}, 3, H, W)"
            )
        features = self.backbone(clips.flatten(0, 1)).unflatten(0, (clips.shape[0], -1))
        return self.fc(self.dropout(self.trn(features))).mean(dim=1)

    def reorder_classes(self, order: list[int]) -> None:
        """Logit k becomes that of class order[k], and its label, where there are labels, with it.

        Raises:
            ValueError: `order` is no permutation of all classes.
        """
        if sorted(order) != list(range(self.config.num_classes)):
            raise ValueError(
                f"order={shown(order)} is not allowed; allowed: each of the classes 0 to {self.config.num_classes - 1} once"
            )
        for parameter in (self.fc.weight, self.fc.bias):
            parameter.data = parameter.data[order].clone()
        if self.labels:
            self.labels = [self.labels[place] for place in order]

    @property
    def block_names(self) -> tuple[str, ...]:
        """The residual blocks that carry an ATR or ATR_sim block, by the paper's names, shallow to deep."""
        return tuple(self.blocks)

    @property
    def blocks(self) -> dict[str, nn.Module]:
        return {
            name: slot for name, slot in self.backbone.slots().items() if not isinstance(slot, nn.Identity)
        }

    @property
    def locators(self) -> dict[str, ActionRegionLocator]:
        """The ARL of every block that has one, by the block's name, shallow to deep; ATR_sim's have none."""
        return {
            name: module
            for name, block in self.blocks.items()
            for module in block.modules()
            if isinstance(module, ActionRegionLocator)
        }

    @property
    def has_graph_reasoner(self) -> bool:
        """Whether there is a temporal relation matrix W to see."""
        return any(isinstance(module, TemporalRelation) for module in self.modules())

    @property
    def shown_block(self) -> str:
        """The block a view opens with: the checkpoint's own choice (fact "shown_block"), else the last with ATR or ATR_sim,
        else the last residual block."""
        if (chosen := self.facts.get("shown_block")) in tuple(self.locators):
            return chosen
        return (self.block_names or tuple(self.backbone.slots()))[-1]


def create_model(name: str, num_classes: int, num_frames: int = 8, **options) -> VideoClassifier:
    """A network with fresh weights.

    Args:
        name: {tsn,tsm,trn,slowonly}_resnet{18,34,50,101} or {tsn,tsm,trn}_efficientnet_lite0.
        options: fields of ModelConfig and of ATRConfig, side by side, by their names; NumPy's numbers are taken too.

    Raises:
        ValueError: a name or a value is not one of those allowed, or an option is of a block and there is none.
    """
    inner = {f.name for f in dataclasses.fields(ATRConfig)}
    outer = {f.name for f in dataclasses.fields(ModelConfig)} - {"atr", "name", "num_classes", "num_frames"}
    if unknown := sorted(set(options) - inner - outer):
        raise ValueError(f"unknown options {unknown}; allowed: {', '.join(sorted(inner | outer))}")
    given = {"name": name, "num_classes": num_classes, "num_frames": num_frames, **options}
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in given.items()}
    atr = {key: plain.pop(key) for key in inner & plain.keys()}
    if atr and plain.get("block") is None:
        raise ValueError(
            f"{', '.join(sorted(atr))} would be of a block, but block=None; allowed: {', '.join(BLOCKS)}"
        )
    return build_model(ModelConfig.from_dict({**plain, "atr": atr}))


class Backbone(NamedTuple):
    """A frame network to choose by name: its class, with the arguments of its own, and its residual blocks' names."""

    build: Callable[..., ResNet | EfficientNetLite0]
    block_names: tuple[str, ...]


BACKBONES: dict[str, Backbone] = {
    **{f"resnet{depth}": Backbone(partial(ResNet, depth), resnet.block_names(depth)) for depth in DEPTHS},
    "efficientnet_lite0": Backbone(EfficientNetLite0, efficientnet.block_names()),
}
# The first convolution of residual blocks that look across time; TSN has none such, TRN looks across time at the end.
FAMILIES: dict[str, type[nn.Module]] = {
    "tsn": nn.Conv2d,
    "tsm": ShiftConv,
    "trn": nn.Conv2d,
    "slowonly": TemporalConv,
}
MODELS: dict[str, tuple[str, str]] = {
    f"{family}_{backbone}": (family, backbone)
    for family in FAMILIES
    for backbone in BACKBONES
    if (family, backbone) != ("slowonly", "efficientnet_lite0")  # SlowOnly is a ResNet
}


def looks_across_time(family: str, backbone: str, name: str) -> bool:
    """Whether the first convolution of a residual block is the family's own; elsewhere it is 2D.

    TSM: as in the TSM repository, every block, every second one of ResNet-101, and of inverted residuals (there
    MobileNetV2's) those with a shortcut, which keeps the unshifted frame. SlowOnly: the blocks of the last two stages.
    """
    stage, block = int(name[1]), int(name[3:])
    if family in ("tsn", "trn"):
        return False
    if family == "slowonly":
        return stage in (4, 5)
    if backbone == "efficientnet_lite0":
        return name in efficientnet.with_shortcut()
    return backbone != "resnet101" or block % 2 == 1


def parts_of(config: ModelConfig) -> tuple[str, str, tuple[str, ...]]:
    """The family and the backbone of a network, and the names of the residual blocks where its block is placed.

    Raises:
        ValueError: a name of `config` is unknown.
    """
    family, backbone = choose("model", config.name, MODELS)
    require("block", config.block, (None, *BLOCKS))
    return family, backbone, placed_blocks(BACKBONES[backbone].block_names, config.placement)


def build_model(config: ModelConfig) -> VideoClassifier:
    """The one place where backbone, blocks and classifier are composed.

    Raises:
        ValueError: an option of `config` has a value that is not allowed.
    """
    family, backbone, placed = parts_of(config)
    require_options(config, but=("block",))  # which is looked up in its table
    build, names = BACKBONES[backbone]

    def first_conv(name: str) -> Callable[..., nn.Module]:
        if looks_across_time(family, backbone, name):
            return partial(FAMILIES[family], num_frames=config.num_frames)
        return nn.Conv2d

    def slot(name: str) -> Callable[[int], nn.Module]:
        if config.block is None or name not in placed:
            return nn.Identity
        return partial(BLOCKS[config.block], num_frames=config.num_frames, config=config.atr)

    network = build(
        width=config.width,
        stem=config.stem,
        first_convs={name: first_conv(name) for name in names},
        slots={name: slot(name) for name in names},
    )
    initialise(network)
    if family != "trn":
        return VideoClassifier(config, network)
    units = max(1, round(UNITS * config.width))
    return VideoClassifier(
        config, network, MultiScaleRelations(network.num_features, config.num_frames, units)
    )


def unwrapped(model: nn.Module) -> nn.Module:
    """The network inside DataParallel, DistributedDataParallel and torch.compile, in whatever order.

    A part that is named `module` makes no wrapper.
    """
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.get_submodule("module")
        elif "_orig_mod" in model._modules:
            model = model.get_submodule("_orig_mod")
        else:
            return model


def copy_frame_network(source: VideoClassifier, model: VideoClassifier) -> None:
    """The backbone's weights of `source` into `model`; blocks and classifier keep theirs, temporal kernels inflate.

    Raises:
        ValueError: the two frame networks are not of one shape.
    """
    weights = {name: w for name, w in source.backbone.state_dict().items() if ".atr." not in name}
    load_backbone(model.backbone, weights, f"{source.config.name} into {model.config.name}")


def load_backbone(backbone: nn.Module, weights: dict[str, Tensor], what: str) -> None:
    """Weights by a backbone's own names into it, blocks excepted; 2D kernels inflate where it has temporal ones.

    Raises:
        ValueError: a weight is missing, left over or of another shape; nothing was loaded. `what` begins the message.
    """
    own = {name: w for name, w in backbone.state_dict().items() if ".atr." not in name}
    weights = {n: inflate(w) if n in own and own[n].ndim == w.ndim + 1 > 3 else w for n, w in weights.items()}
    check_fit(own, weights, what)
    backbone.load_state_dict(weights, strict=False)
