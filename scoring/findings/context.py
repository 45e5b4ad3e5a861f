"""The context: what enrichment found out about a finding, each fact present, absent or unknown."""

from typing import Any, Final

import msgspec

from scoring.files.errors import BadInput
from scoring.findings.facts import ABSENT, NOT_LOOKED_UP, Absent, Fact, Present, Unknown

FACT_NAMES: Final = {
    "tags": "the resource's tags",
    "aliases": "the key's aliases",
    "resource_account": "the account that owns the resource",
    "principal_account": "the account that is given access",
    "reactivated_by": "whether somebody re-opened the finding",
}
"""What people call the facts."""


class Account(msgspec.Struct, frozen=True):
    """The account that owns the resource; `ou` is the path of its organizational unit."""

    id: str
    name: str | None = None
    ou: str | None = None
    tags: dict[str, str] | None = None
    org_id: str | None = None


class PrincipalAccount(msgspec.Struct, frozen=True):
    """The account that is given access; `in_org` is None where nobody could tell."""

    id: str
    in_org: bool | None = None
    vendor: str | None = None
    name: str | None = None


class Reactivation(msgspec.Struct, frozen=True):
    """Who brought the finding back after it was archived: ``person``, ``undo`` or ``expiry``."""

    who: str
    at: str | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All facts about one finding.

    Attributes
    ----------
    tags : fact of dict
        The resource's tags as given.
    aliases : fact of tuple of str
        Aliases of a KMS key, with ``alias/``.
    details : dict of fact
        Optional facts by name, e.g. ``public_access_block``; shown to a person, never scored.
    """

    tags: Fact[dict[str, str]] = NOT_LOOKED_UP
    aliases: Fact[tuple[str, ...]] = NOT_LOOKED_UP
    resource_account: Fact[Account] = NOT_LOOKED_UP
    principal_account: Fact[PrincipalAccount] = NOT_LOOKED_UP
    reactivated_by: Fact[Reactivation] = NOT_LOOKED_UP
    details: dict[str, Fact[Any]] = {}


class _Wire(msgspec.Struct):
    tags: dict[str, str] | msgspec.UnsetType | None = msgspec.UNSET
    aliases: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    resource_account: Account | msgspec.UnsetType | None = msgspec.UNSET
    principal_account: PrincipalAccount | msgspec.UnsetType | None = msgspec.UNSET
    reactivated_by: Reactivation | msgspec.UnsetType | None = msgspec.UNSET
    details: dict[str, Any] | None = None
    unknown: dict[str, str] | None = None


NO_CONTEXT = Context()
_OBJECTS = ("resource_account", "principal_account", "reactivated_by")
_FACTS = ("tags", "aliases", "resource_account", "principal_account", "reactivated_by")


def from_json(value: object, path: str = "context") -> Context:
    """Read the ``context`` of a record.

    A key that is absent was never looked up; ``{}``, ``[]`` or null was looked up and is empty; a key under
    ``unknown`` was asked for and refused, whatever else the record says of it.

    Raises
    ------
    BadInput
        Naming the field.

    Examples
    --------
    >>> from_json({"tags": {}, "unknown": {"aliases": "AccessDenied"}}).aliases
    Unknown(reason='AccessDenied', asked=True)
    """
    try:
        wire = msgspec.convert(value, _Wire)
    except msgspec.ValidationError as error:
        if isinstance(value, dict) and {} in [value.get(name) for name in _OBJECTS]:
            return from_json({n: None if n in _OBJECTS and v == {} else v for n, v in value.items()}, path)
        raise BadInput.from_validation(error, path + ".") from None
    refused = wire.unknown or {}
    aliases = _fact(wire.aliases, refused.get("aliases"))
    if isinstance(aliases, Present):
        aliases = Present(tuple(aliases.value))
    return Context(
        tags=_fact(wire.tags, refused.get("tags")),
        aliases=aliases,
        resource_account=_fact(wire.resource_account, refused.get("resource_account")),
        principal_account=_fact(wire.principal_account, refused.get("principal_account")),
        reactivated_by=_fact(wire.reactivated_by, refused.get("reactivated_by")),
        details=_details(wire.details or {}, refused) if wire.details or refused else {},
    )


def _details(found: dict[str, Any], refused: dict[str, str]) -> dict[str, Fact[Any]]:
    details: dict[str, Fact[Any]] = {name: _fact(value, None) for name, value in found.items()}
    for name, reason in refused.items():
        if name not in _FACTS:
            details[name.removeprefix("details.")] = Unknown(reason)
    return details


def to_json(context: Context) -> dict[str, Any]:
    """Write a context as a record holds it; `from_json` reads it back unchanged."""
    out: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    details: dict[str, Any] = {}

    def put(target: dict[str, Any], name: str, label: str, fact: Fact[Any]) -> None:
        if isinstance(fact, Present):
            target[name] = msgspec.to_builtins(fact.value)
        elif isinstance(fact, Absent):
            target[name] = {"tags": {}, "aliases": []}.get(name)
        elif fact.asked:
            unknown[label] = fact.reason

    for name in _FACTS:
        put(out, name, name, getattr(context, name))
    for name, fact in context.details.items():
        put(details, name, f"details.{name}", fact)
    if details:
        out["details"] = details
    if unknown:
        out["unknown"] = unknown
    return out


def _fact(found: Any, refused: str | None) -> Fact[Any]:
    if refused is not None:
        return Unknown(refused)
    if found is msgspec.UNSET:
        return NOT_LOOKED_UP
    if found is None or (isinstance(found, (dict, list)) and not found):
        return ABSENT
    return Present(found)
