"""The organization's accounts from a file: who owns a resource, and who is given access."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from scoring.files import strict_json
from scoring.files.errors import BadInput, did_you_mean
from scoring.findings.access.principal import parse
from scoring.findings.arn import account_id
from scoring.findings.context import Account, PrincipalAccount
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Fact, Present, Unknown
from scoring.findings.finding import Finding
from scoring.findings.record import Case

_COLUMNS: Final = {"id": "id", "account": "id", "account_id": "id", "name": "name", "ou": "ou"}
_MOST: Final = 100_000_000  # bytes; an organization has some thousands of accounts


class Accounts(msgspec.Struct, frozen=True):
    """All accounts of the organization by their numbers: one that is not among them is outside.

    An account whose unit is not given says who is inside, and leaves open which environment it is for.
    """

    by_id: Mapping[str, Account]

    def describe(self, case: Case, vendors: Mapping[str, str]) -> Case:
        """Add to a case what the file says of its accounts; what the case knows by itself stays.

        Parameters
        ----------
        vendors : mapping
            Account numbers of known vendors, and their names.
        """
        finding, context = case.finding, case.context
        if not isinstance(finding, Finding):
            return case
        own = self.by_id.get(finding.account or "")
        if own is not None and own.ou is not None and _was_not_asked(context.resource_account):
            context = msgspec.structs.replace(context, resource_account=Present(own))
        if _was_not_asked(context.principal_account):
            context = msgspec.structs.replace(context, principal_account=self._principal(finding, vendors))
        return msgspec.structs.replace(case, context=context)

    def _principal(self, finding: Finding, vendors: Mapping[str, str]) -> Fact[PrincipalAccount]:
        named = {parse(kind, value).account for kind, value in finding.principals} - {None}
        foreign = sorted(str(account) for account in named - {finding.account})
        if not named:
            return ABSENT
        if len(foreign) > 1:
            return NOT_LOOKED_UP
        if foreign and finding.account not in self.by_id:
            return NOT_LOOKED_UP
        account = foreign[0] if foreign else str(finding.account)
        listed = self.by_id.get(account)
        inside = not foreign or listed is not None
        name = listed.name if listed else None
        return Present(PrincipalAccount(id=account, in_org=inside, vendor=vendors.get(account), name=name))


def described(cases: Iterable[Case], path: str | None, vendors: Mapping[str, str]) -> Iterable[Case]:
    """Add to cases what a file of accounts says, if there is one; see `read_accounts`.

    Parameters
    ----------
    vendors : mapping
        Account number to name.
    """
    if path is None:
        return cases
    listed = read_accounts(path)
    return (listed.describe(case, vendors) for case in cases)


def read_accounts(path: str) -> Accounts:
    """Read all accounts of an organization.

    Parameters
    ----------
    path : str
        The output of ``aws organizations list-accounts``, or a CSV with the columns ``id`` (or ``account``),
        and, if there are any, ``name`` and ``ou`` (the path of the unit).

    Raises
    ------
    BadInput
        Naming the file, the row, and what was expected; also where the list is not all of it.
    """
    try:
        content = Path(path).read_bytes()[: _MOST + 1]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot be read: {reason}", where=path, field="--accounts") from None
    if len(content) > _MOST:
        raise BadInput(f"expected at most {_MOST:,} bytes", where=path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("expected UTF-8", where=path) from None
    try:
        found = _from_json(text) if text.lstrip()[:1] in ("{", "[") else _from_csv(text)
    except BadInput as error:
        raise error.at(path) from None
    if not found:
        raise BadInput("expected at least one account", where=path)
    return Accounts(found)


def _from_json(text: str) -> dict[str, Account]:
    try:
        value, _ = strict_json.decode(text, len(text) - len(text.lstrip()))
    except strict_json.Malformed as error:
        raise BadInput(error.problem) from None
    listed = value.get("Accounts") if isinstance(value, dict) else value
    if isinstance(value, dict) and value.get("NextToken"):
        expected = "expected all accounts: run list-accounts without --max-items"
        raise BadInput(expected, field="NextToken")
    if not isinstance(listed, list):
        raise BadInput("expected a list", field="Accounts", value=listed)
    found: dict[str, Account] = {}
    for index, one in enumerate(listed):
        field = f"Accounts[{index}]"
        if not isinstance(one, dict):
            raise BadInput("expected an object", field=field, value=one)
        name = one.get("Name", one.get("name"))
        _add(found, one.get("Id", one.get("id")), name if isinstance(name, str) else None, None, field)
    return found


def _from_csv(text: str) -> dict[str, Account]:
    rows = csv.reader(text.splitlines(), strict=True)
    found: dict[str, Account] = {}
    try:
        headings = [heading.strip().casefold().replace(" ", "_") for heading in next(rows, [])]
        columns = {_COLUMNS[heading]: at for at, heading in enumerate(headings) if heading in _COLUMNS}
        if "id" not in columns:
            hint = did_you_mean(headings[0] if headings else "", _COLUMNS)
            raise BadInput(f"expected a column id with account numbers{hint}", field="line 1")
        for row in rows:
            cells = {name: row[at].strip() if at < len(row) else "" for name, at in columns.items()}
            if any(cells.values()):
                name, ou = cells.get("name") or None, cells.get("ou") or None
                _add(found, cells["id"], name, ou, f"line {rows.line_num}: id")
    except csv.Error as error:
        raise BadInput(f"is no CSV: {error}", field=f"line {rows.line_num}") from None
    return found


def _add(found: dict[str, Account], number: object, name: str | None, ou: str | None, field: str) -> None:
    if not isinstance(number, str):
        raise BadInput("expected an account number of 12 digits", field=field, value=number)
    account_id(number, field=field)
    if number in found:
        raise BadInput("expected each account once", field=field, value=number)
    found[number] = Account(id=number, name=name, ou=ou)


def _was_not_asked(fact: object) -> bool:
    return isinstance(fact, Unknown) and not fact.asked
