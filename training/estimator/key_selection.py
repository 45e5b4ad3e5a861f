"""Which keys, how freely their effects may vary, and what counts are expected to say: chosen by evidence.

Nothing is switched by the number of labels. Each choice is between candidates, by log loss on rows left out;
what would make the card's or the counts' say smaller, or add combinations, has to win by some nats: that is
what cross-validation cannot see (values never seen before) and what few labels leave to chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

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
# With a card it is twice that, and they have to win by a standard error too: they help it seldom, and few
# labels find some that fit by chance.
COMBINATION_COST, COMBINATION_COST_BESIDE_A_CARD = 4.0, 8.0


# Combinations with their prior variances, for each fold and for all rows.
_Family = list[list[tuple[Key, float]]]


class Freedom(NamedTuple):
    """How freely combinations may vary: all by one variance, or each by its own times a factor."""

    is_shared: bool
    variance: float


FREEDOMS: Final = (
    *(Freedom(is_shared=False, variance=scale) for scale in OWN_SCALES),
    *(Freedom(is_shared=True, variance=variance) for variance in SHARED_VARIANCES),
)


@dataclass(frozen=True)
class Settings:
    """What the search chose, but for the keys: other rows can be fitted in the same way without a search.

    The keys are no part of it, since they know single values of the labels that they were chosen by.

    Attributes
    ----------
    single_scale : float
        What the prior variance of single keys is multiplied by.
    single_prior, count_prior : CountPrior
        What counts are expected to say: while combinations are looked for, and in the end.
    combinations : Freedom or None
        None: there are none.
    """

    single_scale: float = 1.0
    single_prior: CountPrior = EXPECTED
    count_prior: CountPrior = EXPECTED
    combinations: Freedom | None = None


@dataclass(frozen=True)
class Choice:
    """The keys that earn their place, with the prior variances of their effects.

    Attributes
    ----------
    keys : tuple of keys
    variances : array of shape (keys,)
    settings : Settings
    """

    keys: tuple[Key, ...]
    variances: Floats
    settings: Settings = Settings()


@dataclass(frozen=True)
class _Search:
    """Where the search stands: the best candidate so far, and what it was made from."""

    inputs: FitInputs
    keys: list[Key]
    variances: Floats
    best: Candidate
    settings: Settings


def choose(
    inputs: FitInputs,
    candidates: Sequence[Key] | None,
    kept: Sequence[Key],
    largest_key: int,
    max_tables: int,
    max_entries: int,
    seed: int,
    n_jobs: int | None,
    settings: Settings | None = None,
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
    settings : Settings, optional
        What a search chose before; keys alone are chosen then.
    """
    rows = _sample(len(inputs.y), SEARCH_ROWS, seed)
    fold = inputs.fold[rows]
    more = candidate_keys(list(inputs.columns.categories), 1) if candidates is None else candidates
    search = _without_combinations(inputs, without_repeats([*kept, *more]), rows, fold, n_jobs, settings)
    if candidates is None and largest_key > 1 and (settings is None or settings.combinations):
        search = _with_combinations(search, rows, fold, largest_key, seed, n_jobs, settings)
    return _pruned(search, kept, max_tables, UNLISTED * max_entries, rows, fold, n_jobs)


def _sample(n: int, most: int, seed: int) -> Ints:
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _without_combinations(
    inputs: FitInputs,
    keys: list[Key],
    rows: Ints,
    fold: Ints,
    n_jobs: int | None,
    settings: Settings | None,
) -> _Search:
    """Choose what counts are expected to say, and how freely single keys may vary."""
    if settings is not None:
        inputs = replace(inputs, count_prior=settings.single_prior)
        return _only(inputs, keys, settings, rows, fold, n_jobs)
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
    scale, prior = float(np.asarray(best.variance_scale)[0]), expecting.count_prior
    return _Search(expecting, keys, variances * scale, best, Settings(scale, prior, prior))


def _only(
    inputs: FitInputs, keys: list[Key], settings: Settings, rows: Ints, fold: Ints, n_jobs: int | None
) -> _Search:
    """Fit single keys, and those that are kept, as settings say."""
    variances, scale = _prior_variances(keys), settings.single_scale
    candidate = Candidate(inputs.design(keys, variances, rows), np.full(len(keys), scale))
    done = Settings(scale, settings.single_prior, settings.single_prior)
    return _Search(inputs, keys, variances * scale, race([candidate], fold, n_jobs), done)


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
    search: _Search,
    rows: Ints,
    fold: Ints,
    largest_key: int,
    seed: int,
    n_jobs: int | None,
    settings: Settings | None,
) -> _Search:
    """Add combinations where they win, or where they won when the settings were chosen.

    They are screened inside each fold, on the rows that are fitted on, so that the rows left out judge the
    screening too; kept are those that most screenings find.
    """
    inputs, best = search.inputs, search.best
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
    if settings is not None and settings.combinations is not None:
        family, inputs = (
            _family(screenings, settings.combinations),
            replace(inputs, count_prior=settings.count_prior),
        )
        return _joined(search, inputs, family, settings, _starts(search, inputs), rows, fold, n_jobs)
    has_card = inputs.card is not None
    cost = best.cost + COMBINATION_COST_BESIDE_A_CARD if has_card else COMBINATION_COST
    tried = _candidates(search, inputs, union, screenings, FREEDOMS, cost, rows)
    won = race(list(tried.values()), fold, n_jobs)
    (freedom,) = (freedom for freedom, candidate in tried.items() if candidate is won)
    if inputs.precedents is not None and not inputs.count_prior.every:
        every = replace(inputs, count_prior=EVERY)
        counted = _candidates(search, every, union, screenings, [freedom], cost + EVERY_COST, rows)[freedom]
        if race([won, counted], fold, n_jobs) is counted:
            inputs, won = every, counted
    lead, error = won.lead(best)
    if lead <= (error if has_card else 0.0):
        return search
    chosen = replace(search.settings, count_prior=inputs.count_prior, combinations=freedom)
    family = _family(screenings, freedom)
    return _joined(search, inputs, family, chosen, _starts(search, inputs), rows, fold, n_jobs)


def _joined(
    search: _Search,
    inputs: FitInputs,
    family: _Family,
    settings: Settings,
    starts: Sequence[Effects],
    rows: Ints,
    fold: Ints,
    n_jobs: int | None,
) -> _Search:
    """Add the combinations that most screenings found to the keys that are there."""
    stable = _stable(family)
    keys = [*search.keys, *stable]
    variances = np.append(search.variances, list(stable.values()))
    final = Candidate(inputs.design(keys, variances, rows), np.ones(len(keys)), starts=starts)
    return _Search(inputs, keys, variances, race([final], fold, n_jobs), settings)


def _starts(search: _Search, inputs: FitInputs) -> Sequence[Effects]:
    """Return the fits so far, to start from."""
    if inputs.count_prior == search.inputs.count_prior:
        return search.best.effects
    # Other keys have effects of counts than in the fits so far.
    return [replace(effects, steps=[]) for effects in search.best.effects]


def _candidates(
    search: _Search,
    inputs: FitInputs,
    union: Sequence[Key],
    screenings: Sequence[Sequence[Found]],
    freedoms: Sequence[Freedom],
    cost: float,
    rows: Ints,
) -> dict[Freedom, Candidate]:
    """Return a candidate for each freedom of combinations, beside the keys that are there."""
    best, count = search.best, len(search.keys)
    plain, present = np.asarray(best.variance_scale), np.arange(count)
    design, starts = best.design, _starts(search, inputs)
    if inputs is not search.inputs:
        design = inputs.design(search.keys, design.variances, rows)
    place = {key: count + i for i, key in enumerate(union)}
    more = inputs.design(union, np.ones(len(union)), rows)
    design = replace(design, keys=(*design.keys, *more.keys))
    made = {}
    for freedom in freedoms:
        family = _family(screenings, freedom)
        if not any(family):
            continue
        columns = [np.append(present, [place[key] for key, _ in some]).astype(np.int64) for some in family]
        scales = [np.append(plain, [variance for _, variance in some]) for some in family]
        made[freedom] = Candidate(design, scales, cost, columns, starts)
    return made


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


def _family(screenings: Sequence[Sequence[Found]], freedom: Freedom) -> _Family:
    """Return what each screening found, with variances.

    Each combination with evidence for it gets its own variance; or all that were looked at share one, since
    many weak and sparse ones together tell more than the evidence for any of them.
    """
    if freedom.is_shared:
        return [[(found.key, freedom.variance) for found in screening] for screening in screenings]
    scale = freedom.variance
    return [[(f.key, scale * f.variance) for f in screening if f.evidence > 0] for screening in screenings]


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
            return Choice(tuple(keys), variances, search.settings)
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
