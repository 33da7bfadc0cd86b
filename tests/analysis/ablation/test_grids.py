from dataclasses import replace

import pytest
import torch

from analysis.ablation.grids import (
    ARMS,
    CLIPS,
    EPOCHS,
    HEADLINE,
    LONGER,
    NETWORKS,
    TABLES,
    first_row,
    seeds_of,
)
from atr.models import build_model
from atr.training.presets import PRESETS, TSN


def test_all_cells_have_one_recipe_one_start_and_but_for_longer_ones_as_many_clips_seen():
    base = NETWORKS["tsn"]
    for name, config in NETWORKS.items():
        own = {key: getattr(config, key) for key in ("train_clips", "epochs", "dev_clips")}
        if config.model.atr.reasoner == "gr":  # the presets' own rate of θ and φ, which no other network has
            own["relation_learning_rate"] = PRESETS["tabletop-gr"].relation_learning_rate
        assert replace(config, model=base.model) == replace(base, **own), name
        epochs = LONGER if name.endswith(f"-{LONGER}-epochs") else EPOCHS
        assert config.train_clips * config.epochs == CLIPS * epochs, name
    assert {config.model.width for config in NETWORKS.values()} == {TSN.model.width}


def test_every_network_has_a_label_of_its_own_in_some_table():
    labels = {name: first_row(name) for name in NETWORKS}
    assert len(set(labels.values())) == len(NETWORKS)
    assert labels["atr-s3-5"] == ("1", "ATR at S3-5") and labels["scaling"] == ("4", "scaling")


def test_their_networks_are_those_of_the_presets():
    shared = {
        "atr-s3-5": "tabletop-atr",
        "atr-sim-s3-5": "tabletop-atr-sim",
        "scaling": "tabletop-atr-scale",
        "gr-1": "tabletop-gr",
        "tsm": "tabletop-tsm",
        "tsm-atr": "tabletop-tsm-atr",
        "tsm-gr-1": "tabletop-tsm-gr",
    }
    for network, preset in shared.items():
        assert NETWORKS[network] == replace(PRESETS[preset], seed=0)


def test_no_two_networks_of_a_table_are_the_same():
    configs = list(NETWORKS.values())
    assert len(set(configs)) == len(configs)


@pytest.mark.parametrize("key", TABLES)
def test_tables_and_claims_name_networks_that_can_be_built(key):
    table = TABLES[key]
    networks = [row.network for row in table.rows if row.network]
    assert all(row.note for row in table.rows if row.network is None)
    with torch.device("meta"):
        for network in networks:
            build_model(NETWORKS[network].model)
    for claim in table.claims:
        assert {claim.better, claim.worse} <= NETWORKS.keys()
        assert claim.better in networks  # the row it is about


def test_every_network_is_in_a_table():
    assert {row.network for table in TABLES.values() for row in table.rows} - {None} == NETWORKS.keys()


def test_the_headline_has_five_seeds_and_the_others_three():
    assert [seeds_of(name) for name in HEADLINE] == [5, 5, 5, 5]
    assert seeds_of("gr-1") == 3
    assert set(ARMS.values()) <= set(HEADLINE)


# Stated, derived or inferred in the paper's method; Something-Something V2.
PAPERS = {
    "1": {"no block": "27.5", "ATR_sim at S5-3": "47.1", "ATR_sim at S3-5": "54.7", "ATR at S5-3": "50.3"}
    | {"ATR at S3-5": "59.6"},
    "2": {"GR×1": "47.7", "ER×1": "53.2", "ER×2": "54.7"},
    "3": {"appearance and motion": "54.7 to 58.9"},
    "4": {"uniform": "54.7 to 58.9", "scaling": "58.9", "adding": "59.6"},
}


@pytest.mark.parametrize("key", PAPERS)
def test_the_papers_numbers_stand_in_its_rows(key):
    assert {row.label: row.paper for row in TABLES[key].rows if row.paper} == PAPERS[key]


def test_rows_are_of_the_networks_that_their_labels_say():
    options = {
        (key, row.label): NETWORKS[row.network].model
        for key, table in TABLES.items()
        for row in table.rows
        if row.network
    }

    def of(key, label):
        model = options[key, label]
        return model.block, model.atr

    for placement in ("S5-3", "S5", "S4-5", "S3-5", "S2-5"):
        for label, block in (("ATR", "atr"), ("ATR_sim", "atr_sim")):
            model = options["1", f"{label} at {placement}"]
            assert (model.block, model.placement) == (block, placement)
    reasoners = {
        label: (of("2", label)[1].reasoner, of("2", label)[1].num_reasoners)
        for label in ("GR×1", "GR×2", "ER×1", "ER×2", "ER×3")
    }
    expected = {"GR×1": ("gr", 1), "GR×2": ("gr", 2), "ER×1": ("er", 1), "ER×2": ("er", 2), "ER×3": ("er", 3)}
    assert reasoners == expected
    for label, kernel, transform in (
        ("ER×2, one kernel for all channels", "shared", "none"),
        ("ER×2, bottleneck transform", "per_channel", "bottleneck"),
        ("ER×2, full transform", "per_channel", "full"),
    ):
        block, atr = of("2", label)
        assert (block, atr.num_reasoners, atr.er_kernel, atr.er_transform) == (
            "atr_sim",
            2,
            kernel,
            transform,
        )
    for label, appearance, motion in (
        ("appearance", True, False),
        ("motion", False, True),
        ("appearance and motion", True, True),
    ):
        block, atr = of("3", label)
        assert (block, atr.distribution) == ("atr", "uniform")
        assert (atr.use_appearance, atr.use_motion) == (appearance, motion)
    forms = {label: of("4", label)[1].distribution for label in ("uniform", "scaling", "adding")}
    assert forms == {"uniform": "uniform", "scaling": "scale", "adding": "add"}
