"""Bring back what was archived automatically: by hand, at the end of its term, or because it has changed.

Who brings a finding back is written down before AWS is asked: the event that follows must find it. Whatever
crashes in between, the archive is still in the index and can be undone again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal

import msgspec

from scoring.aws import analyzers
from scoring.aws.sessions import Writers
from scoring.decision_log.entries import FindingState, stamp
from scoring.decision_log.log import DecisionLog, InProgress
from scoring.decision_log.table import (
    ConditionFailed,
    by_effect,
    of_finding,
    unpack,
    write_each,
    write_together,
)

Who = Literal["undo", "expiry"]
_AT_ONCE = 50


class ActiveArchive(msgspec.Struct, frozen=True, kw_only=True):
    """An automatic archive that stands, as the decision log has it.

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
    mark: FindingState


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an archive, or what would.

    Attributes
    ----------
    outcome : str
        ``would be brought back`` (a dry run), ``brought back``, ``gone`` (resolved or deleted meanwhile), or
        ``taken`` (somebody else is at work on it; try again).
    """

    archive: ActiveArchive
    outcome: Literal["would be brought back", "brought back", "gone", "taken"]


def undo(
    log: DecisionLog,
    writers: Writers | None = None,
    *,
    now: datetime,
    model: str | None = None,
    since: datetime | None = None,
    finding_id: str | None = None,
) -> Iterator[Undone]:
    """Bring back every standing archive that all of the given criteria hold for.

    Parameters
    ----------
    writers : Writers, optional
        Without them it is a dry run.
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
        for archive in standing(log, since=stamp(since) if since else "", finding_id=finding_id)
        if model in (None, archive.model, archive.model_sha256)
    )
    if writers is None:
        yield from (Undone(archive=archive, outcome="would be brought back") for archive in archives)
    else:
        yield from bring_back(archives, "undo", log, writers, now)


def expired(log: DecisionLog, days: int, *, now: datetime) -> Iterator[ActiveArchive]:
    """Give the standing archives whose term of so many days is over, the oldest first."""
    return standing(log, until=stamp(now - timedelta(days=days)))


def standing(
    log: DecisionLog, *, since: str = "", until: str = "~", finding_id: str | None = None
) -> Iterator[ActiveArchive]:
    """Give the archives that stand, and intents of archives whose outcome was never written.

    Parameters
    ----------
    since, until : str
        Bounds of the time of the decision, as `scoring.decision_log.entries.stamp` writes it.
    """
    found = [] if finding_id is None else list(of_finding(log.client, log.table, finding_id))
    for effect in ("archive", "intent"):
        listed: Iterable[dict[str, Any]] = (
            by_effect(log.client, log.table, effect, since=since, until=until)
            if finding_id is None
            else [item for item in found if item["effect"] == effect and since <= item["decided_at"] <= until]
        )
        for some in _batches(item for item in listed if item.get("intended", "archive") == "archive"):
            marks = log.latest_of([item["finding_id"] for item in some])
            for item in some:
                mark = marks.get(item["finding_id"])
                if mark is not None and mark.decision_item == item["item"]:
                    yield _archived(item, mark)


def bring_back(
    archives: Iterable[ActiveArchive], who: Who, log: DecisionLog, writers: Writers, now: datetime
) -> Iterator[Undone]:
    """Make the findings of archives active again, 50 of an analyzer in one request."""
    for some in _batches(archives):
        for arn, of_analyzer in groupby(sorted(some, key=lambda a: a.analyzer_arn), lambda a: a.analyzer_arn):
            yield from _bring_back(list(of_analyzer), arn, who, log, writers, now)


def end_archive(mark: FindingState, log: DecisionLog, writers: Writers, now: datetime) -> None:
    """Bring back a finding that no longer says what it said when it was archived, to be scored anew.

    The second time it happens to the same finding, it is not archived again.

    Raises
    ------
    InProgress
        Somebody else is at work on it.
    """
    if not mark.reactivated:
        marked = _marked(mark, "undo" if mark.was_changed else "expiry", now)
        marked = msgspec.structs.replace(marked, was_changed=True)
        try:
            write_together(log.client, [log.put(marked, mark)])
        except ConditionFailed as error:
            raise InProgress(mark.finding_id) from error
        mark = marked
    gone = analyzers.bring_back([mark.finding_id], mark.analyzer_arn, writers)
    write_together(log.client, [_ended(mark, "gone" if gone else mark.reactivated, log, now)])


def _bring_back(
    archives: Sequence[ActiveArchive], arn: str, who: Who, log: DecisionLog, writers: Writers, now: datetime
) -> Iterator[Undone]:
    free = [a for a in archives if a.mark.state == "done" or a.mark.lease_until <= stamp(now)]
    marks = {archive.finding_id: _marked(archive.mark, who, now) for archive in free}
    written = write_each(log.client, [log.put(marks[a.finding_id], a.mark) for a in free])
    ours = [archive.finding_id for archive, is_written in zip(free, written, strict=True) if is_written]
    gone = set(analyzers.bring_back(ours, arn, writers)) if ours else set()
    ended = [_ended(marks[one], "gone" if one in gone else who, log, now) for one in ours]
    write_each(log.client, ended)
    for archive in archives:
        if archive.finding_id not in ours:
            yield Undone(archive=archive, outcome="taken")
        else:
            is_gone = archive.finding_id in gone
            yield Undone(archive=archive, outcome="gone" if is_gone else "brought back")


def _marked(mark: FindingState, who: Who, now: datetime) -> FindingState:
    return msgspec.structs.replace(
        mark, state="done", reactivated=who, reactivated_at=stamp(now), version=mark.version + 1
    )


def _ended(mark: FindingState, by: str, log: DecisionLog, now: datetime) -> dict[str, Any]:
    values = {"effect": "over", "state": "over", "ended_by": by, "ended_at": stamp(now), **log.expiry(now)}
    return log.change(mark.finding_id, mark.decision_item, values)


def _archived(item: dict[str, Any], mark: FindingState) -> ActiveArchive:
    decision = unpack(item)["decision"]
    return ActiveArchive(
        finding_id=item["finding_id"],
        resource=decision["resource"],
        decided_at=item["decided_at"],
        reason=decision["reason"],
        score=float(decision["score"]),
        model=item["model_version"],
        model_sha256=item["model_sha256"],
        analyzer_arn=item["analyzer_arn"],
        mark=mark,
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
