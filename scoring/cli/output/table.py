"""Decisions as a table: findings of one kind on one row, the worst first, in no more than a screen.

Cells are plain text, never markup. In a pipe there are no colours, and nothing depends on where it runs. Rich
is imported when a table is printed.
"""

import heapq
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from scoring.decision import guardrails
from scoring.decision.decide import Decision
from scoring.decision.ranking import rank
from scoring.decision.settings import Decided
from scoring.explanation import words
from scoring.explanation.safe_text import cut, visible
from scoring.explanation.severity import NOT_ANALYZED, known_and_not, severity_of
from scoring.features.exposure import Exposure
from scoring.findings.finding import Notice
from scoring.policy.policy import Policy

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

Sort = Literal["risk", "score", "input"]

_SCREEN: Final = (120, 40)
"""Columns and lines where the output is no terminal."""
_NARROWEST: Final = 60
_WIDE: Final = 80  # columns of a terminal on which there is room for the account
_ALL: Final = 1_000_000_000
_HELD: Final = 2_000  # rows whose findings are kept while others are read: memory stays flat
_LINES: Final = 2  # of one row, at most
_REASONS: Final = 4
_HEADINGS: Final = ("#", "Severity", "Points", "Count", "Finding", "Account", "Id")
_ON_THE_RIGHT: Final = ("#", "Points", "Count")
_STYLES: Final = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    NOT_ANALYZED: "magenta",
    "archive": "green",
    "skip": "dim",
}
_OUTCOMES: Final = ("alert", "archive", "skip")
_LENGTHS: Final = (8, 13, 18, 23, 36)  # of the parts of a UUID


class View(msgspec.Struct, frozen=True, kw_only=True):
    """How decisions are shown.

    Attributes
    ----------
    is_grouped : bool
        Whether findings of the same type, account, principals, actions and guardrails share a row, and what
        does not fit on a screen is left out.
    sort : str
        ``risk`` (see `scoring.decision.ranking`), ``score`` (the worst case first), or ``input``.
    next_steps : tuple of str
        What to type next, printed behind the table.
    """

    is_grouped: bool = True
    sort: Sort = "risk"
    next_steps: tuple[str, ...] = ()


class TableRow:
    """Findings that are alike, and the worst of them."""

    __slots__ = ("count", "key", "worst")

    def __init__(self, key: tuple[object, ...], worst: Decided | None) -> None:
        self.key, self.worst, self.count = key, worst, 0


class Rows:
    """Takes decisions one by one and keeps what a table of them shows.

    Attributes
    ----------
    counts : Counter
        Findings by outcome.
    reasons : Counter
        Alerts by why they need a person; an alert may have several reasons.
    lacking : set of str
        Facts that are not known of some finding.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.lacking: set[str] = set()
        self._rows: dict[object, TableRow] = {}
        self._held = 0

    def add(self, decided: Decided) -> None:
        """Take one decision."""
        decision = decided[1]
        number = self.counts.total()
        self.counts[decision.outcome] += 1
        if decision.outcome == "alert":
            self.reasons.update(reasons_of(decision))
        self.lacking.update(decision.unknown)
        key = (*self._key(decision), number)
        alike = _alike(decision) if self.view.is_grouped else number
        row = self._rows.get(alike)
        if row is None:
            row = self._rows[alike] = TableRow(key, None)
        if row.count == 0 or key < row.key:
            self._held += row.worst is None
            row.key, row.worst = key, decided
        row.count += 1
        if self.view.is_grouped and self._held > 2 * _HELD:
            self._let_go()

    def sorted(self) -> list[TableRow]:
        """Return the rows in the order in which they are shown."""
        return sorted(self._rows.values(), key=lambda row: row.key)

    def _key(self, decision: Decision) -> tuple[object, ...]:
        if self.view.sort == "risk":
            return rank(decision)
        return (-decision.score,) if self.view.sort == "score" else ()

    def _let_go(self) -> None:
        """Forget the findings of rows that no screen will show; only a worse finding brings one back."""
        kept = heapq.nsmallest(_HELD, self._rows.values(), key=lambda row: row.key)
        worst = [row.worst for row in kept]
        for row in self._rows.values():
            row.worst = None
        for row, one in zip(kept, worst, strict=True):
            row.worst = one
        self._held = sum(one is not None for one in worst)


def reasons_of(decision: Decision) -> tuple[str, ...]:
    """Say why an alert needs a person, in a few words each."""
    names = dict.fromkeys(rail.name for rail in decision.guardrails)
    if names:
        return tuple(guardrails.in_short(name) for name in names)
    return ("score at or above the threshold" if decision.threshold is not None else "no threshold",)


def write_rows(rows: Rows, policy: Policy, console: "Console") -> None:
    """Print rows, how many findings they stand for, why they need a person, and what to type next.

    Parameters
    ----------
    policy : Policy
        The one that the decisions were made with.
    """
    from rich.text import Text

    width, height = _size(console)
    found = rows.sorted()
    below = _below(rows, len(found))
    room = height - len(below) - 3 if rows.view.is_grouped else _ALL
    shown = _lay_out(
        found, policy, width, room, is_numbered=rows.view.is_grouped and rows.view.sort == "risk"
    )
    for line in shown.lines:
        console.print(line, soft_wrap=True)
    if shown.count < len(found):
        left = sum(row.count for row in found[shown.count :])
        rest = _count(len(found) - shown.count, "row")
        more = f"and {_count(left, 'finding')} more in {rest}: --no-group lists all"
        console.print(Text(more, style="dim"), soft_wrap=True)
    for text in below:
        console.print(Text(text), soft_wrap=True)


class _Shown(msgspec.Struct):
    lines: "list[Text]"
    count: int = 0


def _lay_out(
    found: Sequence[TableRow], policy: Policy, width: int, room: int, *, is_numbered: bool
) -> _Shown:
    """Write as many rows as there is room for, under headings."""
    from rich.text import Text

    worst = [(row, row.worst) for row in found[:room] if row.worst is not None]
    ids = _short_ids([decision.finding_id for _, (_, decision) in worst])
    cells = [
        _cells(number, row.count, one, policy, short)
        for number, ((row, one), short) in enumerate(zip(worst, ids, strict=True), 1)
    ]
    headings = list(_HEADINGS)
    hidden = {"#"} if not is_numbered else set()
    if width < _WIDE:
        hidden.add("Account")
    if all(row.count == 1 for row, _ in worst):
        hidden.add("Count")
    columns = [index for index, name in enumerate(headings) if name not in hidden]
    widths = {
        index: max([len(headings[index]), *(len(row[index]) for row, _ in cells)])
        for index in columns
        if headings[index] != "Finding"
    }
    finding = headings.index("Finding")
    longest = max([len("Finding"), *(len(row[finding]) for row, _ in cells)])
    widths[finding] = min(longest, max(width - sum(widths.values()) - 2 * len(widths), 24))
    shown = _Shown([Text(_line(headings, columns, widths), style="bold")] if cells else [])
    left = room
    for row, style in cells:
        folded = _folded(row[finding], widths[finding])
        left -= len(folded)
        if left < 0:
            break
        for index, part in enumerate(folded):
            texts = [part if at == finding else row[at] if index == 0 else "" for at in range(len(headings))]
            shown.lines.append(_styled(texts, columns, widths, style))
        shown.count += 1
    return shown


def _cells(number: int, count: int, worst: Decided, policy: Policy, short: str) -> tuple[list[str], str]:
    case, decision = worst
    finding = case.finding
    severity = severity_of(decision)
    if isinstance(finding, Notice):
        headline = f"{visible(finding.kind)} of {visible(finding.resource)}"
    else:
        headline = str(words.headline(Exposure(finding, case.context, policy)))
    said = {"archive": "archived", "skip": "skipped"}.get(decision.outcome, severity)
    points = "" if isinstance(finding, Notice) else known_and_not(decision).replace(" ", "")
    account = visible(decision.account or "not known", 20)
    texts = [str(number), said, points, f"{count:,}", headline, account, short]
    return texts, _STYLES.get(severity or decision.outcome, "")


def _styled(texts: Sequence[str], columns: Sequence[int], widths: dict[int, int], style: str) -> "Text":
    from rich.text import Text

    line = Text(_line(texts, columns, widths))
    start = 0
    for index in columns:
        if _HEADINGS[index] in ("Severity", "Points"):
            line.stylize(style, start, start + widths[index])
        start += widths[index] + 2
    return line


def _line(texts: Sequence[str], columns: Sequence[int], widths: dict[int, int]) -> str:
    return "  ".join(_sized(texts[index], widths[index], _HEADINGS[index]) for index in columns).rstrip()


def _sized(text: str, width: int, heading: str) -> str:
    """Make a cell as wide as its column, whatever the width of its characters."""
    if text.isascii():
        return f"{text:>{width}}" if heading in _ON_THE_RIGHT else f"{text:<{width}}"
    from rich.cells import set_cell_size

    return set_cell_size(text, width)


def _folded(text: str, width: int) -> list[str]:
    """Break a text into lines of a width at its spaces; what is too long is cut in its middle."""
    import textwrap

    from rich.cells import cell_len

    if cell_len(text) <= width:
        return [text]
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    if len(lines) <= _LINES and all(cell_len(line) <= width for line in lines):
        return lines
    return textwrap.wrap(cut(text, _LINES * width - width // 3), width)[:_LINES]


def _short_ids(ids: Sequence[str]) -> list[str]:
    """Cut ids to a length at which those that differ still do."""
    for length in _LENGTHS:
        if len({one[:length] for one in ids}) == len(set(ids)):
            return [visible(one[:length]) for one in ids]
    return [visible(one, _LENGTHS[-1]) for one in ids]


def _below(rows: Rows, row_count: int) -> list[str]:
    lines = ["", summary(rows.counts)]
    if rows.view.is_grouped and row_count != rows.counts.total():
        lines[-1] += f"; alike ones share a row ({_count(row_count, 'row')})"
    if rows.reasons:
        lines.append("Why alerts need a person (one may have several reasons):")
        lines += [f"  {count:>6,}  {visible(why)}" for why, count in rows.reasons.most_common(_REASONS)]
        if len(rows.reasons) > _REASONS:
            lines.append(f"          and {len(rows.reasons) - _REASONS} other reasons")
    if rows.view.next_steps and rows.counts:
        lines += ["Next:", *(f"  {step}" for step in rows.view.next_steps)]
    return lines


def summary(counts: Counter[str]) -> str:
    """Count findings by outcome.

    Examples
    --------
    >>> summary(Counter(alert=2, skip=1))
    '3 findings: 2 alert, 1 skip'
    """
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts[outcome]]
    return _count(counts.total(), "finding") + (f": {', '.join(parts)}" if parts else "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _size(console: "Console") -> tuple[int, int]:
    if not console.is_terminal:
        return _SCREEN
    return max(console.width, _NARROWEST), max(console.height, shutil.get_terminal_size().lines, 16)


def _alike(decision: Decision) -> tuple[object, ...]:
    """Return what findings of one row have in common."""
    return (
        decision.outcome,
        decision.finding_type,
        decision.resource_type,
        decision.account,
        decision.principals,
        frozenset(decision.actions),
        decision.is_public,
        decision.analysis_error,
        decision.severity,
        frozenset(rail.name for rail in decision.guardrails),
    )


def collect(decided: Iterable[Decided], view: View) -> Rows:
    """Take all decisions."""
    rows = Rows(view)
    for one in decided:
        rows.add(one)
    return rows
