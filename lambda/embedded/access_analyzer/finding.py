"""A finding as the embedded Access Analyzer keeps it, read from and written to the shapes AWS uses.

`details` holds what GetFindingV2 puts inside its unions, in the API's own words; the other shapes (the first
version's findings, the summaries, the events) are views of the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embedded.clock import now

DETAILS_KEY = {
    "ExternalAccess": "externalAccessDetails",
    "InternalAccess": "internalAccessDetails",
    "UnusedIAMRole": "unusedIamRoleDetails",
    "UnusedIAMUserAccessKey": "unusedIamUserAccessKeyDetails",
    "UnusedIAMUserPassword": "unusedIamUserPasswordDetails",
    "UnusedPermission": "unusedPermissionDetails",
}
FINDING_TYPE = {key: finding_type for finding_type, key in DETAILS_KEY.items()}
STATUSES = ("ACTIVE", "ARCHIVED", "RESOLVED")

_EXTERNAL = ("action", "condition", "isPublic", "principal", "sources", "resourceControlPolicyRestriction")
_INTERNAL = (
    "action",
    "condition",
    "principal",
    "principalOwnerAccount",
    "accessType",
    "principalType",
    "sources",
    "resourceControlPolicyRestriction",
    "serviceControlPolicyRestriction",
)
# What one detail of each kind may say when a finding is given flat, as the first version of the API and the
# events give it.
_FLAT = {
    "ExternalAccess": _EXTERNAL,
    "InternalAccess": _INTERNAL,
    "UnusedIAMRole": ("lastAccessed",),
    "UnusedIAMUserAccessKey": ("accessKeyId", "lastAccessed"),
    "UnusedIAMUserPassword": ("lastAccessed",),
    "UnusedPermission": ("serviceNamespace", "actions", "lastAccessed"),
}


@dataclass(frozen=True)
class Finding:
    """One finding at one moment.

    Parameters
    ----------
    details
        What GetFindingV2 has inside `findingDetails`, without the union's key: one item, or one a service for
        unused permissions.
    previous_status
        The status before the last change, empty for a finding that never changed.
    sequence
        The order in which the analyzer got its findings.
    """

    id: str
    finding_type: str
    resource: str
    resource_type: str
    resource_owner_account: str
    status: str
    details: tuple[Mapping[str, Any], ...]
    created_at: datetime
    analyzed_at: datetime
    updated_at: datetime
    error: str | None = None
    is_deleted: bool = False
    previous_status: str = ""
    sequence: int = 0

    @property
    def family(self) -> str:
        """`external`, `internal` or `unused`: which analyzers find it, and which event tells of it."""
        return {"ExternalAccess": "external", "InternalAccess": "internal"}.get(self.finding_type, "unused")


def summary_v2(finding: Finding) -> dict[str, Any]:
    """One row of ListFindingsV2."""
    return {
        "id": finding.id,
        "resource": finding.resource,
        "resourceType": finding.resource_type,
        "resourceOwnerAccount": finding.resource_owner_account,
        "status": finding.status,
        "createdAt": finding.created_at,
        "analyzedAt": finding.analyzed_at,
        "updatedAt": finding.updated_at,
        "findingType": finding.finding_type,
        **({"error": finding.error} if finding.error else {}),
    }


def details_v2(finding: Finding) -> list[dict[str, Any]]:
    """The unions of GetFindingV2's `findingDetails`."""
    return [{DETAILS_KEY[finding.finding_type]: dict(detail)} for detail in finding.details]


def finding_v1(finding: Finding) -> dict[str, Any]:
    """One finding of ListFindings and GetFinding, which know external access only."""
    row = summary_v2(finding)
    del row["findingType"]
    return {**row, **finding.details[0]}


def read_finding(given: Mapping[str, Any], *, finding_id: str, account: str) -> Finding:
    """Make a finding of any shape AWS gives findings in, filling in what it leaves out.

    Parameters
    ----------
    given
        A finding of GetFinding, ListFindings or GetFindingV2, an event, or as much of one as matters:
        `resource` and `resourceType` are enough. Times are text or datetimes.
    finding_id, account
        The id and the owning account of a finding that names none.

    Raises
    ------
    ValueError
        The finding names no resource, or its type or status is not one of AWS's.

    Examples
    --------
    >>> finding = read_finding(
    ...     {"resource": "arn:aws:s3:::site", "resourceType": "AWS::S3::Bucket", "isPublic": True},
    ...     finding_id="f-1", account="111122223333")
    >>> finding.finding_type, finding.status, finding.details
    ('ExternalAccess', 'ACTIVE', ({'isPublic': True, 'condition': {}},))
    """
    body = _body(given)
    for field in ("resource", "resourceType"):
        if not isinstance(body.get(field), str):
            raise ValueError(f"{field}: a finding needs one, got {body.get(field)!r}")
    finding_type = _finding_type(body)
    status, error = body.get("status", "ACTIVE"), body.get("error")
    if finding_type not in DETAILS_KEY or status not in STATUSES:
        raise ValueError(
            f"findingType, status: {finding_type!r}, {status!r} are none that Access Analyzer has"
        )
    details = _details(body, finding_type)
    updated = _moment(body.get("updatedAt")) or now()
    return Finding(
        id=body.get("id") or body.get("findingId") or finding_id,
        finding_type=finding_type,
        resource=body["resource"],
        resource_type=body["resourceType"],
        resource_owner_account=body.get("resourceOwnerAccount") or body.get("accountId") or account,
        status=status,
        details=_without_access(finding_type, details) if error else details,
        created_at=_moment(body.get("createdAt")) or updated,
        analyzed_at=_moment(body.get("analyzedAt")) or updated,
        updated_at=updated,
        error=error,
        is_deleted=bool(body.get("isDeleted", False)),
        previous_status=body.get("previousStatus") or "",
    )


def _body(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The finding itself, out of an event's `detail` or GetFinding's answer."""
    for wrapper in ("detail", "finding"):
        if isinstance(given.get(wrapper), Mapping):
            inner: Mapping[str, Any] = given[wrapper]
            return inner
    return given


def _finding_type(body: Mapping[str, Any]) -> str:
    named = [key for detail in body.get("findingDetails", ()) for key in detail]
    return str(body.get("findingType") or (FINDING_TYPE.get(named[0]) if named else None) or "ExternalAccess")


def _details(body: Mapping[str, Any], finding_type: str) -> tuple[Mapping[str, Any], ...]:
    if "findingDetails" in body:
        key = DETAILS_KEY[finding_type]
        if any(list(detail) != [key] for detail in body["findingDetails"]):
            raise ValueError(
                f"findingDetails: the details of {finding_type} are {key}, each in an object of its own"
            )
        return tuple(dict(detail[key]) for detail in body["findingDetails"])
    if finding_type == "UnusedPermission" and "serviceNamespace" not in body:
        return _counted(body.get("numberOfUnusedServices", 1), body.get("numberOfUnusedActions", 0))
    flat = {field: body[field] for field in _FLAT[finding_type] if body.get(field) is not None}
    for kind in (
        "resource",
        "service",
    ):  # the events say ...RestrictionType where the API says ...Restriction
        if f"{kind}ControlPolicyRestrictionType" in body:
            flat[f"{kind}ControlPolicyRestriction"] = body[f"{kind}ControlPolicyRestrictionType"]
    if finding_type == "ExternalAccess":
        flat.setdefault("condition", {})
    if finding_type == "UnusedIAMUserAccessKey":
        flat.setdefault("accessKeyId", "AKIAIOSFODNN7EXAMPLE")
    return (flat,)


def _without_access(
    finding_type: str, details: tuple[Mapping[str, Any], ...]
) -> tuple[Mapping[str, Any], ...]:
    """What an error finding still says: nothing of who is given what."""
    if finding_type == "ExternalAccess":
        return ({"condition": {}},)
    kept = (
        "resourceControlPolicyRestriction",
        "serviceControlPolicyRestriction",
        "accessKeyId",
        "serviceNamespace",
    )
    return tuple({field: detail[field] for field in kept if field in detail} for detail in details)


def _counted(services: int, actions: int) -> tuple[Mapping[str, Any], ...]:
    """Details of which only the numbers are known, as an event gives them; the names are made up."""
    unused = [{"action": f"service:Action{number}"} for number in range(1, actions + 1)]
    whole = tuple({"serviceNamespace": f"service{number}"} for number in range(1, services + 1))
    return (*whole, {"serviceNamespace": "service", "actions": unused}) if unused else whole


def _moment(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    from botocore.utils import parse_timestamp

    moment: datetime = parse_timestamp(value)
    return moment
