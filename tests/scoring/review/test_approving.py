"""Telling is not approving: who may archive what a guardrail holds."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from scoring.decision_log.decisions import LoggedDecision
from scoring.findings.record import Label
from scoring.review.verdict import Answered

NOW = datetime(2026, 11, 30, tzinfo=UTC)
RAIL = {"name": "public", "text": "anyone"}


def answered(guardrails: list[Any], *, verified: bool, seconded_by: str = "") -> Answered:
    decision = LoggedDecision(
        finding_id="f", item="i", text=json.dumps({"decision": {"guardrails": guardrails}})
    )
    label = Label("expected", by="somebody", at=NOW, source="review-link", verified=verified)
    return Answered(decision, label, seconded_by)


@pytest.mark.parametrize(
    ("guardrails", "verified", "seconded_by", "expected"),
    [
        ([], False, "", True),
        ([RAIL], True, "", True),
        ([RAIL], False, "", False),
        ([RAIL], False, "arn:aws:sts::111122223333:assumed-role/analyst/ana", True),
    ],
)
def test_a_guardrail_asks_for_a_verified_identity_or_two(
    guardrails: list[Any], verified: bool, seconded_by: str, expected: bool
) -> None:
    assert answered(guardrails, verified=verified, seconded_by=seconded_by).may_archive is expected
