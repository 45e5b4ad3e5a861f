"""Scorecards in files: commented TOML for the hand-weighted card, JSON for every card."""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from scoring import features
from scoring.errors import BadInput
from scoring.points import LIMIT, to_tenths
from scoring.scorecard import Key, Scorecard, Table

DEFAULT = Path(__file__).parent / "data" / "scorecard.toml"
SCHEMA = 1
# Schema version -> what turns a document of that version into one of the next; loading walks the recipes.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_COMMON = (features.UNKNOWN, features.NOT_APPLICABLE, features.ABSENT, "conflicting")


class _TableFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    key: list[str]
    points: dict[str, Any]
    default: Any = None
    unknown: Any = None
    evidence: dict[str, Any] = {}


class _CardFile(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    version: str
    base: Any
    threshold: Any
    tag_limit: Any
    table: list[_TableFile]
    kind: Literal["weighted", "trained"] = "weighted"
    risk: list[tuple[int, float]] = []
    schema: int = SCHEMA
    feature_version: int = features.VERSION
    unit: Literal["points", "tenths"] = "points"


def load(path: str | Path = DEFAULT) -> Scorecard:
    """Read a scorecard from a file, a version's folder or a registry's folder (its current version).

    Raises
    ------
    BadInput
        Naming file, field and expectation.
    """
    path = _find(Path(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"cannot be read: {getattr(error, 'strerror', None) or error}", where=str(path)
        ) from None
    try:
        return from_toml(text) if path.suffix == ".toml" else from_json(text)
    except BadInput as error:
        raise error.at(str(path)) from None


def _find(path: Path) -> Path:
    if not path.is_dir():
        return path
    if (path / "scorecard.json").is_file():
        return path / "scorecard.json"
    current = path / "current"
    if not current.is_file():
        raise BadInput("expected a scorecard.json or a file named current in the folder", where=str(path))
    try:
        version = current.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"cannot be read: {getattr(error, 'strerror', None) or error}", where=str(current)
        ) from None
    if not version or not version.isprintable() or "/" in version or version.startswith("."):
        raise BadInput("expected the name of a version", where=str(current), value=version)
    return path / version / "scorecard.json"


def from_toml(text: str) -> Scorecard:
    """Read a hand-weighted scorecard; points have at most one decimal."""
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"is no valid TOML: {error}") from None
    # TOML has no null; a card that archives nothing says so in words.
    if content.get("threshold") == "none":
        content["threshold"] = None
    return _build(content)


def from_json(text: str | bytes) -> Scorecard:
    """Read a scorecard from its JSON form, upgrading an older schema."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is no valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise BadInput("expected an object")
    return _build(upgrade(content))


def upgrade(
    content: dict[str, Any],
    recipes: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = UPGRADES,
    to: int = SCHEMA,
) -> dict[str, Any]:
    """Bring a document of an older schema up to date, one version after the other."""
    schema = content.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= to:
        raise BadInput(f"expected a schema version from 1 to {to}", field="schema", value=schema)
    for version in range(schema, to):
        content = {**recipes[version](content), "schema": version + 1}
    return content


def to_json(card: Scorecard) -> str:
    """Write a scorecard as JSON: integer tenths, sorted keys, a table a line; same card, same bytes."""
    head = {
        "schema": SCHEMA,
        "feature_version": features.VERSION,
        "unit": "tenths",
        "name": card.name,
        "version": card.version,
        "kind": card.kind,
        "base": card.base,
        "threshold": card.threshold,
        "tag_limit": card.tag_limit,
        "risk": [list(step) for step in card.risk],
    }
    lines = [f"  {_dump(name)}: {_dump(value)}" for name, value in head.items()]
    tables = ",\n".join("    " + _dump(_table_to_json(table)) for table in card.tables)
    return "{\n" + ",\n".join(lines) + ',\n  "table": [\n' + tables + "\n  ]\n}\n"


def with_digest(card: Scorecard) -> Scorecard:
    """Return the card with the digest of its JSON form."""
    digest = hashlib.sha256(to_json(card).encode("utf-8")).hexdigest()
    return msgspec.structs.replace(card, sha256=digest)


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _table_to_json(table: Table) -> dict[str, Any]:
    out: dict[str, Any] = {
        "key": list(table.key),
        "points": _nest(table.points),
        "default": table.default,
        "unknown": table.unknown,
    }
    if table.evidence:
        out["evidence"] = _nest({values: list(counts) for values, counts in table.evidence.items()})
    return out


def _nest(flat: Mapping[Key, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for values, leaf in flat.items():
        inner = nested
        for value in values[:-1]:
            inner = inner.setdefault(value, {})
        inner[values[-1]] = leaf
    return nested


def _build(content: dict[str, Any]) -> Scorecard:
    try:
        card = msgspec.convert(content, _CardFile)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error) from None
    if card.feature_version != features.VERSION:
        raise BadInput(
            f"expected {features.VERSION}; train again", field="feature_version", value=card.feature_version
        )
    read = to_tenths if card.unit == "points" else _tenths
    tables = tuple(_table(table, f"table[{i}]", read) for i, table in enumerate(card.table))
    seen: dict[Key, int] = {}
    for index, table in enumerate(tables):
        if seen.setdefault(table.key, index) != index:
            raise BadInput(f"the key stands in table[{seen[table.key]}] already", field=f"table[{index}].key")
    tag_limit = read(card.tag_limit, "tag_limit")
    if tag_limit < 0:
        raise BadInput("expected no negative number", field="tag_limit", value=card.tag_limit)
    if [step[0] for step in card.risk] != sorted({step[0] for step in card.risk}) or any(
        not 0 <= step[1] <= 1 for step in card.risk
    ):
        raise BadInput("expected rising scores with probabilities from 0 to 1", field="risk")
    return with_digest(
        Scorecard(
            name=card.name,
            version=card.version,
            kind=card.kind,
            base=read(card.base, "base"),
            threshold=None if card.threshold is None else read(card.threshold, "threshold"),
            tag_limit=tag_limit,
            tables=tables,
            risk=tuple(card.risk),
        )
    )


def _tenths(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LIMIT:
        raise BadInput("expected an integer number of tenths", field=field, value=value)
    return value


def _table(table: _TableFile, field: str, read: Callable[[object, str], int]) -> Table:
    if not 1 <= len(table.key) <= 3 or len(set(table.key)) != len(table.key):
        raise BadInput("expected one to three different features", field=f"{field}.key")
    for name in table.key:
        if features.feature(name) is None:
            raise BadInput(f"unknown feature {name!r}{_nearest(name, features.NAMES)}", field=f"{field}.key")
    points = {
        values: read(leaf, f"{field}.points.{'.'.join(values)}")
        for values, leaf in _flatten(table.points, len(table.key), f"{field}.points")
    }
    for values in points:
        for name, value in zip(table.key, values, strict=True):
            _check_value(name, value, f"{field}.points")
    if table.default is None and not _is_complete(table.key, points):
        raise BadInput("expected a default, since not every value is listed", field=field)
    default = 0 if table.default is None else read(table.default, f"{field}.default")
    worst = max(0, default, *points.values()) if points else max(0, default)
    unknown = worst if table.unknown is None else read(table.unknown, f"{field}.unknown")
    if unknown < worst:
        expected = "expected no less than the largest entry of the table (unknown is never safe)"
        raise BadInput(expected, field=f"{field}.unknown", value=table.unknown)
    evidence = {
        values: _counts(leaf, f"{field}.evidence")
        for values, leaf in _flatten(table.evidence, len(table.key), f"{field}.evidence")
    }
    return Table(key=tuple(table.key), points=points, default=default, unknown=unknown, evidence=evidence)


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


def _check_value(name: str, value: str, field: str) -> None:
    """Refuse a value that can never occur: a misspelt one that silently never scores is worse than an error."""
    known = features.BY_NAME[name].values if name in features.BY_NAME else None
    if value == features.UNKNOWN:
        raise BadInput("expected the points for unknown in the table's own entry", field=f"{field}.{value}")
    if known is not None and value not in known and value not in _COMMON:
        raise BadInput(f"unknown value {value!r} of {name}{_nearest(value, known)}", field=field)
    folded = features.SUGGESTED_VALUES.get(name)
    if folded is not None and (value != value.casefold() or " " in value) and value not in _COMMON:
        raise BadInput(
            f"values of {name} are compared folded; expected lower case, no spaces", field=f"{field}.{value}"
        )


def _is_complete(key: list[str], points: Mapping[Key, int]) -> bool:
    if len(key) > 1:
        return False
    values = features.BY_NAME[key[0]].values if key[0] in features.BY_NAME else None
    return values is not None and all((value,) in points for value in values)


def _counts(leaf: object, field: str) -> tuple[int, int, int]:
    if not isinstance(leaf, list) or len(leaf) != 3 or not all(isinstance(n, int) and n >= 0 for n in leaf):
        raise BadInput("expected three counts: seen, expected, unintended", field=field)
    return leaf[0], leaf[1], leaf[2]


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
