"""Who is given access: the principals of a finding, and the orders in which they stand."""

import re
from functools import lru_cache
from typing import Final

import msgspec

from scoring.findings.arn import Arn, is_account_id
from scoring.findings.finding import Finding

TRUST: Final = (
    "own account",
    "own organization",
    "contracted",
    "identity provider, listed",
    "identity provider",
    "known vendor",
    "identity provider, wildcard",
    "stranger",
    "AWS service",
    "anyone",
)
"""From near to far. What is not known counts as the farthest.

An AWS service acts for whoever set it up: one that a condition pins to an account counts as that account, and
``AWS service`` is one of which nobody knows for whom it acts.
"""

INSIDE: Final = TRUST[:2]
VOUCHED: Final = TRUST[:4]
"""Whom the organization, or its policy, vouches for."""

KINDS: Final = (
    "deleted principal",
    "session",
    "role",
    "AWS service",
    "SAML",
    "OIDC, pinned",
    "user",
    "account",
    "organization",
    "OIDC, one repository",
    "canonical user",
    "OIDC, wildcard",
    "OIDC, any subject",
    "anyone",
)
"""How many hands a grant reaches, from few to many; a grant that contains another never stands before it."""

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


_COUNTED = 10  # principals of one finding that are counted each by itself


def principals_of(finding: Finding) -> list[str]:
    """Name who is given access, by account where a principal belongs to one."""
    named = (parse(kind, value).account or value for kind, value in finding.principals)
    return list(dict.fromkeys(named))[:_COUNTED]
