"""What each function may do, each action on the resources that IAM lets us name."""

from collections.abc import Iterable, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from scoring.aws.enrich import ALLOWED_ON, MEMBER_ACTIONS, OWN_ACTIONS, organization

_EVERYWHERE = ("*",)
_ORGANIZATION = ("organizations::*:account/o-*/*", "organizations::*:ou/o-*/*", "organizations::*:root/o-*/*")
_ALLOWED_ON = {
    **ALLOWED_ON,
    **dict.fromkeys(organization.ACTIONS, _ORGANIZATION),
    **dict.fromkeys(organization.BULK_ACTIONS, _EVERYWHERE),
}
"""What follows the partition in the ARNs that an action is allowed on; findings may be about any of them."""

READ_FINDINGS = ("access-analyzer:GetFinding",)
LIST_FINDINGS = ("access-analyzer:GetAnalyzer", "access-analyzer:ListFindings")
READ_RULES = ("access-analyzer:GetArchiveRule", "access-analyzer:ListArchiveRules")
UPDATE_FINDINGS = ("access-analyzer:UpdateFindings",)
SECURITY_HUB = ("securityhub:BatchUpdateFindings", "securityhub:GetFindings")
DECISION_LOG = (
    *("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem"),
    *("dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
)
FORGOTTEN = ("similar#*", "limits")
"""Partitions of the log from which items are deleted: copies of verdicts to compare with, and counts."""


def allow(actions: Iterable[str], resources: Sequence[str], **more: object) -> iam.PolicyStatement:
    """Allow actions on resources."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), **more)


def use_of_log(table: str, index: str) -> list[iam.PolicyStatement]:
    """Allow the use of the decision log: no decision and no verdict can be deleted."""
    return [
        allow(DECISION_LOG, [table, index]),
        allow(
            ("dynamodb:DeleteItem",),
            [table],
            conditions={
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(FORGOTTEN)},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        ),
    ]


def enrichment() -> list[iam.PolicyStatement]:
    """Allow what the enrichers declare for the account we run in, but for the roles of other accounts."""
    return _on_their_resources(action for action in OWN_ACTIONS if action != "sts:AssumeRole")


def member_enrichment() -> list[iam.PolicyStatement]:
    """Allow what the enrichers declare for a member account."""
    return _on_their_resources(MEMBER_ACTIONS)


def _on_their_resources(actions: Iterable[str]) -> list[iam.PolicyStatement]:
    by_service: dict[str, list[str]] = {}
    for action in actions:
        service = "*" if "*" in _ALLOWED_ON[action] else action.partition(":")[0]
        by_service.setdefault(service, []).append(action)
    return [allow(some, _arns(service)) for service, some in sorted(by_service.items())]


def named_resources(service: str = "") -> list[str]:
    """Return the patterns that name a finding's resources, of one service or of all.

    Each is what follows the partition, with ``{account}`` to be filled in.
    """
    patterns = [
        pattern
        for action, on in _ALLOWED_ON.items()
        if action.startswith(f"{service}:" if service else "") and "*" not in on
        for pattern in on
    ]
    return list(dict.fromkeys(patterns))


def _arns(service: str) -> list[str]:
    if service == "*":
        return list(_EVERYWHERE)
    return [f"arn:{Aws.PARTITION}:{name.format(account=Aws.ACCOUNT_ID)}" for name in named_resources(service)]
