"""Not knowing, guardrails and tags: none of them ever makes an archive more likely."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.decision.decide import Decision, decide
from scoring.findings import context as contexts
from scoring.findings.context import Context
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.findings.finding import Finding, from_api, from_event
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.policy.rules import Rule
from scoring.scorecard import formats
from scoring.scorecard.scorecard import Scorecard
from tests.scoring import strategies as some

CARD, POLICY = formats.load(), policies.load()
REFUSED = Unknown("AccessDenied")
SHAPES = ("event", "v1", "v2")

pytestmark = pytest.mark.filterwarnings("error")
examples = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
all_cards = some.scorecards() | st.just(CARD)
all_policies = some.policies | st.just(POLICY)


def as_bytes(decision: Decision) -> bytes:
    return msgspec.json.encode(decision)


# Not knowing never helps


def with_one_fact_less(finding: Finding, context: Context) -> Iterator[tuple[str, Finding, Context]]:
    """The same case, with each of its facts unknown in turn."""
    for fact in ("tags", "aliases", "resource_account", "principal_account"):
        for unknown in (REFUSED, NOT_LOOKED_UP):
            yield fact, finding, msgspec.structs.replace(context, **{fact: unknown})
    # That nobody looked who brought a finding back is no bar; that the look was refused is.
    yield "reactivated_by", finding, msgspec.structs.replace(context, reactivated_by=REFUSED)
    less: dict[str, dict[str, object]] = {
        "finding type": {"finding_type": "AnomalousAccess"},
        "resource type": {"resource_type": "AWS::Bedrock::Agent"},
        "account": {"account": None},
        "error": {"error": "INTERNAL_ERROR"},
        "principal": {"principals": ()},
        "principal that nobody can read": {"principals": tuple(("AWS", "???") for _ in finding.principals)},
        "actions": {"actions": ()},
        "sources": {"sources": ()},
        "access type": {"access_type": None},
        "restriction": {"restrictions": (*finding.restrictions, "FAILED_TO_EVALUATE_RCP")},
        "unused services": {"unused_services": None},
    }
    if finding.finding_type != "InternalAccess":  # which never says so
        less["isPublic"] = {"is_public": None}
    for name, change in less.items():
        yield name, msgspec.structs.replace(finding, **change), context


@settings(examples, max_examples=400)
@given(some.cases(), all_cards, all_policies)
def test_not_knowing_never_helps(case: tuple[Finding, Context], card: Scorecard, policy: Policy) -> None:
    finding, context = case
    before = decide(finding, context, card, policy)
    for name, changed, known in with_one_fact_less(finding, context):
        after = decide(changed, known, card, policy)
        assert after.score >= before.score, name
        assert before.outcome == "archive" or after.outcome != "archive", name


@examples
@given(some.cases(), st.sampled_from(SHAPES), all_policies)
def test_a_member_that_aws_leaves_out_never_helps(
    case: tuple[Finding, Context], shape: str, policy: Policy
) -> None:
    finding, context = case
    written = some.as_json(finding, shape)
    details: dict[str, Any] = written.get("detail", written)
    if shape == "v2":
        (details,) = written["findingDetails"][0].values()
    before = decide(parsed(written, shape), context, CARD, policy)
    for member in ("principal", "action", "isPublic", "accessType", "sources"):
        if member in details and not (member == "isPublic" and finding.finding_type == "InternalAccess"):
            value = details.pop(member)
            after = decide(parsed(written, shape), context, CARD, policy)
            details[member] = value
            assert after.score >= before.score, member
            assert before.outcome == "archive" or after.outcome != "archive", member


def parsed(written: dict[str, Any], shape: str) -> Finding:
    finding = from_event(written) if shape == "event" else from_api(written)
    assert isinstance(finding, Finding)
    return finding


@examples
@given(
    some.cases(), all_cards, some.policies, some.rules, st.sampled_from(policies.Guardrails.__struct_fields__)
)
def test_another_guardrail_never_opens_the_way(
    case: tuple[Finding, Context], card: Scorecard, policy: Policy, rule: Rule, name: str
) -> None:
    before = decide(*case, card, policy)
    standing = msgspec.structs.replace(policy.guardrails, **{name: True})
    for stricter in (
        msgspec.structs.replace(policy, guardrails=standing),
        msgspec.structs.replace(policy, never_archive=(*policy.never_archive, rule)),
    ):
        after = decide(*case, card, stricter)
        assert after.score == before.score
        assert before.outcome == "archive" or after.outcome != "archive"
        assert bool(after.guardrails) >= bool(before.guardrails)


# Tags


def without_tags(context: Context) -> Context:
    return msgspec.structs.replace(context, tags=ABSENT, aliases=ABSENT)


@examples
@given(some.cases(), some.tags, some.aliases, all_cards)
def test_tags_take_off_no_more_than_the_limit(
    case: tuple[Finding, Context], tags: dict[str, str], aliases: tuple[str, ...], card: Scorecard
) -> None:
    finding, context = case
    tagged = msgspec.structs.replace(context, tags=Present(tags), aliases=Present(aliases))
    plain = decide(finding, without_tags(context), card, POLICY)
    decision = decide(finding, tagged, card, POLICY)
    saved = Decimal(str(plain.score)) - Decimal(str(decision.score))
    assert saved <= Decimal(card.tag_limit) / 10
    if finding.is_public or "PutBucketPolicy" in str(finding.actions):
        assert saved <= 0 or finding.is_unused_access


@examples
@given(some.findings(granting=True), st.data(), some.tags, some.aliases)
def test_no_tags_get_anything_public_or_permissions_management_archived(
    finding: Finding, data: st.DataObject, tags: dict[str, str], aliases: tuple[str, ...]
) -> None:
    opened: dict[str, Any] = {"is_public": True, "finding_type": "ExternalAccess"}
    handed_over = {
        "actions": (*finding.actions, data.draw(st.sampled_from(("kms:PutKeyPolicy", "s3:*", "*"))))
    }
    context = data.draw(some.contexts(finding))
    context = msgspec.structs.replace(context, tags=Present(tags), aliases=Present(aliases))
    for change in (opened, handed_over):
        decision = decide(msgspec.structs.replace(finding, **change), context, CARD, POLICY)
        assert decision.outcome == "alert"


@examples
@given(some.tags, some.aliases)
def test_no_tags_archive_a_public_key_by_the_rule_for_development_keys(
    tags: dict[str, str], aliases: tuple[str, ...]
) -> None:
    tags |= {"IsAllowedToShare": "true", "Environment": "development"}
    finding = Finding(
        id="1",
        resource=f"arn:aws:kms:eu-west-1:{some.OWN}:key/1",
        resource_type="AWS::KMS::Key",
        status="ACTIVE",
        finding_type="ExternalAccess",
        account=some.OWN,
        principals=(("AWS", "*"),),
        actions=("kms:Decrypt",),
        is_public=True,
    )
    account = contexts.Account(id=some.OWN, ou="Sandbox")
    context = Context(
        tags=Present(tags),
        aliases=Present((*aliases, "alias/DevelopmentKey")),
        resource_account=Present(account),
        principal_account=ABSENT,
    )
    without_guardrails = msgspec.structs.replace(POLICY, guardrails=some.NO_GUARDRAILS)
    for policy in (POLICY, without_guardrails):
        assert decide(finding, context, CARD, policy).outcome == "alert"
