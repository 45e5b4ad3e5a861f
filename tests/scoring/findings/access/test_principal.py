"""Who is given access."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access.principal import parse
from tests.scoring import strategies as some

OWN, VENDOR, STRANGER = some.OWN, some.VENDOR, some.STRANGER
GITHUB = some.GITHUB
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C"
COGNITO = "cognito-identity.amazonaws.com"


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
