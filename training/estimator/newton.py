"""Fit an additive model of log-odds: intercept, card weight, key effects, precedent effects.

    log-odds = a + mean card + s (card - mean card) + sum of key effects + sum of precedent effects

Normal priors on all of them. Block Newton steps, one key at a time (exact within a key, since a row has one
value of it); variances of key effects re-estimated from the data (MacKay 1992, "Bayesian interpolation").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from training.arrays import Floats, Ints

INTERCEPT_SD = 1.5
CARD_SD = 0.08
LARGEST_STEP = 1.0
# Slopes are followed along, and computed anew when log-odds have moved by so much (root mean square).
LARGEST_DRIFT = 0.1
# How many well-determined values it takes until a key's variance is as much the data's as the prior's.
VARIANCE_STRENGTH = 20.0


@dataclass(frozen=True)
class Block:
    """The effects of one key: one for each value, each ~ N(0, variance).

    Silent values have no effect, so that none can be learned for them. `project` takes effects and their
    weights and returns the nearest effects in the required order.
    """

    rows: Ints
    size: int
    variance: float
    fixed_at_zero: Ints
    project: Callable[[Floats, Floats], Floats]


@dataclass(frozen=True)
class StepBlock:
    """The effects of how often a key's value was seen: one for each bucket, ~ N(mean, covariance)."""

    rows: Ints
    mean: Floats
    covariance: Floats


@dataclass
class Effects:
    """A fitted model, all in log-odds."""

    intercept: float
    card_weight: float
    card_mean: float
    keys: list[Floats]
    steps: list[Floats]
    variances: list[float]

    def begin_at(self, start: Effects) -> None:
        """Take over the effects of a fit of the first keys and steps."""
        self.intercept, self.card_weight = start.intercept, start.card_weight
        self.keys[: len(start.keys)] = start.keys
        self.steps[: len(start.steps)] = start.steps

    def log_odds(self, card: Floats, rows: Sequence[Ints], buckets: Sequence[Ints]) -> Floats:
        """Return the log-odds of rows, given the card's log-odds and the rows' values and buckets."""
        total = self.intercept + self.card_mean + self.card_weight * (card - self.card_mean)
        for effect, row in zip(self.keys, rows, strict=True):
            total = total + effect[row]
        for effect, row in zip(self.steps, buckets, strict=True):
            total = total + effect[row]
        return total


def fit_effects(
    y: Floats,
    weight: Floats,
    card: Floats | None,
    blocks: Sequence[Block],
    steps: Sequence[StepBlock] = (),
    sweeps: int = 15,
    tolerance: float = 0.002,
    start: Effects | None = None,
    *,
    ordered_last: bool = False,
) -> Effects:
    """Fit by sweeps of clipped Newton steps; deterministic.

    Parameters
    ----------
    y : array of shape (n,)
        0.0 or 1.0.
    weight : array of shape (n,)
        Not negative.
    card : array of shape (n,) or None
        Log-odds by the prior card.
    blocks, steps : sequence
        The effects to fit.
    sweeps : int
        The most sweeps over all effects.
    tolerance : float
        Stops when a sweep moves the log-odds by less than this (root mean square).
    start : Effects, optional
        Where to begin: a fit of the first blocks and steps, on other rows or with other variances.
    ordered_last : bool
        Keep effects in order in one last sweep alone: quicker, and nearly the same.
    """
    in_order = not ordered_last
    model = _start(y, weight, card, blocks, steps)
    anchor, total = model.intercept, float(weight.sum())
    if total == 0:
        return model
    if start is not None:
        model.begin_at(start)
    centred = np.zeros_like(y) if card is None else card - model.card_mean
    precisions: list[Floats] = [np.linalg.inv(step.covariance) for step in steps]
    eta = model.log_odds(
        np.zeros_like(y) if card is None else card, [b.rows for b in blocks], [s.rows for s in steps]
    )
    for sweep in range(sweeps + 1 if ordered_last else sweeps):
        before = eta
        slopes = _Slopes(y, weight, eta.copy())
        slopes.move(_global_step(model, slopes.now, centred, anchor, card is not None))
        for k, (step, precision) in enumerate(zip(steps, precisions, strict=True)):
            change = _bucket_step(step, model.steps[k], precision, slopes.now)
            model.steps[k] = model.steps[k] + change
            slopes.move(change.take(step.rows))
        for k, block in enumerate(blocks):
            old = model.keys[k]
            model.keys[k], variance = _key_step(block, old, model.variances[k], slopes.now, in_order=in_order)
            slopes.move((model.keys[k] - old).take(block.rows))
            # Early sweeps still move whole blocks between keys: their spread says little about a variance.
            if sweep > 1:
                model.variances[k] = variance
        eta = slopes.eta
        if in_order and (ordered_last or _moved(weight, eta - before, total) < tolerance):
            break
        in_order = in_order or sweep == sweeps - 1 or _moved(weight, eta - before, total) < tolerance
    return model


class _Slopes:
    """First and second derivatives of the log likelihood at log-odds that move.

    A small move changes the first ones by the second ones, which stay as they are; after larger moves both
    are computed anew. That saves most of the exponentials, and keeps steps that would run away in check.
    """

    def __init__(self, y: Floats, weight: Floats, eta: Floats) -> None:
        self._y, self._weight, self._total = y, weight, float(weight.sum())
        self.eta = eta
        self._compute()

    def _compute(self) -> None:
        p = expit(self.eta)
        weighted = self._weight * p
        self._residual, self._curvature = self._weight * self._y - weighted, weighted * (1 - p)
        self._drift = 0.0

    @property
    def now(self) -> tuple[Floats, Floats]:
        """Residual and curvature of each row."""
        if self._drift > LARGEST_DRIFT:
            self._compute()
        return self._residual, self._curvature

    def move(self, change: Floats) -> None:
        """Add to the log-odds."""
        self.eta += change
        self._residual -= self._curvature * change
        change *= change
        self._drift += math.sqrt(float(self._weight @ change) / self._total)


def _start(
    y: Floats, weight: Floats, card: Floats | None, blocks: Sequence[Block], steps: Sequence[StepBlock]
) -> Effects:
    total = float(weight.sum())
    card_mean = 0.0 if card is None or total == 0 else float((weight * card).sum()) / total
    rate = (float((weight * y).sum()) + 0.5) / (total + 1.0)
    return Effects(
        intercept=float(logit(rate)) - card_mean,
        card_weight=1.0,
        card_mean=card_mean,
        keys=[np.zeros(block.size) for block in blocks],
        steps=[step.mean.copy() for step in steps],
        variances=[block.variance for block in blocks],
    )


def _moved(weight: Floats, change: Floats, total: float) -> float:
    return float(np.sqrt((weight * change**2).sum() / total))


def _key_step(
    block: Block, old: Floats, variance: float, slopes: tuple[Floats, Floats], *, in_order: bool
) -> tuple[Floats, float]:
    residual, curvature = slopes
    precision = 1 / variance
    h = np.bincount(block.rows, curvature, block.size) + precision
    step = np.bincount(block.rows, residual, block.size).astype(np.float64, copy=False)
    step -= old * precision
    step /= h
    np.maximum(step, -LARGEST_STEP, out=step)
    np.minimum(step, LARGEST_STEP, out=step)
    new: Floats = old + step
    if len(block.fixed_at_zero):
        new[block.fixed_at_zero] = 0.0
    if in_order:
        new = block.project(new, h)
    determined = block.size - precision * float((1 / h).sum())
    prior = VARIANCE_STRENGTH * block.variance
    return new, (prior + float(new @ new)) / (VARIANCE_STRENGTH + determined)


def _bucket_step(step: StepBlock, old: Floats, precision: Floats, slopes: tuple[Floats, Floats]) -> Floats:
    size = len(step.mean)
    g = np.bincount(step.rows, slopes[0], size) - precision @ (old - step.mean)
    h = np.diag(np.bincount(step.rows, slopes[1], size)) + precision
    return np.asarray(np.clip(np.linalg.solve(h, g), -LARGEST_STEP, LARGEST_STEP), dtype=np.float64)


def _global_step(
    model: Effects, slopes: tuple[Floats, Floats], centred: Floats, anchor: float, with_card: bool
) -> Floats:
    """One joint Newton step for the intercept and the card's weight, the latter never below zero."""
    residual, curvature = slopes
    a_precision, s_precision = 1 / INTERCEPT_SD**2, 1 / CARD_SD**2
    g0 = float(residual.sum()) - a_precision * (model.intercept - anchor)
    h0 = float(curvature.sum()) + a_precision
    g1, h1, cross = 0.0, 1.0, 0.0
    if with_card:
        g1 = float((residual * centred).sum()) - s_precision * (model.card_weight - 1)
        h1 = float((curvature * centred * centred).sum()) + s_precision
        cross = float((curvature * centred).sum())
    determinant = h0 * h1 - cross * cross
    a_change = float(np.clip((h1 * g0 - cross * g1) / determinant, -LARGEST_STEP, LARGEST_STEP))
    s_change = float(np.clip((h0 * g1 - cross * g0) / determinant, -LARGEST_STEP, LARGEST_STEP))
    s_change = max(s_change, -model.card_weight)
    model.intercept += a_change
    model.card_weight += s_change
    return a_change + s_change * centred
