"""The report: what was decided without a mail, in one mail; a first sweep, and everything in shadow mode."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from scoring.decision_log.entries import stamp
from scoring.decision_log.table import by_effect
from scoring.pipeline.alerts import delivery, digest
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.scheduled.sweep import Progress, write_progress

_SETTLING = timedelta(minutes=1)  # until the index shows what was written


def send_report(runtime: Runtime, progress: Progress) -> bool:
    """Send the report if it is due; `progress` is brought forward.

    Returns
    -------
    bool
        Whether a mail was sent.
    """
    now = runtime.now()
    if not _is_due(progress, runtime, now) or progress.reporting_until > stamp(now):
        return False
    until = stamp(now - _SETTLING)
    items = list(_unreported(runtime, progress.reported_until, until))
    if items:
        is_repeat = bool(progress.reporting_until)
        progress.reporting_until = stamp(now + timedelta(seconds=runtime.log.lease_seconds))
        write_progress(runtime.log, progress)
        mail = digest.of_report(
            items,
            runtime.policy,
            is_shadow=progress.mode == "shadow",
            is_repeat=is_repeat,
            waiting=progress.waiting,
        )
        delivery.send_to_security_team(mail, runtime)
    progress.reported_until, progress.reporting_until = until, ""
    write_progress(runtime.log, progress)
    return bool(items)


def _is_due(progress: Progress, runtime: Runtime, now: datetime) -> bool:
    """Say whether a first sweep is over, or the next report of shadow mode is due."""
    if progress.is_first:
        is_over = bool(progress.finished_at) and progress.finished_at <= stamp(now - _SETTLING)
        return is_over and progress.reported_until < progress.finished_at
    if progress.mode != "shadow":
        return False
    return progress.reported_until <= stamp(now - timedelta(hours=runtime.policy.alerts.digest_hours))


def _unreported(runtime: Runtime, since: str, until: str) -> Iterator[dict[str, Any]]:
    log = runtime.log
    for effect in ("alert", "archive", "none"):
        for item in by_effect(log.client, log.table, effect, since=since, until=until):
            if item.get("is_reported"):
                yield item
