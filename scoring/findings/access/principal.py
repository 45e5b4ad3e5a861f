"""Who is given access, and how far they are trusted."""

import re
from functools import lru_cache

import msgspec

from scoring.findings.access.conditions import Narrowing
from scoring.findings.access.oidc_subjects import is_shared, subject
from scoring.findings.arn import Arn, is_account_id
from scoring.findings.finding import Condition, Finding

# From near to far. What is not known counts as the farthest.
TRUST = (
    "own account",
    "own organization",
    "contracted",
    "AWS service",
    "identity provider",
    "known vendor",
    "stranger",
    "anyone",
)

_CANONICAL = re.compile(r"[0-9a-f]{64}")
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")


class Principal(msgspec.Struct, frozen=True):
    """One principal of a finding.

    Attributes
    ----------
    kind : str
        ``anyone``, ``account``, ``role``, ``user``, ``session``, ``AWS service``, ``OIDC``, ``SAML``,
        ``canonical user``, ``deleted principal`` or ``unknown``.
    value : str
        As AWS gave it, except that an account's root ARN is the account's number.
    account : str or None
        Twelve digits where the principal belongs to an account.
    issuer : str or None
        Host of a federated identity provider.
    """

    kind: str
    value: str
    account: str | None = None
    issuer: str | None = None

    @property
    def is_readable(self) -> bool:
        """Whether it says who it is, or at least in which account."""
        return self.kind != "unknown" or self.account is not None


@lru_cache(maxsize=16384)
def parse(kind: str, value: str) -> Principal:
    """Read one entry of a finding's ``principal``.

    Examples
    --------
    >>> parse("AWS", "arn:aws:iam::444455556666:root")
    Principal(kind='account', value='444455556666', account='444455556666', issuer=None)
    >>> parse("AWS", "*").kind
    'anyone'
    """
    if value == "*":
        return Principal("anyone", "*")
    if kind == "AWS":
        return _aws(value)
    if kind == "Service":
        return Principal("AWS service", value)
    if kind == "CanonicalUser":
        return Principal("canonical user" if _CANONICAL.fullmatch(value) else "unknown", value)
    if kind == "Federated":
        return _federated(value)
    return Principal("unknown", value)


def _aws(value: str) -> Principal:
    if is_account_id(value):
        return Principal("account", value, value)
    if _UNIQUE_ID.fullmatch(value):
        return Principal("deleted principal", value)
    arn = Arn.try_parse(value)
    if arn is None:
        return Principal("unknown", value)
    account, name = arn.account, arn.resource
    if "*" in account or "?" in account:
        return Principal("anyone", value)
    if account == "cloudfront":
        return Principal("AWS service", value)
    if not is_account_id(account):
        return Principal("unknown", value)
    if name == "root":
        return Principal("account", account, account)
    if name.startswith(("oidc-provider/", "saml-provider/")):
        return _federated(value)
    kinds = {"role": "role", "user": "user", "assumed-role": "session", "federated-user": "session"}
    return Principal(kinds.get(name.split("/")[0], "unknown"), value, account)


def _federated(value: str) -> Principal:
    arn = Arn.try_parse(value)
    if arn is not None:
        resource, _, name = arn.resource.partition("/")
        account = arn.account if is_account_id(arn.account) else None
        if resource == "oidc-provider" and name:
            return Principal("OIDC", value, account, name)
        if resource == "saml-provider" and name:
            return Principal("SAML", value, account, name)
        return Principal("unknown", value, account)
    return Principal("OIDC", value, None, value) if "." in value else Principal("unknown", value)


def trust(
    principal: Principal,
    narrowing: Narrowing,
    *,
    conditions: tuple[Condition, ...] = (),
    own_account: str | None,
    in_organization: bool | None,
    contracted: frozenset[str] = frozenset(),
    vendor: bool = False,
) -> str:
    """Place a principal on `TRUST`, or say ``unknown``.

    Parameters
    ----------
    own_account : str or None
        The account that owns the resource.
    in_organization : bool or None
        Whether the principal's account is in the organization; None where nobody knows.
    contracted : frozenset of str
        Accounts that the policy calls contracted.
    vendor : bool
        Whether the principal's account is a known vendor's.
    """
    account = principal.account if principal.issuer is None else None
    if (account is None and principal.kind == "unknown") or (account and own_account is None):
        return "unknown"
    by_account = _place_account(account, own_account, in_organization, contracted, vendor)
    if not narrowing.possible:
        return _place(principal, narrowing, conditions, own_account, contracted) or by_account
    places = {
        _place(principal, possible, conditions, own_account, contracted) or by_account
        for possible in narrowing.possible
    }
    return places.pop() if len(places) == 1 else "unknown"


def _place(
    principal: Principal,
    narrowing: Narrowing,
    conditions: tuple[Condition, ...],
    own_account: str | None,
    contracted: frozenset[str],
) -> str | None:
    """Place a principal by its kind and the conditions; None where its account decides."""
    if narrowing.strength == "own organization":
        is_own = (
            principal.issuer is None and principal.account is not None and principal.account == own_account
        )
        return "own account" if is_own else "own organization"
    if principal.kind == "anyone":
        return _anyone(narrowing, own_account, contracted)
    if principal.kind == "AWS service":
        # A service acts for whoever it is pinned to.
        return _pinned(narrowing.source_accounts, own_account, contracted) or "AWS service"
    if principal.kind == "SAML":
        return "identity provider"
    if principal.kind == "OIDC":
        issuer = principal.issuer or ""
        is_open = is_shared(issuer) and subject(issuer, conditions) == "any subject"
        return "anyone" if is_open and not narrowing.narrows else "identity provider"
    return None


def _place_account(
    account: str | None,
    own_account: str | None,
    in_organization: bool | None,
    contracted: frozenset[str],
    vendor: bool,
) -> str:
    if account is None:
        return "stranger"
    if account == own_account:
        return "own account"
    if account in contracted:
        return "contracted"
    if in_organization is None:
        return "unknown"
    if in_organization:
        return "own organization"
    return "known vendor" if vendor else "stranger"


def _anyone(narrowing: Narrowing, own_account: str | None, contracted: frozenset[str]) -> str:
    """Everyone, as far as the conditions let them in."""
    pinned = _pinned(narrowing.accounts or narrowing.source_accounts, own_account, contracted)
    return pinned or ("stranger" if narrowing.narrows else "anyone")


def _pinned(accounts: tuple[str, ...], own_account: str | None, contracted: frozenset[str]) -> str | None:
    """Place whoever is in one of the accounts that conditions name; None where they name none."""
    if not accounts:
        return None
    if own_account is None:
        return "unknown"
    if all(account == own_account for account in accounts):
        return "own account"
    is_known = all(account == own_account or account in contracted for account in accounts)
    return "contracted" if is_known else "stranger"


_COUNTED = 10  # principals of one finding that are counted each by itself


def principals_of(finding: Finding) -> list[str]:
    """Name who is given access, by account where a principal belongs to one."""
    named = (parse(kind, value).account or value for kind, value in finding.principals)
    return list(dict.fromkeys(named))[:_COUNTED]
