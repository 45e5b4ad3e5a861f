"""Cross-fitted effects, and the weight that each key's effects deserve.

Effects look better on the rows they were fitted on than on new ones. Fitted on some folds and read on the
left-out one they show their true worth: one weight a key (around 1), the card's weight and the effects of
precedent are fitted on such effects. This is stacking (Wolpert 1992; van der Laan, Polley, Hubbard 2007,
"Super learner") with priors, so that few rows leave the weights at 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag
from scipy.special import expit, logit

from training.arrays import Bools, Floats, Ints
from training.estimator import precedent
from training.estimator.monotone import Grid
from training.estimator.newton import CARD_SD, INTERCEPT_SD, Block, Effects, StepBlock, fit_effects

FOLDS = 5
# Of many rows three folds say as much.
MANY_ROWS, FEWER_FOLDS = 5_000, 3
WEIGHT_SD = 0.25
# Of each fold: more rows determine a few hundred weights no better, and cost memory.
SHOWN = 12_000
NEWTON_ROUNDS = 25
# Sweeps and tolerance; see `newton.fit_effects`.
THOROUGH, ROUGH = (15, 0.002), (6, 0.01)


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
    left_out_buckets : array of shape (n,) or None
        The same while the row's fold is left out.
    precedent : (mean, covariance)
        Of the effects of the buckets, beforehand; see `precedent.prior`.
    is_precedent : bool
        Whether something is expected of them: then they are fitted anew on rows left out.
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
    left_out_buckets: Ints | None
    precedent: tuple[Floats, Floats]
    is_precedent: bool
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

    def fit(
        self, rows: Ints, variance_scale: Floats, start: Effects | None = None, *, is_rough: bool = False
    ) -> Effects:
        """Fit on some rows; `variance_scale` multiplies each key's prior variance.

        A rough fit is good enough to tell which of several designs is the best.
        """
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
        effort = ROUGH if is_rough else THOROUGH
        return fit_effects(
            self.y[rows], self.weight[rows], card, blocks, steps, *effort, start, ordered_last=is_rough
        )

    def log_odds(self, effects: Effects, rows: Ints, *, left_out: bool = False) -> Floats:
        """Return the log-odds of some rows by fitted effects; of rows that were left out, if they were."""
        card = np.zeros(len(rows)) if self.card is None else self.card[rows]
        buckets = self.left_out_buckets if left_out else self.buckets
        return effects.log_odds(card, [key.rows[rows] for key in self.keys], [b[rows] for b in buckets])

    def loss(self, eta: Floats, rows: Ints) -> Floats:
        """Return the weighted log loss of some rows."""
        return self.weight[rows] * (np.logaddexp(0.0, eta) - self.y[rows] * eta)

    @property
    def variances(self) -> Floats:
        """The prior variance of each key's effects."""
        return np.array([key.variance for key in self.keys])

    @property
    def counted(self) -> list[KeyRows]:
        """The keys whose counts have effects."""
        return [key for key in self.keys if key.buckets is not None]

    @property
    def buckets(self) -> list[Ints]:
        """The buckets of these keys."""
        return [key.buckets for key in self.keys if key.buckets is not None]

    @property
    def left_out_buckets(self) -> list[Ints]:
        """The same while a row's fold is left out."""
        return [key.left_out_buckets for key in self.keys if key.left_out_buckets is not None]

    @property
    def precedents(self) -> list[KeyRows]:
        """The keys of whose counts something is expected."""
        return [key for key in self.counted if key.is_precedent]


@dataclass(frozen=True)
class Crossfit:
    """Effects on rows that were left out of the fit.

    Attributes
    ----------
    rows : array of shape (m,)
    contributions : array of shape (m, keys)
        Of each key's values.
    count_contributions : array of shape (m, keys with buckets that are no precedent)
        Of how often these were seen.
    loss : array of shape (m,)
        Weighted log loss of each row.
    """

    rows: Ints
    contributions: Floats
    count_contributions: Floats
    loss: Floats

    @classmethod
    def of(cls, design: Design, effects: Effects, rows: Ints) -> Crossfit:
        """Read effects on rows that they were not fitted on."""
        rows = rows[:SHOWN]
        contributions = [
            effect[key.rows[rows]] for effect, key in zip(effects.keys, design.keys, strict=True)
        ]
        counts = [
            step[buckets[rows]]
            for step, key, buckets in zip(effects.steps, design.counted, design.left_out_buckets, strict=True)
            if not key.is_precedent
        ]
        eta = design.log_odds(effects, rows, left_out=True)
        return cls(rows, _columns(contributions, rows), _columns(counts, rows), design.loss(eta, rows))

    @classmethod
    def join(cls, parts: Sequence[Crossfit]) -> Crossfit:
        """Put the rows of several folds one below the other."""
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.contributions for part in parts]),
            np.concatenate([part.count_contributions for part in parts]),
            np.concatenate([part.loss for part in parts]),
        )


def _columns(columns: Sequence[Floats], rows: Ints) -> Floats:
    return np.column_stack(columns) if columns else np.zeros((len(rows), 0))


@dataclass(frozen=True)
class Weights:
    """What each part of the model deserves, as fitted on cross-fitted effects.

    Attributes
    ----------
    intercept, card, card_mean : float
    keys : array of shape (keys,)
        What each key's effects are multiplied by.
    counts : array
        What the effects of counts are multiplied by, of the keys whose counts are no precedent.
    steps : list of arrays of shape (buckets,)
        The effects of precedent themselves.
    """

    intercept: float
    card: float
    card_mean: float
    keys: Floats
    counts: Floats
    steps: list[Floats]

    def bucket_effects(self, design: Design, fitted: Sequence[Floats]) -> list[Floats | None]:
        """Return the effects of the buckets of each key, None where its counts have none.

        Parameters
        ----------
        fitted : sequence of arrays of shape (buckets,)
            As `Effects.steps` has them; these are taken, weighted, where nothing was expected.
        """
        given, steps, counts = iter(fitted), iter(self.steps), iter(self.counts.tolist())
        found: list[Floats | None] = []
        for key in design.keys:
            if key.buckets is None:
                found.append(None)
                continue
            own = next(given)
            found.append(next(steps) if key.is_precedent else next(counts) * own)
        return found


def folds_of(y: Floats, seed: int, groups: Ints | None = None, folds: int = FOLDS) -> Ints:
    """Assign each row to a fold at random, both classes evenly; rows of a group to the same one.

    Parameters
    ----------
    groups : array of shape (n,), optional
        A number from 0 for each row.
    """
    if groups is not None:
        size = np.bincount(groups)
        share = np.bincount(groups, y) / np.maximum(size, 1)
        return folds_of(share, seed, folds=folds)[groups]
    shuffled = np.random.default_rng(seed).permutation(len(y))
    ranked = shuffled[np.argsort(y[shuffled], kind="stable")]
    out = np.empty(len(y), dtype=np.int64)
    out[ranked] = np.arange(len(y)) % folds
    return out


def fold_numbers(fold: Ints) -> range:
    """Return which folds to leave out, one after the other."""
    return range(FOLDS if len(fold) < MANY_ROWS else FEWER_FOLDS)


def neutral(design: Design) -> Weights:
    """Return the weights that hold while nothing is known: all 1, and precedent as expected."""
    steps = [key.precedent[0] for key in design.precedents]
    others = len(design.counted) - len(steps)
    return Weights(0.0, 1.0, 0.0, np.ones(len(design.keys)), np.ones(others), steps)


def weigh(design: Design, out_of_fold: Crossfit) -> Weights:
    """Fit intercept, the card's weight, one weight a key and the effects of precedent, out of fold.

    Priors: card ~ N(1, 0.08^2), keys and counts ~ N(1, 0.25^2), none below zero; precedent as in
    `precedent.prior`.
    """
    rows = out_of_fold.rows
    count = len(design.keys) + out_of_fold.count_contributions.shape[1]
    y, weight = design.y[rows], design.weight[rows]
    card_mean, matrix = _matrix(design, out_of_fold)
    priors = [key.precedent for key in design.precedents]
    rate = (float((weight * y).sum()) + 0.5) / (float(weight.sum()) + 1.0)
    mean = np.concatenate([[float(logit(rate)), 1.0], np.ones(count), *[m for m, _ in priors]])
    spread = [1 / INTERCEPT_SD**2, 1 / CARD_SD**2, *[1 / WEIGHT_SD**2] * count]
    precision = block_diag(np.diag(spread), *[np.linalg.inv(c) for _, c in priors])
    bounded = np.zeros(len(mean), dtype=bool)
    bounded[1 : 2 + count] = True
    fitted = _penalized_logistic(matrix, y, weight, mean, precision, bounded)
    return Weights(
        intercept=float(fitted[0]) - card_mean,
        card=float(fitted[1]),
        card_mean=card_mean,
        keys=fitted[2 : 2 + len(design.keys)],
        counts=fitted[2 + len(design.keys) : 2 + count],
        steps=list(fitted[2 + count :].reshape(len(priors), -1)) if priors else [],
    )


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
    steps, counts = iter(weights.steps), iter((out_of_fold.count_contributions * weights.counts).T)
    for k, key in enumerate(design.keys):
        if key.left_out_buckets is not None:
            parts[:, k] += next(steps)[key.left_out_buckets[rows]] if key.is_precedent else next(counts)
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
    parts = [out_of_fold.contributions, out_of_fold.count_contributions]
    one_hot = np.eye(precedent.BUCKETS + 1)
    parts += [one_hot[b[rows]] for key in design.precedents if (b := key.left_out_buckets) is not None]
    return card_mean, np.hstack([np.ones((len(rows), 1)), centred[:, None], *parts])
