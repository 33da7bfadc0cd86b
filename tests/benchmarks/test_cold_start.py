"""The table of a cold start: imports by package, medians, the first page's steps on tiny roots."""

import json

import pytest

from benchmarks.cold_start import by_package, largest, medians, steps
from tests.app.world import write_checkpoint, write_clips

TIMES = """a warning of a package: import time
import time: self [us] | cumulative | imported package
import time:       300 |        300 |     torch._C
import time:       200 |        900 |   torch
import time:    400000 |     400000 |   torch.nn
import time:       100 |       1000 | atr
import time:        50 |         50 | zipimport
"""


def test_a_package_has_the_time_of_its_own_modules():
    assert by_package(TIMES) == pytest.approx({"torch": 0.4005, "atr": 0.0001, "zipimport": 0.00005})


def test_the_largest_stand_first_and_nothing_is_lost():
    found = largest({"a": 1.0, "b": 3.0, "c": 0.5, "d": 2.0}, 2)
    assert list(found.items()) == [("b", 3.0), ("d", 2.0), ("the rest", 1.5), ("in all", 6.5)]


def test_a_median_is_of_all_repeats():
    assert medians([{"a": 1.0, "b": 5.0}, {"a": 3.0, "b": 4.0}, {"a": 2.0}]) == {"a": 2.0, "b": 4.0}


def test_every_step_of_the_first_page_is_timed(tmp_path, monkeypatch):
    write_clips(tmp_path / "clips")
    write_checkpoint(tmp_path / "checkpoints" / "net", block="atr")
    for name in ("checkpoints", "clips"):
        monkeypatch.setenv(f"ATR_{name.upper()}", str(tmp_path / name))
    taken = json.loads(steps())
    assert list(taken) == ["checkpoint", "decoding", "network", "packing", "thumbnails, after the overlay"]
    assert all(seconds > 0 for seconds in taken.values())
