"""Findings of Access Analyzer as Security Hub passes them on, in its own format (ASFF).

Security Hub carries less than Access Analyzer knows, and some of it as text. What it does not carry stays
unknown.

References
----------
IAM User Guide, "Integrate IAM Access Analyzer with AWS Security Hub"; Security Hub User Guide, "ASFF syntax".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from scoring.files.errors import BadInput
from scoring.findings.arn import Arn, account_id, is_account_id
from scoring.findings.aws_format import Event, Time, check_time
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import TABLE

PRODUCT = ":product/aws/access-analyzer"

_MARKS = frozenset({"ProductArn", "GeneratorId", "SchemaVersion"})
_PUBLIC = "Effects/Data Exposure/External Access Granted"
_CROSS_ACCOUNT = "Software and Configuration Checks/AWS Security Best Practices/External Access Granted"
_FINDING_TYPES = {
    "External Access Granted": "ExternalAccess",
    "Unused Permission": "UnusedPermission",
    "Unused IAM Role": "UnusedIAMRole",
    "Unused IAM User Password": "UnusedIAMUserPassword",
    "Unused IAM User Access Key": "UnusedIAMUserAccessKey",
}
_RESOURCE_TYPES = {row.security_hub: row.name for row in TABLE.values() if row.security_hub}
_PRINCIPAL_KINDS = ("AWS", "Federated", "Service", "CanonicalUser")
# The longest value that the format holds; a list of actions of this length may have been cut.
_LONGEST = 1023

# One principal at a time, and "none" beside a condition that is there.
_LACKS = ("other principals", "conditions")

_ANALYZER = re.compile(r"(arn:[^:/]+:access-analyzer:([^:/]*):[0-9]{12}:analyzer/[^/]+)/")
_DETAILS_PAGE = re.compile(r"#/findings/details/([^/?#]+)")
_DESCRIBED_TYPE = re.compile(r"(AWS::\w+::\w+)/")
_ACTION = re.compile(r"[\w-]+:[\w*?]+|\*", re.ASCII)


class _Details(msgspec.Struct, rename="pascal"):
    other: dict[str, str] | None = None


class _Resource(msgspec.Struct, rename="pascal"):
    type: str
    id: str
    details: _Details | None = None


class _Workflow(msgspec.Struct, rename="pascal"):
    status: str | None = None


class _Severity(msgspec.Struct, rename="pascal"):
    label: str | None = None
    normalized: int | None = None
    product: float | None = None


class _Wire(msgspec.Struct, rename="pascal"):
    product_arn: str
    id: str
    resources: list[_Resource]
    record_state: Literal["ACTIVE", "ARCHIVED"]
    types: list[str] | None = None
    title: str | None = None
    description: str | None = None
    source_url: str | None = None
    product_fields: dict[str, str] | None = None
    workflow: _Workflow | None = None
    region: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    schema_version: str | None = None
    product_name: str | None = None
    company_name: str | None = None
    generator_id: str | None = None
    aws_account_id: str | None = None
    severity: _Severity | None = None
    workflow_state: str | None = None


def is_event(value: Mapping[str, Any]) -> bool:
    """Say whether this is an EventBridge event of Security Hub, which carries a list of findings."""
    family = value.get("detail-type")
    return value.get("source") == "aws.securityhub" or (
        isinstance(family, str) and family.startswith("Security Hub")
    )


def findings_of(event: Mapping[str, Any]) -> list[Any]:
    """Return the findings that an event of Security Hub carries.

    Raises
    ------
    BadInput
        The event carries none, as those of insights and controls do.
    """
    try:
        wire = msgspec.convert(event, Event)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error) from None
    findings = wire.detail.get("findings")
    if not isinstance(findings, list):
        raise BadInput("expected a list of findings", field="detail.findings", value=findings)
    return findings


def is_finding(value: Mapping[str, Any]) -> bool:
    """Say whether this is a finding in Security Hub's format, of whatever product."""
    return not _MARKS.isdisjoint(value)


def from_asff(value: Mapping[str, Any], path: str = "") -> Finding:
    """Read one finding of Access Analyzer from Security Hub's format.

    Parameters
    ----------
    value : mapping
        Decoded JSON.
    path : str
        Where `value` lies in the input, for messages.

    Raises
    ------
    BadInput
        The finding is another product's, or it is not what Security Hub sends.

    Notes
    -----
    Archived in Security Hub means archived or resolved in Access Analyzer. What somebody suppressed or
    resolved in Security Hub itself counts as archived or resolved too. The account is the resource's, never
    the one under which Security Hub files the finding: that may be the analyzer's.

    Examples
    --------
    >>> from_asff({
    ...     "ProductArn": "arn:aws:securityhub:us-west-2::product/aws/access-analyzer",
    ...     "Id": "arn:aws:access-analyzer:us-west-2:111122223333:analyzer/main/arn:aws:s3:::reports",
    ...     "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::reports"}],
    ...     "RecordState": "ACTIVE",
    ... }).resource_type
    'AWS::S3::Bucket'
    """
    product = value.get("ProductArn")
    if not (isinstance(product, str) and product.startswith("arn:") and product.endswith(PRODUCT)):
        raise BadInput("expected a finding of IAM Access Analyzer", field=path + "ProductArn", value=product)
    try:
        wire = msgspec.convert(value, _Wire)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, path) from None
    if len(wire.resources) != 1:
        raise BadInput(f"expected one resource, got {len(wire.resources)}", field=path + "Resources")
    resource = wire.resources[0]
    required = {"Id": wire.id, "Resources[0].Id": resource.id, "Resources[0].Type": resource.type}
    for field, text in required.items():
        if not text:
            raise BadInput("expected a string that is not empty", field=path + field, value=text)
    check_time(wire.created_at, path, "CreatedAt")
    check_time(wire.updated_at, path, "UpdatedAt")
    fields = wire.product_fields or {}
    other = (resource.details.other if resource.details else None) or {}
    finding_type = _finding_type(wire, fields)
    analyzer, region = analyzer_in(wire.id)
    arn = Arn.try_parse(resource.id)
    actions, is_whole = _actions(other.get("Action Granted"))
    restriction = other.get("Resource Control Policy Restriction Type")
    return Finding(
        id=fields.get("findingId") or finding_id_in(wire.source_url, wire.id),
        resource=resource.id,
        resource_type=resource_type_of(resource.type, wire.description),
        status=_status(wire),
        finding_type=finding_type,
        account=_account(fields, arn, path),
        analyzer_arn=analyzer,
        region=region or wire.region or (arn.region if arn else "") or None,
        partition=_partition(resource.id) or _partition(product) or "aws",
        principals=_principals(other),
        actions=actions,
        is_public=is_public_by(wire.title, wire.types or ()) if finding_type == "ExternalAccess" else None,
        restrictions=(restriction,) if restriction else (),
        unused_services=_count(fields, "numberOfUnusedServices", path),
        unused_actions=_count(fields, "numberOfUnusedActions", path),
        incomplete=not is_whole or _has_condition(other),
        lacks=() if finding_type.startswith("Unused") else _LACKS,
        created_at=wire.created_at,
        updated_at=wire.updated_at,
    )


def analyzer_in(security_hubs_id: str) -> tuple[str | None, str | None]:
    """Return the analyzer's ARN and region, where Security Hub's id of a finding begins with them."""
    found = _ANALYZER.match(security_hubs_id)
    return (found[1], found[2]) if found else (None, None)


def finding_id_in(url: str | None, otherwise: str) -> str:
    """Return Access Analyzer's own id where an address names it, or else the one that Security Hub uses."""
    page = _DETAILS_PAGE.search(url or "")
    return page[1] if page else otherwise


def finding_type_of(types: Sequence[str], otherwise: str = "") -> str:
    """Translate Security Hub's types of a finding."""
    names = [name.rsplit("/", 1)[-1] for name in types]
    known = [_FINDING_TYPES[name] for name in names if name in _FINDING_TYPES]
    return known[0] if known else otherwise or (names[0] if names else "type not given")


def _finding_type(wire: _Wire, fields: Mapping[str, str]) -> str:
    named = fields.get("findingType", "")
    return named if named in FINDING_TYPES else finding_type_of(wire.types or (), named)


def resource_type_of(security_hubs: str, description: str | None) -> str:
    """Translate the type; where Security Hub has no name for it, the description begins with AWS's own."""
    known = _RESOURCE_TYPES.get(security_hubs)
    described = _DESCRIBED_TYPE.match(description or "")
    return known or (described[1] if described and security_hubs == "Other" else security_hubs)


def _status(wire: _Wire) -> str:
    workflow = wire.workflow.status if wire.workflow else None
    if workflow == "RESOLVED":
        return "RESOLVED"
    return "ARCHIVED" if wire.record_state == "ARCHIVED" or workflow == "SUPPRESSED" else "ACTIVE"


def _partition(text: str) -> str:
    arn = Arn.try_parse(text)
    return arn.partition if arn else ""


def _account(fields: Mapping[str, str], resource: Arn | None, path: str) -> str | None:
    # AWS writes the name in both ways.
    for name in ("ResourceOwnerAccount", "resourceOwnerAccount"):
        account = fields.get(name)
        if account is not None:
            return account_id(account, field=f"{path}ProductFields.{name}")
    return resource.account if resource is not None and is_account_id(resource.account) else None


def _principals(other: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    kind, name = other.get("External Principal Type"), other.get("External Principal")
    return ((kind, name),) if kind in _PRINCIPAL_KINDS and name else ()


def _actions(text: str | None) -> tuple[tuple[str, ...], bool]:
    """Split the actions, and say whether all of them are there."""
    actions = tuple(dict.fromkeys(action.strip() for action in (text or "").split(",") if action.strip()))
    return actions, len(text or "") < _LONGEST and all(_ACTION.fullmatch(action) for action in actions)


def _has_condition(other: Mapping[str, str]) -> bool:
    """Say whether there is a condition; no form of its text is documented but ``none``, so it is not read."""
    return other.get("Condition", "").strip().lower() not in ("", "none")


def is_public_by(title: str | None, types: Sequence[str]) -> bool | None:
    """Say whether a finding's title and types say that access is public; None where they do not say."""
    title = title or ""
    if _PUBLIC in types or title.endswith("allows public access"):
        return True
    return False if _CROSS_ACCOUNT in types and title.endswith("allows cross-account access") else None


def _count(fields: Mapping[str, str], name: str, path: str) -> int | None:
    text = fields.get(name)
    if text is not None and not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise BadInput("expected a whole number", field=f"{path}ProductFields.{name}", value=text)
    return None if text is None else int(text)
