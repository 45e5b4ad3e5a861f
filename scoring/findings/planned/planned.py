"""Planned resources with their policies -> the findings that Access Analyzer would raise."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from scoring.files.errors import BadInput
from scoring.findings.access.principal import parse
from scoring.findings.arn import Arn, is_account_id
from scoring.findings.context import Context
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Fact, Present, Unknown
from scoring.findings.finding import Finding
from scoring.findings.planned.grants import OWN_ACCOUNT, Grant, Unresolved, grants_of
from scoring.findings.record import Case
from scoring.findings.resource_types import TABLE


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a change is written down.

    Attributes
    ----------
    name : str
        A template's logical id, a plan's address; empty for a policy file.
    line : int or None
        From 1; None where the file was not written by a person.
    """

    file: str
    name: str = ""
    line: int | None = None


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """Where a change would be deployed, as far as it is known.

    Attributes
    ----------
    parameters : mapping
        Values of a template's parameters.
    """

    account: str | None = None
    region: str | None = None
    partition: str = "aws"
    parameters: Mapping[str, str] = {}


class PlannedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A resource, and one of the policies (or lists) that open it.

    Attributes
    ----------
    resource : str
        Its ARN; where that is not known yet, a text that names it.
    document : object
        A policy as `scoring.findings.planned.grants.grants_of` takes it.
    source : str
        As Access Analyzer says it of buckets: ``POLICY``, ``BUCKET_ACL``, ``S3_ACCESS_POINT``.
    """

    place: Place
    resource: str
    resource_type: str
    document: object
    tags: Fact[dict[str, str]] = NOT_LOOKED_UP
    source: str = "POLICY"
    path: str = "policy"


class PlannedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that a change would raise, where it comes from, and what was not judged about it."""

    place: Place
    case: Case
    notes: tuple[str, ...] = ()


def cases_of(planned: PlannedPolicy, deployment: Deployment) -> Iterator[PlannedCase]:
    """Turn one policy into findings: one for each principal outside the account and set of conditions.

    A service that a role trusts is left out, as Access Analyzer leaves it out: the role's own account decides
    what the service may do with it.

    Raises
    ------
    BadInput
        The document is no policy of a resource.
    """
    is_role = planned.resource_type == "AWS::IAM::Role"
    for grant in grants_of(planned.document, planned.path):
        if grant.principal is not None and _is_own(grant.principal, deployment.account):
            continue
        if is_role and grant.principal is not None and grant.principal[0] == "Service":
            continue
        yield _case(planned, grant, deployment)


def _is_own(principal: tuple[str, str], account: str | None) -> bool:
    kind, value = principal
    if kind != "AWS":
        return False
    arn = Arn.try_parse(value)
    if OWN_ACCOUNT in (value, arn.account if arn else ""):
        return True
    return account is not None and parse(kind, value).account == account


def _case(planned: PlannedPolicy, grant: Grant, deployment: Deployment) -> PlannedCase:
    arn = Arn.try_parse(planned.resource)
    account = deployment.account or (arn.account if arn and is_account_id(arn.account) else None)
    principals = () if grant.principal is None else (grant.principal,)
    is_public = None
    if grant.principal is not None:
        is_public = parse(*grant.principal).kind == "anyone" and not grant.conditions
    finding = Finding(
        id=_id(planned, grant),
        resource=planned.resource,
        resource_type=planned.resource_type,
        status="ACTIVE",
        finding_type="ExternalAccess",
        account=account,
        region=deployment.region or (arn and arn.region) or None,
        partition=(arn.partition if arn else "") or deployment.partition,
        principals=principals,
        actions=grant.actions,
        conditions=grant.conditions,
        is_public=is_public,
        sources=(planned.source,) if planned.resource_type == "AWS::S3::Bucket" else (),
        lacks=grant.lacks,
    )
    has_aliases = planned.resource_type == "AWS::KMS::Key"
    context = Context(
        tags=planned.tags,
        aliases=NOT_LOOKED_UP if has_aliases else ABSENT,
        reactivated_by=ABSENT,
    )
    notes = tuple(f"{lack}: counted as the worst" for lack in grant.lacks) + grant.notes
    return PlannedCase(
        place=planned.place, case=Case(finding=finding, context=context, raw=raw_of(finding)), notes=notes
    )


def raw_of(finding: Finding) -> dict[str, Any]:
    """Write a planned finding as the API would give it, so that a record of it reads back the same."""
    raw: dict[str, Any] = {
        "id": finding.id,
        "resource": finding.resource,
        "resourceType": finding.resource_type,
        "status": finding.status,
        "findingType": finding.finding_type,
        "action": list(finding.actions),
        "condition": {key: list(values) for key, values in finding.conditions},
        "isPublic": finding.is_public,
        "resourceOwnerAccount": finding.account,
        "region": finding.region,
        "sources": [{"type": source} for source in finding.sources],
    }
    if finding.principals:
        raw["principal"] = dict(finding.principals)
    return {name: value for name, value in raw.items() if value is not None}


def _id(planned: PlannedPolicy, grant: Grant) -> str:
    """Name a finding by what it says, so that the next run of the same change names it the same."""
    said = (planned.place.name, planned.resource, planned.resource_type, planned.source, grant.principal)
    conditions = (grant.actions, grant.conditions, grant.lacks)
    return hashlib.sha256(msgspec.json.encode((said, conditions))).hexdigest()[:32]


def tags_of(listed: object) -> Fact[dict[str, str]]:
    """Read tags as templates and plans write them: a list of Key and Value, or an object; none is empty.

    One that cannot be resolved leaves all of them unknown.
    """
    if listed is None:
        return ABSENT
    if isinstance(listed, Unresolved):
        return Unknown(listed.why)
    pairs: list[tuple[object, object]] = []
    if isinstance(listed, Mapping):
        pairs = list(listed.items())
    elif isinstance(listed, list):
        for one in listed:
            if not isinstance(one, Mapping):
                return Unknown(one.why if isinstance(one, Unresolved) else "not a list of tags")
            pairs.append((one.get("Key"), one.get("Value")))
    else:
        return Unknown("not a list of tags")
    found: dict[str, str] = {}
    for key, value in pairs:
        for part in (key, value):
            if isinstance(part, Unresolved):
                return Unknown(part.why)
        if not isinstance(key, str) or isinstance(value, (list, Mapping)) or value is None:
            return Unknown("not a list of tags")
        found[key] = str(value)
    return Present(found) if found else ABSENT


def named(resource_type: str, name: object, label: str, deployment: Deployment) -> str:
    """Return a resource's ARN where its own name and all else are known, or a text that names it.

    That text ends as no bucket is called: nobody's list of names can match it.
    """
    row = TABLE.get(resource_type)
    if isinstance(name, str) and name.startswith("arn:"):
        return name
    if row is not None and isinstance(name, str) and name:
        prefix = row.arn
        for word, value in (("{region}", deployment.region), ("{account}", deployment.account)):
            if word in prefix and value is None:
                return f"{label} (ARN not known yet)"
            prefix = prefix.replace(word, value or "")
        return f"arn:{deployment.partition}:{prefix}{name}"
    return f"{label} (ARN not known yet)"


def type_of_arn(text: str) -> str | None:
    """Return the resource type that an ARN is of; None where none of ours begins like it."""
    arn = Arn.try_parse(text)
    if arn is None:
        return None
    rows = [r for r in TABLE.values() if r.service == arn.service and arn.resource.startswith(r.prefix)]
    if "/stream/" in arn.resource and arn.service == "dynamodb":
        return "AWS::DynamoDB::Stream"
    return rows[0].name if rows else None


def policy_file(
    document: Mapping[str, Any], place: Place, resource: str | None, kind: str | None
) -> PlannedPolicy:
    """Take a bare policy for the resource that the command line names.

    Raises
    ------
    BadInput
        Nobody says what it is the policy of.
    """
    resource_type = kind or (type_of_arn(resource) if resource else None) or _type_by_actions(document)
    if resource_type is None:
        raise BadInput(
            "says not what it is the policy of: name it by --resource-type or --resource", field="Statement"
        )
    return PlannedPolicy(
        place=place,
        resource=resource or f"{place.file.rsplit('/', 1)[-1]} (ARN not known yet)",
        resource_type=resource_type,
        document=document,
    )


def _type_by_actions(document: Mapping[str, Any]) -> str | None:
    """Return the one type whose service all actions are of; the policies of roles are about STS."""
    services = set()
    for grant in grants_of(document):
        services |= {action.partition(":")[0].lower() for action in grant.actions}
    if services == {"sts"}:
        return "AWS::IAM::Role"
    one = services.pop() if len(services) == 1 else ""
    rows = [row.name for row in TABLE.values() if row.service == one and one not in ("iam", "ec2", "rds")]
    return rows[0] if rows else None
