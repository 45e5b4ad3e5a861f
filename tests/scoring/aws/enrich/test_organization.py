"""Names, places and membership of accounts, asked once."""

from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
import pytest

from scoring.aws.enrich import Aws, enrich
from scoring.aws.enrich.organization import ACTIONS, BULK_ACTIONS
from scoring.findings.context import Account, PrincipalAccount
from scoring.findings.facts import ABSENT, Present, Unknown
from scoring.findings.finding import Finding

OWN = "123456789012"
STRANGER = "444455556666"
TOPIC = "arn:aws:sns:eu-west-1:{}:news"


class Members(NamedTuple):
    """An organization with two accounts beside its management account."""

    organization: str
    payments: str
    sandbox: str


@pytest.fixture
def members(owner: boto3.Session) -> Members:
    client = owner.client("organizations")
    organization = client.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    root = client.list_roots()["Roots"][0]["Id"]
    unit = client.create_organizational_unit
    workloads = unit(ParentId=root, Name="Workloads")["OrganizationalUnit"]["Id"]
    prod = unit(ParentId=workloads, Name="Prod")["OrganizationalUnit"]["Id"]

    def account(name: str, parent: str) -> str:
        made: str = client.create_account(
            AccountName=name, Email=f"{name}@example.com", Tags=[{"Key": "owner", "Value": name}]
        )["CreateAccountStatus"]["AccountId"]
        client.move_account(AccountId=made, SourceParentId=root, DestinationParentId=parent)
        return made

    return Members(organization, account("payments", prod), account("sandbox", workloads))


@pytest.fixture
def about(a_finding: Callable[..., Finding]) -> Callable[..., Finding]:
    def build(account: str, *principals: str, kind: str = "AWS") -> Finding:
        named = tuple((kind, principal) for principal in principals)
        return a_finding("AWS::Lambda::LayerVersion", "", account=account, principals=named)

    return build


def test_the_resource_account(members: Members, aws: Aws, about: Callable[..., Finding]) -> None:
    context = enrich(about(members.payments), aws)
    assert context.resource_account == Present(
        Account(
            id=members.payments,
            name="payments",
            ou="Workloads/Prod",
            tags={"owner": "payments"},
            org_id=members.organization,
        )
    )
    assert "account_tags" not in context.details


def test_an_account_in_the_root(members: Members, aws: Aws, about: Callable[..., Finding]) -> None:
    found = enrich(about(OWN), aws).resource_account
    assert isinstance(found, Present)
    assert (found.value.ou, found.value.tags) == ("", {})


def test_an_account_of_the_organization(members: Members, aws: Aws, about: Callable[..., Finding]) -> None:
    arn = f"arn:aws:iam::{members.sandbox}:role/deployer"
    expected = PrincipalAccount(id=members.sandbox, in_org=True, name="sandbox")
    assert enrich(about(members.payments, arn), aws).principal_account == Present(expected)


def test_a_stranger_and_a_vendor(members: Members, aws: Aws, about: Callable[..., Finding]) -> None:
    finding = about(members.payments, STRANGER)
    assert enrich(finding, aws).principal_account == Present(PrincipalAccount(id=STRANGER, in_org=False))
    expected = PrincipalAccount(id=STRANGER, in_org=False, vendor="Datadog")
    assert enrich(finding, aws, vendors={STRANGER: "Datadog"}).principal_account == Present(expected)


def test_the_own_account(members: Members, aws: Aws, about: Callable[..., Finding]) -> None:
    expected = PrincipalAccount(id=members.payments, in_org=True, name="payments")
    finding = about(members.payments, f"arn:aws:iam::{members.payments}:root")
    assert enrich(finding, aws).principal_account == Present(expected)


@pytest.mark.parametrize(
    ("kind", "principal"),
    [
        ("AWS", "*"),
        ("Service", "cloudtrail.amazonaws.com"),
        ("Federated", "token.actions.githubusercontent.com"),
        ("Federated", f"arn:aws:iam::{OWN}:saml-provider/okta"),
        ("CanonicalUser", "a" * 64),
    ],
)
def test_who_has_no_account(kind: str, principal: str, aws: Aws, about: Callable[..., Finding]) -> None:
    assert enrich(about(OWN, principal, kind=kind), aws).principal_account == ABSENT


def test_a_provider_of_another_account_is_set_up_there(aws: Aws, about: Callable[..., Finding]) -> None:
    found = enrich(about(OWN, f"arn:aws:iam::{STRANGER}:saml-provider/okta", kind="Federated"), aws)
    assert isinstance(found.principal_account, Present)
    assert (found.principal_account.value.id, found.principal_account.value.in_org) == (STRANGER, False)


def test_a_finding_without_principals_names_no_account(aws: Aws, about: Callable[..., Finding]) -> None:
    assert enrich(about(OWN), aws).principal_account == ABSENT


def test_an_internal_finding_may_name_its_principal_only_by_owner(
    members: Members, aws: Aws, a_finding: Callable[..., Finding]
) -> None:
    finding = a_finding("AWS::SNS::Topic", TOPIC.format(OWN), principal_owner_account=members.sandbox)
    found = enrich(finding, aws).principal_account
    assert found == Present(PrincipalAccount(id=members.sandbox, in_org=True, name="sandbox"))


def test_several_strangers_cannot_be_told_in_one_fact(
    members: Members, aws: Aws, about: Callable[..., Finding]
) -> None:
    finding = about(OWN, STRANGER, "777788889999")
    assert enrich(finding, aws).principal_account == Unknown("several accounts are given access")
    beside_us = about(OWN, OWN, STRANGER)
    assert enrich(beside_us, aws).principal_account == Present(PrincipalAccount(id=STRANGER, in_org=False))


def test_no_organization_at_all(aws: Aws, wire: Any, about: Callable[..., Finding]) -> None:
    wire.faults = {"organizations:DescribeAccount": "AWSOrganizationsNotInUseException"}
    context = enrich(about(OWN, STRANGER), aws)
    assert context.resource_account == Present(Account(id=OWN))
    assert context.principal_account == Present(PrincipalAccount(id=STRANGER, in_org=False))
    assert enrich(about(OWN, OWN), aws).principal_account == Present(PrincipalAccount(id=OWN, in_org=True))


def test_members_are_outside_for_a_resource_that_is_not_in_the_organization(
    members: Members, aws: Aws, about: Callable[..., Finding]
) -> None:
    found = enrich(about(STRANGER, members.payments), aws).principal_account
    assert found == Present(PrincipalAccount(id=members.payments, in_org=False, name="payments"))


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException", "ServiceException"])
def test_a_refusal_is_unknown(code: str, aws: Aws, wire: Any, about: Callable[..., Finding]) -> None:
    wire.faults = {"*": code}
    context = enrich(about(OWN, STRANGER), aws)
    assert context.resource_account == Unknown(code)
    assert context.principal_account == Unknown(code)


@pytest.mark.parametrize("operation", ["ListParents", "DescribeOrganizationalUnit"])
def test_without_its_place_an_account_is_unknown(
    operation: str, members: Members, aws: Aws, wire: Any, about: Callable[..., Finding]
) -> None:
    """Its place may say that it is production: not to know it must not look harmless."""
    wire.faults = {f"organizations:{operation}": "AccessDeniedException"}
    context = enrich(about(members.payments), aws)
    assert context.resource_account == Unknown("AccessDeniedException")


def test_without_its_tags_an_account_is_known(
    members: Members, aws: Aws, wire: Any, about: Callable[..., Finding]
) -> None:
    wire.faults = {"organizations:ListTagsForResource": "AccessDeniedException"}
    context = enrich(about(members.payments), aws)
    assert isinstance(context.resource_account, Present)
    assert context.resource_account.value.tags is None
    assert context.details["account_tags"] == Unknown("AccessDeniedException")


def test_answers_are_kept_for_their_time(
    members: Members, aws: Aws, wire: Any, clock: Any, about: Callable[..., Finding]
) -> None:
    finding = about(members.payments, members.sandbox)
    enrich(finding, aws)
    asked = sorted(call for call in wire.calls if call.startswith("organizations:"))
    assert asked == [
        "organizations:DescribeAccount",
        "organizations:DescribeAccount",
        "organizations:DescribeOrganizationalUnit",
        "organizations:DescribeOrganizationalUnit",
        "organizations:ListParents",
        "organizations:ListParents",
        "organizations:ListParents",
        "organizations:ListTagsForResource",
    ]
    wire.forget()
    clock.now += 3599
    enrich(finding, aws)
    assert wire.calls == []
    enrich(about(members.sandbox), aws)
    assert wire.calls == ["organizations:ListParents", "organizations:ListTagsForResource"], (
        "units are shared"
    )
    clock.now += 3601
    wire.forget()
    enrich(finding, aws)
    assert sorted(wire.calls) == asked


def test_a_refusal_is_not_asked_again_for_every_account(
    aws: Aws, wire: Any, clock: Any, about: Callable[..., Finding]
) -> None:
    wire.faults = {"*": "AccessDeniedException"}
    for number in range(20):
        enrich(about(OWN, f"{number:012d}"), aws)
    assert wire.calls == ["organizations:DescribeAccount"]
    clock.now += 31
    wire.faults = {}
    assert isinstance(enrich(about(OWN), aws).resource_account, Present)


def test_one_listing_serves_many_accounts(
    members: Members, aws: Aws, wire: Any, about: Callable[..., Finding]
) -> None:
    aws.organization.preload([OWN, members.payments, STRANGER])
    assert wire.calls == ["organizations:ListAccounts"]
    for account, inside in ((members.payments, True), (members.sandbox, True), (STRANGER, False)):
        found = aws.organization.principal_account(about(OWN, account), {})
        assert isinstance(found, Present)
        assert found.value.in_org is inside
    assert wire.calls == ["organizations:ListAccounts"]


def test_a_listing_that_costs_more_than_it_saves_is_cut_short(
    aws: Aws, wire: Any, about: Callable[..., Finding]
) -> None:
    def page(parameters: dict[str, Any]) -> dict[str, Any]:
        number = int(parameters.get("NextToken", 0))
        return {"Accounts": [{"Id": f"{number:012d}", "Name": "n"}], "NextToken": str(number + 1)}

    wire.answers["organizations:ListAccounts"] = page
    aws.organization.preload(["000000000001", "000000000777"])
    assert wire.calls == ["organizations:ListAccounts"] * 2
    found = aws.organization.principal_account(about(OWN, "000000000777"), {})
    assert found == Present(PrincipalAccount(id="000000000777", in_org=False)), "asked by itself"


@pytest.mark.parametrize(
    ("fault", "in_org"), [("AccessDeniedException", None), ("AWSOrganizationsNotInUseException", False)]
)
def test_a_listing_that_fails(
    fault: str, in_org: bool | None, aws: Aws, wire: Any, about: Callable[..., Finding]
) -> None:
    wire.faults = {"*": fault}
    aws.organization.preload([OWN, STRANGER])
    found = aws.organization.principal_account(about(OWN, STRANGER), {})
    if in_org is None:
        assert found == Unknown(fault)
    else:
        assert found == Present(PrincipalAccount(id=STRANGER, in_org=in_org))


def test_declared_permissions_are_those_used(members: Members, aws: Aws, wire: Any) -> None:
    aws.organization.resource_account(members.payments)
    assert set(wire.calls) == set(ACTIONS)
    wire.forget()
    aws.organization.preload([members.payments, STRANGER])
    assert set(wire.calls) == set(BULK_ACTIONS)
