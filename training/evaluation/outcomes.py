"""How well a scorecard does on findings that it was never fitted on."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.arrays import Bools, Floats, Ints
from training.threshold.bounds import share_upper, weighted_share_upper

DIGITS = 6


def quality(scores: Ints, probability: Floats, unintended: Bools, weight: Floats) -> dict[str, Any]:
    """Return how well scores rank and probabilities fit; None where one class is missing.

    Parameters
    ----------
    scores, probability, unintended, weight : arrays of shape (labelled findings,)

    Examples
    --------
    >>> some = quality(np.array([1, 2]), np.array([0.1, 0.9]), np.array([False, True]), np.ones(2))
    >>> some["roc_auc"], some["n"], some["positives"]
    (1.0, 2, 1)
    """
    n, positives = len(scores), int(unintended.sum())
    found: dict[str, Any] = {"n": n, "positives": positives}
    names = ("roc_auc", "average_precision", "log_loss", "brier")
    if not 0 < positives < n:
        return found | dict.fromkeys(names)
    measured = (
        roc_auc_score(unintended, scores, sample_weight=weight),
        average_precision_score(unintended, scores, sample_weight=weight),
        log_loss(unintended, probability, sample_weight=weight, labels=[False, True]),
        brier_score_loss(unintended, probability, sample_weight=weight),
    )
    return found | {name: round(float(value), DIGITS) for name, value in zip(names, measured, strict=True)}


def share_below(scores: Ints, threshold: int | None) -> float | None:
    """Return the share of scores that a threshold archives; None where there are none."""
    if not len(scores):
        return None
    return 0.0 if threshold is None else round(float((scores < threshold).mean()), DIGITS)


def missed(
    scores: Ints,
    unintended: Bools,
    weight: Floats,
    threshold: int | None,
    delta: float,
    largest: float | None = None,
) -> dict[str, Any]:
    """Return what a threshold archives of the unintended, with its upper bound at level 1 - delta.

    Parameters
    ----------
    scores, unintended, weight : arrays of shape (findings,)
        Labelled findings that reached a person whatever their score, or with a known probability.
    largest : float, optional
        The largest weight that a finding could have had; see `training.threshold.threshold.choose_threshold`.
    """
    bad, of = scores[unintended], weight[unintended]
    hit = bad < threshold if threshold is not None else np.zeros(len(bad), dtype=bool)
    if not len(bad):
        return {"positives": 0, "misses": 0, "miss_rate": None, "miss_rate_upper": None}
    return {
        "positives": len(bad),
        "misses": int(hit.sum()),
        "miss_rate": round(float(np.average(hit, weights=of)), DIGITS),
        "miss_rate_upper": round(bound(hit, of, delta, largest), DIGITS),
    }


def unintended_among_archived(
    scores: Ints, unintended: Bools, weight: Floats, threshold: int | None, delta: float
) -> dict[str, Any]:
    """Return the share of archived findings that are unintended, with its upper bound."""
    archived = scores < threshold if threshold is not None else np.zeros(len(scores), dtype=bool)
    if not archived.any():
        return {"reviewed": 0, "share": None, "share_upper": None}
    bad, of = unintended[archived], weight[archived]
    return {
        "reviewed": int(archived.sum()),
        "share": round(float(np.average(bad, weights=of)), DIGITS),
        "share_upper": round(bound(bad, of, delta), DIGITS),
    }


def bound(hit: Bools, weight: Floats, delta: float, largest: float | None = None) -> float:
    """Return an upper confidence bound on a share, weighted where weights differ or could have differed."""
    if (weight == max(float(weight.max()), largest or 0.0)).all():
        return float(share_upper(int(hit.sum()), len(hit), delta))
    return weighted_share_upper(hit, weight, delta, largest)
