"""What would change a decision: each variant is what `decide` says of the changed finding."""

import msgspec
import pytest
from hypothesis import given

from scoring.decision.decide import decide
from scoring.explanation.variants import Variant, variants
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.policy.policy import Allow, Policy
from tests.scoring import strategies as some
from tests.scoring.scenarios import (
    CARD,
    DEV,
    EXTERNAL_ID,
    IN_DEV,
    POLICY,
    READ,
    SCENARIOS,
    STRANGER,
    WRITE,
    role,
    shared,
)


def of(
    finding: Finding, context: Context, policy: Policy = POLICY, *, is_blind: bool = False
) -> tuple[Variant, ...]:
    case = Case(finding=finding, context=context, raw={})
    return variants(case, decide(finding, context, CARD, policy), policy, CARD, is_blind=is_blind)


def test_the_two_facts_that_a_vendor_lacks_are_scored_with_the_same_card() -> None:
    found = of(*shared("IAM::Role", WRITE, role(STRANGER)))
    one = next(v for v in found if v.changes == (f"listing account {STRANGER} as contracted",))
    listed = msgspec.structs.replace(
        POLICY, allow=msgspec.structs.replace(POLICY.allow, accounts={STRANGER: "x"})
    )
    plain = shared("IAM::Role", WRITE, role(STRANGER))
    pinned = shared("IAM::Role", WRITE, role(STRANGER), EXTERNAL_ID)
    assert one.after == decide(*plain, CARD, listed).score < one.before
    assert one.outcome == decide(*plain, CARD, listed).outcome
    best = found[-1]
    assert set(best.changes) == {f"listing account {STRANGER} as contracted", "an external id"}
    assert (best.after, best.outcome) == (decide(*pinned, CARD, listed).score, "archive")
    assert str(best).endswith(", archived")


def test_a_guardrail_counts_in_a_variant_as_ever() -> None:
    finding, context = shared("S3::Bucket", READ, role(STRANGER), reactivated="person")
    found = of(finding, context)
    assert found
    assert {variant.outcome for variant in found} == {"alert"}
    assert all("reactivated" in variant.guardrails for variant in found)
    assert "still an alert (guardrail reactivated)" in str(found[0])


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_alerts_have_variants_and_each_moves_something(name: str) -> None:
    outcome, (finding, context) = SCENARIOS[name]
    found = of(finding, context)
    assert len(found) <= 3
    assert outcome == "alert" or not found
    assert all(one.after < one.before or one.outcome == "archive" for one in found)


def test_where_findings_are_drawn_by_lot_no_outcome_is_said_nor_shows_in_what_is_chosen() -> None:
    finding, context = shared("IAM::Role", WRITE, role(STRANGER), tags=DEV, account=IN_DEV)
    found = of(finding, context, is_blind=True)
    assert found
    assert {one.outcome for one in found} == {""}
    assert "archived" not in str(found)
    assert all(len(one.changes) == 1 for one in found)
    decision = decide(finding, context, CARD, POLICY, 10_000)
    drawn = msgspec.structs.replace(decision, outcome="alert", guardrails=())
    case = Case(finding=finding, context=context, raw={})
    assert variants(case, drawn, POLICY, CARD, is_blind=True) == found


def test_a_decision_of_another_card_or_one_stopped_from_outside_has_none() -> None:
    finding, context = shared("S3::Bucket", READ, role(STRANGER))
    case, decision = Case(finding=finding, context=context, raw={}), decide(finding, context, CARD, POLICY)
    other = msgspec.structs.replace(decision.model, sha256="0" * 64)
    assert variants(case, msgspec.structs.replace(decision, model=other), POLICY, CARD) == ()
    assert variants(case, msgspec.structs.replace(decision, threshold=None), POLICY, CARD) == ()
    below, about = next(found for outcome, found in SCENARIOS.values() if outcome == "archive")
    stopped = msgspec.structs.replace(decide(below, about, CARD, POLICY), outcome="alert")
    assert variants(Case(finding=below, context=about, raw={}), stopped, POLICY, CARD) == ()


def test_a_line_that_a_guardrail_names_is_tried() -> None:
    unlisted = msgspec.structs.replace(POLICY, allow=Allow())
    told = [
        str(one)
        for outcome, case in SCENARIOS.values()
        if outcome == "archive"
        for one in of(*case, unlisted)
    ]
    assert any("allow.subjects" in line for line in told)


@given(finding=some.findings(), context=some.contexts())
def test_whatever_a_finding_says_its_variants_are_lines(finding: Finding, context: Context) -> None:
    for one in of(finding, context):
        assert str(one).isprintable()
