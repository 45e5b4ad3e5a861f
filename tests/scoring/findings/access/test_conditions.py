"""Conditions that keep somebody out, and those that only look like it."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.files.errors import BadInput
from scoring.findings.access.condition_keys import Pins, condition_keys, parse
from scoring.findings.access.conditions import (
    NARROWINGS,
    STATES,
    is_wide,
    judge,
    narrowing,
    values_of,
    without,
)
from tests.scoring import strategies as some

OWN, OTHER = some.ORGANIZATION, some.OTHER_ORGANIZATION
ACCOUNT = some.OWN


def judged(key: str, *values: str) -> str:
    """What one condition comes to: how it narrows, whom it names, or why it does neither."""
    (one,) = judge(((key, values),))
    if one.state != "narrow":
        return one.state
    return one.narrowing if one.narrowing != "none" else one.pins


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("203.0.113.7",), "network"),
        (("203.0.113.7/32",), "network"),
        (("203.0.113.0/24", "198.51.100.0/24"), "network"),
        (("8.8.0.0/16",), "network"),
        (("2600:1f18::/48",), "network"),
        (("2600:1f18:1234:5678::1",), "network"),
        (("0.0.0.0/0",), "wide"),
        (("::/0",), "wide"),
        (("0.0.0.0/1", "128.0.0.0/1"), "wide"),  # everything, in two halves
        (("8.8.0.0/16", "9.9.0.0/16"), "wide"),  # too much together
        (("3.0.0.0/8",), "wide"),
        (("8.8.0.0/15",), "wide"),
        (("2600:1f18::/47",), "wide"),
        (("203.0.113.0/24", "0.0.0.0/0"), "wide"),  # one wide value opens it
        (("203.0.113.0/24", "::/0"), "wide"),
        (("10.0.0.0/8",), "wide"),  # every VPC of the world may be there
        (("10.1.2.0/24",), "wide"),
        (("192.168.1.1",), "wide"),
        (("100.64.1.0/24",), "wide"),
        (("127.0.0.1",), "wide"),
        (("fd00::/48",), "wide"),
        (("169.254.169.254",), "wide"),
        (("*",), "wide"),
        (("203.0.113.*",), "wide"),
        (("somewhere",), "not judged"),
        (("203.0.113.0/33",), "not judged"),
        (('["203.0.113.0/24","198.51.100.0/24"]',), "network"),
        (('["203.0.113.0/24","0.0.0.0/0"]',), "wide"),
        (("203.0.113.0/24, 0.0.0.0/0",), "wide"),
        (("[" * 5000,), "not judged"),  # nested too deeply to be read
        (("9" * 5000,), "not judged"),
        (("",), "not judged"),
        ((), "not judged"),
    ],
)
def test_addresses(values: tuple[str, ...], expected: str) -> None:
    assert judged("aws:SourceIp", *values) == expected


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("aws:PrincipalOrgID", (OWN,), "principal organization"),
        ("aws:PrincipalOrgID", (OTHER,), "principal organization"),
        ("aws:PrincipalOrgID", (OWN, OTHER), "principal organization"),
        ("aws:PrincipalOrgID", (f'["{OWN}","{OTHER}"]',), "principal organization"),
        ("aws:PrincipalOrgID", ("${aws:ResourceOrgID}",), "principal organization"),
        ("aws:PrincipalOrgID", ("${aws:PrincipalOrgID}",), "not judged"),
        ("aws:PrincipalOrgID", ("*",), "wide"),
        ("aws:PrincipalOrgID", ("o-*",), "wide"),
        ("aws:PrincipalOrgID", (OWN, "o-*"), "wide"),
        ("aws:PrincipalOrgID", (OWN.upper(),), "not judged"),
        ("aws:PrincipalOrgPaths", (f"{OWN}/*",), "principal organization"),
        ("aws:PrincipalOrgPaths", (f"{OWN}/r-ab12/ou-ab12-11111111/*",), "principal organization"),
        ("aws:PrincipalOrgPaths", ("o-*/r-ab12/*",), "wide"),
        ("aws:PrincipalOrgPaths", ("*/r-ab12/*",), "wide"),
        ("aws:PrincipalOrgPaths", ("/r-ab12",), "not judged"),
        ("aws:SourceOrgID", (OWN,), "source account"),
        ("aws:SourceOrgID", (OTHER,), "source account"),
        ("aws:SourceArn", (f"arn:aws:sns:eu-west-1:{ACCOUNT}:topic",), "source resource"),
        ("aws:SourceArn", (f"arn:aws:sns:*:{ACCOUNT}:*",), "source resource"),
        ("aws:SourceArn", ("arn:aws:s3:::my-bucket",), "source resource"),
        ("aws:SourceArn", ("arn:aws:s3:::my-*",), "wide"),
        ("aws:SourceArn", ("arn:aws:s3:::*",), "wide"),
        ("aws:SourceArn", ("arn:aws:s3:::my-bucket", "arn:aws:s3:::*"), "wide"),
        ("aws:SourceArn", ("*",), "wide"),
        ("aws:SourceArn", (f"*:{ACCOUNT}:*",), "wide"),
        ("aws:SourceAccount", (ACCOUNT,), "source account"),
        ("aws:SourceAccount", ("1111*",), "wide"),
        ("aws:SourceAccount", (ACCOUNT, "*"), "wide"),
        ("aws:SourceOwner", (ACCOUNT,), "source account"),
        ("aws:PrincipalAccount", (ACCOUNT,), "principal account"),
        ("aws:PrincipalAccount", ("${aws:ResourceAccount}",), "principal account"),
        ("kms:CallerAccount", (ACCOUNT,), "principal account"),
        ("kms:CallerAccount", ("*",), "wide"),
        ("aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:role/x",), "principal ARN"),
        ("aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:*",), "principal ARN"),
        ("aws:PrincipalArn", ("arn:aws:iam::*:role/x",), "wide"),
        ("aws:PrincipalArn", ("arn:aws:iam::11112222333?:role/x",), "wide"),
        ("aws:PrincipalArn", (f"arn:aws:iam::{ACCOUNT}:role/x", "arn:aws:iam::*:role/x"), "wide"),
        ("aws:PrincipalArn", ("arn:aws:iam::१११११११११११११:role/x",), "not judged"),  # digits, not ASCII
        ("aws:PrincipalArn", ("arn:aws:iam::${aws:ResourceAccount}:role/*",), "principal ARN"),
        ("aws:PrincipalArn", ("arn:aws:iam::${aws:PrincipalAccount}:role/*",), "wide"),  # whoever he is
        ("aws:SourceArn", ("arn:aws:sns:*:${AWS:resourceaccount}:*",), "source resource"),
        ("aws:SourceArn", ("arn:aws:sns:*:*:${aws:ResourceAccount}",), "wide"),  # a topic's name
        ("aws:ResourceOrgID", ("${aws:PrincipalOrgID}",), "resource owner"),
        ("aws:ResourceOrgID", (OWN,), "wide"),
        ("aws:ResourceOrgID", ("${aws:PrincipalOrgID}", OWN), "wide"),
        ("aws:ResourceAccount", ("${aws:PrincipalAccount}",), "resource owner"),
        ("aws:ResourceAccount", (ACCOUNT,), "wide"),
        ("aws:userid", ("AROAEXAMPLEEXAMPLEEXA:*",), "principal unique id"),
        ("aws:userid", ("AIDAEXAMPLEEXAMPLEEXA",), "principal unique id"),
        ("aws:userid", (ACCOUNT,), "principal unique id"),
        ("aws:userid", ("*:session",), "wide"),
        ("aws:userid", ("AROA*",), "wide"),
        ("aws:SourceVpce", ("vpce-0123456789abcdef0",), "network"),
        ("aws:SourceVpc", ("vpc-0a1b2c3d",), "network"),
        ("aws:SourceVpc", ("vpc-*",), "wide"),
        ("aws:SourceVpc", ("*",), "wide"),
        ("sts:ExternalId", ("f3a9-7712",), "external id"),
        ("sts:ExternalId", ("*",), "wide"),
        ("sts:ExternalId", ("f3a9-*",), "wide"),
        ("sts:ExternalId", ("f3a9-7712", "*"), "wide"),
        ("sts:ExternalId", ("f3a9-7712", "0815"), "external id"),
        ("sts:ExternalId", ("",), "not judged"),
        ("aws:SecureTransport", ("true",), "wide"),
        ("kms:ViaService", ("s3.eu-west-1.amazonaws.com",), "wide"),
        ("aws:PrincipalTag/team", ("blue",), "wide"),
        ("future:Key", ("x",), "not judged"),
        ("future:Key", ("*",), "not judged"),
        ("aws:VpceAccount", (ACCOUNT,), "network"),
        ("aws:VpceOrgID", (OWN,), "network"),
        ("aws:VpceOrgPaths", (f"{OWN}/r-ab12/*",), "network"),
        ("aws:VpceOrgID", ("o-*",), "wide"),
        ("aws:SourceVpcArn", (f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc/vpc-1",), "network"),
        ("aws:SourceVpcArn", ("arn:aws:ec2:*:*:vpc/*",), "wide"),
        ("s3:DataAccessPointAccount", (ACCOUNT,), "network"),
        ("s3:DataAccessPointArn", (f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/*",), "network"),
        ("elasticfilesystem:AccessedViaMountTarget", ("true",), "network"),
        ("elasticfilesystem:AccessedViaMountTarget", ("false",), "wide"),
        ("aws:PrincipalIsAWSService", ("true",), "AWS service"),
        ("aws:PrincipalIsAWSService", ("false",), "wide"),
        ("aws:PrincipalServiceName", ("sns.amazonaws.com",), "service principal"),
        ("lambda:EventSourceToken", ("amzn1.ask.skill.1",), "source resource"),
        ("lambda:EventSourceToken", ("*",), "wide"),
        ("lambda:FunctionUrlAuthType", ("AWS_IAM",), "wide"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", ("x",), "not judged"),
    ],
)
def test_keys(key: str, values: tuple[str, ...], expected: str) -> None:
    for spelling in (key, key.lower(), key.upper()):
        assert judged(spelling, *values) == expected


def test_several_conditions_have_all_to_hold_so_the_strongest_counts() -> None:
    wide, narrow = ("aws:SourceIp", ("0.0.0.0/0",)), ("aws:SourceVpce", ("vpce-0a1b2c3d",))
    outside = ("sts:ExternalId", ("f3a9",))
    assert narrowing(judge((wide, narrow))) == "network"
    assert narrowing(judge((narrow, wide, outside))) == "external id"
    assert narrowing(judge(())) == "none"
    assert narrowing(judge((("future:Key", ("x",)), wide))) == "none"


def test_whom_conditions_name() -> None:
    arn = f"arn:aws:iam::{some.STRANGER}"
    found = judge(
        (
            ("aws:PrincipalArn", (f"{arn}:role/x", f"{arn}:role/*", f"{arn}:user/y")),
            ("aws:SourceArn", (f"arn:aws:sns:eu-west-1:{ACCOUNT}:t", "arn:aws:s3:::uploads")),
            ("aws:userid", ("AROAEXAMPLEEXAMPLEEXA:*", "AROAEXAMPLEEXAMPLEEXA:session")),
        )
    )
    named = [[(party.kind, party.id, party.hands) for party in one.parties] for one in found]
    assert named == [
        [("account", some.STRANGER, hands) for hands in ("role", "account", "user")],
        [("account", ACCOUNT, "AWS service"), ("bucket", "uploads", "AWS service")],
        [("unowned", "AROAEXAMPLEEXAMPLEEXA", "role")] * 2,
    ]


def test_a_value_may_hold_a_comma() -> None:
    """IAM allows it in names of roles, sessions and external ids."""
    role = f"arn:aws:iam::{ACCOUNT}:role/team,ops"
    for key, value in (
        ("aws:PrincipalArn", role),
        ("aws:userid", "AROAEXAMPLEEXAMPLEEXA:team,ops"),
        ("sts:ExternalId", "a,b"),
    ):
        (one,) = judge(((key, (value,)),))
        assert (one.values, one.state) == ((value,), "narrow"), key
    assert judged("aws:PrincipalArn", f"{role},arn:aws:iam::*:role/x") == "wide"
    assert judged("aws:PrincipalArn", f"{role},*") == "wide"
    assert judged("sts:ExternalId", "a,*") == "wide"


def test_what_the_policy_lists_is_narrow_and_nothing_else() -> None:
    listed = (("future:key", ("x", "a,b")), ("kms:viaservice", ("s3.eu-west-1.amazonaws.com",)))

    def state(key: str, *values: str) -> tuple[str, str]:
        (one,) = judge(((key, values),), (), listed)
        return one.state, one.narrowing

    assert state("future:Key", "x") == ("narrow", "listed")
    assert state("FUTURE:key", "a,b") == ("narrow", "listed")
    assert state("kms:ViaService", "s3.eu-west-1.amazonaws.com") == ("narrow", "listed")
    assert state("future:Key", "x", "y") == ("not judged", "none")
    assert state("future:Key", "x*") == ("not judged", "none")
    assert state("kms:ViaService", "sqs.eu-west-1.amazonaws.com") == ("wide", "none")
    assert state("aws:SourceIp", "203.0.113.0/24") == ("narrow", "network")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("aws:SourceIp", "0.0.0.0/0", True),
        ("aws:PrincipalOrgID", "o-*", True),
        ("future:Key", "*", True),
        ("future:Key", "x", False),
        ("aws:SourceIp", "203.0.113.0/24", False),
        ("kms:ViaService", "s3.eu-west-1.amazonaws.com", False),  # a person may know better
    ],
)
def test_what_nobody_should_list(key: str, value: str, expected: bool) -> None:
    assert is_wide(key, value) is expected


def test_claims_of_identity_providers_are_judged_elsewhere() -> None:
    claim = (f"{some.GITHUB}:sub", ("repo:acme/*",))
    assert judge((claim,), (some.GITHUB.upper(),)) == ()
    (elsewhere,) = judge((claim,))
    assert elsewhere.state == "not judged"
    assert without((claim, ("x:Y", ("z",))), ["x:Y"]) == (claim,)


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
    found = judge(conditions)
    assert narrowing(found) in NARROWINGS
    assert all(one.state in STATES for one in found)


@given(st.sampled_from(some.HOSTILE), st.permutations(("203.0.113.0/24", "198.51.100.7")))
def test_one_more_value_never_narrows(more: str, values: list[str]) -> None:
    for row in condition_keys().exact.values():
        (few,), (many,) = judge(((row.name, tuple(values)),)), judge(((row.name, (*values, more)),))
        assert STATES.index(many.state) >= STATES.index(few.state), row.name


def test_values_are_split_as_aws_writes_them() -> None:
    assert values_of(("a", '["b", "c"]', "d,e", " f ", "", '["broken', "[1]")) == (
        *("a", "b", "c", "d", "e", "f", "", '["broken', "[1]"),
    )


# The catalogue


def test_every_key_of_the_catalogue_has_a_source_and_can_be_judged() -> None:
    keys = condition_keys()
    rows = [*keys.exact.values(), *(row for _, row in keys.families)]
    assert {row.pins for row in rows} == set(get_args(Pins))
    for row in rows:
        assert row.source.startswith("https://"), row.name
        assert keys.find(row.name.rstrip("*").swapcase() + "x" * row.name.endswith("*")) == row
    assert keys.checked.year >= 2026


ROW = 'name = "a:B"\npins = "nobody"\nchosen_by = "caller"\nsource = "x"'


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((ROW, ROW.replace("a:B", "A:b")), "key[1].name: the key is listed already, got 'A:b'"),
        ((ROW.replace('"x"', '"y"'),), "key[0].source: expected a name of [sources], got 'y'"),
        ((ROW.replace("nobody", "nobdy"),), "key[0].pins: "),
        ((ROW.replace("name", "nmae"),), "key[0]: "),
        ((ROW.replace("chosen_by", "chosen"),), "key[0]: "),
    ],
)
def test_what_is_wrong_with_a_catalogue(rows: tuple[str, ...], expected: str) -> None:
    head = 'checked = 2026-11-30\n[sources]\nx = "https://example.com"\n'
    with pytest.raises(BadInput) as caught:
        parse(head + "".join(f"[[key]]\n{row}\n" for row in rows))
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)
