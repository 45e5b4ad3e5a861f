"""What people see first: known risk, apart from what nobody knows."""

from typing import Any

import msgspec
from hypothesis import given

from scoring.decision.decide import decide, read_decision
from scoring.decision.ranking import rank
from scoring.decision.settings import load_settings
from scoring.features.order import NOTHING_KNOWN
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.findings.record import read_case
from scoring.policy.policy import Policy, Severity
from scoring.scorecard.scorecard import Scorecard
from tests.scoring import strategies as some


def bare(number: int, **changes: Any) -> dict[str, Any]:
    """A finding as `aws accessanalyzer list-findings` gives it: nothing is known around it."""
    return {
        "id": f"{number:02}",
        "resource": f"arn:aws:s3:::bucket-{number}",
        "resourceType": "AWS::S3::Bucket",
        "resourceOwnerAccount": "111122223333",
        "status": "ACTIVE",
        "principal": {"AWS": f"{400000000000 + number}"},
        "action": ["s3:GetObject"],
        "isPublic": False,
        **changes,
    }


def forty_bare() -> list[dict[str, Any]]:
    """Forty of all sorts; every eighth is public, and none of these has the most points."""
    sorts: tuple[dict[str, Any], ...] = (
        {},
        {"action": ["s3:PutBucketPolicy"]},
        {"resourceType": "AWS::IAM::Role", "action": ["sts:AssumeRole"]},
        {"principal": None, "action": None, "error": "ACCESS_DENIED"},
        {"principal": {"AWS": "*"}, "isPublic": True},
        {"resourceType": "AWS::SecretsManager::Secret", "action": ["secretsmanager:*"]},
        {"resourceType": "AWS::KMS::Key", "action": ["kms:Decrypt"]},
        {"resourceType": "AWS::SQS::Queue", "action": ["sqs:SendMessage"]},
    )
    return [bare(number, **sorts[number % len(sorts)]) for number in range(40)]


def test_of_forty_bare_findings_the_public_ones_come_first() -> None:
    settings = load_settings()
    decided = sorted((settings.decide(read_case(finding)) for finding in forty_bare()), key=rank)
    assert [decision.is_public for decision in decided] == [True] * 5 + [False] * 30 + [None] * 5
    known = [decision.known for decision in decided[5:35]]
    assert known == sorted(known, reverse=True)
    assert [decision.analysis_error for decision in decided[35:]] == ["ACCESS_DENIED"] * 5


@given(some.cases(), some.scorecards(), some.policies)
def test_what_is_known_is_base_and_the_points_of_known_facts(
    pair: tuple[Finding, Context], card: Scorecard, policy: Policy
) -> None:
    decision = decide(*pair, card, policy)
    tenths = {True: round(decision.base * 10), False: 0}
    for part in decision.contributions:
        tenths[part.known] += round(part.points * 10)
        is_told = all(value not in NOTHING_KNOWN for value in part.value.split(" × "))
        assert part.known == is_told or part.feature == "tag_limit"
    assert tenths[True] == round(decision.known * 10)
    assert tenths[True] + tenths[False] == round(decision.score * 10)
    assert decision.severity == policy.severity.of(tenths[True])


def test_a_decision_of_before_the_split_is_known_throughout() -> None:
    decision = load_settings().decide(read_case(bare(1)))
    stored = msgspec.to_builtins(decision)
    assert read_decision(stored) == decision
    for name in ("known", "severity", "region", "analyzer", "principals", "actions", "is_public"):
        del stored[name]
    old = read_decision(stored)
    assert (old.known, old.severity) == (old.score, Severity().of(round(old.score * 10)))
