"""Which conditions of a policy really narrow who gets in, and which only look as if they did."""

import ipaddress
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import msgspec

from scoring.findings.arn import Arn, is_account_id
from scoring.findings.finding import Condition

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
_ENDPOINT = re.compile(r"vpce?-[0-9a-f]{8,17}")
# The unique id of a role or user, whatever the session behind it, or an account's number.
_USER_ID = re.compile(r"(A[A-Z]{3}[A-Z0-9]{12,}|\d{12})(:|$)", re.ASCII)


class Narrowing(msgspec.Struct, frozen=True):
    """What the conditions of a finding come to.

    Attributes
    ----------
    strength : str
        One of `STRENGTHS`, or ``unknown`` where it depends on which organization is the own one.
    accounts : tuple of str
        The accounts to which the conditions pin the principal (``aws:PrincipalAccount``,
        ``aws:PrincipalArn``, ``kms:CallerAccount``); empty where they do not.
    source_accounts : tuple of str
        The accounts to which they pin the source (``aws:SourceAccount``, ``aws:SourceArn``).
    possible : tuple of Narrowing
        What it may be where the strength is unknown; empty otherwise.
    """

    strength: str
    accounts: tuple[str, ...] = ()
    source_accounts: tuple[str, ...] = ()
    possible: tuple["Narrowing", ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether the conditions keep anybody out for certain."""
        if self.possible:
            return all(one.narrows for one in self.possible)
        return self.strength not in ("not narrowing", "none")


@lru_cache(maxsize=4096)
def narrowing(conditions: tuple[Condition, ...], own_organization: str | None = None) -> Narrowing:
    """Judge the conditions of one finding.

    A key that we do not know narrows nothing: unknown is never safe. Every value of a condition has to be
    narrow, since any one of them lets the principal in. Where nobody knows the own organization, a condition
    on one organization may be on the own one.

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
    if own_organization:
        return _judge(conditions, own_organization)
    organizations = [
        values[0].split("/")[0]
        for name, raw in conditions
        if name.lower() in _ORGANIZATION_KEYS and (values := values_of(raw))
    ]
    possible = tuple(dict.fromkeys(_judge(conditions, own) for own in (*organizations, None)))
    return possible[0] if len(possible) == 1 else Narrowing("unknown", possible=possible)


def _judge(conditions: tuple[Condition, ...], own_organization: str | None) -> Narrowing:
    judged: list[Narrowing] = []
    for name, raw in conditions:
        judge = _JUDGES.get(name.lower())
        values = values_of(raw)
        if judge is not None and values:
            judged.append(judge(values, own_organization))
    reached = [judgement.strength for judgement in judged]
    return Narrowing(
        strength=next((s for s in STRENGTHS if s in reached), "not narrowing" if conditions else "none"),
        accounts=tuple(account for judgement in judged for account in judgement.accounts),
        source_accounts=tuple(account for judgement in judged for account in judgement.source_accounts),
    )


def _organization(values: tuple[str, ...], own: str | None) -> Narrowing:
    organizations = {value.split("/")[0] for value in values}
    if not all(_ORGANIZATION.fullmatch(organization) for organization in organizations):
        return _WIDE
    return Narrowing("own organization" if organizations == {own} else "foreign organization")


def _source_organization(values: tuple[str, ...], own: str | None) -> Narrowing:
    is_own = _organization(values, own).strength == "own organization"
    return Narrowing("source account") if is_own else _WIDE


def _source_arn(values: tuple[str, ...], _own: str | None) -> Narrowing:
    accounts = tuple(_arn_account(value) for value in values)
    if all(accounts):
        return Narrowing("source resource", source_accounts=accounts)
    # The ARN of a bucket names no account; without a wildcard it still is one bucket.
    exact = not any(set(value) & set("*?") for value in values)
    return Narrowing("source resource") if exact else _WIDE


def _source_account(values: tuple[str, ...], _own: str | None) -> Narrowing:
    pinned = all(map(is_account_id, values))
    return Narrowing("source account", source_accounts=values) if pinned else _WIDE


def _principal_account(values: tuple[str, ...], _own: str | None) -> Narrowing:
    pinned = all(map(is_account_id, values))
    return Narrowing("principal", accounts=values) if pinned else _WIDE


def _principal_arn(values: tuple[str, ...], _own: str | None) -> Narrowing:
    accounts = tuple(_arn_account(value) for value in values)
    return Narrowing("principal", accounts=accounts) if all(accounts) else _WIDE


def _user_id(values: tuple[str, ...], _own: str | None) -> Narrowing:
    return Narrowing("principal") if all(_USER_ID.match(value) for value in values) else _WIDE


def _endpoint(values: tuple[str, ...], _own: str | None) -> Narrowing:
    return Narrowing("network") if all(_ENDPOINT.fullmatch(value) for value in values) else _WIDE


def _source_ip(values: tuple[str, ...], _own: str | None) -> Narrowing:
    return Narrowing("network") if _is_narrow_range(values) else _WIDE


def _external_id(values: tuple[str, ...], _own: str | None) -> Narrowing:
    return _WIDE if any(set(value) & set("*?") for value in values) else Narrowing("external id")


_WIDE = Narrowing("not narrowing")
_ORGANIZATION_KEYS = ("aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths")
_JUDGES: dict[str, Callable[[tuple[str, ...], str | None], Narrowing]] = {
    "aws:principalorgid": _organization,
    "aws:principalorgpaths": _organization,
    "aws:sourceorgid": _source_organization,
    "aws:sourceorgpaths": _source_organization,
    "aws:sourcearn": _source_arn,
    "aws:sourceaccount": _source_account,
    "aws:sourceowner": _source_account,
    "aws:principalaccount": _principal_account,
    "kms:calleraccount": _principal_account,
    "aws:principalarn": _principal_arn,
    "aws:userid": _user_id,
    "aws:sourcevpce": _endpoint,
    "aws:sourcevpc": _endpoint,
    "aws:sourceip": _source_ip,
    "sts:externalid": _external_id,
}


def values_of(raw: tuple[str, ...]) -> tuple[str, ...]:
    """Split values that AWS gives as one text, of a JSON list or with commas; drop what is empty.

    Examples
    --------
    >>> values_of(('["203.0.113.0/24","0.0.0.0/0"]', "a, b", ""))
    ('203.0.113.0/24', '0.0.0.0/0', 'a', 'b')
    """
    values: list[str] = []
    for text in raw:
        if text.startswith("["):
            try:
                listed = json.loads(text)
            except (ValueError, RecursionError):
                listed = None
            if isinstance(listed, list) and all(isinstance(value, str) for value in listed):
                values += listed
                continue
        values += [part.strip() for part in text.split(",")] if "," in text else [text.strip()]
    return tuple(value for value in values if value)


def _arn_account(arn: str) -> str:
    """Return the account that an ARN pattern pins down, or an empty string."""
    parsed = Arn.try_parse(arn)
    return parsed.account if parsed is not None and is_account_id(parsed.account) else ""


def _is_narrow_range(values: Iterable[str]) -> bool:
    try:
        networks = [ipaddress.ip_network(value, strict=False) for value in values]
    except ValueError:
        return False
    # A private address says nothing: every VPC of the world may use it.
    if any(not network.is_global and not _is_documentation(network) for network in networks):
        return False
    four = sum(network.num_addresses for network in networks if network.version == 4)
    six = sum(network.num_addresses for network in networks if network.version == 6)
    return four <= _IPV4_ADDRESSES and six <= _IPV6_ADDRESSES


_DOCUMENTATION = tuple(
    ipaddress.ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def _is_documentation(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return any(network.version == doc.version and network.subnet_of(doc) for doc in _DOCUMENTATION)  # type: ignore[arg-type]
