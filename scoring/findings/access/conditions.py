"""Which conditions of a policy narrow who gets in, which keep nobody out, and which nobody has judged.

Each value of a condition names something: an account, an organization, a network. Any one of the values lets
the principal in, so a condition is as wide as its widest value. All conditions have to hold, so of several
the strongest counts. Both together keep the order of grants: whoever drops a condition, adds a value or
widens a pattern never gets a narrower judgement.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import msgspec

from scoring.findings.access.condition_keys import condition_keys
from scoring.findings.arn import Arn, is_account_id
from scoring.findings.finding import Condition

ConditionState = Literal["narrow", "not judged", "wide"]
STATES: Final[tuple[ConditionState, ...]] = ("narrow", "not judged", "wide")

NARROWINGS: Final = ("external id", "source resource", "source account", "network", "listed", "none")
"""How conditions narrow a grant beside saying who is let in, from strong to weak."""

# AWS itself calls a policy public above /8 (S3 block public access). An egress range of one company is far
# smaller, so we want at most a /16 of IPv4 addresses in all, and one /48 site of IPv6.
_IPV4_ADDRESSES: Final = 2**16
_IPV6_ADDRESSES: Final = 2**80

_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_NETWORK_ID: Final = re.compile(r"vpce?-[0-9a-f]{8,17}")
_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
# The unique id of a role or user, whatever the session behind it.
_UNIQUE_ID: Final = re.compile(r"(A[A-Z]{3}[A-Z0-9]{12,})(:.*)?", re.ASCII | re.DOTALL)
_OWN: Final = {
    "${aws:resourceaccount}": "own account",
    "${aws:resourceorgid}": "own organization",
    "${aws:resourceorgpaths}": "own organization",
}
_OF_CALLER: Final = {
    "${aws:principalaccount}": "own account",
    "${aws:principalorgid}": "own organization",
    "${aws:principalorgpaths}": "own organization",
}
_RESOURCE_ACCOUNT: Final = re.compile(r"\$\{aws:ResourceAccount\}", re.IGNORECASE)
_VARIABLE: Final = "${}"  # what stands for it, without the colon that separates the parts of an ARN


class Party(NamedTuple):
    """Whom a value of a condition names.

    Attributes
    ----------
    kind : str
        ``account``, ``organization``, ``own account``, ``own organization``, ``bucket``, or ``unowned``:
        something that names no account.
    hands : str
        How many hands that is: one of `scoring.findings.access.principal.KINDS`.
    """

    kind: str
    id: str
    hands: str


class JudgedCondition(msgspec.Struct, frozen=True):
    """What one condition comes to.

    Attributes
    ----------
    key : str
        As AWS gave it.
    values : tuple of str
        One by one.
    state : str
        One of `STATES`: the widest of its values.
    pins : str
        What the key pins, as the catalogue says; ``listed`` where the policy lists it; empty where nobody
        judged.
    parties : tuple of Party
        Whom the values of a narrow condition name; empty where they name nobody.
    """

    key: str
    values: tuple[str, ...]
    state: ConditionState
    pins: str = ""
    parties: tuple[Party, ...] = ()

    @property
    def narrowing(self) -> str:
        """How it narrows beside saying who is let in: one of `NARROWINGS`."""
        return _NARROWING_OF.get(self.pins, "none") if self.state == "narrow" else "none"


Listed = tuple[tuple[str, tuple[str, ...]], ...]
"""Condition keys, in small letters, with the values that a person has judged narrow; hashable."""


@lru_cache(maxsize=4096)
def judge(
    conditions: tuple[Condition, ...], issuers: tuple[str, ...] = (), listed: Listed = (), service: str = ""
) -> tuple[JudgedCondition, ...]:
    """Judge the conditions of one finding, one by one.

    Parameters
    ----------
    conditions : tuple of (key, values)
    issuers : tuple of str
        Identity providers among the principals: their claims are judged by
        `scoring.findings.access.oidc_subjects`, and left out here.
    listed : tuple of (key, values)
        What the policy lists as narrow.
    service : str
        Of the resource. No request to it carries another service's key: such a condition lets in nobody, or
        everybody (``...IfExists``), and a finding does not say which. Empty: no key is another service's.

    Examples
    --------
    >>> mounted = (("elasticfilesystem:AccessedViaMountTarget", ("true",)),)
    >>> [judge(mounted, service=name)[0].state for name in ("elasticfilesystem", "s3")]
    ['narrow', 'not judged']
    >>> [one.state for one in judge((("aws:SourceIp", ("0.0.0.0/0",)), ("future:Key", ("x",))))]
    ['wide', 'not judged']
    >>> judge((("aws:SourceIp", ("203.0.113.0/24",)),))[0].narrowing
    'network'
    """
    claims = tuple(f"{issuer.lower()}:" for issuer in issuers)
    return tuple(
        _judge(key, raw, dict(listed), is_carried=_is_carried(key, service))
        for key, raw in conditions
        if not key.lower().startswith(claims)
    )


# Keys of STS and of SAML stand in the trust policies of roles; EC2's names the instance behind any request.
_SERVICE_OF_KEYS: Final = {"sts": "iam", "saml": "iam", "ec2": "", "aws": ""}


def _is_carried(key: str, service: str) -> bool:
    """Say whether a request to a service can carry a key."""
    prefix = key.partition(":")[0].lower()
    return not service or _SERVICE_OF_KEYS.get(prefix, prefix) in ("", service)


def narrowing(judged: Iterable[JudgedCondition]) -> str:
    """Return the strongest of what conditions narrow: one of `NARROWINGS`."""
    return min((one.narrowing for one in judged), key=NARROWINGS.index, default="none")


def without(conditions: tuple[Condition, ...], keys: Iterable[str]) -> tuple[Condition, ...]:
    """Return conditions without those of some keys."""
    dropped = set(keys)
    return tuple(condition for condition in conditions if condition[0] not in dropped)


def _judge(
    key: str, raw: tuple[str, ...], listed: Mapping[str, tuple[str, ...]], *, is_carried: bool
) -> JudgedCondition:
    row = condition_keys().find(key)
    pins = row.pins if row is not None else ""
    values = values_of(raw, pins)
    state, parties = _judge_values(pins, values)
    if state == "narrow" and not is_carried:
        state, pins = "not judged", ""
    in_policy = set(listed.get(key.lower(), ()))
    if (
        state != "narrow"
        and raw
        and (set(values) <= in_policy or {text.strip() for text in raw} <= in_policy)
    ):
        return JudgedCondition(key, values, "narrow", "listed")
    return JudgedCondition(key, values, state, pins, parties if state == "narrow" else ())


def _judge_values(pins: str, values: tuple[str, ...]) -> tuple[ConditionState, tuple[Party, ...]]:
    if pins == "nobody":
        return "wide", ()
    if pins == "address":
        return _addresses(values), ()
    judge_one = _VALUES.get(pins)
    if judge_one is None or not values:
        return "not judged", ()
    found = [judge_one(value) for value in values]
    state = max((state for state, _ in found), key=STATES.index)
    return state, tuple(party for _, party in found if party is not None)


def is_wide(key: str, value: str) -> bool:
    """Say whether a value of a key was judged to keep nobody out, so that nobody should list it."""
    row = condition_keys().find(key)
    if not value.strip("*?"):
        return True
    return row is not None and row.pins not in _NOBODY and _judge_values(row.pins, (value,))[0] == "wide"


# The resource is the own one in any case: only a person knows why a policy says so.
_NOBODY: Final = ("nobody", "resource owner")

_Judgement = tuple[ConditionState, Party | None]


def _otherwise(value: str) -> _Judgement:
    """Judge a value that is not of the form that its key has."""
    return ("wide" if set(value) & set("*?") else "not judged"), None


def _own(value: str) -> _Judgement | None:
    """Judge a policy variable that stands for the resource's own account or organization."""
    kind = _OWN.get(value.lower())
    if kind is None:
        return None
    return "narrow", Party(kind, value, "account" if kind == "own account" else "organization")


def _organization(value: str) -> _Judgement:
    organization = value.split("/")[0]
    if _ORGANIZATION.fullmatch(organization):
        return "narrow", Party("organization", organization, "organization")
    return _own(organization) or _otherwise(organization)


def _account(value: str) -> _Judgement:
    if is_account_id(value):
        return "narrow", Party("account", value, "account")
    return _own(value) or _otherwise(value)


def _resource_owner(value: str) -> _Judgement:
    """Judge whose resource it has to be: it is the own one, unless the caller's own account is asked for."""
    kind = _OF_CALLER.get(value.lower())
    if kind is None:
        return "wide", None
    return "narrow", Party(kind, value, "account" if kind == "own account" else "organization")


def _principal_arn(value: str) -> _Judgement:
    arn, party = _named_in(value)
    if arn is None or party is None:
        return _otherwise(value)
    return "narrow", party._replace(hands=_hands(arn.resource))


def _named_in(value: str) -> tuple[Arn | None, Party | None]:
    """Take an ARN apart, and say whose account it names; its number may be a policy variable."""
    text, variables = _RESOURCE_ACCOUNT.subn(_VARIABLE, value)
    arn = Arn.try_parse(text)
    if arn is None:
        return None, None
    if variables and arn.account == _VARIABLE:
        return arn, Party("own account", value, "AWS service")
    return arn, Party("account", arn.account, "AWS service") if is_account_id(arn.account) else None


def _hands(resource: str) -> str:
    if set(resource) & set("*?"):
        return "account"
    kinds = {"role": "role", "user": "user", "assumed-role": "session", "federated-user": "session"}
    return kinds.get(resource.split("/")[0], "account")


def _unique_id(value: str) -> _Judgement:
    if is_account_id(value):
        return "narrow", Party("account", value, "account")
    found = _UNIQUE_ID.fullmatch(value)
    if found is None:
        return _otherwise(value)
    return "narrow", Party("unowned", found[1], "user" if value.startswith("AIDA") else "role")


def _source_arn(value: str) -> _Judgement:
    arn, party = _named_in(value)
    if party is not None:
        return "narrow", party
    # The ARN of a bucket names no account; without a wildcard it still is one bucket.
    if arn is None or set(value) & set("*?"):
        return _otherwise(value)
    is_bucket = arn.service == "s3" and not arn.account and arn.resource
    return "narrow", Party("bucket" if is_bucket else "unowned", arn.resource, "AWS service")


def _source_account(value: str) -> _Judgement:
    return _as_service(_account(value))


def _source_organization(value: str) -> _Judgement:
    return _as_service(_organization(value))


def _as_service(judged: _Judgement) -> _Judgement:
    state, party = judged
    return state, None if party is None else party._replace(hands="AWS service")


def _as_anyone(judged: _Judgement) -> _Judgement:
    """Whoever comes through a network is in it, and not an identity of its owner."""
    state, party = judged
    return state, None if party is None else party._replace(hands="anyone")


def _network_arn(value: str) -> _Judgement:
    return _as_anyone(_principal_arn(value))


def _network_account(value: str) -> _Judgement:
    return _as_anyone(_account(value))


def _network_organization(value: str) -> _Judgement:
    return _as_anyone(_organization(value))


def _mount_target(value: str) -> _Judgement:
    # A mount target stands in a network of the account that owns the file system.
    return ("narrow", Party("own account", value, "anyone")) if value.lower() == "true" else ("wide", None)


def _is_service(value: str) -> _Judgement:
    if value.lower() != "true":
        return "wide", None
    return "narrow", Party("unowned", "an AWS service", "AWS service")


def _service(value: str) -> _Judgement:
    if _SERVICE.fullmatch(value):
        return "narrow", Party("unowned", value, "AWS service")
    return _otherwise(value)


def _event_source(value: str) -> _Judgement:
    if set(value) & set("*?") or not value:
        return _otherwise(value)
    return "narrow", Party("unowned", value, "AWS service")


def _network_id(value: str) -> _Judgement:
    return ("narrow", None) if _NETWORK_ID.fullmatch(value) else _otherwise(value)


def _exact(value: str) -> _Judgement:
    return ("narrow", None) if value and not set(value) & set("*?") else _otherwise(value)


_VALUES: Final[dict[str, Callable[[str], _Judgement]]] = {
    "principal organization": _organization,
    "principal account": _account,
    "principal ARN": _principal_arn,
    "resource owner": _resource_owner,
    "principal unique id": _unique_id,
    "AWS service": _is_service,
    "service principal": _service,
    "external id": _exact,
    "source ARN": _source_arn,
    "source account": _source_account,
    "source organization": _source_organization,
    "event source": _event_source,
    "network id": _network_id,
    "network ARN": _network_arn,
    "network account": _network_account,
    "network organization": _network_organization,
    "mount target": _mount_target,
    "SAML subject": _exact,
}
_NARROWING_OF: Final = {
    "external id": "external id",
    "source ARN": "source resource",
    "event source": "source resource",
    "source account": "source account",
    "source organization": "source account",
    "address": "network",
    "network id": "network",
    "network ARN": "network",
    "network account": "network",
    "network organization": "network",
    "mount target": "network",
    "listed": "listed",
}


# A value may hold a comma itself: the name of a role, of a session, an external id.
_STARTS: Final[dict[str, Callable[[str], bool]]] = {
    "principal ARN": lambda part: part.startswith(("arn:", "*", "?")),
    "source ARN": lambda part: part.startswith(("arn:", "*", "?")),
    "network ARN": lambda part: part.startswith(("arn:", "*", "?")),
    "principal unique id": lambda part: (
        part[:1] in "*?" or is_account_id(part) or bool(_UNIQUE_ID.match(part))
    ),
    "external id": lambda part: not part.strip("*?"),
    "event source": lambda part: not part.strip("*?"),
    "SAML subject": lambda part: not part.strip("*?"),
}


def values_of(raw: tuple[str, ...], pins: str = "") -> tuple[str, ...]:
    """Take the values of a condition apart; AWS gives several as one text, of a JSON list or with commas.

    Parameters
    ----------
    pins : str
        What the key pins: a comma only separates where what follows it can begin such a value.

    Examples
    --------
    >>> values_of(('["203.0.113.0/24","0.0.0.0/0"]', "a, b"))
    ('203.0.113.0/24', '0.0.0.0/0', 'a', 'b')
    >>> values_of(("arn:aws:iam::111122223333:role/team,ops",), "principal ARN")
    ('arn:aws:iam::111122223333:role/team,ops',)
    """
    return split_values(raw, _STARTS.get(pins, lambda _part: True))


def split_values(raw: tuple[str, ...], starts: Callable[[str], bool]) -> tuple[str, ...]:
    """Take values apart at commas, but only where what follows can begin a value.

    Examples
    --------
    >>> split_values(("repo:acme/app:environment:a,b,repo:acme/x:*",), lambda part: part.startswith("repo:"))
    ('repo:acme/app:environment:a,b', 'repo:acme/x:*')
    """
    values: list[str] = []
    for text in raw:
        listed = _json_list(text)
        if listed is not None:
            values += listed
            continue
        first, *others = text.split(",")
        parts = [first]
        for part in others:
            if starts(part.strip()):
                parts.append(part)
            else:
                parts[-1] += f",{part}"
        values += [part.strip() for part in parts]
    return tuple(dict.fromkeys(values))


def _json_list(text: str) -> list[str] | None:
    if not text.startswith("["):
        return None
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_texts = isinstance(listed, list) and all(isinstance(value, str) for value in listed)
    return listed if is_texts else None


def _addresses(values: Iterable[str]) -> ConditionState:
    networks = []
    state: ConditionState = "narrow"
    for value in values:
        try:
            networks.append(ipaddress.ip_network(value, strict=False))
        except ValueError:
            state = max(state, _otherwise(value)[0], key=STATES.index)
    # A private address says nothing: every VPC of the world may use it.
    if any(network.overlaps(private) for network in networks for private in _PRIVATE[network.version]):
        return "wide"
    four = sum(network.num_addresses for network in networks if network.version == 4)
    six = sum(network.num_addresses for network in networks if network.version == 6)
    if four > _IPV4_ADDRESSES or six > _IPV6_ADDRESSES:
        return "wide"
    return state if networks else max(state, "not judged", key=STATES.index)


# Of IANA's registries of special-purpose addresses, what nobody in particular holds. Ranges for documentation
# are left out: examples are written with them.
_PRIVATE: Final[dict[int, tuple[Any, ...]]] = {
    4: tuple(
        ipaddress.ip_network(text)
        for text in (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
        )
    ),
    6: tuple(
        ipaddress.ip_network(text) for text in ("::/8", "100::/64", "2001::/32", "fc00::/6", "ff00::/8")
    ),
}
