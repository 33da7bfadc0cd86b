"""The browser's opacity is that of Python, number by number."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.opacity import OPACITY, opacity_of, scale_limits
from atr.options import OVERLAY_STYLES

SCRIPT = (Path(__file__).parents[2] / "app" / "explorer" / "opacity.js").read_text(encoding="utf-8")
SCALES = [
    (-1.0, 4.0, 1.0),
    (-8.0, 2.0, 1.75),
    (0.0, 1.0, 0.0),
    (0.0, 1.0, 1.0),
    (3.0, 4.0, 3.0),
]  # low, high, median


@pytest.fixture
def run(browser):
    """What JavaScript makes of an expression after the script."""
    page = browser.new_page()
    yield lambda expression: page.evaluate(f"() => {{ {SCRIPT}\nreturn {expression}; }}")
    page.close()


def test_both_have_the_same_styles(run):
    assert tuple(run("Object.keys(OVERLAYS)")) == OVERLAY_STYLES == tuple(OPACITY)
    assert run("OPACITY") == OPACITY


@pytest.mark.parametrize("style", OVERLAY_STYLES)
def test_both_agree_on_every_number(run, style):
    for low, high, median in SCALES:
        values = np.linspace(low - 2, high + 2, 41)
        ends = scale_limits((low, high), median, style)
        asked = json.dumps([values.tolist(), {"low": low, "high": high, "median": median}, style])
        found = run(
            f"(([values, limits, style]) => {{ const scale = scaleOf(limits, style);"
            f" return [scale.low, scale.high, values.map((value) => opacityOf(value, scale, style))]; }})({asked})"
        )
        assert tuple(found[:2]) == ends
        np.testing.assert_allclose(found[2], opacity_of(values, median, ends, style), rtol=1e-12, atol=1e-12)


def test_only_raw_actionness_is_signed(run):
    assert run('styleOf("signed", "raw")') == "signed"
    assert run('[styleOf("signed", "softmax"), styleOf("signed", "raw", "gradcam")]') == ["value", "value"]
    assert run('styleOf("flat", "softmax")') == "flat"


@pytest.mark.parametrize("values", [[3, 1, 2], [4, 1, 3, 2], [5]])
def test_the_median_of_a_difference(run, values):
    assert run(f"medianOf({values})") == np.median(values)
