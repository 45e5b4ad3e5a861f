"""Verdicts in a spreadsheet: open alerts written out as CSV, and the filled-in rows read back.

A file says nothing about who filled it in that could be relied on: its ``by`` is kept as what it is, a
report. Who imports it is known, and answers for it.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Final, Literal, cast

import msgspec

from scoring.decision.audit_sample import record_as_reviewed
from scoring.decision_log.decisions import LoggedDecision
from scoring.explanation.safe_text import harmless
from scoring.files.errors import BadInput, did_you_mean
from scoring.files.json_file import open_lines

LONGEST_NOTE: Final = 2000
VERDICTS: Final = ("expected", "unintended")
FILLED_IN: Final = ("finding_id", "verdict", "note", "by")
"""Columns that an import reads; the first two have to be there."""
COLUMNS: Final = (
    *FILLED_IN,
    *("decided_at", "severity", "known", "score", "resource", "resource_type", "account"),
    *("principals", "actions", "is_public", "guardrails", "reason"),
)
"""Columns that an export writes."""

_DELIMITERS: Final = ",;\t"
_LONGEST_ID: Final = 512


class SheetVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A row with a verdict.

    Attributes
    ----------
    where : str
        File and line.
    by : str
        Whose verdict it is, as the file says; nothing confirms it.
    """

    where: str
    finding_id: str
    verdict: Literal["expected", "unintended"]
    note: str = ""
    by: str = ""


class Sheet(msgspec.Struct, frozen=True):
    """What a file says.

    Attributes
    ----------
    empty : int
        Rows whose verdict was left empty.
    """

    verdicts: tuple[SheetVerdict, ...]
    empty: int


def read_sheet(path: str, report: Callable[[BadInput], None]) -> Sheet:
    """Read verdicts; upper and lower case are the same, and columns of other names are passed over.

    Parameters
    ----------
    path : str
        Comma, semicolon or tab between the cells; ``-`` is standard input.
    report : callable
        Takes each row that cannot be used; the others are still read.

    Raises
    ------
    BadInput
        The file cannot be read, or has no such columns.
    """
    name = "standard input" if path == "-" else path
    with open_lines(path) as lines:
        first = next(lines, "").removeprefix("\ufeff")
        delimiter = max(_DELIMITERS, key=first.count)
        places = _places(next(csv.reader([first], delimiter=delimiter), []), name)
        found: dict[str, SheetVerdict] = {}
        empty = 0
        for number, cells in _rows(lines, delimiter, name, report):
            where = f"{name}: line {number}"
            try:
                row = _row(cells, places, where)
                if row is None:
                    empty += 1
                elif found.setdefault(row.finding_id, row).verdict != row.verdict:
                    said = f"another verdict on the same finding stands in {found[row.finding_id].where}"
                    raise BadInput(said, field="verdict", where=where)
            except BadInput as error:
                report(error)
    return Sheet(tuple(found.values()), empty)


def write_sheet(decisions: Iterable[LoggedDecision], out: IO[str]) -> int:
    """Write decisions as rows to fill in; no text in it is a formula to a spreadsheet.

    Returns
    -------
    int
        How many.
    """
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    count = 0
    for logged in decisions:
        count += 1
        decision = record_as_reviewed(logged.record)["decision"]
        known = {"finding_id": logged.finding_id, "decided_at": logged.decided_at}
        cells = [known.get(name, decision.get(name)) for name in COLUMNS]
        rows.writerow([harmless(_text(cell)) if isinstance(cell, (str, list)) else cell for cell in cells])
    return count


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    return "; ".join(one["name"] if isinstance(one, dict) else str(one) for one in cell)


def _places(header: list[str], name: str) -> dict[str, int]:
    """Return where each column stands."""
    names = [cell.strip().lower().replace(" ", "_") for cell in header]
    places: dict[str, int] = {column: names.index(column) for column in FILLED_IN if column in names}
    for column in FILLED_IN[:2]:
        if column not in places:
            near = next((did_you_mean(cell, [column]) for cell in names if did_you_mean(cell, [column])), "")
            expected = f"expected a first line with the columns finding_id and verdict{near}"
            raise BadInput(expected, field=column, where=f"{name}: line 1")
    return places


def _rows(
    lines: Iterator[str], delimiter: str, name: str, report: Callable[[BadInput], None]
) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number = rows.line_num + 2
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            report(BadInput(f"is no row of CSV: {error}", where=f"{name}: line {number}"))
            continue
        if any(cell.strip() for cell in cells):
            yield number, cells


def _row(cells: list[str], places: dict[str, int], where: str) -> SheetVerdict | None:
    def cell(column: str) -> str:
        place = places.get(column, len(cells))
        return cells[place].strip() if place < len(cells) else ""

    finding_id, said = cell("finding_id"), cell("verdict").lower()
    if not said:
        return None
    if said not in VERDICTS:
        raise BadInput("expected expected or unintended", field="verdict", value=cell("verdict"), where=where)
    if not finding_id or len(finding_id) > _LONGEST_ID:
        raise BadInput("expected a finding's id", field="finding_id", value=finding_id, where=where)
    for column in ("note", "by"):
        if len(cell(column)) > LONGEST_NOTE:
            raise BadInput(f"expected at most {LONGEST_NOTE} characters", field=column, where=where)
    return SheetVerdict(
        where=where,
        finding_id=finding_id,
        verdict=cast(Literal["expected", "unintended"], said),
        note=cell("note"),
        by=cell("by"),
    )
