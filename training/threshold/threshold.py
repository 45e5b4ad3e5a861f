"""The threshold and its guarantee; the curve behind it and three ways to read it.

A finding is archived where its score is below the threshold, strictly. Scores are integer tenths of points,
of findings that the model was never fitted on and that reached a person whatever their score, or with a
known probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from training.arrays import Bools, Floats, Ints
from training.threshold.bounds import (
    WeightedSample,
    allowed_misses,
    labels_needed,
    refutes,
    share_upper,
    weighted_share_upper,
)


@dataclass(frozen=True)
class Threshold:
    """A threshold with its guarantee: with confidence 1 - delta at most alpha of the unintended are archived.

    Attributes
    ----------
    value : int or None
        In tenths of points; None: no threshold has the guarantee, nothing may be archived.
    alpha, delta : float
    positives : int
        Calibration findings labelled unintended.
    misses : int
        How many of them the threshold archives.
    more_labels : int
        How many more findings labelled unintended it takes until a threshold can exist; 0 where one does.
    """

    value: int | None
    alpha: float
    delta: float
    positives: int
    misses: int
    more_labels: int


@dataclass(frozen=True)
class Reading:
    """A point of the curve.

    Attributes
    ----------
    threshold : int or None
        In tenths; None archives nothing.
    archived_share : float
        Of all findings.
    miss_rate, miss_rate_upper : float
        Share of the unintended that is archived, and its upper confidence bound.
    alerts : float
        Share of findings that alert or, where a rate was given, alerts a day.
    cost : float or None
        Expected cost of a finding.
    """

    threshold: int | None
    archived_share: float
    miss_rate: float
    miss_rate_upper: float
    alerts: float
    cost: float | None = None


def choose_threshold(
    scores: ArrayLike,
    unintended: ArrayLike,
    alpha: float,
    delta: float,
    weight: ArrayLike | None = None,
    largest: float | None = None,
    in_time: ArrayLike | None = None,
) -> Threshold:
    """Choose the highest threshold with a guarantee on the miss rate.

    With n calibration findings labelled unintended, k the largest number with
    BinomialCDF(k; n, alpha) <= delta, the threshold is the (k + 1)-th smallest of their scores (Learn then
    Test: Angelopoulos, Bates, Candes, Jordan, Lei 2021, arXiv 2110.01052, with Clopper-Pearson). With unequal
    weights each threshold, from low to high, is tested as in `bounds.weighted_share_upper`; misses only grow
    along the way, so the first failure ends it.

    Parameters
    ----------
    scores : array of shape (n,)
        Integer tenths of points.
    unintended : array of shape (n,), bool
    alpha, delta : float
        Between 0 and 1.
    weight : array of shape (n,), optional
        Inverse of the known probability with which each finding reached a person.
    largest : float, optional
        The largest weight that any finding could have had; by default the largest of those given. Where a
        sample stands for what was archived, that no unintended one was drawn does not mean there is none.
    in_time : array of shape (m,), optional
        Scores of findings of the same time, labelled or not, in its order. Where they sink, the threshold is
        lowered by as much as they sank since the middle of that time: see `sunk`.

    Examples
    --------
    >>> choose_threshold(range(100, 159), [True] * 59, alpha=0.05, delta=0.05).value
    100
    >>> choose_threshold(range(100, 150), [True] * 50, alpha=0.05, delta=0.05).more_labels
    9
    """
    points, bad, weights = _checked(scores, unintended, weight)
    if not (0 < alpha < 1 and 0 < delta < 1):
        raise ValueError(f"alpha and delta must lie between 0 and 1, got {alpha} and {delta}")
    largest = _largest(weights, largest)
    ranked = np.argsort(points[bad], kind="stable")
    positives, weights = points[bad][ranked], weights[bad][ranked]
    n = len(positives)
    if _is_plain(weights, largest):
        most = allowed_misses(n, alpha, delta)
        missing = max(0, labels_needed(alpha, delta) - n)
    else:
        most = _weighted_misses(weights, alpha, delta, largest)
        missing = _weighted_labels_needed(weights, alpha, delta, largest) if most < 0 else 0
    if most < 0:
        return Threshold(None, alpha, delta, n, 0, missing)
    value = int(positives[most]) - (0 if in_time is None else sunk(np.asarray(in_time)))
    return Threshold(value, alpha, delta, n, int((positives < value).sum()), 0)


def sunk(scores: Ints) -> int:
    """Return by how many tenths scores sank from the middle of a time to its end; 0 where they did not.

    By the line of least squares. A threshold stands for the middle of the time that it was chosen on, and is
    used after its end. Chosen on 1,000 verdicts while scores sink by .3 standard deviations, it misses more
    than promised in 12 % of draws without this, and in 4 % with it; where nothing sinks, this costs one
    point of a hundred of what is archived (``benchmarks.promise``).

    Parameters
    ----------
    scores : array of shape (findings,)
        In the order of time.

    Examples
    --------
    >>> sunk(np.arange(100, 0, -1)), sunk(np.arange(100))
    (50, 0)
    """
    if len(scores) < 2:
        return 0
    time = np.arange(len(scores)) - (len(scores) - 1) / 2
    return max(0, round(-float(time @ scores) / float(time @ time) * len(scores) / 2))


def curve(
    scores: ArrayLike,
    unintended: ArrayLike,
    delta: float,
    weight: ArrayLike | None = None,
    population: ArrayLike | None = None,
    largest: float | None = None,
) -> pd.DataFrame:
    """Return what each threshold archives and misses.

    Parameters
    ----------
    scores, unintended, weight, largest
        Labelled findings, as in `choose_threshold`.
    delta : float
        Level of each threshold's own upper bound, 1 - delta; for the best of all thresholds see
        `choose_threshold`.
    population : array of shape (m,), optional
        Scores of all findings, labelled or not, for the archived share; by default the labelled ones,
        weighted.

    Returns
    -------
    DataFrame
        `threshold` (tenths, rising), `archived_share`, `miss_rate`, `miss_rate_upper`, and
        `unintended_archived`, the share of findings that are unintended and archived.
    """
    points, bad, weights = _checked(scores, unintended, weight)
    everyone = points if population is None else np.asarray(population, dtype=np.int64)
    mass = weights if population is None else np.ones(len(everyone))
    thresholds = np.unique(np.concatenate([points, everyone]))
    thresholds = np.append(thresholds, thresholds[-1] + 1) if len(thresholds) else thresholds
    missed = _below(points[bad], weights[bad], thresholds)
    total = float(weights[bad].sum())
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "archived_share": _below(everyone, mass, thresholds) / max(float(mass.sum()), 1e-300),
            "miss_rate": missed / total if total else np.full(len(thresholds), np.nan),
            "miss_rate_upper": _uppers(
                points[bad], weights[bad], thresholds, delta, _largest(weights, largest)
            ),
            "unintended_archived": missed / max(float(weights.sum()), 1e-300),
        }
    )


def read_threshold(of: pd.DataFrame, threshold: int | None, findings_per_day: float = 1.0) -> Reading:
    """Read the curve at a threshold."""
    place = 0 if threshold is None else int(np.searchsorted(of["threshold"].to_numpy(), threshold))
    return _reading(of, min(place, len(of) - 1), findings_per_day, is_none=threshold is None)


def read_cost(of: pd.DataFrame, miss_cost: float, alert_cost: float) -> Reading:
    """Read the curve where the expected cost of a finding is least; the lowest of equal thresholds."""
    cost = miss_cost * of["unintended_archived"] + alert_cost * (1 - of["archived_share"])
    place = int(np.argmin(cost.to_numpy()))
    return _reading(of, place, 1.0, cost=float(cost.iloc[place]))


def read_budget(of: pd.DataFrame, alerts_per_day: float, findings_per_day: float) -> Reading:
    """Read the curve at the lowest threshold that alerts at most so often a day."""
    alerts = findings_per_day * (1 - of["archived_share"].to_numpy())
    place = int(np.argmax(alerts <= alerts_per_day + 1e-9))
    return _reading(of, place, findings_per_day)


def _reading(
    of: pd.DataFrame, place: int, rate: float, is_none: bool = False, cost: float | None = None
) -> Reading:
    row = of.iloc[place]
    if is_none:
        return Reading(None, 0.0, 0.0, 0.0, rate, cost)
    return Reading(
        threshold=int(row["threshold"]),
        archived_share=float(row["archived_share"]),
        miss_rate=float(row["miss_rate"]),
        miss_rate_upper=float(row["miss_rate_upper"]),
        alerts=rate * (1 - float(row["archived_share"])),
        cost=cost,
    )


def _checked(
    scores: ArrayLike, unintended: ArrayLike, weight: ArrayLike | None
) -> tuple[Ints, Bools, Floats]:
    points = np.asarray(scores)
    if len(points) and not np.issubdtype(points.dtype, np.integer):
        raise ValueError("scores must be integer tenths of points")
    bad = np.asarray(unintended, dtype=bool)
    weights = np.ones(len(points)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(points) == len(bad) == len(weights):
        raise ValueError(f"expected arrays of one length, got {len(points)}, {len(bad)} and {len(weights)}")
    return points.astype(np.int64), bad, weights


def _largest(weights: Floats, largest: float | None) -> float:
    return max(float(weights.max(initial=0.0)), largest or 0.0)


def _is_plain(weights: Floats, largest: float) -> bool:
    """Whether every finding, drawn or not, had the same probability."""
    return not len(weights) or bool((weights == largest).all())


def _below(scores: Ints, weights: Floats, thresholds: Ints) -> Floats:
    ranked = np.argsort(scores, kind="stable")
    mass = np.concatenate([[0.0], np.cumsum(weights[ranked])])
    return np.asarray(mass[np.searchsorted(scores[ranked], thresholds, side="left")])


def _uppers(scores: Ints, weights: Floats, thresholds: Ints, delta: float, largest: float) -> Floats:
    misses = _below(scores, np.ones(len(scores)), thresholds)
    if _is_plain(weights, largest):
        return share_upper(misses, len(scores), delta)
    at = {int(k): 0.0 for k in misses}
    for k in at:
        hit = np.zeros(len(scores), dtype=bool)
        hit[np.argsort(scores, kind="stable")[:k]] = True
        at[k] = weighted_share_upper(hit, weights, delta, largest)
    return np.array([at[int(k)] for k in misses])


def _weighted_misses(weights: Floats, alpha: float, delta: float, largest: float) -> int:
    """Return how many of the lowest scores may be missed, -1 where none may; they only add up: bisect."""
    sample = WeightedSample.of(weights, largest)
    low, high = -1, len(weights) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if refutes(sample, np.arange(len(weights)) < middle, alpha, delta):
            low = middle
        else:
            high = middle - 1
    return low


def _weighted_labels_needed(weights: Floats, alpha: float, delta: float, largest: float) -> int:
    """Return how many more labels of the least weight, none missed, it takes."""
    least = float(weights.min(initial=largest))
    more = 1
    while True:
        padded = np.append(weights, np.full(more, least))
        if refutes(WeightedSample.of(padded, largest), np.zeros(len(padded), dtype=bool), alpha, delta):
            return more
        more += max(1, more // 20)
