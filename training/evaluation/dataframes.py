"""Past findings, decisions and contributions as tidy DataFrames, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import pandas as pd

from scoring.decision.decide import Decision
from scoring.decision.settings import Settings
from training.arrays import Ints
from training.dataset.dataset import Dataset
from training.dataset.files import read_cases
from training.dataset.rows import NONE
from training.evaluation.backtest import as_active

VERDICTS: Final = {NONE: "none", 0: "expected", 1: "unintended"}
_OF_DECISION: Final = (
    *("finding_id", "resource", "resource_type", "finding_type", "account"),
    *("outcome", "score", "known", "severity", "threshold", "risk"),
)
_COLUMNS: Final = attrgetter(*_OF_DECISION)
DECISION: Final = [*_OF_DECISION, "guardrails", "reason", "verdict"]
CONTRIBUTION: Final = ["finding_id", "outcome", "verdict", "feature", "value", "points", "text"]
SIMULATED: Final = 8_000
"""Findings of the history that is made up where nobody gives one."""


def history_or_simulated(history: str | None = None, *, findings: int = SIMULATED) -> str:
    """Return the path of a history: the one given, or that of a simulated one, which is made if need be.

    Parameters
    ----------
    history : str, optional
        Records as `triage history pull` writes them.
    """
    if history:
        return history
    from training.history.record_files import write_records
    from training.simulate import simulate

    path = Path(gettempdir()) / f"access-triage-simulated-{findings}.jsonl"
    if not path.exists():
        write_records((one.record for one in simulate(findings)), str(path))
    return str(path)


def findings_table(dataset: Dataset) -> pd.DataFrame:
    """Return a dataset as people read it: one row a finding, with its features, in the order of time.

    Returns
    -------
    DataFrame
        `finding_id`, `resource`, `found` (UTC), `verdict` (expected, unintended, none), then the features.
    """
    about = dataset.about
    return pd.DataFrame(
        {
            "finding_id": about["finding_id"].astype(str),
            "resource": about["resource"].astype(str),
            "found": pd.to_datetime(about["time"], unit="s", utc=True).dt.floor("s"),
            "verdict": about["verdict"].map(VERDICTS),
            **{str(name): dataset.X[name].astype(str) for name in dataset.X.columns},
        }
    )


def scores_table(dataset: Dataset, scores: Ints, rows: Ints) -> pd.DataFrame:
    """Return the scores of some findings with their verdicts: one row a finding.

    Parameters
    ----------
    scores : array of shape (findings,)
        In tenths of points.

    Returns
    -------
    DataFrame
        `score` in points, `verdict` (expected, unintended, none).
    """
    verdicts = dataset.about["verdict"].iloc[rows].map(VERDICTS)
    return pd.DataFrame({"score": scores[rows] / 10, "verdict": verdicts.to_numpy()})


def decide_history(paths: Sequence[str], settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide again on each finding of a history, as it was when it came up.

    Returns
    -------
    decisions : DataFrame, one row a finding
        `finding_id`, `resource`, `resource_type`, `finding_type`, `account`, `outcome`, `score`, `known` and
        `threshold` in points, `severity`, `risk`, `guardrails` (names, with commas), `reason`, `verdict`
        (expected, unintended, none).
    contributions : DataFrame, one row a contribution
        `finding_id`, `outcome`, `verdict`, `feature`, `value`, `points`, `text`; the points of a finding and
        the scorecard's base add up to its score.
    """
    decisions, contributions = [], []
    for case in as_active(read_cases(paths)):
        decision, verdict = settings.decide(case), case.label.verdict if case.label else VERDICTS[NONE]
        decisions.append([*_COLUMNS(decision), _names(decision), decision.reason, verdict])
        contributions += [
            [decision.finding_id, decision.outcome, verdict, part.feature, part.value, part.points, part.text]
            for part in decision.contributions
        ]
    return pd.DataFrame(decisions, columns=DECISION), pd.DataFrame(contributions, columns=CONTRIBUTION)


def first_alert(decisions: pd.DataFrame, verdict: str | None = None) -> pd.Series | None:
    """Return the alert to look at first: by score alone if there is one, then by what is known.

    Parameters
    ----------
    verdict : str, optional
        Only alerts with this verdict.

    Returns
    -------
    Series or None
        A row of `decisions`; None where nothing raised an alert.
    """
    alerts = decisions[decisions["outcome"] == "alert"]
    if verdict is not None:
        alerts = alerts[alerts["verdict"] == verdict]
    if not len(alerts):
        return None
    by_score = alerts[alerts["guardrails"] == ""]
    return (by_score if len(by_score) else alerts).sort_values(["known", "score"]).iloc[-1]


def _names(decision: Decision) -> str:
    return ", ".join(dict.fromkeys(rail.name for rail in decision.guardrails))
