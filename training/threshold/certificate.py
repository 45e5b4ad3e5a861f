"""The certificate: what is missed at most, by findings that were drawn by lot among those archived.

It needs our own draw and nothing else: neither how verdicts came about otherwise, nor rollouts, nor how the
model was made. It speaks of its own window, and not of what comes after.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from scipy.stats import binom, hypergeom

from training.arrays import Floats, Ints


class Sample(NamedTuple):
    """One stratum: how many findings it has, how many were drawn, and how many of these are unintended."""

    size: int
    drawn: int
    found: int


def unintended_upper(strata: Sequence[Sample], delta: float) -> int:
    """Return an upper bound on the number of unintended findings in all strata, level 1 - delta.

    One stratum: the largest number that drawing so few would not refute, by the hypergeometric distribution
    (Thompson 2012, Sampling, 3rd ed., 5.3). Several: the number found is a sum of hypergeometric ones, each a
    sum of independent yes-or-no draws (Vatutin, Mikhailov 1982); far below its mean such a sum is at most as
    likely as a binomial of the same mean (Hoeffding 1956, Ann. Math. Stat. 27, theorem 4), and the mean is
    smallest where all unintended findings lie in the strata that were drawn from least.

    Examples
    --------
    >>> unintended_upper([Sample(1000, 59, 0)], 0.05)
    48
    >>> unintended_upper([Sample(500, 30, 0), Sample(500, 29, 0)], 0.05)
    50
    >>> unintended_upper([Sample(20, 20, 3)], 0.05), unintended_upper([Sample(20, 0, 0)], 0.05)
    (3, 20)
    """
    size = sum(one.size for one in strata)
    found = sum(one.found for one in strata)
    # What was drawn and found to be expected is no unintended one.
    most = size - sum(one.drawn - one.found for one in strata)
    possible: Ints = np.arange(found, most + 1)
    if len(strata) == 1:
        likely = hypergeom.cdf(found, size, possible, strata[0].drawn) > delta
    else:
        mean = _least_mean(strata, possible)
        with np.errstate(invalid="ignore", divide="ignore"):
            chance = np.where(possible > 0, mean / possible, 0.0)
        likely = (found > mean - 1) | (binom.cdf(found, possible, chance) > delta)
    return int(possible[likely].max(initial=found))


def _least_mean(strata: Sequence[Sample], unintended: Ints) -> Floats:
    """Return how many of so many unintended findings are drawn on average, where they lie worst."""
    ranked = sorted((one for one in strata if one.size), key=lambda one: one.drawn / one.size)
    ends = np.cumsum([0, *(one.size for one in ranked)])
    means = np.cumsum([0.0, *(one.drawn for one in ranked)])
    return np.asarray(np.interp(unintended, ends, means))


def missed_upper(strata: Sequence[Sample], alerts_unintended: int, delta: float) -> float:
    """Return an upper bound on the share of unintended findings that are archived, level 1 - delta.

    Examples
    --------
    >>> missed_upper([Sample(1000, 400, 1)], 300, 0.05)
    0.029127
    >>> missed_upper([], 12, 0.05)
    0.0
    """
    archived = unintended_upper(strata, delta) if strata else 0
    if not archived + alerts_unintended:
        # Nothing was archived, or all of it was drawn: nothing can have been missed. Otherwise there is
        # nothing to compare with.
        return 0.0
    # Rounded up: a bound that is rounded down is none.
    return ceil(1e6 * archived / (archived + alerts_unintended)) / 1e6


def error_of_run(number: int, delta: float) -> float:
    """Return which part of the error the n-th run of a year spends; all runs together spend delta at most.

    Examples
    --------
    >>> [round(error_of_run(n, 0.05), 4) for n in (1, 2, 3)]
    [0.025, 0.0083, 0.0042]
    """
    return delta / (number * (number + 1))
