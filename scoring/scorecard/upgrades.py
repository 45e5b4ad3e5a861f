"""Cards of older schemas brought up to date, one version after the other; see `scoring.scorecard.formats`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

GONE: Final = {
    "restriction": "what control policies block is not among a finding's actions, so it takes nothing off",
    "actions": "a wider grant has other actions in no order; access_level says how far they go",
    ("condition", "own organization"): "trust says it",
    ("condition", "principal"): "trust and principal_kind say it",
    ("condition", "foreign organization"): "trust says it",
    (
        "condition",
        "not narrowing",
    ): "it counts as none: whoever deletes a condition that keeps nobody out gains nothing",
    ("principal_kind", "several principals"): "of several principals the one that reaches most hands counts",
}
"""Features and values that cards of schema 2 had, with why they are gone."""

_Key = tuple[str, ...]


def from_schema_1(content: dict[str, Any]) -> dict[str, Any]:
    """Let trained cards say where they know nothing; no card vouches, since that before them is not known."""
    tables = content.get("table")
    if content.get("kind") != "trained" or not isinstance(tables, list):
        return content
    counted = [table.get("key") for table in tables if isinstance(table, dict) and "evidence" in table]
    return {**content, "seen_in": [key for key in (["principal"], ["account"]) if key in counted]}


def from_schema_2(content: dict[str, Any]) -> dict[str, Any]:
    """Bring a card of feature version 1 to version 2.

    What a value has become keeps its points, what is gone is folded into the largest that it may have become.
    Reading then raises what would break the order of risk (`scoring.scorecard.order`).
    """
    written = content.get("table")
    if content.get("feature_version", 1) != 1 or not _is_whole(written):
        return content
    tables: dict[_Key, _Table] = {}
    base = content.get("base", 0)
    for table in written or ():
        upgraded = _upgraded(_Table.read(table))
        if not upgraded.key:
            base += max(0, upgraded.default, *upgraded.points.values())
        else:
            same = tables.get(upgraded.key)
            tables[upgraded.key] = upgraded if same is None else same.plus(upgraded)
    _widths_as_trust(tables)
    return {
        **content,
        "feature_version": 2,
        "base": base,
        "table": [table.written() for table in tables.values()],
    }


UPGRADES: Final[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: from_schema_1, 2: from_schema_2}
"""Schema version to what turns a document of that version into one of the next."""


class _Table:
    """One table as a file holds it, its entries by tuples of values."""

    def __init__(
        self,
        key: _Key,
        points: dict[_Key, float],
        default: float,
        evidence: dict[_Key, list[int]],
        rest: Mapping[str, Any],
    ) -> None:
        self.key, self.points, self.default, self.evidence, self.rest = key, points, default, evidence, rest

    @classmethod
    def read(cls, table: dict[str, Any]) -> "_Table":
        key = tuple(table["key"])
        rest = {name: table[name] for name in table if name not in ("key", "points", "default", "evidence")}
        points: dict[_Key, float] = dict(_flat(table.get("points") or {}, len(key)))
        default = table.get("default")
        if default is None:
            default = max([0, *points.values()])
        return cls(key, points, default, dict(_flat(table.get("evidence") or {}, len(key))), rest)

    def written(self) -> dict[str, Any]:
        out = {**self.rest, "key": list(self.key), "points": _nested(self.points), "default": self.default}
        if "unknown" in out:
            out["unknown"] = max((0, out["unknown"], self.default, *self.points.values()))
        return {**out, "evidence": _nested(self.evidence)} if self.evidence else out

    def plus(self, other: "_Table") -> "_Table":
        """Add what another table of the same key says."""
        points = {
            values: self.points.get(values, self.default) + other.points.get(values, other.default)
            for values in {**self.points, **other.points}
        }
        return _Table(
            self.key, points, self.default + other.default, self.evidence or other.evidence, self.rest
        )

    def without(self, name: str) -> "_Table":
        """Leave a feature out: of its values the one with most points counts."""
        place = self.key.index(name)
        points: dict[_Key, float] = {}
        evidence: dict[_Key, list[int]] = {}
        for values, tenths in self.points.items():
            left = values[:place] + values[place + 1 :]
            points[left] = max(tenths, points.get(left, self.default))
        for values, counts in self.evidence.items():
            left = values[:place] + values[place + 1 :]
            evidence[left] = [a + b for a, b in zip(counts, evidence.get(left, [0, 0, 0]), strict=True)]
        return _Table(self.key[:place] + self.key[place + 1 :], points, self.default, evidence, self.rest)

    def moved(self, name: str, gone: _Key, new: Mapping[str, _Key]) -> "_Table":
        """Let values go, and give others the most points of what they were before."""
        if name not in self.key:
            return self
        place = self.key.index(name)
        rests = dict.fromkeys(values[:place] + values[place + 1 :] for values in self.points)
        points = {values: tenths for values, tenths in self.points.items() if values[place] not in gone}
        for rest in rests:
            for value, before in new.items():
                found = [
                    self.points[was]
                    for old in before
                    if (was := (*rest[:place], old, *rest[place:])) in self.points
                ]
                if found:
                    points[(*rest[:place], value, *rest[place:])] = max(found)
        evidence = {values: counts for values, counts in self.evidence.items() if values[place] not in gone}
        return _Table(self.key, points, self.default, evidence, self.rest)


_HINTS: Final = ("sandbox", "development", "test", "staging", "production")


def _upgraded(table: _Table) -> _Table:
    for name in ("restriction", "actions"):
        if name in table.key:
            table = table.without(name)
    of_principals = ("own organization", "principal", "foreign organization")
    table = table.moved(
        "condition",
        (*of_principals, "not narrowing"),
        {"none": ("none", *of_principals), "listed": ("none",)},
    )
    table = table.moved("principal_kind", ("several principals",), {"organization": ("anyone",)})
    providers = ("identity provider",)
    table = table.moved(
        "trust", (), {"identity provider, listed": providers, "identity provider, wildcard": providers}
    )
    return table.moved("account_environment", (), {f"{hint} by name": (hint,) for hint in _HINTS})


def _widths_as_trust(tables: dict[_Key, _Table]) -> None:
    """Let trust say how widely an identity provider opens, as features do now, and no longer the kind."""
    kinds, trust = tables.get(("principal_kind",)), tables.get(("trust",))
    wide = ("identity provider, wildcard",)
    if kinds is None or trust is None or wide not in trust.points:
        return
    most = kinds.points.get(("anyone",), kinds.default)
    more = 0.0
    for kind in (("OIDC, wildcard",), ("OIDC, any subject",)):
        if kinds.points.get(kind, most) > most:
            more = max(more, kinds.points[kind] - most)
            kinds.points[kind] = most
    trust.points[wide] += more


def _is_whole(tables: Any) -> bool:
    """Say whether all tables have the form that reading expects; if not, reading says what is wrong."""
    return isinstance(tables, list) and all(
        isinstance(table, dict)
        and isinstance(table.get("key"), list)
        and all(isinstance(name, str) for name in table["key"])
        and all(_is_nested(table.get(name) or {}, len(table["key"])) for name in ("points", "evidence"))
        and _is_number(table.get("default", 0), none=True)
        and _is_number(table.get("unknown", 0), none=True)
        for table in tables
    )


def _is_nested(value: object, depth: int) -> bool:
    if depth == 0:
        return _is_number(value) or (isinstance(value, list) and len(value) == 3)
    return isinstance(value, dict) and all(_is_nested(inner, depth - 1) for inner in value.values())


def _is_number(value: object, *, none: bool = False) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or (none and value is None)


def _flat(nested: Mapping[str, Any], depth: int) -> Iterator[tuple[_Key, Any]]:
    for value, inner in nested.items():
        if depth == 1:
            yield (value,), inner
        else:
            for rest, leaf in _flat(inner, depth - 1):
                yield (value, *rest), leaf


def _nested(flat: Mapping[_Key, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for values, leaf in flat.items():
        inner = nested
        for value in values[:-1]:
            inner = inner.setdefault(value, {})
        inner[values[-1]] = leaf
    return nested
