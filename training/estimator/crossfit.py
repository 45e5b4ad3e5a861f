"""Cross-fitted effects, and the weight that each key's effects deserve.

Effects look better on the rows they were fitted on than on new ones. Fitted on some folds and read on the
left-out one they show their true worth: one weight a key (around 1), the card's weight and the effects of
precedent are fitted on such honest effects. This is stacking (Wolpert 1992; van der Laan, Polley, Hubbard
2007, "Super learner") with priors, so that few rows leave the weights at 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy.linalg import block_diag
from scipy.special import expit, logit

from training.arrays import Bools, Floats, Ints
from training.estimator import precedent
from training.estimator.monotone import Grid
from training.estimator.newton import CARD_SD, INTERCEPT_SD, Block, Effects, StepBlock, fit_effects

FOLDS = 5
WEIGHT_SD = 0.25
# Of each fold: more rows determine a few hundred weights no better, and cost memory.
SHOWN = 12_000
NEWTON_ROUNDS = 25


@dataclass(frozen=True)
class KeyRows:
    """One key of a design: each labelled row's value, and what is known of the values beforehand.

    Attributes
    ----------
    rows : array of shape (n,)
    size : int
        How many distinct values the key has.
    variance : float
        Prior variance of an effect.
    buckets : array of shape (n,) or None
        Each row's bucket of precedent, for a key whose counts matter.
    precedent : (mean, covariance)
        Of the effects of the buckets, beforehand; see `precedent.prior`.
    fixed_at_zero : array
        The values that get no effect.
    grid : Grid or None
        Ordered values.
    card : array of shape (size,)
        The card's own log-odds for each value of this key.
    """

    rows: Ints
    size: int
    variance: float
    buckets: Ints | None
    precedent: tuple[Floats, Floats]
    fixed_at_zero: Ints
    grid: Grid | None
    card: Floats

    def project(self, effects: Floats, weights: Floats) -> Floats:
        """Return the nearest effects that are in order together with the card's points."""
        if self.grid is None:
            return effects
        points = self.grid.project((effects + self.card)[:-1], weights[:-1]) - self.card[:-1]
        return np.append(points, effects[-1])


@dataclass(frozen=True)
class Design:
    """All that a fit needs, for the labelled rows."""

    y: Floats
    weight: Floats
    card: Floats | None
    keys: tuple[KeyRows, ...]

    def fit(self, rows: Ints, variance_scale: Floats) -> Effects:
        """Fit on some rows; `variance_scale` multiplies each key's prior variance."""
        steps = []
        for key in self.keys:
            if key.buckets is not None:
                steps.append(StepBlock(key.buckets[rows], *key.precedent))
        blocks = [
            Block(
                key.rows[rows],
                key.size,
                key.variance * loose,
                key.fixed_at_zero,
                key.project,
            )
            for key, loose in zip(self.keys, variance_scale.tolist(), strict=True)
        ]
        card = None if self.card is None else self.card[rows]
        return fit_effects(self.y[rows], self.weight[rows], card, blocks, steps)

    def log_odds(self, effects: Effects, rows: Ints) -> Floats:
        """Return the log-odds of some rows by fitted effects."""
        card = np.zeros(len(rows)) if self.card is None else self.card[rows]
        return effects.log_odds(card, [key.rows[rows] for key in self.keys], [b[rows] for b in self.buckets])

    def loss(self, eta: Floats, rows: Ints) -> Floats:
        """Return the weighted log loss of some rows."""
        return self.weight[rows] * (np.logaddexp(0.0, eta) - self.y[rows] * eta)

    @property
    def buckets(self) -> list[Ints]:
        """The buckets of the keys that have precedent."""
        return [key.buckets for key in self.keys if key.buckets is not None]


@dataclass(frozen=True)
class Crossfit:
    """Effects of each key on rows that were left out of the fit.

    Attributes
    ----------
    rows : array of shape (m,)
    contributions : array of shape (m, keys)
    loss : array of shape (m,)
        Weighted log loss of each row.
    variances : array of shape (keys,)
        Prior variances as re-estimated, averaged over the folds.
    """

    rows: Ints
    contributions: Floats
    loss: Floats
    variances: Floats


@dataclass(frozen=True)
class Weights:
    """What each part of the model deserves, as fitted on cross-fitted effects."""

    intercept: float
    card: float
    card_mean: float
    keys: Floats
    steps: list[Floats]


def folds_of(y: Floats, seed: int, folds: int = FOLDS) -> Ints:
    """Assign each row to a fold at random, both classes evenly."""
    shuffled = np.random.default_rng(seed).permutation(len(y))
    ranked = shuffled[np.argsort(y[shuffled], kind="stable")]
    out = np.empty(len(y), dtype=np.int64)
    out[ranked] = np.arange(len(y)) % folds
    return out


def crossfit(
    design: Design, variance_scale: Sequence[Floats], fold: Ints, n_jobs: int | None = None
) -> list[Crossfit]:
    """Fit once for each looseness and fold; return one cross-fit for each looseness."""
    folds = range(int(fold.max()) + 1)
    fitted = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(_fold)(design, loose, np.flatnonzero(fold != f), np.flatnonzero(fold == f)[:SHOWN])
        for loose in variance_scale
        for f in folds
    )
    return [_joined(fitted[i * len(folds) : (i + 1) * len(folds)]) for i in range(len(variance_scale))]


def _joined(parts: Sequence[Crossfit]) -> Crossfit:
    return Crossfit(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.contributions for part in parts]),
        np.concatenate([part.loss for part in parts]),
        np.mean([part.variances for part in parts], axis=0),
    )


def _fold(design: Design, variance_scale: Floats, rows: Ints, left_out: Ints) -> Crossfit:
    effects = design.fit(rows, variance_scale)
    eta = design.log_odds(effects, left_out)
    contributions = np.empty((len(left_out), len(design.keys)))
    for k, (effect, key) in enumerate(zip(effects.keys, design.keys, strict=True)):
        contributions[:, k] = effect[key.rows[left_out]]
    return Crossfit(left_out, contributions, design.loss(eta, left_out), np.array(effects.variances))


def neutral(design: Design) -> Weights:
    """Return the weights that hold while nothing is known: all 1, and precedent as expected."""
    steps = [key.precedent[0] for key in design.keys if key.buckets is not None]
    return Weights(0.0, 1.0, 0.0, np.ones(len(design.keys)), steps)


def weigh(design: Design, out_of_fold: Crossfit) -> Weights:
    """Fit intercept, the card's weight, one weight a key and the effects of precedent on honest effects.

    Priors: card ~ N(1, 0.08^2), keys ~ N(1, 0.25^2), neither below zero; precedent as in `precedent.prior`.
    """
    rows, count = out_of_fold.rows, len(design.keys)
    y, weight = design.y[rows], design.weight[rows]
    card_mean, matrix = _matrix(design, out_of_fold)
    priors = [key.precedent for key in design.keys if key.buckets is not None]
    rate = (float((weight * y).sum()) + 0.5) / (float(weight.sum()) + 1.0)
    mean = np.concatenate([[float(logit(rate)), 1.0], np.ones(count), *[m for m, _ in priors]])
    spread = [1 / INTERCEPT_SD**2, 1 / CARD_SD**2, *[1 / WEIGHT_SD**2] * count]
    precision = block_diag(np.diag(spread), *[np.linalg.inv(c) for _, c in priors])
    bounded = np.zeros(len(mean), dtype=bool)
    bounded[1 : 2 + count] = True
    fitted = _penalized_logistic(matrix, y, weight, mean, precision, bounded)
    steps = list(fitted[2 + count :].reshape(len(priors), -1)) if priors else []
    return Weights(float(fitted[0]) - card_mean, float(fitted[1]), card_mean, fitted[2 : 2 + count], steps)


def _penalized_logistic(
    matrix: Floats, y: Floats, weight: Floats, mean: Floats, precision: Floats, bounded: Bools
) -> Floats:
    """Logistic regression with a normal prior, some coefficients not below zero.

    Projected Newton steps (Bertsekas 1982): coefficients held at zero by their slope leave the system, and a
    step is halved until it helps.
    """

    def loss(at: Floats) -> float:
        eta = matrix @ at
        away = at - mean
        return float((weight * (np.logaddexp(0.0, eta) - y * eta)).sum() + 0.5 * away @ precision @ away)

    fitted, now = mean, loss(mean)
    for _ in range(NEWTON_ROUNDS):
        p = expit(matrix @ fitted)
        g = matrix.T @ (weight * (y - p)) - precision @ (fitted - mean)
        h = (matrix * (weight * p * (1 - p))[:, None]).T @ matrix + precision
        free = np.flatnonzero(~(bounded & (fitted <= 0) & (g < 0)))
        step = np.zeros_like(g)
        step[free] = np.linalg.solve(h[np.ix_(free, free)], g[free])
        before, size, tried = now, 1.0, fitted
        while size > 1e-6:
            tried = fitted + size * step
            tried[bounded] = np.maximum(tried[bounded], 0.0)
            now = loss(tried)
            if now < before:
                break
            size /= 2
        else:
            break
        fitted = tried
        if before - now < 1e-7 * abs(before):
            break
    return fitted


def gains(design: Design, out_of_fold: Crossfit, weights: Weights) -> Floats:
    """Return how much log loss (summed over rows) each key saves on rows it was not fitted on."""
    rows = out_of_fold.rows
    parts = out_of_fold.contributions * weights.keys
    with_steps = [k for k, key in enumerate(design.keys) if key.buckets is not None]
    for k, step, bucket in zip(with_steps, weights.steps, design.buckets, strict=True):
        parts[:, k] += step[bucket[rows]]
    card = np.zeros(len(rows)) if design.card is None else design.card[rows]
    eta = weights.intercept + weights.card_mean + weights.card * (card - weights.card_mean)
    eta = eta + parts.sum(axis=1)
    loss = design.loss(eta, rows)
    # Without its mean, which the intercept would take over.
    parts -= np.average(parts, axis=0, weights=design.weight[rows])
    return np.array([(design.loss(eta - part, rows) - loss).sum() for part in parts.T])


def _matrix(design: Design, out_of_fold: Crossfit) -> tuple[float, Floats]:
    rows = out_of_fold.rows
    card_mean, centred = 0.0, np.zeros_like(out_of_fold.loss)
    if design.card is not None:
        card_mean = float(np.average(design.card[rows], weights=design.weight[rows]))
        centred = design.card[rows] - card_mean
    buckets = [np.eye(precedent.BUCKETS + 1)[bucket[rows]] for bucket in design.buckets]
    return card_mean, np.hstack(
        [np.ones((len(rows), 1)), centred[:, None], out_of_fold.contributions, *buckets]
    )
