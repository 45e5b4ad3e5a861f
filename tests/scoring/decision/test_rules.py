"""Rules of the policy: what matches, what does not, and what nobody can tell."""

from typing import Any

import pytest
from hypothesis import given

from scoring.decision import rules
from scoring.features.exposure import Exposure
from scoring.files.errors import BadInput
from scoring.findings.context import Context
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.findings.finding import Finding
from scoring.policy.policy import Policy
from scoring.policy.rules import Rule
from tests.scoring import strategies as some
from tests.scoring.examples import a_bucket, a_key, known, unused

OWN, STRANGER, OTHER = some.OWN, some.STRANGER, some.OTHER
REFUSED = Unknown("AccessDenied")


def matches(rule: dict[str, Any], finding: Finding | None = None, **context: Any) -> bool | None:
    exposure = Exposure(finding or a_key(), known(**context), Policy())
    return rules.matches(Rule(name="rule", **rule), exposure)


def to(*principals: str) -> dict[str, Any]:
    return {"principals": tuple(("AWS", one) for one in principals)}


@pytest.mark.parametrize(
    ("rule", "changes", "expected"),
    [
        ({"finding_type": ("ExternalAccess",)}, {}, True),
        ({"finding_type": ("InternalAccess", "ExternalAccess")}, {}, True),
        ({"finding_type": ("InternalAccess",)}, {}, False),
        ({"finding_type": ("InternalAccess",)}, {"finding_type": "AnomalousAccess"}, None),
        ({"resource_type": ("AWS::KMS::Key",)}, {}, True),
        ({"resource_type": ("AWS::S3::Bucket",)}, {}, False),
        ({"resource_type": ("AWS::S3::Bucket",)}, {"resource_type": "AWS::Future::Thing"}, None),
        ({"resource": ("arn:aws:kms:*",)}, {}, True),
        ({"resource": ("arn:aws:s3:*", f"*:{OWN}:key/????")}, {}, True),
        ({"resource": ("arn:aws:s3:*",)}, {}, False),
        ({"resource": ("ARN:AWS:KMS:*",)}, {}, False),
        ({"resource": ("*:key/[0-9]*",)}, {}, False),  # a bracket is a character like any other
        ({"resource": ("*:key/[a]",)}, {"resource": "arn:aws:kms:eu-west-1:1:key/[a]"}, True),
        ({"account": (OWN,)}, {}, True),
        ({"account": (STRANGER,)}, {}, False),
        ({"account": (STRANGER,)}, {"account": None}, None),
        ({"principal": (STRANGER,)}, {}, True),
        ({"principal": ("4444*",)}, {}, True),
        ({"principal": (OTHER,)}, {}, False),
        # An account's root is the account, however it is written in the rule or the finding.
        ({"principal": (STRANGER,)}, to(f"arn:aws:iam::{STRANGER}:root"), True),
        ({"principal": (f"arn:aws:iam::{STRANGER}:*",)}, to(f"arn:aws:iam::{STRANGER}:root"), True),
        ({"principal": (f"arn:aws:iam::{STRANGER}:role/*",)}, to(f"arn:aws:iam::{STRANGER}:role/x"), True),
        ({"principal": (STRANGER,)}, to(f"arn:aws:iam::{STRANGER}:role/x"), False),
        ({"principal": (STRANGER,)}, to(STRANGER, OTHER), None),
        ({"principal": (STRANGER, OTHER)}, to(STRANGER, OTHER), True),
        ({"principal": (STRANGER,)}, to(), None),
        ({"principal": (STRANGER,)}, to("???"), None),
        ({"principal": (STRANGER,)}, to(OTHER, "???"), None),
        ({"trust": ("stranger", "anyone")}, {}, True),
        ({"trust": ("contracted",)}, {}, False),
        ({"trust": ("contracted",)}, to("???"), None),
        ({"access_level_at_most": "Write"}, {}, True),
        ({"access_level_at_most": "Permissions management"}, {}, True),
        ({"access_level_at_most": "Read"}, {}, False),
        ({"access_level_at_most": "Read"}, {"actions": ()}, None),
        # Every condition that is stated has to hold.
        ({"account": (OWN,), "principal": (OTHER,)}, {}, False),
        ({"account": (STRANGER,), "principal": (OTHER,)}, {"account": None}, False),
        ({"account": (OWN,), "access_level_at_most": "Read"}, {"actions": ()}, None),
    ],
)
def test_rules_on_the_finding(rule: dict[str, Any], changes: dict[str, Any], expected: bool | None) -> None:
    assert matches(rule, a_key(**changes)) is expected


@pytest.mark.parametrize(
    "rule", [{"principal": ("*",)}, {"access_level_at_most": "Write"}, {"trust": ("stranger",)}]
)
def test_rules_on_who_is_given_access_do_not_reach_unused_access(rule: dict[str, Any]) -> None:
    assert matches(rule, unused()) is False
    assert matches({"finding_type": ("UnusedIAMRole",)}, unused()) is True


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"Environment": "development"}, True),
        ({"env": "DEV"}, True),
        ({"Env": "dev", "environment": "Development"}, True),
        ({"env": "prod"}, False),
        ({"stage": "dev", "Environment": "prod"}, None),  # in doubt: it says both
        ({"Owner": "x"}, False),
    ],
)
def test_rules_on_tags(tags: dict[str, str], expected: bool | None) -> None:
    rule = {"tags": {"Environment": "development"}}
    assert matches(rule, tags=Present(tags)) is expected
    assert matches(rule, tags=ABSENT) is False
    assert matches(rule, tags=REFUSED) is None
    assert matches(rule, tags=NOT_LOOKED_UP) is None


def test_every_tag_of_a_rule_has_to_be_there() -> None:
    rule = {"tags": {"Environment": "dev", "IsAllowedToShare": "true"}}
    assert matches(rule, tags=Present({"env": "dev", "is-allowed-to-share": "YES"})) is True
    assert matches(rule, tags=Present({"env": "dev"})) is False
    assert matches(rule, tags=Present({"env": "dev", "Environment": "prod"})) is False


@pytest.mark.parametrize(
    ("alias", "aliases", "expected"),
    [
        ("DevelopmentKey", ("alias/DevelopmentKey",), True),
        ("alias/developmentkey", ("alias/x", "alias/DEVELOPMENTKEY"), True),
        ("DevelopmentKey", ("alias/DevelopmentKey2",), False),
        ("DevelopmentKey", ("alias/aws/DevelopmentKey",), False),
    ],
)
def test_rules_on_aliases(alias: str, aliases: tuple[str, ...], expected: bool) -> None:
    rule = {"alias": alias}
    assert matches(rule, aliases=Present(aliases)) is expected
    assert matches(rule, aliases=ABSENT) is False
    assert matches(rule, aliases=REFUSED) is None
    # Only keys have aliases; what a new type has, nobody knows.
    assert matches(rule, a_bucket(), aliases=Present(aliases)) is False
    assert matches(rule, a_bucket(), aliases=NOT_LOOKED_UP) is False
    assert matches(rule, a_bucket(resource_type="AWS::Future::Thing"), aliases=Present(aliases)) is None


def test_which_rules_trust_tags() -> None:
    assert Rule(name="x", tags={"env": "dev"}).trusts_tags
    assert Rule(name="x", alias="x").trusts_tags
    assert not Rule(name="x", resource=("*",)).trusts_tags


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, "expected[0]: expected at least one condition beside the name"),
        ({"tags": {}, "alias": ""}, "expected[0]: expected at least one condition beside the name"),
        ({"name": " ", "alias": "x"}, "expected[0].name: expected a name that can be read, got ' '"),
        (
            {"name": "a\x1b[2J", "alias": "x"},
            r"expected[0].name: expected a name that can be read, got 'a\x1b[2J'",
        ),
        (
            {"finding_type": ("External",)},
            "expected[0].finding_type: unknown value 'External'; did you mean 'ExternalAccess'?",
        ),
        (
            {"resource_type": ("AWS::KMS::Key", "AWS::S3::Buckt")},
            "expected[0].resource_type: unknown value 'AWS::S3::Buckt'; did you mean 'AWS::S3::Bucket'?",
        ),
        ({"trust": ("strangr",)}, "expected[0].trust: unknown value 'strangr'; did you mean 'stranger'?"),
        (
            {"access_level_at_most": "read"},
            "expected[0].access_level_at_most: unknown value 'read'; did you mean 'Read'?",
        ),
        ({"account": ("12",)}, "expected[0].account: expected twelve digits, got '12'"),
        (
            {"tags": {"env": "dev", "Environment": "prod"}},
            "expected[0].tags: expected each tag once, however it is spelt",
        ),
    ],
)
def test_rules_that_could_never_match_are_refused(rule: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadInput) as caught:
        Rule(**{"name": "x", **rule}).check("expected[0]")
    assert str(caught.value) == expected


@given(some.cases(), some.rules)
def test_every_rule_has_an_answer_for_every_finding(case: tuple[Finding, Context], rule: Rule) -> None:
    rule.check("rule")
    assert rules.matches(rule, Exposure(*case, Policy())) in (True, False, None)
