"""Certify a model from the decision log: the draw of closed weeks, its verdicts, and the bound they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scoring.decision_log import certificates, draws
from scoring.decision_log.certificates import Certificate
from scoring.decision_log.draws import WEEK, ClosedWindow, Drawn, Stratum
from scoring.decision_log.entries import EntryStatus, stamp
from scoring.decision_log.log import DecisionLog
from scoring.files.errors import BadInput
from training.threshold.certificate import Sample, error_of_run, missed_upper

YEAR = timedelta(days=365)
WEEKS = 13
"""Weeks that a certificate speaks of by default, at most: a quarter."""


@dataclass(frozen=True)
class Tally:
    """What a window holds of one model.

    Attributes
    ----------
    waiting : int
        Drawn findings that nobody has reviewed yet; a certificate counts them as unintended.
    undrawn : int
        Findings of strata without any draw, such as archives before draws were switched on.
    """

    start: datetime
    end: datetime
    mode: str
    samples: tuple[Sample, ...]
    archived: int
    drawn: int
    waiting: int
    undrawn: int
    alerts_unintended: int


def window_of(
    windows: Sequence[ClosedWindow], model: str, start: datetime | None, end: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """Return from when until when a certificate speaks: whole weeks that are over.

    By default the latest weeks in which the model has decided, a quarter at most.

    Raises
    ------
    BadInput
        A bound is no beginning of a week, or the week is not over; or the model has archived nothing yet.
    """
    for moment, field in ((start, "--from"), (end, "--to")):
        if moment is not None and draws.window_at(moment).since != moment:
            monday = draws.window_at(moment).since.date()
            raise BadInput(f"expected a Monday, such as {monday}: weeks are drawn whole", field=field)
    last = draws.window_at(now).since
    if end is not None and end > last:
        raise BadInput(f"expected {last.date()} or before: the weeks after it are not over", field="--to")
    until = end or last
    begun = [one.since for one in windows if any(stratum.model == model for stratum in one.strata)]
    if start is None and not begun:
        others = sorted({stratum.model[:12] for one in windows for stratum in one.strata})
        there = f"; it has models {', '.join(others)}" if others else ""
        raise BadInput(
            f"no week that is over has a finding that model {model[:12]} would archive{there}: a certificate "
            "speaks of the model that decided"
        )
    first = start or max(datetime.fromisoformat(begun[0]), until - WEEKS * WEEK)
    if first >= until:
        raise BadInput("expected --from before --to", field="--from")
    return first, until


def tally(
    log: DecisionLog, windows: Sequence[ClosedWindow], model: str, start: datetime, end: datetime
) -> Tally:
    """Count what the weeks of a window would have archived, what was drawn, and what people said of it."""
    inside = [one for one in windows if stamp(start) <= one.since and one.until <= stamp(end)]
    weeks = round((end - start) / WEEK)
    if len(inside) < weeks and start < draws.window_at(start).until:
        missing = _missing(inside, start, end)
        if missing:
            raise BadInput(f"nothing was drawn in {missing[0]}: choose a window with --from and --to")
    strata = [stratum for one in inside for stratum in one.strata if stratum.model == model]
    verdicts = {one: _said(log, one) for stratum in strata for one in stratum.drawn}
    said = Counter(verdicts.values())
    modes = sorted({stratum.mode for stratum in strata}, reverse=True)
    return Tally(
        start=start,
        end=end,
        mode=" and ".join(modes) or "shadow",
        samples=tuple(_sample(stratum, verdicts) for stratum in strata),
        archived=sum(stratum.archived for stratum in strata),
        drawn=len(verdicts),
        waiting=said[""],
        undrawn=sum(stratum.archived for stratum in strata if not stratum.drawn),
        alerts_unintended=_alerts_unintended(log, model, start, end, verdicts),
    )


def certify(
    log: DecisionLog, found: Tally, model: str, *, alpha: float, delta: float, now: datetime
) -> Certificate:
    """State the bound of a window, and write the run down.

    A window that was certified before is not another run: its draw is the same, and answers that came since
    only take away from what counts as unintended.
    """
    number = _run_number(log, model, found, now)
    error = error_of_run(number, delta)
    unintended = sum(one.found for one in found.samples)
    made = Certificate(
        model=model,
        start=stamp(found.start),
        end=stamp(found.end),
        mode=found.mode,
        archived=found.archived,
        drawn=found.drawn,
        reviewed=found.drawn - found.waiting,
        unintended_found=unintended,
        alerts_unintended=found.alerts_unintended,
        missed_upper=missed_upper(found.samples, found.alerts_unintended, error),
        confidence=1 - delta,
        runs=number,
        error_spent=error,
        alpha=alpha,
        at=stamp(now),
    )
    certificates.keep(log, made)
    return made


def _run_number(log: DecisionLog, model: str, found: Tally, now: datetime) -> int:
    runs = list(certificates.runs(log))
    for run in runs:
        if (run.model, run.start, run.end) == (model, stamp(found.start), stamp(found.end)):
            return run.runs
    return 1 + sum(run.at > stamp(now - YEAR) for run in runs)


def _sample(stratum: Stratum, verdicts: dict[Drawn, str]) -> Sample:
    unintended = sum(verdicts[one] != "expected" for one in stratum.drawn)
    return Sample(stratum.archived, len(stratum.drawn), unintended)


def _said(log: DecisionLog, drawn: Drawn) -> str:
    """Return the verdict on a drawn finding; empty where there is none."""
    label = draws.verdict_of(log, drawn)
    return "" if label is None else str(label["verdict"])


def _alerts_unintended(
    log: DecisionLog, model: str, start: datetime, end: datetime, drawn: dict[Drawn, str]
) -> int:
    """Count the findings that the model alerted on in a window, and that a person called unintended."""
    ours = {one.finding_id for one in drawn}
    last = stamp(end - timedelta(microseconds=1))
    alerts = log.by_effect("alert", "none", EntryStatus.QUEUED, since=stamp(start), until=last)
    found = {
        one.finding_id
        for one in alerts
        if one.outcome == "alert"
        and one.model_sha256 == model
        and one.label is not None
        and one.label["verdict"] == "unintended"
    }
    return len(found - ours)


def _missing(inside: Sequence[ClosedWindow], start: datetime, end: datetime) -> list[str]:
    known = {one.name for one in inside}
    names = []
    while start < end:
        window = draws.window_at(start)
        names += [] if window.name in known else [window.name]
        start = window.until
    return names
