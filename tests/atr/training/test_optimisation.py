"""Frozen parts, schedules by hand."""

from itertools import product

import pytest
import torch
from torch import nn

import atr
from atr.block import ATRConfig, build_atr
from atr.training.optimisation import (
    BatchNorm,
    build_optimizer,
    build_schedule,
    channels_last,
    derived_seed,
    freeze,
    one_cycle,
    parameter_groups,
    training_mode,
)


def rates(name, steps, **options):
    """Learning rates of the first so many steps, with 10 steps an epoch and a highest rate of 1."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    settings = {"epochs": 5, "per_epoch": 10, "decay_epochs": (), "warm_up_epochs": 0.0}
    schedule = build_schedule(name, optimizer, **settings | options)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_steps_take_off_nine_tenths_from_each_decay_epoch_on():
    seen = rates("steps", 50, decay_epochs=(2, 4))
    assert seen == pytest.approx([1.0] * 20 + [0.1] * 20 + [0.01] * 10)


def test_the_warm_up_rises_evenly_to_the_rate():
    seen = rates("steps", 8, warm_up_epochs=0.4)
    assert seen == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0, 1.0])
    assert rates("steps", 8, warm_up_epochs=0.37) == seen  # 3.7 steps, the nearest whole number of which is 4


def test_one_cycle_is_highest_after_a_quarter_and_ends_near_nothing():
    seen = rates("one_cycle", 39, epochs=4)
    assert seen.index(max(seen)) == 9 and max(seen) == 1
    assert seen[0] < seen[4] < 1 and seen[-1] < 0.01


def test_one_cycle_leaves_the_momentum_of_sgd_as_it_is():
    optimizer = build_optimizer("sgd", [{"params": [nn.Parameter(torch.zeros(1))]}], 0.5)
    schedule = one_cycle(optimizer, 4)
    for _ in range(3):
        optimizer.step()
        schedule.step()
        assert optimizer.param_groups[0]["momentum"] == 0.5


def test_sgd_has_its_momentum():
    """Gradient 1 and learning rate 1: steps of 1, 1.9, 2.71."""
    weight = nn.Parameter(torch.zeros(1))
    optimizer = build_optimizer("sgd", [{"params": [weight], "lr": 1.0, "weight_decay": 0.0}], 0.9)
    for expected in (-1.0, -2.9, -5.61):
        weight.grad = torch.ones(1)
        optimizer.step()
        assert weight.item() == pytest.approx(expected)


def changed(model, clips):
    """Names of what one step of training moves, statistics included."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    training_mode(model)
    groups = parameter_groups(
        model, learning_rate=0.1, weight_decay=0.1, arl_learning_rate=1.0, relation_learning_rate=1.0
    )
    optimizer = torch.optim.SGD(groups)
    model(clips).logsumexp(1).sum().backward()
    optimizer.step()
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


def test_what_is_frozen_keeps_weights_and_statistics_but_for_the_blocks_in_it(tiny, clips):
    model = tiny(block="atr")
    prefixes = ("backbone.conv1", "backbone.bn1", "backbone.layer1", "backbone.layer2")
    freeze(model, prefixes, partial_bn=False)
    moved = changed(model, clips)
    still = [name for name in moved if name.startswith(tuple(f"{prefix}." for prefix in prefixes))]
    assert still
    assert all(".atr." in name for name in still)
    assert {"backbone.layer3.0.bn1.running_mean", "backbone.layer3.1.conv1.weight", "fc.weight"} <= moved


def test_a_prefix_is_a_whole_name(tiny):
    model = tiny(block="atr")
    freeze(model, ("backbone.layer1.0.conv1",), partial_bn=False)
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ["backbone.layer1.0.conv1.weight"]
    for nothing in ("backbone.layer", "backbone.layer2.0.atr"):
        with pytest.raises(
            ValueError, match=f"freeze names '{nothing}'; allowed: modules of the network"
        ) as error:
            freeze(model, (nothing,), partial_bn=False)
        assert "backbone.conv1, backbone.bn1, backbone.layer1, " in str(error.value)
        assert str(error.value).endswith("backbone.layer4, fc, or modules in them")


def test_partial_bn_leaves_the_first_and_those_of_the_blocks(tiny, clips):
    model = tiny(block="atr")
    freeze(model, (), partial_bn=True)
    moved = changed(model, clips)
    norms = {name for name, m in model.named_modules() if isinstance(m, BatchNorm)}
    statistics = {name for name in norms if f"{name}.running_mean" in moved}
    assert statistics == {"backbone.bn1"} | {name for name in norms if ".atr." in name}
    assert not {f"{name}.weight" for name in norms - statistics} & moved
    assert "backbone.layer1.0.conv1.weight" in moved


def test_channels_last_moves_memory_and_not_values(tiny, clips):
    for name in ("tsm_resnet18", "slowonly_resnet18"):
        model = tiny(name)
        before, expected = {k: v.clone() for k, v in model.state_dict().items()}, model(clips)
        channels_last(model)
        assert model.backbone.conv1.weight.is_contiguous(memory_format=torch.channels_last)
        assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
        torch.testing.assert_close(model(clips), expected)


def test_narrow_networks_keep_the_order_in_which_their_backward_pass_is_sound():
    model = atr.create_model("tsn_resnet18", 3, 2, width=0.05)
    channels_last(model)
    assert all(parameter.is_contiguous() for parameter in model.parameters())
    for _ in range(3):
        model(torch.randn(10, 2, 3, 32, 32)).logsumexp(1).mean().backward()


def test_blocks_in_a_network_of_ones_own_stay_free_whatever_their_name():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), build_atr(8, num_frames=2)))
    freeze(model, ("0.0", "0.1"), partial_bn=True)
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    assert frozen == ["0.0.weight", "0.0.bias", "0.1.weight", "0.1.bias"]


def test_a_network_without_convolutions_or_with_bare_norms_is_trained_as_any():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)).eval()
    channels_last(model)
    training_mode(model)
    assert all(module.training for module in model.modules())


def test_a_network_of_which_nothing_is_left_to_learn_is_refused(tiny):
    with pytest.raises(ValueError, match="freeze=backbone fc leaves nothing to learn"):
        freeze(tiny(block=None), ("backbone", "fc"), False)


def test_weights_of_convolutions_over_time_decay_too():
    model = atr.create_model("slowonly_resnet18", 5, 4, width=0.125, block="atr")
    decayed, spared, *_ = parameter_groups(
        model, learning_rate=1.0, weight_decay=0.1, arl_learning_rate=1.0, relation_learning_rate=1.0
    )
    assert {p.ndim for p in decayed["params"]} == {2, 4, 5} and {p.ndim for p in spared["params"]} == {1, 3}


def test_a_block_alone_has_its_factors():
    block = build_atr(8, num_frames=2, config=ATRConfig(reasoner="gr"))
    groups = parameter_groups(
        block, learning_rate=1.0, weight_decay=0.1, arl_learning_rate=3.0, relation_learning_rate=0.5
    )
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    expected = {"arl.": 3.0, "relation.": 0.5}
    for name, p in block.named_parameters():
        assert rates[id(p)] == next((rate for part, rate in expected.items() if part in name), 1.0), name


@pytest.mark.parametrize("build", [build_optimizer, build_schedule])
def test_an_unknown_name_is_refused(build):
    options = {"groups": [], "momentum": 0.9}
    if build is build_schedule:
        options = {"optimizer": None, "epochs": 1, "per_epoch": 1, "decay_epochs": (), "warm_up_epochs": 0.0}
    with pytest.raises(ValueError, match="='adam' is unknown; allowed: (adamw, sgd|one_cycle, steps)"):
        build("adam", **options)


def test_no_two_places_of_a_training_have_one_seed():
    assert len({derived_seed(*parts) for parts in product(range(3), repeat=5)}) == 3**5
