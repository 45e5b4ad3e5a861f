"""Who is given access, and how far they are trusted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access.conditions import Narrowing, narrowing
from scoring.findings.access.principal import TRUST, Principal, parse, trust
from scoring.findings.finding import Condition
from tests.scoring import strategies as some

OWN, VENDOR, STRANGER = some.OWN, some.VENDOR, some.STRANGER
GITHUB = some.GITHUB
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C"
COGNITO = "cognito-identity.amazonaws.com"
NOTHING = Narrowing("none")


@pytest.mark.parametrize(
    ("kind", "value", "expected", "account"),
    [
        ("AWS", "*", "anyone", None),
        ("Service", "*", "anyone", None),
        ("Federated", "*", "anyone", None),
        ("CanonicalUser", "*", "anyone", None),
        ("AWS", STRANGER, "account", STRANGER),
        ("AWS", "012345678901", "account", "012345678901"),
        ("AWS", f"arn:aws:iam::{STRANGER}:root", "account", STRANGER),
        ("AWS", f"arn:aws-cn:iam::{STRANGER}:root", "account", STRANGER),
        ("AWS", f"arn:aws-us-gov:iam::{STRANGER}:role/x", "role", STRANGER),
        ("AWS", f"arn:aws:iam::{STRANGER}:role/path/to/x", "role", STRANGER),
        ("AWS", f"arn:aws:iam::{STRANGER}:user/x", "user", STRANGER),
        ("AWS", f"arn:aws:sts::{STRANGER}:assumed-role/x/session", "session", STRANGER),
        ("AWS", f"arn:aws:sts::{STRANGER}:federated-user/x", "session", STRANGER),
        ("AWS", f"arn:aws:iam::{STRANGER}:*", "unknown", STRANGER),
        ("AWS", "arn:aws:iam::*:role/x", "anyone", None),
        ("AWS", "arn:aws:iam::11112222333?:root", "anyone", None),
        ("AWS", "arn:aws:iam::*:root", "anyone", None),
        ("AWS", "AROAEXAMPLEEXAMPLEEXA", "deleted principal", None),
        ("AWS", "AIDAEXAMPLEEXAMPLEEXA", "deleted principal", None),
        ("AWS", "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1A2", "AWS service", None),
        ("AWS", "11112222333", "unknown", None),
        ("AWS", "१११११११११११११", "unknown", None),  # digits, but no account
        ("AWS", "arn:aws:iam:::role/x", "unknown", None),
        ("AWS", "arn:aws:iam", "unknown", None),
        ("AWS", "", "unknown", None),
        ("Service", "sns.amazonaws.com", "AWS service", None),
        ("CanonicalUser", "0" * 64, "canonical user", None),
        ("CanonicalUser", "0" * 63, "unknown", None),
        ("CanonicalUser", "G" * 64, "unknown", None),
        ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}", "OIDC", OWN),
        ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{EKS}", "OIDC", OWN),
        ("Federated", f"arn:aws:iam::{OWN}:saml-provider/AWSSSO_DO_NOT_DELETE", "SAML", OWN),
        ("Federated", COGNITO, "OIDC", None),
        ("Federated", "accounts.google.com", "OIDC", None),
        ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/", "unknown", OWN),
        ("Federated", "nobody", "unknown", None),
        ("Group", "all", "unknown", None),
        ("aws", STRANGER, "unknown", None),
    ],
)
def test_principals_of_all_kinds(kind: str, value: str, expected: str, account: str | None) -> None:
    found = parse(kind, value)
    assert (found.kind, found.account) == (expected, account)
    assert found.is_readable == (expected != "unknown" or account is not None)


@given(
    st.sampled_from(("AWS", "Service", "Federated", "CanonicalUser")) | some.hostile_text, some.hostile_text
)
def test_any_text_is_read(kind: str, value: str) -> None:
    found = parse(kind, value)
    assert found.kind in ("unknown", "anyone", "AWS service", "OIDC")


def placed(kind: str, value: str, *conditions: Condition, **known: Any) -> str:
    known = {"own_account": OWN, "in_organization": False, **known}
    own_organization = known.pop("own_organization", some.ORGANIZATION)
    judged = narrowing(conditions, own_organization)
    return trust(parse(kind, value), judged, conditions=conditions, **known)


IN_OWN_ORGANIZATION = ("aws:PrincipalOrgID", (some.ORGANIZATION,))
IN_ANOTHER = ("aws:PrincipalOrgID", (some.OTHER_ORGANIZATION,))
WIDE = ("aws:SourceIp", ("0.0.0.0/0",))
NETWORK = ("aws:SourceVpce", ("vpce-0a1b2c3d",))
PINNED = (f"{GITHUB}:sub", ("repo:acme/app:ref:refs/heads/main",))
PROVIDER = f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"


@pytest.mark.parametrize(
    ("kind", "value", "conditions", "known", "expected"),
    [
        ("AWS", OWN, (), {}, "own account"),
        ("AWS", f"arn:aws:iam::{OWN}:role/x", (), {}, "own account"),
        ("AWS", STRANGER, (), {}, "stranger"),
        ("AWS", STRANGER, (), {"in_organization": True}, "own organization"),
        ("AWS", STRANGER, (), {"in_organization": None}, "unknown"),
        ("AWS", STRANGER, (), {"own_account": None}, "unknown"),
        ("AWS", VENDOR, (), {"vendor": True}, "known vendor"),
        ("AWS", VENDOR, (), {"vendor": True, "contracted": frozenset({VENDOR})}, "contracted"),
        ("AWS", VENDOR, (), {"in_organization": None, "contracted": frozenset({VENDOR})}, "contracted"),
        ("AWS", VENDOR, (), {"vendor": True, "in_organization": True}, "own organization"),
        ("AWS", STRANGER, (IN_OWN_ORGANIZATION,), {"in_organization": None}, "own organization"),
        ("AWS", STRANGER, (IN_ANOTHER,), {}, "stranger"),
        ("AWS", "not a principal", (), {}, "unknown"),
        ("AWS", "not a principal", (IN_OWN_ORGANIZATION,), {}, "unknown"),
        ("AWS", "AROAEXAMPLEEXAMPLEEXA", (), {}, "stranger"),
        ("CanonicalUser", "0" * 64, (), {}, "stranger"),
        ("Service", "sns.amazonaws.com", (), {}, "AWS service"),
        ("Service", "sns.amazonaws.com", (("aws:SourceArn", ("arn:aws:s3:::bucket",)),), {}, "AWS service"),
        # A service acts for whoever it is pinned to.
        ("Service", "sns.amazonaws.com", (("aws:SourceAccount", (OWN,)),), {}, "own account"),
        ("Service", "sns.amazonaws.com", (("aws:SourceAccount", (STRANGER,)),), {}, "stranger"),
        ("Service", "sns.amazonaws.com", (("aws:SourceAccount", (OWN, STRANGER)),), {}, "stranger"),
        ("AWS", "*", (), {}, "anyone"),
        ("AWS", "*", (WIDE,), {}, "anyone"),
        ("AWS", "*", (("future:Key", ("x",)),), {}, "anyone"),
        ("AWS", "*", (NETWORK,), {}, "stranger"),
        ("AWS", "*", (IN_OWN_ORGANIZATION,), {}, "own organization"),
        ("AWS", "*", (IN_ANOTHER,), {}, "stranger"),
        ("AWS", "*", (IN_OWN_ORGANIZATION,), {"own_organization": None}, "unknown"),
        ("AWS", "*", (("kms:CallerAccount", (OWN,)),), {}, "own account"),
        ("AWS", "*", (("kms:CallerAccount", (STRANGER,)),), {}, "stranger"),
        ("AWS", "*", (("kms:CallerAccount", (VENDOR,)),), {"contracted": frozenset({VENDOR})}, "contracted"),
        ("AWS", "*", (("kms:CallerAccount", (OWN,)),), {"own_account": None}, "unknown"),
        ("AWS", "*", (("aws:SourceArn", (f"arn:aws:sns:eu-west-1:{OWN}:t",)),), {}, "own account"),
        ("AWS", "*", (("aws:SourceArn", ("arn:aws:s3:::*",)),), {}, "anyone"),
        ("AWS", "*", (("aws:SourceOrgID", (some.ORGANIZATION,)),), {"own_organization": None}, "unknown"),
        ("AWS", "arn:aws:iam::*:role/x", (), {}, "anyone"),
        ("AWS", OWN, (IN_OWN_ORGANIZATION,), {"own_organization": None}, "own account"),
        (
            "AWS",
            STRANGER,
            (IN_ANOTHER,),
            {"own_organization": None, "in_organization": True},
            "own organization",
        ),
        ("Federated", PROVIDER, (), {}, "anyone"),
        ("Federated", PROVIDER, (NETWORK,), {}, "identity provider"),
        ("Federated", PROVIDER, (PINNED,), {}, "identity provider"),
        ("Federated", PROVIDER, ((f"{GITHUB}:sub", ("repo:acme/*",)),), {}, "identity provider"),
        ("Federated", PROVIDER, ((f"{GITHUB}:sub", ("repo:*",)),), {}, "anyone"),
        ("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{EKS}", (), {}, "identity provider"),
        ("Federated", COGNITO, ((f"{COGNITO}:amr", ("authenticated",)),), {}, "anyone"),
        ("Federated", COGNITO, ((f"{COGNITO}:aud", ("eu-west-1:12345678-aaaa",)),), {}, "identity provider"),
        ("Federated", f"arn:aws:iam::{OWN}:saml-provider/okta", (), {}, "identity provider"),
        ("Federated", f"arn:aws:iam::{STRANGER}:saml-provider/okta", (), {}, "identity provider"),
    ],
)
def test_trust(
    kind: str, value: str, conditions: tuple[Condition, ...], known: dict[str, Any], expected: str
) -> None:
    assert placed(kind, value, *conditions, **known) == expected


@given(
    st.builds(Principal, st.sampled_from(("anyone", "account", "OIDC", "unknown")), some.hostile_text),
    st.sampled_from((None, OWN)),
    st.sampled_from((None, True, False)),
)
def test_trust_is_one_of_its_values(principal: Principal, own: str | None, inside: bool | None) -> None:
    found = trust(principal, NOTHING, own_account=own, in_organization=inside)
    assert found in (*TRUST, "unknown")
