"""Which findings the queue shows, in which order, and what there is to choose from: no page, no server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast
from urllib.parse import urlencode

from training.workbench.held import Held, HeldFinding

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
_ALIKE: Final = "alike"  # beside the facets
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


class Index:
    """The findings that are held, by number, so that a view of many thousands is worked out while one clicks.

    Parameters
    ----------
    findings : list of HeldFinding

    Attributes
    ----------
    order : dict
        For each way of sorting the numbers of the findings in that order.
    """

    def __init__(self, findings: Sequence[HeldFinding]) -> None:
        self.findings = findings
        self._known: dict[str, dict[object, int]] = {name: {} for name in (*FACETS, _ALIKE)}
        self._codes = {name: [0] * len(findings) for name in (*FACETS, _ALIKE)}
        self._texts = [one.search for one in findings]
        self.order: dict[Sort, list[int]] = {}
        for number in range(len(findings)):
            self._code(number)
        self._sort()

    def update(self, number: int, before: HeldFinding) -> None:
        """Take up a finding that has changed."""
        self._code(number)
        if self.findings[number].rank != before.rank:
            self._sort()

    def matching(self, query: Query, alike: object, *, but: str = "") -> list[int]:
        """Return the numbers of the findings that a query asks for, in its order.

        Parameters
        ----------
        alike : tuple or None
            What the findings of the query's group have in common.
        but : str
            A facet whose values do not count.
        """
        found = self.order[query.sort]
        if alike is not None:
            wanted = {self._known[_ALIKE].get(alike, -1)}
            found = _those(found, self._codes[_ALIKE], wanted)
        by_facet: dict[str, set[str]] = {}
        for name, value in query.chosen:
            if name != but:
                by_facet.setdefault(name, set()).add(value)
        for name, values in by_facet.items():
            known = cast("dict[tuple[str, ...], int]", self._known[name])
            codes = {code for some, code in known.items() if not values.isdisjoint(some)}
            found = _those(found, self._codes[name], codes)
        for word in query.text.lower().split():
            found = [number for number in found if word in self._texts[number]]
        return found

    def counts(self, facet: str, numbers: Iterable[int]) -> Counter[str]:
        """Count the values of a facet among findings."""
        by_code = Counter(map(self._codes[facet].__getitem__, numbers))
        counts: Counter[str] = Counter()
        for values, code in cast("dict[tuple[str, ...], int]", self._known[facet]).items():
            if code in by_code:
                for value in values:
                    counts[value] += by_code[code]
        return counts

    def grouped(self, numbers: Iterable[int]) -> list[tuple[int, int]]:
        """Return the first of those that are alike, and how many they are."""
        codes = self._codes[_ALIKE]
        first: dict[int, int] = {}
        numbers = list(numbers)
        for number in numbers:
            first.setdefault(codes[number], number)
        counts = Counter(map(codes.__getitem__, numbers))
        return [(number, counts[code]) for code, number in first.items()]

    def _code(self, number: int) -> None:
        finding = self.findings[number]
        self._texts[number] = finding.search
        for name in FACETS:
            known = self._known[name]
            self._codes[name][number] = known.setdefault(finding.facets[name], len(known))
        known = self._known[_ALIKE]
        self._codes[_ALIKE][number] = known.setdefault(finding.alike, len(known))

    def _sort(self) -> None:
        findings, numbers = self.findings, range(len(self.findings))
        by_risk = sorted(numbers, key=lambda number: findings[number].rank)
        self.order = {
            "input": list(numbers),
            "risk": by_risk,
            "score": sorted(by_risk, key=lambda number: -findings[number].decision.score),
            "newest": sorted(by_risk, key=lambda number: _when(findings[number]), reverse=True),
        }


def queue_view(held: Held, index: Index, query: Query) -> QueueView:
    """Work out one page of the queue."""
    group = held.get(query.group) if query.group else None
    alike = group.alike if group else (None,) if query.group else None
    numbers = index.matching(query, alike)
    found = [held.findings[number] for number in numbers]
    is_grouped = query.is_grouped and not query.group
    rows = index.grouped(numbers) if is_grouped else [(number, 1) for number in numbers]
    pages = max(1, -(-len(rows) // PAGE))
    start = (min(query.page, pages) - 1) * PAGE
    shown = [QueueRow(held.findings[number], count) for number, count in rows[start : start + PAGE]]
    facets = {}
    for facet in FACETS:
        wanted = {value for name, value in query.chosen if name == facet}
        # The facet's own choice does not hide what else there is to choose.
        rest = index.matching(query, alike, but=facet) if wanted else numbers
        facets[facet] = _values(index.counts(facet, rest), wanted)
    return QueueView(query, found, shown, len(rows), pages, facets)


def _those(numbers: Sequence[int], codes: Sequence[int], wanted: set[int]) -> list[int]:
    return [number for number in numbers if codes[number] in wanted]


def _when(one: HeldFinding) -> str:
    if one.logged is not None:
        return one.logged.decided_at
    at = getattr(one.case.finding, "updated_at", None)
    return "" if at is None else at.isoformat()


def _values(counts: Counter[str], wanted: set[str]) -> list[FacetValue]:
    shown = [value for value, _ in counts.most_common(SHOWN_VALUES)]
    shown += sorted(wanted - set(shown))
    return [FacetValue(value, counts[value], value in wanted) for value in shown]
