"""The browser's scripts and Python call things by the same names."""

from pathlib import Path

from analysis.map_values import PERCENTILES
from analysis.opacity import SIGNED_HELP
from app.choices import KIND_NAMES, STYLE_NAMES
from app.compare import exports
from atr.tabletop.cast import ACTED, DISTRACTOR, HAND

EXPLORER = Path(__file__).parents[2] / "app" / "explorer"
VALUES, OPACITY, SCREEN = (
    (EXPLORER / name).read_text(encoding="utf-8") for name in ("values.js", "opacity.js", "screen.js")
)
GRADCAM_VALUES = exports.VALUES["gradcam"]


def test_values_and_overlays_have_one_name_each():
    gradcam = {kind: name for kind, (name, _) in GRADCAM_VALUES.items()}
    for script, names in ((VALUES, KIND_NAMES), (VALUES, gradcam), (OPACITY, STYLE_NAMES)):
        for name in names.values():
            assert f'name: "{name}"' in script


def test_what_lies_beyond_a_colour_scale_is_what_its_percentiles_leave_out():
    low, high = PERCENTILES
    assert low == 100 - high and f"{low} % of the values lie beyond each end" in VALUES


def test_outlines_are_of_the_values_that_masks_have():
    assert f"const TARGET = {[ACTED, HAND]};" in SCREEN and f"const DISTRACTOR = {[DISTRACTOR]};" in SCREEN


def test_what_signs_mean_is_said_in_the_same_words():
    assert SIGNED_HELP in OPACITY
