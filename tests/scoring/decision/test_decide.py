"""Decisions: the article's own rules, its mistakes that are not ours, and which reason comes first."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scoring.decision.decide import Decision, decide, skip_notice
from scoring.files.errors import BadInput
from scoring.findings import context as contexts
from scoring.findings.context import Account, Context, PrincipalAccount, Reactivation
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.findings.finding import Finding, Notice, from_api, from_event
from scoring.findings.record import read_value
from scoring.points import said_points
from scoring.policy import policy as policies
from scoring.policy.policy import Allow, Policy, ThresholdOverride
from scoring.scorecard import formats
from tests.scoring import strategies as some
from tests.scoring.examples import a_bucket, a_key, known, unused

CARD, POLICY = formats.load(), policies.load()
EVENTS = Path(__file__).parents[2] / "events"
OWN, STRANGER = some.OWN, some.STRANGER
REFUSED = Unknown("AccessDenied")
DEVELOPMENT = {"IsAllowedToShare": "true", "Environment": "development"}
SITE = {"resource": "arn:aws:s3:::site", "is_public": True, "principals": (("AWS", "*"),)}
LISTS_SITE = msgspec.structs.replace(POLICY, allow=Allow(public_buckets=("site",)))


def decided(finding: Finding | None = None, policy: Policy = POLICY, **context: Any) -> Decision:
    return decide(finding or a_key(), known(**context), CARD, policy)


def development_key(finding: Finding | None = None, **context: Any) -> Decision:
    facts = {"tags": Present(DEVELOPMENT), "aliases": Present(("alias/DevelopmentKey",)), **context}
    return decided(finding, **facts)


# What the article wants


def test_unexpected_public_sharing_alerts() -> None:
    assert decided(a_bucket(is_public=True)).outcome == "alert"
    assert decided(a_key(is_public=True)).outcome == "alert"
    assert decided(a_bucket(**SITE), tags=Present({"DataClassification": "public"})).outcome == "alert"


def test_expected_public_sharing_is_archived() -> None:
    assert decided(a_bucket(**SITE), LISTS_SITE, principal_account=ABSENT).outcome == "archive"


@pytest.mark.parametrize("tag", ["Data Classification", "data-classification", "DATACLASSIFICATION"])
@pytest.mark.parametrize("says", ["Confidential", "CONFIDENTIAL", "confidential"])
def test_confidential_is_never_allowed_public(tag: str, says: str) -> None:
    decision = decided(a_bucket(**SITE), LISTS_SITE, tags=Present({tag: says}), principal_account=ABSENT)
    assert decision.outcome == "alert"
    assert "confidential data shared outside the organization" in decision.reason


@pytest.mark.parametrize(
    ("tags", "alias"),
    [
        (DEVELOPMENT, "alias/DevelopmentKey"),
        ({"isallowedtoshare": "TRUE", "environment": "Development"}, "alias/developmentkey"),
        ({"is-allowed-to-share": "yes", "ENV": "dev"}, "alias/DEVELOPMENTKEY"),
        ({"IS_ALLOWED_TO_SHARE": "True", "Env": "DEV"}, "DevelopmentKey"),
    ],
)
def test_the_tagged_development_key_is_archived(tags: dict[str, str], alias: str) -> None:
    decision = decided(tags=Present({**tags, "Owner": "x"}), aliases=Present(("alias/other", alias)))
    assert decision.outcome == "archive"
    rule = "expected by the policy's rule: tagged development key"
    assert decision.reason == f"{rule} (the sharer can set tags and the alias)"


@pytest.mark.parametrize(
    "context",
    [
        {"tags": Present({**DEVELOPMENT, "IsAllowedToShare": "false"})},
        {"tags": Present({**DEVELOPMENT, "Environment": "production"})},
        {"tags": Present({**DEVELOPMENT, "env": "production"})},  # it says both
        {"tags": Present({"IsAllowedToShare": "true"})},
        {"tags": ABSENT},
        {"aliases": Present(("alias/ProductionKey",))},
        {"aliases": Present(("alias/DevelopmentKey2",))},
        {"aliases": ABSENT},
        # Guardrails overrule the rule.
        {"tags": REFUSED},
        {"aliases": NOT_LOOKED_UP},
        {"principal_account": REFUSED},
        {"resource_account": NOT_LOOKED_UP},
        {"reactivated_by": Present(Reactivation("person"))},
        {"tags": Present({**DEVELOPMENT, "DataClassification": "confidential"})},
    ],
)
def test_any_other_key_alerts(context: dict[str, Any]) -> None:
    assert development_key(**context).outcome == "alert"


@pytest.mark.parametrize(
    "changes",
    [
        {"is_public": True},
        {"is_public": None},
        {"principals": (("AWS", "*"),)},
        {"actions": ("kms:Decrypt", "kms:PutKeyPolicy")},
        {"actions": ()},
        {"error": "ACCESS_DENIED"},
    ],
)
def test_the_rule_does_not_reach_what_is_public_or_hands_over_control(changes: dict[str, Any]) -> None:
    assert development_key(a_key(**changes)).outcome == "alert"
    open_policy = msgspec.structs.replace(POLICY, guardrails=some.NO_GUARDRAILS)
    tags, aliases = Present(DEVELOPMENT), Present(("alias/DevelopmentKey",))
    decision = decided(a_key(**changes), open_policy, tags=tags, aliases=aliases)
    assert decision.outcome == "alert" or "error" in changes


def test_the_two_tests_of_the_article() -> None:
    """A key shared with another account alerts; the one with the tags and the alias is archived."""
    event = json.loads((EVENTS / "external-cross-account-kms.json").read_text())
    finding = from_event(event)
    assert isinstance(finding, Finding)
    context = {
        "resource_account": {"id": finding.account},
        "principal_account": {"id": STRANGER, "in_org": False},
        "tags": {},
        "aliases": [],
    }
    alerted = decide(finding, contexts.from_json(context), CARD, POLICY)
    tagged = {**context, "tags": DEVELOPMENT, "aliases": ["alias/DevelopmentKey"]}
    archived = decide(finding, contexts.from_json(tagged), CARD, POLICY)
    assert (alerted.outcome, archived.outcome) == ("alert", "archive")


# What the article's code gets wrong


def test_1_not_only_keys_are_archived() -> None:
    inside = Present(PrincipalAccount(id=STRANGER, in_org=True))
    sandbox: dict[str, Any] = {"tags": Present({"env": "sandbox", "owner": "x"}), "principal_account": inside}
    for finding in (
        a_bucket(),
        a_key(resource_type="AWS::SQS::Queue", actions=("sqs:SendMessage",)),
        unused(),
    ):
        assert decided(finding, aliases=NOT_LOOKED_UP, **sandbox).outcome == "archive"


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_4_no_sample_breaks_anything_and_nothing_that_nobody_knows_is_archived(path: Path) -> None:
    for located in read_value(json.loads(path.read_text())):
        assert located.case is not None
        finding = located.case.finding
        if isinstance(finding, Finding):
            decision = decide(finding, contexts.NO_CONTEXT, CARD, POLICY)
            assert decision.outcome == (
                "alert" if finding.status == "ACTIVE" and not finding.is_deleted else "skip"
            )
        else:
            decision = skip_notice(finding, CARD)
            assert decision.outcome == "skip"
        assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision


@pytest.mark.parametrize("fact", ["tags", "aliases", "resource_account", "principal_account"])
def test_5_refused_is_not_empty(fact: str) -> None:
    inside: dict[str, Any] = {
        "principal_account": Present(PrincipalAccount(id=STRANGER, in_org=True)),
        "aliases": ABSENT,
    }
    sandbox: dict[str, Any] = {"tags": Present({"env": "sandbox", "owner": "x"}), **inside}
    assert decided(**sandbox).outcome == "archive"
    for unknown in (REFUSED, NOT_LOOKED_UP):
        decision = decided(**{**sandbox, fact: unknown})
        assert decision.outcome == "alert"
        assert decision.unknown == (fact,)


@pytest.mark.parametrize(
    ("who", "outcome"), [("person", "alert"), ("undo", "alert"), ("somebody", "alert"), ("expiry", "archive")]
)
def test_10_what_a_person_brought_back_is_not_archived_again(who: str, outcome: str) -> None:
    assert development_key(reactivated_by=Present(Reactivation(who))).outcome == outcome


def test_11_deleted_findings_are_skipped() -> None:
    decision = development_key(a_key(is_deleted=True))
    assert (decision.outcome, decision.reason) == ("skip", "deleted: the resource or its access is gone")


# Which reason comes first


@pytest.mark.parametrize("status", ["ARCHIVED", "RESOLVED"])
def test_what_is_over_is_skipped(status: str) -> None:
    decision = development_key(a_key(status=status))
    assert (decision.outcome, decision.reason) == ("skip", f"already {status}")


@pytest.mark.parametrize("status", ["active", "NEW", "", None, 5])
def test_a_finding_needs_a_status(status: object) -> None:
    finding = {"id": "1", "resource": "arn:aws:s3:::x", "resourceType": "AWS::S3::Bucket", "status": status}
    with pytest.raises(BadInput, match="status"):
        from_api(finding)


def test_guardrails_are_named_once_each() -> None:
    decision = decided(a_key(is_public=True, error="X"), tags=REFUSED)
    assert decision.reason == (
        "Needs a person: public; Access Analyzer reports an error; tags, aliases or accounts are not known"
    )
    assert [rail.name for rail in decision.guardrails] == ["public", "finding_error", "unknown_context"]


def test_score_against_threshold() -> None:
    plain = known(tags=ABSENT, aliases=ABSENT)
    tenths = round(decide(a_key(), plain, CARD, POLICY).score * 10)
    for threshold, outcome, says in (
        (tenths - 1, "alert", "is 0.1 points above the threshold of"),
        (tenths, "alert", "reaches the threshold of"),
        (tenths + 1, "archive", "is 0.1 points below the threshold of"),
    ):
        decision = decide(a_key(), plain, CARD, POLICY, threshold)
        assert decision.outcome == outcome
        assert decision.threshold == threshold / 10
        assert decision.reason == f"{said_points(tenths)} {says} {said_points(threshold)}"


def test_no_threshold_no_archive() -> None:
    undecided = formats.with_digest(msgspec.structs.replace(CARD, threshold=None))
    for finding, context in ((a_key(), {}), (unused(), {"tags": Present({"env": "sandbox"})})):
        decision = decide(finding, known(**context), undecided, POLICY)
        assert decision.outcome == "alert"
        assert decision.threshold is None
        assert decision.reason == "no threshold belongs to this model: nothing is archived"
    tags, aliases = Present(DEVELOPMENT), Present(("alias/DevelopmentKey",))
    assert decide(a_key(), known(tags=tags, aliases=aliases), undecided, POLICY).outcome == "alert"
    # What the command line says comes before all.
    assert decide(a_key(), known(), undecided, POLICY, threshold=10_000).outcome == "archive"


def test_a_threshold_for_another_model_archives_nothing() -> None:
    override = ThresholdOverride(value=Decimal(1000), model_sha256="0" * 64)
    policy = msgspec.structs.replace(POLICY, threshold=override)
    assert decided(policy=policy).threshold is None
    assert development_key().outcome == "archive"
    tags, aliases = Present(DEVELOPMENT), Present(("alias/DevelopmentKey",))
    assert decided(policy=policy, tags=tags, aliases=aliases).outcome == "alert"
    assert decided(policy=policy).reason == "no threshold belongs to this model: nothing is archived"
    mine = msgspec.structs.replace(override, model_sha256=CARD.sha256)
    assert decided(policy=msgspec.structs.replace(POLICY, threshold=mine)).outcome == "archive"


def test_the_mode_changes_no_outcome() -> None:
    enforced = msgspec.structs.replace(POLICY, mode="enforce")
    for finding in (a_key(), a_bucket(**SITE), unused()):
        assert decided(finding, enforced) == decided(finding)


def test_an_access_preview_is_no_finding() -> None:
    notice = Notice(id="p", resource="arn:aws:s3:::x", kind="Access Preview State Change", status="ACTIVE")
    decision = skip_notice(notice, CARD)
    assert decision.outcome == "skip"
    assert decision.score == decision.base
    assert decision.contributions == []


def test_what_the_contract_lists_is_there() -> None:
    written = json.loads(msgspec.json.encode(decided()))
    assert list(written) == [
        *("finding_id", "resource", "resource_type", "account", "finding_type", "status", "outcome"),
        *("score", "threshold", "base", "contributions", "risk", "guardrails", "unknown", "model", "reason"),
        *("known", "severity", "region", "analyzer", "principals", "actions", "is_public"),
        "analysis_error",
    ]
    assert list(written["contributions"][0]) == ["feature", "value", "points", "text", "known", "set_by"]
    assert list(written["model"]) == ["name", "version", "kind", "sha256"]
    assert written["risk"] is None


def test_an_account_without_an_organization_is_no_reason_to_trust_a_condition_on_one() -> None:
    condition = (("aws:PrincipalOrgID", (some.ORGANIZATION,)),)
    finding = a_key(principals=(("AWS", "*"),), conditions=condition, actions=("kms:DescribeKey",))
    own = Present(Account(id=OWN, name="sandbox", org_id=some.ORGANIZATION))
    tags = Present({"env": "sandbox", "owner": "x"})
    facts: dict[str, Any] = {"tags": tags, "aliases": ABSENT, "principal_account": ABSENT}
    inside = decide(finding, Context(**facts, resource_account=own), CARD, POLICY)
    nobody_knows = decide(finding, Context(**facts, resource_account=Present(Account(id=OWN))), CARD, POLICY)
    assert (inside.outcome, nobody_knows.outcome) == ("archive", "alert")
