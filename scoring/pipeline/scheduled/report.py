"""The report: what was decided without a mail, in one mail; a first sweep, and everything in shadow mode."""

from datetime import datetime, timedelta

from scoring.decision_log import cursor
from scoring.decision_log.cursor import SweepCursor
from scoring.decision_log.entries import stamp
from scoring.pipeline.alerts import delivery, digest
from scoring.pipeline.runtime import Runtime

_SETTLING = timedelta(minutes=1)  # until the index shows what was written


def send_report(runtime: Runtime, progress: SweepCursor) -> bool:
    """Send the report if it is due; `progress` is updated.

    Returns
    -------
    bool
        Whether a mail was sent.
    """
    now = runtime.now()
    if not _is_due(progress, runtime, now) or progress.reporting_until > stamp(now):
        return False
    until = stamp(now - _SETTLING)
    found = runtime.log.by_effect("alert", "archive", "none", since=progress.reported_until, until=until)
    items = [decision for decision in found if decision.is_reported]
    if items:
        is_repeat = bool(progress.reporting_until)
        progress.reporting_until = stamp(now + timedelta(seconds=runtime.log.lease_seconds))
        cursor.write(runtime.log, progress)
        mail = digest.of_report(
            items,
            runtime.policy,
            is_shadow=progress.mode == "shadow",
            is_repeat=is_repeat,
            waiting=progress.waiting,
        )
        delivery.send_to_security_team(mail, runtime)
    progress.reported_until, progress.reporting_until = until, ""
    cursor.write(runtime.log, progress)
    return bool(items)


def _is_due(progress: SweepCursor, runtime: Runtime, now: datetime) -> bool:
    """Say whether a first sweep is over, or the next report of shadow mode is due."""
    if progress.is_first:
        is_over = bool(progress.finished_at) and progress.finished_at <= stamp(now - _SETTLING)
        return is_over and progress.reported_until < progress.finished_at
    if progress.mode != "shadow":
        return False
    return progress.reported_until <= stamp(now - timedelta(hours=runtime.policy.alerts.digest_hours))
