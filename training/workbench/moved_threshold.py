"""What another threshold does to the findings that are held, guardrails and rules counted in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from scoring.decision.settings import Settings
from scoring.findings.finding import Finding
from scoring.points import from_tenths
from training.arrays import Bools, Ints
from training.evaluation.backtest import ALWAYS, NEVER, turning_point
from training.threshold.bounds import share_upper
from training.threshold.gates import cannot_say
from training.workbench.held import Held

DELTA: Final = 0.05
MOST_CHANGES: Final = 50


@dataclass(frozen=True)
class Backlog:
    """Findings with the threshold from which on each is archived.

    Attributes
    ----------
    findings : DataFrame
        `key`, `headline`, `score` in points, `verdict`; one row a finding that is active.
    turning : array of shape (findings,)
        In tenths: above it the finding is archived; see `training.evaluation.backtest.turning_points`.
    scores : array of shape (findings,)
        In tenths.
    fair : array of shape (findings,)
        Which verdicts were given whatever the score: only they say what is missed.
    current : int or None
        The threshold in force, in tenths.
    days : float
        From the first finding to the last.
    """

    findings: pd.DataFrame
    turning: Ints
    scores: Ints
    fair: Bools
    current: int | None
    days: float


@dataclass(frozen=True)
class Moved:
    """What a threshold does.

    Attributes
    ----------
    archived, alerts, by_guardrail : int
        Findings; `by_guardrail` of the alerts have a score below the threshold.
    alerts_a_day : float or None
        None where the findings tell no span of time.
    missed, labelled_unintended : int
        Findings called unintended: those that would be archived, and all of them.
    missed_upper : float or None
        What share of the unintended is archived at most, with a confidence of 95 %.
    cannot_say : str
        Why there is no such bound; empty where there is one.
    changes : DataFrame
        Findings that change sides, at most 50: those called unintended first, then by score; `would_be`.
    changed : int
        How many change sides in all.
    """

    threshold: int
    findings: int
    archived: int
    alerts: int
    by_guardrail: int
    alerts_a_day: float | None
    missed: int
    labelled_unintended: int
    missed_upper: float | None
    cannot_say: str
    changes: pd.DataFrame
    changed: int


def backlog(held: Held, settings: Settings) -> Backlog:
    """Work out for each active finding from which threshold on it is archived."""
    rows, turning, scores, times, fair = [], [], [], [], []
    for one in held.findings:
        finding = one.case.finding
        if not isinstance(finding, Finding) or finding.status != "ACTIVE" or finding.is_deleted:
            continue
        is_ours = one.decision.model.sha256 == settings.card.sha256
        score = round((one.decision if is_ours else settings.decide(one.case)).score * 10)
        turning.append(turning_point(one.case, settings.card, settings.policy))
        scores.append(score)
        verdict = one.label.verdict if one.label else ""
        rows.append((one.key, one.headline, from_tenths(score), verdict))
        fair.append(one.label is not None and one.label.selection == "all")
        if (at := finding.created_at or finding.updated_at) is not None:
            times.append(at.timestamp())
    current = settings.threshold
    if current is None:
        current = settings.policy.threshold_for(settings.card.sha256, settings.card.threshold)
    return Backlog(
        findings=pd.DataFrame(rows, columns=["key", "headline", "score", "verdict"]),
        turning=np.array(turning, dtype=np.int64),
        scores=np.array(scores, dtype=np.int64),
        fair=np.array(fair, dtype=bool),
        current=current,
        days=(max(times) - min(times)) / 86400 if times else 0.0,
    )


def move(backlog: Backlog, threshold: int) -> Moved:
    """Say what a threshold does, in tenths of points."""
    archived = _archived(backlog, threshold)
    before = _archived(backlog, backlog.current)
    unintended: Bools = (backlog.findings["verdict"] == "unintended").to_numpy(dtype=bool)
    fair = backlog.fair
    bad, missed = int(unintended.sum()), int((archived & unintended).sum())
    why = cannot_say(unintended[fair])
    changed = np.flatnonzero(archived != before)
    order = np.lexsort((-backlog.scores[changed], ~unintended[changed]))
    changes = backlog.findings.iloc[changed[order][:MOST_CHANGES]].copy()
    changes["would_be"] = np.where(archived[changed[order][:MOST_CHANGES]], "archived", "alerted on")
    alerts = int((~archived).sum())
    return Moved(
        threshold=threshold,
        findings=len(archived),
        archived=int(archived.sum()),
        alerts=alerts,
        by_guardrail=int((~archived & (backlog.scores < threshold)).sum()),
        alerts_a_day=alerts / backlog.days if backlog.days >= 1 else None,
        missed=missed,
        labelled_unintended=bad,
        missed_upper=None
        if why
        else float(
            share_upper(int((archived & unintended & fair).sum()), int((unintended & fair).sum()), DELTA)
        ),
        cannot_say=why,
        changes=changes,
        changed=len(changed),
    )


def curve(backlog: Backlog) -> list[tuple[float, float]]:
    """Return thresholds in points and the share that each archives, lowest first; for the picture."""
    if not len(backlog.turning):
        return []
    movable = backlog.turning[(backlog.turning != NEVER) & (backlog.turning != ALWAYS)]
    at = np.unique(np.concatenate([[0], backlog.scores, movable + 1]))
    if len(at) > 100:
        at = at[np.unique(np.linspace(0, len(at) - 1, 100).astype(int))]
    return [(float(one) / 10, float((backlog.turning < one).mean())) for one in at]


def _archived(backlog: Backlog, threshold: int | None) -> Bools:
    if threshold is None:
        return np.zeros(len(backlog.turning), dtype=bool)
    return np.asarray(backlog.turning < threshold)
