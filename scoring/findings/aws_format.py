"""Findings and events as AWS writes them; each field that it documents, with the type that it sends."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from scoring.files.errors import BadInput
from scoring.files.strict_json import Malformed, decode

# AWS always names the offset; without one a time would mean something else on each machine.
Time = Annotated[datetime, msgspec.Meta(tz=True)]

NotNegative = Annotated[int, msgspec.Meta(ge=0)]

KINDS = frozenset(
    {
        "externalAccessDetails",
        "internalAccessDetails",
        "unusedPermissionDetails",
        "unusedIamRoleDetails",
        "unusedIamUserAccessKeyDetails",
        "unusedIamUserPasswordDetails",
    }
)
"""The unions of ``findingDetails`` that this version can read."""


# Marks of what stands around a message (SNS, SQS by its API, SQS as Lambda gets it), and where it is.
_ENVELOPES = (
    (frozenset({"Type", "TopicArn", "Message"}), "Message"),
    (frozenset({"MessageId", "ReceiptHandle", "Body"}), "Body"),
    (frozenset({"messageId", "eventSource", "body"}), "body"),
)


class AccessPoint(msgspec.Struct, rename="camel"):
    """The access point that a source names."""

    access_point_arn: str | None = None
    access_point_account: str | None = None


class GrantSource(msgspec.Struct):
    """How the access is granted."""

    type: str
    detail: AccessPoint | None = None


class UnusedAction(msgspec.Struct, rename="camel"):
    """An action that has not been used."""

    action: str
    last_accessed: Time | None = None


class Details(msgspec.Struct, rename="camel"):
    """The members that findings and the unions of ``findingDetails`` share; all of them optional."""

    principal: dict[str, str | list[str]] | None = None
    action: list[str] | None = None
    condition: dict[str, str | list[str]] | None = None
    is_public: bool | None = None
    sources: list[GrantSource] | None = None
    resource_control_policy_restriction: str | None = None
    resource_control_policy_restriction_type: str | None = None
    service_control_policy_restriction: str | None = None
    service_control_policy_restriction_type: str | None = None
    access_type: str | None = None
    principal_type: str | None = None
    principal_owner_account: str | None = None
    last_accessed: Time | None = None
    service_namespace: str | None = None
    access_key_id: str | None = None
    actions: list[UnusedAction] | None = None

    @property
    def is_granting(self) -> bool:
        """Whether this says who is given which access."""
        return bool(self.principal or self.action or self.condition or self.is_public is not None)

    def restrictions(self) -> list[str]:
        """Return what AWS says of control policies; the names differ between events and the API."""
        said = (
            self.resource_control_policy_restriction,
            self.resource_control_policy_restriction_type,
            self.service_control_policy_restriction,
            self.service_control_policy_restriction_type,
        )
        return [restriction for restriction in said if restriction]


class Wire(Details, rename="camel"):
    """A finding of the API, v1 or v2, or the detail of an event."""

    id: str | None = None
    finding_id: str | None = None
    resource: str | None = None
    resource_type: str | None = None
    status: str | None = None
    previous_status: str | None = None
    resource_owner_account: str | None = None
    account_id: str | None = None
    finding_type: str | None = None
    is_deleted: bool | None = None
    error: str | None = None
    analyzer_arn: str | None = None  # where a record keeps an answer of the API
    region: str | None = None
    version: str | None = None
    number_of_unused_services: NotNegative | None = None
    number_of_unused_actions: NotNegative | None = None
    finding_details: list[dict[str, Details]] | None = None
    next_token: str | None = None
    created_at: Time | None = None
    analyzed_at: Time | None = None
    updated_at: Time | None = None


class Event(msgspec.Struct):
    """The envelope in which EventBridge sends a finding."""

    source: str
    detail: dict[str, Any]
    family: str = msgspec.field(name="detail-type")
    resources: list[str] | None = None
    region: str | None = None
    account: str | None = None
    id: str | None = None
    time: str | None = None
    version: str | None = None


class Preview(msgspec.Struct, rename="camel"):
    """The detail of an event about an access preview."""

    access_preview_id: str
    configured_resources: list[str] = []
    status: str = ""
    previous_status: str | None = None
    region: str | None = None
    created_at: Time | None = None
    version: str | None = None


def check_time(time: datetime | None, path: str, name: str) -> None:
    """Raise `BadInput` for a time that no clock of AWS shows, and that other time zones cannot name."""
    if time is not None and not 1970 <= time.year < 9999:
        raise BadInput("expected a time since 1970", field=path + name, value=time)


def merge(found: Sequence[Details]) -> dict[str, Any]:
    """Merge several details into one: where they differ the wider access counts, what one omits is unknown.

    Returns
    -------
    dict
        Fields of a `scoring.findings.finding.Finding`.
    """
    return _of_one(found[0]) if len(found) == 1 else _of_several(found)


def _of_one(details: Details) -> dict[str, Any]:
    return {
        "principals": _principals(details),
        "actions": tuple(dict.fromkeys(details.action)) if details.action else (),
        "conditions": _conditions([details.condition]) if details.condition else (),
        "is_public": details.is_public,
        "sources": tuple(dict.fromkeys([s.type for s in details.sources])) if details.sources else (),
        "access_points": _access_points([details]) if details.sources else (),
        "restrictions": tuple(dict.fromkeys(details.restrictions())),
        "access_type": details.access_type,
        "principal_type": details.principal_type,
        "principal_owner_account": details.principal_owner_account,
        "last_accessed": details.last_accessed,
        "access_key_id": details.access_key_id,
        "unused": (),
        "unused_services": None,
        "unused_actions": None,
    }


def _of_several(found: Sequence[Details]) -> dict[str, Any]:
    principals = [principal for details in found for principal in _principals(details)]
    actions = [action for details in found for action in details.action or ()]
    sources = [source.type for details in found for source in details.sources or ()]
    granting = [details for details in found if details.is_granting]
    unused = [details for details in found if details.service_namespace is not None]
    wholly = [details for details in unused if not details.actions]
    return {
        "principals": tuple(dict.fromkeys(principals)),
        "actions": tuple(dict.fromkeys(actions)),
        "conditions": _conditions([d.condition or {} for d in granting if d.action or d.principal]),
        "is_public": _is_public([details.is_public for details in granting]),
        "sources": tuple(dict.fromkeys(sources)),
        "access_points": _access_points(found),
        "restrictions": _restrictions(found, granting),
        "access_type": _access_type([details.access_type for details in granting]),
        "principal_type": _shared([details.principal_type for details in granting]),
        "principal_owner_account": _shared([details.principal_owner_account for details in granting]),
        "last_accessed": max([d.last_accessed for d in found if d.last_accessed], default=None),
        "access_key_id": _shared([d.access_key_id for d in found if d.access_key_id] or [None]),
        "unused": tuple(dict.fromkeys(name for details in unused for name in _unused(details))),
        "unused_services": len(wholly) if unused else None,
        "unused_actions": sum(len(details.actions or ()) for details in unused) if unused else None,
    }


def _unused(details: Details) -> list[str]:
    """Name what nobody uses of one service: the service where no action is named, else its actions."""
    service = details.service_namespace or ""
    if not details.actions:
        return [service]
    named = [unused.action for unused in details.actions]
    return [action if ":" in action else f"{service}:{action}" for action in named]


def _access_points(found: Sequence[Details]) -> tuple[str, ...]:
    named = [source.detail for details in found for source in details.sources or () if source.detail]
    return tuple(dict.fromkeys([d.access_point_arn for d in named if d.access_point_arn]))


def _principals(details: Details) -> tuple[tuple[str, str], ...]:
    if not details.principal:
        return ()
    named: dict[tuple[str, str], None] = {}
    for kind, names in details.principal.items():
        for name in (names,) if isinstance(names, str) else names:
            named[kind, name] = None
    return tuple(named)


def _is_public(said: Sequence[bool | None]) -> bool | None:
    return True if True in said else None if None in said or not said else False


def _access_type(said: Sequence[str | None]) -> str | None:
    return "INTRA_ORG" if set(said) == {"INTRA_ACCOUNT", "INTRA_ORG"} else _shared(said)


def _shared(said: Sequence[str | None]) -> str | None:
    return said[0] if len(set(said)) == 1 else None


def _restrictions(found: Sequence[Details], granting: Sequence[Details]) -> tuple[str, ...]:
    """Keep each restriction that is named anywhere, but ``APPLIED`` only where it holds for every grant."""
    said = dict.fromkeys(restriction for details in found for restriction in details.restrictions())
    if len(granting) > 1 and any("APPLIED" not in details.restrictions() for details in granting):
        said.pop("APPLIED", None)
    return tuple(said)


def _conditions(
    of_grants: Sequence[dict[str, str | list[str]]],
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Keep the conditions that every grant carries, each with the values of all of them."""
    if not of_grants:
        return ()
    shared = [key for key in sorted(of_grants[0]) if all(key in other for other in of_grants[1:])]
    return tuple((key, _values([conditions[key] for conditions in of_grants])) for key in shared)


def _values(of_grants: Sequence[str | list[str]]) -> tuple[str, ...]:
    values: dict[str, None] = {}
    for value in of_grants:
        values.update(dict.fromkeys((value,) if isinstance(value, str) else value))
    return tuple(values)


def unwrap(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take an event out of what SNS and SQS put around it, one in the other or each alone.

    Returns
    -------
    mapping
        The event; the value itself where nothing is around it, or where what is inside is no JSON object.

    Examples
    --------
    >>> unwrap({"Type": "Notification", "TopicArn": "arn:...", "Message": '{"source": "aws.s3"}'})
    {'source': 'aws.s3'}
    """
    if isinstance(value.get("Sns"), dict):  # as Lambda gets it
        return unwrap(value["Sns"])
    for marks, name in _ENVELOPES:
        if marks.issubset(value) and isinstance(value[name], str):
            try:
                inner, end = decode(value[name].strip())
            except Malformed:
                return value
            if isinstance(inner, dict) and end == len(value[name].strip()):
                return unwrap(inner)
    return value
