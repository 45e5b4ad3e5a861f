"""The metrics of a model version, as `metrics.json` holds them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from scoring.points import from_tenths
from training.arrays import Ints
from training.dataset.dataset import DAY, Dataset
from training.evaluation.outcomes import DIGITS, missed, quality, share_below, unintended_among_archived
from training.evaluation.unseen_accounts import leave_accounts_out
from training.threshold.scores import card_scores
from training.threshold.second_review import wrong_verdicts
from training.train import Trained

TEST: Final = "test"
CALIBRATION: Final = "calibration"
NOTHING: Final = "nothing"


def measure(trained: Trained, *, jobs: int = 1) -> dict[str, Any]:
    """Measure a trained scorecard on what is later than anything it was fitted on.

    Returns
    -------
    dict
        `n`, `positives`, `roc_auc`, `average_precision`, `log_loss` and `brier` are of the test part or,
        where there is none, of the calibration part (`measured_on`), by cards that were not fitted on it;
        `fit_n` is how many labels the card itself was fitted on. `threshold` is of score < threshold
        alone, guardrails and rules left out: on the calibration part; `test` has the same of the test part.
        `usable_positives` counts the unintended findings of the whole history that could calibrate it, and
        `more_labels` how many more it takes where it is null.
    """
    dataset, card = trained.dataset, trained.card
    on, rows = measured(trained)
    probability = trained.risk[rows]
    unintended, weight = dataset.unintended[rows], dataset.weight[rows]
    prior, _ = card_scores(trained.prior, dataset.X.iloc[rows])
    found = quality(trained.out_of_fold_scores[rows], probability, unintended, weight)
    return {
        **found,
        "measured_on": on,
        "fit_n": len(trained.split.fit),
        "threshold": _threshold(trained),
        "gates": [
            {**gate._asdict(), "accepted": gate.name in trained.request.accept} for gate in trained.gates
        ],
        "test": _judged(trained, trained.split.test),
        "review_again": _review_again(trained),
        "verdicts": wrong_verdicts(
            dataset.about["repeated"].to_numpy() == 1, dataset.about["agreed"].to_numpy() == 1
        ),
        "archived": _archived(trained),
        "accounts_left_out": leave_accounts_out(trained, jobs=jobs),
        "prior": {"roc_auc": quality(prior, probability, unintended, weight)["roc_auc"]},
        "data": _data(trained),
        "request": asdict(trained.request),
        "model": {
            "name": card.name,
            "version": card.version,
            "kind": card.kind,
            "sha256": card.sha256,
            "tables": len(card.tables),
            "entries": sum(len(table.points) for table in card.tables),
            "card_weight": round(trained.estimator.card_weight_, DIGITS),
            "prior": {"name": trained.prior.name, "sha256": trained.prior.sha256},
        },
    }


def _review_again(trained: Trained) -> dict[str, Any] | None:
    """Return how many verdicts are to be reviewed again, and what they cost; null without a threshold."""
    again = trained.again
    if again is None:
        return None
    return {
        "n": len(again.rows),
        "checks": len(again.checks),
        "archived_share": round(again.share, DIGITS),
        "archived_share_after": round(again.share_after, DIGITS),
        "text": again.sentence,
    }


def measured(trained: Trained) -> tuple[str, Ints]:
    """Return what quality is measured on: the name of a part and its labelled findings."""
    for name, rows in ((TEST, trained.split.test), (CALIBRATION, trained.split.calibration)):
        labelled = rows[trained.dataset.labelled[rows]]
        if len(labelled):
            return name, labelled
    return NOTHING, trained.split.test[:0]


def _threshold(trained: Trained) -> dict[str, Any]:
    chosen, value, dataset = trained.threshold, trained.card.threshold, trained.dataset
    judged = missed(
        trained.calibrated_scores,
        dataset.unintended[trained.calibrated],
        dataset.weight[trained.calibrated],
        value,
        trained.request.delta,
        _largest_weight(dataset, trained.calibrated),
    )
    return {
        "value": None if value is None else from_tenths(value),
        "alpha": chosen.alpha if chosen else None,
        "delta": chosen.delta if chosen else None,
        "archived_share": trained.archived_share,
        "miss_rate": judged["miss_rate"],
        "miss_rate_upper": judged["miss_rate_upper"],
        "calibration_n": len(trained.calibrated),
        "calibration_positives": judged["positives"],
        "misses": judged["misses"],
        "usable_positives": int((trained.dataset.for_threshold & trained.dataset.unintended).sum()),
        "more_labels": chosen.more_labels if chosen else None,
    }


def _judged(trained: Trained, rows: Ints) -> dict[str, Any]:
    """Judge the threshold by a part: what it archives of all findings, and of the unintended among some."""
    dataset, threshold = trained.dataset, trained.card.threshold
    fair = rows[dataset.for_threshold[rows]]
    bad, weight, largest = dataset.unintended[fair], dataset.weight[fair], _largest_weight(dataset, fair)
    return {
        "n": len(fair),
        "archived_share": share_below(trained.out_of_fold_scores[rows], threshold),
        **missed(trained.out_of_fold_scores[fair], bad, weight, threshold, trained.request.delta, largest),
    }


def _largest_weight(dataset: Dataset, rows: Ints) -> float:
    return float(dataset.at_most[rows].max(initial=1.0))


def _archived(trained: Trained) -> dict[str, Any]:
    """Return how many of the archived findings were unintended, in the test part or else the calibration."""
    dataset = trained.dataset
    _, rows = measured(trained)
    fair = rows[dataset.for_threshold[rows]]
    return unintended_among_archived(
        trained.out_of_fold_scores[fair],
        dataset.unintended[fair],
        dataset.weight[fair],
        trained.card.threshold,
        trained.request.delta,
    )


def _data(trained: Trained) -> dict[str, Any]:
    dataset, split = trained.dataset, trained.split
    return {
        "digest": dataset.digest,
        "findings": len(dataset),
        "from": day(float(dataset.time[0])),
        "to": day(float(dataset.time[-1])),
        "learned_until": _learned_until(trained),
        "calibrated_until": _calibrated_until(trained),
        "measured_after": _measured_after(trained),
        "records": dict(sorted(dataset.counts.items())),
        "parts": {
            "fit": _described(trained, split.fit),
            "backlog": {
                "n": len(split.backlog),
                "too_young": split.too_young,
                "unearned": split.unearned,
            },
            "calibration": _described(trained, split.calibration),
            "test": _described(trained, split.test),
        },
    }


def _learned_until(trained: Trained) -> str | None:
    """Return the time of the last finding that effects or precedent rest on."""
    past = [
        float(trained.dataset.time[rows[-1]])
        for rows in (trained.split.fit, trained.split.backlog)
        if len(rows)
    ]
    return day(max(past)) if past else None


def _calibrated_until(trained: Trained) -> str | None:
    """Return the time of the last finding that the threshold rests on."""
    if trained.card.threshold is None or not len(trained.calibrated):
        return None
    return day(float(trained.dataset.time[trained.calibrated[-1]]))


def _measured_after(trained: Trained) -> str | None:
    """Return the time of the last finding that the card rests on which quality is measured with."""
    if trained.measuring is None:
        return None
    return day(float(trained.dataset.time[trained.split.test[0] - 1]))


def _described(trained: Trained, rows: Ints) -> dict[str, Any]:
    dataset = trained.dataset
    return {
        "n": len(rows),
        "labelled": int(dataset.labelled[rows].sum()),
        "unintended": int(dataset.unintended[rows].sum()),
        "from": day(float(dataset.time[rows[0]])) if len(rows) else None,
        "to": day(float(dataset.time[rows[-1]])) if len(rows) else None,
        "days": round(float(dataset.time[rows[-1]] - dataset.time[rows[0]]) / DAY, 2) if len(rows) else 0.0,
    }


def day(seconds: float) -> str:
    """Write a time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
