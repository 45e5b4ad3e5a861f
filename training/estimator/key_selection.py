"""Which keys, how freely their effects may vary, and what counts are expected to say: chosen by evidence.

Nothing is switched by the number of labels. Each choice is between candidates, by log loss on rows left out;
what would make the card's or the counts' say smaller, or add combinations, has to win by some nats: that is
what cross-validation cannot see (values never seen before) and what few labels leave to chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import expit

from training.arrays import Floats, Ints
from training.estimator.candidates import Candidate, race
from training.estimator.crossfit import fold_numbers, gains, weigh
from training.estimator.fit_inputs import FitInputs
from training.estimator.keys import Key, candidate_keys, without_repeats
from training.estimator.newton import Effects
from training.estimator.precedent import CountPrior
from training.estimator.screening import Found, Screen

# Prior variances of the log-odds of single keys, and of combinations that are kept in any case.
SINGLE, COMBINED = 0.03, 0.003
SEARCH_ROWS, SCREEN_ROWS = 20_000, 10_000
# So many times the values that tables may list may be looked at: those that matter least are not listed.
UNLISTED = 2

# What the prior variance of single keys is multiplied by, and the cost in nats: with a card, and without.
SINGLE_SCALES: Final = ((1.0, 0.0, 1.0), (5.0, 1.5, 0.0), (30.0, 3.0, 0.0))
# The same of counts. With a card, whatever differs from what is expected has to win by a standard error too.
EXPECTED, FREER, DOUBTED = CountPrior(), CountPrior(freedom=3.0), CountPrior(strength=0.0, freedom=3.0)
COUNT_PRIORS: Final = ((EXPECTED, 0.0, 2.0), (FREER, 0.0, 2.0), (DOUBTED, 4.0, 0.0))
EVERY: Final = CountPrior(strength=0.0, freedom=0.3, every=True)
EVERY_COST = 4.0
# What each combination's own variance is multiplied by, or the variance that all share.
OWN_SCALES: Final = (0.5, 4.0)
SHARED_VARIANCES: Final = (0.003, 0.01, 0.15, 0.5)
COMBINATION_COST = 4.0


# Combinations with their prior variances, for each fold and for all rows.
_Family = list[list[tuple[Key, float]]]


@dataclass(frozen=True)
class Choice:
    """The keys that earn their place, with the prior variances of their effects.

    Attributes
    ----------
    keys : tuple of keys
    variances : array of shape (keys,)
    count_prior : CountPrior
    """

    keys: tuple[Key, ...]
    variances: Floats
    count_prior: CountPrior = EXPECTED


@dataclass(frozen=True)
class _Search:
    """Where the search stands: the best candidate so far, and what it was made from."""

    inputs: FitInputs
    keys: list[Key]
    variances: Floats
    best: Candidate


def choose(
    inputs: FitInputs,
    candidates: Sequence[Key] | None,
    kept: Sequence[Key],
    largest_key: int,
    max_tables: int,
    max_entries: int,
    seed: int,
    n_jobs: int | None,
) -> Choice:
    """Choose keys and prior variances by log loss on rows left out.

    Parameters
    ----------
    candidates : sequence of keys or None
        None: combinations of up to `largest_key` columns, screened.
    kept : sequence of keys
        Keys that have a table in any case.
    max_tables : int
        The most keys, kept ones included.
    max_entries : int
        About how many values all keys may have together; those that are kept count, but stay.
    """
    rows = _sample(len(inputs.y), SEARCH_ROWS, seed)
    fold = inputs.fold[rows]
    more = candidate_keys(list(inputs.columns.categories), 1) if candidates is None else candidates
    search = _without_combinations(inputs, without_repeats([*kept, *more]), rows, fold, n_jobs)
    if candidates is None and largest_key > 1:
        search = _with_combinations(search, rows, fold, largest_key, seed, n_jobs)
    return _pruned(search, kept, max_tables, UNLISTED * max_entries, rows, fold, n_jobs)


def _sample(n: int, most: int, seed: int) -> Ints:
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _without_combinations(
    inputs: FitInputs, keys: list[Key], rows: Ints, fold: Ints, n_jobs: int | None
) -> _Search:
    """Choose what counts are expected to say, and how freely single keys may vary."""
    has_card = inputs.card is not None
    priors: list[tuple[CountPrior, float]] = [(EXPECTED, 0.0)]
    if inputs.precedents is None or inputs.precedents:
        priors = [(prior, card if has_card else bare) for prior, card, bare in COUNT_PRIORS]
    if inputs.precedents is not None:
        priors.append((EVERY, EVERY_COST))
    variances = _prior_variances(keys)
    tried: list[tuple[FitInputs, Candidate]] = []
    for prior, doubt in priors:
        expecting = replace(inputs, count_prior=prior)
        design = expecting.design(keys, variances, rows)
        for scale, with_card, bare in SINGLE_SCALES:
            cost = doubt + (with_card if has_card else bare)
            tried.append((expecting, Candidate(design, np.full(len(keys), scale), cost)))
    best = race([candidate for _, candidate in tried], fold, n_jobs)
    if has_card:
        best = _unless_by_chance(best, [one for expecting, one in tried if _is_usual(expecting, one)])
    (expecting,) = (expecting for expecting, candidate in tried if candidate is best)
    return _Search(expecting, keys, variances * np.asarray(best.variance_scale), best)


def _is_usual(inputs: FitInputs, candidate: Candidate) -> bool:
    """Say whether a candidate does what the card and precedent make one expect."""
    return inputs.count_prior.strength == 1 and bool(np.all(candidate.variance_scale == 1.0))


def _unless_by_chance(best: Candidate, usual: Sequence[Candidate]) -> Candidate:
    """Return the best, or what is usual where its lead is within one standard error."""
    expected = min(usual, key=lambda one: (-len(one.losses), one.total))
    if best in usual or len(expected.losses) < len(best.losses):
        return best
    lead, error = best.lead(expected)
    return best if lead > error else expected


def _with_combinations(
    search: _Search, rows: Ints, fold: Ints, largest_key: int, seed: int, n_jobs: int | None
) -> _Search:
    """Add combinations where they win.

    They are screened inside each fold, on the rows that are fitted on, so that the rows left out judge the
    screening too; kept are those that most screenings find.
    """
    inputs, keys, best = search.inputs, search.keys, search.best
    folds = fold_numbers(fold)
    plain = np.asarray(best.variance_scale)
    whole = best.design.fit(np.arange(len(rows)), plain, best.effects[-1])
    screenings = [
        _screened(search, np.flatnonzero(fold != number), best.effects[number], rows, largest_key, seed)
        for number in folds
    ]
    screenings.append(_screened(search, np.arange(len(rows)), whole, rows, largest_key, seed))
    union = sorted({found.key for screening in screenings for found in screening}, key=_by_size)
    if not union:
        return search
    families = _families(screenings)
    priors = [(inputs, COMBINATION_COST)]
    if inputs.precedents is not None and not inputs.count_prior.every:
        priors.append((replace(inputs, count_prior=EVERY), COMBINATION_COST + EVERY_COST))
    tried = [
        (expecting, family, candidate)
        for expecting, doubt in priors
        for family, candidate in _candidates(search, expecting, union, families, doubt, rows)
    ]
    won = race([candidate for _, _, candidate in tried], fold, n_jobs)
    if won.total >= best.total:
        return search
    ((inputs, family),) = ((expecting, family) for expecting, family, candidate in tried if candidate is won)
    stable = _stable(family)
    keys = [*keys, *stable]
    variances = np.append(search.variances, list(stable.values()))
    final = Candidate(inputs.design(keys, variances, rows), np.ones(len(keys)), starts=won.starts)
    return _Search(inputs, keys, variances, race([final], fold, n_jobs))


def _candidates(
    search: _Search,
    inputs: FitInputs,
    union: Sequence[Key],
    families: Sequence[_Family],
    cost: float,
    rows: Ints,
) -> Iterator[tuple[_Family, Candidate]]:
    """Yield a candidate for each family of combinations, beside the keys that are there."""
    best, count = search.best, len(search.keys)
    plain, present = np.asarray(best.variance_scale), np.arange(count)
    design, starts = best.design, best.effects
    if inputs is not search.inputs:
        design = inputs.design(search.keys, design.variances, rows)
        # Other keys have effects of counts than in the fits so far.
        starts = [replace(effects, steps=[]) for effects in starts]
    place = {key: count + i for i, key in enumerate(union)}
    more = inputs.design(union, np.ones(len(union)), rows)
    design = replace(design, keys=(*design.keys, *more.keys))
    for family in families:
        columns = [np.append(present, [place[key] for key, _ in some]).astype(np.int64) for some in family]
        scales = [np.append(plain, [variance for _, variance in some]) for some in family]
        yield family, Candidate(design, scales, cost, columns, starts)


def _screened(
    search: _Search, train: Ints, effects: Effects, rows: Ints, largest_key: int, seed: int
) -> list[Found]:
    """Return the combinations that explain what a fit leaves over on the rows that it was fitted on."""
    design = search.best.design
    some = train[_sample(len(train), SCREEN_ROWS, seed)]
    p = expit(design.log_odds(effects, some))
    screen = Screen.of(
        {name: codes[rows[some]] for name, codes in search.inputs.columns.codes.items()},
        design.weight[some] * (design.y[some] - p),
        design.weight[some] * p * (1 - p),
    )
    return screen.combinations(search.keys, largest_key)


def _families(screenings: Sequence[Sequence[Found]]) -> list[_Family]:
    """Return ways to set the variances of what each screening found.

    Each combination with evidence for it gets its own variance; or all that were looked at share one, since
    many weak and sparse ones together tell more than the evidence for any of them.
    """
    families: list[_Family] = [
        [[(f.key, scale * f.variance) for f in screening if f.evidence > 0] for screening in screenings]
        for scale in OWN_SCALES
    ]
    families += [
        [[(found.key, variance) for found in screening] for screening in screenings]
        for variance in SHARED_VARIANCES
    ]
    return [family for family in families if any(family)]


def _stable(family: _Family) -> dict[Key, float]:
    """Return the combinations that more than half of the screenings found, with their mean variance."""
    variances: dict[Key, list[float]] = {}
    for screening in family:
        for key, variance in screening:
            variances.setdefault(key, []).append(variance)
    return {
        key: float(np.exp(np.log(found).mean()))
        for key, found in sorted(variances.items(), key=lambda item: _by_size(item[0]))
        if len(found) > (len(family) - 1) / 2
    }


def _by_size(key: Key) -> tuple[int, Key]:
    return len(key), key


def _pruned(
    search: _Search,
    kept: Sequence[Key],
    max_tables: int,
    max_entries: int,
    rows: Ints,
    fold: Ints,
    n_jobs: int | None,
) -> Choice:
    """Keep the keys that save the most log loss on rows left out, in so many tables with so many entries.

    In steps: when the weakest have gone, their part falls to those that stay.
    """
    inputs, keys, variances = search.inputs, search.keys, search.variances
    design, out_of_fold = search.best.design, search.best.crossfit
    room = max(max_tables, len(kept))
    is_kept = np.array([key in kept for key in keys])
    size = np.array([len(inputs.values(key)) for key in keys])
    while True:
        weights = weigh(design, out_of_fold)
        gain = np.where(weights.keys > 0, gains(design, out_of_fold, weights), -np.inf)
        gain[is_kept] = np.inf
        most = room if len(keys) <= 1.5 * room else max(room, len(keys) * 2 // 3)
        ranked = [i for i in np.argsort(-gain, kind="stable").tolist() if gain[i] > -np.inf][:most]
        stay = np.sort(_in_size(ranked, gain, size, max_entries))
        is_last = len(stay) <= room and size[stay].sum() <= max(max_entries, size[is_kept].sum())
        keys, variances, is_kept, size = [keys[i] for i in stay], variances[stay], is_kept[stay], size[stay]
        if is_last:
            return Choice(tuple(keys), variances, inputs.count_prior)
        design = inputs.design(keys, variances, rows)
        out_of_fold = race([Candidate(design, np.ones(len(keys)))], fold, n_jobs).crossfit


def _in_size(ranked: Sequence[int], gain: Floats, size: Ints, max_entries: int) -> Ints:
    """Leave out what gains least for its size, at most a third at once, until the rest is small enough."""
    by_worth = sorted(ranked, key=lambda i: -gain[i] / size[i])
    total = np.cumsum(size[by_worth])
    fitting = int(np.searchsorted(total, max_entries, side="right"))
    return np.array(by_worth[: max(fitting, len(by_worth) * 2 // 3)], dtype=np.int64)


def _prior_variances(keys: Sequence[Key]) -> Floats:
    return np.array([SINGLE if len(key) == 1 else COMBINED for key in keys])
