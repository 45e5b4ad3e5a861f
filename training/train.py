"""The job of training: a history in, a calibrated scorecard with its threshold and metrics out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
import numpy as np

from scoring.features.order import ORDERS
from scoring.files.errors import BadInput
from scoring.scorecard.formats import from_json, to_json
from scoring.scorecard.scorecard import Key, Scorecard, Table
from training.arrays import Floats, Ints
from training.dataset.dataset import Dataset
from training.dataset.rollouts import one_each, rollouts, time_blocks, votes
from training.dataset.rows import NONE
from training.dataset.split import SETTLING_DAYS, Split, everything_fits, split_by_time
from training.estimator.estimator import AdditiveScorecardClassifier
from training.estimator.key_selection import Settings
from training.estimator.value_counts import with_evidence
from training.evaluation.outcomes import DIGITS, bound, share_below
from training.threshold.bounds import labels_needed
from training.threshold.gates import (
    Gate,
    both_verdicts,
    check_names,
    enough_rollouts,
    every_period_reviewed,
    few_uses,
    independent_of_score,
    no_drift,
    shut,
)
from training.threshold.out_of_fold import LEAST_POPULATION, OutOfFold
from training.threshold.risk import calibrate_risk
from training.threshold.scores import card_scores, probabilities
from training.threshold.second_review import Again, verdicts_again
from training.threshold.threshold import Threshold, choose_threshold

# How often these were seen is precedent. Whoever shares a resource can set its tags, but what a tag takes off
# is limited unless this very principal was seen with it before; see `scoring.scorecard.scorecard`.
PRECEDENT: Final[tuple[Key, ...]] = (
    ("principal",),
    ("principal", "account"),
    ("principal_account", "account"),
    ("principal", "owner"),
    ("principal", "resource_type"),
)
ACCOUNT: Final[Key] = ("account",)
# A finding that neither of these tables has seen goes to a person: see `scoring.decision.never_seen`.
SEEN_IN: Final[tuple[Key, ...]] = (("principal",), ACCOUNT)
MOST_TABLES: Final = 40
# Cards out of fold for the threshold; fewer for that of the card that only measures.
FOLDS: Final = 5
FORWARD_FOLDS: Final = 3


@dataclass(frozen=True)
class Request:
    """What is asked of a training; see `triage train --help`.

    Attributes
    ----------
    alpha, delta : float
        With confidence 1 - delta at most a share alpha of the unintended findings is archived.
    labels : str
        ``none`` gives the prior card with precedent, and its own threshold.
    calibration_share, test_share : float or None
        Of the labelled findings. Without a share for calibration every label fits and calibrates; 0: none
        calibrates. By default a fifth of them measures.
    settling_days : float
        Findings younger than that are no precedent unless somebody has reviewed them.
    accept : tuple of str
        Gates that may be shut; see `training.threshold.gates`.
    use : int
        Which use of calibration data it is in its registry's year; see `training.registry.uses`.
    strict_delta : bool
        Whether `delta` is this use's part of the year's.
    """

    alpha: float = 0.05
    delta: float = 0.05
    labels: Literal["all", "none"] = "all"
    calibration_share: float | None = None
    test_share: float | None = None
    seed: int = 0
    settling_days: float = SETTLING_DAYS
    accept: tuple[str, ...] = ()
    use: int = 1
    strict_delta: bool = False


@dataclass(frozen=True)
class Trained:
    """A trained scorecard and what it rests on.

    Attributes
    ----------
    scores : array of shape (findings,)
        By the card, in tenths: of the findings with a verdict, and of all in the calibration and the test
        part.
    out_of_fold_scores : array of shape (findings,)
        The same by cards that were not fitted on the finding, where there are such, moved so that what is
        below the threshold of those cards is below the card's.
    risk : array of shape (findings,)
        Probabilities that were not made from the finding's own verdict; NaN where there is none.
    threshold : Threshold or None
        None where no labels were asked for.
    calibrated : array
        Numbers of the findings that the threshold was calibrated on.
    calibrated_scores : array of shape of `calibrated`
        What it was calibrated by, moved like `out_of_fold_scores`.
    archived_share : float or None
        Share of findings below the threshold.
    gates : tuple of Gate
        Of the threshold's promise; where one is shut that was not accepted, there is no threshold.
    measuring : Scorecard or None
        The card that the same procedure makes of all but the latest labels, which it is measured on.
    again : Again or None
        Verdicts to review again.
    """

    card: Scorecard
    prior: Scorecard
    estimator: AdditiveScorecardClassifier
    request: Request
    dataset: Dataset
    split: Split
    scores: Ints
    out_of_fold_scores: Ints
    risk: Floats
    threshold: Threshold | None
    calibrated: Ints
    calibrated_scores: Ints
    archived_share: float | None
    gates: tuple[Gate, ...] = ()
    measuring: Scorecard | None = None
    again: Again | None = None


@dataclass(frozen=True)
class _Fitted:
    """A card of some labels, and what was judged out of fold; moved to the scale of its threshold."""

    card: Scorecard
    estimator: AdditiveScorecardClassifier
    threshold: Threshold | None
    calibrated: Ints
    calibrated_scores: Ints
    out_of_fold: OutOfFold | None
    archived_share: float | None = None
    below: Floats | None = None
    moved: int = 0


def train(
    dataset: Dataset,
    prior: Scorecard,
    request: Request,
    *,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Fit, calibrate and choose the threshold.

    By default every label fits, and every label calibrates: see `training.threshold.out_of_fold`. What the
    metrics say comes from a card that the same procedure makes of all but the latest labels. With a share for
    calibration those findings are left out of the fit instead.

    Raises
    ------
    BadInput
        There are no findings, or a number of the request makes no sense.
    """
    if not len(dataset):
        raise BadInput("expected at least one finding with a time")
    _check(request)
    if request.labels == "all" and not request.calibration_share:
        return _with_every_label(dataset, prior, request, jobs, progress)
    return _by_parts(dataset, prior, request, jobs, progress)


def _by_parts(
    dataset: Dataset, prior: Scorecard, request: Request, jobs: int, progress: Callable[[str], None]
) -> Trained:
    """Fit on the first part, calibrate on the second, leave the third to be tested on."""
    split = _split(dataset, request)
    progress("fitting")
    estimator = _fit(dataset, split.fit, split.backlog, prior, request, jobs)
    progress("scoring")
    card = _uncalibrated(dataset, np.arange(len(dataset)), estimator, prior, request)
    scores = _scored(dataset, np.concatenate([split.fit, split.unseen]), card, estimator)
    progress("calibrating")
    chosen: Threshold | None = None
    calibrated = split.calibration[:0]
    if request.labels == "all":
        calibrated = calibrating(dataset, split.calibration, request)
        chosen = _choose(dataset, scores[calibrated], calibrated, request)
        labelled = split.calibration[dataset.labelled[split.calibration]]
        risk = calibrate_risk(scores[labelled], dataset.unintended[labelled], _weights(dataset, labelled))
        card = msgspec.structs.replace(card, threshold=chosen.value, risk=risk)
    card = _named(card, dataset, request)
    probability = probabilities((), scores, estimator.calibration_)
    if card.risk:
        probability[split.test] = probabilities(card.risk, scores[split.test])
    return Trained(
        card=card,
        prior=prior,
        estimator=estimator,
        request=request,
        dataset=dataset,
        split=split,
        scores=scores,
        out_of_fold_scores=scores,
        risk=probability,
        threshold=chosen,
        calibrated=calibrated,
        calibrated_scores=scores[calibrated],
        archived_share=share_below(scores[split.calibration], card.threshold),
    )


def _with_every_label(
    dataset: Dataset, prior: Scorecard, request: Request, jobs: int, progress: Callable[[str], None]
) -> Trained:
    """Fit on every label, calibrate out of fold; measure what the same makes of all but the latest labels."""
    rollout = rollouts(dataset)
    usable = int((dataset.for_threshold & dataset.unintended).sum())
    calibrates = request.calibration_share is None and usable >= labels_needed(request.alpha, request.delta)
    split = everything_fits(
        dataset,
        calibrates=calibrates,
        test_share=request.test_share,
        settling_days=request.settling_days,
    )
    progress("fitting")
    everything = np.arange(len(dataset))
    fitted = _fitted(dataset, everything, split.backlog, prior, request, rollout, jobs, FOLDS, progress)
    gates = _gates(dataset, everything, fitted.calibrated, fitted.below, fitted.out_of_fold, request)
    fitted = _gated(fitted, gates, request)
    card = _named(fitted.card, dataset, request)
    scores = _scored(dataset, np.union1d(split.fit, split.unseen), card, fitted.estimator)
    out_of_fold_scores, risk = scores.copy(), np.full(len(dataset), np.nan)
    if fitted.out_of_fold is not None:
        out_of_fold_scores[fitted.out_of_fold.rows] = fitted.out_of_fold.scores
        risk[fitted.out_of_fold.rows] = fitted.out_of_fold.risk
    measuring = None
    if len(split.test) and len(before := everything[: int(split.test[0])]):
        progress("measuring on the latest labels")
        backlog = split.backlog[split.backlog < split.test[0]]
        forward = _fitted(dataset, before, backlog, prior, request, rollout, jobs, FORWARD_FOLDS, progress)
        later = _scored(dataset, split.test, forward.card, forward.estimator)[split.test]
        risk[split.test] = probabilities(forward.card.risk, later, forward.estimator.calibration_)
        out_of_fold_scores[split.test] = _moved(later, forward.card.threshold, card.threshold)
        measuring = msgspec.structs.replace(
            forward.card,
            version=f"{card.version}-measured",
            threshold=None if card.threshold is None else forward.card.threshold,
        )
    return Trained(
        card=card,
        prior=prior,
        estimator=fitted.estimator,
        request=request,
        dataset=dataset,
        split=split,
        scores=scores,
        out_of_fold_scores=out_of_fold_scores,
        risk=risk,
        threshold=fitted.threshold,
        calibrated=fitted.calibrated,
        calibrated_scores=fitted.calibrated_scores,
        archived_share=fitted.archived_share,
        gates=gates,
        measuring=measuring,
        again=_again(dataset, fitted, request),
    )


def _again(dataset: Dataset, fitted: _Fitted, request: Request) -> Again | None:
    """Choose the verdicts to review again; None where no threshold was calibrated out of fold."""
    found = fitted.out_of_fold
    if found is None or fitted.threshold is None or fitted.threshold.value is None:
        return None
    is_bad = dataset.unintended[fitted.calibrated]
    rows, scores = fitted.calibrated[is_bad], fitted.calibrated_scores[is_bad]
    few = found.population.shape[1] < LEAST_POPULATION
    population = found.scores if few else found.population.ravel() + fitted.moved
    risk = probabilities(fitted.card.risk, scores, fitted.estimator.calibration_)
    return verdicts_again(dataset, rows, scores, population, risk, request.alpha, request.delta)


def _gated(fitted: _Fitted, gates: Sequence[Gate], request: Request) -> _Fitted:
    """Take the threshold away where a gate is shut."""
    if not shut(gates, request.accept) or fitted.threshold is None:
        return fitted
    card = msgspec.structs.replace(fitted.card, threshold=None)
    without = replace(fitted.threshold, value=None, misses=0)
    return replace(fitted, card=card, threshold=without, archived_share=0.0)


def _gates(
    dataset: Dataset,
    rows: Ints,
    calibrated: Ints,
    below: Floats | None,
    found: OutOfFold | None,
    request: Request,
) -> tuple[Gate, ...]:
    """Ask of a history what the promise rests on; what concerns a threshold, where there is one.

    Parameters
    ----------
    below : array of shape (findings,)
        Whether each is below the threshold, by cards that were not fitted on it.
    """
    if request.calibration_share == 0:
        return ()
    bad = dataset.unintended[calibrated]
    gates = [both_verdicts(bad), enough_rollouts(int(bad.sum()), request.alpha, request.delta)]
    if below is None or found is None or np.isnan(below[rows]).all():
        return tuple(gates)
    # What was archived and not drawn was for nobody to look at; what was drawn stands for it by its weight.
    early = rows[dataset.reached_person[rows] & ~np.isnan(below[rows])]
    reviewed = dataset.for_threshold[early]
    if len(early):
        gates += [
            independent_of_score(reviewed, below[early], request.alpha),
            every_period_reviewed(reviewed),
        ]
    gates += [no_drift(found.in_time), few_uses(request.use, strict=request.strict_delta)]
    return tuple(gates)


def _moved(scores: Ints, threshold: int | None, to: int | None) -> Ints:
    """Move scores by so much that what is below one threshold is below the other."""
    return scores if threshold is None or to is None else scores + (to - threshold)


def _fitted(
    dataset: Dataset,
    known: Ints,
    backlog: Ints,
    prior: Scorecard,
    request: Request,
    rollout: Ints,
    jobs: int,
    folds: int,
    progress: Callable[[str], None],
) -> _Fitted:
    """Fit on every label among some findings, and calibrate out of fold."""
    rows = known[dataset.labelled[known]]
    estimator = _fit(dataset, rows, backlog, prior, request, jobs, rollout)
    card = _uncalibrated(dataset, np.union1d(rows, backlog), estimator, prior, request)
    voting = _voting(dataset, known, rollout, request)
    scores = np.zeros(len(dataset), dtype=np.int64)
    few = calibrating(dataset, voting, request)
    chosen = _choose(dataset, scores[few], few, request)
    if chosen.value is None:
        # However they score, so few cannot prove anything.
        return _Fitted(card, estimator, chosen, few, scores[few], None)
    progress("calibrating")
    population = known[~dataset.labelled[known]]
    settings = estimator.settings_
    found = _out_of_fold(dataset, rows, backlog, population, prior, request, rollout, jobs, folds, settings)
    scores[found.rows] = found.scores
    calibrated = calibrating(dataset, voting, request)
    chosen = _choose(dataset, scores[calibrated], calibrated, request, in_time=found.in_time)
    moved, share, cut = 0, 0.0, chosen.value
    if cut is not None:
        by_card, _ = card_scores(from_json(to_json(card)), dataset.X.iloc[population])
        value = found.threshold_for(cut, by_card)
        chosen = replace(chosen, value=value)
        moved, share = value - cut, round(found.share_below(cut), DIGITS)
    found = replace(found, scores=found.scores + moved)
    risk = calibrate_risk(found.scores, dataset.unintended[rows], dataset.weight[rows] * votes(rollout, rows))
    card = msgspec.structs.replace(card, threshold=chosen.value, risk=risk)
    below = np.full(len(dataset), np.nan)
    if cut is not None and chosen.value is not None:
        below[rows] = found.scores < chosen.value
        below[population] = (found.population < cut).mean(axis=0)
    return _Fitted(
        card, estimator, chosen, calibrated, scores[calibrated] + moved, found, share, below, moved
    )


def _voting(dataset: Dataset, known: Ints, rollout: Ints, request: Request) -> Ints:
    """Return the findings that may calibrate: of each rollout that was unintended one."""
    if request.calibration_share is not None:
        return known[:0]
    usable = known[dataset.for_threshold[known]]
    unintended = one_each(dataset, rollout, usable[dataset.unintended[usable]])
    return np.union1d(unintended, usable[~dataset.unintended[usable]])


def _out_of_fold(
    dataset: Dataset,
    rows: Ints,
    backlog: Ints,
    population: Ints,
    prior: Scorecard,
    request: Request,
    rollout: Ints,
    jobs: int,
    folds: int,
    settings: Settings,
) -> OutOfFold:
    """Score labelled findings by cards that were fitted without them: without their time, and rollout.

    How freely effects may vary is taken over from the fit on all labels, a choice among some dozens; which
    combinations of columns the cards have is found out anew without the findings left out.
    """
    block = time_blocks(rollout, rows, folds)
    scores, risk = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows))
    by_fold = []
    for number in np.unique(block).tolist():
        inside, left_out = rows[block != number], rows[block == number]
        estimator = _fit(dataset, inside, backlog, prior, request, jobs, rollout, settings)
        card = _uncalibrated(dataset, np.union1d(inside, backlog), estimator, prior, request)
        card = from_json(to_json(card))
        scores[block == number], _ = card_scores(card, dataset.X.iloc[left_out])
        risk[block == number] = probabilities((), scores[block == number], estimator.calibration_)
        by_fold.append(card_scores(card, dataset.X.iloc[population])[0])
    return OutOfFold(rows, scores, risk, np.array(by_fold).reshape(len(by_fold), len(population)))


def _check(request: Request) -> None:
    check_names(request.accept)
    for name in ("alpha", "delta"):
        value = getattr(request, name)
        if not 0 < value < 1:
            raise BadInput("expected a number between 0 and 1", field=f"--{name}", value=value)
    if not 0 <= request.settling_days < float("inf"):
        raise BadInput("expected a number of days", field="--settling-days", value=request.settling_days)


def _split(dataset: Dataset, request: Request) -> Split:
    if request.labels == "all":
        return split_by_time(
            dataset,
            settling_days=request.settling_days,
            calibration_share=request.calibration_share or 0.0,
            test_share=request.test_share,
        )
    split = split_by_time(dataset, settling_days=request.settling_days, calibration_share=0.0, test_share=0.0)
    nothing = split.fit[:0]
    everything = np.sort(np.concatenate([split.fit, split.backlog]))
    # Verdicts are not learned from, but what a person found unintended makes nobody familiar.
    return replace(split, fit=nothing, backlog=everything[~dataset.unintended[everything]])


def _fit(
    dataset: Dataset,
    rows: Ints,
    backlog: Ints,
    prior: Scorecard,
    request: Request,
    jobs: int,
    rollout: Ints | None = None,
    settings: Settings | None = None,
) -> AdditiveScorecardClassifier:
    """Fit on some labelled findings; with rollouts each of these has one vote, and is left out as a whole."""
    weight = _weights(dataset, rows)
    estimator = unfitted(_with_account(prior), seed=request.seed, jobs=jobs)
    estimator.set_params(weights="frequency" if weight is None else "sampling")
    y = dataset.unintended[rows].astype(int)
    X, others = dataset.X.iloc[rows], dataset.X.iloc[backlog]
    if rollout is None:
        return estimator.fit(X, y, weight, backlog=others)
    vote = votes(rollout, rows)
    weight = vote if weight is None else vote * weight
    return estimator.fit(X, y, weight, backlog=others, groups=rollout[rows], settings=settings)


def unfitted(prior: Scorecard | None, *, seed: int = 0, jobs: int = 1) -> AdditiveScorecardClassifier:
    """Return the estimator that `train` fits to rows of `training.dataset.dataset`."""
    return AdditiveScorecardClassifier(
        prior,
        precedent=PRECEDENT,
        wildcard_values={"principal": "*"},
        monotone=ORDERS,
        classes=(0, 1),
        max_tables=MOST_TABLES,
        random_state=seed,
        n_jobs=jobs,
    )


def _with_account(prior: Scorecard) -> Scorecard:
    """Make sure of a table of accounts: it tells which were seen."""
    tables = prior.tables
    if not any(table.key == ACCOUNT for table in tables):
        tables = (*tables, Table(key=ACCOUNT, points={}, default=0, unknown=0))
    return msgspec.structs.replace(prior, tables=tables)


def _uncalibrated(
    dataset: Dataset,
    known: Ints,
    estimator: AdditiveScorecardClassifier,
    prior: Scorecard,
    request: Request,
) -> Scorecard:
    """Return the card of a fit, with what is known of some findings as its evidence."""
    is_weighted = request.labels == "none"
    verdict = dataset.about["verdict"].to_numpy()
    settled = (dataset.time <= dataset.time[-1] - request.settling_days * 86_400) | dataset.labelled
    settled &= np.isin(np.arange(len(dataset)), known) & dataset.earns
    if is_weighted:
        verdict = np.full_like(verdict, NONE)
    tables = with_evidence(estimator.tables_, dataset.X[settled], verdict[settled], (*PRECEDENT, ACCOUNT))
    return Scorecard(
        name=prior.name,
        version="draft",
        kind="weighted" if is_weighted else "trained",
        base=estimator.base_,
        threshold=prior.threshold if is_weighted else None,
        tag_limit=prior.tag_limit,
        tables=tables,
        seen_in=() if is_weighted else SEEN_IN,
        prior=None if is_weighted else _bare(prior),
    )


def _bare(card: Scorecard) -> Scorecard:
    """Leave out of a card what does not score."""
    tables = tuple(msgspec.structs.replace(table, evidence={}, unlisted=0) for table in card.tables)
    return msgspec.structs.replace(card, tables=tables, risk=(), seen_in=(), prior=None)


def _scored(dataset: Dataset, rows: Ints, card: Scorecard, estimator: AdditiveScorecardClassifier) -> Ints:
    """Score with the runtime's scorecard, and make sure that the estimator gives the same integers."""
    runtime = from_json(to_json(card))
    scores = np.zeros(len(dataset), dtype=np.int64)
    X = dataset.X.iloc[rows]
    scores[rows], before_tag_limit = card_scores(runtime, X)
    if not np.array_equal(before_tag_limit, estimator.score_tenths(X)):
        raise AssertionError("the runtime's scorecard and the estimator differ; please report this")
    return scores


def calibrating(dataset: Dataset, part: Ints, request: Request) -> Ints:
    """Return the findings of a part that calibrate the threshold.

    Where periods were drawn from with different probabilities, those with the smallest are left out if what
    remains proves more: which, is told by how many unintended findings each has that were not drawn, and not
    by scores.
    """
    usable = part[dataset.for_threshold[part]]
    at_most = dataset.at_most[usable]
    sure = dataset.unintended[usable] & (dataset.weight[usable] == 1)
    if not len(usable):
        return usable
    cuts = np.unique(np.quantile(at_most, np.linspace(0, 1, 9), method="nearest"))
    bounds = [
        (bound(np.zeros(n, dtype=bool), np.ones(n), request.delta, float(cut)), -n, cut)
        for cut in cuts
        if (n := int((sure & (at_most <= cut)).sum()))
    ]
    return usable[at_most <= min(bounds)[2]] if bounds else usable


def _choose(
    dataset: Dataset, scores: Ints, rows: Ints, request: Request, in_time: Ints | None = None
) -> Threshold:
    return choose_threshold(
        scores,
        dataset.unintended[rows],
        request.alpha,
        request.delta,
        dataset.weight[rows],
        float(dataset.at_most[rows].max(initial=1.0)),
        in_time,
    )


def _weights(dataset: Dataset, rows: Ints) -> Any:
    """Return the weights of findings, None where all count alike."""
    weight = dataset.weight[rows]
    return None if (weight == 1).all() else weight


def _named(card: Scorecard, dataset: Dataset, request: Request) -> Scorecard:
    """Name the version after the last day of the data and after all that makes it."""
    content = msgspec.json.encode([dataset.digest, asdict(request), to_json(card)], order="deterministic")
    day = datetime.fromtimestamp(dataset.time[-1], UTC).strftime("%Y-%m-%d")
    version = f"{day}-{hashlib.sha256(content).hexdigest()[:8]}"
    return from_json(to_json(msgspec.structs.replace(card, version=version)))
