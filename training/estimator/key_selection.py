"""Which keys, and how freely their effects may vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from scipy.special import expit

from training.arrays import Floats, Ints
from training.estimator.crossfit import Design, crossfit, folds_of, gains, weigh
from training.estimator.fit_inputs import FitInputs, are_few
from training.estimator.keys import Key, candidate_keys, without_repeats

# Prior variances of log-odds: each single key; all pairs together; all triples together.
SINGLE, PAIRS, TRIPLES = 0.03, 0.2, 0.1
# Multipliers of the prior variances (single keys, combinations), tightest first.
LOOSENESS = ((1.0, 1.0), (5.0, 5.0), (5.0, 50.0), (30.0, 30.0))
MOST_CANDIDATES = 90
MOST_PAIRS = 60
SEARCH_ROWS = 50_000
SCREENED_VARIANCES = (0.03, 0.3, 1.0)


@dataclass(frozen=True)
class Choice:
    """The keys that earn their place, with the prior variances of their effects."""

    keys: tuple[Key, ...]
    variances: Floats


def choose(
    inputs: FitInputs,
    candidates: Sequence[Key] | None,
    kept: Sequence[Key],
    largest_key: int,
    max_tables: int,
    seed: int,
    n_jobs: int | None,
) -> Choice:
    """Choose keys and looseness by cross-validated log loss.

    Parameters
    ----------
    candidates : sequence of keys or None
        None: combinations of up to `largest_key` columns, screened.
    kept : sequence of keys
        Keys that have a table in any case.
    max_tables : int
        The most keys, kept ones included.
    """
    rows = _sample(len(inputs.y), seed)
    is_few = are_few(inputs.y[rows])
    keys = without_repeats([*kept, *(candidates or ())])
    if candidates is None:
        keys = _screened(inputs, keys, 1 if is_few else largest_key, rows)
    design = inputs.design(keys, _variances(keys), rows)
    fold = folds_of(design.y, seed)
    sizes = np.array([len(key) for key in keys])
    tried = LOOSENESS[:1] if is_few else LOOSENESS
    variance_scale = [np.where(sizes == 1, single, combined) for single, combined in tried]
    fits = crossfit(design, variance_scale, fold, n_jobs)
    best = _one_standard_error([fit.loss for fit in fits])
    out_of_fold = fits[best]
    variances = design_variances(design) * variance_scale[best]
    while True:
        weights = weigh(design, out_of_fold)
        gain = np.where(weights.keys > 0, gains(design, out_of_fold, weights), -np.inf)
        gain[[i for i, key in enumerate(keys) if key in kept]] = np.inf
        room = max(max_tables, len(kept))
        # In two steps: when the weakest have gone, their part falls to those that stay.
        room = room if len(keys) <= 2 * room else len(keys) // 2
        ranked = [i for i in np.argsort(-gain, kind="stable").tolist() if gain[i] > -np.inf][:room]
        ranked.sort()
        if len(ranked) == len(keys):
            return Choice(tuple(keys), variances)
        keys, variances = [keys[i] for i in ranked], variances[ranked]
        if len(keys) <= max(max_tables, len(kept)):
            return Choice(tuple(keys), variances)
        design = inputs.design(keys, variances, rows)
        out_of_fold = crossfit(design, [np.ones(len(keys))], fold, n_jobs)[0]


def design_variances(design: Design) -> Floats:
    """Return the prior variance of each key's effects."""
    return np.array([key.variance for key in design.keys])


def _sample(n: int, seed: int) -> Ints:
    if n <= SEARCH_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, SEARCH_ROWS, replace=False))


def _variances(keys: Sequence[Key]) -> Floats:
    pairs = sum(len(key) == 2 for key in keys)
    triples = sum(len(key) == 3 for key in keys)
    shares = {1: SINGLE, 2: PAIRS / max(1, pairs), 3: TRIPLES / max(1, triples)}
    return np.array([shares[len(key)] for key in keys])


def _one_standard_error(losses: Sequence[Floats]) -> int:
    """Return the tightest looseness that is within one standard error (of the difference) of the best."""
    best = int(np.argmin([float(loss.sum()) for loss in losses]))
    for i in range(best):
        difference = losses[i] - losses[best]
        if float(difference.sum()) <= float(difference.std()) * len(difference) ** 0.5:
            return i
    return best


def _screened(inputs: FitInputs, kept: Sequence[Key], largest_key: int, rows: Ints) -> list[Key]:
    """Return single keys and the combinations that explain what the smaller ones leave over."""
    names = list(inputs.columns.categories)
    keys = without_repeats([*candidate_keys(names, 1), *kept])
    if largest_key > 1:
        fresh = without_repeats([*keys, *candidate_keys(names, 2)[len(names) :]])[len(keys) :]
        keys += _best(inputs, keys, fresh, MOST_PAIRS, rows)
    if largest_key > 2:
        pairs = [key for key in keys if len(key) == 2]
        triples = {
            tuple(n for n in names if n in (*pair, name))
            for pair in pairs
            for name in names
            if name not in pair
        }
        fresh = sorted(triples, key=lambda key: [names.index(name) for name in key])
        fresh = without_repeats([*keys, *fresh])[len(keys) :]
        keys += _best(inputs, keys, fresh, MOST_CANDIDATES - MOST_PAIRS, rows)
    return keys


def _best(inputs: FitInputs, keys: Sequence[Key], fresh: Sequence[Key], most: int, rows: Ints) -> list[Key]:
    ranked = np.arange(len(fresh))
    if len(fresh) > most:
        design = inputs.design(keys, _variances(keys), rows)
        everything = np.arange(len(rows))
        eta = design.log_odds(design.fit(everything, np.ones(len(keys))), everything)
        p = expit(eta)
        residual, curvature = design.weight * (design.y - p), design.weight * p * (1 - p)
        evidence = np.array([_evidence(inputs, key, rows, residual, curvature) for key in fresh])
        ranked = np.argsort(-evidence, kind="stable")
    finer = (i for i in ranked.tolist() if _is_finer(inputs, fresh[i], rows))
    return [fresh[i] for i in sorted(islice(finer, most))]


def _is_finer(inputs: FitInputs, key: Key, rows: Ints) -> bool:
    """Say whether a combination has more values than each part of it: others say the same once more."""
    parts = [key, *combinations(key, len(key) - 1)]
    whole, *counts = (len(inputs.values(part, rows)) for part in parts)
    return whole > max(counts)


def _evidence(inputs: FitInputs, key: Key, rows: Ints, residual: Floats, curvature: Floats) -> float:
    """Return the log evidence for a further key over none (Laplace), at the best of a few variances."""
    values, _ = inputs.ordered_values(key, rows)
    g = np.bincount(values.rows, residual, len(values))
    h = np.bincount(values.rows, curvature, len(values))
    return max(
        float(0.5 * (g * g / (h + 1 / variance) - np.log1p(h * variance)).sum())
        for variance in SCREENED_VARIANCES
    )
