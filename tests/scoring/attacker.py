"""Whoever shares a resource and wants nobody to look: dangerous findings, and all that he can set.

A finding is dangerous where somebody of whom the organization knows nothing gets access. The sharer sets its
tags, aliases, the conditions of its policy and, as administrator of the account, the account's name. What AWS
itself enforces for the own organization is no lever of his: a condition that names it keeps outsiders out.
"""

import itertools
from collections.abc import Iterator

import msgspec

from scoring.findings.context import Account, Context, PrincipalAccount
from scoring.findings.facts import ABSENT, Present
from scoring.findings.finding import Condition, Finding
from scoring.findings.resource_types import TABLE

OWN, STRANGER, VENDOR = "111122223333", "999988887777", "464622532012"
GITHUB = "token.actions.githubusercontent.com"
_PROVIDER = f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"

PRINCIPALS: dict[str, tuple[tuple[str, str], ...]] = {
    "a stranger's account": (("AWS", STRANGER),),
    "a stranger's role": (("AWS", f"arn:aws:iam::{STRANGER}:role/ci"),),
    "a stranger's user": (("AWS", f"arn:aws:iam::{STRANGER}:user/eve"),),
    "a known vendor": (("AWS", f"arn:aws:iam::{VENDOR}:root"),),
    "anyone": (("AWS", "*"),),
    "somebody's canonical user": (("CanonicalUser", "a" * 64),),
    "a service for anybody": (("Service", "sns.amazonaws.com"),),
    "anybody's repository": (("Federated", _PROVIDER),),
    "a guest of a pool": (("Federated", "cognito-identity.amazonaws.com"),),
    "a stranger's provider": (("Federated", f"arn:aws:iam::{STRANGER}:saml-provider/okta"),),
    "a distribution's identity": (
        ("AWS", "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2QWRUHAPOMQZL"),
    ),
    "somebody inside and a stranger": (("AWS", f"arn:aws:iam::{OWN}:role/own"), ("AWS", STRANGER)),
}
ACTIONS = {"Read": "Get*", "Write": "Put*", "all": "*"}
TAGS = {
    "Environment": "sandbox",
    "DataClassification": "public",
    "IsAllowedToShare": "true",
    "Owner": "team",
    "Team": "payments",
}
CONDITIONS: tuple[Condition, ...] = (
    ("aws:SourceIp", ("203.0.113.7/32",)),
    ("aws:SourceVpce", ("vpce-0123456789abcdef0",)),
    ("aws:SourceVpcArn", (f"arn:aws:ec2:eu-west-1:{STRANGER}:vpc/vpc-1",)),
    ("aws:VpceAccount", (STRANGER,)),
    ("sts:ExternalId", ("f3a9",)),
    ("aws:SourceAccount", (STRANGER,)),
    ("aws:SourceArn", (f"arn:aws:sns:eu-west-1:{STRANGER}:t",)),
    ("aws:SourceArn", ("arn:aws:s3:::his-bucket",)),
    ("aws:PrincipalAccount", (STRANGER,)),
    ("aws:PrincipalArn", (f"arn:aws:iam::{STRANGER}:role/ci",)),
    ("aws:PrincipalOrgID", ("o-strangers00",)),
    ("aws:userid", ("AROAEXAMPLEEXAMPLEEXA:*",)),
    ("s3:DataAccessPointAccount", (STRANGER,)),
    ("kms:CallerAccount", (STRANGER,)),
    # Of another service than the resource: no request carries it. Of EFS: AWS lets in the own network.
    ("elasticfilesystem:AccessedViaMountTarget", ("true",)),
    ("lambda:EventSourceToken", ("amzn1.ask.skill.1",)),
    ("future:Key", ("x",)),
    ("saml:sub", ("someone",)),
    (f"{GITHUB}:sub", ("repo:mallory/x:ref:refs/heads/main",)),
    (f"{GITHUB}:repository_id", ("67890",)),
    ("cognito-identity.amazonaws.com:aud", ("eu-west-1:5a2f",)),
    ("cognito-identity.amazonaws.com:amr", ("authenticated",)),
)
# A named stranger cannot be inside: such conditions contradict, and count as absent.
CONTRADICTIONS: tuple[Condition, ...] = (
    ("aws:PrincipalOrgID", ("o-a1b2c3d4e5",)),
    ("aws:PrincipalAccount", (OWN,)),
    ("aws:PrincipalArn", (f"arn:aws:iam::{OWN}:role/own",)),
)


class Attack(msgspec.Struct, frozen=True):
    """A dangerous finding as it is, and with everything that the sharer can set."""

    name: str
    plain: tuple[Finding, Context]
    dressed: tuple[Finding, Context]


def attacks(resource_types: tuple[str, ...] = tuple(TABLE)) -> Iterator[Attack]:
    """All dangerous findings of some types of resources, each with each lever and with all at once."""
    for resource_type, who, level in itertools.product(resource_types, PRINCIPALS, ACTIONS):
        plain = _finding(resource_type, who, ACTIONS[level])
        own = CONTRADICTIONS if len(plain.principals) == 1 and f"::{STRANGER}:role" in str(plain) else ()
        every = tuple(sorted(dict((*CONDITIONS, *own)).items()))
        one_by_one = ((one,) for one in (*CONDITIONS, *own))
        for conditions in ((), every, *one_by_one):
            if resource_type == "AWS::EFS::FileSystem" and "ViaMountTarget" in str(conditions):
                continue
            dressed = msgspec.structs.replace(plain, conditions=conditions)
            named = conditions[0][0] if len(conditions) == 1 else "all" if conditions else "none"
            yield Attack(
                f"{resource_type}, {who}, {level}, conditions: {named}",
                (plain, _context({}, (), "blue", plain)),
                (dressed, _context(TAGS, ("alias/sandbox",), "blue-sandbox", plain)),
            )


def _finding(resource_type: str, who: str, action: str) -> Finding:
    row = TABLE[resource_type]
    arn = "arn:aws:" + row.arn.format(region="eu-west-1", account=OWN) + "thing"
    # A role is assumed, and that is a write; what else roles allow is management of permissions.
    of_type = {
        "AWS::IAM::Role": {"Get*": "sts:AssumeRole", "Put*": "sts:AssumeRoleWithWebIdentity"},
        "AWS::EFS::FileSystem": {
            "Get*": "elasticfilesystem:ClientMount",
            "Put*": "elasticfilesystem:ClientWrite",
        },
    }
    name = of_type.get(resource_type, {}).get(action, f"{row.service}:{action}")
    return Finding(
        id="f",
        resource=arn,
        resource_type=resource_type,
        status="ACTIVE",
        finding_type="ExternalAccess",
        account=OWN,
        principals=PRINCIPALS[who],
        actions=(name,),
        is_public=False,
    )


def _context(tags: dict[str, str], aliases: tuple[str, ...], name: str, finding: Finding) -> Context:
    is_vendor = VENDOR in str(finding.principals)
    principal = PrincipalAccount(
        id=VENDOR if is_vendor else STRANGER, in_org=False, vendor="Datadog" if is_vendor else None
    )
    return Context(
        tags=Present(tags),
        aliases=Present(aliases) if aliases else ABSENT,
        resource_account=Present(Account(id=OWN, name=name, ou="Workloads", tags={}, org_id="o-a1b2c3d4e5")),
        principal_account=Present(principal),
        reactivated_by=ABSENT,
    )
