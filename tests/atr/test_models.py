"""Whole networks: names, placements, published costs, what is blind to the order of frames."""

import pytest
import torch

import atr
from atr.describe import describe
from atr.models import ModelConfig, load_backbone
from atr.temporal import ShiftConv, inflate


def reference_resnet50(weights, frames):
    """ResNet-50 as published (v1.5: the stride in the 3×3), written with functions only, on torchvision's names."""
    f = torch.nn.functional

    def bn(x, name):
        w = {part: weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")}
        return f.batch_norm(x, w["running_mean"], w["running_var"], w["weight"], w["bias"])

    x = f.relu(bn(f.conv2d(frames, weights["conv1.weight"], stride=2, padding=3), "bn1"))
    x = f.max_pool2d(x, 3, 2, 1)
    for layer, blocks in ((1, 3), (2, 4), (3, 6), (4, 3)):
        for b in range(blocks):
            p, stride = f"layer{layer}.{b}", 2 if layer > 1 and b == 0 else 1
            y = f.relu(bn(f.conv2d(x, weights[f"{p}.conv1.weight"]), f"{p}.bn1"))
            y = f.relu(bn(f.conv2d(y, weights[f"{p}.conv2.weight"], stride=stride, padding=1), f"{p}.bn2"))
            y = bn(f.conv2d(y, weights[f"{p}.conv3.weight"]), f"{p}.bn3")
            if f"{p}.downsample.0.weight" in weights:
                x = bn(f.conv2d(x, weights[f"{p}.downsample.0.weight"], stride=stride), f"{p}.downsample.1")
            x = f.relu(x + y)
    return x.mean((2, 3))


def randomise_norms(model):
    """Batch statistics and scales away from 0 and 1, so that a mixed-up norm shows."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
            torch.nn.init.normal_(module.bias, std=0.1)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)


def test_tsn_resnet50_is_resnet50_frame_by_frame():
    model = atr.create_model("tsn_resnet50", num_classes=3, num_frames=2).eval()
    randomise_norms(model)
    clips = torch.randn(1, 2, 3, 64, 64)
    with torch.inference_mode():
        features = reference_resnet50(model.backbone.state_dict(), clips[0])
        torch.testing.assert_close(model.backbone(clips[0]), features, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(
            model(clips), model.fc(features).mean(0, keepdim=True), atol=1e-4, rtol=1e-4
        )


def test_imagenet_weights_load_with_exactly_the_blocks_missing():
    plain = atr.create_model("tsn_resnet50", num_classes=3).backbone.state_dict() | {
        "fc.weight": torch.zeros(1000, 2048),
        "fc.bias": torch.zeros(1000),
    }
    backbone = atr.create_model("tsm_resnet50", num_classes=3, block="atr").backbone
    missing, unexpected = backbone.load_state_dict(plain, strict=False)
    assert sorted(unexpected) == ["fc.bias", "fc.weight"]
    assert missing
    assert all(".atr." in key for key in missing)


def test_weights_that_do_not_fit_are_named_and_none_is_loaded(tiny):
    model = tiny()
    before = model.backbone.conv1.weight.clone()
    weights = {name: torch.zeros_like(w) for name, w in tiny().backbone.state_dict().items()}
    del weights["layer3.0.bn1.running_var"], weights["bn1.num_batches_tracked"]  # the second may be missing
    weights |= {"fc.bias": torch.zeros(3), "layer1.0.bn2.bias": torch.zeros(9)}
    with pytest.raises(ValueError) as refused:
        load_backbone(model.backbone, weights, "the file")
    assert str(refused.value) == (
        "the file does not fit: 1 missing (layer3.0.bn1.running_var), 1 left over (fc.bias), "
        "1 of another shape (layer1.0.bn2.bias (9,) for (8,))"
    )
    assert torch.equal(model.backbone.conv1.weight, before)


def test_centre_inflated_slowonly_gives_the_2d_output(clips):
    flat = atr.create_model("tsn_resnet50", num_classes=5, num_frames=4, width=0.125).eval()
    slow = atr.create_model("slowonly_resnet50", num_classes=5, num_frames=4, width=0.125).eval()
    own = slow.state_dict()
    temporal = [key for key, value in own.items() if value.ndim == 5]
    assert [key.split("backbone.")[1] for key in temporal] == [
        f"layer{layer}.{b}.conv1.weight" for layer, blocks in ((3, 6), (4, 3)) for b in range(blocks)
    ]
    slow.load_state_dict({k: inflate(v) if k in temporal else v for k, v in flat.state_dict().items()})
    torch.testing.assert_close(slow(clips), flat(clips), atol=1e-5, rtol=1e-5)


# The table "costs": T = 8, 224², 174 classes; parameters in millions within 0.5 %, GMACs within 2 %.
@pytest.mark.parametrize(
    ("placement", "parameters", "macs"),
    [
        ("S5-3", 24.15, 32.8),
        ("S5", 24.72, 33.0),
        ("S4-5", 25.18, 33.7),
        ("S3-5", 25.27, 34.1),
        ("S2-5", 25.29, 34.4),
    ],
)
def test_costs_of_placements(placement, parameters, macs):
    found = describe(ModelConfig("tsn_resnet50", 174, block="atr", placement=placement))
    assert found.parameters / 1e6 == pytest.approx(parameters, rel=0.005)
    assert found.macs / 1e9 == pytest.approx(macs, rel=0.02)


@pytest.mark.parametrize(
    ("name", "classes", "parameters", "macs"),
    [
        ("tsn_resnet50", 174, 23.865, 32.8),
        ("tsm_resnet50", 174, 23.865, 32.8),
        ("slowonly_resnet50", 400, 32.454, 41.7),
        ("tsn_resnet18", 1000, 11.690, 8 * 1.814),
        ("tsn_resnet34", 1000, 21.798, 8 * 3.664),
        ("tsn_resnet101", 1000, 44.549, 8 * 7.80),
    ],
)
def test_costs_of_backbones(name, classes, parameters, macs):
    found = describe(ModelConfig(name, classes))
    assert found.parameters / 1e6 == pytest.approx(parameters, rel=0.0005)
    assert found.macs / 1e9 == pytest.approx(macs, rel=0.02)


def test_a_small_stem_halves_the_frame_once_and_no_width_is_too_narrow_for_a_channel():
    small = describe(ModelConfig("tsn_resnet18", 5, 1, block="atr", placement="S2-5", stem="small"), size=96)
    assert [b.height for b in small.blocks] == [48, 48, 24, 24, 12, 12, 6, 6]
    with pytest.raises(ValueError, match=r"width=0.001 is not allowed; allowed: a number from 0.015625"):
        atr.create_model("tsn_resnet18", 5, width=0.001)


@pytest.mark.parametrize(
    ("name", "conv", "std"),
    [
        ("tsn_resnet18", "conv1", (2 / (64 * 49)) ** 0.5),  # fan-out
        ("tsn_resnet18", "layer4.0.conv1", (2 / (512 * 9)) ** 0.5),
        ("slowonly_resnet18", "layer4.1.conv1", (2 / (512 * 3 * 9)) ** 0.5),
        ("tsn_efficientnet_lite0", "blocks.4.depthwise_conv", (2 / 25) ** 0.5),
    ],
)
def test_convolutions_of_a_backbone_begin_as_torchvision_s(name, conv, std):
    weight = atr.create_model(name, 5, 4).backbone.get_submodule(conv).weight
    assert float(weight.detach().std()) == pytest.approx(std, rel=0.06)


def test_description_names_blocks_channels_and_maps():
    blocks = describe(ModelConfig("tsm_resnet50", 174, block="atr")).blocks
    assert [b.name for b in blocks] == [
        *("S3B1", "S3B2", "S3B3", "S3B4"),
        *("S4B1", "S4B2", "S4B3", "S4B4", "S4B5", "S4B6"),
        *("S5B1", "S5B2", "S5B3"),
    ]
    assert (blocks[0].channels, blocks[0].height, blocks[0].width) == (512, 28, 28)
    assert (blocks[-1].channels, blocks[-1].height, blocks[-1].width) == (2048, 7, 7)


@pytest.mark.parametrize(
    ("placement", "names"),
    [
        ("S5-3", ("S5B3",)),
        ("S5", ("S5B1", "S5B2", "S5B3")),
        (["S5B2", "S3B1"], ("S3B1", "S5B2")),
        ("S4B2", ("S4B2",)),
    ],
)
def test_placements(placement, names):
    model = atr.create_model("tsn_resnet50", num_classes=2, width=0.05, block="atr", placement=placement)
    assert model.block_names == names


def test_mirrored_names_of_weights():
    model = atr.create_model("tsn_resnet50", num_classes=2, width=0.05, block="atr", placement=["S3B1"])
    assert "layer2.0.atr.arl.cond.weight" in model.backbone.state_dict()


@pytest.mark.parametrize(
    ("options", "blind"),
    [
        ({}, True),
        ({"block": "atr_sim", "reasoner": "gr"}, True),
        ({"block": "atr", "reasoner": "gr", "use_motion": False}, True),
        ({"block": "atr", "reasoner": "gr"}, False),  # ARL's motion cue
        ({"block": "atr_sim"}, False),  # ER
        ({"name": "tsm_resnet18"}, False),
        ({"name": "slowonly_resnet18"}, False),
        ({"name": "tsn_efficientnet_lite0"}, True),
        ({"name": "tsm_efficientnet_lite0"}, False),
    ],
)
def test_who_is_blind_to_the_order_of_frames(tiny, clips, options, blind):
    model, order = tiny(**options), torch.tensor([2, 0, 3, 1])
    with torch.inference_mode():
        apart = (model(clips) - model(clips[:, order])).abs().max() / model(clips).abs().max()
    assert (apart < 1e-4) == blind
    assert blind or apart > 1e-3


@pytest.mark.parametrize("name", ["tsn_resnet18", "tsn_efficientnet_lite0"])
def test_last_bn_scale_zero_leaves_the_logits(name, tiny, clips):
    plain, with_blocks = tiny(name), tiny(name, block="atr", bn_gamma_init=0.0)
    with_blocks.load_state_dict(plain.state_dict(), strict=False)
    with torch.inference_mode():
        assert torch.equal(with_blocks(clips), plain(clips))


@pytest.mark.parametrize("name", sorted(atr.MODELS))
@pytest.mark.parametrize("block", [None, "atr", "atr_sim"])
def test_every_network_learns_with_every_block(name, block, clips):
    model = atr.create_model(name, num_classes=5, num_frames=4, width=0.05, block=block)
    model(clips).sum().backward()
    without = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []


def test_clips_of_another_length_and_unknown_options_are_refused(tiny, clips):
    with pytest.raises(ValueError, match=r"\(2, 3, 3, 32, 32\).*\(N, 4, 3, H, W\)"):
        tiny()(clips[:, :3])
    with pytest.raises(ValueError, match="'i3d_resnet50'.*tsn_resnet18"):
        atr.create_model("i3d_resnet50", num_classes=5)
    with pytest.raises(ValueError, match="distributon"):
        tiny(distributon="add")
    with pytest.raises(ValueError, match="S9B1"):
        tiny(block="atr", placement=["S9B1"])
    with pytest.raises(ValueError, match="block='lstm' is unknown; allowed: None, atr, atr_sim"):
        tiny(block="lstm")
    with pytest.raises(ValueError, match="stem='large' is unknown; allowed: imagenet, small"):
        tiny(stem="large")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": "5"}, "num_classes='5' is not allowed; allowed: a whole number from 1 to 100,000"),
        ({"num_frames": 0}, "num_frames=0 is not allowed; allowed: a whole number from 1 to 1,024"),
        ({"width": "half"}, "width='half' is not allowed; allowed: a number from 0.015625 to 8"),
        ({"placement": 5}, "placement has unknown 5; allowed: S5-3, S5, .* names of this backbone's blocks"),
        ({"use_motion": "no"}, "use_motion='no' is not allowed; allowed: true or false"),
        ({"bn_gamma_init": None}, "bn_gamma_init=None is not allowed; allowed: a number from"),
    ],
)
def test_values_of_another_type_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        atr.create_model("tsn_resnet18", **{"num_classes": 5, "block": "atr"} | options)


def test_options_of_a_block_need_one():
    with pytest.raises(
        ValueError, match="num_reasoners, reasoner would be of a block, but block=None; allowed: atr, atr_sim"
    ):
        atr.create_model("tsm_resnet18", 3, reasoner="gr", num_reasoners=1)


@pytest.mark.parametrize("order", [[0], [0, 0, 1, 2, 3], [0, 1, 2, 3, 5]])
def test_an_order_that_is_no_permutation_changes_nothing(tiny, order):
    model = tiny()
    model.labels, before = list("abcde"), model.fc.weight.clone()
    with pytest.raises(ValueError, match=r"is not allowed; allowed: each of the classes 0 to 4 once"):
        model.reorder_classes(order)
    assert torch.equal(model.fc.weight, before) and model.labels == list("abcde")


def test_classes_without_labels_are_reordered_too(tiny):
    model = tiny()
    before = model.fc.weight.clone()
    model.reorder_classes([4, 3, 2, 1, 0])
    assert torch.equal(model.fc.weight, before.flip(0)) and model.labels == []


def test_dropout_is_the_configs():
    assert atr.create_model("tsn_resnet18", 3, dropout=0.2).dropout.p == 0.2


def test_tsm_shifts_every_block_but_every_second_of_resnet101():
    """As the TSM repository does (`n_round` 2 where the third layer has 23 blocks or more)."""
    for depth, every in ((50, 1), (101, 2)):
        with torch.device("meta"):
            backbone = atr.create_model(f"tsm_resnet{depth}", 3).backbone
        for layer in (backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4):
            shifted = [number for number, block in enumerate(layer) if isinstance(block.conv1, ShiftConv)]
            assert shifted == list(range(0, len(layer), every)), depth
