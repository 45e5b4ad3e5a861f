"""Find what no event was delivered for: a sweep, that is, a scan of the active findings of all analyzers.

AWS delivers events as best it can. A sweep compares each active finding with its latest state in the log.
What is new, was left unfinished, or was decided on in shadow mode only, is handled as if its event had come.
A sweep stops when time is short, and the next run goes on with it.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from scoring.aws.analyzers import Analyzer, ListedFinding
from scoring.decision_log import cursor
from scoring.decision_log.cursor import SweepCursor
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.deduplication import EventKind, classify_event
from scoring.decision_log.entries import EntryStatus, FindingState, stamp
from scoring.decision_log.log import InProgress
from scoring.files.errors import BadInput
from scoring.findings.record import Case
from scoring.pipeline.alerts.alert import triage_unreadable
from scoring.pipeline.event import triage_case
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.archive import WAITS

_TO_DO = (EventKind.NEW, EventKind.RESUMED, EventKind.NEEDS_READ)
_ACTIVE = {"status": {"eq": ["ACTIVE"]}}

logger = logging.getLogger(__name__)


class Reconciled(msgspec.Struct, kw_only=True):
    """Findings that a run handled, counted by effect, and how many could not be handled."""

    effects: dict[str, int] = {}
    failed: int = 0

    def add(self, handle: Callable[..., Result], *what: object) -> Result | None:
        """Handle one finding and count it; whatever goes wrong with it does not stop the others."""
        try:
            done = handle(*what)
        except InProgress:
            return None
        except Exception:
            logger.exception("a finding could not be handled")
            self.failed += 1
            return None
        self.effects[done.effect] = self.effects.get(done.effect, 0) + 1
        return done


def sweep(
    runtime: Runtime,
    analyzers: Sequence[str],
    progress: SweepCursor,
    reconciled: Reconciled,
    *,
    is_time_left: Callable[[], bool],
    interval: timedelta,
) -> None:
    """Go on with the sweep, or start the next one if it is due; `progress` and `reconciled` are updated.

    Parameters
    ----------
    analyzers : sequence of str
        ARNs.
    interval : timedelta
        From the end of one sweep to the beginning of the next.
    """
    now = runtime.now()
    if progress.finished_at or not progress.started_at or progress.mode != runtime.mode:
        if not _is_due(progress, runtime.mode, now, interval):
            return
        _start(progress, runtime.mode, now)
    paced_runtime = msgspec.structs.replace(runtime, is_report=progress.is_first, is_paced=True)
    while progress.analyzer < len(analyzers):
        try:
            arn = analyzers[progress.analyzer]
            is_through = _sweep_one(arn, paced_runtime, progress, reconciled, is_time_left)
        except Exception:
            logger.exception("analyzer %s could not be swept", analyzers[progress.analyzer])
            reconciled.failed += 1
            progress.unswept += 1
            is_through = True
        if not is_through:
            cursor.write(runtime.log, progress)
            return
        progress.analyzer, progress.token = progress.analyzer + 1, ""
    progress.finished_at = stamp(runtime.now())
    cursor.write(runtime.log, progress)


def _sweep_one(
    arn: str,
    runtime: Runtime,
    progress: SweepCursor,
    reconciled: Reconciled,
    is_time_left: Callable[[], bool],
) -> bool:
    """Sweep an analyzer, from where `progress` says; return whether its end was reached."""
    analyzer = runtime.analyzers.look_up(arn)
    for page in runtime.analyzers.pages(
        arn, whole=analyzer.lists_whole, filters=_ACTIVE, token=progress.token
    ):
        for row in _to_do(page.rows, analyzer, runtime):
            if not is_time_left():
                return False
            done = reconciled.add(_handle, row, analyzer, runtime)
            progress.waiting += done is not None and done.reason == WAITS
        progress.token = page.token
        cursor.write(runtime.log, progress)
    return True


def finish_intents(runtime: Runtime, reconciled: Reconciled, *, is_time_left: Callable[[], bool]) -> None:
    """Finish intents whose lease is over: their invocation crashed, and the event was not delivered again."""
    log = runtime.log
    until = stamp(runtime.now() - timedelta(seconds=log.lease_seconds))
    intents = list(log.by_effect(EntryStatus.INTENT, until=until))
    states = log.latest_of([intent.finding_id for intent in intents])
    for intent in intents:
        state = states.get(intent.finding_id)
        if state is None or state.decision_item != intent.item or not state.is_unfinished:
            continue
        if not is_time_left():
            return
        reconciled.add(_resume, intent, runtime)


def _is_due(progress: SweepCursor, mode: str, now: datetime, interval: timedelta) -> bool:
    """Say whether to start a sweep: not before the report on the first one is out."""
    if not progress.finished_at or progress.mode != mode:
        return True
    if progress.is_first and progress.reported_until < progress.finished_at:
        return False
    return progress.finished_at <= stamp(now - interval)


def _start(progress: SweepCursor, mode: str, now: datetime) -> None:
    progress.is_first = not progress.finished_at or (progress.mode, mode) == ("shadow", "enforce")
    progress.analyzer, progress.token, progress.waiting, progress.unswept = 0, "", 0, 0
    progress.started_at, progress.finished_at, progress.mode = stamp(now), "", mode


def _to_do(rows: Sequence[ListedFinding], analyzer: Analyzer, runtime: Runtime) -> list[ListedFinding]:
    """Choose the findings that have to be handled, by their latest states; one request for a page."""
    states = runtime.log.latest_of([row["id"] for row in rows])
    return [row for row in rows if _is_to_do(row, states.get(row["id"]), analyzer, runtime)]


def _is_to_do(row: ListedFinding, latest: FindingState | None, analyzer: Analyzer, runtime: Runtime) -> bool:
    try:
        finding, _ = runtime.analyzers.read_row(row, analyzer, is_whole=False)
    except BadInput:
        return True
    # A summary says nothing of who is given what: what it leaves out is taken to be unchanged.
    content = None if analyzer.lists_whole or latest is None else latest.content
    now = stamp(runtime.now())
    return classify_event(finding, latest, now=now, mode=runtime.mode, content=content) in _TO_DO


def _handle(row: ListedFinding, analyzer: Analyzer, runtime: Runtime) -> Result:
    try:
        finding, raw = runtime.analyzers.read_row(row, analyzer)
    except BadInput as error:
        return triage_unreadable(dict(row), analyzer.arn, str(error), runtime)
    return triage_case(Case(finding=finding, raw=raw), runtime)


def _resume(intent: LoggedDecision, runtime: Runtime) -> Result:
    record = intent.record
    if "event" in record:
        return triage_unreadable(record["event"], "", record["error"], runtime, intent.finding_id)
    case, _ = intent.read()
    return triage_case(case, runtime)
