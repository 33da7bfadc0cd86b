"""JS against SciPy, at its ends, and in both bases."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from analysis.relations.divergence import js_divergence, pairwise_js


@pytest.mark.parametrize("base", [math.e, 2])
def test_agrees_with_scipys_distance_squared(base):
    generator = np.random.default_rng(0)
    p, q = generator.dirichlet([0.3] * 5, (2, 200))
    expected = jensenshannon(p, q, base=base, axis=-1) ** 2
    np.testing.assert_allclose(js_divergence(p, q, base), expected, atol=1e-12, rtol=0)


def test_equal_and_disjoint():
    p, q = [0.25, 0.75, 0, 0], [0, 0, 0.5, 0.5]
    assert js_divergence(p, p) == 0
    assert js_divergence(p, q) == pytest.approx(math.log(2), abs=1e-12)
    assert js_divergence(p, q, base=2) == pytest.approx(1, abs=1e-12)


def test_pairs_in_order():
    rows = np.array([[1.0, 0], [0, 1], [1, 0]])
    values, pairs = pairwise_js(rows, base=2)
    assert pairs == [(0, 1), (0, 2), (1, 2)]
    np.testing.assert_allclose(values, [1, 0, 1])
    assert len(pairwise_js(np.full((6, 3), 1 / 3))[1]) == 15


def test_the_first_row_that_is_no_distribution_is_named_in_a_line():
    rows = np.full((2, 3, 1000), 1e-3)
    rows[0, 2, 0] = rows[1, 0, 0] = 0.5
    with pytest.raises(ValueError) as error:
        js_divergence(rows[0, 0], rows)
    assert str(error.value).startswith(
        "row 2 is not a distribution: values from 0.001 to 0.5, sum 1.499; allowed"
    )
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("p", [[0.5, 0.6], [0.5, 0.5005], [-0.1, 1.1], [float("nan"), 1]])
def test_what_is_no_distribution_is_refused(p):
    with pytest.raises(ValueError, match="not a distribution"):
        js_divergence(p, [0.5, 0.5])


def test_distributions_over_different_numbers_of_values_are_refused():
    with pytest.raises(ValueError, match="over 1 and 3 values; allowed: as many"):
        js_divergence([1.0], [0.2, 0.3, 0.5])


@pytest.mark.parametrize("base", [-2, 0, 0.5, 1, math.inf, math.nan])
def test_a_base_that_is_not_more_than_1_is_refused(base):
    with pytest.raises(ValueError, match=f"base={base} is not allowed; allowed: more than 1"):
        js_divergence([0.5, 0.5], [1, 0], base)
