"""A network for inference alone: what evaluation leaves constant is folded, and large tensors are gone over less often."""

from typing import Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atr.efficientnet import EfficientNetLite0, InvertedResidual
from atr.folding import Cast, fast, fast_slot, folded
from atr.models import VideoClassifier, build_model, unwrapped
from atr.options import require
from atr.resnet import BasicBlock, Bottleneck, ResNet

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
Inference = Literal["float32", "bf16", "plain"]  # how the commands compute
STEMS = {  # kind of frame network -> its convolutions outside residual blocks, and what normalises each
    ResNet: (("conv1", "bn1"),),
    EfficientNetLite0: (("conv_stem", "bn0"), ("conv_head", "bn1")),
}


def optimised(model: VideoClassifier, *, precision: str = "auto") -> "OptimisedClassifier":
    """A copy of a network for inference, on the device of the network: the same answers in less time.

    It takes what the network takes and gives logits in float32. `analysis.record`, `RelationAverage` and
    `atr.results.health.watch` see in it what they see in the network.

    Args:
        model: in either mode and of any floating point numbers; it is copied as it is in evaluation, in float32.
        precision: "float32": logits, maps and relations equal the network's to 1e-5. "bf16": weights and features of
            the backbone have 8 significant bits; M, the vectors and the reasoners stay float32. On the shipped clips maps
            differ by up to 3 % of their span, in the median 0.4 %, and of two classes that are all but equally probable
            the other one may win. "auto": "bf16" where the CPU (AVX512_BF16, AMX) or the GPU computes in it, else
            "float32". A frame network of another kind than those in `STEMS` stays as it is, in float32.

    Raises:
        ValueError: the precision is unknown or not for this frame network, or the network is an optimised one.
    """
    require("precision", precision, ("auto", *PRECISIONS))
    model = cast(VideoClassifier, unwrapped(model))
    if isinstance(model, OptimisedClassifier):
        raise ValueError("the network is optimised already")
    weights = {
        name: weight.to(torch.float32 if weight.is_floating_point() else weight.dtype, copy=True)
        for name, weight in model.state_dict().items()
    }
    device = model.fc.weight.device
    is_known = type(model.backbone) in STEMS
    if precision == "auto":
        precision = "bf16" if is_known and computes_in_bf16(device) else "float32"
    if precision == "bf16" and not is_known:
        raise ValueError(f"precision='bf16' is not there for {model.config.name}; allowed: float32")
    with torch.device("meta"):  # nothing is drawn
        copy = build_model(model.config)
        copy.load_state_dict(weights, assign=True)
    with torch.no_grad():
        made = OptimisedClassifier(copy.eval(), PRECISIONS[precision]).to(device)
    made.labels, made.facts = list(model.labels), dict(model.facts)
    made.preprocessing, made.sampling = model.preprocessing, model.sampling
    return made


def for_inference(model: VideoClassifier, inference: Inference) -> VideoClassifier:
    """A network as a command computes with it: itself if "plain", else optimised in one of PRECISIONS.

    Raises ValueError for other names.
    """
    require("inference", inference, get_args(Inference))
    return model if inference == "plain" else optimised(model, precision=inference)


def computes_in_bf16(device: torch.device) -> bool:
    """Whether there are instructions for it; where it is emulated, float32 is faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch tells it by functions that are not in all of its versions and systems
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, name, bool)() for name in names)


class OptimisedClassifier(VideoClassifier):
    """What `optimised` makes of a network. `forward`: clips (N, T, 3, H, W) -> logits (N, num_classes), float32.

    It takes the modules of `model` over. There is nothing to train or to save in it.
    """

    def __init__(self, model: VideoClassifier, dtype: torch.dtype):
        with torch.device("meta"):
            super().__init__(model.config, model.backbone)
        self.dtype = dtype
        self.fc = model.fc
        self.trn = nn.Sequential(Cast(torch.float32), model.trn)
        make_faster(self.backbone, dtype)
        self.requires_grad_(False).eval()

    def forward(self, clips: Tensor) -> Tensor:
        return super().forward(clips.to(self.dtype))

    def train(self, mode: bool = True) -> "OptimisedClassifier":
        if mode:
            raise ValueError("an optimised network cannot be trained; train the one it was made of")
        return super().train(False)

    def state_dict(self, *arguments, **options):
        raise ValueError("an optimised network is not saved; save the one it was made of")


def make_faster(backbone: nn.Module, dtype: torch.dtype) -> None:
    """Replace the residual blocks of a backbone, fold its other normalisations, in place."""
    kinds = {BasicBlock: FastBasicBlock, Bottleneck: FastBottleneck, InvertedResidual: FastInvertedResidual}
    for place, module in list(backbone.named_modules()):
        if type(module) in kinds:
            parent, _, name = place.rpartition(".")
            setattr(backbone.get_submodule(parent), name, kinds[type(module)](module, dtype))
    for conv, norm in STEMS.get(type(backbone), ()):
        whole = folded(getattr(backbone, conv), getattr(backbone, norm))
        setattr(backbone, conv, fast(whole, dtype))
        setattr(backbone, norm, nn.Identity())


class FastBasicBlock(nn.Module):
    def __init__(self, block: BasicBlock, dtype: torch.dtype):
        super().__init__()
        self.conv1 = fast(folded(block.conv1, block.bn1), dtype)
        self.conv2 = fast(folded(block.conv2, block.bn2), dtype)
        self.atr = fast_slot(block.atr, None, dtype)
        self.downsample = fast_shortcut(block.downsample, dtype)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x).relu_())
        return self.atr(y, y).add_(self.downsample(x)).relu_()


class FastBottleneck(nn.Module):
    def __init__(self, block: Bottleneck, dtype: torch.dtype):
        super().__init__()
        self.conv1 = fast(folded(block.conv1, block.bn1), dtype)
        self.conv2 = fast(folded(block.conv2, block.bn2), dtype)
        conv3 = folded(block.conv3, block.bn3)
        self.atr = fast_slot(block.atr, conv3, dtype)
        self.conv3 = fast(conv3, dtype)
        self.downsample = fast_shortcut(block.downsample, dtype)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(self.conv1(x).relu_()).relu_()
        return self.atr(self.conv3(h), h).add_(self.downsample(x)).relu_()


class FastInvertedResidual(nn.Module):
    def __init__(self, block: InvertedResidual, dtype: torch.dtype):
        super().__init__()
        self.expand_conv = fast(folded(block.expand_conv, block.bn0), dtype)
        self.depthwise_conv = fast(folded(block.depthwise_conv, block.bn1), dtype)
        self.project_conv = fast(folded(block.project_conv, block.bn2), dtype)
        self.atr = fast_slot(block.atr, None, dtype)
        self.shortcut = block.shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.depthwise_conv(F.relu6(self.expand_conv(x))), inplace=True)
        y = self.project_conv(y)
        return self.atr(y, y).add_(self.shortcut(x))


def fast_shortcut(shortcut: nn.Module, dtype: torch.dtype) -> nn.Module:
    return fast(folded(*shortcut), dtype) if isinstance(shortcut, nn.Sequential) else shortcut
