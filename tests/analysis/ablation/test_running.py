import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

import atr
from analysis.ablation import running
from analysis.ablation.cells import Cell, file_of, missing, read_cell, read_cells
from analysis.ablation.running import reasoner_costs, run_cell, run_cells, trained_together
from analysis.relations.average import RelationAverage, window_divergence
from atr.block import ATRConfig
from atr.describe import BlockDescription
from atr.models import ModelConfig
from atr.results.predict import class_probabilities
from atr.tabletop import CLASSES
from atr.training.config import TrainConfig

TINY = TrainConfig(
    ModelConfig("tsn_resnet18", len(CLASSES), num_frames=4, width=0.125, placement="S5"),
    size=32,
    train_clips=32,
    dev_clips=8,
    val_clips=24,
    epochs=1,
    batch_size=8,
    mixed_precision="no",
)


def tiny(block: str, seed: int = 0, **options) -> Cell:
    return Cell.of(
        f"tiny-{block}", replace(TINY, model=replace(TINY.model, block=block, atr=ATRConfig(**options))), seed
    )


@pytest.fixture
def place(tmp_path):
    """Where cells go, as arguments of `run_cell`."""
    return tmp_path / "cells", tmp_path / "work", tmp_path / "cache"


def test_a_cell_tells_what_its_network_does_on_every_clip(place):
    cell = tiny("atr")
    result = run_cell(cell, *place)
    assert result == read_cell(file_of(cell, place[0]))
    (checkpoint,) = place[1].glob("tiny-atr-seed0-*/")
    model = atr.load_checkpoint(checkpoint)
    clips = running.rendered(cell.config, "val", place[2])
    predicted = class_probabilities(model, np.array(clips.frames[:])).argmax(1).numpy()
    np.testing.assert_array_equal(result.verdicts, predicted == clips.targets)
    assert result.top1 == result.verdicts.mean() <= result.within_pairs
    assert result.fig5.keys() == {"S5B1", "S5B2"} == {block["block"] for block in result.history[-1].blocks}
    assert result.settings["seed"] == 0 and result.relations == []
    assert missing([cell], place[0]) == []


def test_a_cell_tells_how_its_blocks_are_at_the_end_alone(place):
    cell = Cell.of("tiny-atr", replace(tiny("atr").config, epochs=2), 0)
    run_cell(cell, *place)
    history = json.loads(file_of(cell, place[0]).read_text())["history"]
    assert [entry.keys() >= {"epoch", "loss", "dev_top1"} for entry in history] == [True, True]
    assert ["blocks" in entry for entry in history] == [False, True]


def test_its_command_gives_the_same_numbers_again(place, tmp_path):
    first = run_cell(tiny("atr_sim"), *place)
    again = run_cell(tiny("atr_sim"), tmp_path / "other", tmp_path / "elsewhere", place[2])
    assert (again.correct, again.fig5, again.command) == (first.correct, first.fig5, first.command)
    assert [entry.loss for entry in again.history] == [entry.loss for entry in first.history]


def test_a_graph_reasoner_tells_its_local_mass_and_js(place):
    result = run_cell(tiny("atr_sim", reasoner="gr", num_reasoners=1), *place)
    assert [(r.block, r.reasoner) for r in result.relations] == [("S5B1", 0), ("S5B2", 0)]
    for relation in result.relations:
        assert relation.chance == pytest.approx(np.mean([2, 3, 3, 2]) / 4)
        assert 0 < relation.local_mass < 1 and relation.js >= 0


def test_a_cell_killed_before_it_was_judged_is_not_trained_again(place, monkeypatch):
    cell = tiny("atr_sim")
    with monkeypatch.context() as patch:
        patch.setattr(running, "measured", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_cell(cell, *place)
    assert missing([cell], place[0]) == [cell] and not file_of(cell, place[0]).exists()
    monkeypatch.setattr(running, "train", lambda *arguments: pytest.fail("trained again"))
    assert run_cell(cell, *place).seed == 0


def test_other_settings_or_another_seed_are_another_cell(place):
    cell = tiny("atr_sim")
    result = run_cell(cell, *place)
    assert cell.is_done(result)
    assert not tiny("atr_sim", seed=1).is_done(result)
    assert not Cell.of(cell.network, replace(cell.config, epochs=2), 0).is_done(result)
    assert not tiny("atr_sim", num_reasoners=1).is_done(result)


def test_another_precision_is_the_same_cell_and_stands_in_its_command(place):
    in_float32 = tiny("atr_sim")
    in_bf16 = Cell.of(in_float32.network, replace(in_float32.config, mixed_precision="bf16"), 0)
    assert in_bf16.is_done(run_cell(in_float32, *place))
    assert in_float32.command == f"{in_bf16.command} --mixed-precision no"


def test_a_cell_that_fails_is_told_and_the_others_run(place):
    folder, work, cache = place
    good = tiny("atr_sim")
    bad = Cell.of("bad", replace(TINY, batch_size=64), 0)
    told = []
    faults = run_cells([bad, good], folder, work=work, cache=cache, workers=1, tell=told.append)
    assert (
        list(faults) == ["bad-seed0"]
        and "32 clips to train on, less than a batch (batch_size=64)" in faults["bad-seed0"]
    )
    assert [result.network for result in told] == ["tiny-atr_sim"]
    assert not (work / ".tiny-atr_sim-seed0.partial").exists()


def test_what_trains_by_itself_comes_after_the_others_and_not_after_the_minutes(place, monkeypatch):
    folder, work, cache = place
    alone, trained, beside = tiny("atr_sim"), tiny("atr_sim", seed=1), tiny("atr")
    with monkeypatch.context() as patch:
        patch.setattr(running, "measured", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_cell(trained, *place)
    monkeypatch.setattr(running.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(running, "is_possible", lambda config: config.model.block == "atr")
    monkeypatch.setattr(
        running, "trained_together", lambda cells, *rest: [(cell, "no memory") for cell in cells]
    )
    told = []
    options = {"work": work, "cache": cache, "workers": 1, "minutes": 0, "tell": told.append}
    assert run_cells([alone, trained, beside], folder, **options) == {beside.name: "no memory"}
    assert [result.seed for result in told] == [1]  # it was trained before, and is judged
    assert missing([alone, trained], folder) == [alone]


def test_what_was_trained_side_by_side_is_judged_whatever_the_time(place, monkeypatch):
    folder, work, cache = place

    def trained(cells, work, cache, device, workers, pool, until):
        time.sleep(max(until - time.time(), 0) + 0.01)
        yield from ((cell, None) for cell in cells)

    monkeypatch.setattr(running.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(running, "trained_together", trained)
    told = []
    options = {"work": work, "cache": cache, "workers": 1, "minutes": 0.001, "tell": told.append}
    assert run_cells([tiny("atr")], folder, **options) == {}
    assert [result.seed for result in told] == [0]


def test_without_minutes_nothing_is_rendered(place, tmp_path):
    folder, work, _ = place
    options = {"work": work, "cache": tmp_path / "cache", "workers": 1, "minutes": 0}
    assert run_cells([tiny("atr")], folder, **options) == {}
    assert not (tmp_path / "cache").exists()


def test_cells_trained_together_are_judged_like_others(place, tmp_path):
    folder, work, cache = place
    cells = [tiny("atr", seed, bn_gamma_init=0.2) for seed in (0, 1)]
    with ThreadPoolExecutor(1) as executor:
        trained = list(trained_together(cells, work, cache, torch.device("cpu"), 2, executor))
        assert sorted(cell.seed for cell, fault in trained if fault is None) == [0, 1]
        assert (
            list(trained_together(cells, tmp_path / "late", cache, torch.device("cpu"), 2, executor, -1))
            == []
        )
    together, apart = run_cell(cells[0], folder, work, cache), run_cell(cells[0], tmp_path, tmp_path, cache)
    assert [entry.loss for entry in together.history] == pytest.approx(
        [entry.loss for entry in apart.history], rel=1e-2
    )
    assert together.software["device"] == "cpu" and together.fig5.keys() == apart.fig5.keys()


def test_files_that_are_no_cells_are_named_and_the_others_read(place):
    run_cell(tiny("atr_sim"), *place)
    folder = place[0]
    whole = json.loads(file_of(tiny("atr_sim"), folder).read_text())
    (folder / "broken.json").write_text("{")
    (folder / "claims.json").write_text(json.dumps(whole | {"top1": 0.99}))
    (folder / "copy.json").write_text(json.dumps(whole))
    (folder / "lacking.json").write_text(json.dumps({k: v for k, v in whole.items() if k != "correct"}))
    (folder / f".{tiny('atr_sim').name}-node.1.unfinished.json").write_text(json.dumps(whole))
    found, faults = read_cells(folder)
    assert [result.network for result in found] == ["tiny-atr_sim"]
    named = ("broken", "claims", "copy", "lacking")
    assert [name in fault for name, fault in zip(named, faults, strict=True)] == [True] * 4
    assert (
        "top1 is 0.99" in faults[1]
        and "otherwise than its cell" in faults[2]
        and "has no 'correct'" in faults[3]
    )


@pytest.mark.parametrize(
    ("options", "parameters", "macs"),
    [
        ({"reasoner": "gr", "num_reasoners": 1}, 3 * 16**2, 4 * 3 * 16**2 + 2 * 4**2 * 16),
        ({"num_reasoners": 1}, 3 * 16, 4 * 3 * 16),
        ({"num_reasoners": 2}, 2 * 3 * 16 + 2 * 16, 2 * 4 * 3 * 16),  # and a LayerNorm between
        ({"num_reasoners": 1, "er_transform": "full"}, 3 * 16 + 16**2, 4 * (3 * 16 + 16**2)),
    ],
)
def test_costs_of_the_reasoners_alone(options, parameters, macs):
    config = ModelConfig("tsn_resnet18", 5, num_frames=4, block="atr_sim", atr=ATRConfig(**options))
    blocks = [BlockDescription(name, 16, 7, 7, 0) for name in ("S5B1", "S5B2")]
    assert reasoner_costs(config, blocks) == {"parameters": 2 * parameters, "macs": 2 * macs}
    assert reasoner_costs(config, []) is None


def test_the_divergence_of_a_cell_is_the_mean(monkeypatch):
    w = np.random.default_rng(0).dirichlet([1.0] * 5, 5)
    average = RelationAverage()
    average.update({"S3B1": [w[None]]})
    monkeypatch.setattr(running, "average_relations", lambda *_, **options: (average, {}))
    (found,) = running.relation_numbers(None, [0])
    assert found["js"] == pytest.approx(window_divergence(w).values.mean())


def test_another_starting_checkpoint_is_another_training(tmp_path):
    one, other = tiny("atr_sim"), tiny("atr_sim")
    vars(one)["start"], vars(other)["start"] = "a" * 64, "b" * 64
    assert running.place_of(one, tmp_path) != running.place_of(other, tmp_path)
