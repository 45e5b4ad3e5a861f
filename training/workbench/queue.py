"""Which findings the queue shows, in which order, and what there is to choose from: no page, no server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

from training.workbench.held import OPEN, Held, HeldFinding

FACETS: Final = (
    "verdict",
    "severity",
    "type",
    "account",
    "team",
    "principal",
    "guardrail",
    "unknown",
    "age",
)
SORTS: Final = ("risk", "score", "newest", "input")
PAGE: Final = 50
SHOWN_VALUES: Final = 8
Sort = Literal["risk", "score", "newest", "input"]


@dataclass(frozen=True)
class Query:
    """What was asked for; its text form is the page's address, so that a view can be sent to somebody.

    Attributes
    ----------
    chosen : tuple of (facet, value)
        Values of one facet are alternatives; different facets all have to match.
    text : str
        Words that all have to be there.
    group : str
        The address of a finding; only what is alike is shown.
    """

    chosen: tuple[tuple[str, str], ...] = ()
    text: str = ""
    sort: Sort = "risk"
    is_grouped: bool = True
    group: str = ""
    page: int = 1

    def address(self, **changes: object) -> str:
        """Return the query as it stands behind a ``?``, with some of it changed."""
        values = {**self.__dict__, **changes}
        pairs = list(values["chosen"])
        pairs += [("q", values["text"])] if values["text"] else []
        pairs += [("sort", values["sort"])] if values["sort"] != "risk" else []
        pairs += [("flat", "1")] if not values["is_grouped"] else []
        pairs += [("group", values["group"])] if values["group"] else []
        pairs += [("page", str(values["page"]))] if values["page"] != 1 else []
        return urlencode(pairs, errors="backslashreplace")

    def toggled(self, facet: str, value: str) -> str:
        """Return the address with a value chosen, or chosen no more."""
        pair = (facet, value)
        chosen = tuple(one for one in self.chosen if one != pair)
        return self.address(chosen=chosen if pair in self.chosen else (*chosen, pair), page=1)


def read_query(pairs: Iterable[tuple[str, str]]) -> Query:
    """Read an address; what it does not know it passes over, as a page does with an old bookmark."""
    listed = list(pairs)
    named = dict(listed)
    sort = named.get("sort", "risk")
    page = named.get("page", "1")
    return Query(
        chosen=tuple(dict.fromkeys((name, value) for name, value in listed if name in FACETS)),
        text=named.get("q", "").strip()[:200],
        sort=next((one for one in SORTS if one == sort), "risk"),
        is_grouped="flat" not in named,
        group=named.get("group", ""),
        page=int(page) if page.isascii() and page.isdecimal() and int(page[:9]) > 0 else 1,
    )


@dataclass(frozen=True)
class QueueRow:
    """One row: findings that are alike, the worst of them first."""

    worst: HeldFinding
    count: int


@dataclass(frozen=True)
class FacetValue:
    """A value to choose, and how many findings it would leave."""

    value: str
    count: int
    is_chosen: bool


@dataclass(frozen=True)
class QueueView:
    """What the queue shows.

    Attributes
    ----------
    found : list of HeldFinding
        All that match, in order; what is exported.
    rows : list of QueueRow
        Those of this page.
    row_count, pages : int
        Rows and pages in all.
    facets : dict
        The commonest values of each facet, of what the other facets leave.
    """

    query: Query
    found: list[HeldFinding]
    rows: list[QueueRow]
    row_count: int
    pages: int
    facets: dict[str, list[FacetValue]]


def select(
    findings: Sequence[HeldFinding], query: Query, alike: tuple[object, ...] | None
) -> list[HeldFinding]:
    """Return the findings that a query asks for, in its order.

    Parameters
    ----------
    alike : tuple or None
        What the findings of the query's group have in common.
    """
    found = _matching(findings, query, _by_facet(query), alike)
    return _ordered(found, query.sort)


def queue_view(held: Held, query: Query) -> QueueView:
    """Work out one page of the queue."""
    group = held.get(query.group) if query.group else None
    alike = group.alike if group else (None,) if query.group else None
    by_facet = _by_facet(query)
    found = select(held.findings, query, alike)
    rows = _grouped(found) if query.is_grouped and not query.group else [QueueRow(one, 1) for one in found]
    pages = max(1, -(-len(rows) // PAGE))
    start = (min(query.page, pages) - 1) * PAGE
    facets = {}
    for facet in FACETS:
        wanted = by_facet.get(facet, set())
        rest = found
        if wanted:  # the facet's own choice does not hide what else there is to choose
            others = {name: values for name, values in by_facet.items() if name != facet}
            rest = _matching(held.findings, query, others, alike)
        facets[facet] = _values(facet, rest, wanted)
    return QueueView(query, found, rows[start : start + PAGE], len(rows), pages, facets)


def _by_facet(query: Query) -> dict[str, set[str]]:
    by_facet: dict[str, set[str]] = {}
    for name, value in query.chosen:
        by_facet.setdefault(name, set()).add(value)
    return by_facet


def _matching(
    findings: Iterable[HeldFinding],
    query: Query,
    by_facet: Mapping[str, set[str]],
    alike: tuple[object, ...] | None,
) -> list[HeldFinding]:
    found = list(findings)
    if alike is not None:
        found = [one for one in found if one.alike == alike]
    for name, wanted in by_facet.items():
        found = [one for one in found if not wanted.isdisjoint(one.facets[name])]
    for word in query.text.lower().split():
        found = [one for one in found if word in one.search]
    return found


def _ordered(found: list[HeldFinding], sort: Sort) -> list[HeldFinding]:
    if sort == "risk":
        return sorted(found, key=lambda one: one.rank)
    if sort == "score":
        return sorted(found, key=lambda one: (-one.decision.score, one.rank))
    if sort == "newest":
        return sorted(found, key=_when, reverse=True)
    return found


def _when(one: HeldFinding) -> str:
    if one.logged is not None:
        return one.logged.decided_at
    at = getattr(one.case.finding, "updated_at", None)
    return "" if at is None else at.isoformat()


def _grouped(found: Iterable[HeldFinding]) -> list[QueueRow]:
    worst: dict[tuple[object, ...], HeldFinding] = {}
    counts: Counter[tuple[object, ...]] = Counter()
    for one in found:
        worst.setdefault(one.alike, one)
        counts[one.alike] += 1
    return [QueueRow(one, counts[alike]) for alike, one in worst.items()]


def _values(facet: str, found: Iterable[HeldFinding], wanted: set[str]) -> list[FacetValue]:
    counts = Counter(value for one in found for value in one.facets[facet])
    shown = [value for value, _ in counts.most_common(SHOWN_VALUES)]
    shown += sorted(wanted - set(shown))
    return [FacetValue(value, counts[value], value in wanted) for value in shown]


def open_count(held: Held) -> int:
    """Return how many findings wait for a verdict: alerts nobody has answered."""
    return sum(one.decision.outcome == "alert" and one.facets["verdict"] == (OPEN,) for one in held.findings)
