"""The paper's grid as data."""

from dataclasses import replace
from pathlib import Path

import pytest

from atr import efficientnet
from atr.models import build_model
from atr.training.augment import Augmentation
from atr.training.optimisation import freeze
from atr.training.presets import PRESETS
from atr.video.transforms import view_box

GRID = [
    f"{data}-{network}{block}"
    for data in ("sthv1", "sthv2", "k400")
    for network in ("tsn", "tsm", "slowonly")
    for block in ("", "-atr-sim", "-atr")
]


@pytest.mark.parametrize("name", GRID)
def test_every_cell_of_the_grid_is_a_network_of_its_name(name):
    data, network, *block = name.split("-", 2)
    config = PRESETS[name]
    assert config.model.name == f"{network}_resnet50"
    assert config.model.block == (block[0].replace("-", "_") if block else None)
    assert config.model.num_classes == (400 if data == "k400" else 174)
    assert (config.model.num_frames, config.size, config.short_side) == (8, 224, 256)
    assert (config.batch_size, config.reference_batch) == (64, 64)


def test_the_recipes_are_those_of_the_paper_and_of_tsm():
    something, kinetics = PRESETS["sthv2-tsm-atr"], PRESETS["k400-slowonly"]
    assert (something.optimizer, something.momentum, something.schedule) == ("sgd", 0.9, "steps")
    assert (something.epochs, something.decay_epochs, something.learning_rate) == (50, (20, 40), 0.01)
    assert (something.weight_decay, something.gradient_clip, something.model.dropout) == (5e-4, 20, 0.5)
    assert (kinetics.epochs, kinetics.decay_epochs, kinetics.learning_rate) == (100, (40, 80), 0.02)
    assert kinetics.weight_decay == 1e-4
    assert something.augmentation.crop_scales == (1.0, 0.875, 0.75, 0.66)
    assert something.augmentation.reverse == 0


def test_flips_are_of_known_tables_or_told_to():
    asked = {name: config.augmentation.mirror for name, config in PRESETS.items()}
    assert {name for name, mirror in asked.items() if mirror is not None} == {
        *(name for name in GRID if name.startswith("k400")),
        "people-atr",
        "people-atr-sim",
    }
    assert asked["k400-tsn"] == asked["people-atr"] == 0.5


def test_the_learning_rate_grows_with_the_batch():
    config = PRESETS["sthv2-tsn"]
    rates = {batch: replace(config, batch_size=batch).used_learning_rate for batch in (64, 8, 256)}
    assert rates == pytest.approx({64: 0.01, 8: 0.00125, 256: 0.04})
    assert replace(PRESETS["tabletop-atr"], batch_size=64).used_learning_rate == 2e-3


def test_a_model_of_a_kind_differs_from_its_baseline_in_the_block_alone():
    for name in GRID:
        bare = PRESETS[name.removesuffix("-atr").removesuffix("-atr-sim")]
        assert replace(PRESETS[name], model=bare.model) == bare
        assert replace(PRESETS[name].model, block=None) == bare.model


BLOCKS = efficientnet.block_names()


@pytest.mark.parametrize("name", ["laptop", "laptop-atr-sim", "laptop-atr", "people-atr-sim", "people-atr"])
def test_the_laptop_learns_the_late_stages_and_every_block(name):
    config = PRESETS[name]
    model = build_model(replace(config.model, num_classes=5, width=0.25))
    freeze(model, config.freeze, config.partial_bn)
    frozen = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert not [n for n in frozen if ".atr." in n or n.startswith("fc.")]
    learnt = {
        name
        for name in model.backbone.slots()
        if f"backbone.blocks.{BLOCKS.index(name)}.project_conv.weight" not in frozen
    }
    assert {name[:2] for name in learnt} == {"S4", "S5"}


def test_the_large_networks_of_the_demo_set_have_the_recipe_of_the_small_ones():
    small, large = PRESETS["tabletop-atr"], PRESETS["tabletop-large-atr"]
    assert replace(large.model, width=small.model.width) == small.model
    assert (large.used_learning_rate, large.epochs) == (small.used_learning_rate, small.epochs)
    assert large.init == Path("runs/tabletop-large-tsn") and PRESETS["tabletop-large-tsn"].init is None


def test_the_two_networks_of_people_see_whole_frames_by_one_recipe():
    with_atr, without = PRESETS["people-atr"], PRESETS["people-atr-sim"]
    assert replace(with_atr, model=without.model) == without
    assert replace(with_atr.model, block="atr_sim", atr=without.model.atr) == without.model
    for config in (with_atr, without):
        preprocessing = config.preprocessing
        assert preprocessing.fit == "squeeze" and preprocessing.short_side == preprocessing.crop


def test_networks_of_lite0_are_given_frames_as_it_was_trained_with():
    found = {name: config for name, config in PRESETS.items() if "lite0" in config.model.name}
    assert {"laptop", "laptop-atr", "people-atr", "people-atr-sim"} <= set(found)
    for config in found.values():
        assert (config.mean, config.std) == (efficientnet.PREPROCESSING.mean, efficientnet.PREPROCESSING.std)


def test_the_augmentation_of_real_video():
    expected = Augmentation(
        crop_scales=(1.0, 0.875, 0.75, 0.66), shift=0, reverse=0.0, light=0.2, contrast=0.2, saturation=0.2
    )
    assert PRESETS["sthv2-tsn"].augmentation == PRESETS["laptop"].augmentation == expected


def test_squeezed_frames_are_shown_whole():
    config = replace(PRESETS["laptop-atr"], fit="squeeze")
    assert (config.preprocessing.short_side, config.preprocessing.crop) == (128, 128)
    assert view_box(240, 320, config.preprocessing) == (0, 0, 240, 320)
    assert PRESETS["laptop-atr"].preprocessing.short_side == 144
