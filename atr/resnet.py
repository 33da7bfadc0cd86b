"""ResNet with a slot right after the last batch normalisation of each residual block; block names and placements."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
PLACEMENTS = {
    "S5-3": (),
    "S5": (5,),
    "S4-5": (4, 5),
    "S3-5": (3, 4, 5),
    "S2-5": (2, 3, 4, 5),
}  # stages, Table 1

# By a block's name: its first convolution, with nn.Conv2d's arguments, and, by channels, what its slot holds.
FirstConvs = Mapping[str, Callable[..., nn.Module]]
Slots = Mapping[str, Callable[[int], nn.Module]]


def block_name(stage: int, block: int) -> str:
    """The paper's name of torchvision's `layer{stage}.{block}`: layer2.0 -> "S3B1"."""
    return f"S{stage + 1}B{block + 1}"


def block_names(depth: int) -> tuple[str, ...]:
    return tuple(block_name(stage, b) for stage, n in enumerate(DEPTHS[depth], start=1) for b in range(n))


def placed_blocks(names: tuple[str, ...], placement: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Which of a backbone's residual blocks, `names`, a placement of Table 1 or a list of block names chooses.

    Raises:
        ValueError: the placement or one of the block names does not exist, or there is none.
    """
    if placement == "S5-3":
        return (names[-1],)  # the last block of stage 5: the third of ResNet-50
    if isinstance(placement, str) and placement in PLACEMENTS:
        return tuple(name for name in names if int(name[1]) in PLACEMENTS[placement])
    chosen = placement if isinstance(placement, list | tuple) else (placement,)
    unknown = [name for name in chosen if name not in names]
    if unknown or not chosen:
        fault = f"has unknown {', '.join(map(str, unknown))}" if unknown else "names no block"
        raise ValueError(
            f"placement {fault}; allowed: {', '.join(PLACEMENTS)}, or names of this "
            f"backbone's blocks, {', '.join(names)}"
        )
    return tuple(name for name in names if name in chosen)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions; the slot `atr` after the second batch normalisation. torchvision's names otherwise."""

    expansion = 1

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        stride: int,
        first_conv: Callable[..., nn.Module],
        slot: Callable[[int], nn.Module],
    ):
        super().__init__()
        self.conv1 = first_conv(inputs, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.atr = slot(width)
        self.downsample = shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.atr(self.bn2(self.conv2(y)))
        return F.relu(y + self.downsample(x))


class Bottleneck(nn.Module):
    """1×1, 3×3 (with the stride), 1×1; the slot `atr` after the third batch normalisation. torchvision's names."""

    expansion = 4

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        stride: int,
        first_conv: Callable[..., nn.Module],
        slot: Callable[[int], nn.Module],
    ):
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = first_conv(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.atr = slot(outputs)
        self.downsample = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.atr(self.bn3(self.conv3(y)))
        return F.relu(y + self.downsample(x))


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """ResNet-18/34/50/101 without its classifier: frames (N*T, 3, H, W) -> pooled features (N*T, C).

    Parameter names are torchvision's, so its ImageNet weights load with nothing missing but the slots' own keys and
    nothing left over but `fc`.

    Args:
        width: scales every channel count.
        stem: "imagenet" (7×7 stride 2, max-pool: a quarter of the resolution) | "small" (3×3 stride 2, no max-pool:
            half of it, for frames of about 100 pixels).
        first_convs: makes the first convolution of each residual block; the 2D one, TSM's or SlowOnly's.
        slots: makes what stands right after the last batch normalisation of each block; `nn.Identity` for nothing.
    """

    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(self, depth: int, *, width: float, stem: str, first_convs: FirstConvs, slots: Slots):
        super().__init__()
        base = round(64 * width)
        Block = BasicBlock if depth < 50 else Bottleneck
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(3, base, 7, stride=2, padding=3, bias=False)
            self.maxpool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1)
        else:
            self.conv1 = nn.Conv2d(3, base, 3, stride=2, padding=1, bias=False)
            self.maxpool = nn.Identity()
        self.bn1 = nn.BatchNorm2d(base)
        channels = base
        for stage, num_blocks in enumerate(DEPTHS[depth], start=1):
            blocks = []
            for b in range(num_blocks):
                stride = 2 if stage > 1 and b == 0 else 1
                name, block_width = block_name(stage, b), base * 2 ** (stage - 1)
                choice = {"first_conv": first_convs[name], "slot": slots[name]}
                blocks.append(Block(channels, block_width, stride=stride, **choice))
                channels = block_width * Block.expansion
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.num_features = channels

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)

    def slots(self) -> dict[str, nn.Module]:
        """The module in each block's slot, by the block's name in the paper ("S3B1")."""
        return {
            block_name(stage, b): block.atr
            for stage in range(1, 5)
            for b, block in enumerate(getattr(self, f"layer{stage}"))
        }


def initialise(backbone: nn.Module) -> None:
    """torchvision's start for the backbone's own convolutions: Kaiming normal, fan-out.

    Weights without values, of the device "meta", stay as they are: what is drawn there would import torch's compiler, and
    to load a checkpoint would take a second longer.
    """
    for name, module in backbone.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)) and ".atr." not in name and not module.weight.is_meta:
            # torch's fan-out knows no groups; of a depth-wise kernel it equals the fan-in
            mode: Literal["fan_out", "fan_in"] = "fan_out" if module.groups == 1 else "fan_in"
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
