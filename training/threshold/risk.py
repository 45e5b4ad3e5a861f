"""Calibrated risk: from a score to the probability that a finding is unintended."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from training.arrays import Floats

Risk = tuple[tuple[int, float], ...]

FEWEST = 10
ENOUGH_FOR_STEPS = 50
MOST_STEPS = 64


def calibrate_risk(scores: ArrayLike, unintended: ArrayLike, weight: ArrayLike | None = None) -> Risk:
    """Fit a rising map from scores (tenths) to probabilities, on findings that were never fitted on.

    From 50 labels of each class on a step function (isotonic regression; Zadrozny, Elkan 2002), from 10 on a
    logistic curve (Platt 1999, with his smoothed targets), below that none: ().

    Returns
    -------
    tuple of (int, float)
        From this score on, this probability; rising. Below the first score its probability holds too.

    Examples
    --------
    >>> calibrate_risk([100, 200], [False, True])
    ()
    """
    x = np.asarray(scores, dtype=np.float64)
    y = np.asarray(unintended, dtype=np.float64)
    w = np.ones(len(x)) if weight is None else np.asarray(weight, dtype=np.float64)
    fewer = int(min(y.sum(), (1 - y).sum())) if len(y) else 0
    if fewer < FEWEST:
        return ()
    grid = np.unique(np.quantile(x, np.linspace(0, 1, MOST_STEPS + 1), method="nearest"))
    probability = _platt(x, y, w, grid) if fewer < ENOUGH_FOR_STEPS else _steps(x, y, w, grid)
    return _compact(grid, probability)


def _platt(x: Floats, y: Floats, w: Floats, grid: Floats) -> Floats:
    centre, scale = float(np.average(x, weights=w)), float(x.std()) or 1.0
    positives, negatives = float((w * y).sum()), float((w * (1 - y)).sum())
    target = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    z = (x - centre) / scale

    def loss(parameters: Floats) -> tuple[float, Floats]:
        eta = parameters[0] + parameters[1] * z
        slope = w * (expit(eta) - target)
        value = float((w * (np.logaddexp(0, eta) - target * eta)).sum())
        return value, np.array([slope.sum(), (slope * z).sum()])

    start = np.array([np.log((positives + 1) / (negatives + 1)), 1.0])
    fitted = minimize(loss, start, jac=True, bounds=[(None, None), (0.0, None)], method="L-BFGS-B").x
    return np.asarray(expit(fitted[0] + fitted[1] * (grid - centre) / scale))


def _steps(x: Floats, y: Floats, w: Floats, grid: Floats) -> Floats:
    """Isotonic regression over cells of the grid, each with one more finding of the average kind."""
    cell = np.searchsorted(grid, x, side="right") - 1
    mass = np.bincount(cell, w, len(grid))
    rate = (np.bincount(cell, w * y, len(grid)) + np.average(y, weights=w)) / (mass + 1)
    return np.asarray(IsotonicRegression().fit_transform(np.arange(len(grid)), rate, sample_weight=mass + 1))


def _compact(grid: Floats, probability: Floats) -> Risk:
    steps: list[tuple[int, float]] = []
    for score, p in zip(grid.astype(np.int64).tolist(), probability.round(6).tolist(), strict=True):
        if not steps or p > steps[-1][1]:
            steps.append((score, p))
    return tuple(steps)
