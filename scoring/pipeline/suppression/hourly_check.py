"""Look for what may hide access, without CloudTrail: in rules, archived findings and the decision log."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, timedelta
from itertools import islice, takewhile
from typing import Any, Final, NamedTuple, TypeVar

from scoring.aws.analyzers import AnalyzerArn
from scoring.aws.archive_rule_filter import from_json
from scoring.decision_log import cursor
from scoring.decision_log.cursor import CallsCursor, SuppressionCursor
from scoring.decision_log.entries import stamp
from scoring.decision_log.log import InProgress
from scoring.files.errors import BadInput
from scoring.findings.facts import Absent, Present
from scoring.findings.finding import Finding, from_api
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.suppression import suspicions
from scoring.pipeline.suppression.alert import alert_suspicion, family_of
from scoring.pipeline.suppression.suspicions import Suspicion

_INTERVAL: Final = timedelta(hours=1)
_MOST_LOOKED_AT: Final = 20
_HOUR: Final = len("2026-11-02T09")

logger = logging.getLogger(__name__)
T = TypeVar("T")


class ArchivedFinding(NamedTuple):
    """A finding that others have archived; `finding` is what a list says of it."""

    finding_id: str
    at: str
    finding: Finding


class HourlyCheck(NamedTuple):
    """How the check went.

    Attributes
    ----------
    alerted : int
        Suspicions alerted on, at once or queued.
    is_done : bool
        Whether all parts of the last check that was due were done.
    """

    alerted: int
    is_done: bool


def check_hourly(runtime: Runtime, analyzers: Sequence[str], is_time_left: Callable[[], bool]) -> HourlyCheck:
    """Check archive rules, and what was archived since the last check, once an hour."""
    log, now = runtime.log, runtime.now()
    if runtime.mode == "shadow":
        return HourlyCheck(0, is_done=True)
    last = cursor.read(log, SuppressionCursor)
    if last.checked_at > stamp(now - _INTERVAL):
        return HourlyCheck(0, is_done=not last.failed)
    since = last.checked_at or stamp(now - _INTERVAL)
    alerted, failed = 0, list[str]()

    def each(look_for: Callable[..., Iterator[T]], what: str, *given: Any) -> Iterator[T]:
        """Go through what is found; a check that fails does not stop the others."""
        try:
            yield from look_for(*given)
        except Exception:
            logger.exception("checking %s failed", what)
            failed.append(what)

    others = list(each(_by_others, "archives by others", runtime, analyzers, since))
    for suspicion in (
        *each(_rules, "archive rules", runtime, analyzers),
        *each(_bursts, "bursts of archives", runtime, others),
        *each(_tags_of_ours, "tags of what we archived", runtime, since),
        *each(_tags_of_others, "tags of what others archived", runtime, others),
    ):
        if not is_time_left():
            return HourlyCheck(alerted, is_done=False)
        with _one_by_one(suspicion.id):
            alerted += alert_suspicion(suspicion, runtime).effect != "none"
    cursor.write(log, SuppressionCursor(checked_at=stamp(now), failed=tuple(failed)))
    return HourlyCheck(alerted, is_done=not failed)


def _rules(runtime: Runtime, analyzers: Sequence[str]) -> Iterator[Suspicion]:
    for arn in analyzers:
        analyzer = AnalyzerArn.parse(arn)
        family = family_of(arn, runtime)
        listing = runtime.analyzers.client(analyzer.region).get_paginator("list_archive_rules")
        pages = listing.paginate(analyzerName=analyzer.name)
        for rule in (rule for page in pages for rule in page["archiveRules"]):
            try:
                filters = from_json(rule["filter"])
            except BadInput:
                continue
            suspicion = suspicions.of_rule(arn, rule["ruleName"], filters, family)
            if suspicion is not None:
                yield suspicion


def _bursts(runtime: Runtime, others: Sequence[ArchivedFinding]) -> Iterator[Suspicion]:
    """Look for many archives by others; where CloudTrail's events come, they say more, and are used."""
    log, most = runtime.log, runtime.policy.alerts.archives_by_others
    hours: dict[str, list[str]] = {}
    for one in others:
        hours.setdefault(one.at[:_HOUR], []).append(one.finding_id)
    many = {hour: ids for hour, ids in sorted(hours.items()) if len(ids) >= most}
    if not many or _has_calls(runtime):
        return
    for hour, ids in many.items():
        # What a person's verdict has archived is labelled.
        unlabelled = (one for one in ids if all(found.label is None for found in log.decisions(one)))
        if len(list(islice(unlabelled, most))) >= most:
            yield suspicions.of_burst("others", len(ids), hour, "by somebody else, or by an archive rule")


def _has_calls(runtime: Runtime) -> bool:
    """Say whether CloudTrail's events come."""
    seen_at = cursor.read(runtime.log, CallsCursor).seen_at
    return seen_at > stamp(runtime.now() - timedelta(days=1))


def _tags_of_ours(runtime: Runtime, since: str) -> Iterator[Suspicion]:
    """Compare the tags that an alert rested on with those that our archive of the same finding did."""
    for archive in runtime.log.by_effect("archive", since=since):
        if archive.number > 1:
            yield from _changed(archive.finding_id, archive.number, _tags_of(archive.record), runtime)


def _tags_of_others(runtime: Runtime, others: Sequence[ArchivedFinding]) -> Iterator[Suspicion]:
    """Compare the tags that an alert rested on with those of now, where somebody else has archived it."""
    for one in others[:_MOST_LOOKED_AT]:
        tags = runtime.enrich(one.finding).tags
        now = tags.value if isinstance(tags, Present) else {} if isinstance(tags, Absent) else None
        yield from _changed(one.finding_id, None, now, runtime)


def _changed(
    finding_id: str, before: int | None, after: Mapping[str, str] | None, runtime: Runtime
) -> Iterator[Suspicion]:
    """Compare with the latest alert on a finding, or the latest before a certain write of its log."""
    earlier = [
        decision.record
        for decision in runtime.log.decisions(finding_id)
        if decision.outcome == "alert" and (before is None or decision.number < before)
        if "finding" in decision.record
    ]
    tags = _tags_of(earlier[-1]) if earlier else None
    if tags is None or after is None:
        return
    keys = suspicions.counting_tags(runtime.policy, runtime.card)
    suspicion = suspicions.of_tags(finding_id, str(earlier[-1]["decision"]["resource"]), tags, after, keys)
    if suspicion is not None:
        yield suspicion


def _by_others(runtime: Runtime, analyzers: Sequence[str], since: str) -> Iterator[ArchivedFinding]:
    """List what was archived since, was known to us before, and was not archived by us."""
    for arn in analyzers:
        pages = runtime.analyzers.pages(
            arn,
            whole=False,
            filters={"status": {"eq": ["ARCHIVED"]}},
            sort={"attributeName": "updatedAt", "orderBy": "DESC"},
        )
        rows = (row for page in pages for row in page.rows)
        recent = list(takewhile(lambda row: stamp(row["updatedAt"].astimezone(UTC)) >= since, rows))
        states = runtime.log.latest_of([row["id"] for row in recent])
        for row in recent:
            state = states.get(row["id"])
            if state is not None and state.effect != "archive":
                at = stamp(row["updatedAt"].astimezone(UTC))
                yield ArchivedFinding(row["id"], at, from_api(row, analyzer_arn=arn))


def _tags_of(record: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the tags that a decision rested on; None where they were not known."""
    tags = record.get("context", {}).get("tags")
    return tags if isinstance(tags, dict) else None


@contextmanager
def _one_by_one(name: str) -> Iterator[None]:
    try:
        yield
    except InProgress:
        logger.info("another run is sending this alert", extra={"suspicion": name})
