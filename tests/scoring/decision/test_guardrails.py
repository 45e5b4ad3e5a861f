"""Guardrails: when each of them stands in the way, what it says, and that it can be taken down."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from scoring.decision.guardrails import GUARDRAILS, IN_SHORT, check
from scoring.features.exposure import Exposure
from scoring.findings.context import Account, Context, PrincipalAccount, Reactivation
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.findings.finding import Finding
from scoring.policy.policy import Allow, Guardrails, Policy
from scoring.policy.rules import Rule
from tests.scoring import strategies as some
from tests.scoring.examples import a_bucket, a_key, known, unused

OWN, STRANGER, OTHER = some.OWN, some.STRANGER, some.OTHER
REFUSED = Unknown("AccessDenied")
GITHUB_OF_ONE_ACCOUNT = f"arn:aws:iam::{OWN}:oidc-provider/{some.GITHUB}"
CLUSTER = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B"
POLICY = Policy(
    organization_id=some.ORGANIZATION,
    allow=Allow(
        accounts={OTHER: "Partner"},
        public_buckets=("site",),
        subjects={some.GITHUB: ("repo:acme/*",), CLUSTER: ("*",)},
    ),
)
SITE = {"resource": "arn:aws:s3:::site", "is_public": True, "principals": (("AWS", "*"),)}


def standing(finding: Finding | None = None, policy: Policy = POLICY, **context: Any) -> dict[str, str]:
    found = check(Exposure(finding or a_key(), known(**context), policy))
    return {rail.name: rail.text for rail in found}


def a_role_for(sub: str, issuer: str = some.GITHUB, *others: str, **more: Any) -> Finding:
    """A role that subjects of an identity provider may take."""
    conditions = ((f"{issuer}:sub", (sub, *others)),) if sub else ()
    more = {"principals": (("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{issuer}"),), **more}
    return a_bucket(resource_type="AWS::IAM::Role", conditions=conditions, **more)


def tagged(**tags: str) -> dict[str, Any]:
    return {"tags": Present(tags)}


def described(**more: Any) -> dict[str, Any]:
    return {"principal_account": Present(PrincipalAccount(id=STRANGER, **more))}


def test_nothing_stands_in_the_way_of_what_is_known_and_harmless() -> None:
    assert standing() == {}
    assert standing(unused()) == {}
    assert standing(a_key(finding_type="InternalAccess", access_type="INTRA_ORG", is_public=None)) == {}


@pytest.mark.parametrize(
    ("name", "finding", "context", "words"),
    [
        ("public", a_bucket(is_public=True), {}, "anyone on the internet can get in"),
        ("public", a_bucket(principals=(("AWS", "*"),)), {}, "anyone on the internet can get in"),
        ("public", a_bucket(is_public=None), {}, "is not known"),
        ("public", a_bucket(**SITE, actions=("s3:GetObject", "s3:PutObject")), {}, "anyone on the internet"),
        ("public", a_bucket(**SITE, actions=()), {}, "anyone on the internet"),
        ("finding_error", a_key(error="ACCESS_DENIED"), {}, "could not analyze the resource: ACCESS_DENIED"),
        ("unknown_type", a_key(resource_type="AWS::Future::Thing"), {}, "does not know: AWS::Future::Thing"),
        ("unknown_type", a_key(finding_type="AnomalousAccess"), {}, "does not know: AnomalousAccess"),
        ("unknown_type", unused("UnusedFuture"), {}, "does not know: UnusedFuture"),
        ("unknown_details", a_key(principals=()), {}, "does not name: principal"),
        ("unknown_details", a_key(actions=(), principals=()), {}, "does not name: principal, actions"),
        ("unknown_details", a_key(account=None), {}, "does not name: resource account"),
        ("unknown_details", a_key(incomplete=True), {}, "not all of the finding's details are here"),
        ("unknown_context", a_key(), {"tags": REFUSED}, "the resource's tags are not known: AccessDenied"),
        (
            "unknown_context",
            a_key(),
            {"aliases": NOT_LOOKED_UP},
            "the key's aliases were not looked up (triage scan does)",
        ),
        (
            "unknown_context",
            a_key(),
            {"aliases": NOT_LOOKED_UP, "tags": NOT_LOOKED_UP},
            "the resource's tags and the key's aliases were not looked up (triage scan --deep does)",
        ),
        (
            "unknown_context",
            a_key(),
            {"resource_account": NOT_LOOKED_UP, "tags": REFUSED},
            "tags are not known: AccessDenied; the account that owns the resource was not looked up"
            " (triage scan does)",
        ),
        (
            "unknown_context",
            a_key(),
            {"resource_account": REFUSED},
            "the account that owns the resource is not known: AccessDenied",
        ),
        (
            "unknown_context",
            a_key(),
            described(),
            "the account that is given access is not known: organization not known",
        ),
        (
            "unknown_context",
            a_key(),
            {"resource_account": Present(Account(id=OTHER))},
            "the account that owns the resource is not known: describes another account",
        ),
        ("unknown_context", unused(), {"tags": REFUSED}, "the resource's tags are not known: AccessDenied"),
        (
            "permissions_outside",
            a_key(actions=("kms:PutKeyPolicy",)),
            {},
            "an outsider who is not contracted",
        ),
        ("permissions_outside", a_key(actions=()), {}, "is, or may be, given"),
        *(
            (
                "unlisted_subject",
                finding,
                {},
                "an identity provider lets in somebody whom the policy does not list",
            )
            for finding in (
                a_role_for("repo:mallory/x:ref:main"),
                a_role_for("repo:acme/x:*", some.GITHUB.upper(), "repo:mallory/x:*"),
                a_role_for("project_path:acme/x:*", "gitlab.com"),
                a_role_for("repo:mallory/x:*", principals=(("AWS", OWN), ("Federated", some.GITHUB))),
                a_role_for("repo:acme/x:*", f"{some.GITHUB}/mallory"),
                a_role_for("repo:acme/x:*", f"{some.GITHUB}:443"),
                a_role_for("repo:acme/x:*", f"{some.GITHUB}."),
                a_role_for("system:serviceaccount:a:b", f"{CLUSTER}C"),
                a_role_for("anybody", "mallory.example"),
                a_role_for("repo:mallory/x:*", principals=(("AWS", GITHUB_OF_ONE_ACCOUNT),)),
            )
        ),
        (
            "confidential_outside",
            a_key(),
            tagged(DataClassification="Confidential"),
            "tagged as confidential",
        ),
        (
            "confidential_outside",
            a_key(),
            tagged(sensitivity="PII", DataClass="public"),
            "tagged as confidential",
        ),
        ("confidential_outside", a_bucket(**SITE), tagged(data_class="secret"), "tagged as confidential"),
        (
            "confidential_outside",
            a_bucket(is_public=True, principals=(("AWS", OWN),)),
            tagged(DataClassification="confidential"),
            "tagged as confidential",
        ),
        (
            "reactivated",
            a_key(),
            {"reactivated_by": Present(Reactivation("person", "2026-11-01T09:00:31.000000Z"))},
            "re-opened by a person on 2026-11-01: it is not archived again",
        ),
        (
            "reactivated",
            a_key(),
            {"reactivated_by": Present(Reactivation("undo"))},
            "re-opened by triage undo",
        ),
        (
            "reactivated",
            a_key(),
            {"reactivated_by": Present(Reactivation("Expiry"))},
            "re-opened by Expiry",
        ),
        ("reactivated", a_key(), {"reactivated_by": REFUSED}, "is not known: AccessDenied"),
    ],
)
def test_what_stands_in_the_way(name: str, finding: Finding, context: dict[str, Any], words: str) -> None:
    assert words in standing(finding, **context)[name]
    taken_down = msgspec.structs.replace(POLICY.guardrails, **{name: False})
    assert name not in standing(finding, msgspec.structs.replace(POLICY, guardrails=taken_down), **context)


@pytest.mark.parametrize(
    ("name", "finding", "context"),
    [
        ("public", a_bucket(**SITE), {}),
        ("public", unused(), {}),
        ("unknown_details", unused(incomplete=True), {}),
        ("unknown_context", a_key(), {"reactivated_by": REFUSED}),
        ("unknown_context", a_key(), {"details": {"lock": REFUSED}}),
        ("unknown_context", a_bucket(), {"aliases": REFUSED}),
        ("permissions_outside", a_key(actions=("kms:PutKeyPolicy",)), described(in_org=True)),
        ("permissions_outside", a_key(actions=("kms:PutKeyPolicy",), principals=(("AWS", OTHER),)), {}),
        ("permissions_outside", a_key(actions=("kms:PutKeyPolicy",), principals=(("AWS", OWN),)), {}),
        ("permissions_outside", unused(), {}),
        ("unlisted_subject", a_role_for("repo:acme/x:ref:refs/heads/main"), {}),
        ("unlisted_subject", a_role_for("repo:acme/*:*"), {}),
        ("unlisted_subject", a_role_for("system:serviceaccount:a:b", CLUSTER), {}),
        ("unlisted_subject", a_role_for("", CLUSTER.lower()), {}),
        ("unlisted_subject", a_role_for(""), {}),
        ("confidential_outside", a_key(), tagged(DataClassification="non-confidential")),
        ("confidential_outside", a_key(), {**tagged(DataClass="secret"), **described(in_org=True)}),
        ("confidential_outside", unused(), tagged(DataClassification="Confidential")),
        ("reactivated", a_key(), {"reactivated_by": Present(Reactivation("expiry"))}),
        ("reactivated", a_key(), {"reactivated_by": NOT_LOOKED_UP}),
        ("reactivated", a_key(), {"reactivated_by": ABSENT}),
    ],
)
def test_what_does_not_stand_in_the_way(name: str, finding: Finding, context: dict[str, Any]) -> None:
    assert name not in standing(finding, **context)


def test_whether_unknown_tags_are_confidential_is_asked_where_nobody_else_asks() -> None:
    assert list(standing(tags=REFUSED)) == ["unknown_context"]
    policy = msgspec.structs.replace(POLICY, guardrails=Guardrails(unknown_context=False))
    assert (
        "whether the data is confidential is not known"
        in standing(policy=policy, tags=REFUSED)["confidential_outside"]
    )
    assert standing(a_key(principals=(("AWS", OWN),)), policy, tags=REFUSED) == {}


def test_any_subject_is_unlisted_where_nobody_minds_what_is_public() -> None:
    assert list(standing(a_role_for("repo:*"))) == ["public"]
    policy = msgspec.structs.replace(POLICY, guardrails=Guardrails(public=False))
    assert list(standing(a_role_for("repo:*"), policy)) == ["unlisted_subject", "unknown_owner"]


def test_an_error_says_why_nothing_more_is_known() -> None:
    bare = {"principals": (), "actions": (), "is_public": None}
    assert list(standing(a_key(error="INTERNAL_ERROR", **bare), principal_account=ABSENT)) == [
        "finding_error"
    ]
    policy = msgspec.structs.replace(POLICY, guardrails=Guardrails(finding_error=False))
    found = standing(a_key(error="INTERNAL_ERROR", **bare), policy, principal_account=ABSENT)
    assert list(found) == ["public", "unknown_details", "permissions_outside"]
    # An error without a name is none, and hides nothing.
    assert "unknown_details" in standing(a_key(error="", **bare), principal_account=ABSENT)


def never(**rule: Any) -> Policy:
    return msgspec.structs.replace(POLICY, never_archive=(Rule(name="cardholder data", **rule),))


@pytest.mark.parametrize(
    ("rule", "finding", "words"),
    [
        ({"resource": ("arn:aws:kms:*",)}, a_key(), "rule of the policy: cardholder data"),
        ({"resource": ("arn:aws:s3:*",)}, a_key(), None),
        ({"principal": (STRANGER,)}, a_key(), "rule of the policy: cardholder data"),
        # A further principal is no way around the rule.
        (
            {"principal": (STRANGER,)},
            a_key(principals=(("AWS", OWN), ("AWS", STRANGER))),
            "rule of the policy: cardholder data (as far as is known)",
        ),
        (
            {"resource_type": ("AWS::S3::Bucket",)},
            a_key(resource_type="AWS::Future::Thing"),
            "rule of the policy: cardholder data (as far as is known)",
        ),
        ({"trust": ("anyone",)}, a_key(principals=(("AWS", "???"),)), "(as far as is known)"),
    ],
)
def test_rules_of_what_is_never_archived(rule: dict[str, Any], finding: Finding, words: str | None) -> None:
    text = standing(finding, never(**rule)).get("never_archive")
    assert text == words or (words and text and text.endswith(words))


def test_a_further_tag_is_no_way_around_a_rule() -> None:
    policy = never(tags={"Environment": "prod"})
    for tags in ({"env": "prod"}, {"env": "prod", "Environment": "dev"}):
        assert "never_archive" in standing(policy=policy, tags=Present(tags))
    assert "never_archive" not in standing(policy=policy, tags=Present({"env": "dev"}))
    assert "never_archive" in standing(policy=policy, tags=REFUSED)


def test_the_policys_own_rules_come_last_and_each_is_named() -> None:
    rules = (Rule(name="one", account=(OWN,)), Rule(name="two", account=(OWN,)))
    policy = msgspec.structs.replace(POLICY, never_archive=rules)
    found = check(Exposure(a_key(is_public=True), known(), policy))
    assert [rail.text.removeprefix("rule of the policy: ") for rail in found[-2:]] == ["one", "two"]
    assert found[0].name == "public"


@given(some.cases(), some.policies)
def test_guardrails_never_fail_and_say_something(case: tuple[Finding, Context], policy: Policy) -> None:
    for rail in check(Exposure(*case, policy)):
        assert rail.name
        assert rail.text.strip()


def test_each_guardrail_is_named_in_words() -> None:
    names = {name for name, _ in GUARDRAILS} | set(Guardrails.__struct_fields__)

    assert names <= IN_SHORT.keys()
    assert not [said for said in IN_SHORT.values() if "_" in said or said != said.strip(" .")]
