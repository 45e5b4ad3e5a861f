"""Findings of Access Analyzer as Security Hub passes them on today: in the Open Cybersecurity Schema (OCSF).

Events ``Findings Imported V2`` and answers of ``GetFindingsV2`` carry them. No captured one is public: the
fields are those that botocore's model and the schema document. The form has no place for most of what Access
Analyzer knows; `Finding.lacks` names it, and such a finding goes to a person.

References
----------
Security Hub User Guide, "EventBridge event formats"; Security Hub API Reference, "OcsfFinding" and
"OcsfFindingFilters"; schema.ocsf.io, classes 2003 (Compliance Finding) and 2008 (IAM Analysis Finding).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from scoring.files.errors import BadInput
from scoring.findings.arn import Arn, account_id, is_account_id
from scoring.findings.aws_format import NotNegative, Time, check_time
from scoring.findings.finding import Finding
from scoring.findings.security_hub_format import (
    analyzer_in,
    finding_id_in,
    finding_type_of,
    is_public_by,
    resource_type_of,
)

# Security Hub names products by ARN; the second form is that of its version 2.
_PRODUCT: Final = re.compile(r"arn:[^:]+:securityhub:[^:]*:[^:]*:product(v2)?/aws/access-analyzer")
_NAME: Final = "IAM Access Analyzer"
PRODUCT: Final = "access-triage"
RECORD: Final = "access_triage_record"
"""Under ``unmapped`` of events that we have written: the whole record."""
_SUPPRESSED, _RESOLVED, _ARCHIVED, _DELETED = 3, 4, 5, 6
_STATUSES: Final = {_SUPPRESSED: "ARCHIVED", _ARCHIVED: "ARCHIVED", _RESOLVED: "RESOLVED"}
_STATUS_NAMES: Final = {"suppressed": 3, "resolved": 4, "archived": 5, "deleted": 6}
_ACTION: Final = re.compile(r"[\w-]+:[\w*?]+|\*", re.ASCII)


class _Product(msgspec.Struct):
    uid: str | None = None
    name: str | None = None
    vendor_name: str | None = None


class _Metadata(msgspec.Struct):
    product: _Product | None = None


class _Info(msgspec.Struct):
    uid: str | None = None
    title: str | None = None
    desc: str | None = None
    types: list[str] | None = None
    src_url: str | None = None
    created_time: int | None = None
    created_time_dt: Time | None = None
    modified_time: int | None = None
    modified_time_dt: Time | None = None


class _Account(msgspec.Struct):
    uid: str | None = None


class _Owner(msgspec.Struct):
    account: _Account | None = None


class _Resource(msgspec.Struct):
    uid: str | None = None
    type: str | None = None
    region: str | None = None
    owner: _Owner | None = None


class _Cloud(msgspec.Struct):
    region: str | None = None


class _Accessor(msgspec.Struct):
    uid: str | None = None
    name: str | None = None


class _KeyValue(msgspec.Struct):
    name: str
    value: str | None = None
    values: list[str] | None = None


class _Access(msgspec.Struct):
    accessors: list[_Accessor] = []
    granted_privileges: list[str] = []
    condition_keys: list[_KeyValue] = []


class _Permissions(msgspec.Struct):
    unused_services_count: NotNegative | None = None
    unused_privileges_count: NotNegative | None = None


class _Wire(msgspec.Struct):
    metadata: _Metadata | None = None
    finding_info: _Info | None = None
    resources: list[_Resource] | None = None
    cloud: _Cloud | None = None
    status_id: int | None = None
    status: str | None = None
    time: int | None = None
    access_analysis_result: _Access | None = None
    permission_analysis_results: list[_Permissions] | None = None


def is_finding(value: Mapping[str, Any]) -> bool:
    """Say whether this is a finding in OCSF, of whatever product."""
    return "class_uid" in value or "finding_info" in value


def our_record(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record in an event that we have written ourselves; None for any other.

    Security Hub passes on no such event: its own name the product by an ARN.
    """
    metadata = value.get("metadata")
    product = metadata.get("product") if isinstance(metadata, Mapping) else None
    if not isinstance(product, Mapping) or product.get("name") != PRODUCT or "uid" in product:
        return None
    unmapped = value.get("unmapped")
    record = unmapped.get(RECORD) if isinstance(unmapped, Mapping) else None
    return record if isinstance(record, Mapping) and "finding" in record else None


def from_ocsf(value: Mapping[str, Any], path: str = "") -> Finding:
    """Read one finding of Access Analyzer from OCSF.

    Parameters
    ----------
    value : mapping
        Decoded JSON.
    path : str
        Where `value` lies in the input, for messages.

    Raises
    ------
    BadInput
        The finding is another product's, it names no resource, or it is not what Security Hub sends.

    Notes
    -----
    Suppressed counts as archived. The account is the resource's owner, never the one under which Security Hub
    files the finding: that may be the analyzer's.

    Examples
    --------
    >>> found = from_ocsf({
    ...     "class_uid": 2003,
    ...     "metadata": {"product": {"name": "IAM Access Analyzer", "vendor_name": "AWS"}},
    ...     "finding_info": {
    ...         "uid": "f",
    ...         "title": "x allows public access",
    ...         "types": ["Effects/Data Exposure/External Access Granted"],
    ...     },
    ...     "resources": [{"type": "AWS::S3::Bucket", "uid": "arn:aws:s3:::reports"}],
    ... })
    >>> found.is_public, found.lacks
    (True, ('principals', 'actions', 'conditions'))
    """
    try:
        wire = msgspec.convert(value, _Wire)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, path) from None
    _check_product((wire.metadata and wire.metadata.product) or _Product(), path)
    resource, name = _resource(wire, path)
    info = wire.finding_info or _Info()
    if not info.uid:
        expected = "expected a string that is not empty"
        raise BadInput(expected, field=path + "finding_info.uid", value=info.uid)
    created = _time(info.created_time_dt, info.created_time, path + "finding_info.created_time")
    updated = _time(info.modified_time_dt, info.modified_time, path + "finding_info.modified_time")
    arn = Arn.try_parse(name)
    analyzer, region = analyzer_in(info.uid)
    finding_type = finding_type_of(info.types or ())
    is_external = finding_type == "ExternalAccess"
    access = wire.access_analysis_result or _Access()
    services, actions = _unused(wire.permission_analysis_results or [])
    status = wire.status_id or _STATUS_NAMES.get((wire.status or "").lower(), 0)
    finding = Finding(
        id=finding_id_in(info.src_url, info.uid),
        resource=name,
        resource_type=resource_type_of(resource.type or "", info.desc),
        status=_STATUSES.get(status, "ACTIVE"),
        finding_type=finding_type,
        account=_account(resource, arn, path),
        analyzer_arn=analyzer,
        region=region
        or (wire.cloud and wire.cloud.region)
        or resource.region
        or (arn and arn.region)
        or None,
        partition=(arn.partition if arn else "") or "aws",
        principals=_principals(access),
        actions=tuple(dict.fromkeys(a for a in access.granted_privileges if _ACTION.fullmatch(a))),
        conditions=_conditions(access),
        is_public=is_public_by(info.title, info.types or ()) if is_external else None,
        is_deleted=status == _DELETED,
        unused_services=services,
        unused_actions=actions,
        created_at=created,
        updated_at=updated,
    )
    return msgspec.structs.replace(finding, lacks=_lacks(finding))


def _check_product(product: _Product, path: str) -> None:
    if product.uid is None and product.name == _NAME and product.vendor_name in ("AWS", "Amazon"):
        return
    if product.uid is None or not _PRODUCT.fullmatch(product.uid):
        field = "uid" if product.uid is not None or product.name in (None, _NAME) else "name"
        raise BadInput(
            "expected a finding of IAM Access Analyzer",
            field=f"{path}metadata.product.{field}",
            value=getattr(product, field),
        )


def _resource(wire: _Wire, path: str) -> tuple[_Resource, str]:
    """Return the resource, and its ARN."""
    resources = wire.resources or []
    if len(resources) != 1:
        expected = f"expected one resource, got {len(resources) or 'none'}"
        raise BadInput(expected, field=path + "resources")
    [resource] = resources
    for name in ("uid", "type"):
        if not getattr(resource, name):
            raise BadInput(
                "expected a string that is not empty",
                field=f"{path}resources[0].{name}",
                value=getattr(resource, name),
            )
    return resource, resource.uid or ""


def _account(resource: _Resource, arn: Arn | None, path: str) -> str | None:
    owner = resource.owner.account.uid if resource.owner and resource.owner.account else None
    if owner is not None:
        return account_id(owner, field=f"{path}resources[0].owner.account.uid")
    return arn.account if arn is not None and is_account_id(arn.account) else None


def _time(named: datetime | None, milliseconds: int | None, field: str) -> datetime | None:
    if named is not None or milliseconds is None:
        check_time(named, field, "_dt")
        return named
    try:
        found = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise BadInput("expected milliseconds since 1970", field=field, value=milliseconds) from None
    check_time(found, field, "")
    return found


def _principals(access: _Access) -> tuple[tuple[str, str], ...]:
    """Return those who get access; the schema says no kind, so it is taken from how each is written."""
    named = [accessor.uid or accessor.name or "" for accessor in access.accessors]
    return tuple(dict.fromkeys((_kind(name), name) for name in named if name))


def _kind(name: str) -> str:
    if name.endswith((".amazonaws.com", ".amazonaws.com.cn")) and not name.startswith("cognito-identity."):
        return "Service"
    is_aws = name == "*" or is_account_id(name) or name.startswith("arn:")
    is_provider = ":oidc-provider/" in name or ":saml-provider/" in name
    return "AWS" if is_aws and not is_provider else "Federated"


def _conditions(access: _Access) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, tuple[str, ...]] = {}
    for one in access.condition_keys:
        values = one.values if one.values is not None else [one.value] if one.value is not None else []
        found[one.name] = (*found.get(one.name, ()), *values)
    return tuple(sorted(found.items()))


def _unused(results: list[_Permissions]) -> tuple[int | None, int | None]:
    """Return the counts; of several policies nobody knows how far they name the same."""
    if len(results) != 1:
        return None, None
    return results[0].unused_services_count, results[0].unused_privileges_count


def _lacks(finding: Finding) -> tuple[str, ...]:
    """Name what decides and is not there; conditions never stand there for certain."""
    if finding.finding_type == "UnusedPermission":
        return () if finding.unused_services is not None else ("unused services and actions",)
    if finding.is_unused_access:
        return ()
    missing = (
        "all principals" if finding.principals else "principals",
        "all actions" if finding.actions else "actions",
        "all conditions" if finding.conditions else "conditions",
        "" if finding.is_public is not None else "whether it is public",
    )
    return tuple(name for name in missing if name)
