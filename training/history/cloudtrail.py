"""Read from CloudTrail who archived a finding and who made it active again: calls of `UpdateFindings`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from scoring.aws.errors import as_bad_input
from scoring.aws.sessions import USER_AGENT

KEPT_DAYS: Final = 90
"""CloudTrail's event history goes back no further."""

_IN_LAMBDA: Final = "exec-env/AWS_Lambda"


@dataclass(frozen=True)
class Change:
    """One call that changed the status of findings.

    Attributes
    ----------
    by : str
        ARN of the caller.
    is_person : bool
        False for Lambda functions, services of AWS, the roles named as our own, and our own commands: these
        are in the decision log, with the verdicts given by them.
    ids : frozenset of str
        Of the findings; empty where the call named a resource.
    resource : str
        ARN of the resource whose findings were changed; empty where the call named findings.
    """

    at: datetime
    status: str
    by: str
    is_person: bool
    ids: frozenset[str]
    resource: str


def status_changes(client: Any, analyzer_arn: str, own_roles: Sequence[str]) -> list[Change]:
    """Read all calls of the last 90 days that changed findings of an analyzer, oldest first.

    Parameters
    ----------
    client : CloudTrail client
        Of the analyzer's account and region.
    own_roles : sequence of str
        Names or ARNs of roles whose calls are no verdict of a person.

    Raises
    ------
    AwsError
        AWS refuses the look-up.
    """
    pages = client.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UpdateFindings"}]
    )
    found: list[Change] = []
    with as_bad_input(f"look up who changed findings of {analyzer_arn}"):
        for page in pages:
            for event in page["Events"]:
                found += _changes(event, analyzer_arn, own_roles)
    return sorted(found, key=lambda change: change.at)


def _changes(event: Mapping[str, Any], analyzer_arn: str, own_roles: Sequence[str]) -> Iterator[Change]:
    """Yield the change of an event; nothing where the call failed or was on another analyzer."""
    call = json.loads(event["CloudTrailEvent"])
    asked = call.get("requestParameters") or {}
    if call.get("errorCode") or asked.get("analyzerArn") != analyzer_arn:
        return
    if call.get("eventSource") != "access-analyzer.amazonaws.com":
        return
    identity = call.get("userIdentity") or {}
    yield Change(
        at=_moment(call["eventTime"]),
        status=str(asked.get("status", "")),
        by=str(identity.get("arn") or identity.get("principalId") or ""),
        is_person=_is_person(identity, str(call.get("userAgent", "")), own_roles),
        ids=frozenset(map(str, asked.get("ids") or ())),
        resource=str(asked.get("resourceArn") or ""),
    )


def _is_person(identity: Mapping[str, Any], user_agent: str, own_roles: Sequence[str]) -> bool:
    if identity.get("type") == "AWSService" or identity.get("invokedBy") or _IN_LAMBDA in user_agent:
        return False
    if USER_AGENT in user_agent:
        return False
    issuer = (identity.get("sessionContext") or {}).get("sessionIssuer") or {}
    names = {identity.get("arn"), issuer.get("arn"), issuer.get("userName")} - {None}
    return bool(names) and not names & set(own_roles)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
