"""The sentence on an averaged relation matrix."""

import numpy as np
import pytest

from analysis.relations.findings import finding, largest_difference
from analysis.relations.numbers import columns_mass

LOCAL, AWAY, OPEN = [0.40, 0.44], [0.20, 0.30], [0.37, 0.38]
FLAT = [[0.3, 0.34, 0.36], [0.34, 0.33, 0.33]]
SHARED = [[0.2, 0.6, 0.2], [0.25, 0.6, 0.15]]
CHANGING = [[0.2, 0.6, 0.2], [0.6, 0.2, 0.2]]


def entry(interval, windows):
    """A block whose columns alone have 3 / 8."""
    mass = sum(interval) / 2
    return {
        "inner_mass": mass,
        "inner_mass_interval": interval,
        "mean": np.full((8, 8), 1 / 8).tolist(),
        "windows": windows,
    }


CONTROL = entry([0.375, 0.375], FLAT)


def test_the_largest_difference_is_a_total_variation():
    assert largest_difference(CHANGING) == pytest.approx(0.4)
    assert largest_difference(SHARED) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("interval", "opening"),
    [
        (LOCAL, "local (mass"),
        (AWAY, "not local (mass"),
        (OPEN, "no different from its columns alone (mass"),
        ([0.384, 0.387], "hardly different from its columns alone (mass"),
        ([0.366, 0.374], "hardly different from its columns alone (mass"),
        ([0.386, 0.387], "local (mass"),
        ([0.363, 0.364], "not local (mass"),
    ],
)
def test_local_is_said_only_where_the_interval_excludes_what_columns_give(interval, opening):
    assert finding(entry(interval, SHARED), CONTROL).startswith(opening)


@pytest.mark.parametrize("mass", [0.415, 0.335])
def test_what_an_untrained_reasoner_has_too_is_not_local(mass):
    """By its distance from its columns, to either side: which side is chance."""
    control = entry([mass, mass], FLAT)
    said = [finding(entry(i, SHARED), control).split(" (")[0] for i in (LOCAL, [0.416, 0.42], [0.33, 0.334])]
    assert said == ["no further from its columns alone than untrained reasoners", "local", "not local"]


def test_a_block_is_local_where_it_is_beyond_all_untrained_reasoners():
    control = CONTROL | {"departures": [-0.03, 0.001, 0.02]}
    assert finding(entry(LOCAL, SHARED), control).startswith(
        "no further from its columns alone than untrained reasoners (mass within one step 0.420, 95 % [0.400, 0.440], its "
        "columns alone 0.375, +0.045 beyond them; 3 untrained reasoners -0.030 to +0.020 beyond theirs); all"
    )
    assert finding(entry([0.41, 0.43], SHARED), control).startswith("local (mass")


@pytest.mark.parametrize(
    ("windows", "ending"),
    [
        (FLAT, "its windows are flat, as without training."),
        ([[1 / 3] * 3, [0.4, 0.3, 0.3]], "all time steps share one window (largest difference 0.07)."),
        (SHARED, "all time steps share one window (largest difference 0.05)."),
        (CHANGING, "the windows differ from step to step, by up to 0.40."),
        ([[0.2, 0.6, 0.2], [0, 0, 0]], "there is no JS: none of t−1, t, t+1 has weight at t = 3."),
    ],
)
def test_windows_are_flat_shared_or_different(windows, ending):
    assert finding(entry(LOCAL, windows), CONTROL).endswith(ending)


def test_a_preference_of_all_rows_for_the_middle_is_not_local():
    """Rows that are all alike: the mass is what the columns have, though above 3 / T."""
    rows = np.tile([0.05, 0.1, 0.1, 0.25, 0.25, 0.1, 0.1, 0.05], (8, 1))
    mass = np.mean([rows[t, t - 1 : t + 2].sum() for t in range(1, 7)])
    of = entry([mass - 0.01, mass + 0.01], SHARED) | {"mean": rows.tolist()}
    assert columns_mass(of) == pytest.approx(mass) and mass > 3 / 8 + 0.02
    assert finding(of, CONTROL).startswith("no different from its columns alone (mass")
    diagonal = 0.9 * rows + 0.1 * np.eye(8)
    mass = np.mean([diagonal[t, t - 1 : t + 2].sum() for t in range(1, 7)])
    local = entry([mass - 0.01, mass + 0.01], SHARED) | {"mean": diagonal.tolist()}
    assert columns_mass(local) < mass - 0.05 and finding(local, CONTROL).startswith("local (mass")


def test_few_clips_give_no_verdict():
    told = finding(entry(LOCAL, SHARED) | {"inner_mass_interval": None}, CONTROL)
    assert told.startswith(
        "local or not: fewer than 10 clips cannot tell (mass within one step 0.420, its columns alone 0.375, +0.045 beyond "
        "them; an untrained reasoner +0.000 beyond its own); all"
    )


def test_resamples_that_are_left_out_are_told():
    told = finding(entry(LOCAL, SHARED) | {"js_left_out": 0.37}, CONTROL)
    assert told.endswith("; JS intervals are without the 37.0% of resamples in which a window has no mass.")
