"""Upper confidence bounds on a share, for plain and for weighted samples."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import ceil, log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import beta, binom

from training.arrays import Bools, Floats

# Bets as shares of the largest that cannot lose everything; small ones serve shares near the bound, large
# ones few rows. Of delta they have this part.
BETS = np.geomspace(0.002, 1.0, 24)
BY_BETS: Final = 0.2
# Mixtures of weights among hits that are tried.
GRID: Final = 25


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
    inverse (Horvitz, Thompson 1952). A share of at least r is refuted where a weighted number of hits as
    small as the observed one has a probability of at most delta, whatever the hits' weights are. Of all that
    would give the share r, hits that count the smallest weight or the largest, in whatever mixture, and
    others that count the smallest make few hits most likely; the mixture is searched on a grid, and each
    probability is exact (binomial). With one weight it is the bound of Clopper and Pearson. Where many others
    have large weights that gives too much away: a fifth of delta goes to bets against the share, whose wealth
    prod (1 + b w (r - hit)) has a mean of at most 1 (Waudby-Smith, Ramdas 2024, J. R. Stat. Soc. B 86).

    Parameters
    ----------
    hit : array of shape (n,), bool
    weight : array of shape (n,), positive
    delta : float
    largest : float, optional
        The largest weight that a row could have had, seen or not. By default the largest of those given.

    Examples
    --------
    >>> round(weighted_share_upper([False] * 300, [1.0] * 280 + [4.0] * 20, 0.05), 3)
    0.041
    """
    hits = np.asarray(hit, dtype=bool)
    sample = WeightedSample.of(np.asarray(weight, dtype=np.float64), largest)
    return _upper(sample, hits, delta)


@dataclass(frozen=True)
class WeightedSample:
    """Observed rows by weight; the smallest counts 1.

    Attributes
    ----------
    rows : int
    ratio : float
        The largest weight, in units of the smallest.
    weight : array of shape (rows,)
    """

    rows: int
    ratio: float
    weight: Floats

    @classmethod
    def of(cls, weight: Floats, largest: float | None) -> WeightedSample:
        """Read weights; raises ValueError where one is not positive and finite."""
        if not (weight > 0).all() or not np.isfinite(weight).all():
            raise ValueError("weights must be positive and finite: inverse probabilities of being observed")
        least = float(weight.min(initial=np.inf)) if len(weight) else 1.0
        most = max(float(weight.max(initial=0.0)), largest or 0.0, least)
        return cls(len(weight), most / least, weight / least)

    def count(self, hit: Bools) -> float:
        """Return the weighted number of hits: all but those of the smallest weight count as the largest."""
        small = int((hit & (self.weight == 1)).sum())
        return small + self.ratio * (int(hit.sum()) - small)


def refutes(sample: WeightedSample, hit: Bools, share: float, delta: float) -> bool:
    """Return whether hits as few as these refute a share of at least `share`; see `weighted_share_upper`."""
    if not sample.rows:
        return False
    if sample.ratio == 1:
        return _is_unlikely(sample, hit, share, delta)
    return _is_unlikely(sample, hit, share, (1 - BY_BETS) * delta) or _wins(
        sample, hit, share, BY_BETS * delta
    )


def _wins(sample: WeightedSample, hit: Bools, share: float, delta: float) -> bool:
    """Return whether bets against a share win so much that it is refuted."""
    bet = BETS[:, None] * sample.weight / sample.ratio
    with np.errstate(divide="ignore"):
        wealth = np.log1p(bet * np.where(hit, share - 1, share)).sum(axis=1)
    return bool(np.logaddexp.reduce(wealth) - log(len(BETS)) >= -log(delta))


def _is_unlikely(sample: WeightedSample, hit: Bools, share: float, delta: float) -> bool:
    hits, ratio, n = sample.count(hit), sample.ratio, sample.rows
    # Probability that an observed row is a hit of the largest weight, and of the smallest one.
    large = np.linspace(0.0, share / (share + ratio * (1 - share)), GRID if ratio > 1 else 1)[:, None]
    small = np.clip(share - large * (share + ratio * (1 - share)), 0.0, 1.0)
    many = np.arange(min(n, int(hits / ratio + 1e-9)) + 1)[None, :]
    left = np.floor(hits - ratio * many + 1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = np.where(large < 1, small / (1 - large), 0.0)
    likely = binom.pmf(many, n, large) * binom.cdf(left, n - many, np.minimum(chance, 1.0))
    return bool(likely.sum(axis=1).max() <= delta)


def _upper(sample: WeightedSample, hit: Bools, delta: float) -> float:
    low, high = 0.0, 1.0
    if not refutes(sample, hit, 1.0 - 1e-9, delta):
        return 1.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        if refutes(sample, hit, middle, delta):
            high = middle
        else:
            low = middle
    return high
