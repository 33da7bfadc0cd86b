"""The sentence on an averaged relation matrix."""

import pytest

from analysis.relations.findings import finding, largest_difference

LOCAL, AWAY, OPEN = [0.40, 0.44], [0.20, 0.30], [0.37, 0.38]
FLAT = [[0.3, 0.34, 0.36], [0.34, 0.33, 0.33]]
SHARED = [[0.2, 0.6, 0.2], [0.25, 0.6, 0.15]]
CHANGING = [[0.2, 0.6, 0.2], [0.6, 0.2, 0.2]]


def entry(interval, windows):
    mass = sum(interval) / 2
    return {
        "inner_mass": mass,
        "inner_mass_interval": interval,
        "inner_chance": 0.375,
        "windows": windows,
    }


def test_the_largest_difference_is_a_total_variation():
    assert largest_difference(CHANGING) == pytest.approx(0.4)
    assert largest_difference(SHARED) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("interval", "opening"),
    [(LOCAL, "local (mass"), (AWAY, "not local (mass"), (OPEN, "neither local nor the opposite (mass")],
)
def test_local_is_said_only_where_the_interval_excludes_chance(interval, opening):
    assert finding(entry(interval, SHARED)).startswith(opening)


@pytest.mark.parametrize(
    ("windows", "ending"),
    [
        (FLAT, "its windows are flat, as without training."),
        (SHARED, "all time steps share one window (largest difference 0.05)."),
        (CHANGING, "the windows differ from step to step, by up to 0.40."),
        ([[0.2, 0.6, 0.2], [0, 0, 0]], "there is no JS: none of t−1, t, t+1 has weight at t = 3."),
    ],
)
def test_windows_are_flat_shared_or_different(windows, ending):
    assert finding(entry(LOCAL, windows)).endswith(ending)


def test_one_clip_gives_no_verdict():
    told = finding(entry(LOCAL, SHARED) | {"inner_mass_interval": None})
    assert told.startswith(
        "local or not: one clip cannot tell (mass within one step 0.420, chance 0.375); all"
    )


def test_resamples_that_are_left_out_are_told():
    told = finding(entry(LOCAL, SHARED) | {"js_left_out": 0.37})
    assert told.endswith("; JS intervals are without the 37.0% of resamples in which a window has no mass.")
