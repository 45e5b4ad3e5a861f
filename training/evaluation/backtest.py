"""Replay of a history: what a scorecard would have archived, missed and alerted on, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np

from scoring.decision.decide import Decision, is_by_rule
from scoring.decision.settings import Settings
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.points import LIMIT
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard
from training.arrays import Bools, Ints
from training.dataset.dataset import DAY, Dataset
from training.dataset.files import read_cases
from training.evaluation.outcomes import DIGITS, missed, quality

SKIP: Final = -1
ALERT: Final = 0
ARCHIVE: Final = 1
_OUTCOMES: Final = {"skip": SKIP, "alert": ALERT, "archive": ARCHIVE}
MOST_LISTED: Final = 100
NEVER: Final = 10 * LIMIT
ALWAYS: Final = -10 * LIMIT
"""In place of a threshold: no threshold archives a finding, or any does."""


@dataclass(frozen=True)
class Replayed:
    """What a scorecard would have done.

    Attributes
    ----------
    outcome : array of shape (findings,)
        `SKIP`, `ALERT` or `ARCHIVE`, guardrails and rules of the policy included.
    score : array of shape (findings,)
        In tenths of points.
    """

    card: Scorecard
    threshold: int | None
    outcome: Ints
    score: Ints

    @property
    def below(self) -> Bools:
        """Which findings score below the threshold, whatever else stands in the way."""
        if self.threshold is None:
            return np.zeros(len(self.score), dtype=bool)
        return np.asarray(self.score < self.threshold)


def replay(
    paths: Sequence[str],
    dataset: Dataset,
    cards: Sequence[Scorecard],
    policy: Policy,
    threshold: int | None = None,
) -> list[Replayed]:
    """Decide again on each finding of a history as it was when it came up.

    Parameters
    ----------
    paths : sequence of str
        The files that the dataset was read from.
    threshold : int, optional
        In tenths, for each of the cards; by default the policy's for it, or its own.
    """
    settings = [Settings(card, policy, threshold) for card in cards]
    place = {row: i for i, row in enumerate(dataset.about["row"].tolist())}
    outcome = np.full((len(cards), len(dataset)), SKIP, dtype=np.int64)
    score = np.zeros((len(cards), len(dataset)), dtype=np.int64)
    for row, case in enumerate(as_active(read_cases(paths))):
        at = place.get(row)
        if at is None:
            continue
        for number, setting in enumerate(settings):
            decision = setting.decide(case)
            outcome[number, at] = _OUTCOMES[decision.outcome]
            score[number, at] = round(decision.score * 10)
    return [
        Replayed(
            card,
            policy.threshold_for(card.sha256, card.threshold) if threshold is None else threshold,
            outcome[i],
            score[i],
        )
        for i, card in enumerate(cards)
    ]


def turning_points(paths: Sequence[str], dataset: Dataset, card: Scorecard, policy: Policy) -> Ints:
    """Return for each finding from which threshold on it is archived, guardrails and rules counted in.

    Returns
    -------
    array of shape (findings,)
        In tenths: above it the finding is archived. `NEVER` where a guardrail stands at any threshold,
        `ALWAYS` where a rule of the policy expects the finding.
    """
    place = {row: i for i, row in enumerate(dataset.about["row"].tolist())}
    found = np.full(len(dataset), NEVER, dtype=np.int64)
    for row, case in enumerate(as_active(read_cases(paths))):
        if (at := place.get(row)) is not None:
            found[at] = turning_point(case, card, policy)
    return found


def turning_point(case: Case, card: Scorecard, policy: Policy) -> int:
    """Return from which threshold on one finding is archived, in tenths; see `turning_points`."""

    def decided(threshold: int) -> Decision:
        return Settings(card, policy, threshold).decide(case)

    first = decided(LIMIT)
    if first.outcome == "skip":
        return ALWAYS
    score = round(first.score * 10)
    if first.outcome == "alert":
        return NEVER
    if is_by_rule(first):
        return ALWAYS
    if decided(score + 1).outcome == "archive":
        return score
    # A guardrail that asks how far below the threshold the score is: it gives way at one higher up.
    low, high = score + 1, LIMIT
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle).outcome == "archive" else (middle, high)
    return low


def as_active(cases: Iterable[Case]) -> Iterator[Case]:
    """Yield each finding as if it were active: what became of it since is what a replay asks."""
    for case in cases:
        if isinstance(case.finding, Finding):
            finding = msgspec.structs.replace(case.finding, status="ACTIVE")
            yield msgspec.structs.replace(case, finding=finding)


def later_than(dataset: Dataset, until: float | None) -> Ints:
    """Return the findings later than a moment, in whole seconds; all of them where it is not known."""
    everything = np.arange(len(dataset))
    return everything if until is None else everything[dataset.time > until + 1]


def summarise(replayed: Replayed, dataset: Dataset, rows: Ints, delta: float) -> dict[str, Any]:
    """Return what a replay comes to for some findings, in the order of time.

    Returns
    -------
    dict
        `by_score` leaves guardrails and rules out, `archived_share`, `missed`, `miss_rate` and
        `alerts_per_day` do not. Miss rates are over explicit verdicts on findings that reached a person
        whatever their score.
    """
    labelled = rows[dataset.labelled[rows]]
    archived = replayed.outcome == ARCHIVE
    alerts = rows[replayed.outcome[rows] == ALERT]
    bad = rows[dataset.unintended[rows] & archived[rows]]
    scores = replayed.score[labelled]
    ranked = quality(
        scores, np.full(len(labelled), 0.5), dataset.unintended[labelled], dataset.weight[labelled]
    )
    return {
        "model": asdict_model(replayed.card),
        "threshold": None if replayed.threshold is None else replayed.threshold / 10,
        "findings": len(rows),
        "labelled": len(labelled),
        "unintended": int(dataset.unintended[rows].sum()),
        "roc_auc": ranked["roc_auc"],
        **_judged(dataset, rows, archived, delta),
        "by_score": _judged(dataset, rows, replayed.below, delta),
        "alerts_per_day": _per_day(dataset, rows, alerts),
        "months": list(_months(dataset, rows, replayed)),
        "missed": [str(dataset.about["finding_id"].iloc[row]) for row in bad[:MOST_LISTED]],
    }


def asdict_model(card: Scorecard) -> dict[str, str]:
    """Return a scorecard as decisions name it."""
    return dict(msgspec.structs.asdict(card.model))


def _judged(dataset: Dataset, rows: Ints, archived: Bools, delta: float) -> dict[str, Any]:
    fair = rows[dataset.for_threshold[rows]]
    score = np.where(archived, 0, 1)
    share = round(float(archived[rows].mean()), DIGITS) if len(rows) else None
    return {
        "archived": int(archived[rows].sum()),
        "archived_share": share,
        **missed(
            score[fair], dataset.unintended[fair], dataset.weight[fair], 1, delta, dataset.largest_weight
        ),
    }


def _per_day(dataset: Dataset, rows: Ints, alerts: Ints) -> dict[str, float]:
    """Return how many alerts come a day: on average, and on the busiest days."""
    if not len(rows):
        return {"mean": 0.0, "busiest": 0.0, "ninetieth": 0.0}
    day = (dataset.time // DAY).astype(np.int64)
    first, last = day[rows[0]], day[rows[-1]]
    count = np.bincount(day[alerts] - first, minlength=int(last - first) + 1)
    return {
        "mean": round(float(count.mean()), 2),
        "ninetieth": round(float(np.quantile(count, 0.9)), 2),
        "busiest": float(count.max()),
    }


@dataclass(frozen=True)
class _Month:
    month: str
    findings: int
    archived: int
    alerts: int
    unintended: int
    missed: int


def _months(dataset: Dataset, rows: Ints, replayed: Replayed) -> Iterator[dict[str, Any]]:
    names = np.array([datetime.fromtimestamp(t, UTC).strftime("%Y-%m") for t in dataset.time[rows].tolist()])
    for name in dict.fromkeys(names.tolist()):
        some = rows[names == name]
        archived = replayed.outcome[some] == ARCHIVE
        yield asdict(
            _Month(
                month=name,
                findings=len(some),
                archived=int(archived.sum()),
                alerts=int((replayed.outcome[some] == ALERT).sum()),
                unintended=int(dataset.unintended[some].sum()),
                missed=int((dataset.unintended[some] & archived).sum()),
            )
        )
