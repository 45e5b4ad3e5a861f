"""What each function may do, each action on the resources that IAM lets us name."""

from collections.abc import Iterable, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from scoring.aws.enrich import MEMBER_ACTIONS, OWN_ACTIONS

# Actions that IAM ties to no resource, by the Service Authorization Reference.
_ANYWHERE = frozenset(
    {
        "ec2:DescribeSnapshots",
        "kms:ListAliases",
        "lambda:ListFunctionUrlConfigs",
        "organizations:ListAccounts",
        "tag:GetResources",
    }
)
# What follows the partition in the ARNs of a service's resources; findings may be about any of them.
_RESOURCES: dict[str, tuple[str, ...]] = {
    "dynamodb": ("dynamodb:*:{account}:table/*",),
    "ecr": ("ecr:*:{account}:repository/*",),
    "elasticfilesystem": ("elasticfilesystem:*:{account}:file-system/*",),
    "iam": ("iam::{account}:role/*", "iam::{account}:user/*"),
    "kms": ("kms:*:{account}:key/*",),
    "lambda": ("lambda:*:{account}:function:*", "lambda:*:{account}:layer:*"),
    "organizations": (
        "organizations::*:account/o-*/*",
        "organizations::*:ou/o-*/*",
        "organizations::*:root/o-*/*",
    ),
    "rds": ("rds:*:{account}:snapshot:*", "rds:*:{account}:cluster-snapshot:*"),
    "s3": ("s3:::*",),
    "s3express": ("s3express:*:{account}:bucket/*",),
    "secretsmanager": ("secretsmanager:*:{account}:secret:*",),
    "sns": ("sns:*:{account}:*",),
    "sqs": ("sqs:*:{account}:*",),
}

READ_FINDINGS = ("access-analyzer:GetFinding",)
LIST_FINDINGS = ("access-analyzer:GetAnalyzer", "access-analyzer:ListFindings")
READ_RULES = ("access-analyzer:GetArchiveRule", "access-analyzer:ListArchiveRules")
UPDATE_FINDINGS = ("access-analyzer:UpdateFindings",)
SECURITY_HUB = ("securityhub:BatchUpdateFindings", "securityhub:GetFindings")
DECISION_LOG = (
    *("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem"),
    *("dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
)


def allow(actions: Iterable[str], resources: Sequence[str], **more: object) -> iam.PolicyStatement:
    """Allow actions on resources."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), **more)


def enrichment() -> list[iam.PolicyStatement]:
    """Allow what the enrichers declare for the account we run in, but for the roles of other accounts."""
    return _on_their_resources(action for action in OWN_ACTIONS if action != "sts:AssumeRole")


def member_enrichment() -> list[iam.PolicyStatement]:
    """Allow what the enrichers declare for a member account."""
    return _on_their_resources(MEMBER_ACTIONS)


def _on_their_resources(actions: Iterable[str]) -> list[iam.PolicyStatement]:
    by_service: dict[str, list[str]] = {}
    for action in actions:
        service = "*" if action in _ANYWHERE else action.partition(":")[0]
        by_service.setdefault(service, []).append(action)
    return [allow(some, _arns(service)) for service, some in sorted(by_service.items())]


def named_resources() -> list[str]:
    """Return the patterns that name a finding's resources, with ``{account}`` to be filled in."""
    return [place for places in _RESOURCES.values() for place in places]


def _arns(service: str) -> list[str]:
    if service == "*":
        return ["*"]
    return [f"arn:{Aws.PARTITION}:{place.format(account=Aws.ACCOUNT_ID)}" for place in _RESOURCES[service]]
