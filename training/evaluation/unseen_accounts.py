"""The guarantee restated for accounts that were never seen: each is left out once and decided on afterwards.

Findings of a new account are not exchangeable with the past, so the guarantee does not reach them. How far it
is missed there is measured by leaving accounts out of fit, precedent and calibration.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sklearn.base import clone

from scoring.features.features import NOT_APPLICABLE, UNKNOWN
from scoring.scorecard.scorecard import Scorecard
from training.arrays import Bools, Ints
from training.evaluation.outcomes import missed, share_below
from training.threshold.out_of_fold import LEAST_POPULATION, at_share
from training.threshold.scores import card_scores
from training.threshold.threshold import choose_threshold
from training.train import Trained

FOLDS: Final = 5
# Of labelled findings for each fit, the latest: more change little here and take long.
MOST_FITTED: Final = 10_000


def leave_accounts_out(trained: Trained, *, jobs: int = 1) -> dict[str, Any] | None:
    """Train without a fifth of the accounts, five times, and judge the threshold by those left out.

    Returns
    -------
    dict or None
        `positives`, `misses`, `miss_rate`, `miss_rate_upper` and `archived_share` among findings of accounts
        left out, by score alone; under `with_rule` the same with the guardrail `never_seen`: a finding whose
        principal was not seen either goes to a person unless the prior card alone archives it. None where no
        threshold can be chosen.
    """
    dataset, split = trained.dataset, trained.split
    if trained.threshold is None or trained.threshold.value is None:
        return None
    account = dataset.X["account"].cat.codes.to_numpy()
    fold = _folds(account)
    later = split.unseen
    scores, archived, by_rule = [], [], []
    order: list[Ints] = []
    for number in range(FOLDS):
        out = fold[account] == number
        rows = later[out[later]]
        if not len(rows):
            continue
        threshold, card = _without(trained, out, jobs)
        if threshold is None:
            return None
        score, _ = card_scores(card, dataset.X.iloc[rows])
        below = score < threshold
        order.append(rows)
        scores.append(score)
        archived.append(below)
        by_rule.append(below & ~_goes_to_a_person(trained, rows, out))
    return _judged(trained, np.concatenate(order), np.concatenate(archived)) | {
        "folds": FOLDS,
        "accounts": len(np.unique(account)),
        "with_rule": _judged(trained, np.concatenate(order), np.concatenate(by_rule)),
    }


def _folds(account: Ints) -> Ints:
    """Deal accounts out to folds, large ones first."""
    size = np.bincount(account)
    fold = np.empty(len(size), dtype=np.int64)
    fold[np.argsort(-size, kind="stable")] = np.arange(len(size)) % FOLDS
    return fold


def _without(trained: Trained, out: Bools, jobs: int) -> tuple[int | None, Scorecard]:
    """Fit and calibrate on the other accounts, with the keys that were chosen."""
    dataset, split = trained.dataset, trained.split
    fit = split.fit[~out[split.fit]][-MOST_FITTED:]
    backlog = split.backlog[~out[split.backlog]]
    keys = [table.key for table in trained.estimator.tables_]
    estimator = clone(trained.estimator).set_params(keys=keys, max_tables=len(keys), n_jobs=jobs)
    weight = dataset.weight[fit]
    y = dataset.unintended[fit].astype(int)
    estimator.fit(
        dataset.X.iloc[fit],
        y,
        weight if len(fit) else None,
        backlog=dataset.X.iloc[backlog],
        settings=trained.estimator.settings_,
    )
    card = Scorecard(
        name="left out",
        version="draft",
        kind="trained",
        base=estimator.base_,
        threshold=None,
        tag_limit=trained.card.tag_limit,
        tables=estimator.tables_,
    )
    if split.every_label_fits:
        return _same_share(trained, card, backlog), card
    rows = split.calibration[dataset.for_threshold[split.calibration] & ~out[split.calibration]]
    score, _ = card_scores(card, dataset.X.iloc[rows])
    request = trained.request
    chosen = choose_threshold(
        score,
        dataset.unintended[rows],
        request.alpha,
        request.delta,
        dataset.weight[rows],
        dataset.largest_weight,
    )
    return chosen.value, card


def _same_share(trained: Trained, card: Scorecard, population: Ints) -> int | None:
    """Return the threshold that archives the same share as the shipped one does of the other accounts."""
    threshold = trained.card.threshold
    if threshold is None or len(population) < LEAST_POPULATION:
        return threshold
    X = trained.dataset.X.iloc[population]
    archived = float((card_scores(trained.card, X)[0] < threshold).mean())
    return at_share(card_scores(card, X)[0], archived)


def _goes_to_a_person(trained: Trained, rows: Ints, out: Bools) -> Bools:
    """Return which findings of accounts left out `scoring.decision.never_seen` takes to a person."""
    dataset, split = trained.dataset, trained.split
    principal = dataset.X["principal"].cat.codes.to_numpy()
    past = np.concatenate([split.fit, split.backlog])
    named = ~dataset.X["principal"].isin((UNKNOWN, NOT_APPLICABLE)).to_numpy()[rows]
    seen = named & np.isin(principal[rows], np.unique(principal[past[~out[past]]]))
    prior, _ = card_scores(trained.prior, dataset.X.iloc[rows])
    by_prior = prior < trained.prior.threshold if trained.prior.threshold is not None else np.zeros_like(seen)
    return np.asarray(~seen & ~by_prior)


def _judged(trained: Trained, rows: Ints, archived: Bools) -> dict[str, Any]:
    dataset = trained.dataset
    fair = dataset.for_threshold[rows]
    score = np.where(archived, 0, 1)
    found = missed(
        score[fair], dataset.unintended[rows][fair], dataset.weight[rows][fair], 1, trained.request.delta
    )
    return found | {"archived_share": share_below(score, 1)}
