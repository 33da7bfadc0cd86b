"""Trainings in which something differs from a preset: what is taken out of a checkpoint's config.json."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from atr.training.config import settings_of
from atr.training.presets import PRESETS
from benchmarks.trials import Options, changes, main

SHIPPED = Path(__file__).parents[2] / "assets" / "checkpoints"


@pytest.fixture
def trained(tmp_path):
    """A checkpoint's folder as another seed and rate of `tabletop-tsm-atr` would have written it."""
    found = json.loads((SHIPPED / "tabletop-tsm-atr" / "config.json").read_text())
    found["training"] |= {"seed": 2, "arl_learning_rate": 1.0, "workers": 7}
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "config.json").write_text(json.dumps(found))
    return tmp_path / "trial"


def test_a_row_says_what_differs_and_what_came_of_it(trained, tmp_path, capsys):
    main(Options((trained, SHIPPED / "tabletop-atr"), tmp_path / "trials.json"))
    same, other = json.loads((tmp_path / "trials.json").read_text())["trials"]
    assert (same["preset"], same["changed"], same["seed"]) == ("tabletop-atr", {}, 0)
    assert (other["preset"], other["changed"], other["seed"]) == (
        "tabletop-tsm-atr",
        {"arl_learning_rate": 1.0},
        2,
    )
    shipped = json.loads((SHIPPED / "tabletop-tsm-atr" / "config.json").read_text())
    assert other["fig5"] == shipped["fig5"] and other["top1"] == shipped["metrics"]["top1"]
    assert set(other["state"].values()) == {"alive"} and other["peak"].keys() == other["fig5"].keys()
    assert "{'arl_learning_rate': 1.0}" in capsys.readouterr().out


def test_rows_of_other_trainings_stay_and_of_the_same_are_replaced(trained, tmp_path):
    out = tmp_path / "trials.json"
    main(Options((SHIPPED / "tabletop-atr",), out))
    main(Options((trained,), out))
    told = json.loads((trained / "config.json").read_text())
    told["metrics"]["top1"] = 0.25
    (trained / "config.json").write_text(json.dumps(told))
    main(Options((trained,), out))
    rows = json.loads(out.read_text())["trials"]
    assert [(row["preset"], row["seed"]) for row in rows] == [("tabletop-atr", 0), ("tabletop-tsm-atr", 2)]
    assert rows[1]["top1"] == 0.25


def test_changes_are_found_in_every_depth():
    config = PRESETS["tabletop-atr"]
    block = replace(config.model.atr, reduction=1)
    other = replace(config, model=replace(config.model, dropout=0.5, atr=block), epochs=12, seed=4)
    here, there = (json.loads(settings_of(each)) for each in (config, other))
    assert changes(here, there) == {"epochs": 12, "dropout": 0.5, "reduction": 1}


def test_networks_without_maps_are_refused(tmp_path):
    with pytest.raises(ValueError, match="tabletop-tsm is not of a training by a preset with maps"):
        main(Options((SHIPPED / "tabletop-tsm",), tmp_path / "trials.json"))
    assert not (tmp_path / "trials.json").exists()
