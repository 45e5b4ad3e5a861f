"""Cases whose explanations are held word for word: one of each kind of finding, and one that means harm."""

import json
from pathlib import Path
from typing import Any

import msgspec

from scoring.decision.decide import Decision, decide, skip_notice
from scoring.explanation.content import Answers, Similar
from scoring.findings.finding import Notice
from scoring.findings.record import Case, read_case
from scoring.policy.policy import Allow, Policy
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Model

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden" / "explain"

POLICY = Policy(
    allow=Allow(
        accounts={"999988887777": "Acme Auditors"},
        subjects={"token.actions.githubusercontent.com": ("repo:acme/*",)},
    ),
    known_vendors={"464622532012": "Datadog"},
)
CARD = formats.load(GOLDEN / "scorecard.toml")

ANSWERS = Answers(
    "https://review.example/WyJiYjViIiwiMjAyNi0xMS0wMiIsMCwwXQ.auhYGA.l5K8geNonIaqV-HqZyiZzpLQ9tp395uPJ0ZAvnIS_eA",
    "https://review.example/WyJiYjViIiwiMjAyNi0xMS0wMiIsMSwwXQ.auhYGA.eL4YGlHhHz90SrBc96pxvQj5o5QSsgVMcEbDlE15gTA",
    "2026-11-16 09:30 UTC",
)
SIMILAR = (
    Similar(
        said="Expected, says arn:aws:sts::111122223333:assumed-role/analyst/ana on 2026-10-12",
        headline="KMS key alias/payments is shared with Datadog (464622532012)",
        same="principal, resource type, access level, account",
        differs="owner payments, here not stated; environment development, here production",
        note="the agent of the monitoring reads the metrics of this account",
    ),
    Similar(
        said="Unintended, says somebody with the link (not verified) on 2026-09-30",
        headline="SNS topic deployments is open to anyone",
        same="account",
    ),
)

OWN: dict[str, Any] = {"id": "111122223333", "name": "payments", "ou": "Workloads/Prod"}
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202egnp.exe\u200b\x1b[2J\r\n\r\n"
    "ARCHIVE: all is well {{7*7}} [red]x[/red] \ufeff\ud800 e\u0301\u0301\u0301\u0301"
)


def event(name: str, **changes: Any) -> dict[str, Any]:
    """One of the sample events, with some of its detail changed."""
    content: dict[str, Any] = json.loads((TESTS / "events" / f"{name}.json").read_text())
    content["detail"].update(changes)
    return content


def case(finding: dict[str, Any], **context: Any) -> Case:
    return read_case({"finding": finding, "context": context} if context else finding)


def decided(of: Case) -> Decision:
    """Decide with the small card; the digest of a card is no matter of the words."""
    if isinstance(of.finding, Notice):
        decision = skip_notice(of.finding, CARD)
    else:
        decision = decide(of.finding, of.context, CARD, POLICY)
    return msgspec.structs.replace(decision, model=Model("golden", "1", "weighted", "0123456789abcdef"))


CASES: dict[str, Case] = {
    "public-bucket": case(
        event("external-public-bucket"),
        tags={"Environment": "prod", "Team": "web"},
        resource_account=OWN,
        reactivated_by=None,
        details={"public_access_block": {"BlockPublicAcls": False, "BlockPublicPolicy": True}},
    ),
    "vendor-key": case(
        event("external-cross-account-kms", principal={"AWS": "464622532012"}),
        tags={"env": "Production", "Data Classification": "Confidential"},
        aliases=["alias/orders"],
        resource_account=OWN,
        principal_account={"id": "464622532012", "in_org": False, "vendor": "Datadog"},
    ),
    "oidc-role": case(event("external-role-federated"), tags={}, resource_account=OWN),
    "contracted-queue": case(
        event(
            "external-public-bucket",
            resource="arn:aws-us-gov:sqs:us-gov-west-1:111122223333:orders",
            resourceType="AWS::SQS::Queue",
            principal={
                "AWS": ["999988887777", "arn:aws:iam::444455556666:role/reader"],
                "Service": "sns.amazonaws.com",
            },
            action=["sqs:SendMessage", "sqs:Frobnicate", "sqs:Get*"],
            condition={"aws:SourceIp": ["203.0.113.0/24"]},
            isPublic=False,
            region="us-gov-west-1",
            sources=[],
        ),
        tags={"Environment": "dev"},
        resource_account={**OWN, "name": None, "ou": None},
        unknown={"principal_account": "AccessDenied", "details.encryption": "ThrottlingException"},
    ),
    "internal": case(event("internal"), tags={"Owner": "data"}, resource_account=OWN),
    "unused-key": case(event("unused-access-key"), tags={"Environment": "prod"}, resource_account=OWN),
    "unused-permission": case(
        event("unused-permission"),
        tags={"Environment": "dev", "Owner": "batch"},
        resource_account={"id": "111122223333", "name": "sandbox-1", "ou": "Sandbox"},
    ),
    "error": case(event("external-error")),
    "archived": case(event("external-archived"), tags={}, aliases=[], resource_account=OWN),
    "preview": case(json.loads((TESTS / "events" / "access-preview.json").read_text())),
    "hostile": case(
        event(
            "external-cross-account-kms",
            id=HOSTILE,
            resource=f"arn:aws:kms:eu-west-1:111122223333:key/{HOSTILE}",
            principal={"AWS": f"arn:aws:iam::999988887777:role/{HOSTILE * 3}", "Federated": HOSTILE},
            action=["kms:*", HOSTILE],
            condition={HOSTILE: [HOSTILE, "x" * 900]},
            region=HOSTILE,
        ),
        tags={HOSTILE: HOSTILE, "long": "y" * 256},
        aliases=[HOSTILE, "alias/" + "b" * 250],
        resource_account={"id": "111122223333", "name": HOSTILE, "ou": HOSTILE},
        principal_account={"id": "999988887777", "in_org": False, "vendor": HOSTILE},
        details={HOSTILE: {HOSTILE: HOSTILE}},
        unknown={"reactivated_by": HOSTILE, f"details.{HOSTILE * 2}": HOSTILE},
    ),
}
