"""Several pages of details brought together into what one finding says."""

from collections.abc import Sequence
from typing import Any

from scoring.finding_wire import Details


def merge(found: Sequence[Details]) -> dict[str, Any]:
    """Bring details together: where they differ the wider access counts, and silence counts as unknown.

    Returns
    -------
    dict
        Fields of a `scoring.finding.Finding`.
    """
    return _of_one(found[0]) if len(found) == 1 else _of_several(found)


def _of_one(details: Details) -> dict[str, Any]:
    return {
        "principals": _principals(details),
        "actions": tuple(dict.fromkeys(details.action)) if details.action else (),
        "conditions": _conditions([details.condition]) if details.condition else (),
        "is_public": details.is_public,
        "sources": tuple(dict.fromkeys([s.type for s in details.sources])) if details.sources else (),
        "restrictions": tuple(dict.fromkeys(details.restrictions())),
        "access_type": details.access_type,
        "principal_type": details.principal_type,
        "principal_owner_account": details.principal_owner_account,
        "last_accessed": details.last_accessed,
        "unused_services": None,
        "unused_actions": None,
    }


def _of_several(found: Sequence[Details]) -> dict[str, Any]:
    principals = [principal for details in found for principal in _principals(details)]
    actions = [action for details in found for action in details.action or ()]
    sources = [source.type for details in found for source in details.sources or ()]
    granting = [details for details in found if details.is_granting]
    unused = [details for details in found if details.service_namespace is not None]
    return {
        "principals": tuple(dict.fromkeys(principals)),
        "actions": tuple(dict.fromkeys(actions)),
        "conditions": _conditions([d.condition or {} for d in granting if d.action or d.principal]),
        "is_public": _is_public([details.is_public for details in granting]),
        "sources": tuple(dict.fromkeys(sources)),
        "restrictions": _restrictions(found, granting),
        "access_type": _access_type([details.access_type for details in granting]),
        "principal_type": _shared([details.principal_type for details in granting]),
        "principal_owner_account": _shared([details.principal_owner_account for details in granting]),
        "last_accessed": max([d.last_accessed for d in found if d.last_accessed], default=None),
        "unused_services": len(unused) or None,
        "unused_actions": sum(len(details.actions or ()) for details in unused) if unused else None,
    }


def _principals(details: Details) -> tuple[tuple[str, str], ...]:
    if not details.principal:
        return ()
    named: dict[tuple[str, str], None] = {}
    for kind, names in details.principal.items():
        for name in (names,) if isinstance(names, str) else names:
            named[kind, name] = None
    return tuple(named)


def _is_public(said: Sequence[bool | None]) -> bool | None:
    return True if True in said else None if None in said or not said else False


def _access_type(said: Sequence[str | None]) -> str | None:
    return "INTRA_ORG" if set(said) == {"INTRA_ACCOUNT", "INTRA_ORG"} else _shared(said)


def _shared(said: Sequence[str | None]) -> str | None:
    return said[0] if len(set(said)) == 1 else None


def _restrictions(found: Sequence[Details], granting: Sequence[Details]) -> tuple[str, ...]:
    """Keep what is said anywhere, but call the access restricted only where all of it is."""
    said = dict.fromkeys(restriction for details in found for restriction in details.restrictions())
    if len(granting) > 1 and any("APPLIED" not in details.restrictions() for details in granting):
        said.pop("APPLIED", None)
    return tuple(said)


def _conditions(
    of_grants: Sequence[dict[str, str | list[str]]],
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Keep the conditions that every grant carries, each with the values of all of them."""
    if not of_grants:
        return ()
    shared = [key for key in sorted(of_grants[0]) if all(key in other for other in of_grants[1:])]
    return tuple((key, _values([conditions[key] for conditions in of_grants])) for key in shared)


def _values(of_grants: Sequence[str | list[str]]) -> tuple[str, ...]:
    values: dict[str, None] = {}
    for value in of_grants:
        values.update(dict.fromkeys((value,) if isinstance(value, str) else value))
    return tuple(values)
