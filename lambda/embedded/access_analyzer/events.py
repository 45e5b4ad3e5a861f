"""The events Access Analyzer sends to EventBridge, and who in this process listens to them.

There are three families, and they do not agree on names: the finding's id is `id` or `findingId`, the
restriction by an organization's policies is `resourceControlPolicyRestriction` or `...Type`, and only
external findings say whether they are public. Error findings carry `error` and say nothing of who is given
what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from embedded.access_analyzer.finding import Finding
from embedded.clock import iso, now
from scoring.findings.arn import Arn

SOURCE = "aws.access-analyzer"
DETAIL_TYPE = {
    "external": "Access Analyzer Finding",
    "internal": "Internal Access Finding",
    "unused": "Unused Access Finding for IAM entities",
}

Event = dict[str, Any]
Listener = Callable[[Event], None]

_listeners: list[Listener] = []


def finding_event(finding: Finding, analyzer_arn: str) -> Event:
    """The event that tells of a new finding, of a change of its status, or of its deletion.

    Parameters
    ----------
    finding
        The finding as it is after the change.
    analyzer_arn
        The analyzer that found it; the event is of the analyzer's account and region, and names the analyzer
        under `resources`. The account that owns the finding's resource is `detail.accountId`.

    Returns
    -------
    dict
        The event as a target of an EventBridge rule receives it.

    Examples
    --------
    >>> from embedded.access_analyzer.finding import read_finding
    >>> role = {"resource": "arn:aws:iam::111122223333:role/old", "resourceType": "AWS::IAM::Role",
    ...         "findingType": "UnusedIAMRole"}
    >>> event = finding_event(read_finding(role, finding_id="f-1", account="111122223333"),
    ...                       "arn:aws:access-analyzer:eu-west-1:999988887777:analyzer/unused")
    >>> event["account"], event["detail"]["accountId"], event["detail"]["findingId"]
    ('999988887777', '111122223333', 'f-1')
    """
    from moto.moto_api._internal import mock_random

    analyzer = Arn.parse(analyzer_arn)
    detail = {"external": _external, "internal": _internal, "unused": _unused}[finding.family]
    return {
        "version": "0",
        "id": str(mock_random.uuid4()),
        "detail-type": DETAIL_TYPE[finding.family],
        "source": SOURCE,
        "account": analyzer.account,
        "time": iso(now()),
        "region": analyzer.region,
        "resources": [analyzer_arn],
        "detail": {
            **detail(finding),
            **({"region": analyzer.region} if finding.family == "external" else {}),
        },
    }


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with every event of the embedded Access Analyzer inside the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def announce(finding: Finding, analyzer_arn: str) -> None:
    """Send the event of a finding that is new or has changed to everyone who listens."""
    if _listeners:
        event = finding_event(finding, analyzer_arn)
        for listener in list(_listeners):
            listener(event)


def _external(finding: Finding) -> Event:
    detail = finding.details[0]
    access: Event = {"error": finding.error}
    if not finding.error:
        access = {field: detail[field] for field in ("principal", "action", "condition") if field in detail}
        access["isPublic"] = detail.get("isPublic", False)
    told = {
        field: detail[field] for field in ("resourceControlPolicyRestriction", "sources") if field in detail
    }
    return {
        "version": "1.0",
        "id": finding.id,
        **_common(finding),
        "createdAt": iso(finding.created_at),
        "analyzedAt": _milliseconds(finding.analyzed_at),
        "updatedAt": iso(finding.updated_at),
        **access,
        **told,
    }


def _internal(finding: Finding) -> Event:
    detail = finding.details[0]
    fields = ("accessType", "action", "condition", "principal", "principalOwnerAccount", "principalType")
    access = {field: detail[field] for field in fields if field in detail}
    restrictions = {
        f"{kind}ControlPolicyRestrictionType": detail.get(f"{kind}ControlPolicyRestriction", "NOT_APPLICABLE")
        for kind in ("resource", "service")
    }
    return {
        "version": "1.0",
        "id": finding.id,
        **_common(finding),
        "createdAt": _nanoseconds(finding.created_at),
        "analyzedAt": _nanoseconds(finding.analyzed_at),
        "updatedAt": _nanoseconds(finding.updated_at),
        "findingType": finding.finding_type,
        **({"error": finding.error} if finding.error else access),
        **restrictions,
    }


def _unused(finding: Finding) -> Event:
    from moto.moto_api._internal import mock_random

    counts: Event = {}
    if finding.finding_type == "UnusedPermission":
        counts = {
            "numberOfUnusedServices": sum("actions" not in detail for detail in finding.details),
            "numberOfUnusedActions": sum(len(detail.get("actions", ())) for detail in finding.details),
        }
    return {
        "version": str(mock_random.uuid4()),
        "findingId": finding.id,
        **_common(finding),
        "createdAt": iso(finding.created_at),
        "analyzedAt": _milliseconds(finding.analyzed_at),
        "updatedAt": iso(finding.updated_at),
        "previousStatus": finding.previous_status,
        "findingType": finding.finding_type,
        **({"error": finding.error} if finding.error else {}),
        **counts,
    }


def _common(finding: Finding) -> Event:
    return {
        "status": finding.status,
        "resourceType": finding.resource_type,
        "resource": finding.resource,
        "accountId": finding.resource_owner_account,
        "isDeleted": finding.is_deleted,
    }


def _milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _nanoseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
