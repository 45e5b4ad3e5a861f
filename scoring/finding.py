"""Every shape in which AWS hands out a finding, turned into one frozen `Finding`.

Understood are EventBridge events of the three families, the API's and CLI's ``Finding`` (v1) and
``FindingV2`` objects, and Security Hub (ASFF) findings. What AWS could never have sent is bad input.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from scoring.errors import BadInput

FINDING_TYPES = (
    "ExternalAccess",
    "InternalAccess",
    "UnusedIAMRole",
    "UnusedIAMUserAccessKey",
    "UnusedIAMUserPassword",
    "UnusedPermission",
)
RESOURCE_TYPES = (
    "AWS::S3::Bucket",
    "AWS::S3Express::DirectoryBucket",
    "AWS::IAM::Role",
    "AWS::IAM::User",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "AWS::EFS::FileSystem",
    "AWS::EC2::Snapshot",
    "AWS::ECR::Repository",
    "AWS::RDS::DBSnapshot",
    "AWS::RDS::DBClusterSnapshot",
    "AWS::DynamoDB::Table",
    "AWS::DynamoDB::Stream",
)
STATUSES = ("ACTIVE", "ARCHIVED", "RESOLVED")

_FAMILIES = {
    "Access Analyzer Finding": "ExternalAccess",
    "Internal Access Finding": "InternalAccess",
    "Unused Access Finding for IAM entities": "Unused access, type not given",
}
_NO_FINDING = ("Access Preview State Change",)

Condition = tuple[str, tuple[str, ...]]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One Access Analyzer finding.

    Attributes
    ----------
    account : str or None
        The twelve digits of the account that owns the resource.
    finding_type : str
        One of `FINDING_TYPES`, or what a newer AWS calls it.
    principals : tuple of (kind, value)
        Kinds are ``AWS``, ``Federated``, ``Service`` and ``CanonicalUser``; empty where AWS gave none.
    conditions : tuple of (key, values)
        Sorted by key.
    is_public : bool or None
        None where AWS did not say.
    restrictions : tuple of str
        What AWS says of resource and service control policies, e.g. ``APPLIED``.
    incomplete : bool
        Further pages of details exist that are not here.
    updated_at : datetime or None
        As AWS gave it, cut to microseconds.
    """

    id: str
    resource: str
    resource_type: str
    status: str
    finding_type: str
    account: str | None = None
    analyzer_arn: str | None = None
    region: str | None = None
    partition: str = "aws"
    principals: tuple[tuple[str, str], ...] = ()
    actions: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    is_public: bool | None = None
    is_deleted: bool = False
    error: str | None = None
    sources: tuple[str, ...] = ()
    restrictions: tuple[str, ...] = ()
    access_type: str | None = None
    principal_type: str | None = None
    principal_owner_account: str | None = None
    unused_services: int | None = None
    unused_actions: int | None = None
    last_accessed: datetime | None = None
    incomplete: bool = False
    created_at: datetime | None = None
    analyzed_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_unused_access(self) -> bool:
        """Whether the finding is about access that nobody uses, so that no principal is given any."""
        return self.finding_type.startswith("Unused")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An event of Access Analyzer that is no finding, such as an access preview."""

    id: str
    resource: str
    kind: str
    status: str
    account: str | None = None


class _Source(msgspec.Struct):
    type: str


class _UnusedAction(msgspec.Struct):
    action: str


class _Details(msgspec.Struct, rename="camel"):
    """The members that findings and the unions of `findingDetails` share; all of them optional."""

    principal: dict[str, str | list[str]] | None = None
    action: list[str] | None = None
    condition: dict[str, str | list[str]] | None = None
    is_public: bool | None = None
    sources: list[_Source] | None = None
    resource_control_policy_restriction: str | None = None
    resource_control_policy_restriction_type: str | None = None
    service_control_policy_restriction: str | None = None
    service_control_policy_restriction_type: str | None = None
    access_type: str | None = None
    principal_type: str | None = None
    principal_owner_account: str | None = None
    last_accessed: datetime | None = None
    service_namespace: str | None = None
    actions: list[_UnusedAction] | None = None


class _Wire(_Details, rename="camel"):
    id: str | None = None
    finding_id: str | None = None
    resource: str | None = None
    resource_type: str | None = None
    status: str | None = None
    resource_owner_account: str | None = None
    account_id: str | None = None
    finding_type: str | None = None
    is_deleted: bool | None = None
    error: str | None = None
    region: str | None = None
    number_of_unused_services: int | None = None
    number_of_unused_actions: int | None = None
    finding_details: list[dict[str, _Details]] | None = None
    next_token: str | None = None
    created_at: datetime | None = None
    analyzed_at: datetime | None = None
    updated_at: datetime | None = None


def from_event(event: Mapping[str, Any], path: str = "") -> "Finding | Notice":
    """Read one EventBridge event of Access Analyzer.

    Raises
    ------
    BadInput
        The event is not of Access Analyzer, or its detail is not what AWS sends.
    """
    if event.get("source", "aws.access-analyzer") != "aws.access-analyzer":
        raise BadInput(
            "expected an event of aws.access-analyzer", field=path + "source", value=event["source"]
        )
    family, detail = event.get("detail-type"), event.get("detail")
    if not isinstance(family, str):
        raise BadInput("expected a string", field=path + "detail-type", value=family)
    if not isinstance(detail, Mapping):
        raise BadInput("expected an object", field=path + "detail", value=detail)
    resources = event.get("resources")
    if resources is not None and not (
        isinstance(resources, list) and all(isinstance(r, str) for r in resources)
    ):
        raise BadInput("expected a list of ARNs", field=path + "resources", value=resources)
    analyzer = resources[0] if resources else None
    if family in _NO_FINDING:
        return _notice(family, detail, path)
    region = event.get("region")
    if region is not None and not isinstance(region, str):
        raise BadInput("expected a string", field=path + "region", value=region)
    return from_api(
        detail,
        analyzer_arn=analyzer,
        region=region,
        family=_FAMILIES.get(family, family),
        path=path + "detail.",
    )


def from_api(
    value: Mapping[str, Any],
    *,
    analyzer_arn: str | None = None,
    region: str | None = None,
    family: str = "ExternalAccess",
    path: str = "",
) -> Finding:
    """Read a finding as the API gives it (v1 or v2), or the detail of an event.

    Parameters
    ----------
    value : mapping
        Decoded JSON, or what boto3 returned (datetimes are kept).
    analyzer_arn, region : str, optional
        What the surroundings know of the analyzer.
    family : str
        The finding type where the object itself names none.
    path : str
        Where `value` lies in the input, for messages.

    Raises
    ------
    BadInput
        A required field is missing or a field has a type that AWS never sends.

    Examples
    --------
    >>> from_api({"id": "1", "resource": "arn:aws:sqs:eu-west-1:111122223333:q",
    ...           "resourceType": "AWS::SQS::Queue", "status": "ACTIVE"}).account
    '111122223333'
    """
    try:
        wire = msgspec.convert(value, _Wire)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, path) from None
    finding_id = _required(wire.id or wire.finding_id, path + ("findingId" if "findingId" in value else "id"))
    resource = _required(wire.resource, path + "resource")
    resource_type = _required(wire.resource_type, path + "resourceType")
    status = _required(wire.status, path + "status")
    if status not in STATUSES:
        raise BadInput("expected ACTIVE, ARCHIVED or RESOLVED", field=path + "status", value=status)
    account = wire.resource_owner_account or wire.account_id
    if account is not None and not _is_account(account):
        field = "resourceOwnerAccount" if wire.resource_owner_account else "accountId"
        raise BadInput("expected twelve digits", field=path + field, value=account)
    parts = resource.split(":", 5)
    is_arn = len(parts) == 6 and parts[0] == "arn"
    if account is None and is_arn and _is_account(parts[4]):
        account = parts[4]
    details: list[_Details] = [wire]
    if wire.finding_details:
        details.extend(detail for union in wire.finding_details for detail in union.values())
    return Finding(
        id=finding_id,
        resource=resource,
        resource_type=resource_type,
        status=status,
        finding_type=wire.finding_type or family,
        account=account,
        analyzer_arn=analyzer_arn,
        region=_region(wire.region, analyzer_arn, region, parts[3] if is_arn else None),
        partition=parts[1] if is_arn and parts[1] else "aws",
        is_deleted=bool(wire.is_deleted),
        error=wire.error,
        incomplete=bool(wire.next_token),
        created_at=wire.created_at,
        analyzed_at=wire.analyzed_at,
        updated_at=wire.updated_at,
        **_merge(details, wire),
    )


def _merge(details: list[_Details], wire: _Wire) -> dict[str, Any]:
    """Bring one or several pages of details together; where they differ, the wider access counts."""
    granting = [d for d in details if d.principal or d.action or d.is_public is not None or d.condition]
    publics = [d.is_public for d in granting if d.is_public is not None]
    unused = [d for d in details if d.service_namespace is not None]
    unused_actions = sum(len(d.actions or ()) for d in unused)
    only = details[-1]
    return {
        "principals": _unique(
            (kind, name)
            for d in granting
            for kind, names in (d.principal or {}).items()
            for name in ((names,) if isinstance(names, str) else names)
        ),
        "actions": _unique(action for d in granting for action in d.action or ()),
        "conditions": _common_conditions([d.condition or {} for d in granting if d.action or d.principal]),
        "is_public": any(publics) if publics else None,
        "sources": _unique(source.type for d in details for source in d.sources or ()),
        "restrictions": _unique(
            restriction
            for d in details
            for restriction in (
                d.resource_control_policy_restriction,
                d.resource_control_policy_restriction_type,
                d.service_control_policy_restriction,
                d.service_control_policy_restriction_type,
            )
            if restriction
        ),
        "access_type": only.access_type or wire.access_type,
        "principal_type": only.principal_type or wire.principal_type,
        "principal_owner_account": only.principal_owner_account or wire.principal_owner_account,
        "last_accessed": only.last_accessed or wire.last_accessed,
        "unused_services": wire.number_of_unused_services if not unused else len(unused),
        "unused_actions": unused_actions or wire.number_of_unused_actions,
    }


def _common_conditions(conditions: list[dict[str, str | list[str]]]) -> tuple[Condition, ...]:
    """Keep the conditions that every grant carries, each with the values of all of them."""
    if not conditions:
        return ()
    keys = [key for key in sorted(conditions[0]) if all(key in other for other in conditions[1:])]
    return tuple(
        (key, _unique(v for c in conditions for v in ([c[key]] if isinstance(c[key], str) else c[key])))
        for key in keys
    )


def _unique(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _notice(family: str, detail: Mapping[str, Any], path: str) -> Notice:
    configured = detail.get("configuredResources") or ()
    first = configured[0] if isinstance(configured, list) and configured else ""
    return Notice(
        id=_required(detail.get("accessPreviewId"), path + "detail.accessPreviewId"),
        resource=first if isinstance(first, str) else "",
        kind=family,
        status=str(detail.get("status", "")),
    )


def _required(value: object, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise BadInput("expected a string that is not empty", field=field, value=value)
    if "\0" in value:
        raise BadInput("expected no NUL character", field=field, value=value)
    return value


def _region(*candidates: str | None) -> str | None:
    of_event, analyzer_arn, of_bus, of_resource = candidates
    of_analyzer = analyzer_arn.split(":")[3] if analyzer_arn and analyzer_arn.count(":") >= 5 else None
    return of_event or of_analyzer or of_bus or of_resource or None


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()
