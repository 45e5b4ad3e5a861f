"""What a moved threshold changes: made once for many findings, then read at any threshold in no time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from scoring.files.errors import BadInput
from scoring.points import from_tenths
from scoring.scorecard.scorecard import Scorecard
from training.arrays import Bools, Floats, Ints
from training.dataset.dataset import DAY, Dataset
from training.evaluation.dataframes import VERDICTS
from training.threshold.scores import card_scores
from training.threshold.threshold import (
    Reading,
    Threshold,
    choose_threshold,
    curve,
    read_budget,
    read_cost,
    read_threshold,
)

MOST_CHANGES: Final = 50


@dataclass(frozen=True)
class Explorer:
    """Findings with their scores, and what each threshold would do to them.

    Attributes
    ----------
    findings : DataFrame
        `finding_id`, `resource`, `verdict`; one row a finding.
    scores : array of shape (findings,)
        In tenths of points.
    unintended, fair : array of shape (findings,)
        Verdicts, and which of them a threshold may be calibrated on.
    weight : array of shape (findings,)
        Inverse of the known probability with which each of them reached a person.
    per_day : float
        Findings a day.
    delta : float
        Confidence is 1 - delta.
    current : int or None
        The scorecard's own threshold, in tenths.
    largest : float
        The largest weight that a finding could have had.
    """

    findings: pd.DataFrame
    scores: Ints
    unintended: Bools
    fair: Bools
    weight: Floats
    per_day: float
    delta: float = 0.05
    current: int | None = None
    largest: float = 1.0

    @cached_property
    def curve(self) -> pd.DataFrame:
        """What each threshold archives and misses; see `training.threshold.threshold.curve`."""
        return curve(
            self.scores[self.fair],
            self.unintended[self.fair],
            self.delta,
            self.weight[self.fair],
            population=self.scores,
            largest=self.largest,
        )

    def at(self, threshold: int | None) -> Reading:
        """Read the curve at a threshold in tenths; alerts are a day's."""
        return read_threshold(self.curve, threshold, self.per_day)

    def for_guarantee(self, alpha: float) -> Threshold:
        """Return the highest threshold that archives at most a share alpha of the unintended findings."""
        fair = self.fair
        return choose_threshold(
            self.scores[fair],
            self.unintended[fair],
            alpha,
            self.delta,
            self.weight[fair],
            self.largest,
            in_time=self.scores,
        )

    def for_cost(self, miss: float, alert: float) -> Reading:
        """Read the curve where a finding costs least, given what a miss and an alert cost."""
        return self.at(read_cost(self.curve, miss, alert).threshold)

    def for_budget(self, alerts_per_day: float) -> Reading:
        """Read the curve at the lowest threshold within a budget of alerts."""
        return read_budget(self.curve, alerts_per_day, self.per_day)

    def changes(self, threshold: int | None) -> pd.DataFrame:
        """Return findings that another threshold than the current one puts on the other side.

        Returns
        -------
        DataFrame
            At most 50 rows, those labelled unintended first, then by score: `score` in points, `would be`
            (archived or alerted on), and the columns of `findings`.
        """
        before = self.scores < self.current if self.current is not None else np.zeros(len(self.scores), bool)
        after = self.scores < threshold if threshold is not None else np.zeros(len(self.scores), bool)
        rows = np.flatnonzero(before != after)
        rows = rows[np.lexsort((-self.scores[rows], ~self.unintended[rows]))][:MOST_CHANGES]
        about = self.findings.iloc[rows].reset_index(drop=True)
        about.insert(0, "score", [from_tenths(int(score)) for score in self.scores[rows]])
        about.insert(1, "would be", np.where(after[rows], "archived", "alerted on"))
        return about


def readings_table(readings: Mapping[str, Reading]) -> pd.DataFrame:
    """Put readings side by side, one row each: `threshold` in points, shares in percent, alerts a day."""
    return pd.DataFrame(
        {
            "threshold": None if reading.threshold is None else from_tenths(reading.threshold),
            "archived %": round(100 * reading.archived_share, 1),
            "missed %": round(100 * reading.miss_rate, 1),
            "missed at most %": round(100 * reading.miss_rate_upper, 1),
            "alerts a day": round(reading.alerts, 1),
        }
        for reading in readings.values()
    ).set_axis(list(readings))


def explore(dataset: Dataset, rows: Ints, card: Scorecard, delta: float = 0.05) -> Explorer:
    """Make an explorer of some findings of a dataset.

    Parameters
    ----------
    rows : array
        Of findings that the scorecard was not fitted on, in the order of time.

    Raises
    ------
    BadInput
        There are none.
    """
    if not len(rows):
        raise BadInput("expected findings later than those that the model has learned from")
    about = dataset.about.iloc[rows]
    findings = pd.DataFrame(
        {
            "finding_id": about["finding_id"].astype(str),
            "resource": about["resource"].astype(str),
            "verdict": about["verdict"].map(VERDICTS),
        }
    ).reset_index(drop=True)
    time = dataset.time[rows]
    return Explorer(
        findings=findings,
        scores=card_scores(card, dataset.X.iloc[rows])[0],
        unintended=dataset.unintended[rows],
        fair=dataset.for_threshold[rows],
        weight=dataset.weight[rows],
        per_day=len(rows) / max(1.0, float(time[-1] - time[0]) / DAY),
        delta=delta,
        current=card.threshold,
        largest=dataset.largest_weight,
    )
