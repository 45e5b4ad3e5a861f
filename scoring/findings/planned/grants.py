"""A resource's policy -> who is given which access, in the form of findings.

Access Analyzer reasons over the whole policy; this reading does not. What it does not judge it counts as the
worst it could be, and says so: a Deny takes nothing away, NotPrincipal is anyone, NotAction is everything,
and a condition that may hold without its key (``...IfExists``, ``ForAllValues``, negations) narrows nothing.

References
----------
IAM User Guide, "IAM JSON policy elements reference"; "Multivalued context keys"; "Policy evaluation logic".
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from scoring.files.errors import BadInput
from scoring.files.strict_json import Malformed, decode
from scoring.findings.finding import Condition

OWN_ACCOUNT: Final = "(own account)"
"""In place of the resource's own account's number, where nobody has said it; AWS takes no such number."""
_OWN_VARIABLE: Final = "${aws:ResourceAccount}"

ACTIONS, CONDITIONS, PRINCIPALS = "actions", "conditions", "principals"

# Those that hold only where the key is there and has one of the values; findings carry no operator.
_OPERATORS: Final = frozenset(
    {
        *("stringequals", "stringequalsignorecase", "stringlike"),
        *("arnequals", "arnlike", "ipaddress", "bool"),
    }
)
_KINDS: Final = ("AWS", "Federated", "Service", "CanonicalUser")
_MOST: Final = 20_000  # grants of one policy: IAM's largest has some hundreds


class Unresolved(msgspec.Struct, frozen=True):
    """A value that is not known before the change is made, and why."""

    why: str


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What one principal is given, under one set of conditions.

    Attributes
    ----------
    principal : (kind, value) or None
        None where it cannot be resolved: anyone, for all we know.
    lacks : tuple of str
        What cannot be resolved: ``principals``, ``actions``, ``conditions``, each with why.
    notes : tuple of str
        What was not judged, and how it was counted.
    """

    principal: tuple[str, str] | None
    actions: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    lacks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def grants_of(document: object, path: str = "policy") -> list[Grant]:
    """Read a policy: one grant for each principal and set of conditions, actions merged.

    Parameters
    ----------
    document : object
        Decoded JSON, JSON as text, or `Unresolved`; any value in it may be `Unresolved`.
    path : str
        Where it lies in the input, for messages.

    Raises
    ------
    BadInput
        It is no policy of a resource.

    Examples
    --------
    >>> [grant] = grants_of({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "444455556666"},
    ...                                    "Action": "s3:GetObject", "Resource": "*"}})
    >>> grant.principal, grant.actions, grant.notes
    (('AWS', '*'), ('s3:GetObject',), ('NotPrincipal is not judged: it counts as anyone',))
    """
    if isinstance(document, Unresolved):
        return [_nothing_known(document.why)]
    document = _decoded(document, path)
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise BadInput("expected a policy with a Statement", field=path, value=document)
    statements = document["Statement"]
    found: dict[tuple[object, ...], Grant] = {}
    denied = False
    for index, statement in enumerate(_listed(statements)):
        where = f"{path}.Statement[{index}]"
        if isinstance(statement, Unresolved):
            new: Iterator[Grant] | list[Grant] = [_nothing_known(statement.why)]
        elif not isinstance(statement, Mapping):
            raise BadInput("expected a statement", field=where, value=statement)
        elif statement.get("Effect") == "Deny":
            denied = True
            continue
        else:
            new = _of_statement(statement, where)
        for grant in new:
            key = (grant.principal, grant.conditions, grant.lacks)
            other = found.get(key)
            found[key] = grant if other is None else _merged(other, grant)
            if len(found) > _MOST:
                raise BadInput(f"expected at most {_MOST:,} principals", field=path)
    note = ("a Deny statement is not judged: it takes nothing away here",) if denied else ()
    return [msgspec.structs.replace(grant, notes=grant.notes + note) for grant in found.values()]


def _decoded(document: object, path: str) -> object:
    if not isinstance(document, str):
        return document
    text = document.strip()
    try:
        value, end = decode(text)
    except Malformed as error:
        raise BadInput(f"expected a policy as JSON: {error.problem}", field=path) from None
    if end != len(text):
        raise BadInput("expected one policy as JSON", field=path)
    return value


def _nothing_known(why: str) -> Grant:
    return Grant(principal=None, lacks=tuple(f"{name} ({why})" for name in (PRINCIPALS, ACTIONS, CONDITIONS)))


def _merged(one: Grant, other: Grant) -> Grant:
    return msgspec.structs.replace(
        one,
        actions=tuple(dict.fromkeys(one.actions + other.actions)),
        notes=tuple(dict.fromkeys(one.notes + other.notes)),
    )


def _of_statement(statement: Mapping[str, Any], where: str) -> Iterator[Grant]:
    if isinstance(statement.get("Effect"), Unresolved):
        statement = {**statement, "Effect": "Allow"}
    if statement.get("Effect") != "Allow":
        raise BadInput("expected Allow or Deny", field=f"{where}.Effect", value=statement.get("Effect"))
    notes: list[str] = []
    lacks: list[str] = []
    actions = _actions(statement, where, notes, lacks)
    conditions = _conditions(statement.get("Condition"), where, notes, lacks)
    for principal in _principals(statement, where, notes):
        lacking = lacks
        if isinstance(principal, Unresolved):
            lacking = [f"{PRINCIPALS} ({principal.why})", *lacks]
        yield Grant(
            principal=None if isinstance(principal, Unresolved) else principal,
            actions=actions,
            conditions=conditions,
            lacks=tuple(lacking),
            notes=tuple(notes),
        )


def _actions(statement: Mapping[str, Any], where: str, notes: list[str], lacks: list[str]) -> tuple[str, ...]:
    if "Action" not in statement:
        if "NotAction" not in statement:
            raise BadInput("expected an Action", field=where)
        notes.append("NotAction is not judged: it counts as every action")
        return ("*",)
    actions: list[str] = []
    for action in _listed(statement["Action"]):
        if isinstance(action, Unresolved):
            lacks.append(f"{ACTIONS} ({action.why})")
        elif not isinstance(action, str):
            raise BadInput("expected an action", field=f"{where}.Action", value=action)
        else:
            actions.append(action)
    # Some actions beside one that nobody knows would look like all of them.
    return () if lacks else tuple(dict.fromkeys(actions))


def _principals(
    statement: Mapping[str, Any], where: str, notes: list[str]
) -> list[tuple[str, str] | Unresolved]:
    if "NotPrincipal" in statement:
        notes.append("NotPrincipal is not judged: it counts as anyone")
        return [("AWS", "*")]
    if "Principal" not in statement:
        raise BadInput(
            "expected a Principal: an identity's own policy opens no resource to others", field=where
        )
    said = statement["Principal"]
    if isinstance(said, Unresolved):
        return [said]
    if said == "*":
        return [("AWS", "*")]
    if not isinstance(said, Mapping) or not said:
        raise BadInput("expected * or an object", field=f"{where}.Principal", value=said)
    found: list[tuple[str, str] | Unresolved] = []
    for kind, names in said.items():
        if kind not in _KINDS:
            raise BadInput(f"expected one of {', '.join(_KINDS)}", field=f"{where}.Principal", value=kind)
        for name in _listed(names):
            if isinstance(name, Unresolved):
                found.append(name)
            elif not isinstance(name, (str, int)) or name == "" or isinstance(name, bool):
                raise BadInput("expected a principal", field=f"{where}.Principal.{kind}", value=name)
            else:
                found.append((kind, name if isinstance(name, str) else f"{name:012d}"))
    return list(dict.fromkeys(found))


def _conditions(said: object, where: str, notes: list[str], lacks: list[str]) -> tuple[Condition, ...]:
    """Keep the conditions that hold only where their key has one of the values."""
    if said is None:
        return ()
    if isinstance(said, Unresolved):
        lacks.append(f"{CONDITIONS} ({said.why})")
        return ()
    if not isinstance(said, Mapping):
        raise BadInput("expected an object", field=f"{where}.Condition", value=said)
    found: dict[str, tuple[str, ...]] = {}
    for operator, keys in said.items():
        if isinstance(keys, Unresolved):
            notes.append(f"the condition {operator} is not known ({keys.why}): it counts as absent")
            continue
        if not isinstance(keys, Mapping):
            raise BadInput("expected an object", field=f"{where}.Condition.{operator}", value=keys)
        is_judged = operator.lower().removeprefix("foranyvalue:") in _OPERATORS
        for key, values in keys.items():
            listed = _listed(values)
            unresolved = [value for value in listed if isinstance(value, Unresolved)]
            if not is_judged:
                notes.append(f"the condition {operator} {key} is not judged: it counts as absent")
            elif unresolved:
                notes.append(
                    f"the condition {operator} {key} is not known ({unresolved[0].why}): it counts as absent"
                )
            else:
                texts = tuple(_text(value, f"{where}.Condition.{operator}.{key}") for value in listed)
                found[key] = (*found.get(key, ()), *texts)
    return tuple(sorted(found.items()))


def _text(value: object, field: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value).replace(OWN_ACCOUNT, _OWN_VARIABLE)
    raise BadInput("expected a text, a number or true/false", field=field, value=value)


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
