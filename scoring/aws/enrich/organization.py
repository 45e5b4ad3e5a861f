"""Who an account is: its name, its place in the organization, and whether it is in it at all."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from threading import RLock
from typing import Any, NamedTuple, TypeVar

from cachetools import TLRUCache

from scoring.aws.enrich.lookup import Facts, first, tags
from scoring.aws.errors import DENIED, Unavailable, code, guarded
from scoring.aws.sessions import Client, Clients
from scoring.findings.access.principal import parse
from scoring.findings.context import Account, PrincipalAccount
from scoring.findings.facts import ABSENT, Absent, Fact, Present, Unknown
from scoring.findings.finding import Finding

ACTIONS = (
    "organizations:DescribeAccount",
    "organizations:DescribeOrganizationalUnit",
    "organizations:ListParents",
    "organizations:ListTagsForResource",
)
BULK_ACTIONS = ("organizations:ListAccounts",)

T = TypeVar("T")

_ANSWERS = 20_000
_FAILED_FOR = 30.0  # seconds for which a question that failed is not asked again
_OUTSIDE = ("AccountNotFoundException", "AWSOrganizationsNotInUseException")


class _Member(NamedTuple):
    name: str | None
    organization: str | None


class Organization:
    """Answers about accounts, kept for a while.

    Organizations answers its management account and delegated administrators only; anywhere else accounts are
    unknown.

    Parameters
    ----------
    clients : Clients
        Of the account we run in.
    clock : callable
        Seconds since the epoch.
    ttl : float
        Seconds for which an answer holds.
    """

    def __init__(self, clients: Clients, *, clock: Callable[[], float], ttl: float = 3600.0) -> None:
        self._clients = clients
        self._lock = RLock()
        self._clock = clock
        self._ttl = ttl
        self._answers: TLRUCache[str | tuple[str, str], Fact[Any]] = TLRUCache(
            _ANSWERS, self._expiry, timer=clock
        )
        self._members: Mapping[str, _Member] = {}
        self._members_until = float("-inf")

    def resource_account(self, account: str | None) -> Facts:
        """Describe the account that owns a resource.

        Returns
        -------
        dict of fact
            ``resource_account``, and ``account_tags`` where only these could not be read.
        """
        if account is None:
            raise Unavailable("account of the resource not given")
        member = self._member(account)
        if isinstance(member, Unknown):
            return {"resource_account": member}
        if isinstance(member, Absent):
            return {"resource_account": Present(Account(id=account))}
        path = self._ou_path(account)
        if isinstance(path, Unknown):
            return {"resource_account": path}
        given = self._kept(("tags", account), partial(self._ask_tags, account))
        described = Account(
            id=account,
            name=member.value.name,
            ou="/".join(path),
            tags=None if isinstance(given, Unknown) else given.value if isinstance(given, Present) else {},
            org_id=member.value.organization,
        )
        failed = {"account_tags": given} if isinstance(given, Unknown) else {}
        return {"resource_account": Present(described), **failed}

    def principal_account(self, finding: Finding, vendors: Mapping[str, str]) -> Fact[PrincipalAccount]:
        """Describe the account that is given access; absent where the finding names none.

        Parameters
        ----------
        vendors : dict
            Account numbers of known vendors, and their names.
        """
        accounts = principal_accounts(finding)
        foreign = [account for account in accounts if account != finding.account]
        if not accounts:
            return ABSENT
        if len(foreign) > 1:
            return Unknown("several accounts are given access")
        account = foreign[0] if foreign else accounts[0]
        member = self._member(account)
        name = member.value.name if isinstance(member, Present) else None
        if not foreign:
            return Present(PrincipalAccount(id=account, in_org=True, name=name))
        if isinstance(member, Unknown):
            return member
        inside = isinstance(member, Present) and not self._is_outside(finding.account)
        return Present(PrincipalAccount(id=account, in_org=inside, vendor=vendors.get(account), name=name))

    def preload(self, accounts: Iterable[str]) -> None:
        """List the accounts of the organization, if that takes fewer requests than one for each account.

        Once the list is complete, an account that is not on it is known to be outside.
        """
        pages = len(set(accounts))
        if pages < 2:
            return
        until = self._clock() + self._ttl
        found = guarded(("accounts",), lambda: {"accounts": self._list(pages)})["accounts"]
        if isinstance(found, Present):
            self._members, self._members_until = found.value, until

    def _list(self, most: int) -> Fact[Mapping[str, _Member]]:
        members: dict[str, _Member] = {}
        try:
            for number, page in enumerate(self._pages("list_accounts"), start=1):
                members.update((described["Id"], _member(described)) for described in page["Accounts"])
                if number == most and page.get("NextToken"):
                    return Unknown("too many accounts to list")
        except Exception as error:
            if code(error) not in _OUTSIDE:
                raise
        return Present(members)

    def _member(self, account: str) -> Fact[_Member]:
        if self._clock() < self._members_until:
            member = self._members.get(account)
            return ABSENT if member is None else Present(member)
        return self._kept(("account", account), partial(self._ask_account, account))

    def _is_outside(self, account: str | None) -> bool:
        return account is not None and isinstance(self._member(account), Absent)

    def _ou_path(self, child: str) -> tuple[str, ...] | Unknown:
        """Walk from an account up to the root; a unit is shared by many accounts and asked for once."""
        names: list[str] = []
        while True:
            parent = self._kept(("parent", child), partial(self._ask_parent, child))
            if isinstance(parent, Unknown):
                return parent
            if isinstance(parent, Absent):
                return tuple(reversed(names))
            child = parent.value
            name = self._kept(("unit", child), partial(self._ask_unit, child))
            if not isinstance(name, Present):
                return name if isinstance(name, Unknown) else Unknown("NotFound")
            names.append(name.value)

    def _ask_account(self, account: str) -> Fact[_Member]:
        try:
            response = self._organizations().describe_account(AccountId=account)
        except Exception as error:
            if code(error) in _OUTSIDE:
                return ABSENT
            raise
        return Present(_member(response["Account"]))

    def _ask_parent(self, child: str) -> Fact[str]:
        parent = first(self._pages("list_parents", ChildId=child).build_full_result()["Parents"])
        return ABSENT if parent["Type"] == "ROOT" else Present(parent["Id"])

    def _ask_unit(self, unit: str) -> Fact[str]:
        response = self._organizations().describe_organizational_unit(OrganizationalUnitId=unit)
        return Present(response["OrganizationalUnit"]["Name"])

    def _ask_tags(self, account: str) -> Fact[dict[str, str]]:
        return tags(self._pages("list_tags_for_resource", ResourceId=account).build_full_result()["Tags"])

    def _organizations(self) -> Client:
        return self._clients.client("organizations")

    def _pages(self, operation: str, **request: str) -> Any:
        return self._organizations().get_paginator(operation).paginate(**request)

    def _kept(self, question: tuple[str, str], ask: Callable[[], Fact[T]]) -> Fact[T]:
        kind = question[0]
        with self._lock:
            answer = self._answers.get(question) or self._answers.get(kind)
        if answer is None:
            answer = guarded((kind,), lambda: {kind: ask()})[kind]
            # Whoever may not ask about one account may not ask about any.
            is_refused = isinstance(answer, Unknown) and answer.reason in DENIED
            with self._lock:
                self._answers[kind if is_refused else question] = answer
        return answer

    def _expiry(self, _question: str | tuple[str, str], answer: Fact[Any], now: float) -> float:
        return now + (_FAILED_FOR if isinstance(answer, Unknown) else self._ttl)


def principal_accounts(finding: Finding) -> tuple[str, ...]:
    """Return the accounts that a finding gives access to, by their numbers, each once.

    Anyone and AWS services have none; an identity provider's is one where it is not the resource's own.

    Examples
    --------
    >>> principals = (("AWS", "arn:aws:iam::444455556666:role/r"), ("AWS", "*"))
    >>> principal_accounts(Finding(id="1", resource="r", resource_type="t", status="ACTIVE",
    ...     finding_type="ExternalAccess", principals=principals))
    ('444455556666',)
    """
    principals = (parse(kind, value) for kind, value in finding.principals)
    accounts = [
        p.account for p in principals if p.account and (p.issuer is None or p.account != finding.account)
    ]
    if not finding.principals and finding.principal_owner_account:
        accounts = [finding.principal_owner_account]
    return tuple(dict.fromkeys(accounts))


def _member(described: Mapping[str, Any]) -> _Member:
    # arn:aws:organizations::<management account>:account/<organization>/<account>
    parts = str(described.get("Arn", "")).split("/")
    return _Member(described.get("Name"), parts[1] if len(parts) == 3 else None)
