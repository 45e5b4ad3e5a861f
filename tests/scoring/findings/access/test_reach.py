"""Whom a grant reaches: principals under the conditions of their policy, and how far they are trusted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.findings.access.conditions import judge
from scoring.findings.access.principal import KINDS, TRUST, parse
from scoring.findings.access.reach import NOT_KNOWN, Reach, TrustContext, reach_of
from scoring.findings.finding import Condition
from tests.scoring import strategies as some

OWN, INSIDE, VENDOR, STRANGER, OTHER = some.ACCOUNTS
GITHUB = some.GITHUB
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C"
COGNITO = "cognito-identity.amazonaws.com"
KNOWN: dict[str, Any] = {
    "own_account": OWN,
    "own_organization": some.ORGANIZATION,
    "in_organization": lambda account: account == INSIDE,
}


def reached(kind: str, value: str, *conditions: Condition, **known: Any) -> Reach:
    principal = parse(kind, value)
    judged = judge(conditions, (principal.issuer,) if principal.issuer else ())
    return reach_of(principal, judged, conditions, TrustContext(**{**KNOWN, **known}))


IN_OWN = ("aws:PrincipalOrgID", (some.ORGANIZATION,))
IN_ANOTHER = ("aws:PrincipalOrgID", (some.OTHER_ORGANIZATION,))
WIDE = ("aws:SourceIp", ("0.0.0.0/0",))
NETWORK = ("aws:SourceVpce", ("vpce-0a1b2c3d",))
NOT_JUDGED = ("future:Key", ("x",))
PINNED = (f"{GITHUB}:sub", ("repo:acme/app:ref:refs/heads/main",))
PROVIDER = f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"
POOL = (f"{COGNITO}:aud", ("eu-west-1:12345678-aaaa",))
SNS = ("Service", "sns.amazonaws.com")


def from_account(*accounts: str) -> Condition:
    return "aws:SourceAccount", accounts


def from_arn(*arns: str) -> Condition:
    return "aws:SourceArn", arns


def nobody_knows(_account: str) -> None:
    return None


@pytest.mark.parametrize(
    ("principal", "conditions", "known", "expected"),
    [
        (("AWS", OWN), (), {}, "own account"),
        (("AWS", f"arn:aws:iam::{OWN}:role/x"), (), {}, "own account"),
        (("AWS", STRANGER), (), {}, "stranger"),
        (("AWS", INSIDE), (), {}, "own organization"),
        (("AWS", STRANGER), (), {"in_organization": nobody_knows}, NOT_KNOWN),
        (("AWS", STRANGER), (), {"own_account": None}, NOT_KNOWN),
        (("AWS", VENDOR), (), {"vendors": frozenset({VENDOR})}, "known vendor"),
        (
            ("AWS", VENDOR),
            (),
            {"vendors": frozenset({VENDOR}), "contracted": frozenset({VENDOR})},
            "contracted",
        ),
        (
            ("AWS", VENDOR),
            (),
            {"in_organization": nobody_knows, "contracted": frozenset({VENDOR})},
            "contracted",
        ),
        # Whoever is in the organization gets no farther from it by a contract.
        (("AWS", INSIDE), (), {"contracted": frozenset({INSIDE})}, "own organization"),
        # A principal who is named is who he is, whatever the conditions say.
        (("AWS", STRANGER), (IN_OWN,), {}, "stranger"),
        (("AWS", STRANGER), (IN_OWN,), {"in_organization": nobody_knows}, NOT_KNOWN),
        (("AWS", INSIDE), (IN_ANOTHER,), {}, "own organization"),
        (("AWS", "not a principal"), (IN_OWN,), {}, NOT_KNOWN),
        (("AWS", "AROAEXAMPLEEXAMPLEEXA"), (), {}, "stranger"),
        (("CanonicalUser", "0" * 64), (), {}, "stranger"),
        # A service acts for whoever it is pinned to; of pins the nearest counts, of values the farthest.
        (SNS, (), {}, "AWS service"),
        (SNS, (IN_OWN,), {}, "AWS service"),
        (SNS, (from_arn("arn:aws:s3:::uploads"),), {}, "AWS service"),
        (SNS, (from_arn("arn:aws:s3:::uploads"),), {"buckets": frozenset({"uploads"})}, "own organization"),
        (SNS, (from_arn("arn:aws:s3:::uploads"), from_account(OWN)), {}, "own account"),
        (SNS, (from_account(OWN),), {}, "own account"),
        (SNS, (from_account("${aws:ResourceAccount}"),), {}, "own account"),
        (SNS, (from_account(INSIDE),), {}, "own organization"),
        (SNS, (from_account(STRANGER),), {}, "stranger"),
        (SNS, (from_account(OWN, STRANGER),), {}, "stranger"),
        (SNS, (from_account(STRANGER), from_arn(f"arn:aws:sns:eu-west-1:{OWN}:t")), {}, "own account"),
        (SNS, (from_arn(f"arn:aws:cloudfront::{OWN}:distribution/E1"),), {}, "own account"),
        (SNS, (("aws:SourceOrgID", (some.ORGANIZATION,)),), {}, "own organization"),
        (SNS, (("aws:SourceOrgID", (some.OTHER_ORGANIZATION,)),), {}, "stranger"),
        (SNS, (NOT_JUDGED,), {}, "AWS service"),
        (("AWS", "*"), (), {}, "anyone"),
        (("AWS", "*"), (WIDE,), {}, "anyone"),
        (("AWS", "*"), (NOT_JUDGED,), {}, NOT_KNOWN),
        (("AWS", "*"), (NOT_JUDGED, NETWORK), {}, "stranger"),
        (("AWS", "*"), (NETWORK,), {}, "stranger"),
        (("AWS", "*"), (IN_OWN,), {}, "own organization"),
        (("AWS", "*"), (IN_ANOTHER,), {}, "stranger"),
        (("AWS", "*"), (("aws:PrincipalOrgID", ("${aws:ResourceOrgID}",)),), {}, "own organization"),
        (("AWS", "*"), (IN_OWN,), {"own_organization": None}, NOT_KNOWN),
        (("AWS", "*"), (IN_OWN, NETWORK), {"own_organization": None}, "stranger"),
        (("AWS", "*"), (("kms:CallerAccount", (OWN,)),), {}, "own account"),
        (("AWS", "*"), (("kms:CallerAccount", (INSIDE,)),), {}, "own organization"),
        (("AWS", "*"), (("kms:CallerAccount", (STRANGER,)),), {}, "stranger"),
        (
            ("AWS", "*"),
            (("kms:CallerAccount", (VENDOR,)),),
            {"contracted": frozenset({VENDOR})},
            "contracted",
        ),
        (("AWS", "*"), (("kms:CallerAccount", (OWN,)),), {"own_account": None}, NOT_KNOWN),
        (("AWS", "*"), (("aws:userid", (OWN,)),), {}, "own account"),
        (("AWS", "*"), (("aws:userid", ("AROAEXAMPLEEXAMPLEEXA:*",)),), {}, "stranger"),
        (("AWS", "*"), (from_arn(f"arn:aws:sns:eu-west-1:{OWN}:t"),), {}, "own account"),
        (("AWS", "*"), (from_arn("arn:aws:s3:::uploads"),), {}, "AWS service"),
        (("AWS", "*"), (from_arn("arn:aws:s3:::*"),), {}, "anyone"),
        (("AWS", "*"), (("aws:SourceOrgID", (some.ORGANIZATION,)),), {"own_organization": None}, NOT_KNOWN),
        (("AWS", "*"), (("aws:PrincipalIsAWSService", ("true",)),), {}, "AWS service"),
        (
            ("AWS", "*"),
            (("aws:PrincipalIsAWSService", ("true",)), ("aws:SourceOrgID", (some.ORGANIZATION,))),
            {},
            "own organization",
        ),
        (("AWS", "*"), (("aws:VpceAccount", (OWN,)),), {}, "own account"),
        (("AWS", "*"), (("aws:VpceAccount", (STRANGER,)),), {}, "stranger"),
        (("AWS", "*"), (("aws:VpceOrgID", (some.ORGANIZATION,)),), {}, "own organization"),
        (("AWS", "*"), (("s3:DataAccessPointAccount", (OWN,)),), {}, "own account"),
        (("AWS", "*"), (("elasticfilesystem:AccessedViaMountTarget", ("true",)),), {}, "own account"),
        (("AWS", "arn:aws:iam::*:role/x"), (), {}, "anyone"),
        (("AWS", OWN), (IN_OWN,), {"own_organization": None}, "own account"),
        (("Federated", PROVIDER), (), {}, "anyone"),
        (("Federated", PROVIDER), (IN_OWN,), {}, "anyone"),
        (("Federated", PROVIDER), (NETWORK,), {}, "stranger"),
        (("Federated", PROVIDER), (NOT_JUDGED,), {}, NOT_KNOWN),
        (("Federated", PROVIDER), ((f"{GITHUB}:future_claim", ("x",)),), {}, NOT_KNOWN),
        (("Federated", PROVIDER), ((f"{GITHUB}:job_workflow_ref", ("a/b/c@d",)),), {}, NOT_KNOWN),
        (("Federated", PROVIDER), (PINNED,), {}, "identity provider"),
        (
            ("Federated", PROVIDER),
            (PINNED,),
            {"subjects": {GITHUB: {"sub": ("repo:acme/*",)}}},
            "identity provider, listed",
        ),
        (("Federated", PROVIDER), ((f"{GITHUB}:sub", ("repo:acme/*",)),), {}, "identity provider, wildcard"),
        (("Federated", PROVIDER), ((f"{GITHUB}:sub", ("repo:*",)),), {}, "anyone"),
        (("Federated", f"arn:aws:iam::{OWN}:oidc-provider/{EKS}"), (), {}, "identity provider, wildcard"),
        (("Federated", COGNITO), ((f"{COGNITO}:amr", ("authenticated",)),), {}, "anyone"),
        (("Federated", COGNITO), (POOL,), {}, NOT_KNOWN),
        (("Federated", COGNITO), (POOL, (f"{COGNITO}:amr", ("unauthenticated",))), {}, "anyone"),
        (
            ("Federated", COGNITO),
            (POOL, (f"{COGNITO}:amr", ("authenticated",))),
            {},
            "identity provider, wildcard",
        ),
        (("Federated", f"arn:aws:iam::{OWN}:saml-provider/okta"), (), {}, "identity provider"),
        (("Federated", f"arn:aws:iam::{INSIDE}:saml-provider/okta"), (), {}, "identity provider"),
        (("Federated", f"arn:aws:iam::{STRANGER}:saml-provider/okta"), (), {}, "stranger"),
        (
            ("Federated", f"arn:aws:iam::{STRANGER}:saml-provider/okta"),
            (),
            {"providers": frozenset({f"arn:aws:iam::{STRANGER}:saml-provider/okta"})},
            "identity provider, listed",
        ),
        (("Federated", f"arn:aws:iam::{STRANGER}:oidc-provider/{GITHUB}"), (PINNED,), {}, "stranger"),
    ],
)
def test_trust(
    principal: tuple[str, str], conditions: tuple[Condition, ...], known: dict[str, Any], expected: str
) -> None:
    assert reached(*principal, *conditions, **known).trust == expected


ROLE = ("aws:PrincipalArn", (f"arn:aws:iam::{STRANGER}:role/x",))
ROLES = ("aws:PrincipalArn", (f"arn:aws:iam::{STRANGER}:role/*",))


@pytest.mark.parametrize(
    ("principal", "conditions", "expected"),
    [
        (("AWS", STRANGER), (), "account"),
        (("AWS", STRANGER), (ROLE,), "role"),
        (("AWS", STRANGER), (ROLES,), "account"),
        (("AWS", OWN), (ROLE,), "account"),  # of another account: a contradiction
        (("AWS", f"arn:aws:iam::{STRANGER}:*"), (), "account"),
        (("AWS", "???"), (), NOT_KNOWN),
        (("AWS", "*"), (), "anyone"),
        (("AWS", "*"), (ROLE,), "role"),
        (("AWS", "*"), (ROLES,), "account"),
        (("AWS", "*"), (IN_OWN,), "organization"),
        (("AWS", "*"), (IN_OWN, ROLE), "role"),
        (("AWS", "*"), (from_account(OWN),), "AWS service"),
        (("AWS", "*"), (("aws:VpceAccount", (OWN,)),), "anyone"),
        (("AWS", "*"), (NETWORK,), "anyone"),
        (SNS, (), "AWS service"),
        (("Federated", PROVIDER), (PINNED,), "OIDC, pinned"),
        (("Federated", PROVIDER), (), "OIDC, any subject"),
        (("Federated", f"arn:aws:iam::{OWN}:saml-provider/okta"), (), "SAML"),
        (("CanonicalUser", "0" * 64), (), "canonical user"),
        (("AWS", "AROAEXAMPLEEXAMPLEEXA"), (), "deleted principal"),
    ],
)
def test_how_many_hands(principal: tuple[str, str], conditions: tuple[Condition, ...], expected: str) -> None:
    assert reached(*principal, *conditions).kind == expected


@pytest.mark.parametrize(
    ("principal", "conditions", "expected"),
    [
        (("AWS", "*"), (), True),
        (("AWS", "*"), (WIDE,), True),
        (("AWS", "*"), (("aws:PrincipalTag/team", ("blue",)),), True),
        (("AWS", "*"), (WIDE, NOT_JUDGED), False),  # AWS's own statement stands
        (("AWS", "*"), (NETWORK,), False),
        (("AWS", "*"), (IN_OWN,), False),
        (("Federated", PROVIDER), (), True),
        (("Federated", PROVIDER), ((f"{GITHUB}:environment", ("production",)),), True),
        (("Federated", PROVIDER), ((f"{GITHUB}:future_claim", ("x",)),), False),
        (("Federated", PROVIDER), ((f"{GITHUB}:job_workflow_ref", ("a/b/c@d",)),), None),
        (("Federated", COGNITO), (POOL,), None),
        (("Federated", COGNITO), (POOL, (f"{COGNITO}:amr", ("unauthenticated",))), True),
        (SNS, (), False),
    ],
)
def test_who_is_let_in_by_all_that_was_judged(
    principal: tuple[str, str], conditions: tuple[Condition, ...], expected: bool | None
) -> None:
    assert reached(*principal, *conditions).is_open is expected


OAI = ("AWS", "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1A2")


@pytest.mark.parametrize(
    ("principal", "conditions", "known", "unowned", "own"),
    [
        (SNS, (), {}, "sns.amazonaws.com", ()),
        (SNS, (from_account(STRANGER),), {}, "", ()),  # a stranger's, but known
        (
            SNS,
            (from_arn("arn:aws:s3:::a", "arn:aws:s3:::b"),),
            {},
            "the bucket a, the bucket b",
            (("buckets", "a"), ("buckets", "b")),
        ),
        (SNS, (from_arn("arn:aws:s3:::a"),), {"buckets": frozenset({"a"})}, "", ()),
        (("AWS", "*"), (from_arn("arn:aws:s3:::a"),), {}, "the bucket a", (("buckets", "a"),)),
        (("AWS", "*"), (("aws:PrincipalIsAWSService", ("true",)),), {}, "an AWS service", ()),
        (OAI, (), {}, "the origin access identity E1A2", (("distributions", "E1A2"),)),
        (OAI, (), {"distributions": frozenset({"E1A2"})}, "", ()),
        (
            ("Federated", f"arn:aws:iam::{STRANGER}:saml-provider/x"),
            (),
            {},
            f"the identity provider arn:aws:iam::{STRANGER}:saml-provider/x of account {STRANGER}",
            (("providers", f"arn:aws:iam::{STRANGER}:saml-provider/x"),),
        ),
        (("AWS", STRANGER), (), {}, "", ()),
    ],
)
def test_what_nobody_knows_the_owner_of(
    principal: tuple[str, str],
    conditions: tuple[Condition, ...],
    known: dict[str, Any],
    unowned: str,
    own: tuple[tuple[str, str], ...],
) -> None:
    found = reached(*principal, *conditions, **known)
    assert (found.unowned, found.own) == (unowned, own)


@pytest.mark.parametrize(
    ("principal", "conditions", "expected"),
    [
        (("AWS", STRANGER), (IN_OWN,), ("aws:PrincipalOrgID",)),
        (("AWS", INSIDE), (IN_ANOTHER,), ("aws:PrincipalOrgID",)),
        (("AWS", INSIDE), (IN_OWN,), ()),
        (("AWS", OWN), (ROLE,), ("aws:PrincipalArn",)),
        (("AWS", STRANGER), (ROLE,), ()),
        (SNS, (IN_OWN,), ("aws:PrincipalOrgID",)),
        (("Federated", PROVIDER), (IN_OWN,), ("aws:PrincipalOrgID",)),
        (("AWS", "*"), (IN_OWN,), ()),
    ],
)
def test_what_contradicts_what_is_known(
    principal: tuple[str, str], conditions: tuple[Condition, ...], expected: tuple[str, ...]
) -> None:
    assert reached(*principal, *conditions).contradictions == expected


@given(
    st.sampled_from(("AWS", "Service", "Federated", "CanonicalUser")) | some.hostile_text,
    st.sampled_from(("*", STRANGER)) | some.hostile_text,
    st.sampled_from((None, OWN)),
    st.sampled_from((None, True, False)),
)
def test_every_principal_has_a_place(kind: str, value: str, own: str | None, inside: bool | None) -> None:
    found = reached(kind, value, own_account=own, in_organization=lambda _account: inside)
    assert found.trust in (*TRUST, NOT_KNOWN)
    assert found.kind in (*KINDS, NOT_KNOWN)
