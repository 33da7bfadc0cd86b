"""What an averaged relation matrix shows, in one sentence a block: is it local, and do all time steps share its window?"""

from collections.abc import Sequence

import numpy as np

from analysis.relations.numbers import columns_mass
from analysis.statistics import FEWEST

# Total variation between two windows (three shares each) up to which they are told as the same: a tenth of a row's
# weight within the window lies elsewhere.
SAME = 0.1
# A window whose shares are all this close to 1/3 prefers no time step, like that of an untrained network.
FLAT = 0.05
# Of a row's weight: what 2,000 videos tell from 0, and yet is next to nothing.
HARDLY = 0.01


def largest_difference(windows: Sequence[Sequence[float]]) -> float:
    """Total variation of the two windows that differ most, in [0, 1]: half the sum of absolute differences."""
    w = np.array(windows)
    return float(np.abs(w[:, None] - w[None]).sum(-1).max() / 2)


def departures(control: dict) -> list[float]:
    """Of untrained reasoners, the mass within one step beyond what their columns alone give; older results have but one."""
    return control.get("departures") or [control["inner_mass"] - columns_mass(control)]


def margin(control: dict) -> float:
    """By how much the mass within one step must differ from what the columns alone give to be told as local, or not."""
    return max(HARDLY, *map(abs, departures(control)))


def finding(entry: dict, control: dict) -> str:
    """One sentence on an entry of `block_numbers`: local or not, how sure over videos, and whether windows are alike.

    Local: the 95 % interval of the mass within one step of the diagonal, over videos, lies above what the columns of W alone
    would give (`columns_mass`), a number of the same videos that counts as exact, by more than HARDLY and by more than the
    mass of any untrained reasoner differs from its own columns. It says nothing of other trainings of the same network, and few
    videos have no interval. Where JS has no value, or not in all resamples of the videos, it says so.

    control: the entry of the same block and reasoner in the untrained control.
    """
    columns, windows = columns_mass(entry), np.array(entry["windows"])
    drawn, apart = departures(control), margin(control)
    if entry["inner_mass_interval"] is None:
        place, ends = f"local or not: fewer than {FEWEST} clips cannot tell", ""
    else:
        low, high = entry["inner_mass_interval"]
        if low > columns + apart:
            place = "local"
        elif high < columns - apart:
            place = "not local"
        elif low > columns + HARDLY or high < columns - HARDLY:
            place = "no further from its columns alone than untrained reasoners"
        else:
            different = "hardly" if low > columns or high < columns else "no"
            place = f"{different} different from its columns alone"
        ends = f"95 % [{low:.3f}, {high:.3f}], "
    difference = largest_difference(windows)
    if empty := [str(t) for t, window in enumerate(windows, start=2) if not window.any()]:
        shape = f"there is no JS: none of t−1, t, t+1 has weight at t = {', '.join(empty)}"
    elif np.abs(windows - 1 / 3).max() <= FLAT:
        shape = "its windows are flat, as without training"
    elif difference <= SAME:
        shape = f"all time steps share one window (largest difference {difference:.2f})"
    else:
        shape = f"the windows differ from step to step, by up to {difference:.2f}"
    left_out = entry.get("js_left_out", 0)  # older results are of windows that always have mass
    if left_out and not empty:
        shape += f"; JS intervals are without the {left_out:.1%} of resamples in which a window has no mass"
    untrained = (
        f"{len(drawn)} untrained reasoners {min(drawn):+.3f} to {max(drawn):+.3f} beyond theirs"
        if len(drawn) > 1
        else f"an untrained reasoner {drawn[0]:+.3f} beyond its own"
    )
    return (
        f"{place} (mass within one step {entry['inner_mass']:.3f}, {ends}its columns alone {columns:.3f}, "
        f"{entry['inner_mass'] - columns:+.3f} beyond them; {untrained}); {shape}."
    )
