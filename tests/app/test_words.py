"""The browser's scripts and Python call things by the same names."""

from pathlib import Path

from analysis.opacity import SIGNED_HELP
from app.choices import KIND_NAMES, STYLE_NAMES

EXPLORER = Path(__file__).parents[2] / "app" / "explorer"
VALUES, OPACITY = ((EXPLORER / name).read_text(encoding="utf-8") for name in ("values.js", "opacity.js"))


def test_values_and_overlays_have_one_name_each():
    for script, names in ((VALUES, KIND_NAMES), (OPACITY, STYLE_NAMES)):
        for name in names.values():
            assert f'name: "{name}"' in script


def test_what_signs_mean_is_said_in_the_same_words():
    assert SIGNED_HELP in OPACITY
