"""Calls to Access Analyzer as CloudTrail tells of them, where a rule of EventBridge sends its events."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from scoring.aws.archive_rule_filter import Filter, from_json
from scoring.decision_log.entries import stamp
from scoring.decision_log.table import EXPIRES_AT, from_item, key, read_many, to_item
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.suppression import suspicions
from scoring.pipeline.suppression.alert import family_of, tell
from scoring.pipeline.suppression.suspicions import Call, Suspicion

SEEN: Final = ("watch", "calls")
"""Key of the item that says when the last call was told of (``seen_at``)."""
MOST_COUNTED: Final = 2000

_HOUR: Final = len("2026-11-02T09")

logger = logging.getLogger(__name__)


def take_call(event: Mapping[str, Any], runtime: Runtime) -> list[Result]:
    """Take an event of a call to Access Analyzer; raises as `scoring.pipeline.event.triage_event` does."""
    call = suspicions.read_call(event)
    if call is None:
        return [Result(finding_id="", effect="none", note="a call that hides nothing")]
    if call.name == "UpdateFindings":
        suspicion = _burst(call, runtime)
    else:
        rule = _applied(call, runtime) if call.name == "ApplyArchiveRule" else None
        family = "external" if call.name == "DeleteAnalyzer" else family_of(call.analyzer_arn, runtime)
        suspicion = suspicions.of_call(call, family, rule)
    if suspicion is None:
        return [Result(finding_id="", effect="none", note="nothing to tell of")]
    return [tell(suspicion, runtime)]


def _applied(call: Call, runtime: Runtime) -> Filter | None:
    arn = call.analyzer_arn
    try:
        client = runtime.writers.analyzer(arn.split(":")[3])
        found = client.get_archive_rule(
            analyzerName=arn.rpartition("/")[2], ruleName=str(call.asked.get("ruleName"))
        )
        return from_json(found["archiveRule"]["filter"])
    except Exception:
        logger.warning("an archive rule that was applied cannot be read", exc_info=True)
        return None


def _burst(call: Call, runtime: Runtime) -> Suspicion | None:
    """Count the findings that a principal has archived in this hour and the one before."""
    log, now = runtime.log, runtime.now()
    log.client.put_item(
        TableName=log.table,
        Item=to_item({"finding_id": SEEN[0], "item": SEEN[1], "seen_at": stamp(now)}),
    )
    ids = call.asked.get("ids")
    named = [str(one) for one in ids] if isinstance(ids, list) else []
    others = set(named) - _ours(named, runtime)
    if not named:
        others = {f"all of {call.asked.get('resourceArn')}"}
    if not others:
        return None
    hour = stamp(now)[:_HOUR]
    place = "watch#count#" + hashlib.sha256(call.by.encode()).hexdigest()[:24]
    answer = log.client.update_item(
        TableName=log.table,
        Key=key(place, hour),
        UpdateExpression="ADD finding_ids :ids SET #end = :end",
        ExpressionAttributeNames={"#end": EXPIRES_AT},
        ExpressionAttributeValues=to_item(
            {
                ":ids": {one[:200] for one in sorted(others)[:MOST_COUNTED]},
                ":end": int((now + timedelta(days=2)).timestamp()),
            }
        ),
        ReturnValues="ALL_NEW",
    )
    before = stamp(now - timedelta(hours=1))[:_HOUR]
    earlier: Mapping[str, Any] = next(
        read_many(log.client, log.table, [(place, before)]), {"finding_ids": set()}
    )
    count = len(from_item(answer["Attributes"])["finding_ids"] | earlier["finding_ids"])
    if count < runtime.policy.alerts.archives_by_others:
        return None
    return suspicions.of_burst(call.by, count, hour, f"by {call.by or 'somebody unknown'}")


def _ours(ids: Sequence[str], runtime: Runtime) -> set[str]:
    """Return the findings that we have archived, or that a person's verdict with us has."""
    log = runtime.log
    marks = log.latest_of(ids)
    decisions = read_many(
        log.client, log.table, [(mark.finding_id, mark.decision_item) for mark in marks.values()]
    )
    ours = {one for one, mark in marks.items() if mark.effect == "archive"}
    return ours | {item["finding_id"] for item in decisions if "label" in item}
