"""Every shape in which AWS hands out a finding, turned into one frozen `Finding`.

Understood are EventBridge events of the three families, the API's and CLI's ``Finding`` (v1) and
``FindingV2`` objects; findings of Security Hub (ASFF and OCSF) have modules of their own. What AWS could
never have sent is bad input.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from scoring.files.errors import BadInput
from scoring.findings.arn import Arn, account_id, is_account_id
from scoring.findings.aws_format import KINDS, Details, Event, Preview, Wire, check_time, merge

FINDING_TYPES = (
    "ExternalAccess",
    "InternalAccess",
    "UnusedIAMRole",
    "UnusedIAMUserAccessKey",
    "UnusedIAMUserPassword",
    "UnusedPermission",
)
STATUSES = ("ACTIVE", "ARCHIVED", "RESOLVED")

_FAMILIES = {
    "Access Analyzer Finding": "ExternalAccess",
    "Internal Access Finding": "InternalAccess",
    "Unused Access Finding for IAM entities": "Unused access, type not given",
}
_PREVIEW = "Access Preview State Change"
# CloudTrail reports calls to Access Analyzer under the same source; our own calls are among them.
_CALLS = (
    "AWS API Call via CloudTrail",
    "AWS Console Action via CloudTrail",
    "AWS Service Event via CloudTrail",
)

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
    access_points : tuple of str
        ARNs of the access points that grant the access.
    access_key_id : str or None
        The access key that nobody uses; a user may have two.
    unused : tuple of str
        What nobody uses: a service (``s3``) where all of it is unused, else single actions
        (``s3:GetObject``).
    unused_services, unused_actions : int or None
        As AWS counts them: services that are wholly unused, and the single unused actions of the others.
    incomplete : bool
        Further pages of details exist that are not here.
    lacks : tuple of str
        What decides and this form of a finding has no place for, in words: ``conditions``.
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
    access_points: tuple[str, ...] = ()
    restrictions: tuple[str, ...] = ()
    access_type: str | None = None
    principal_type: str | None = None
    principal_owner_account: str | None = None
    access_key_id: str | None = None
    unused: tuple[str, ...] = ()
    unused_services: int | None = None
    unused_actions: int | None = None
    last_accessed: datetime | None = None
    incomplete: bool = False
    lacks: tuple[str, ...] = ()
    created_at: datetime | None = None
    analyzed_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_unused_access(self) -> bool:
        """Whether the finding is about access that nobody uses, so that no principal is given any."""
        return self.finding_type.startswith("Unused")

    def says_the_same(self, other: "Finding") -> bool:
        """Whether two readings of a finding agree in everything but their times.

        Examples
        --------
        >>> before = Finding(id="f", resource="r", resource_type="t", status="ACTIVE", finding_type="x")
        >>> before.says_the_same(msgspec.structs.replace(before, updated_at=datetime(2026, 11, 1, 10)))
        True
        >>> before.says_the_same(msgspec.structs.replace(before, is_public=True))
        False
        """
        return _without_times(self) == _without_times(other)


def _without_times(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, created_at=None, analyzed_at=None, updated_at=None)


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """An event of Access Analyzer that is no finding: an access preview, or a call that CloudTrail saw."""

    id: str
    resource: str
    kind: str
    status: str
    account: str | None = None


def from_event(event: Mapping[str, Any], path: str = "") -> "Finding | Notice":
    """Read one EventBridge event of Access Analyzer.

    Raises
    ------
    BadInput
        The event is not of Access Analyzer, or its detail is not what AWS sends.
    """
    try:
        wire = msgspec.convert(event, Event)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, path) from None
    if wire.source != "aws.access-analyzer":
        raise BadInput("expected an event of aws.access-analyzer", field=path + "source", value=wire.source)
    if wire.family == _PREVIEW:
        return _preview(wire, path)
    if wire.family in _CALLS:
        event_id = _required(wire.detail.get("eventID"), path + "detail.eventID")
        return Notice(id=event_id, resource="", kind=wire.family, status="")
    return from_api(
        wire.detail,
        analyzer_arn=wire.resources[0] if wire.resources else None,
        region=wire.region,
        family=_FAMILIES.get(wire.family, wire.family),
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
        Of the analyzer, from the event or the command; a finding does not always name it.
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
        wire = msgspec.convert(value, Wire)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, path) from None
    check_time(wire.created_at, path, "createdAt")
    check_time(wire.analyzed_at, path, "analyzedAt")
    check_time(wire.updated_at, path, "updatedAt")
    analyzer_arn = analyzer_arn or wire.analyzer_arn
    finding_id = _required(wire.id or wire.finding_id, path + ("findingId" if "findingId" in value else "id"))
    resource = _required(wire.resource, path + "resource")
    resource_type = _required(wire.resource_type, path + "resourceType")
    status = _required(wire.status, path + "status")
    if status not in STATUSES:
        raise BadInput("expected ACTIVE, ARCHIVED or RESOLVED", field=path + "status", value=status)
    account = wire.resource_owner_account or wire.account_id
    if account is not None:
        named = "resourceOwnerAccount" if wire.resource_owner_account else "accountId"
        account = account_id(account, field=path + named)
    arn = Arn.try_parse(resource)
    if account is None and arn is not None and is_account_id(arn.account):
        account = arn.account
    details: list[Details] = [wire]
    is_incomplete = bool(wire.next_token)
    for union in wire.finding_details or ():
        details.extend(union.values())
        is_incomplete = is_incomplete or not KINDS.issuperset(union)
    fields = merge(details)
    if is_incomplete or fields["unused_services"] is None:
        fields["unused_services"] = wire.number_of_unused_services
        fields["unused_actions"] = wire.number_of_unused_actions
    return Finding(
        id=finding_id,
        resource=resource,
        resource_type=resource_type,
        status=status,
        finding_type=wire.finding_type or family,
        account=account,
        analyzer_arn=analyzer_arn,
        region=_region(wire.region, analyzer_arn, region, arn.region if arn else None),
        partition=(arn.partition if arn else "") or "aws",
        is_deleted=bool(wire.is_deleted),
        error=wire.error,
        incomplete=is_incomplete,
        created_at=wire.created_at,
        analyzed_at=wire.analyzed_at,
        updated_at=wire.updated_at,
        **fields,
    )


def _preview(event: Event, path: str) -> Notice:
    try:
        wire = msgspec.convert(event.detail, Preview)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, path + "detail.") from None
    return Notice(
        id=_required(wire.access_preview_id, path + "detail.accessPreviewId"),
        resource=wire.configured_resources[0] if wire.configured_resources else "",
        kind=event.family,
        status=wire.status,
    )


def _required(value: object, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise BadInput("expected a string that is not empty", field=field, value=value)
    if "\0" in value:
        raise BadInput("expected no NUL character", field=field, value=value)
    return value


def _region(*candidates: str | None) -> str | None:
    of_event, analyzer_arn, of_bus, of_resource = candidates
    if of_event:
        return of_event
    analyzer = Arn.try_parse(analyzer_arn or "")
    return (analyzer and analyzer.region) or of_bus or of_resource or None
