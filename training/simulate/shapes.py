"""A drawn finding in the shapes that AWS uses: events of the three families, API version 1 and version 2."""

from dataclasses import dataclass
from typing import Any

from scoring.findings.arn import Arn
from training.simulate.clock import millis, nanos, offset, seconds
from training.simulate.world.description import Resource

Json = dict[str, Any]

FAMILIES = {"ExternalAccess": "Access Analyzer Finding", "InternalAccess": "Internal Access Finding"}
UNUSED_FAMILY = "Unused Access Finding for IAM entities"


@dataclass(slots=True)
class Draft:
    """Everything about one finding that any of the shapes shows."""

    resource: Resource
    finding_type: str
    analyzer: str  # ARN
    id: str = ""
    number: int = 0  # makes the id of the event itself
    status: str = "ACTIVE"
    created: float = 0.0  # seconds since the epoch
    analyzed: float = 0.0
    updated: float = 0.0
    sent: float = 0.0
    deleted: bool = False
    error: str = ""
    principal_key: str = ""
    principal: str = ""
    principal_account: str = ""
    actions: tuple[str, ...] = ()
    condition: tuple[tuple[str, str], ...] = ()
    public: bool = False
    restriction: str = ""  # of resource control policies
    service_restriction: str = ""  # of service control policies
    source: str = ""
    same_account: bool = False
    unused_services: int = 0
    unused_actions: int = 0


def event(draft: Draft) -> Json:
    """The EventBridge event of the finding's family."""
    if draft.finding_type == "ExternalAccess":
        family, detail = FAMILIES["ExternalAccess"], _external_detail(draft)
    elif draft.finding_type == "InternalAccess":
        family, detail = FAMILIES["InternalAccess"], _internal_detail(draft)
    else:
        family, detail = UNUSED_FAMILY, _unused_detail(draft)
    analyzer = Arn.parse(draft.analyzer)
    return {
        "version": "0",
        "id": f"6f0c1c1e-0000-4000-8000-{draft.number:012x}",
        "detail-type": family,
        "source": "aws.access-analyzer",
        "account": analyzer.account,
        "time": seconds(draft.sent),
        "region": analyzer.region,
        "resources": [draft.analyzer],
        "detail": detail,
    }


def _external_detail(draft: Draft) -> Json:
    detail: Json = {
        "version": "1.0",
        "id": draft.id,
        "status": draft.status,
        "resourceType": draft.resource.type,
        "resource": draft.resource.arn,
        "createdAt": seconds(draft.created),
        "analyzedAt": millis(draft.analyzed),
        "updatedAt": seconds(draft.updated),
        "accountId": draft.resource.account,
        "region": Arn.parse(draft.analyzer).region,
    }
    if draft.error:
        detail["isDeleted"] = draft.deleted
        detail["error"] = draft.error
        return detail
    detail["principal"] = {draft.principal_key: draft.principal}
    detail["action"] = list(draft.actions)
    detail["condition"] = dict(draft.condition)
    detail["isDeleted"] = draft.deleted
    detail["isPublic"] = draft.public
    if draft.restriction:
        detail["resourceControlPolicyRestriction"] = draft.restriction
    if draft.source:
        detail["sources"] = [{"type": draft.source}]
    return detail


def _internal_detail(draft: Draft) -> Json:
    detail: Json = {"version": "1.0", "id": draft.id}
    if not draft.error:
        detail["accessType"] = "INTRA_ACCOUNT" if draft.same_account else "INTRA_ORG"
        detail["action"] = list(draft.actions)
        detail["condition"] = dict(draft.condition)
        detail["principal"] = {draft.principal_key: draft.principal}
        detail["principalOwnerAccount"] = draft.principal_account
        detail["principalType"] = "IAM_USER" if ":user/" in draft.principal else "IAM_ROLE"
    detail["analyzedAt"] = nanos(draft.analyzed)
    detail["createdAt"] = nanos(draft.created)
    detail["updatedAt"] = nanos(draft.updated)
    detail["isDeleted"] = draft.deleted
    detail["findingType"] = "InternalAccess"
    detail["resource"] = draft.resource.arn
    detail["accountId"] = draft.resource.account
    detail["resourceType"] = draft.resource.type
    detail["resourceControlPolicyRestrictionType"] = draft.restriction or "NOT_APPLICABLE"
    detail["serviceControlPolicyRestrictionType"] = draft.service_restriction or "NOT_APPLICABLE"
    detail["status"] = draft.status
    if draft.error:
        detail["error"] = draft.error
    return detail


def _unused_detail(draft: Draft) -> Json:
    detail: Json = {
        "findingId": draft.id,
        "resource": draft.resource.arn,
        "resourceType": draft.resource.type,
        "accountId": draft.resource.account,
        "createdAt": seconds(draft.created),
        "analyzedAt": millis(draft.analyzed),
        "updatedAt": seconds(draft.updated),
        "previousStatus": "" if draft.status == "ACTIVE" else "ACTIVE",
        "status": draft.status,
        "version": f"62160bda-8e94-46d6-ac97-{int(draft.updated):012x}",
        "isDeleted": draft.deleted,
        "findingType": draft.finding_type,
    }
    if draft.finding_type == "UnusedPermission":
        detail["numberOfUnusedServices"] = draft.unused_services
        detail["numberOfUnusedActions"] = draft.unused_actions
    return detail


def api_v1(draft: Draft) -> Json:
    """An element of `ListFindings`; other than external findings do not exist there and come as version 2."""
    if draft.finding_type != "ExternalAccess":
        return api_v2(draft)
    finding: Json = {"id": draft.id}
    if not draft.error:
        finding["principal"] = {draft.principal_key: draft.principal}
        finding["action"] = list(draft.actions)
    finding["resource"] = draft.resource.arn
    if not draft.error:
        finding["isPublic"] = draft.public
    finding["resourceType"] = draft.resource.type
    finding["condition"] = dict(draft.condition)
    finding |= _dates(draft)
    finding["status"] = draft.status
    finding["resourceOwnerAccount"] = draft.resource.account
    if draft.error:
        finding["error"] = draft.error
    finding["sources"] = [{"type": draft.source or "POLICY"}]
    if draft.restriction:
        finding["resourceControlPolicyRestriction"] = draft.restriction
    return finding


def api_v2(draft: Draft) -> Json:
    """The answer of `GetFindingV2`."""
    finding: Json = {
        "id": draft.id,
        "resource": draft.resource.arn,
        "resourceType": draft.resource.type,
        "resourceOwnerAccount": draft.resource.account,
        "status": draft.status,
        **_dates(draft),
        "findingType": draft.finding_type,
    }
    if draft.error:
        finding["error"] = draft.error
    finding["findingDetails"] = [_details(draft)]
    if draft.finding_type == "UnusedPermission":
        finding["findingDetails"] = _unused_permissions(draft)
    return finding


def _dates(draft: Draft) -> Json:
    return {
        "createdAt": offset(draft.created),
        "analyzedAt": offset(draft.analyzed),
        "updatedAt": offset(draft.updated),
    }


def _details(draft: Draft) -> Json:
    if draft.finding_type == "UnusedIAMRole":
        return {"unusedIamRoleDetails": {"lastAccessed": offset(draft.created - 7776000)}}
    if draft.finding_type == "UnusedIAMUserAccessKey":
        access_key = f"AKIA{int(draft.created) % 16**8:016X}"
        return {
            "unusedIamUserAccessKeyDetails": {
                "accessKeyId": access_key,
                "lastAccessed": offset(draft.created - 7776000),
            }
        }
    if draft.finding_type == "UnusedIAMUserPassword":
        return {"unusedIamUserPasswordDetails": {"lastAccessed": offset(draft.created - 7776000)}}
    given: Json = {"condition": dict(draft.condition)}
    if not draft.error:
        given["action"] = list(draft.actions)
        given["principal"] = {draft.principal_key: draft.principal}
        given["sources"] = [{"type": draft.source or "POLICY"}]
    if draft.finding_type == "InternalAccess":
        if not draft.error:
            given["accessType"] = "INTRA_ACCOUNT" if draft.same_account else "INTRA_ORG"
            given["principalOwnerAccount"] = draft.principal_account
            given["principalType"] = "IAM_USER" if ":user/" in draft.principal else "IAM_ROLE"
        given["resourceControlPolicyRestriction"] = draft.restriction or "NOT_APPLICABLE"
        given["serviceControlPolicyRestriction"] = draft.service_restriction or "NOT_APPLICABLE"
        return {"internalAccessDetails": given}
    if not draft.error:
        given["isPublic"] = draft.public
        given["resourceControlPolicyRestriction"] = draft.restriction or "NOT_APPLICABLE"
    return {"externalAccessDetails": given}


_SERVICES = ("s3", "ec2", "sqs", "sns", "dynamodb", "kms", "lambda", "rds", "ecr", "logs", "iam", "sts")


def _unused_permissions(draft: Draft) -> list[Json]:
    """One element a service: what is wholly unused names no action, one more has the single actions."""
    used_last = offset(draft.created - 7776000)
    actions = [
        {"action": f"Action{number}", "lastAccessed": used_last} for number in range(draft.unused_actions)
    ]
    wholly: list[Json] = [{} for _ in range(draft.unused_services)]
    return [
        {
            "unusedPermissionDetails": {
                "serviceNamespace": _SERVICES[number % len(_SERVICES)],
                "lastAccessed": used_last,
                **more,
            }
        }
        for number, more in enumerate([*wholly, *([{"actions": actions}] if actions else [])])
    ]
