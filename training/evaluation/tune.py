"""A threshold for a guarantee, for a cost, or for a budget of alerts, and the curve behind all three."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from scoring.files.errors import BadInput
from scoring.scorecard.scorecard import Scorecard
from training.arrays import Ints
from training.dataset.dataset import DAY, Dataset
from training.dataset.rollouts import one_each, rollouts
from training.evaluation.backtest import NEVER
from training.evaluation.outcomes import DIGITS
from training.threshold.gates import (
    Gate,
    both_verdicts,
    cannot_say,
    enough_rollouts,
    every_period_reviewed,
    independent_of_score,
    no_drift,
)
from training.threshold.scores import card_scores
from training.threshold.threshold import (
    Reading,
    choose_threshold,
    curve,
    read_cost,
    read_threshold,
)

SHOWN: Final = 20


@dataclass(frozen=True)
class Goals:
    """What a threshold is to reach.

    Attributes
    ----------
    miss_cost, alert_cost : float or None
        Of a missed unintended finding and of an alert, in the same unit; both or none.
    alerts_per_day : float or None
        As many as people can look at.
    """

    alpha: float = 0.05
    delta: float = 0.05
    miss_cost: float | None = None
    alert_cost: float | None = None
    alerts_per_day: float | None = None

    def check(self) -> None:
        """Raise BadInput for a number out of range, or a cost without the other."""
        for name in ("alpha", "delta"):
            if not 0 < getattr(self, name) < 1:
                raise BadInput(
                    "expected a number between 0 and 1", field=f"--{name}", value=getattr(self, name)
                )
        if (self.miss_cost is None) != (self.alert_cost is None):
            raise BadInput("expected --cost-miss and --cost-alert together", field="--cost-miss")
        for value, option in (
            (self.miss_cost, "--cost-miss"),
            (self.alert_cost, "--cost-alert"),
            (self.alerts_per_day, "--alerts-per-day"),
        ):
            if value is not None and not 0 <= value < float("inf"):
                raise BadInput("expected a number, not negative", field=option, value=value)


def tune(
    dataset: Dataset,
    rows: Ints,
    card: Scorecard,
    goals: Goals,
    measuring: Scorecard | None = None,
    turning: Ints | None = None,
) -> dict[str, Any]:
    """Find the threshold for each goal, and the curve of what thresholds archive and miss.

    Parameters
    ----------
    measuring : Scorecard, optional
        Scores the findings in place of a card that was fitted on them. Its scores are moved by so much that
        its threshold falls on the card's.
    turning : array of shape (findings,), optional
        For each finding of the dataset the threshold above which it is archived, guardrails and rules of the
        policy counted in; see `training.evaluation.backtest.turning_points`. A budget needs it.

    Returns
    -------
    dict
        `guarantee`, `cost` and `budget` (null where not asked for), each with its `threshold` in points, or
        null where none does it; `gates` of the guarantee: where one is shut there is no
        threshold for it; `current`, the scorecard's own; and the `curve`. `cannot_say` is why nothing
        can be said of what is missed; then there is no number for it, and no threshold that rests on one.
    """
    goals.check()
    if not len(rows):
        raise BadInput(
            "expected findings later than those that the model has learned from; train with "
            "--calibration-share and --test-share to leave some out, or take these too with --all"
        )
    scores, _ = card_scores(measuring or card, dataset.X.iloc[rows])
    if measuring is not None:
        scores = scores + _moved(card, measuring)
    fair = dataset.for_threshold[rows]
    bad, weight = dataset.unintended[rows][fair], dataset.weight[rows][fair]
    drawn = curve(scores[fair], bad, goals.delta, weight, population=scores, largest=dataset.largest_weight)
    a_day = len(rows) / max(1.0, float(dataset.time[rows[-1]] - dataset.time[rows[0]]) / DAY)
    chosen = choose_threshold(
        scores[fair], bad, goals.alpha, goals.delta, weight, dataset.largest_weight, in_time=scores
    )
    why = cannot_say(bad)
    gates = _gates(dataset, rows, scores, chosen.value, goals)
    closed = [gate for gate in gates if not gate.passed]
    if closed:
        chosen = replace(chosen, value=None)
    found: dict[str, Any] = {
        "cannot_say": why or None,
        "findings": len(rows),
        "findings_per_day": round(a_day, 2),
        "labelled": int(fair.sum()),
        "unintended": int(bad.sum()),
        "guarantee": {
            "alpha": goals.alpha,
            "delta": goals.delta,
            **_as_dict(read_threshold(drawn, chosen.value, a_day)),
            "more_labels": chosen.more_labels,
        },
        "gates": [gate._asdict() for gate in gates],
        "cost": None,
        "budget": None,
        "current": _as_dict(read_threshold(drawn, card.threshold, a_day)),
    }
    if goals.miss_cost is not None and goals.alert_cost is not None and not why:
        found["cost"] = _cost(drawn, goals.miss_cost, goals.alert_cost, a_day)
    if goals.alerts_per_day is not None:
        moved = 0 if measuring is None else _moved(card, measuring)
        found["budget"] = _budget(drawn, goals.alerts_per_day, a_day, _of(turning, rows, scores, moved))
    found["curve"] = [_as_dict(read_threshold(drawn, value, a_day)) for value in _thinned(drawn)]
    return _without_misses(found) if why else found


def _moved(card: Scorecard, measuring: Scorecard) -> int:
    if measuring.threshold is None or card.threshold is None:
        return 0
    return card.threshold - measuring.threshold


def _of(turning: Ints | None, rows: Ints, scores: Ints, moved: int) -> Ints:
    return scores if turning is None else np.asarray(turning[rows] + moved)


def _budget(drawn: pd.DataFrame, budget: float, a_day: float, turning: Ints) -> dict[str, Any]:
    """Read the curve at the lowest threshold at which no more than so many findings a day alert."""
    days = len(turning) / a_day
    allowed = int(budget * days + 1e-9)
    falling = np.sort(turning)[::-1]
    threshold: int | None = int(falling[-1])
    if allowed < len(falling):
        threshold = None if falling[allowed] >= NEVER else int(falling[allowed]) + 1
    found = _as_dict(read_threshold(drawn, threshold, a_day))
    # Where no threshold keeps the budget, this many alert whatever the threshold is.
    alerts = turning >= (NEVER if threshold is None else threshold)
    return found | {"alerts_per_day": round(float(alerts.sum()) / days, DIGITS)}


def _without_misses(found: dict[str, Any]) -> dict[str, Any]:
    """Take away every number about what is missed."""

    def without(reading: dict[str, Any]) -> dict[str, Any]:
        return reading | {"miss_rate": None, "miss_rate_upper": None}

    readings = {name: without(found[name]) for name in ("guarantee", "budget", "current") if found[name]}
    return found | readings | {"curve": [without(one) for one in found["curve"]]}


def _gates(
    dataset: Dataset, rows: Ints, scores: Ints, threshold: int | None, goals: Goals
) -> tuple[Gate, ...]:
    """Ask of findings what a promise rests on, as a training does."""
    fair = dataset.for_threshold[rows]
    bad = dataset.unintended[rows] & fair
    votes = len(one_each(dataset, rollouts(dataset), rows[bad]))
    gates = [both_verdicts(bad[fair]), enough_rollouts(votes, goals.alpha, goals.delta)]
    if threshold is not None:
        person = dataset.reached_person[rows]
        below = (scores < threshold).astype(np.float64)[person]
        gates.append(independent_of_score(fair[person], below, goals.alpha))
        gates.append(every_period_reviewed(fair[person]))
        gates.append(no_drift(scores))
    return tuple(gates)


def _cost(drawn: pd.DataFrame, miss: float, alert: float, a_day: float) -> dict[str, Any]:
    reading = read_cost(drawn, miss, alert)
    read_as_others = read_threshold(drawn, reading.threshold, a_day)
    return _as_dict(read_as_others) | {"cost_per_finding": round(reading.cost or 0.0, DIGITS)}


def _as_dict(reading: Reading) -> dict[str, Any]:
    values = asdict(reading)
    values.pop("cost")
    values["threshold"] = None if reading.threshold is None else reading.threshold / 10
    values["alerts_per_day"] = values.pop("alerts")
    return {
        name: None if value is None or np.isnan(value) else round(float(value), DIGITS)
        for name, value in values.items()
    }


def _thinned(drawn: pd.DataFrame) -> list[int]:
    """Return thresholds of the curve at about equal steps of the archived share."""
    shares = drawn["archived_share"].to_numpy()
    places = np.searchsorted(shares, np.linspace(0, 1, SHOWN + 1))
    shown = drawn["threshold"].iloc[np.unique(np.minimum(places, len(drawn) - 1))]
    return [int(threshold) for threshold in shown]
