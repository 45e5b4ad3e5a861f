"""The job of training: a history in, a calibrated scorecard with its threshold and metrics out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
import numpy as np

from scoring.features.order import ORDERS
from scoring.files.errors import BadInput
from scoring.scorecard.formats import from_json, to_json
from scoring.scorecard.scorecard import Key, Scorecard, Table
from training.arrays import Ints
from training.dataset.dataset import Dataset
from training.dataset.rows import NONE
from training.dataset.split import SETTLING_DAYS, Split, split_by_time
from training.estimator.estimator import AdditiveScorecardClassifier
from training.estimator.value_counts import with_evidence
from training.threshold.risk import calibrate_risk
from training.threshold.scores import card_scores
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
        Of the labelled findings; None: see `training.dataset.split.default_shares`.
    settling_days : float
        Findings younger than that are no precedent unless somebody has reviewed them.
    """

    alpha: float = 0.05
    delta: float = 0.05
    labels: Literal["all", "none"] = "all"
    calibration_share: float | None = None
    test_share: float | None = None
    seed: int = 0
    settling_days: float = SETTLING_DAYS


@dataclass(frozen=True)
class Trained:
    """A trained scorecard and what it rests on.

    Attributes
    ----------
    scores : array of shape (findings,)
        Final scores in tenths: of the fitted findings, and of all in the calibration and the test part.
    threshold : Threshold or None
        None where no labels were asked for.
    calibrated : array
        Numbers of the findings that the threshold was calibrated on.
    """

    card: Scorecard
    prior: Scorecard
    estimator: AdditiveScorecardClassifier
    request: Request
    dataset: Dataset
    split: Split
    scores: Ints
    threshold: Threshold | None
    calibrated: Ints


def train(
    dataset: Dataset,
    prior: Scorecard,
    request: Request,
    *,
    jobs: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Fit, calibrate and choose the threshold.

    Raises
    ------
    BadInput
        There are no findings, or a number of the request makes no sense.
    """
    if not len(dataset):
        raise BadInput("expected at least one finding with a time")
    _check(request)
    split = _split(dataset, request)
    progress("fitting")
    estimator = _fit(dataset, split, prior, request, jobs)
    progress("scoring")
    card = _uncalibrated(dataset, estimator, prior, request)
    scores = _scored(dataset, split, card, estimator)
    progress("calibrating")
    chosen: Threshold | None = None
    calibrated = split.calibration[:0]
    if request.labels == "all":
        calibrated = calibrating(dataset, scores, split.calibration, request)
        chosen = _threshold(dataset, calibrated, scores, request)
        labelled = split.calibration[dataset.labelled[split.calibration]]
        risk = calibrate_risk(scores[labelled], dataset.unintended[labelled], _weights(dataset, labelled))
        card = msgspec.structs.replace(card, threshold=chosen.value, risk=risk)
    card = _named(card, dataset, request)
    return Trained(card, prior, estimator, request, dataset, split, scores, chosen, calibrated)


def _check(request: Request) -> None:
    for name in ("alpha", "delta"):
        value = getattr(request, name)
        if not 0 < value < 1:
            raise BadInput("expected a number between 0 and 1", field=f"--{name}", value=value)
    if not 0 <= request.settling_days < float("inf"):
        raise BadInput("expected a number of days", field="--settling-days", value=request.settling_days)


def _split(dataset: Dataset, request: Request) -> Split:
    limits = {"alpha": request.alpha, "delta": request.delta, "settling_days": request.settling_days}
    if request.labels == "all":
        return split_by_time(
            dataset, **limits, calibration_share=request.calibration_share, test_share=request.test_share
        )
    split = split_by_time(dataset, **limits, calibration_share=0.0, test_share=0.0)
    nothing = split.fit[:0]
    everything = np.sort(np.concatenate([split.fit, split.backlog]))
    # Verdicts are not learned from, but what a person found unintended makes nobody familiar.
    return replace(split, fit=nothing, backlog=everything[~dataset.unintended[everything]])


def _fit(
    dataset: Dataset, split: Split, prior: Scorecard, request: Request, jobs: int
) -> AdditiveScorecardClassifier:
    weight = _weights(dataset, split.fit)
    estimator = unfitted(_with_account(prior), seed=request.seed, jobs=jobs)
    estimator.set_params(weights="frequency" if weight is None else "sampling")
    y = dataset.unintended[split.fit].astype(int)
    return estimator.fit(dataset.X.iloc[split.fit], y, weight, backlog=dataset.X.iloc[split.backlog])


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
    dataset: Dataset, estimator: AdditiveScorecardClassifier, prior: Scorecard, request: Request
) -> Scorecard:
    is_weighted = request.labels == "none"
    verdict = dataset.about["verdict"].to_numpy()
    settled = (dataset.time <= dataset.time[-1] - request.settling_days * 86_400) | dataset.labelled
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


def _scored(dataset: Dataset, split: Split, card: Scorecard, estimator: AdditiveScorecardClassifier) -> Ints:
    """Score with the runtime's scorecard, and make sure that the estimator gives the same integers."""
    runtime = from_json(to_json(card))
    rows = np.concatenate([split.fit, split.calibration, split.test])
    scores = np.zeros(len(dataset), dtype=np.int64)
    X = dataset.X.iloc[rows]
    scores[rows], before_tag_limit = card_scores(runtime, X)
    if not np.array_equal(before_tag_limit, estimator.score_tenths(X)):
        raise AssertionError("the runtime's scorecard and the estimator differ; please report this")
    return scores


def calibrating(dataset: Dataset, scores: Ints, part: Ints, request: Request) -> Ints:
    """Return the findings of a part that calibrate the threshold.

    Where the sample of what was archived is too small to promise anything, whatever the scores are, those
    that came up before anything was archived do so alone.
    """
    fair = part[dataset.for_threshold[part]]
    early = fair[dataset.before_archiving[fair]]
    if len(early) == len(fair) or _choose(dataset, scores, fair, request).value is not None:
        return fair
    return early


def _choose(dataset: Dataset, scores: Ints, rows: Ints, request: Request) -> Threshold:
    is_early = dataset.before_archiving[rows].all()
    return choose_threshold(
        scores[rows],
        dataset.unintended[rows],
        request.alpha,
        request.delta,
        dataset.weight[rows],
        1.0 if is_early else dataset.largest_weight,
    )


def _threshold(dataset: Dataset, calibrated: Ints, scores: Ints, request: Request) -> Threshold:
    chosen = _choose(dataset, scores, calibrated, request)
    if chosen.value is not None or request.calibration_share is not None:
        return chosen
    # As soon as the whole history has enough labels, calibration gets them.
    in_all = _choose(dataset, scores, np.flatnonzero(dataset.for_threshold), request)
    return replace(chosen, more_labels=in_all.more_labels or chosen.more_labels)


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
