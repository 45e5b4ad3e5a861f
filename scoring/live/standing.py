"""What the decision log says of many findings: where each stands, and who brought it back."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from scoring.context import Reactivation
from scoring.decision_log import DecisionLog, Latest
from scoring.enrich.failures import Unavailable, reason
from scoring.facts import ABSENT, Fact, Present, Unknown
from scoring.finding import Finding

_AT_ONCE = 100  # items that DynamoDB reads in one request, at most
_TIMES = 5


def read_latest(log: DecisionLog, finding_ids: Sequence[str]) -> dict[str, Latest]:
    """Read where findings stand, 100 a request; consistent reads.

    Returns
    -------
    dict
        By the finding's id; those that the log does not know are left out.
    """
    found: dict[str, Latest] = {}
    ids = list(dict.fromkeys(finding_ids))
    for start in range(0, len(ids), _AT_ONCE):
        keys = [{"finding_id": {"S": i}, "item": {"S": "latest"}} for i in ids[start : start + _AT_ONCE]]
        for item in _read(log, keys):
            latest = msgspec.convert(_plain(item), Latest)
            found[latest.finding_id] = latest
    return found


def reactivated(findings: Sequence[Finding], log: DecisionLog) -> list[Fact[Reactivation]]:
    """Find out who brought each finding back after we archived it; where nobody can tell, it is unknown."""
    try:
        marks = read_latest(log, [finding.id for finding in findings])
    except Exception as error:
        why = reason(error)
        if why is None:
            raise
        return [Unknown(why)] * len(findings)
    return [reactivation(finding, marks.get(finding.id)) for finding in findings]


def reactivation(finding: Finding, mark: Latest | None) -> Fact[Reactivation]:
    """Say who brought a finding back: one that is active though it was archived has been re-activated."""
    if mark is None:
        return ABSENT
    was_archived = mark.status == "ARCHIVED" or (mark.effect == "archive" and mark.state == "done")
    who = mark.reactivated or ("person" if was_archived and finding.status == "ACTIVE" else "")
    return Present(Reactivation(who, mark.decided_at)) if who else ABSENT


def _read(log: DecisionLog, keys: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = []
    asked: dict[str, Any] = {log.table: {"Keys": keys, "ConsistentRead": True}}
    for _ in range(_TIMES):
        answer = log.client.batch_get_item(RequestItems=asked)
        items += answer["Responses"].get(log.table, ())
        asked = answer.get("UnprocessedKeys") or {}
        if not asked:
            return items
    raise Unavailable("the decision log is busy")


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()}
