"""Findings as an analyst meets them, with what should become of each under the default card."""

from typing import Any

import msgspec

from scoring.findings.context import Account, Context, PrincipalAccount, Reactivation
from scoring.findings.facts import ABSENT, Present, Unknown
from scoring.findings.finding import Finding
from scoring.policy import policy as policies
from scoring.scorecard import formats
from tests.scoring import strategies as some

CARD = formats.load()
PARTNER = "222233334444"
POLICY = msgspec.structs.replace(
    policies.load(),
    organization_id=some.ORGANIZATION,
    allow=policies.Allow(
        accounts={PARTNER: "Partner"},
        public_buckets=("site",),
        subjects={some.GITHUB: ("repo:acme/*",), "oidc.eks.eu-west-1.amazonaws.com/id/0A1B": ("*",)},
    ),
    known_vendors={some.VENDOR: "Datadog"},
)
OWN, INSIDE, VENDOR, STRANGER = some.OWN, some.INSIDE, some.VENDOR, some.STRANGER

PROD = {"Environment": "prod", "Owner": "payments", "DataClassification": "internal"}
DEV = {"Environment": "dev", "Owner": "payments", "DataClassification": "internal"}
OPEN = {**PROD, "DataClassification": "public"}
UNTAGGED: dict[str, str] = {}
IN_PROD, IN_DEV, SOMEWHERE = (
    Account(id=OWN, name="payments", ou="Workloads/Prod"),
    Account(id=OWN, name="payments", ou="Workloads/Dev"),
    Account(id=OWN, name="payments", ou="Workloads"),
)
ARNS = {
    "S3::Bucket": "arn:aws:s3:::{name}",
    "IAM::Role": f"arn:aws:iam::{OWN}:role/{{name}}",
    "IAM::User": f"arn:aws:iam::{OWN}:user/{{name}}",
    "KMS::Key": f"arn:aws:kms:eu-west-1:{OWN}:key/{{name}}",
}
ACTIONS = {
    "S3::Bucket": (
        *("s3:ListBucket", "s3:GetObject", "s3:PutObjectTagging"),
        *("s3:PutObject", "s3:PutBucketPolicy"),
    ),
    "KMS::Key": ("kms:ListGrants", "kms:DescribeKey", "kms:TagResource", "kms:Decrypt", "kms:PutKeyPolicy"),
    "IAM::Role": ("", "", "sts:TagSession", "sts:AssumeRole", ""),
    "SQS::Queue": ("", "sqs:ReceiveMessage", "sqs:TagQueue", "sqs:SendMessage", "sqs:AddPermission"),
    "SNS::Topic": ("", "sns:GetTopicAttributes", "", "sns:Publish", "sns:AddPermission"),
    "SecretsManager::Secret": (
        *("", "secretsmanager:GetSecretValue", "secretsmanager:TagResource"),
        *("secretsmanager:PutSecretValue", "secretsmanager:PutResourcePolicy"),
    ),
    "EC2::Snapshot": ("", "", "", "ec2:CreateVolume", ""),
    "ECR::Repository": ("", "ecr:BatchGetImage", "", "ecr:PutImage", ""),
    "Lambda::LayerVersion": ("", "lambda:GetLayerVersion", "", "", ""),
    "Lambda::Function": ("", "lambda:GetFunction", "", "lambda:InvokeFunction", "lambda:AddPermission"),
    "DynamoDB::Table": ("", "dynamodb:GetItem", "", "dynamodb:PutItem", "dynamodb:PutResourcePolicy"),
}
LIST, READ, TAGGING, WRITE, PERMISSIONS = range(5)

OWN_ORGANIZATION = ("aws:PrincipalOrgID", (some.ORGANIZATION,))
EXTERNAL_ID = ("sts:ExternalId", ("f3a9",))
ANY_ADDRESS = ("aws:SourceIp", ("0.0.0.0/0",))
OFFICE = ("aws:SourceIp", ("203.0.113.0/24",))
FROM_OWN = ("aws:SourceAccount", (OWN,))
FROM_STRANGER = ("aws:SourceAccount", (STRANGER,))
GITHUB = f"arn:aws:iam::{OWN}:oidc-provider/{some.GITHUB}"
EKS = f"arn:aws:iam::{OWN}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0A1B"


def sub(value: str, provider: str = GITHUB) -> tuple[str, tuple[str, ...]]:
    return provider.partition("oidc-provider/")[2] + ":sub", (value,)


def role(account: str) -> tuple[str, str]:
    return "AWS", f"arn:aws:iam::{account}:role/reader"


def shared(
    kind: str,
    level: int,
    to: tuple[str, str],
    *conditions: tuple[str, tuple[str, ...]],
    tags: dict[str, str] = PROD,
    account: Account = IN_PROD,
    aliases: tuple[str, ...] = (),
    name: str = "x",
    reactivated: str | None = None,
    context: dict[str, Any] | None = None,
    **finding: Any,
) -> tuple[Finding, Context]:
    """Somebody is given access to a resource, all of it known."""
    resource = ARNS.get(kind, f"arn:aws:service:eu-west-1:{OWN}:{{name}}").format(name=name)
    fields: dict[str, Any] = {
        "finding_type": "ExternalAccess",
        "is_public": to == ("AWS", "*") and not conditions,
        "sources": ("POLICY",) if kind == "S3::Bucket" else (),
        "principals": (to,),
        "actions": (ACTIONS[kind][level],),
        "conditions": tuple(sorted(conditions)),
        **finding,
    }
    whom = next((a for a in (INSIDE, VENDOR, STRANGER, PARTNER) if a in to[1]), None)
    facts: dict[str, Any] = {
        "tags": Present(tags) if tags else ABSENT,
        "aliases": Present(aliases) if aliases else ABSENT,
        "resource_account": Present(account),
        "principal_account": Present(PrincipalAccount(id=whom, in_org=whom == INSIDE)) if whom else ABSENT,
        "reactivated_by": Present(Reactivation(who=reactivated)) if reactivated else ABSENT,
    }
    found = Finding(
        id="1", resource=resource, resource_type=f"AWS::{kind}", status="ACTIVE", account=OWN, **fields
    )
    return found, Context(**{**facts, **(context or {})})


def internal(kind: str, level: int, how: str = "INTRA_ORG", **more: Any) -> tuple[Finding, Context]:
    to = role(INSIDE if how == "INTRA_ORG" else OWN)
    return shared(kind, level, to, finding_type="InternalAccess", access_type=how, is_public=None, **more)


def unused(finding_type: str, services: int | None = None, **more: Any) -> tuple[Finding, Context]:
    kind = "IAM::User" if "User" in finding_type else "IAM::Role"
    finding, context = shared("IAM::Role", WRITE, role(OWN), **more)
    bare = {"principals": (), "actions": (), "conditions": (), "is_public": None}
    return msgspec.structs.replace(
        finding, **bare, finding_type=finding_type, resource_type=f"AWS::{kind}", unused_services=services
    ), context


ANYONE, NOBODY_KNOWN = ("AWS", "*"), ("AWS", "AROAEXAMPLEEXAMPLEEXA")
SNS = ("Service", "sns.amazonaws.com")
IN_DEVELOPMENT: dict[str, Any] = {"tags": DEV, "account": IN_DEV}
BARE: dict[str, Any] = {"tags": UNTAGGED, "account": SOMEWHERE}

SCENARIOS: dict[str, tuple[str, tuple[Finding, Context]]] = {
    # Buckets
    "public bucket": ("alert", shared("S3::Bucket", READ, ANYONE)),
    "public bucket, writable": ("alert", shared("S3::Bucket", WRITE, ANYONE)),
    "public bucket, its policy too": ("alert", shared("S3::Bucket", PERMISSIONS, ANYONE)),
    "public bucket in development": ("alert", shared("S3::Bucket", READ, ANYONE, **IN_DEVELOPMENT)),
    "public bucket, office only": ("alert", shared("S3::Bucket", READ, ANYONE, OFFICE)),
    "public bucket, any address": ("alert", shared("S3::Bucket", READ, ANYONE, ANY_ADDRESS)),
    "website": ("archive", shared("S3::Bucket", READ, ANYONE, name="site", tags=OPEN)),
    "website, internal": ("alert", shared("S3::Bucket", READ, ANYONE, name="site")),
    "website, untagged": ("archive", shared("S3::Bucket", READ, ANYONE, name="site", **BARE)),
    "website, writable": ("alert", shared("S3::Bucket", WRITE, ANYONE, name="site")),
    "website, confidential": (
        "alert",
        shared("S3::Bucket", READ, ANYONE, name="site", tags={"Data Classification": "Confidential"}),
    ),
    "bucket for the organization": ("archive", shared("S3::Bucket", READ, ANYONE, OWN_ORGANIZATION)),
    "bucket for a role inside": ("archive", shared("S3::Bucket", READ, role(INSIDE))),
    "bucket for a partner": ("alert", shared("S3::Bucket", READ, role(PARTNER))),
    "bucket for a partner in development": (
        "archive",
        shared("S3::Bucket", READ, role(PARTNER), **IN_DEVELOPMENT),
    ),
    "bucket for a vendor": ("alert", shared("S3::Bucket", READ, role(VENDOR))),
    "bucket for a stranger": ("alert", shared("S3::Bucket", READ, role(STRANGER))),
    "bucket for a stranger, listing": ("alert", shared("S3::Bucket", LIST, role(STRANGER))),
    "bucket for a stranger, writable": ("alert", shared("S3::Bucket", WRITE, role(STRANGER))),
    "bucket for a stranger in development": (
        "alert",
        shared("S3::Bucket", READ, role(STRANGER), **IN_DEVELOPMENT),
    ),
    "bucket for a stranger, confidential": (
        "alert",
        shared("S3::Bucket", READ, role(STRANGER), tags={**PROD, "DataClassification": "confidential"}),
    ),
    "bucket for a stranger's account": ("alert", shared("S3::Bucket", READ, ("AWS", STRANGER))),
    "bucket for a stranger by ACL": (
        "alert",
        shared("S3::Bucket", READ, ("CanonicalUser", "a" * 64), sources=("BUCKET_ACL",)),
    ),
    "bucket for a deleted role": ("alert", shared("S3::Bucket", READ, NOBODY_KNOWN)),
    "bucket for our distribution": (
        "archive",
        shared("S3::Bucket", READ, ("Service", "cloudfront.amazonaws.com"), FROM_OWN),
    ),
    # Roles
    "role for a partner": ("alert", shared("IAM::Role", WRITE, role(PARTNER))),
    "role for a partner, external id": ("archive", shared("IAM::Role", WRITE, role(PARTNER), EXTERNAL_ID)),
    "role for a vendor": ("alert", shared("IAM::Role", WRITE, role(VENDOR))),
    "role for a vendor, external id": ("alert", shared("IAM::Role", WRITE, role(VENDOR), EXTERNAL_ID)),
    "role for a stranger": ("alert", shared("IAM::Role", WRITE, role(STRANGER))),
    "role for a stranger, external id": ("alert", shared("IAM::Role", WRITE, role(STRANGER), EXTERNAL_ID)),
    "role for a role inside": ("alert", shared("IAM::Role", WRITE, role(INSIDE))),
    "role for a role inside, development": (
        "archive",
        shared("IAM::Role", WRITE, role(INSIDE), **IN_DEVELOPMENT),
    ),
    "role for anyone": ("alert", shared("IAM::Role", WRITE, ANYONE)),
    "role for single sign-on": (
        "alert",
        shared("IAM::Role", WRITE, ("Federated", f"arn:aws:iam::{OWN}:saml-provider/sso")),
    ),
    "role for one branch": (
        "alert",
        shared("IAM::Role", WRITE, ("Federated", GITHUB), sub("repo:acme/app:ref:refs/heads/main")),
    ),
    "role for one repository": (
        "alert",
        shared("IAM::Role", WRITE, ("Federated", GITHUB), sub("repo:acme/app:*")),
    ),
    "role for all repositories": (
        "alert",
        shared("IAM::Role", WRITE, ("Federated", GITHUB), sub("repo:acme/*")),
    ),
    "role for all of GitHub": ("alert", shared("IAM::Role", WRITE, ("Federated", GITHUB))),
    "role for one pod": (
        "archive",
        shared(
            *("IAM::Role", WRITE, ("Federated", EKS), sub("system:serviceaccount:ns:api", EKS)),
            **IN_DEVELOPMENT,
        ),
    ),
    "role for all pods": ("alert", shared("IAM::Role", WRITE, ("Federated", EKS))),
    # Keys, secrets and the rest
    "key by the rule": (
        "archive",
        shared(
            *("KMS::Key", WRITE, role(STRANGER)),
            tags={"isallowedtoshare": "TRUE", "ENV": "Dev"},
            aliases=("alias/developmentKEY",),
        ),
    ),
    "key by the rule, public": (
        "alert",
        shared(
            *("KMS::Key", WRITE, ANYONE),
            tags={"IsAllowedToShare": "true", "Environment": "development"},
            aliases=("alias/DevelopmentKey",),
        ),
    ),
    "key by the rule, its policy too": (
        "alert",
        shared(
            *("KMS::Key", PERMISSIONS, role(PARTNER)),
            tags={"IsAllowedToShare": "true", "Environment": "development"},
            aliases=("alias/DevelopmentKey",),
        ),
    ),
    "key for a stranger": ("alert", shared("KMS::Key", WRITE, role(STRANGER), aliases=("alias/prod",))),
    "key for the organization": ("archive", shared("KMS::Key", READ, ANYONE, OWN_ORGANIZATION)),
    "secret for a stranger": ("alert", shared("SecretsManager::Secret", READ, role(STRANGER))),
    "secret for a vendor": ("alert", shared("SecretsManager::Secret", READ, role(VENDOR))),
    "secret for a role inside": ("alert", shared("SecretsManager::Secret", READ, role(INSIDE))),
    "snapshot for a stranger": ("alert", shared("EC2::Snapshot", WRITE, ("AWS", STRANGER))),
    "public snapshot": ("alert", shared("EC2::Snapshot", WRITE, ANYONE)),
    "queue for our topic": (
        "archive",
        shared("SQS::Queue", WRITE, SNS, FROM_OWN),
    ),
    "queue for a stranger's topic": (
        "alert",
        shared("SQS::Queue", WRITE, SNS, FROM_STRANGER),
    ),
    "queue for any topic": ("alert", shared("SQS::Queue", WRITE, SNS)),
    "queue for a role inside, development": (
        "archive",
        shared("SQS::Queue", WRITE, role(INSIDE), **IN_DEVELOPMENT),
    ),
    "layer for a stranger": ("alert", shared("Lambda::LayerVersion", READ, ("AWS", STRANGER), **BARE)),
    "images for an account inside": (
        "archive",
        shared("ECR::Repository", READ, ("AWS", INSIDE), **IN_DEVELOPMENT),
    ),
    "table for a partner, its policy too": ("alert", shared("DynamoDB::Table", PERMISSIONS, role(PARTNER))),
    "table for a role inside, its policy too": (
        "alert",
        shared("DynamoDB::Table", PERMISSIONS, role(INSIDE), **IN_DEVELOPMENT),
    ),
    # What stands in the way whatever the score
    "brought back by a person": ("alert", shared("S3::Bucket", READ, role(INSIDE), reactivated="person")),
    "brought back by expiry": ("archive", shared("S3::Bucket", READ, role(INSIDE), reactivated="expiry")),
    "tags refused": (
        "alert",
        shared("S3::Bucket", READ, role(INSIDE), context={"tags": Unknown("AccessDenied")}),
    ),
    "could not be analyzed": ("alert", shared("S3::Bucket", READ, role(INSIDE), error="ACCESS_DENIED")),
    "of a new type": ("alert", shared("S3::Bucket", READ, role(INSIDE), finding_type="AnomalousAccess")),
    # Inside the organization
    "internal, secret": ("archive", internal("SecretsManager::Secret", READ, "INTRA_ACCOUNT")),
    "internal, confidential": (
        "alert",
        internal("S3::Bucket", READ, tags={**PROD, "DataClassification": "confidential"}),
    ),
    "internal, development": ("archive", internal("S3::Bucket", WRITE, **IN_DEVELOPMENT)),
    "internal, its policy too": ("alert", internal("S3::Bucket", PERMISSIONS, "INTRA_ACCOUNT")),
    # Unused
    "access key": ("alert", unused("UnusedIAMUserAccessKey")),
    "access key in development": ("alert", unused("UnusedIAMUserAccessKey", **IN_DEVELOPMENT)),
    "password": ("alert", unused("UnusedIAMUserPassword")),
    "unused role": ("alert", unused("UnusedIAMRole")),
    "unused role in development": ("archive", unused("UnusedIAMRole", **IN_DEVELOPMENT)),
    "few unused permissions": ("archive", unused("UnusedPermission", 2)),
    "many unused permissions": ("alert", unused("UnusedPermission", 30)),
    "many unused permissions in development": ("archive", unused("UnusedPermission", 30, **IN_DEVELOPMENT)),
}
