"""Precedent: how often a key's value was seen before, as buckets and ordered steps "at least t".

Counts take every row, labelled or not; a row never counts itself, so what training sees of a row is what
the runtime sees of a new one. They are frozen when the scorecard is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.arrays import Floats, Ints

STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1024)
# How many doublings each step is: the first, from never to once, counts as one.
_DOUBLINGS = np.diff(np.log2(STEPS), prepend=-1.0)
BUCKETS = len(STEPS) + 1
# Beside the buckets of counts, one for where nobody is concerned ("not applicable").
NONE = BUCKETS

# What has come sixteen times hardly becomes more familiar by the next sixteen.
DECAY = 0.65
STEP_VARIANCE = 0.015
BUCKET_VARIANCE = 0.005
NONE_VARIANCE = 0.05


@dataclass(frozen=True)
class CountPrior:
    """What is expected, beforehand, of how often a value was seen.

    Attributes
    ----------
    strength : float
        What the expected change is multiplied by: 1, or 0 where counts are not trusted beforehand.
    freedom : float
        What the prior variances are multiplied by.
    every : bool
        Whether the counts of every key have an effect, those that none is expected of too.
    """

    strength: float = 1.0
    freedom: float = 1.0
    every: bool = False


def buckets(counts: Ints) -> Ints:
    """Return the bucket of each count: 0, 1, 2, 3, 4-5, 6-7, 8-11, ...

    Examples
    --------
    >>> buckets(np.array([0, 1, 2, 3, 4, 5, 6, 8, 10**6])).tolist()
    [0, 1, 2, 3, 4, 4, 5, 6, 15]
    """
    return np.searchsorted(np.array(STEPS), counts, side="right").astype(np.int32)


def prior(step: float, usual: Floats, freedom: float = 1.0) -> tuple[Floats, Floats]:
    """Return the prior mean and covariance of the buckets' effects.

    A random walk over doublings of the count, the first time being one: the i-th adds an effect
    ~ N(step x 0.65^i, 0.015), and each bucket one of its own ~ N(0, 0.005); never seen before is the zero
    point. Where nobody is concerned, what is usual elsewhere is expected, whatever the steps turn out to be:
    those findings keep their place among the others.

    Parameters
    ----------
    step : float
        Expected change of log-odds for the first step; the i-th doubling of the count after it brings
        ``0.65 ** i`` of that.
    usual : array of shape (BUCKETS,)
        How the rows where somebody is concerned share out among the buckets.
    freedom : float
        What both variances are multiplied by.
    """
    reached = np.tril(np.ones((BUCKETS, BUCKETS)))[:, 1:]
    mean = np.append(0.0, step * (1 - DECAY ** np.cumsum(_DOUBLINGS)) / (1 - DECAY))
    covariance = STEP_VARIANCE * (reached * _DOUBLINGS) @ reached.T + BUCKET_VARIANCE * np.eye(BUCKETS)
    covariance *= freedom
    with_none = np.vstack([np.eye(BUCKETS), usual])
    joint = with_none @ covariance @ with_none.T
    joint[NONE, NONE] += NONE_VARIANCE
    return with_none @ mean, joint
