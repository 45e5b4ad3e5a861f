"""Upper confidence bounds on a share, for plain and for weighted samples."""

from __future__ import annotations

from itertools import count
from math import ceil, log

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta, binom

from training.arrays import Bools, Floats

# Bets as shares of the largest that cannot lose everything; small ones serve shares near the bound, large
# ones few rows.
BETS = np.geomspace(0.002, 1.0, 24)


def allowed_misses(n: int, alpha: float, delta: float) -> int:
    """Return the largest k with BinomialCDF(k; n, alpha) <= delta, or -1 where even k = 0 is too many.

    So few misses among n prove a miss rate of at most alpha with confidence 1 - delta (Clopper, Pearson
    1934).

    Examples
    --------
    >>> allowed_misses(58, 0.05, 0.05), allowed_misses(59, 0.05, 0.05), allowed_misses(330, 0.05, 0.05)
    (-1, 0, 9)
    """
    k = int(binom.ppf(delta, n, alpha)) if n else 0
    while k >= 0 and binom.cdf(k, n, alpha) > delta:
        k -= 1
    return k


def labels_needed(alpha: float, delta: float) -> int:
    """Return how many unintended findings, none of them missed, prove a miss rate of at most alpha.

    Examples
    --------
    >>> labels_needed(0.05, 0.05), labels_needed(0.01, 0.05)
    (59, 299)
    """
    about = max(1, ceil(log(delta) / log(1 - alpha)) - 1)
    # Rounding may have put it one off; what counts is what `allowed_misses` says.
    return next(n for n in count(about) if allowed_misses(n, alpha, delta) >= 0)


def share_upper(hits: ArrayLike, n: ArrayLike, delta: float) -> Floats:
    """Return the upper confidence bound on a share, level 1 - delta (Clopper, Pearson 1934); 1 where n is 0.

    Examples
    --------
    >>> float(share_upper(0, 59, 0.05).round(4))
    0.0495
    """
    k, size = np.asarray(hits, dtype=np.float64), np.asarray(n, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        bound = beta.ppf(1 - delta, k + 1, size - k)
    return np.where(k >= size, 1.0, bound)


def weighted_share_upper(
    hit: ArrayLike, weight: ArrayLike, delta: float, largest: float | None = None
) -> float:
    """Return an upper confidence bound on a share from a sample with known inclusion probabilities.

    Rows come independently, each observed with a known probability that is never zero; ``weight`` is its
    inverse (Horvitz, Thompson 1952). For a share of at least r the wealth of a bet against it,
    prod (1 + b w (r - hit)), has a mean of at most 1, so by Markov's inequality it exceeds 1 / delta with
    probability at most delta; the bound is the smallest r that is refuted so. The average over several bets b
    is such a wealth too (Waudby-Smith, Ramdas 2024, "Estimating means of bounded random variables by
    betting", J. R. Stat. Soc. B 86; arXiv 2010.09686).

    Parameters
    ----------
    hit : array of shape (n,), bool
    weight : array of shape (n,), positive
    delta : float
    largest : float, optional
        The largest weight that a row could have had, seen or not: bets must not depend on what was drawn.
        By default the largest of those given.
    """
    hits = np.asarray(hit, dtype=bool)
    weights, misses, others = tally(hits, np.asarray(weight, dtype=np.float64))
    return _upper(weights, misses, others, delta, largest)


def tally(hit: Bools, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the distinct weights and how many hits and others each has."""
    if not (weight > 0).all() or not np.isfinite(weight).all():
        raise ValueError("weights must be positive and finite: inverse probabilities of being observed")
    distinct, place = np.unique(weight, return_inverse=True)
    place = place.reshape(-1)
    hits = np.bincount(place, hit, len(distinct)).astype(np.float64)
    others = np.bincount(place, ~hit, len(distinct)).astype(np.float64)
    return distinct, hits, others


def refutes(
    weights: Floats, hits: Floats, others: Floats, share: float, delta: float, largest: float | None = None
) -> bool:
    """Return whether a share of at least `share` is refuted at level delta; see `weighted_share_upper`."""
    if not len(weights):
        return False
    bet = BETS[:, None] * weights / max(float(weights.max()), largest or 0.0)
    with np.errstate(divide="ignore"):
        wealth = (hits * np.log1p(bet * (share - 1)) + others * np.log1p(bet * share)).sum(axis=1)
    return bool(np.logaddexp.reduce(wealth) - log(len(BETS)) >= -log(delta))


def _upper(weights: Floats, hits: Floats, others: Floats, delta: float, largest: float | None) -> float:
    low, high = 0.0, 1.0
    if not refutes(weights, hits, others, 1.0 - 1e-9, delta, largest):
        return 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if refutes(weights, hits, others, middle, delta, largest):
            high = middle
        else:
            low = middle
    return high
