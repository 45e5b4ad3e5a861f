"""Plain descriptions of what an organization consists of, to create it elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass

# own: an account of the organization; inside: a role or user in one; partner: under contract, on no public
# list; contracted: a known vendor under contract; pinned, wide: federated, with one subject or a wildcard.
TRUSTS = (
    "own", "inside", "partner", "contracted", "vendor", "stranger", "service", "pinned", "wide", "saml",
    "canonical", "public",
)  # fmt: skip
TRUST = {name: number for number, name in enumerate(TRUSTS)}


@dataclass(frozen=True, slots=True)
class Account:
    """A member account: its twelve digits, name, organizational unit path and tags."""

    id: str
    name: str
    ou: str
    tags: Mapping[str, str]
    since: float = 0.0  # share of the simulated time that passes before it appears


@dataclass(frozen=True, slots=True)
class Resource:
    """Something a team owns. `environment` and `data_class` are what really holds, whatever the tags say."""

    arn: str
    type: str
    account: str
    region: str
    name: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    team: str
    environment: str
    data_class: str
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Team:
    """An owner of resources and its habits of tagging."""

    name: str
    weight: float
    since: float
    environment_key: str
    spelling: int
    team_key: str
    data_class_key: str
    tagged: float  # share of its resources that carry a tag of any one kind
    managed: float  # share of its resources that carry ManagedBy=terraform


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone who is given access: `{account}` in `value` stands for the resource owner's."""

    trust: int
    key: str  # AWS, Service, Federated, CanonicalUser
    value: str
    account: str = ""  # empty where a principal belongs to no account
    name: str = ""  # of the account in the organization, or of the vendor
    since: float = 0.0
    effect: float = 0.0  # its own part of the true log-odds, in standard deviations
