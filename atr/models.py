"""Whole networks by name: a backbone, ATR blocks at a placement, average consensus of the frame logits."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

from torch import Tensor, nn

from atr import efficientnet, resnet
from atr.block import BLOCKS, ATRConfig
from atr.efficientnet import EfficientNetLite0
from atr.resnet import DEPTHS, FirstConv, ResNet, initialise, placed_blocks
from atr.temporal import ShiftConv, TemporalConv, inflate


@dataclass(frozen=True)
class ModelConfig:
    """Everything needed to build a network again; a checkpoint carries one.

    Attributes:
        name: one of MODELS, for example "tsm_resnet50".
        block: None | "atr" | "atr_sim".
        placement: "S5-3" | "S5" | "S4-5" | "S3-5" | "S2-5" (Table 1) or block names such as ("S3B1", "S5B2").
        width: scales every channel count of the backbone.
        stem: "imagenet" | "small", which keeps twice the resolution, for frames of about 100 pixels.
        dropout: before the classifier, in training.
        atr: the choices inside the blocks.
    """

    name: str
    num_classes: int
    num_frames: int = 8
    block: Literal["atr", "atr_sim"] | None = None
    placement: str | tuple[str, ...] = "S3-5"
    width: float = 1.0
    stem: Literal["imagenet", "small"] = "imagenet"
    dropout: float = 0.5
    atr: ATRConfig = field(default_factory=ATRConfig)

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "ModelConfig":
        """Raises TypeError where a name is unknown or a required one is missing."""
        placement = values.get("placement", "S3-5")
        if not isinstance(placement, str):
            placement = tuple(placement)
        return cls(**{**values, "placement": placement, "atr": ATRConfig(**values.get("atr", {}))})


class VideoClassifier(nn.Module):
    """A frame network, a linear classifier on every frame, the average of the frames' logits (TSN's consensus).

    `forward`: clips (N, T, 3, H, W), float, normalised -> logits (N, num_classes).
    """

    def __init__(self, config: ModelConfig, backbone: ResNet | EfficientNetLite0):
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.dropout = nn.Dropout(config.dropout)
        self.fc = nn.Linear(backbone.num_features, config.num_classes)
        nn.init.normal_(self.fc.weight, std=0.01)
        nn.init.zeros_(self.fc.bias)

    def forward(self, clips: Tensor) -> Tensor:
        if clips.ndim != 5 or clips.shape[1] != self.config.num_frames:
            raise ValueError(
                f"clips have shape {tuple(clips.shape)}; this model takes (N, {self.config.num_frames}, 3, H, W)"
            )
        features = self.backbone(clips.flatten(0, 1))
        return self.fc(self.dropout(features)).unflatten(0, (clips.shape[0], -1)).mean(dim=1)

    @property
    def block_names(self) -> tuple[str, ...]:
        """The residual blocks that carry an ATR or ATR_sim block, by the paper's names, shallow to deep."""
        return tuple(self.blocks)

    @property
    def blocks(self) -> dict[str, nn.Module]:
        return {
            name: slot for name, slot in self.backbone.slots().items() if not isinstance(slot, nn.Identity)
        }


def create_model(name: str, num_classes: int, num_frames: int = 8, **options) -> VideoClassifier:
    """A network with fresh weights.

    Args:
        name: {tsn,tsm,slowonly}_resnet{18,34,50,101} or {tsn,tsm}_efficientnet_lite0.
        options: fields of ModelConfig and of ATRConfig, side by side, by their names.

    Raises:
        ValueError: a name or a value is not one of those allowed.
    """
    inner = {f.name for f in dataclasses.fields(ATRConfig)}
    outer = {f.name for f in dataclasses.fields(ModelConfig)} - {"atr", "name", "num_classes", "num_frames"}
    if unknown := sorted(set(options) - inner - outer):
        raise ValueError(f"unknown options {unknown}; allowed: {', '.join(sorted(inner | outer))}")
    atr = {key: value for key, value in options.items() if key in inner}
    rest = {key: value for key, value in options.items() if key in outer}
    return build_model(
        ModelConfig.from_dict(
            {"name": name, "num_classes": num_classes, "num_frames": num_frames, **rest, "atr": atr}
        )
    )


def build_model(config: ModelConfig) -> VideoClassifier:
    if config.name not in MODELS:
        raise ValueError(f"model {config.name!r} is unknown; allowed: {', '.join(MODELS)}")
    for name in ("num_classes", "num_frames"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name}={getattr(config, name)} is not allowed; allowed: 1 or more")
    for name, allowed in (("block", (None, *BLOCKS)), ("stem", STEMS)):
        if getattr(config, name) not in allowed:
            raise ValueError(
                f"{name}={getattr(config, name)!r} is unknown; allowed: {', '.join(map(str, allowed))}"
            )
    return MODELS[config.name](config)


class Backbone(NamedTuple):
    """A frame network to choose by name: its builder (width, stem, first_conv, slot) and its residual blocks' names."""

    build: Callable[..., ResNet | EfficientNetLite0]
    block_names: tuple[str, ...]


BACKBONES: dict[str, Backbone] = {
    **{f"resnet{depth}": Backbone(partial(ResNet, depth), resnet.block_names(depth)) for depth in DEPTHS},
    "efficientnet_lite0": Backbone(EfficientNetLite0, efficientnet.block_names()),
}
STEMS = ("imagenet", "small")


def conv2d(name: str, index: int, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


def build_tsn(backbone: str, config: ModelConfig) -> VideoClassifier:
    """TSN: no convolution looks across time."""
    return with_blocks(backbone, config, conv2d)


def build_tsm(backbone: str, config: ModelConfig) -> VideoClassifier:
    """TSM: a shift in every residual branch, as in the TSM repository: in every second one of ResNet-101, and among
    inverted residuals (there MobileNetV2's) in those with a shortcut, which keeps the unshifted frame.
    """

    def shifted(name: str, index: int) -> bool:
        if backbone == "efficientnet_lite0":
            return index > 0
        return index % 2 == 0 or backbone != "resnet101"

    return with_blocks(backbone, config, across_time(ShiftConv, config, shifted))


def build_slowonly(backbone: str, config: ModelConfig) -> VideoClassifier:
    """SlowOnly: the first convolution of every residual block of the last two stages spans three frames."""
    return with_blocks(
        backbone, config, across_time(TemporalConv, config, lambda name, _: name[:2] in ("S4", "S5"))
    )


def across_time(conv: type[nn.Module], config: ModelConfig, where: Callable[[str, int], bool]) -> FirstConv:
    """First convolutions of kind `conv` in the blocks that `where` (name, place in the stage) picks, 2D elsewhere."""

    def first_conv(name: str, index: int, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
        if not where(name, index):
            return conv2d(name, index, inputs, outputs, kernel, stride)
        options = {"stride": stride, "padding": kernel // 2, "bias": False}
        return conv(inputs, outputs, kernel, num_frames=config.num_frames, **options)

    return first_conv


def with_blocks(backbone: str, config: ModelConfig, first_conv: FirstConv) -> VideoClassifier:
    """The one place where backbone, blocks and classifier are composed."""
    build, names = BACKBONES[backbone]
    placed = placed_blocks(names, config.placement)

    def slot(name: str, channels: int) -> nn.Module:
        if config.block is None or name not in placed:
            return nn.Identity()
        return BLOCKS[config.block](channels, config.num_frames, config.atr)

    network = build(width=config.width, stem=config.stem, first_conv=first_conv, slot=slot)
    initialise(network)
    return VideoClassifier(config, network)


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


def check_fit(own: dict[str, Tensor], weights: dict[str, Tensor], what: str) -> None:
    """Raise ValueError, naming `what` and the keys, unless `weights` has each of `own`, in its shape, and no more.

    `num_batches_tracked` may be missing: it is not used where running averages have a momentum, and files older than
    torch 0.4.1 lack it.
    """
    faults = {
        "missing": [n for n in own if n not in weights and not n.endswith(".num_batches_tracked")],
        "left over": [n for n in weights if n not in own],
        "of another shape": [
            f"{n} {tuple(weights[n].shape)} for {tuple(own[n].shape)}"
            for n in own
            if n in weights and own[n].shape != weights[n].shape
        ],
    }
    if any(faults.values()):
        listed = (f"{len(names)} {fault} ({shortened(names)})" for fault, names in faults.items() if names)
        raise ValueError(f"{what} does not fit: {', '.join(listed)}")


def shortened(names: list[str], most: int = 3) -> str:
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])


MODELS: dict[str, Callable[[ModelConfig], VideoClassifier]] = {
    f"{family}_{backbone}": partial(build, backbone)
    for family, build in (("tsn", build_tsn), ("tsm", build_tsm), ("slowonly", build_slowonly))
    for backbone in BACKBONES
    if (family, backbone) != ("slowonly", "efficientnet_lite0")  # SlowOnly is a ResNet
}
