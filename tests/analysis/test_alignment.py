"""Where cells lie: by hand, and against the centre of mass of what a cell responds to in a network that only averages."""

import numpy as np
import pytest
import torch
from torch import nn

import atr
from analysis.alignment import cell_centres, field_centres
from analysis.gradcam import residual_block
from analysis.map_values import upsample

SIDE = 224


def averaging(name: str, stem: str) -> nn.Module:
    """Every convolution is the mean of its field, every normalisation the identity; max pools become means."""
    model = (
        atr.create_model(name, 2, 1, width=1 / 64 if "resnet" in name else 0.25, stem=stem).eval().double()
    )
    for parent in list(model.backbone.modules()):
        for child, module in parent.named_children():
            if isinstance(module, nn.MaxPool2d):
                pool = nn.AvgPool2d(module.kernel_size, module.stride, module.padding)
                setattr(parent, child, pool)
            elif isinstance(module, (nn.Conv2d, nn.Conv3d)):
                nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    return model


def centre_of_mass(model: nn.Module, block: str, row: int, column: int) -> tuple[float, float]:
    """Of the input's influence on one cell, in pixels that reach from i to i + 1."""
    frame = torch.full((1, 1, 3, SIDE, SIDE), 1e-3, dtype=torch.float64, requires_grad=True)
    slot = {}
    hook = residual_block(model, block).register_forward_hook(lambda *values: slot.update(out=values[-1]))
    model(frame)
    hook.remove()
    slot["out"][0, :, row, column].sum().backward()
    influence = frame.grad[0, 0].sum(dim=0).numpy()
    places = np.arange(SIDE) + 0.5
    mass = influence.sum()
    # The whole field is inside the picture, or its centre of mass would not be its centre.
    assert not influence[[0, -1]].any() and not influence[:, [0, -1]].any()
    return (influence.sum(1) @ places / mass, influence.sum(0) @ places / mass)


@pytest.mark.parametrize(
    ("name", "stem", "block"),
    [
        ("tsn_resnet18", "small", "S3B2"),
        ("tsn_resnet18", "small", "S4B1"),
        ("tsn_resnet18", "imagenet", "S3B1"),
        ("tsn_resnet50", "small", "S4B1"),
        ("tsn_resnet50", "imagenet", "S3B2"),
        ("slowonly_resnet18", "small", "S4B1"),
        ("tsn_efficientnet_lite0", "imagenet", "S2B2"),
        ("tsn_efficientnet_lite0", "imagenet", "S3B2"),
        ("tsn_efficientnet_lite0", "small", "S4B1"),
    ],
)
def test_a_cell_lies_where_its_receptive_field_does(name, stem, block):
    model = averaging(name, stem)
    rows, columns = (field_centres(model, block, axis, SIDE) for axis in (0, 1))
    row, column = len(rows) // 2, len(columns) // 2 - 1
    found = centre_of_mass(model, block, row, column)
    assert found == pytest.approx((rows[row], columns[column]), abs=1e-6)


def test_strided_convolutions_look_half_a_cell_up_and_left():
    """A 7×7 convolution, a pool and a 3×3 convolution, each of stride 2 and padded alike: pixels 0, 8, 16, ..."""
    model = atr.create_model("tsn_resnet18", 2, 1, width=1 / 64)
    np.testing.assert_allclose(field_centres(model, "S3B1", 0, 96), 8 * np.arange(12) + 0.5)
    rows, columns = cell_centres(model, "S3B1", 96, 64, "centres")
    np.testing.assert_allclose(columns * 64, 8 * np.arange(8) + 0.5)
    edges = cell_centres(model, "S3B1", 96, 64)
    np.testing.assert_allclose(edges[0] * 96, 8 * np.arange(12) + 4)
    assert len(rows) == len(edges[0])


@pytest.mark.parametrize(
    ("name", "stem"), [("tsn_resnet18", "small"), ("tsn_efficientnet_lite0", "imagenet")]
)
@pytest.mark.parametrize("size", [(65, 96), (50, 33)])
def test_there_is_a_centre_for_every_cell(name, stem, size):
    model = atr.create_model(name, 2, 1, width=0.125, stem=stem, block="atr").eval()
    shapes = {}
    for block, slot in model.blocks.items():
        slot.register_forward_hook(lambda _, __, out, block=block: shapes.update({block: out.shape[2:]}))
    with torch.inference_mode():
        model(torch.zeros(1, 1, 3, *size))
    for block, shape in shapes.items():
        assert tuple(len(c) for c in cell_centres(model, block, *size, "centres")) == tuple(shape)


def test_unknown_alignments_are_named():
    model = atr.create_model("tsn_resnet18", 2, 1, width=1 / 64)
    with pytest.raises(ValueError, match="alignment='corners' is unknown; allowed: edges, centres"):
        cell_centres(model, "S3B1", 96, 96, "corners")
    with pytest.raises(ValueError, match="block='S9B1' is unknown"):
        cell_centres(model, "S9B1", 96, 96)


def test_maps_are_drawn_between_the_centres_that_are_given():
    """Two cells centred on the first and the third of four pixels: half-way in between, held beyond the last."""
    centres = (np.array([0.5]), np.array([0.125, 0.625]))
    drawn = upsample(np.array([[0.0, 4.0]]), 2, 4, centres)
    np.testing.assert_allclose(drawn, [[0, 2, 4, 4]] * 2)


def test_cells_edge_to_edge_are_drawn_as_without_centres():
    map_ = np.random.default_rng(0).normal(size=(3, 5))
    edges = tuple((np.arange(size) + 0.5) / size for size in map_.shape)
    np.testing.assert_allclose(upsample(map_, 20, 33, edges), upsample(map_, 20, 33), atol=1e-5)
