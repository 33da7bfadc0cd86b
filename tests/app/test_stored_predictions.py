"""Which stored predictions and results a checkpoint has, and in which order they are offered."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from app.loading.predictions import Stored, stored_predictions, tables
from app.loading.results import REQUIRED, readable_results
from atr.results.predictions import write_predictions
from atr.results.store import Result, checkpoint_facts
from tests.app.world import FIRST, LABELS, TARGETS, write_calls, write_checkpoint


def test_predictions_of_other_weights_are_not_taken_for_the_checkpoint_s(two, results, world):
    write_checkpoint(two[0], block="atr", placement="S5")  # trained anew
    assert stored_predictions("first") == ({}, [])


def test_a_renamed_checkpoint_keeps_its_predictions_under_its_new_name(two, world, results):
    two[0].rename(world / "checkpoints" / "renamed")
    found, faults = stored_predictions("renamed")
    assert [each.predictions.name for each in found.values()] == ["renamed"] and not faults


def test_predictions_are_one_choice_where_they_can_be_compared_and_own_come_before_shipped(
    two, results, world, monkeypatch
):
    monkeypatch.setattr("app.loading.results.ASSETS", world / "assets")
    write_calls(world / "assets" / "results", two[0], TARGETS, FIRST, sure=0.6)
    other = write_calls(results, two[0], TARGETS[:4], FIRST[:4], data="a")
    ((own, fewer),) = [stored_predictions("first")[0].values()]
    assert own.folder.parent == results and own.predictions.scores.max() == pytest.approx(0.8)
    assert (len(own.predictions), fewer.folder) == (6, other)
    unlike = {
        "targets": write_calls(results, two[0], [1, *TARGETS[1:]], FIRST, data="b"),
        "protocol": write_calls(results, two[0], TARGETS, FIRST, data="c", protocol="2x3"),
        "offsets": write_calls(results, two[0], TARGETS, FIRST, data="d", protocol="2x3"),
        "labels": write_calls(results, two[0], TARGETS, FIRST, data="e"),
    }
    for name, change in (("offsets", {"offsets": [0.25, 0.75]}), ("labels", {"labels": LABELS[::-1]})):
        file = unlike[name] / "result.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
    found, faults = stored_predictions("first")
    assert not faults and {each.folder for each in found.values()} == {own.folder, other, *unlike.values()}


def test_tables_are_of_the_predictions_as_they_are_now(two, world, monkeypatch):
    monkeypatch.setattr("app.loading.predictions._tables", lambda identity, *_: identity)

    def found(name: str) -> Stored:
        return next(iter(stored_predictions(name)[0].values()))

    first, second = found("first"), found("second")
    before, facts = tables([first, second]), first.folder / "result.json"
    assert tables([second, first]) != before == tables([found("first"), second])
    written = facts.stat().st_mtime_ns
    write_predictions(first.folder, replace(first.predictions, scores=np.eye(3, dtype=np.float32)[TARGETS]))
    os.utime(facts, ns=(written, written))
    assert found("first").predictions.correct.all()
    now = tables([found("first"), second])
    two[0].rename(world / "checkpoints" / "renamed")
    assert len({before, now, tables([found("renamed"), second])}) == 3


def test_results_over_most_clips_come_first(world, results, monkeypatch):
    checkpoint = write_checkpoint(world / "checkpoints" / "first", block="atr")
    monkeypatch.setitem(REQUIRED, "toy", Result)
    data = {"name": "toys", "description": "toys", "digest": "0"}
    facts = {"checkpoint": checkpoint_facts(checkpoint), "command": "x", "skipped": [], "data": data}
    for name, counts in {"a": {"clips": 10}, "b": {"clips": 40}, "c": {"videos": 30, "clips": 50}}.items():
        (results / f"toy-{name}").mkdir(parents=True)
        (results / f"toy-{name}" / "result.json").write_text(json.dumps(facts | counts))
    found, faults = readable_results("first", "toy")
    assert [folder.name for folder in found] == ["toy-b", "toy-c", "toy-a"] and not faults
