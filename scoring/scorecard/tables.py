"""The tables of a scorecard as files hold them: nested by value. A value that cannot occur is an error."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import msgspec

from scoring.features import features
from scoring.features.features import Feature
from scoring.files.errors import BadInput, did_you_mean
from scoring.findings.access.tags import fold_value
from scoring.scorecard.scorecard import Key, Table
from scoring.scorecard.upgrades import GONE

_COMMON = (features.UNKNOWN, features.NOT_APPLICABLE, features.ABSENT, "conflicting")


class TableFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One table as it stands in a file."""

    key: list[str]
    points: dict[str, Any]
    default: Any = None
    unknown: Any = None
    evidence: dict[str, Any] = {}
    unlisted: Annotated[int, msgspec.Meta(ge=0)] = 0


def read_table(table: TableFile, field: str, read: Callable[[object, str], int]) -> Table:
    """Turn a table of a file into one that scores.

    Parameters
    ----------
    field : str
        Where the table stands in the file, for messages.
    read : callable
        Turns a number of the file, with its field, into tenths.

    Raises
    ------
    BadInput
        A feature or value does not exist, a number is missing, or unknown costs less than a known value.
    """
    key = _features(table.key, f"{field}.key")
    points = {
        values: read(leaf, f"{field}.points.{'.'.join(values)}")
        for values, leaf in _flatten(table.points, len(key), f"{field}.points")
    }
    for values in points:
        for of, value in zip(key, values, strict=True):
            _check_value(of, value, f"{field}.points")
    if table.default is None and not _is_complete(key, points):
        raise BadInput("expected a default, since not every value is listed", field=field)
    default = 0 if table.default is None else read(table.default, f"{field}.default")
    worst = max((0, default, *points.values()))
    unknown = worst if table.unknown is None else read(table.unknown, f"{field}.unknown")
    if unknown < worst:
        expected = "expected no less than the largest entry of the table (unknown is never safe)"
        raise BadInput(expected, field=f"{field}.unknown", value=table.unknown)
    evidence = {
        values: _counts(leaf, f"{field}.evidence")
        for values, leaf in _flatten(table.evidence, len(key), f"{field}.evidence")
    }
    names = tuple(of.name for of in key)
    return Table(
        key=names,
        points=points,
        default=default,
        unknown=unknown,
        evidence=evidence,
        unlisted=table.unlisted,
    )


def nest(flat: Mapping[Key, Any]) -> dict[str, Any]:
    """Write entries by tuples of values as nested objects, one level for each feature of the key."""
    nested: dict[str, Any] = {}
    for values, leaf in flat.items():
        inner = nested
        for value in values[:-1]:
            inner = inner.setdefault(value, {})
        inner[values[-1]] = leaf
    return nested


def _features(names: list[str], field: str) -> tuple[Feature, ...]:
    found: list[Feature] = []
    for name in names:
        of = features.feature(name)
        if name in GONE:
            raise BadInput(f"the feature {name!r} is gone: {GONE[name]}", field=field)
        if of is None:
            raise BadInput(f"unknown feature {name!r}{did_you_mean(name, features.NAMES)}", field=field)
        found.append(of)
    if not 1 <= len(found) <= 3 or len({of.name for of in found}) < len(found):
        raise BadInput("expected one to three different features", field=field)
    return tuple(found)


def _flatten(nested: object, depth: int, field: str) -> Iterator[tuple[Key, Any]]:
    if not isinstance(nested, dict):
        raise BadInput(
            "expected a table of values, one level for each feature of the key", field=field, value=nested
        )
    for value, inner in nested.items():
        if depth == 1:
            yield (value,), inner
        else:
            for rest, leaf in _flatten(inner, depth - 1, f"{field}.{value}"):
                yield (value, *rest), leaf


def _check_value(of: Feature, value: str, field: str) -> None:
    """Refuse a value that can never occur: a misspelt one that never scores is worse than an error."""
    if value == features.UNKNOWN:
        raise BadInput("expected the points for unknown in the table's own entry", field=f"{field}.{value}")
    if value in _COMMON:
        return
    if (of.name, value) in GONE:
        gone = f"the value {value!r} of {of.name} is gone: {GONE[of.name, value]}"
        raise BadInput(gone, field=f"{field}.{value}")
    if of.values is not None and value not in of.values:
        raise BadInput(f"unknown value {value!r} of {of.name}{did_you_mean(value, of.values)}", field=field)
    tag = features.tag_of(of)
    if tag is not None and value != fold_value(tag, value):
        expected = f"expected {fold_value(tag, value)!r}, as which tags that say so are compared"
        raise BadInput(expected, field=field, value=value)


def _is_complete(key: tuple[Feature, ...], points: Mapping[Key, int]) -> bool:
    values = key[0].values if len(key) == 1 else None
    return values is not None and all((value,) in points for value in values)


def _counts(leaf: object, field: str) -> tuple[int, int, int]:
    if not isinstance(leaf, list) or len(leaf) != 3 or not all(type(n) is int and n >= 0 for n in leaf):
        raise BadInput("expected three counts: seen, expected, unintended", field=field)
    return leaf[0], leaf[1], leaf[2]
