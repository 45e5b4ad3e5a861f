"""Which findings of a file somebody means: by id, its beginning, the resource, or a row of the table."""

from collections.abc import Iterable
from typing import Final

from scoring.cli.output.table import Rows, View
from scoring.decision.settings import Decided
from scoring.files.errors import BadInput, printable
from scoring.findings.resource_types import own_name

_MOST: Final = 500  # candidates of one kind that are kept
_NAMED: Final = 5
_LONGEST_NUMBER: Final = 4  # digits; an id that is a number is longer


def choose(decided: Iterable[Decided], wanted: str, *, where: str = "") -> list[Decided]:
    """Return the decisions that somebody means.

    Parameters
    ----------
    wanted : str
        In this order: an id; the number of a row as `triage score` prints it, whose worst finding is meant; a
        resource's ARN or name; the beginning of one id.

    Raises
    ------
    BadInput
        There is none, or it is the beginning of several ids.
    """
    by_id: list[Decided] = []
    by_name: list[Decided] = []
    by_start: dict[str, list[Decided]] = {}
    is_number = wanted.isascii() and wanted.isdigit() and len(wanted) <= _LONGEST_NUMBER
    rows = Rows(View())
    for one in decided:
        finding = one[0].finding
        if finding.id == wanted:
            by_id.append(one)
        elif wanted and _is_called(one, wanted) and len(by_name) < _MOST:
            by_name.append(one)
        elif wanted and finding.id.startswith(wanted) and len(by_start) < _MOST:
            by_start.setdefault(finding.id, []).append(one)
        if is_number:
            rows.add(one)
    if by_id:
        return by_id
    if is_number and (found := _row(rows, int(wanted))):
        return found
    if by_name:
        return by_name
    if len(by_start) > 1:
        ids = list(by_start)
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        named = ", ".join(printable(one) for one in ids[:_NAMED])
        raise BadInput(f"begins several ids: {named}{more}", field="--id", where=where)
    for found in by_start.values():
        return found
    expected = "expected an id of this file, its beginning, a resource's name, or a row of triage score"
    raise BadInput(expected, field="--id", value=wanted, where=where)


def _is_called(one: Decided, wanted: str) -> bool:
    finding = one[0].finding
    if finding.resource == wanted:
        return True
    return finding.resource.endswith(wanted) and own_name(one[1].resource_type, finding.resource) == wanted


def _row(rows: Rows, number: int) -> list[Decided]:
    found = rows.sorted()
    worst = found[number - 1].worst if 0 < number <= len(found) else None
    return [worst] if worst is not None else []
