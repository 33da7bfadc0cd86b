"""Whole networks by name: a 2D or 3D ResNet, ATR blocks at a placement, average consensus of the frame logits."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from torch import Tensor, nn

from atr.block import BLOCKS, ATRConfig
from atr.resnet import DEPTHS, FirstConv, ResNet, initialise, placed_blocks
from atr.temporal import ShiftConv, TemporalConv, inflate


@dataclass(frozen=True)
class ModelConfig:
    """Everything needed to build a network again; a checkpoint carries one.

    Attributes:
        name: one of MODELS, for example "tsm_resnet50".
        block: None | "atr" | "atr_sim".
        placement: "S5-3" | "S5" | "S4-5" | "S3-5" | "S2-5" (Table 1) or block names such as ("S3B1", "S5B2").
        width: scales every channel count of the ResNet.
        stem: "imagenet" | "small".
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

    def __init__(self, config: ModelConfig, backbone: ResNet):
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
        name: {tsn,tsm,slowonly}_resnet{18,34,50,101}.
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
    return MODELS[config.name](config)


def conv2d(name: str, index: int, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


def build_tsn(depth: int, config: ModelConfig) -> VideoClassifier:
    """TSN: no convolution looks across time."""
    return with_blocks(depth, config, conv2d)


def build_tsm(depth: int, config: ModelConfig) -> VideoClassifier:
    """TSM: a shift in every residual branch; in every second one of ResNet-101, as in the TSM repository."""
    every = 2 if DEPTHS[depth][2] >= 23 else 1
    return with_blocks(depth, config, across_time(ShiftConv, config, lambda name, index: index % every == 0))


def build_slowonly(depth: int, config: ModelConfig) -> VideoClassifier:
    """SlowOnly: the first convolution of every residual block of the last two stages spans three frames."""
    return with_blocks(
        depth, config, across_time(TemporalConv, config, lambda name, _: name[:2] in ("S4", "S5"))
    )


def across_time(conv: type[nn.Module], config: ModelConfig, where: Callable[[str, int], bool]) -> FirstConv:
    """First convolutions of kind `conv` in the blocks that `where` (name, place in the stage) picks, 2D elsewhere."""

    def first_conv(name: str, index: int, inputs: int, outputs: int, kernel: int, stride: int) -> nn.Module:
        if not where(name, index):
            return conv2d(name, index, inputs, outputs, kernel, stride)
        options = {"stride": stride, "padding": kernel // 2, "bias": False}
        return conv(inputs, outputs, kernel, num_frames=config.num_frames, **options)

    return first_conv


def with_blocks(depth: int, config: ModelConfig, first_conv: FirstConv) -> VideoClassifier:
    """The one place where backbone, blocks and classifier are composed."""
    placed = placed_blocks(depth, config.placement)
    if config.block is not None and config.block not in BLOCKS:
        raise ValueError(f"block={config.block!r} is unknown; allowed: None, {', '.join(BLOCKS)}")

    def slot(name: str, channels: int) -> nn.Module:
        if config.block is None or name not in placed:
            return nn.Identity()
        return BLOCKS[config.block](channels, config.num_frames, config.atr)

    backbone = ResNet(depth, width=config.width, stem=config.stem, first_conv=first_conv, slot=slot)
    initialise(backbone)
    return VideoClassifier(config, backbone)


def copy_frame_network(source: VideoClassifier, model: VideoClassifier) -> None:
    """The ResNet's weights of `source` into `model`; blocks and classifier keep theirs, temporal kernels inflate.

    Raises:
        ValueError: the two frame networks are not of one shape.
    """
    weights = {name: w for name, w in source.backbone.state_dict().items() if ".atr." not in name}
    own = model.backbone.state_dict()
    weights = {n: inflate(w) if n in own and own[n].ndim == w.ndim + 1 else w for n, w in weights.items()}
    try:
        missing, unexpected = model.backbone.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise ValueError(f"{source.config.name} does not fit into {model.config.name}: {error}") from error
    if wrong := [*unexpected, *(name for name in missing if ".atr." not in name)]:
        raise ValueError(f"{source.config.name} does not fit into {model.config.name}: {wrong}")


MODELS: dict[str, Callable[[ModelConfig], VideoClassifier]] = {
    f"{family}_resnet{depth}": partial(build, depth)
    for family, build in (("tsn", build_tsn), ("tsm", build_tsm), ("slowonly", build_slowonly))
    for depth in DEPTHS
}
