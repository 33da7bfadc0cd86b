import numpy as np
import pytest

from analysis.map_values import clip_median, colour_limits
from analysis.opacity import opacity_of, require_signed, scale_limits


def test_by_value_opacity_rises_from_the_median_to_the_upper_limit():
    values = [-5, -1, 0, 1, 2, 3, 4, 9]
    shares = opacity_of(values, median=1, limits=(-1, 4), style="value")
    np.testing.assert_allclose(shares, [0, 0, 0, 0, 1 / 3, 2 / 3, 1, 1])


def test_signed_opacity_rises_to_both_sides_of_the_median():
    limits = scale_limits((-1, 4), median=1, style="signed")
    assert limits == (-2, 4)  # as far below the median as above it, and not narrower than the clip's own
    shares = opacity_of([-5, -2, -0.5, 1, 2.5, 4, 9], median=1, limits=limits, style="signed")
    np.testing.assert_allclose(shares, [1, 1, 0.5, 0, 0.5, 1, 1])


def test_flat_is_everywhere_alike_on_the_limits_as_they_are():
    np.testing.assert_array_equal(opacity_of([-5, 1, 9], 1, (-1, 4), "flat"), [1, 1, 1])
    assert scale_limits((-1, 4), 1, "flat") == scale_limits((-1, 4), 1, "value") == (-1, 4)


def test_half_of_a_random_clip_is_transparent_and_the_brightest_is_opaque():
    maps = np.random.default_rng(0).normal(size=(8, 7, 7))
    for kind in ("raw", "sigmoid", "softmax"):
        median, limits = clip_median(maps, kind), colour_limits(maps, kind)
        shares = opacity_of(np.linspace(*limits, 101), median, limits, "value")
        assert shares[0] == 0 and shares[-1] == pytest.approx(1) and (np.diff(shares) >= 0).all()
    shares = opacity_of(maps, clip_median(maps), colour_limits(maps), "value")
    assert (shares == 0).mean() == 0.5


def test_of_a_constant_map_nothing_stands_out():
    maps = np.full((3, 2, 2), 0.25)
    for style in ("value", "signed"):
        median = clip_median(maps)
        limits = scale_limits(colour_limits(maps), median, style)
        assert not opacity_of(maps, median, limits, style).any()


def test_what_lies_beyond_a_median_at_the_upper_limit_is_opaque():
    np.testing.assert_array_equal(opacity_of([0, 1, 1.5], 1, (0, 1), "value"), [0, 0, 1])


def test_an_unknown_style_is_named():
    with pytest.raises(ValueError, match="overlay_style='pink' is unknown; allowed: value"):
        scale_limits((0, 1), 0.5, "pink")


@pytest.mark.parametrize("kind", ["sigmoid", "softmax"])
def test_signs_are_of_raw_values_alone(kind):
    with pytest.raises(
        ValueError, match=f"overlay_style='signed' is of raw M, not of {kind}; allowed: value"
    ):
        require_signed("signed", kind)
    require_signed("signed", "raw")
    require_signed("flat", kind)
