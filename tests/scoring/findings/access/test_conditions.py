"""Conditions that keep somebody out, and those that only look like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access.conditions import STRENGTHS, narrowing, values_of
from tests.scoring import strategies as some

OWN, OTHER = some.ORGANIZATION, some.OTHER_ORGANIZATION
ACCOUNT = some.OWN


def strength(key: str, *values: str, own: str | None = OWN) -> str:
    return narrowing(((key, values),), own).strength


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("203.0.113.7",), "network"),
        (("203.0.113.7/32",), "network"),
        (("203.0.113.0/24", "198.51.100.0/24"), "network"),
        (("8.8.0.0/16",), "network"),
        (("2600:1f18::/48",), "network"),
        (("2600:1f18:1234:5678::1",), "network"),
        (("0.0.0.0/0",), "not narrowing"),
        (("::/0",), "not narrowing"),
        (("0.0.0.0/1", "128.0.0.0/1"), "not narrowing"),  # everything, in two halves
        (("8.8.0.0/16", "9.9.0.0/16"), "not narrowing"),  # too much together
        (("3.0.0.0/8",), "not narrowing"),
        (("8.8.0.0/15",), "not narrowing"),
        (("2600:1f18::/47",), "not narrowing"),
        (("203.0.113.0/24", "0.0.0.0/0"), "not narrowing"),  # one wide value opens it
        (("203.0.113.0/24", "::/0"), "not narrowing"),
        (("10.0.0.0/8",), "not narrowing"),  # every VPC of the world may be there
        (("10.1.2.0/24",), "not narrowing"),
        (("192.168.1.1",), "not narrowing"),
        (("100.64.1.0/24",), "not narrowing"),
        (("127.0.0.1",), "not narrowing"),
        (("fd00::/48",), "not narrowing"),
        (("169.254.169.254",), "not narrowing"),
        (("*",), "not narrowing"),
        (("203.0.113.*",), "not narrowing"),
        (("somewhere",), "not narrowing"),
        (("203.0.113.0/33",), "not narrowing"),
        (('["203.0.113.0/24","198.51.100.0/24"]',), "network"),
        (('["203.0.113.0/24","0.0.0.0/0"]',), "not narrowing"),
        (("203.0.113.0/24, 0.0.0.0/0",), "not narrowing"),
        (("[" * 5000,), "not narrowing"),  # nested too deeply to be read
        (("9" * 5000,), "not narrowing"),
        (("",), "not narrowing"),
        ((), "not narrowing"),
    ],
)
def test_addresses(values: tuple[str, ...], expected: str) -> None:
    assert strength("aws:SourceIp", *values) == expected


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("aws:PrincipalOrgID", (OWN,), "own organization"),
        ("aws:PrincipalOrgID", (OTHER,), "foreign organization"),
        ("aws:PrincipalOrgID", (OWN, OTHER), "foreign organization"),
        ("aws:PrincipalOrgID", (f'["{OWN}","{OTHER}"]',), "foreign organization"),
        ("aws:PrincipalOrgID", ("*",), "not narrowing"),
        ("aws:PrincipalOrgID", ("o-*",), "not narrowing"),
        ("aws:PrincipalOrgID", (OWN, "o-*"), "not narrowing"),
        ("aws:PrincipalOrgID", (OWN.upper(),), "not narrowing"),
        ("aws:PrincipalOrgPaths", (f"{OWN}/*",), "own organization"),
        ("aws:PrincipalOrgPaths", (f"{OWN}/r-ab12/ou-ab12-11111111/*",), "own organization"),
        ("aws:PrincipalOrgPaths", ("o-*/r-ab12/*",), "not narrowing"),
        ("aws:PrincipalOrgPaths", ("*/r-ab12/*",), "not narrowing"),
        ("aws:PrincipalOrgPaths", ("/r-ab12",), "not narrowing"),
        ("aws:SourceOrgID", (OWN,), "source account"),
        ("aws:SourceOrgID", (OTHER,), "not narrowing"),
        ("aws:SourceArn", (f"arn:aws:sns:eu-west-1:{ACCOUNT}:topic",), "source resource"),
        ("aws:SourceArn", (f"arn:aws:sns:*:{ACCOUNT}:*",), "source resource"),
        ("aws:SourceArn", ("arn:aws:s3:::my-bucket",), "source resource"),
        ("aws:SourceArn", ("arn:aws:s3:::my-*",), "not narrowing"),
        ("aws:SourceArn", ("arn:aws:s3:::*",), "not narrowing"),
        ("aws:SourceArn", ("arn:aws:s3:::my-bucket", "arn:aws:s3:::*"), "not narrowing"),
        ("aws:SourceArn", ("*",), "not narrowing"),
        ("aws:SourceArn", (f"*:{ACCOUNT}:*",), "not narrowing"),
        ("aws:SourceAccount", (ACCOUNT,), "source account"),
        ("aws:SourceAccount", ("1111*",), "not narrowing"),
        ("aws:SourceAccount", (ACCOUNT, "*"), "not narrowing"),
        ("aws:SourceOwner", (ACCOUNT,), "source account"),
        ("aws:PrincipalAccount", (ACCOUNT,), "principal"),
        ("kms:CallerAccount", (ACCOUNT,), "principal"),
        ("kms:CallerAccount", ("*",), "not narrowing"),
        ("aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:role/x",), "principal"),
        ("aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:*",), "principal"),
        ("aws:PrincipalArn", ("arn:aws:iam::*:role/x",), "not narrowing"),
        ("aws:PrincipalArn", ("arn:aws:iam::11112222333?:role/x",), "not narrowing"),
        ("aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:role/x", "arn:aws:iam::*:role/x"), "not narrowing"),
        ("aws:PrincipalArn", ("arn:aws:iam::१११११११११११११:role/x",), "not narrowing"),  # digits, not ASCII
        ("aws:userid", ("AROAEXAMPLEEXAMPLEEXA:*",), "principal"),
        ("aws:userid", ("AIDAEXAMPLEEXAMPLEEXA",), "principal"),
        ("aws:userid", (ACCOUNT,), "principal"),
        ("aws:userid", ("*:session",), "not narrowing"),
        ("aws:userid", ("AROA*",), "not narrowing"),
        ("aws:SourceVpce", ("vpce-0123456789abcdef0",), "network"),
        ("aws:SourceVpc", ("vpc-0a1b2c3d",), "network"),
        ("aws:SourceVpc", ("vpc-*",), "not narrowing"),
        ("aws:SourceVpc", ("*",), "not narrowing"),
        ("sts:ExternalId", ("f3a9-7712",), "external id"),
        ("sts:ExternalId", ("*",), "not narrowing"),
        ("sts:ExternalId", ("f3a9-*",), "not narrowing"),
        ("sts:ExternalId", ("f3a9-7712", "*"), "not narrowing"),
        ("sts:ExternalId", ("f3a9-7712", "0815"), "external id"),
        ("sts:ExternalId", ("",), "not narrowing"),
        ("aws:SecureTransport", ("true",), "not narrowing"),
        ("kms:ViaService", ("s3.eu-west-1.amazonaws.com",), "not narrowing"),
        ("aws:PrincipalTag/team", ("blue",), "not narrowing"),
        ("future:Key", ("x",), "not narrowing"),
    ],
)
def test_keys(key: str, values: tuple[str, ...], expected: str) -> None:
    for spelling in (key, key.lower(), key.upper()):
        assert strength(spelling, *values) == expected


def test_several_conditions_have_all_to_hold_so_the_best_counts() -> None:
    wide, narrow = ("aws:SourceIp", ("0.0.0.0/0",)), ("aws:SourceVpce", ("vpce-0a1b2c3d",))
    own = ("aws:PrincipalOrgID", (OWN,))
    assert narrowing((wide, narrow), OWN).strength == "network"
    assert narrowing((narrow, wide, own), OWN).strength == "own organization"
    assert narrowing((), OWN).strength == "none"
    assert narrowing((("future:Key", ("x",)), wide), OWN).strength == "not narrowing"


def test_accounts_that_conditions_name() -> None:
    found = narrowing(
        (
            ("aws:PrincipalArn", (f"arn:aws:iam::{some.STRANGER}:role/x",)),
            (
                "aws:SourceArn",
                (f"arn:aws:sns:eu-west-1:{ACCOUNT}:t", f"arn:aws:sns:eu-west-1:{some.OTHER}:t"),
            ),
        ),
        OWN,
    )
    assert found.accounts == (some.STRANGER,)
    assert found.source_accounts == (ACCOUNT, some.OTHER)


@pytest.mark.parametrize(
    ("key", "possible"),
    [
        ("aws:PrincipalOrgID", {"own organization", "foreign organization"}),
        ("aws:PrincipalOrgPaths", {"own organization", "foreign organization"}),
        ("aws:SourceOrgID", {"source account", "not narrowing"}),
    ],
)
def test_where_nobody_knows_the_own_organization_it_may_be_this_one(key: str, possible: set[str]) -> None:
    found = narrowing(((key, (OWN,)),), None)
    assert found.strength == "unknown"
    assert {one.strength for one in found.possible} == possible
    assert found.narrows == ("not narrowing" not in possible)
    assert strength(key, OWN, OTHER, own=None) in ("foreign organization", "not narrowing")
    assert strength(key, "*", own=None) == "not narrowing"
    assert strength("aws:SourceIp", "203.0.113.0/24", own=None) == "network"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("aws:SourceIp", "aws:SourceArn", "sts:ExternalId", "aws:userid")),
            st.lists(some.hostile_text, max_size=3).map(tuple),
        ),
        max_size=3,
    ).map(tuple)
)
def test_any_text_gets_an_answer(conditions: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    assert narrowing(conditions, OWN).strength in STRENGTHS


@given(st.sampled_from(some.HOSTILE), st.permutations(("203.0.113.0/24", "198.51.100.7")))
def test_one_more_value_never_narrows(more: str, values: list[str]) -> None:
    order = STRENGTHS.index
    for key in (
        "aws:SourceIp",
        "aws:PrincipalOrgID",
        "aws:SourceVpce",
        "aws:SourceAccount",
        "sts:ExternalId",
    ):
        few, many = strength(key, *values), strength(key, *values, more)
        assert order(many) >= order(few)


def test_values_are_split_as_aws_writes_them() -> None:
    assert values_of(("a", '["b", "c"]', "d,e", " f ", "", '["broken', "[1]")) == (
        *("a", "b", "c", "d", "e", "f", '["broken', "[1]"),
    )
