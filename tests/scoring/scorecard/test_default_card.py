"""The default card as an analyst would have it: which finding is worse than which, and what becomes of it."""

import itertools

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from scoring.decision.decide import Decision, decide
from scoring.features.features import FEATURES
from scoring.features.order import ORDERS
from scoring.findings.context import Account, Context
from scoring.findings.finding import Finding
from scoring.findings.resource_types import RESOURCE_TYPES
from scoring.scorecard import formats
from scoring.scorecard.order import in_order
from tests.scoring import strategies as some
from tests.scoring.scenarios import (
    ACTIONS,
    ANYONE,
    EXTERNAL_ID,
    FROM_OWN,
    GITHUB,
    IN_DEVELOPMENT,
    INSIDE,
    OFFICE,
    OWN,
    OWN_ORGANIZATION,
    PARTNER,
    PERMISSIONS,
    POLICY,
    READ,
    SCENARIOS,
    SNS,
    STRANGER,
    UNTAGGED,
    VENDOR,
    WRITE,
    role,
    shared,
    sub,
)

CARD = formats.load()


def decided(name: str) -> Decision:
    return decide(*SCENARIOS[name][1], CARD, POLICY)


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_becomes_of_it(name: str) -> None:
    decision = decided(name)
    assert decision.outcome == SCENARIOS[name][0], (decision.score, decision.reason)


# From worse to better; each of a line scores above the next.
ORDER = """
public bucket, its policy too > public bucket, writable > public bucket > public bucket, office only > website
public bucket > public bucket in development > bucket for a stranger in development
public bucket > bucket for a stranger's account > bucket for a vendor
public bucket, writable > bucket for a stranger, writable > bucket for a stranger
bucket for a stranger, confidential > bucket for a stranger > bucket for a stranger, listing
bucket for a stranger's account > bucket for a stranger > bucket for a vendor > bucket for a partner
bucket for a stranger by ACL > bucket for a stranger > bucket for a deleted role
bucket for a partner > bucket for the organization > bucket for a role inside
bucket for a partner > bucket for a partner in development
bucket for a stranger > bucket for a stranger in development > bucket for a partner in development
website, confidential > website, internal > website
website, writable > website
role for anyone > role for a stranger > role for a stranger, external id > role for a vendor, external id
role for a stranger > role for a vendor > role for a vendor, external id > role for a partner, external id
role for a vendor > role for a partner > role for a partner, external id
role for all of GitHub > role for all repositories > role for one repository > role for one branch
role for all of GitHub > role for a stranger
role for all pods > role for one pod
role for a vendor, external id > role for one branch > role for a role inside
role for a vendor, external id > role for single sign-on > role for a role inside
role for a role inside > role for a role inside, development
public snapshot > snapshot for a stranger
secret for a stranger > bucket for a stranger > layer for a stranger
secret for a stranger > secret for a vendor > secret for a role inside
queue for any topic > queue for our topic
queue for a stranger's topic > queue for our topic
table for a partner, its policy too > table for a role inside, its policy too
table for a partner, its policy too > role for a partner
internal, its policy too > internal, confidential > internal, development
bucket for a stranger > internal, confidential
tags refused > bucket for a role inside
could not be analyzed > bucket for a role inside
of a new type > bucket for a role inside
access key > access key in development
access key > password > unused role > few unused permissions
many unused permissions > few unused permissions
many unused permissions > many unused permissions in development
role for a stranger > access key > internal, development
public bucket > access key
key for a stranger > key for the organization
"""
PAIRS = [pair for line in ORDER.strip().splitlines() for pair in itertools.pairwise(line.split(" > "))]


@pytest.mark.parametrize(("worse", "better"), PAIRS)
def test_worse_scores_above_better(worse: str, better: str) -> None:
    assert decided(worse).score > decided(better).score


CHOSEN = {
    "a stranger's bucket, from his own network": shared(
        "S3::Bucket", READ, role(STRANGER), OFFICE, **IN_DEVELOPMENT
    ),
    "his own repository": shared(
        *("IAM::Role", WRITE, ("Federated", GITHUB), sub("repo:stranger/x:ref:refs/heads/main")),
        **{**IN_DEVELOPMENT, "tags": UNTAGGED},
    ),
    "his own repository, on his own network, with friendly tags": shared(
        *("IAM::Role", WRITE, ("Federated", GITHUB), sub("repo:stranger/x:ref:refs/heads/main"), OFFICE),
        **IN_DEVELOPMENT,
    ),
    "a vendor's secret, from his own network": shared(
        "SecretsManager::Secret", READ, role(VENDOR), OFFICE, **IN_DEVELOPMENT
    ),
    "anybody's bucket calls": shared(
        *("Lambda::Function", WRITE, ("Service", "s3.amazonaws.com")),
        ("aws:SourceArn", ("arn:aws:s3:::strangers",)),
    ),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_condition_that_its_author_chose_for_himself_opens_no_door(name: str) -> None:
    decision = decide(*CHOSEN[name], CARD, POLICY)
    assert decision.outcome == "alert", decision.score


def test_most_scores_lie_between_0_and_100() -> None:
    scores = [decided(name).score for name in SCENARIOS]
    within = [score for score in scores if 0 <= score <= 100]
    assert len(within) >= 0.85 * len(scores)
    assert min(scores) > -20
    assert max(scores) < 200


examples = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@examples
@given(some.cases(granting=True))
def test_more_access_never_scores_less(case: tuple[Finding, Context]) -> None:
    finding, context = case
    scores = []
    for action in ACTIONS["S3::Bucket"]:
        changed = msgspec.structs.replace(finding, actions=(action,))
        scores.append(decide(changed, context, CARD, POLICY).score)
    assert scores == sorted(scores)
    assert decide(msgspec.structs.replace(finding, actions=()), context, CARD, POLICY).score >= scores[-1]


@examples
@given(some.cases(granting=True))
def test_public_never_scores_less(case: tuple[Finding, Context]) -> None:
    finding, context = case
    finding = msgspec.structs.replace(finding, finding_type="ExternalAccess", resource="arn:aws:s3:::other")
    closed, opened = (
        decide(msgspec.structs.replace(finding, is_public=public), context, CARD, POLICY).score
        for public in (False, True)
    )
    assert opened >= closed


def test_a_condition_that_keeps_nobody_out_is_worth_nothing() -> None:
    assert decided("public bucket, any address").score == decided("public bucket").score


def test_every_value_is_weighed() -> None:
    """What stands in a closed vocabulary stands in the card: nothing is worth its default by accident.

    A new resource type may have the default, which is high (see below).
    """
    single = {table.key[0]: table for table in CARD.tables if len(table.key) == 1}
    for feature in FEATURES:
        if feature.values is not None and feature.name != "resource_type":
            table = single[feature.name]
            assert {value for (value,) in table.points} >= set(feature.values), feature.name


def test_points_rise_with_the_risk() -> None:
    single = {table.key[0]: table for table in CARD.tables if len(table.key) == 1}
    for name, order in ORDERS.items():
        points = [single[name].points[(value,)] for value in order]
        assert points == sorted(points), name
        assert points[0] < points[-1], name
    assert all(in_order(table) == table for table in CARD.tables)
    types = single["resource_type"].points
    assert set(types) == {(name,) for name in RESOURCE_TYPES}


def test_permissions_management_is_more_than_all_that_takes_off() -> None:
    """No condition, account, trust or type brings it below the threshold; tags take nothing off anyway."""
    assert CARD.threshold is not None
    lowest = 1000.0
    kinds = ("Lambda::LayerVersion", "SNS::Topic", "IAM::Role", "S3::Bucket")
    conditions = (OWN_ORGANIZATION, EXTERNAL_ID, FROM_OWN, OFFICE)
    sandbox = Account(id=OWN, name="sandbox", ou="Sandbox")
    for kind, condition, to in itertools.product(
        kinds, conditions, (role(OWN), role(INSIDE), role(PARTNER), ANYONE, SNS)
    ):
        for finding_type in ("ExternalAccess", "InternalAccess"):
            case = shared(
                *("SQS::Queue", PERMISSIONS, to, condition),
                account=sandbox,
                tags={
                    "Environment": "sandbox",
                    "DataClassification": "public",
                    "Owner": "x",
                    "IsAllowedToShare": "yes",
                },
                finding_type=finding_type,
                access_type="INTRA_ACCOUNT",
                is_public=False,
            )
            finding = msgspec.structs.replace(case[0], resource_type=f"AWS::{kind}")
            lowest = min(lowest, decide(finding, case[1], CARD, POLICY).score)
    assert lowest >= CARD.threshold / 10
