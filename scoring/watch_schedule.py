"""Look for what may hide access on a schedule, without CloudTrail: in archive rules and the decision log."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any, Final

from scoring import watch
from scoring.archive_rules import Family, from_json
from scoring.decision_log import Taken
from scoring.decision_table import by_effect, from_item, key, of_finding, read_many, to_item, unpack
from scoring.errors import BadInput
from scoring.facts import Absent, Present
from scoring.finding import Finding
from scoring.listing import of_analyzer
from scoring.log_entries import stamp
from scoring.records import read_case
from scoring.runtime import Runtime
from scoring.watch import Suspicion
from scoring.watch_calls import MOST_COUNTED, SEEN
from scoring.watching import tell

_PROGRESS: Final = ("watch", "progress")
_INTERVAL: Final = timedelta(hours=1)
_MOST_LOOKED_AT: Final = 20
_HOUR: Final = len("2026-11-02T09")

logger = logging.getLogger(__name__)


def look(runtime: Runtime, analyzers: Sequence[str], is_time_left: Callable[[], bool]) -> int:
    """Look at archive rules and at what was archived since the last time, once an hour.

    Returns
    -------
    int
        How many suspicions were told of, or collected.
    """
    log, now = runtime.log, runtime.now()
    found = log.client.get_item(TableName=log.table, Key=key(*_PROGRESS), ConsistentRead=True)
    last = str(from_item(found["Item"])["checked_at"]) if "Item" in found else ""
    if runtime.mode == "shadow" or last > stamp(now - _INTERVAL):
        return 0
    since = last or stamp(now - _INTERVAL)
    told = 0
    for suspicion in (
        *_each(_rules, "archive rules", runtime, analyzers),
        *_each(_bursts, "archives by others", runtime, since),
        *_each(_tags, "tags", runtime, since),
    ):
        if not is_time_left():
            return told
        with _one_by_one(suspicion.id):
            told += tell(suspicion, runtime).effect != "none"
    values = {"finding_id": _PROGRESS[0], "item": _PROGRESS[1], "checked_at": stamp(now)}
    log.client.put_item(TableName=log.table, Item=to_item(values))
    return told


def _rules(runtime: Runtime, analyzers: Sequence[str]) -> Iterator[Suspicion]:
    for arn in analyzers:
        client = runtime.writers.analyzer(arn.split(":")[3])
        family: Family = "external" if of_analyzer(arn, runtime.writers).is_external else "unused"
        pages = client.get_paginator("list_archive_rules").paginate(analyzerName=arn.rpartition("/")[2])
        for rule in (rule for page in pages for rule in page["archiveRules"]):
            try:
                filters = from_json(rule["filter"])
            except BadInput:
                continue
            suspicion = watch.of_rule(arn, rule["ruleName"], filters, family)
            if suspicion is not None:
                yield suspicion


def _bursts(runtime: Runtime, since: str) -> Iterator[Suspicion]:
    """Look for many archives by others in the log; where CloudTrail's events come, they tell more."""
    log, most = runtime.log, runtime.policy.alerts.archives_by_others
    hours: dict[str, set[str]] = {}
    for item in _by_others(runtime, since):
        hours.setdefault(item["decided_at"][:_HOUR], set()).add(item["finding_id"])
    many = {hour: sorted(found)[:MOST_COUNTED] for hour, found in hours.items() if len(found) >= most}
    if not many or _has_calls(runtime):
        return
    for hour, ids in sorted(many.items()):
        others = [one for one in ids if not any("label" in i for i in of_finding(log.client, log.table, one))]
        if len(others) >= most:
            yield watch.of_burst("others", len(others), hour, "by somebody else, or by archive rules")


def _has_calls(runtime: Runtime) -> bool:
    """Say whether CloudTrail's events come."""
    calls = next(read_many(runtime.log.client, runtime.log.table, [SEEN]), {"seen_at": ""})
    return bool(calls["seen_at"] > stamp(runtime.now() - timedelta(days=1)))


def _tags(runtime: Runtime, since: str) -> Iterator[Suspicion]:
    """Compare tags at the time of an alert with those at the archive, or with those of now."""
    log = runtime.log
    keys = watch.counting_tags(runtime.policy, runtime.card)
    for item in by_effect(log.client, log.table, "archive", since=since):
        if _number(item) > 1:
            yield from _changed(item, _tags_of(unpack(item)), keys, runtime)
    for item in islice(_by_others(runtime, since), _MOST_LOOKED_AT):
        finding = read_case(unpack(item)["finding"]).finding
        if isinstance(finding, Finding):
            tags = runtime.enrich(finding).tags
            now = tags.value if isinstance(tags, Present) else {} if isinstance(tags, Absent) else None
            yield from _changed(item, now, keys, runtime)


def _changed(
    item: Mapping[str, Any], after: Mapping[str, str] | None, keys: frozenset[str], runtime: Runtime
) -> Iterator[Suspicion]:
    earlier: list[Mapping[str, Any]] = [
        record
        for one in of_finding(runtime.log.client, runtime.log.table, item["finding_id"])
        if _number(one) < _number(item) and one["outcome"] == "alert" and "finding" in (record := unpack(one))
    ]
    before = _tags_of(earlier[-1]) if earlier else None
    if before is None or after is None:
        return
    resource = str(earlier[-1]["decision"]["resource"])
    suspicion = watch.of_tags(item["finding_id"], resource, before, after, keys)
    if suspicion is not None:
        yield suspicion


def _by_others(runtime: Runtime, since: str) -> Iterator[dict[str, Any]]:
    """Give the findings that somebody else has archived after they were decided on as active."""
    log = runtime.log
    for item in by_effect(log.client, log.table, "none", since=since):
        if item["outcome"] == "skip" and _number(item) > 1:
            record = unpack(item)
            if record.get("decision", {}).get("status") == "ARCHIVED":
                yield item


def _tags_of(record: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the tags that a decision rested on; None where they were not known."""
    tags = record.get("context", {}).get("tags")
    return tags if isinstance(tags, dict) else None


def _number(item: Mapping[str, Any]) -> int:
    """Return which write of its finding's a decision was."""
    return int(item["item"].rpartition("#")[2])


def _each(look_for: Callable[..., Iterator[Suspicion]], what: str, *given: Any) -> Iterator[Suspicion]:
    """Go through suspicions; what cannot be looked at does not keep the rest from being told."""
    try:
        yield from look_for(*given)
    except Exception:
        logger.exception("watching %s failed", what)


@contextmanager
def _one_by_one(name: str) -> Iterator[None]:
    try:
        yield
    except Taken:
        logger.info("somebody else is telling of it", extra={"suspicion": name})
