"""Jensen-Shannon divergence (S1 Appendix of the paper)."""

import itertools
import math

import numpy as np
from scipy.special import rel_entr


def js_divergence(p, q, base: float = math.e) -> np.ndarray:
    """JS(P, Q) = ½ KL(P‖M) + ½ KL(Q‖M), M = (P + Q) / 2, over the last axis; leading axes broadcast.

    0 for equal distributions, log_base(2) for disjoint ones. This is the divergence itself;
    `scipy.spatial.distance.jensenshannon` returns its square root.

    Raises:
        ValueError: negative values, a sum away from 1, distributions over different numbers of values, or a base that is
            not more than 1.
    """
    if not 1 < base < math.inf:
        raise ValueError(f"base={base} is not allowed; allowed: more than 1")
    p, q = distribution(p), distribution(q)
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(
            f"the distributions are over {p.shape[-1]} and {q.shape[-1]} values; allowed: as many"
        )
    middle = (p + q) / 2
    divergence = (rel_entr(p, middle).sum(-1) + rel_entr(q, middle).sum(-1)) / 2
    return np.maximum(divergence, 0) / math.log(base)


def distribution(p) -> np.ndarray:
    """As float64. Raises ValueError, which names the first row of (..., K) that is none."""
    p = np.asarray(p, dtype=np.float64)
    sums = p.sum(-1)
    fine = np.isfinite(p).all(-1) & (p >= 0).all(-1) & np.isclose(sums, 1, atol=1e-6)
    if not fine.all():
        first = int(np.argmin(fine))
        row = p.reshape(-1, p.shape[-1])[first]
        raise ValueError(
            f"row {first} is not a distribution: values from {row.min():.4g} to {row.max():.4g}, sum {sums.flat[first]:.7g}; "
            "allowed: values of at least 0 whose sum is 1"
        )
    return p


def pairwise_js(distributions: np.ndarray, base: float = math.e) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """JS of every pair of rows of (..., n, K) -> (..., n (n - 1) / 2), and the pairs (a, b), a < b, in that order."""
    pairs = list(itertools.combinations(range(distributions.shape[-2]), 2))
    first, second = ([pair[i] for pair in pairs] for i in (0, 1))
    return js_divergence(distributions[..., first, :], distributions[..., second, :], base), pairs
