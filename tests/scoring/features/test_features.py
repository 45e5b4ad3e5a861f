"""The values of features, and the words for them."""

from typing import Any

import pytest
from hypothesis import given

from scoring.features.exposure import Exposure
from scoring.features.features import (
    BY_NAME,
    FEATURES,
    NAMES,
    NOT_APPLICABLE,
    NOT_KNOWN,
    UNKNOWN,
    describe,
    feature,
    features_of,
    tag_of,
)
from scoring.features.order import ORDERS, as_scored, order_of
from scoring.findings.context import Account, Context
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES
from scoring.policy.policy import Allow, Policy
from tests.scoring import strategies as some
from tests.scoring.examples import a_bucket, a_key, known, unused

OWN, STRANGER, OTHER = some.OWN, some.STRANGER, some.OTHER
REFUSED = Unknown("AccessDenied")
READ, MEANT = {"actions": ("s3:GetObject",)}, "meant to be public"
POLICY = Policy(organization_id=some.ORGANIZATION, allow=Allow(public_buckets=("site",)))
PROVIDER = ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{some.GITHUB}")
EXTERNAL = "public access_level trust principal_kind condition principal principal_account"


def test_orders_are_of_closed_vocabularies_and_end_with_what_is_not_known() -> None:
    assert {"public", "access_level", "trust", "principal_kind", "condition", "source", "unused"} == set(
        ORDERS
    )
    for name, order in ORDERS.items():
        assert order == BY_NAME[name].values
        assert as_scored(name, NOT_KNOWN) == order[-1]
        assert as_scored(name, UNKNOWN) == UNKNOWN
    assert as_scored("owner", NOT_KNOWN) == NOT_KNOWN
    assert order_of("owner") is None


def value(name: str, finding: Finding | None = None, **context: Any) -> str:
    of = feature(name)
    assert of is not None
    return features_of(Exposure(finding or a_key(), known(**context), POLICY), (of,))[of.name]


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("finding_type", {}, "ExternalAccess"),
        ("finding_type", {"finding_type": "not applicable"}, UNKNOWN),
        ("public", {}, "not public"),
        ("public", {"is_public": True}, "public"),
        ("public", {"is_public": None}, NOT_KNOWN),
        ("public", {"is_public": None, "finding_type": "AnomalousAccess"}, UNKNOWN),
        # Who reads a bucket that everyone may read is no matter.
        ("public", {"resource": "arn:aws:s3:::site", "resource_type": "AWS::S3::Bucket", **READ}, MEANT),
        ("public", {"resource": "arn:aws:s3:::site", "resource_type": "AWS::S3::Bucket"}, "not public"),
        ("access_level", {}, "Write"),
        ("access_level", {"actions": ("kms:ListGrants", "kms:DescribeKey")}, "Read"),
        ("access_level", {"actions": ()}, UNKNOWN),
        ("trust", {}, "stranger"),
        ("principal_kind", {}, "account"),
        ("principal_kind", {"principals": ()}, UNKNOWN),
        ("principal_kind", {"principals": (("AWS", "???"),)}, NOT_KNOWN),
        ("principal_kind", {"principals": (("AWS", OWN), ("AWS", f"arn:aws:iam::{OWN}:role/r"))}, "account"),
        ("principal_kind", {"principals": (("AWS", STRANGER), ("AWS", "*"))}, "anyone"),
        ("principal_kind", {"principals": (PROVIDER,)}, "OIDC, any subject"),
        (
            "principal_kind",
            {"principals": (PROVIDER,), "conditions": ((f"{some.GITHUB}:sub", ("repo:acme/app:*",)),)},
            "OIDC, one repository",
        ),
        ("condition", {}, "none"),
        (
            "condition",
            {"resource_type": "AWS::IAM::Role", "conditions": (("sts:ExternalId", ("f3a9",)),)},
            "external id",
        ),
        ("condition", {"principals": ()}, UNKNOWN),
        ("condition", {"incomplete": True}, UNKNOWN),
        # Who is let in is no matter of this feature.
        ("condition", {"conditions": (("aws:PrincipalOrgID", (some.ORGANIZATION,)),)}, "none"),
        (
            "condition",
            {"principals": (PROVIDER,), "conditions": ((f"{some.GITHUB}:sub", ("repo:acme/*",)),)},
            "none",
        ),
        ("condition", {"conditions": (("future:Key", ("x",)),)}, "none"),
        ("resource_type", {}, "AWS::KMS::Key"),
        ("resource_type", {"resource_type": "AWS::Future::Thing"}, UNKNOWN),
        ("resource_type", {"resource_type": "not applicable"}, UNKNOWN),
        ("source", {}, NOT_APPLICABLE),
        ("source", {"resource_type": "AWS::Future::Thing"}, UNKNOWN),
        ("error", {}, "none"),
        ("error", {"error": "ACCESS_DENIED"}, UNKNOWN),
        ("error", {"error": "none"}, UNKNOWN),
        ("account", {}, OWN),
        ("account", {"account": None}, UNKNOWN),
        ("principal", {}, STRANGER),
        ("principal", {"principals": (("AWS", STRANGER), ("AWS", OWN))}, f"{OWN} {STRANGER}"),
        ("principal", {"principals": (("AWS", "???"),)}, UNKNOWN),
        (
            "principal",
            {"principals": (PROVIDER,), "conditions": ((f"{some.GITHUB}:sub", ("repo:acme/app:*",)),)},
            f"{PROVIDER[1]} repo:acme/app:*",
        ),
        ("principal_account", {}, STRANGER),
        ("principal_account", {"principals": (("AWS", "*"),)}, NOT_APPLICABLE),
        ("principal_account", {"principals": (("AWS", "???"),)}, UNKNOWN),
        ("vendor", {}, "absent"),
        ("vendor", {"principals": ()}, UNKNOWN),
        ("vendor", {"account": None}, UNKNOWN),
    ],
)
def test_values_of_the_finding(name: str, changes: dict[str, Any], expected: str) -> None:
    assert value(name, a_key(**changes)) == expected


@pytest.mark.parametrize("name", EXTERNAL.split())
def test_unused_access_is_given_to_nobody(name: str) -> None:
    assert value(name, unused()) == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("POLICY",), "bucket policy"),
        (("POLICY", "BUCKET_ACL"), "bucket ACL"),
        (("S3_ACCESS_POINT_ACCOUNT",), "access point"),
        (("POLICY", "S3_ACCESS_POINT"), "access point"),
        (("POLICY", "SOMETHING_NEW"), NOT_KNOWN),
        ((), UNKNOWN),  # events do not say
    ],
)
def test_what_grants_access_to_a_bucket(sources: tuple[str, ...], expected: str) -> None:
    assert value("source", a_bucket(sources=sources)) == expected


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        (0, "few services"),
        (4, "few services"),
        (5, "some services"),
        (19, "some services"),
        (20, "many services"),
        (None, UNKNOWN),
    ],
)
def test_how_wide_unused_permissions_are(services: int | None, expected: str) -> None:
    assert value("unused", unused("UnusedPermission", unused_services=services)) == expected
    assert value("unused", unused("UnusedIAMRole", unused_services=services)) == NOT_APPLICABLE
    assert value("unused", unused("UnusedFuture", unused_services=services)) == UNKNOWN


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        ("environment", {"ENV": "Prod"}, "production"),
        ("environment", {"env": "prod", "Environment": "dev"}, "conflicting"),
        ("environment", {"env": "prod", "Environment": "production"}, "production"),
        ("environment", {"env": "weird place"}, "weirdplace"),
        ("environment", {}, "absent"),
        ("data_class", {"Data Classification": "PII"}, "confidential"),
        ("sharing_tag", {"is-allowed-to-share": "TRUE"}, "yes"),
        ("owner", {"Team": "Blue"}, "blue"),
        ("tag:Cost Center", {"cost-center": "A 1"}, "a1"),
        ("tag:cost_center", {}, "absent"),
        # Who writes what we say ourselves gets no better for it.
        ("environment", {"env": "Unknown"}, UNKNOWN),
        ("environment", {"env": "absent"}, "absent"),
        ("environment", {"env": "not applicable"}, "notapplicable"),
    ],
)
def test_values_of_tags(name: str, tags: dict[str, str], expected: str) -> None:
    assert value(name, tags=Present(tags) if tags else ABSENT) == expected
    for fact in (REFUSED, NOT_LOOKED_UP):
        assert value(name, tags=fact) == UNKNOWN


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        (("alias/prod",), "production"),
        (("alias/payments-prod-eu",), "production"),
        (("alias/DevelopmentKey",), "development"),
        (("alias/ProductionKey", "alias/prod"), "production"),
        (("alias/prod", "alias/dev"), "conflicting"),
        (("alias/prod-dev",), "conflicting"),
        (("alias/product-catalogue",), "no hint"),
        (("alias/device",), "no hint"),
        (("alias/orders", "alias/dev"), "development"),
        (("alias/",), "no hint"),
    ],
)
def test_what_aliases_say_of_the_environment(aliases: tuple[str, ...], expected: str) -> None:
    assert value("alias", aliases=Present(aliases)) == expected


def test_aliases_are_of_keys_only() -> None:
    prod = Present(("alias/prod",))
    assert value("alias", a_bucket(), aliases=prod) == NOT_APPLICABLE
    assert value("alias", a_bucket(resource_type="AWS::Future::Thing"), aliases=prod) == UNKNOWN
    assert value("alias", aliases=ABSENT) == "absent"
    assert value("alias", aliases=REFUSED) == UNKNOWN


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (Present(Account(id=OWN, ou="Workloads/Prod")), "production"),
        # An account can change its own name, not its unit nor its tags.
        (Present(Account(id=OWN, name="acme-sandbox")), "sandbox by name"),
        (Present(Account(id=OWN, name="acme-sandbox", ou="Sandbox")), "sandbox"),
        (Present(Account(id=OWN, name="dev-prod")), "conflicting"),
        (Present(Account(id=OWN, name="x", ou="Dev/Prod")), "conflicting"),
        (Present(Account(id=OWN, tags={"env": "staging"})), "staging"),
        (Present(Account(id=OWN, name="dev", ou="Workloads/Prod")), "conflicting"),
        (Present(Account(id=OWN, name="payments", tags={"team": "prod"})), "no hint"),
        (Present(Account(id=OTHER, name="sandbox")), UNKNOWN),  # another account's
        (ABSENT, "absent"),
        (REFUSED, UNKNOWN),
    ],
)
def test_what_the_account_says_of_the_environment(account: Any, expected: str) -> None:
    assert value("account_environment", resource_account=account) == expected


def test_the_table() -> None:
    assert len(set(NAMES)) == len(FEATURES)
    assert BY_NAME["finding_type"].values == FINDING_TYPES
    assert BY_NAME["resource_type"].values == RESOURCE_TYPES
    assert feature("publc") is None
    assert feature("tag:") is None
    tagged = [of.name for of in FEATURES if of.from_tags]
    assert tagged == ["environment", "data_class", "sharing_tag", "owner", "alias", "name_stem"]
    assert {name for name in tagged if tag_of(BY_NAME[name])} == set(tagged) - {"alias", "name_stem"}


def test_who_can_set_what() -> None:
    setters = {
        ("environment", "production"): "sharer",
        ("alias", "sandbox"): "sharer",
        ("condition", "network"): "sharer",
        ("account_environment", "sandbox by name"): "account",
        ("account_environment", "sandbox"): "organization",
        ("trust", "own organization"): "organization",
        ("trust", "stranger"): "aws",
        ("public", "public"): "aws",
        ("public", "meant to be public"): "organization",
        ("access_level", "Write"): "aws",
        ("principal_kind", "role"): "aws",
    }
    assert {(name, of): BY_NAME[name].setter(of) for name, of in setters} == setters
    levers = {of.name for of in FEATURES for v in (*(of.values or ()), "x") if of.is_lever(v)}
    assert levers == {
        *("environment", "data_class", "sharing_tag", "owner", "alias", "condition", "account_environment"),
        *("resource", "name_stem"),
    }


def test_tag_features_have_one_name_however_they_are_spelt() -> None:
    names = {
        of.name for key in ("Cost Center", "cost-center", "COST_CENTER") if (of := feature(f"tag:{key}"))
    }
    assert names == {"tag:costcenter"}
    of = feature("tag:costcenter")
    assert of is not None
    assert of.from_tags
    assert tag_of(of) == "costcenter"


@pytest.mark.parametrize("of", FEATURES, ids=NAMES)
def test_every_value_has_words(of: Any) -> None:
    for known_value in (*(of.values or ("x",)), UNKNOWN):
        words = describe(of, known_value)
        assert words.strip()
        assert "{" not in words
    if of.values is not None:
        assert UNKNOWN not in describe(of, UNKNOWN).split(), "unknown is said in words"


@pytest.mark.parametrize("text", some.HOSTILE)
def test_words_do_not_interpret_values(text: str) -> None:
    assert (
        describe(BY_NAME["owner"], text or "x") == f"owned by {text or 'x'}" or text in BY_NAME["owner"].says
    )


@given(some.cases(), some.policies)
def test_every_feature_has_a_value_for_every_finding(case: tuple[Finding, Context], policy: Policy) -> None:
    found = features_of(Exposure(*case, policy))
    assert tuple(found) == NAMES
    assert all(isinstance(one, str) for one in found.values())
