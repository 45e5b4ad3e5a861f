"""A small organization in moto, built from a plain description.

The description says which accounts there are, where they hang, how they are tagged and what is in them; what
comes out is the ids and ARNs of what was made. Account ids, the organization's id and every name are the
description's own, so the same description gives the same ARNs but for keys, whose ids are random in moto (and
the same again after `moto.moto_api._internal.mock_random.seed`, which `EmbeddedAws` calls).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from embedded.organization.resources import MAKERS, Resource
from scoring.findings.arn import is_account_id

if TYPE_CHECKING:
    import boto3

SessionOf = Callable[[str], "boto3.Session"]


@dataclass(frozen=True)
class Account:
    """A member account.

    Parameters
    ----------
    name, id
        Its name, and its id of 12 digits.
    ou
        The path of its organizational unit from the root, such as `Workloads/Prod`; empty for the root
        itself.
    """

    name: str
    id: str
    ou: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()

    def __post_init__(self) -> None:
        if not is_account_id(self.id):
            raise ValueError(f"id: an account's id has 12 digits, got {self.id!r}")


@dataclass(frozen=True)
class Organization:
    """A description of an organization.

    Parameters
    ----------
    management
        The management account; its `ou` is always the root.
    accounts
        The member accounts.
    security
        The name of the member account that administers Access Analyzer and holds the organization's analyzer.
    id
        The organization's id, which policies and findings name in `aws:PrincipalOrgID`.
    analyzer
        The name of the organization's analyzer of external access.
    """

    management: Account
    accounts: tuple[Account, ...]
    security: str
    id: str = "o-a1b2c3d4e5"
    analyzer: str = "org"

    @property
    def security_account(self) -> Account:
        """The member account that administers Access Analyzer."""
        for account in self.accounts:
            if account.name == self.security:
                return account
        raise ValueError(f"security: no member account is called {self.security!r}")

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> Organization:
        """A description from plain data, as JSON or TOML gives it.

        Raises
        ------
        ValueError
            The data is no such description; the message names the field and what was expected.

        Examples
        --------
        >>> organization = Organization.from_data({
        ...     "management": {"name": "root", "id": "999900001111"},
        ...     "accounts": [{"name": "audit", "id": "111122223333", "ou": "Security"}],
        ...     "security": "audit"})
        >>> organization.security_account.ou
        'Security'
        """
        import msgspec

        try:
            return msgspec.convert(dict(data), Organization)
        except msgspec.ValidationError as error:
            raise ValueError(f"not an organization: {error}") from error


@dataclass(frozen=True)
class BuiltOrganization:
    """What was made of a description.

    Parameters
    ----------
    accounts
        Account ids by name, the management account's too.
    ous
        Ids of organizational units by path.
    resources
        ARNs by (account name, resource name).
    analyzer_arn
        The organization's analyzer of external access, in the security account.
    """

    id: str
    root_id: str
    management: str
    security: str
    accounts: Mapping[str, str]
    ous: Mapping[str, str]
    resources: Mapping[tuple[str, str], str]
    analyzer_arn: str

    def arn(self, name: str) -> str:
        """The ARN of the resource of this name, if no two accounts have one.

        Raises
        ------
        KeyError
            There is none, or more than one.
        """
        found = [arn for (_, named), arn in self.resources.items() if named == name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} resources are called {name!r}")
        return found[0]


def build(organization: Organization, session_of: SessionOf) -> BuiltOrganization:
    """Make an organization and all that is in it.

    Parameters
    ----------
    organization
        The description.
    session_of
        Gives a boto3 session in the account with an id, inside moto; `EmbeddedAws.session` does.

    Returns
    -------
    BuiltOrganization
        Ids and ARNs of what was made.
    """
    management = organization.management
    security = organization.security_account.id
    client = session_of(management.id).client("organizations")
    root_id = _create(client, organization)
    ous = {"": root_id}
    for account in organization.accounts:
        _add_account(client, account, _ou(client, ous, account.ou), root_id)
    client.tag_resource(ResourceId=management.id, Tags=_tag_list(management.tags))
    _delegate(client, management.id, security)

    everyone = (management, *organization.accounts)
    resources = {
        (account.name, resource.name): MAKERS[resource.type](session_of(account.id), resource)
        for account in everyone
        for resource in account.resources
    }
    analyzer = (
        session_of(security)
        .client("accessanalyzer")
        .create_analyzer(analyzerName=organization.analyzer, type="ORGANIZATION")
    )
    return BuiltOrganization(
        id=organization.id,
        root_id=root_id,
        management=management.id,
        security=security,
        accounts={account.name: account.id for account in everyone},
        ous={path: ou_id for path, ou_id in ous.items() if path},
        resources=resources,
        analyzer_arn=analyzer["arn"],
    )


def _create(client: Any, organization: Organization) -> str:
    """Create the organization itself, under the description's ids instead of moto's random ones."""
    management = organization.management
    with (
        patch("moto.organizations.utils.make_random_org_id", lambda: organization.id),
        patch("moto.organizations.utils.make_random_account_id", lambda: management.id),
    ):
        client.create_organization(FeatureSet="ALL")
    from moto.organizations.models import organizations_backends

    organizations_backends[management.id]["aws"].get_account_by_id(management.id).name = management.name
    root_id: str = client.list_roots()["Roots"][0]["Id"]
    return root_id


def _ou(client: Any, ous: dict[str, str], path: str) -> str:
    """The id of an organizational unit, made with those above it where they are not there yet."""
    if path not in ous:
        above, _, name = path.rpartition("/")
        made = client.create_organizational_unit(ParentId=_ou(client, ous, above), Name=name)
        ous[path] = made["OrganizationalUnit"]["Id"]
    return ous[path]


def _add_account(client: Any, account: Account, ou_id: str, root_id: str) -> None:
    with patch("moto.organizations.utils.make_random_account_id", lambda: account.id):
        client.create_account(
            AccountName=account.name, Email=f"{account.name}@example.com", Tags=_tag_list(account.tags)
        )
    if ou_id != root_id:
        client.move_account(AccountId=account.id, SourceParentId=root_id, DestinationParentId=ou_id)


def _delegate(client: Any, management: str, security: str) -> None:
    """Let the security account administer Access Analyzer, and see the organization as AWS lets it.

    A delegated administrator may read accounts, units and tags of the organization; moto answers only the
    management account, so the security account is given the same state.
    """
    from moto.organizations.models import organizations_backends

    client.enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
    client.register_delegated_administrator(
        AccountId=security, ServicePrincipal="access-analyzer.amazonaws.com"
    )
    organizations_backends[security]["aws"] = organizations_backends[management]["aws"]


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
