"""One ordinary finding about which everything is known, to be changed in one thing at a time."""

from typing import Any

import msgspec

from scoring.findings.context import Account, Context, PrincipalAccount
from scoring.findings.facts import ABSENT, Present
from scoring.findings.finding import Finding
from tests.scoring.strategies import ORGANIZATION, OWN, STRANGER

KEY = Finding(
    id="0b5a",
    resource=f"arn:aws:kms:eu-west-1:{OWN}:key/1234",
    resource_type="AWS::KMS::Key",
    status="ACTIVE",
    finding_type="ExternalAccess",
    account=OWN,
    principals=(("AWS", STRANGER),),
    actions=("kms:Decrypt",),
    is_public=False,
)
ALL_KNOWN = Context(
    tags=Present({"Owner": "payments"}),
    aliases=Present(("alias/orders",)),
    resource_account=Present(Account(id=OWN, name="payments", ou="Workloads", org_id=ORGANIZATION)),
    principal_account=Present(PrincipalAccount(id=STRANGER, in_org=False)),
    reactivated_by=ABSENT,
)


def a_key(**changes: Any) -> Finding:
    """A KMS key that a stranger's account may decrypt with."""
    return msgspec.structs.replace(KEY, **changes)


def a_bucket(**changes: Any) -> Finding:
    """A bucket that a stranger's account may read."""
    bucket = {
        "resource": "arn:aws:s3:::orders",
        "resource_type": "AWS::S3::Bucket",
        "actions": ("s3:GetObject",),
        "sources": ("POLICY",),
    }
    return msgspec.structs.replace(KEY, **{**bucket, **changes})


def unused(finding_type: str = "UnusedIAMRole", **changes: Any) -> Finding:
    """A role that nobody uses."""
    nothing = {"principals": (), "actions": (), "is_public": None, "resource_type": "AWS::IAM::Role"}
    return msgspec.structs.replace(KEY, **{"finding_type": finding_type, **nothing, **changes})


def known(**changes: Any) -> Context:
    """A context in which every fact is known."""
    return msgspec.structs.replace(ALL_KNOWN, **changes)
