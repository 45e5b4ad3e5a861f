"""What follows from a finding, its context and the policy taken together."""

from typing import Any

import pytest

from scoring.features.exposure import Exposure
from scoring.findings.access.reach import NOT_KNOWN
from scoring.findings.context import Account, PrincipalAccount
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Absent, Present, Unknown
from scoring.policy.policy import Allow, Policy
from tests.scoring import strategies as some
from tests.scoring.examples import a_bucket, a_key, known, unused

OWN, INSIDE, VENDOR, STRANGER, OTHER = some.ACCOUNTS
REFUSED = Unknown("AccessDenied")
POLICY = Policy(
    allow=Allow(accounts={OTHER: "Partner"}, vendors=("DATADOG",), public_buckets=("site",)),
    known_vendors={VENDOR: "Datadog", INSIDE: "Us", "999999999999": "Datadog"},
)


PINNED = (("aws:PrincipalAccount", (STRANGER,)),)
NETWORK = ("aws:SourceVpce", ("vpce-0a1b2c3d",))


def described(account: str = STRANGER, **more: Any) -> Present[PrincipalAccount]:
    return Present(PrincipalAccount(id=account, **{"in_org": False, **more}))


def exposure(finding: Any = None, policy: Policy = POLICY, **context: Any) -> Exposure:
    return Exposure(finding or a_key(), known(**context), policy)


def to(*accounts: str) -> dict[str, Any]:
    return {"principals": tuple(("AWS", account) for account in accounts)}


@pytest.mark.parametrize(
    ("principals", "principal_account", "expected"),
    [
        ((STRANGER,), described(), "stranger"),
        ((STRANGER,), described(in_org=True), "own organization"),
        ((STRANGER,), described(in_org=None), NOT_KNOWN),
        ((STRANGER,), described(vendor="Acme"), "known vendor"),
        ((STRANGER,), described(vendor="datadog"), "contracted"),  # by the name that enrichment found
        ((STRANGER,), described(INSIDE, in_org=True), NOT_KNOWN),  # describes another account
        ((STRANGER,), ABSENT, "stranger"),
        ((STRANGER,), Absent(), "stranger"),
        ((STRANGER,), REFUSED, NOT_KNOWN),
        ((STRANGER,), NOT_LOOKED_UP, NOT_KNOWN),
        ((INSIDE,), described(INSIDE), "known vendor"),
        ((VENDOR,), REFUSED, "contracted"),
        ((OTHER,), REFUSED, "contracted"),
        ((OWN,), REFUSED, "own account"),
        # Of several principals the farthest counts; one description is not enough for two strangers.
        ((OWN, OTHER), REFUSED, "contracted"),
        ((OWN, STRANGER), described(), "stranger"),
        ((OTHER, STRANGER), described(), "stranger"),
        ((INSIDE, STRANGER), described(), NOT_KNOWN),
        ((OTHER, "*"), REFUSED, "anyone"),
        ((STRANGER, "*"), REFUSED, "anyone"),
        ((OWN, "not a principal"), ABSENT, NOT_KNOWN),
        ((), described(), "unknown"),
    ],
)
def test_trust(principals: tuple[str, ...], principal_account: Any, expected: str) -> None:
    assert exposure(a_key(**to(*principals)), principal_account=principal_account).trust == expected


def test_an_account_of_another_partition_is_nobodys() -> None:
    for number in (OWN, INSIDE, STRANGER):
        found = exposure(
            a_key(**to(f"arn:aws-cn:iam::{number}:root")), principal_account=described(number, in_org=True)
        )
        assert found.trust == NOT_KNOWN
        assert "another partition" in found.reaches[0].unowned


@pytest.mark.parametrize(
    ("access_type", "expected"),
    [
        ("INTRA_ACCOUNT", "own account"),
        ("INTRA_ORG", "own organization"),
        (None, "unknown"),
        ("X", "unknown"),
    ],
)
def test_trust_of_internal_access_is_what_aws_says(access_type: str | None, expected: str) -> None:
    finding = a_key(finding_type="InternalAccess", access_type=access_type, is_public=None)
    assert exposure(finding).trust == expected
    assert exposure(finding).is_public is False
    assert exposure(finding).is_outside == (expected == "unknown")


def test_unused_access_is_given_to_nobody() -> None:
    found = exposure(unused())
    assert (found.is_granting, found.trust, found.is_public) == (False, "not applicable", False)
    # AWS would not send it; if anybody is given access after all, it is judged.
    assert exposure(unused(principals=(("AWS", "*"),))).is_public


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_public": True}, True),
        ({"is_public": True, "principals": (("AWS", OWN),)}, True),
        (
            {"is_public": False, "principals": (("AWS", "*"),)},
            True,
        ),  # nothing was judged to keep anybody out
        ({"is_public": False, "principals": (("AWS", "*"),), "conditions": (("x:Y", ("z",)),)}, False),
        (
            {
                "is_public": False,
                "principals": (("AWS", "*"),),
                "conditions": (("kms:CallerAccount", (OWN,)),),
            },
            False,
        ),
        ({"is_public": None}, None),
        ({"is_public": None, "principals": (("AWS", "*"),)}, True),
        ({"is_public": False}, False),
        ({"is_public": False, "principals": ()}, None),
        ({"is_public": False, "principals": (("AWS", "???"),)}, None),
        ({"is_public": False, "finding_type": "AnomalousAccess"}, None),
        ({"is_public": False, "principals": (("Federated", "cognito-identity.amazonaws.com"),)}, True),
    ],
)
def test_whether_it_is_public(changes: dict[str, Any], expected: bool | None) -> None:
    assert exposure(a_key(**changes)).is_public is expected


def test_an_account_that_nobody_could_place_is_still_not_everyone() -> None:
    assert exposure(principal_account=REFUSED).is_public is False


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"resource": "arn:aws:s3:::site"}, True),
        ({"resource": "arn:aws:s3:::site", "actions": ("s3:ListBucket",)}, True),
        ({"resource": "arn:aws:s3:::site", "actions": ("s3:GetObject", "s3:PutObject")}, False),
        ({"resource": "arn:aws:s3:::site", "actions": ("s3:PutObjectTagging",)}, False),
        ({"resource": "arn:aws:s3:::site", "actions": ()}, None),
        ({"resource": "arn:aws:s3:::Site"}, False),
        ({"resource": "arn:aws:s3:::site-2"}, False),
        ({"resource": "arn:aws:sns:eu-west-1:111122223333:site", "resource_type": "AWS::SNS::Topic"}, False),
        ({"resource": "arn:aws:s3:::site", "resource_type": "AWS::S3::Future"}, None),
    ],
)
def test_buckets_that_are_meant_to_be_public(changes: dict[str, Any], expected: bool | None) -> None:
    assert exposure(a_bucket(is_public=True, **changes)).is_meant_to_be_public is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        (to(OWN), False),
        ({**to(OWN), "is_public": True}, True),  # public is outside, whoever is named
        ({**to(OWN), "is_public": None}, True),
        # A condition on the own organization says nothing of a principal known to be outside.
        ({"conditions": (("aws:PrincipalOrgID", (some.ORGANIZATION,)),)}, True),
        (
            {"principals": (("AWS", "*"),), "conditions": (("aws:PrincipalOrgID", (some.ORGANIZATION,)),)},
            False,
        ),
        ({"principals": (("AWS", "*"),), "conditions": (("aws:PrincipalOrgID", ("o-zzzzzzzzzz",)),)}, True),
    ],
)
def test_what_leaves_the_organization(changes: dict[str, Any], expected: bool) -> None:
    assert exposure(a_key(**changes)).is_outside is expected


def test_the_own_organization_is_the_policys_or_else_the_accounts() -> None:
    condition = {"conditions": (("aws:PrincipalOrgID", (some.OTHER_ORGANIZATION,)),), **to("*")}
    account = Present(Account(id=OWN, org_id=some.OTHER_ORGANIZATION))
    assert exposure(a_key(**condition), resource_account=account).trust == "own organization"
    policy = Policy(organization_id=some.ORGANIZATION)
    assert exposure(a_key(**condition), policy, resource_account=account).trust == "stranger"
    # Nobody knows the organization: it may be the own one.
    assert exposure(a_key(**condition), resource_account=REFUSED).trust == NOT_KNOWN
    other = Present(Account(id=OTHER, org_id=some.OTHER_ORGANIZATION))
    assert exposure(a_key(**condition), resource_account=other).trust == NOT_KNOWN


@pytest.mark.parametrize(
    ("finding", "context", "expected"),
    [
        (a_key(), {}, []),
        (a_key(), {"tags": REFUSED}, ["tags"]),
        (a_key(), {"aliases": NOT_LOOKED_UP}, ["aliases"]),
        (a_bucket(), {"aliases": REFUSED}, []),
        (a_bucket(resource_type="AWS::Future::Thing"), {"aliases": REFUSED}, ["aliases"]),
        (a_key(), {"resource_account": REFUSED}, ["resource_account"]),
        (a_key(), {"resource_account": Present(Account(id=OTHER))}, ["resource_account"]),
        (a_key(account=None), {}, ["resource_account"]),
        (a_key(), {"principal_account": REFUSED}, ["principal_account"]),
        (a_key(), {"principal_account": described(in_org=None)}, ["principal_account"]),
        (a_key(), {"principal_account": described(OTHER)}, ["principal_account"]),
        (a_key(**to(STRANGER, OTHER)), {}, ["principal_account"]),
        (a_key(**to(OWN)), {"principal_account": REFUSED}, []),
        (a_key(**to("*")), {"principal_account": REFUSED}, []),
        (a_key(principals=()), {"principal_account": REFUSED}, ["principal_account"]),
        (a_key(principals=(("Service", "sns.amazonaws.com"),)), {"principal_account": REFUSED}, []),
        (
            a_key(principals=(("Federated", f"arn:aws:iam::{OTHER}:saml-provider/x"),)),
            {"principal_account": REFUSED},
            ["principal_account"],  # a provider of another account is set up by its people
        ),
        (
            a_key(principals=(("Federated", f"arn:aws:iam::{OWN}:saml-provider/x"),)),
            {"principal_account": REFUSED},
            [],
        ),
        # Whom a condition names matters where nothing else says who gets in.
        (a_key(**to("*"), conditions=PINNED), {"principal_account": REFUSED}, ["principal_account"]),
        (a_key(**to("*"), conditions=PINNED), {"principal_account": ABSENT}, []),
        (a_key(**to("*"), conditions=(*PINNED, NETWORK)), {"principal_account": REFUSED}, []),
        (
            a_key(finding_type="InternalAccess", access_type="INTRA_ORG"),
            {"principal_account": NOT_LOOKED_UP},
            [],
        ),
        (unused(), {"principal_account": REFUSED}, []),
        (unused(), {"tags": NOT_LOOKED_UP, "resource_account": NOT_LOOKED_UP}, ["tags", "resource_account"]),
    ],
)
def test_what_is_lacking(finding: Any, context: dict[str, Any], expected: list[str]) -> None:
    found = exposure(finding, **context)
    assert [name for name, _ in found.lacking] == expected
    assert list(found.unknown()) == expected


def test_what_was_refused_is_named_though_nothing_depends_on_it() -> None:
    details = {"rotation": REFUSED, "lock": REFUSED, "size": NOT_LOOKED_UP, "owner": Present("x")}
    found = exposure(reactivated_by=REFUSED, details=details)
    assert found.unknown() == ("reactivated_by", "details.lock", "details.rotation")
    assert found.lacking == []
    assert exposure(reactivated_by=NOT_LOOKED_UP).unknown() == ()


@pytest.mark.parametrize(
    ("principals", "principal_account", "expected"),
    [
        ((STRANGER,), described(vendor="Acme"), "Acme"),
        ((STRANGER,), described(), None),
        ((STRANGER,), described(OTHER, vendor="Acme"), None),
        ((VENDOR,), REFUSED, "Datadog"),
        ((OTHER,), REFUSED, "Partner"),
        ((STRANGER, OTHER), REFUSED, "Partner"),
        ((OWN,), described(OWN, vendor="Acme"), None),
        (("*",), REFUSED, None),
    ],
)
def test_the_vendor(principals: tuple[str, ...], principal_account: Any, expected: str | None) -> None:
    assert exposure(a_key(**to(*principals)), principal_account=principal_account).vendor == expected
