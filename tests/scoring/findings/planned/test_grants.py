"""Policies as grants: what is not judged counts as the worst, and any input gives grants or one line."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.decision.settings import load_settings
from scoring.files.errors import BadInput
from scoring.findings.planned.grants import OWN_ACCOUNT, Unresolved, grants_of
from scoring.findings.planned.planned import Deployment, Place, PlannedPolicy, cases_of

SETTINGS = load_settings()
OTHER = "arn:aws:iam::444455556666:root"


def allow(**parts: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject", **parts}


def worst(statement: object, account: str | None = "111122223333") -> float:
    """Return the highest score among the findings of a policy; below all where there is none."""
    policy = PlannedPolicy(
        place=Place(file="p.json"),
        resource="arn:aws:s3:::reports",
        resource_type="AWS::S3::Bucket",
        document={"Statement": statement},
    )
    cases = cases_of(policy, Deployment(account=account))
    return max((SETTINGS.decide(one.case).score for one in cases), default=-1000.0)


def test_one_grant_for_each_principal_and_set_of_conditions() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
    grants = grants_of(
        json.dumps(
            {
                "Statement": [
                    allow(Principal={"AWS": [OTHER, "777788889999"]}),
                    allow(Action=["s3:PutObject"]),
                    allow(Condition=condition),
                ]
            }
        )
    )
    assert [(one.principal, one.actions, one.conditions) for one in grants] == [
        (("AWS", OTHER), ("s3:GetObject", "s3:PutObject"), ()),
        (("AWS", "777788889999"), ("s3:GetObject",), ()),
        (("AWS", OTHER), ("s3:GetObject",), (("aws:PrincipalOrgID", ("o-abcdefghij",)),)),
    ]


WIDENED = [
    ("NotPrincipal", {"NotPrincipal": {"AWS": OTHER}, "Action": "s3:GetObject", "Effect": "Allow"}),
    ("NotAction", {"Principal": {"AWS": OTHER}, "NotAction": "s3:PutObject", "Effect": "Allow"}),
    ("an action", allow(Action=Unresolved("Ref A"))),
    ("an action beside another", allow(Action=["s3:ListBucket", Unresolved("Ref A")])),
    ("a principal", allow(Principal={"AWS": Unresolved("Ref P")})),
    ("all principals", allow(Principal=Unresolved("Ref P"))),
    ("the statement", Unresolved("Fn::If Prod")),
]


@pytest.mark.parametrize(("what", "statement"), WIDENED, ids=[what for what, _ in WIDENED])
def test_what_is_not_known_is_never_milder_and_is_named(what: str, statement: object) -> None:
    assert worst(statement) >= worst(allow())
    [grant] = grants_of({"Statement": statement})
    assert grant.lacks or grant.notes


NARROW = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
LOOSE = [
    {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdefghij"}},
    {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
    {"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
    {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    {"Null": {"aws:PrincipalOrgID": "false"}},
    {"StringEquals": {"aws:PrincipalOrgID": Unresolved("Ref Org")}},
    {"StringEquals": Unresolved("Ref Org")},
    Unresolved("Ref Conditions"),
]


@pytest.mark.parametrize("condition", LOOSE, ids=str)
def test_a_condition_that_may_not_hold_narrows_nothing_and_is_named(condition: object) -> None:
    anyone = allow(Principal="*")
    assert worst({**anyone, "Condition": NARROW}) < worst(anyone)
    assert worst({**anyone, "Condition": condition}) >= worst(anyone)
    [grant] = grants_of({"Statement": {**anyone, "Condition": condition}})
    assert grant.lacks or grant.notes


def test_a_deny_takes_nothing_away_and_is_said() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    assert worst([allow(), deny]) == worst(allow())
    [grant] = grants_of({"Statement": [allow(), deny]})
    assert "Deny" in grant.notes[-1]


def test_the_own_account_raises_no_finding_said_or_not() -> None:
    assert worst(allow(Principal={"AWS": "arn:aws:iam::111122223333:root"})) == -1000.0
    assert worst(allow(Principal={"AWS": f"arn:aws:iam::{OWN_ACCOUNT}:root"}), account=None) == -1000.0
    assert worst(allow(Principal={"AWS": f"arn:aws:iam::{OWN_ACCOUNT}1:root"}), account=None) > 0


BAD: list[object] = [
    {},
    [],
    None,
    5,
    "{",
    '{"Statement": [], "Statement": []}',
    {"Statement": ["x"]},
    {"Statement": {"Effect": "Maybe", "Principal": "*", "Action": "*"}},
    {"Statement": {"Effect": "Allow", "Action": "s3:*"}},
    {"Statement": {"Effect": "Allow", "Principal": "*"}},
    {"Statement": {"Effect": "Allow", "Principal": {"Nobody": "x"}, "Action": "*"}},
    {"Statement": {"Effect": "Allow", "Principal": "x", "Action": "*"}},
    {"Statement": allow(Action=[5])},
    {"Statement": allow(Condition=[1])},
    {"Statement": allow(Condition={"StringEquals": {"k": [{}]}})},
]


@pytest.mark.parametrize("document", BAD, ids=str)
def test_what_is_no_policy_of_a_resource_is_one_line(document: object) -> None:
    with pytest.raises(BadInput) as caught:
        grants_of(document)
    assert "policy" in str(caught.value)
    assert "\n" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {"Effect": st.sampled_from(["Allow", "Deny"]) | json_values},
        optional={
            "Principal": json_values | st.just("*"),
            "Action": json_values,
            "Condition": json_values,
            "NotAction": json_values,
        },
    )
)
def test_any_statement_gives_grants_or_bad_input(statement: dict[str, Any]) -> None:
    try:
        worst(statement)
    except BadInput as error:
        said = str(error)
    else:
        said = ""
    assert said == "" or said.isprintable()
