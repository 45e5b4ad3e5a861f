"""Bring back what was archived automatically: by hand, at the end of its term, or because it has changed.

Who brings a finding back is written down before AWS is asked: the event that follows must find it. Whatever
crashes in between, the archive is still in the index and can be undone again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import EntryStatus, FindingState, stamp
from scoring.decision_log.log import DecisionLog

Who = Literal["undo", "expiry"]
_AT_ONCE = 50


class ActiveArchive(msgspec.Struct, frozen=True, kw_only=True):
    """An automatic archive that is active, as the decision log has it.

    Attributes
    ----------
    model : str
        Version of the model that decided.
    """

    finding_id: str
    resource: str
    decided_at: str
    reason: str
    score: float
    model: str
    model_sha256: str
    analyzer_arn: str
    state: FindingState


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an archive, or what would.

    Attributes
    ----------
    outcome : str
        ``would be brought back`` (a dry run), ``brought back``, ``gone`` (resolved or deleted meanwhile), or
        ``taken`` (another invocation holds the lease; try again).
    """

    archive: ActiveArchive
    outcome: Literal["would be brought back", "brought back", "gone", "taken"]


def undo(
    log: DecisionLog,
    analyzers: AccessAnalyzer | None = None,
    *,
    now: datetime,
    model: str | None = None,
    since: datetime | None = None,
    finding_id: str | None = None,
) -> Iterator[Undone]:
    """Bring back every active archive that all of the given criteria hold for.

    Parameters
    ----------
    analyzers : AccessAnalyzer, optional
        Without it it is a dry run.
    model : str, optional
        Version or digest of the model that decided.
    since : datetime, optional
        Decided then or later.
    finding_id : str, optional

    Yields
    ------
    Undone
        One for each archive, 50 at a time; what has been given out is done.
    """
    archives = (
        archive
        for archive in active_archives(log, since=stamp(since) if since else "", finding_id=finding_id)
        if model in (None, archive.model, archive.model_sha256)
    )
    if analyzers is None:
        yield from (Undone(archive=archive, outcome="would be brought back") for archive in archives)
    else:
        yield from bring_back(archives, "undo", log, analyzers, now)


def expired(log: DecisionLog, days: int, *, now: datetime) -> Iterator[ActiveArchive]:
    """Give the active archives whose term of so many days is over, the oldest first."""
    return active_archives(log, until=stamp(now - timedelta(days=days)))


def active_archives(
    log: DecisionLog, *, since: str = "", until: str = "~", finding_id: str | None = None
) -> Iterator[ActiveArchive]:
    """Give the active archives, and intents of archives whose outcome was never written.

    Parameters
    ----------
    since, until : str
        Bounds of the time of the decision, as `scoring.decision_log.entries.stamp` writes it.
    """
    found: Iterable[LoggedDecision]
    if finding_id is None:
        found = log.by_effect("archive", EntryStatus.INTENT, since=since, until=until)
    else:
        found = [d for d in log.decisions(finding_id) if since <= d.decided_at <= until]
    archives = (d for d in found if d.effect == "archive" and d.status is not EntryStatus.ENDED)
    for some in _batches(archives):
        states = log.latest_of([decision.finding_id for decision in some])
        for decision in some:
            state = states.get(decision.finding_id)
            if state is not None and state.decision_item == decision.item:
                yield _active_archive(decision, state)


def bring_back(
    archives: Iterable[ActiveArchive], who: Who, log: DecisionLog, analyzers: AccessAnalyzer, now: datetime
) -> Iterator[Undone]:
    """Make the findings of archives active again, 50 of an analyzer in one request."""
    for some in _batches(archives):
        for arn, of_analyzer in groupby(sorted(some, key=lambda a: a.analyzer_arn), lambda a: a.analyzer_arn):
            yield from _bring_back(list(of_analyzer), arn, who, log, analyzers, now)


def end_archive(state: FindingState, log: DecisionLog, analyzers: AccessAnalyzer, now: datetime) -> None:
    """Bring back a finding that no longer says what it said when it was archived, to be scored anew.

    The second time it happens to the same finding, it is not archived again.

    Raises
    ------
    InProgress
        Another invocation holds the lease.
    """
    if not state.reactivated:
        state = log.will_reactivate_changed(state, now)
    gone = analyzers.update_status(state.analyzer_arn, [state.finding_id], "ACTIVE")
    log.end_archives({"gone" if gone else state.reactivated: [state]}, now)


def _bring_back(
    archives: Sequence[ActiveArchive],
    arn: str,
    who: Who,
    log: DecisionLog,
    analyzers: AccessAnalyzer,
    now: datetime,
) -> Iterator[Undone]:
    unclaimed = [
        archive.state
        for archive in archives
        if not archive.state.is_unfinished or archive.state.lease_until <= stamp(now)
    ]
    ours = {state.finding_id: state for state in log.will_reactivate(unclaimed, who, now)}
    gone = analyzers.update_status(arn, list(ours), "ACTIVE") if ours else {}
    ended: dict[str, list[FindingState]] = {who: [], "gone": []}
    for finding_id, state in ours.items():
        ended["gone" if finding_id in gone else who].append(state)
    log.end_archives(ended, now)
    for archive in archives:
        if archive.finding_id not in ours:
            yield Undone(archive=archive, outcome="taken")
        else:
            is_gone = archive.finding_id in gone
            yield Undone(archive=archive, outcome="gone" if is_gone else "brought back")


def _active_archive(decision: LoggedDecision, state: FindingState) -> ActiveArchive:
    decided = decision.record["decision"]
    return ActiveArchive(
        finding_id=decision.finding_id,
        resource=decided["resource"],
        decided_at=decision.decided_at,
        reason=decided["reason"],
        score=float(decided["score"]),
        model=decision.model_version,
        model_sha256=decision.model_sha256,
        analyzer_arn=decision.analyzer_arn,
        state=state,
    )


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
