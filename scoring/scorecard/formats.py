"""Scorecards in files: commented TOML for the hand-weighted card, JSON for every card."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from scoring.features import features
from scoring.files import toml_file
from scoring.files.errors import BadInput
from scoring.files.strict_json import Malformed, decode
from scoring.files.toml_file import read_text
from scoring.points import LIMIT, to_tenths
from scoring.scorecard.order import first_fall, in_order
from scoring.scorecard.scorecard import Scorecard, Table
from scoring.scorecard.tables import TableFile, nest, read_table
from scoring.scorecard.upgrades import UPGRADES
from scoring.scorecard.version_folder import SCORECARD, VersionFolder, find_version

DEFAULT = Path(__file__).with_name("scorecard.toml")
SCHEMA = 3

_CHOICES = {"kind": "weighted or trained", "unit": "points or tenths"}


class _CardFile(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    version: str
    base: Any
    threshold: Any
    tag_limit: Any
    table: list[TableFile]
    kind: Literal["weighted", "trained"] = "weighted"
    risk: list[tuple[int, float]] = []
    seen_in: list[list[str]] = []
    prior: dict[str, Any] | None = None
    schema: int = SCHEMA
    feature_version: int = features.VERSION
    unit: Literal["points", "tenths"] = "points"


_KEYS = (*_CardFile.__struct_fields__, *TableFile.__struct_fields__)


def load(path: str | Path = DEFAULT) -> Scorecard:
    """Read a scorecard from a file, a version's folder or a registry's folder (its current version).

    A folder needs its manifest, and the scorecard has to match it. A file is read by itself; where a manifest
    lies beside it, it has to match that.

    Raises
    ------
    BadInput
        Naming file, field and expectation.
    """
    path = Path(path)
    version = find_version(path)
    if version is not None:
        return load_version(version)
    text = read_text(path)
    try:
        return from_toml(text) if path.suffix == ".toml" else from_json(text)
    except BadInput as error:
        raise error.at(str(path)) from None


def load_version(version: VersionFolder) -> Scorecard:
    """Read the scorecard of a version.

    Raises
    ------
    BadInput
        The version is not whole, or its scorecard is not what its manifest says.
    """
    content = version.read(SCORECARD)
    try:
        return from_json(content)
    except BadInput as error:
        raise error.at(f"{version.where}/{SCORECARD}") from None


def from_toml(text: str) -> Scorecard:
    """Read a hand-weighted scorecard; points have at most one decimal."""
    content = toml_file.parse(text)
    # TOML has no null; a card that archives nothing says so in words.
    if content.get("threshold") == "none":
        content["threshold"] = None
    return _build(upgrade({"schema": SCHEMA, **content}), by_hand=True)


def from_json(text: str | bytes) -> Scorecard:
    """Read a scorecard from its JSON form, upgrading an older schema.

    An older card keeps the digest of its text: thresholds and decisions name it so.
    """
    try:
        text = (text.decode("utf-8-sig") if isinstance(text, bytes) else text).strip()
        content, end = decode(text)
    except UnicodeDecodeError:
        raise BadInput("is no valid JSON: not UTF-8") from None
    except Malformed as error:
        raise BadInput(f"is no valid JSON: {error.problem.removeprefix('not valid JSON: ')}") from None
    if not isinstance(content, dict) or text[end:]:
        raise BadInput("expected one object and nothing else")
    card = _build(upgrade(content))
    if content.get("schema") == SCHEMA:
        return card
    return msgspec.structs.replace(card, sha256=hashlib.sha256(f"{text}\n".encode()).hexdigest())


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
    if card.seen_in:
        head["seen_in"] = [list(key) for key in card.seen_in]
    if card.prior is not None:
        head["prior"] = json.loads(to_json(card.prior))
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
        "points": nest(table.points),
        "default": table.default,
        "unknown": table.unknown,
    }
    if table.evidence:
        out["evidence"] = nest({values: list(counts) for values, counts in table.evidence.items()})
    if table.unlisted:
        out["unlisted"] = table.unlisted
    return out


def _build(content: dict[str, Any], *, by_hand: bool = False) -> Scorecard:
    try:
        card = msgspec.convert(content, _CardFile)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, keys=_KEYS, choices=_CHOICES) from None
    for name in ("name", "version"):
        if not getattr(card, name).strip() or not getattr(card, name).isprintable():
            raise BadInput("expected a text that can be read", field=name, value=getattr(card, name))
    if card.feature_version != features.VERSION:
        raise BadInput(
            f"expected {features.VERSION}; train again", field="feature_version", value=card.feature_version
        )
    read = to_tenths if card.unit == "points" else _tenths
    tables = _tables(card.table, read, by_hand=by_hand)
    seen_in = tuple(tuple(key) for key in card.seen_in)
    for position, key in enumerate(seen_in):
        if not any(table.key == key for table in tables):
            raise BadInput(
                "expected the key of a table of this card", field=f"seen_in[{position}]", value=key
            )
    tag_limit = read(card.tag_limit, "tag_limit")
    if tag_limit < 0:
        raise BadInput("expected no negative number", field="tag_limit", value=card.tag_limit)
    scores, probabilities = [step[0] for step in card.risk], [step[1] for step in card.risk]
    is_rising = scores == sorted(set(scores)) and probabilities == sorted(probabilities)
    if not is_rising or not all(0 <= probability <= 1 for probability in probabilities):
        raise BadInput("expected rising scores with rising probabilities from 0 to 1", field="risk")
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
            seen_in=seen_in,
            prior=None if card.prior is None else _prior(card.prior),
        )
    )


def _tables(
    written: list[TableFile], read: Callable[[object, str], int], *, by_hand: bool
) -> tuple[Table, ...]:
    tables = [read_table(table, f"table[{i}]", read) for i, table in enumerate(written)]
    seen: dict[frozenset[str], int] = {}
    for index, table in enumerate(tables):
        first = seen.setdefault(frozenset(table.key), index)
        if first != index:
            raise BadInput(f"the key stands in table[{first}] already", field=f"table[{index}].key")
        if by_hand and (fall := first_fall(table)) is not None:
            raise BadInput(fall, field=f"table[{index}].points")
    return tuple(in_order(table) for table in tables)


def _prior(content: dict[str, Any]) -> Scorecard:
    try:
        if content.get("prior") is not None:
            raise BadInput("expected no further card", field="prior")
        return _build(upgrade(content))
    except BadInput as error:
        error.field = f"prior.{error.field}"
        raise


def _tenths(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LIMIT:
        raise BadInput("expected an integer number of tenths", field=field, value=value)
    return value
