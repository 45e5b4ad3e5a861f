"""The scheduled work: send queued alerts, finish intents, end archives whose term is over, sweep, report."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice

import msgspec

from scoring.decision_log import cursor, draws
from scoring.decision_log.cursor import SweepCursor
from scoring.pipeline.alerts.outbox import flush
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.scheduled.report import send_report
from scoring.pipeline.scheduled.summary_mail import send_summary
from scoring.pipeline.scheduled.sweep import Reconciled, finish_intents, sweep
from scoring.pipeline.suppression.hourly_check import check_hourly
from scoring.pipeline.undo import bring_back, expired

_LEAST_SECONDS = 30.0

logger = logging.getLogger(__name__)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduled work is given.

    Parameters
    ----------
    analyzers : tuple of str
        ARNs of the analyzers to sweep.
    period : timedelta
        From one run to the next.
    interval : timedelta
        From the end of one sweep to the beginning of the next.
    seconds_left : callable
        Until the function's own limit.
    """

    analyzers: tuple[str, ...]
    seconds_left: Callable[[], float]
    period: timedelta = timedelta(minutes=5)
    interval: timedelta = timedelta(hours=1)


class Run(msgspec.Struct, kw_only=True):
    """What a run did.

    Attributes
    ----------
    mails : int
        Digests, reports and summaries sent.
    expired : int
        Archives whose term was over.
    suspicions : int
        Suspicions that access is hidden, alerted on.
    swept : dict
        Findings by what became of them.
    waiting : int
        Findings that the circuit breaker has no room for yet.
    is_complete : bool
        Whether the present sweep has come to its end.
    is_swept : bool
        Whether every analyzer could be swept in it, too.
    is_sent : bool
        Whether queued alerts and the summary were sent, as far as they are due.
    is_watched : bool
        Whether the last check for hidden access was done, all parts of it.
    failed : list of str
        What could not be done; the next run tries again.
    """

    mails: int = 0
    expired: int = 0
    suspicions: int = 0
    swept: dict[str, int] = {}
    waiting: int = 0
    is_complete: bool = False
    is_swept: bool = False
    is_sent: bool = False
    is_watched: bool = False
    failed: list[str] = []


def reconcile(runtime: Runtime, schedule: Schedule) -> Run:
    """Do the scheduled work, the most urgent first; what fails does not stop the rest."""
    run, reconciled = Run(), Reconciled()

    def is_time_left() -> bool:
        return schedule.seconds_left() > _LEAST_SECONDS

    with _noting(run, "sending queued alerts"):
        run.mails += flush(runtime, period=schedule.period, is_time_left=is_time_left)
    with _noting(run, "finishing intents"):
        finish_intents(runtime, reconciled, is_time_left=is_time_left)
    with _noting(run, "ending archives whose term is over"):
        run.expired = _expire(runtime, schedule.period)
    with _noting(run, "checking for hidden access"):
        check = check_hourly(runtime, schedule.analyzers, is_time_left)
        run.suspicions, run.is_watched = check.alerted, check.is_done
    with _noting(run, "drawing findings for review"):
        if draws.is_due(runtime.log, runtime.policy.archives, runtime.now()):
            # Older weeks can wait for `triage certify`: one run has little time.
            draws.close_due(runtime.log, runtime.policy.archives, runtime.now(), weeks=2)
    with _noting(run, "summarising"):
        run.mails += send_summary(runtime)
    with _noting(run, "reporting and sweeping"):
        progress = cursor.read(runtime.log, SweepCursor)
        run.mails += send_report(runtime, progress)
        sweep(
            runtime,
            schedule.analyzers,
            progress,
            reconciled,
            is_time_left=is_time_left,
            interval=schedule.interval,
        )
        run.waiting, run.is_complete = progress.waiting, bool(progress.finished_at)
        run.is_swept = run.is_complete and not progress.unswept
    run.is_sent = not set(run.failed) & {"sending queued alerts", "summarising"}
    run.swept = reconciled.effects
    if reconciled.failed:
        run.failed.append(f"{reconciled.failed} findings")
    return run


def _expire(runtime: Runtime, period: timedelta) -> int:
    """Bring back archives whose term is over, at half the pace at which the circuit breaker lets archive."""
    archives = runtime.policy.archives
    if archives.days is None or runtime.mode == "shadow":
        return 0
    most = max(1, int(archives.most_per_hour * (period / timedelta(hours=1)) / 2))
    over = islice(expired(runtime.log, archives.days, now=runtime.now()), most)
    undone = bring_back(over, "expiry", runtime.log, runtime.analyzers, runtime.now())
    return sum(one.outcome == "brought back" for one in undone)


@contextmanager
def _noting(run: Run, what: str) -> Iterator[None]:
    try:
        yield
    except Exception:
        logger.exception("%s failed", what)
        run.failed.append(what)
