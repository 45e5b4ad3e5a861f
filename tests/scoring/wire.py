"""Findings written as AWS sends them."""

from typing import Any

from scoring.findings.finding import Finding


def as_json(finding: Finding, shape: str) -> dict[str, Any]:
    """Write a finding as AWS does: an ``event`` of its family, or as ``v1`` or ``v2`` of the API has it."""
    details: dict[str, Any] = {}
    if finding.error is None and not finding.is_unused_access:
        details = {
            "principal": _as_map(finding.principals),
            "action": list(finding.actions),
            "condition": {
                key: values[0] if len(values) == 1 else list(values) for key, values in finding.conditions
            },
        }
        if finding.sources:
            details["sources"] = [{"type": source} for source in finding.sources]
        if finding.is_public is not None:
            details["isPublic"] = finding.is_public
        if finding.access_type is not None:
            details["accessType"] = finding.access_type
    for name, restriction in zip(("resource", "service"), finding.restrictions, strict=False):
        details[f"{name}ControlPolicyRestriction" + ("Type" if shape == "event" else "")] = restriction
    common: dict[str, Any] = {
        "id": finding.id,
        "resource": finding.resource,
        "resourceType": finding.resource_type,
        "status": finding.status,
        "findingType": finding.finding_type,
    }
    if finding.error is not None:
        common["error"] = finding.error
    if shape == "v2":
        union = (
            "internalAccessDetails" if finding.finding_type == "InternalAccess" else "externalAccessDetails"
        )
        return {**common, "resourceOwnerAccount": finding.account, "findingDetails": [{union: details}]}
    if shape == "v1":
        return {**common, "resourceOwnerAccount": finding.account, **details}
    if finding.unused_services is not None:
        common["numberOfUnusedServices"] = finding.unused_services
    family = {"ExternalAccess": "Access Analyzer Finding", "InternalAccess": "Internal Access Finding"}
    return {
        "detail-type": family.get(finding.finding_type, "Unused Access Finding for IAM entities"),
        "source": "aws.access-analyzer",
        "region": "eu-west-1",
        "resources": ["arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org"],
        "detail": {**common, "accountId": finding.account, "isDeleted": finding.is_deleted, **details},
    }


def _as_map(principals: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    by_kind: dict[str, list[str]] = {}
    for kind, value in principals:
        by_kind.setdefault(kind, []).append(value)
    return {kind: values[0] if len(values) == 1 else values for kind, values in by_kind.items()}
