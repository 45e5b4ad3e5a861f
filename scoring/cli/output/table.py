"""Decisions as a table: laid out to fit on a terminal, one line a finding in a pipe.

Cells are plain text, never markup. In a pipe there are no colours, and widths do not depend on where it runs.
Rich is imported when a table is printed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from scoring.decision import guardrails
from scoring.decision.decide import Decision
from scoring.explanation import words
from scoring.explanation.principal_words import to_whom_in_short
from scoring.explanation.safe_text import cut, visible
from scoring.features.exposure import Exposure
from scoring.findings.finding import Notice
from scoring.findings.record import Case
from scoring.policy.policy import Policy

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_NARROWEST: Final = 60
_BETWEEN: Final = 2
_PIPE_WIDTHS: Final = (7, 6, 42, 42)
_AT_ONCE: Final = 100  # rows that are laid out together; memory stays flat however many there are
_HEADINGS: Final = ("Outcome", "Score", "Resource", "To whom", "Why")
_STYLES: Final = {"alert": "bold red", "archive": "green", "skip": "dim"}
_OUTCOMES: Final = ("alert", "archive", "skip")


class TableRow(msgspec.Struct, frozen=True):
    """One line of the table, ready to show."""

    outcome: str
    score: str
    resource: str
    to_whom: str
    why: str


def table_row(case: Case, decision: Decision, policy: Policy) -> TableRow:
    """Say a decision on one line.

    Parameters
    ----------
    policy : Policy
        The one that the decision was made with.
    """
    finding = case.finding
    if isinstance(finding, Notice):
        return TableRow(decision.outcome, "", visible(finding.resource), "", visible(decision.reason))
    exposure = Exposure(finding, case.context, policy)
    whom = to_whom_in_short(exposure) if exposure.is_granting and not finding.error else ""
    return TableRow(decision.outcome, f"{decision.score:.1f}", words.thing(exposure), whom, _why(decision))


def print_table(rows: Iterable[TableRow], console: "Console") -> None:
    """Print decisions in their order, and a line that counts them.

    Rows are taken one by one, so that there may be any number of them.
    """
    counts: Counter[str] = Counter()
    counted = _counted(rows, counts)
    if console.is_terminal:
        _print_fitting(counted, console)
    else:
        write = console.file.write
        write(_line(_HEADINGS))
        for row in counted:
            write(_line(_cells(row)))
    console.print(f"\n{_summary(counts)}", soft_wrap=True)


def _counted(rows: Iterable[TableRow], counts: Counter[str]) -> Iterator[TableRow]:
    for row in rows:
        counts[row.outcome] += 1
        yield row


def _cells(row: TableRow) -> tuple[str, ...]:
    return row.outcome, row.score, row.resource, row.to_whom, row.why


def _line(cells: tuple[str, ...]) -> str:
    outcome, score, resource, whom, why = cells
    left = f"{outcome:<{_PIPE_WIDTHS[0]}}  {score:>{_PIPE_WIDTHS[1]}}"
    return (
        f"{left}  {_sized(resource, _PIPE_WIDTHS[2])}  {_sized(whom, _PIPE_WIDTHS[3])}  {why}".rstrip() + "\n"
    )


def _sized(text: str, width: int) -> str:
    """Make a cell as wide as its column, whatever the width of its characters."""
    if len(text) > width:
        text = cut(text, width)
    if text.isascii():
        return f"{text:<{width}}"
    from rich.cells import set_cell_size

    return set_cell_size(text, width)


def _print_fitting(rows: Iterator[TableRow], console: "Console") -> None:
    from rich.text import Text

    widths = _widths(console.width)
    batch = list(islice(rows, _AT_ONCE))
    is_first = True
    while batch or is_first:
        table = _table(widths, is_first)
        for row in batch:
            style = _STYLES.get(row.outcome, "")
            # Three lines of a cell are enough for everything but what somebody has made long on purpose.
            rest = [Text(cut(c, 3 * w)) for c, w in zip(_cells(row)[1:], widths[1:], strict=True)]
            table.add_row(Text(row.outcome, style=style), *rest)
        console.print(table)
        batch, is_first = list(islice(rows, _AT_ONCE)), False


def _why(decision: Decision) -> str:
    """Give the shortest reason that tells one alert from the next."""
    if decision.guardrails and decision.outcome == "alert":
        names = list(dict.fromkeys(rail.name for rail in decision.guardrails))
        more = f"; and {len(names) - 2} more" if len(names) > 2 else ""
        return visible(guardrails.reason(names[:2])) + more
    if decision.outcome == "alert" and decision.threshold is not None and decision.contributions:
        largest = max(decision.contributions, key=lambda contribution: contribution.points)
        return f"{largest.points:+.1f} {visible(largest.text)}"
    return visible(decision.reason)


def _widths(total: int) -> tuple[int, ...]:
    """Share the columns of a terminal out: outcome and score in full, the rest by what tells most."""
    outcome, score = _PIPE_WIDTHS[:2]
    left = max(total, _NARROWEST) - outcome - score - 4 * _BETWEEN
    resource, whom = left * 36 // 100, left * 30 // 100
    return outcome, score, resource, whom, left - resource - whom


def _table(widths: tuple[int, ...], is_first: bool) -> "Table":
    from rich.table import Table

    table = Table(
        box=None, show_header=is_first, pad_edge=False, padding=(0, _BETWEEN, 0, 0), header_style="bold"
    )
    for heading, width in zip(_HEADINGS, widths, strict=True):
        justify: Literal["left", "right"] = "right" if heading == "Score" else "left"
        table.add_column(heading, width=width, justify=justify, overflow="fold")
    return table


def _summary(counts: Counter[str]) -> str:
    total = counts.total()
    parts = [f"{counts[outcome]} {outcome}" for outcome in _OUTCOMES if counts[outcome]]
    return f"{total} finding{'' if total == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")
