"""Which conditions of a policy really narrow who gets in, and which only look as if they did."""

import ipaddress
import json
import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from scoring.finding import Condition

# A condition narrows at most as well as the first of these that it reaches.
STRENGTHS = (
    "own organization",
    "source resource",
    "source account",
    "network",
    "principal",
    "external id",
    "foreign organization",
    "not narrowing",
    "none",
)

# AWS itself calls a policy public above /8 (S3 block public access). An egress range of one company is far
# smaller, so we want at most a /16 of IPv4 addresses in all, and one /48 site of IPv6.
_IPV4_ADDRESSES = 2**16
_IPV6_ADDRESSES = 2**80

_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_ENDPOINT = re.compile(r"vpce?-[0-9a-f]{8,17}")


class Narrowing(msgspec.Struct, frozen=True):
    """What the conditions of a finding come to.

    Attributes
    ----------
    strength : str
        One of `STRENGTHS`.
    accounts : tuple of str
        The accounts to which the conditions pin the principal (``aws:PrincipalAccount``,
        ``aws:PrincipalArn``, ``kms:CallerAccount``); empty where they do not.
    source_accounts : tuple of str
        The accounts to which they pin the source (``aws:SourceAccount``, ``aws:SourceArn``).
    organizations : tuple of str
        The organizations to which they pin the principal.
    """

    strength: str
    accounts: tuple[str, ...] = ()
    source_accounts: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether any condition keeps anybody out."""
        return self.strength not in ("not narrowing", "none")


@lru_cache(maxsize=4096)
def narrowing(conditions: tuple[Condition, ...], own_organization: str | None = None) -> Narrowing:
    """Judge the conditions of one finding.

    A key that we do not know narrows nothing: unknown is never safe. Every value of a condition has to be
    narrow, since any one of them lets the principal in.

    Parameters
    ----------
    conditions : tuple of (key, values)
    own_organization : str, optional
        The identifier (``o-...``) of the organization that owns the resource.

    Examples
    --------
    >>> narrowing((("aws:SourceIp", ("0.0.0.0/0",)),)).strength
    'not narrowing'
    >>> narrowing((("aws:SourceIp", ("203.0.113.0/24",)),)).strength
    'network'
    """
    reached: set[str] = set()
    accounts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    for name, raw in conditions:
        key, values = name.lower(), _values(raw)
        if not values:
            continue
        if key in ("aws:principalorgid", "aws:principalorgpaths"):
            found = tuple(value.split("/")[0] for value in values)
            if all(_ORGANIZATION.fullmatch(value) for value in found):
                organizations = found
                own = own_organization is not None and set(found) == {own_organization}
                reached.add("own organization" if own else "foreign organization")
        elif key in ("aws:sourceorgid", "aws:sourceorgpaths"):
            if all(value.split("/")[0] == own_organization for value in values):
                reached.add("source account")
        elif key == "aws:sourcearn":
            found = tuple(_arn_account(value) for value in values)
            if all(found) or (found and not any("*" in v or "?" in v for v in values)):
                sources = tuple(account for account in found if account)
                reached.add("source resource")
        elif key in ("aws:sourceaccount", "aws:sourceowner"):
            if all(_ACCOUNT.fullmatch(value) for value in values):
                sources = values
                reached.add("source account")
        elif key in ("aws:principalaccount", "kms:calleraccount", "s3:dataaccesspointaccount"):
            if all(_ACCOUNT.fullmatch(value) for value in values):
                accounts = values if key != "s3:dataaccesspointaccount" else accounts
                reached.add("principal")
        elif key == "aws:principalarn":
            found = tuple(_arn_account(value) for value in values)
            if all(found):
                accounts = found
                reached.add("principal")
        elif key in ("aws:userid", "aws:principaltag/aws:userid"):
            if not any(value.startswith(("*", "?")) for value in values):
                reached.add("principal")
        elif key in ("aws:sourcevpce", "aws:sourcevpc"):
            if all(_ENDPOINT.fullmatch(value) for value in values):
                reached.add("network")
        elif key in ("aws:sourceip", "aws:vpcsourceip"):
            if _is_narrow_range(values) and key == "aws:sourceip":
                reached.add("network")
        elif key == "sts:externalid" and not any(set(value) & set("*?") for value in values):
            reached.add("external id")
    strength = next((s for s in STRENGTHS if s in reached), "not narrowing" if conditions else "none")
    return Narrowing(strength, accounts, sources, organizations)


def _values(raw: tuple[str, ...]) -> tuple[str, ...]:
    """Split values that AWS gives as the text of a JSON list; drop what is empty."""
    values: list[str] = []
    for text in raw:
        if text.startswith("["):
            try:
                listed = json.loads(text)
            except ValueError:
                listed = None
            if isinstance(listed, list) and all(isinstance(value, str) for value in listed):
                values += listed
                continue
        values += [part.strip() for part in text.split(",")] if "," in text else [text.strip()]
    return tuple(value for value in values if value)


def _arn_account(arn: str) -> str:
    """Return the account that an ARN pattern pins down, or an empty string."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and _ACCOUNT.fullmatch(parts[4]) else ""


def _is_narrow_range(values: Iterable[str]) -> bool:
    try:
        networks = [ipaddress.ip_network(value, strict=False) for value in values]
    except ValueError:
        return False
    # A private address says nothing: every VPC of the world may use it.
    if any(network.is_private and not _is_documentation(network) for network in networks):
        return False
    four = sum(network.num_addresses for network in networks if network.version == 4)
    six = sum(network.num_addresses for network in networks if network.version == 6)
    return four <= _IPV4_ADDRESSES and six <= _IPV6_ADDRESSES


_DOCUMENTATION = tuple(
    ipaddress.ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def _is_documentation(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return any(network.version == doc.version and network.subnet_of(doc) for doc in _DOCUMENTATION)  # type: ignore[arg-type]
