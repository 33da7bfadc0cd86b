"""Small files of foreign weights by their documented key names, and what their networks answer, written as functions."""

import torch
from torch.nn import functional as F

from atr.resnet import DEPTHS

T, CLASSES, BASE = 4, 5, 8
LABELS = [f"class {i}" for i in range(CLASSES)]
HEADS = {"torchvision": "fc", "tsm": "module.new_fc", "mmaction2": "cls_head.fc_cls"}


def keys(layout, place):
    """A convolution's place ("layer1.0.conv1", "layer2.0.downsample") -> names of it and of its normalisation."""
    if layout == "mmaction2":
        return f"backbone.{place}.conv", f"backbone.{place}.bn"
    prefix = "module.base_model." if layout == "tsm" else ""
    if place.endswith("downsample"):
        return f"{prefix}{place}.0", f"{prefix}{place}.1"
    return f"{prefix}{place}", f"{prefix}{place[:-5]}bn{place[-1]}"


def is_shifted(family, depth, place):
    """TSM: the first convolution of each block; of every second block of ResNet-101."""
    layer, _, rest = place.partition(".")
    every = 2 if depth == 101 else 1
    return (
        family == "tsm"
        and layer != "conv1"
        and rest.endswith("conv1")
        and int(rest.split(".")[0]) % every == 0
    )


def convolutions(depth):
    """(place, channels in, channels out, kernel) of a ResNet with 8 channels after the stem."""
    yield "conv1", 3, BASE, 7
    inputs = BASE
    for layer, blocks in enumerate(DEPTHS[depth], start=1):
        width = BASE * 2 ** (layer - 1)
        outputs = width * (4 if depth >= 50 else 1)
        for b in range(blocks):
            shapes = [(inputs, width, 3), (width, width, 3)]
            if depth >= 50:
                shapes = [(inputs, width, 1), (width, width, 3), (width, outputs, 1)]
            for i, shape in enumerate(shapes, start=1):
                yield f"layer{layer}.{b}.conv{i}", *shape
            if b == 0 and (layer > 1 or inputs != outputs):
                yield f"layer{layer}.0.downsample", inputs, outputs, 1
            inputs = outputs


def checkpoint(layout, family, depth):
    """Random weights by their names in a layout."""
    weights, outputs = {}, 0
    for place, inputs, outputs, k in convolutions(depth):
        conv, norm = keys(layout, place)
        shape = (outputs, inputs, k, k)
        if family == "slowonly":  # every kernel has a time; 3 in the first convolutions of layers 3 and 4
            long = place[:6] in ("layer3", "layer4") and place.endswith("conv1")
            shape = (outputs, inputs, 3 if long else 1, k, k)
        fan_in = torch.Size(shape[1:]).numel()
        net = ".net" if is_shifted(family, depth, place) else ""
        weights[f"{conv}{net}.weight"] = torch.randn(shape) * (2 / fan_in) ** 0.5
        weights |= {
            f"{norm}.weight": torch.rand(outputs) + 0.5,
            f"{norm}.bias": torch.randn(outputs) * 0.1,
            f"{norm}.running_mean": torch.randn(outputs) * 0.1,
            f"{norm}.running_var": torch.rand(outputs) + 0.5,
            f"{norm}.num_batches_tracked": torch.tensor(7),
        }
    head = HEADS[layout]
    return weights | {
        f"{head}.weight": torch.randn(CLASSES, outputs),
        f"{head}.bias": torch.randn(CLASSES),
    }


def shift(x):
    """(N*T, C, H, W): channels in eighths; the first takes the next frame, the second the one before."""
    x = x.unflatten(0, (-1, T))
    fold = x.shape[2] // 8
    left, right, rest = x[:, :, :fold], x[:, :, fold : 2 * fold], x[:, :, 2 * fold :]
    left = torch.cat([left[:, 1:], torch.zeros_like(left[:, :1])], dim=1)
    right = torch.cat([torch.zeros_like(right[:, :1]), right[:, :-1]], dim=1)
    return torch.cat([left, right, rest], dim=2).flatten(0, 1)


def logits(weights, clips, layout, family, depth):
    """The original's forward pass: 2D on (N*T, C, H, W), or 3D on (N, C, T, H, W)."""
    solid = family == "slowonly"

    def conv(x, place, stride=1):
        name, norm = keys(layout, place)
        if is_shifted(family, depth, place):
            x, name = shift(x), f"{name}.net"
        kernel = weights[f"{name}.weight"]
        padding = [k // 2 for k in kernel.shape[2:]]
        x = (
            F.conv3d(x, kernel, None, (1, stride, stride), padding)
            if solid
            else F.conv2d(x, kernel, None, stride, padding)
        )
        w = {part: weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")}
        return F.batch_norm(x, w["running_mean"], w["running_var"], w["weight"], w["bias"])

    x = clips.transpose(1, 2) if solid else clips.flatten(0, 1)
    x = F.relu(conv(x, "conv1", 2))
    x = F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1)) if solid else F.max_pool2d(x, 3, 2, 1)
    for layer, blocks in enumerate(DEPTHS[depth], start=1):
        for b in range(blocks):
            place, stride = f"layer{layer}.{b}", 2 if layer > 1 and b == 0 else 1
            y = F.relu(conv(x, f"{place}.conv1", 1 if depth >= 50 else stride))
            y = conv(y, f"{place}.conv2", stride if depth >= 50 else 1)
            if depth >= 50:
                y = conv(F.relu(y), f"{place}.conv3")
            if f"{keys(layout, place + '.downsample')[0]}.weight" in weights:
                x = conv(x, f"{place}.downsample", stride)
            x = F.relu(x + y)
    weight, bias = (weights[f"{HEADS[layout]}.{part}"] for part in ("weight", "bias"))
    if solid:  # I3D's head: the average over frames and positions
        return F.linear(x.mean((2, 3, 4)), weight, bias)
    x = x.mean((2, 3)).unflatten(0, (-1, T))
    if layout == "mmaction2" and family == "tsn":  # its head averages the frames before the classifier
        return F.linear(x.mean(1), weight, bias)
    return F.linear(x, weight, bias).mean(1)


def saved(tmp_path, weights, name="weights.pth", **beside):
    """As the projects save: torchvision the bare weights, the others with the state of the training beside them."""
    torch.save({"state_dict": weights, **beside} if beside else weights, tmp_path / name)
    return tmp_path / name
