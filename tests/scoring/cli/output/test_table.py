"""The table of decisions fits a terminal, is one line a finding in a pipe, and takes nothing for markup."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from scoring.cli.output.console import make_console
from scoring.cli.output.table import TableRow, print_table, table_row
from tests.scoring.explain_cases import CASES, HOSTILE, POLICY, decided

ROWS = [table_row(case, decided(case), POLICY) for case in CASES.values()]
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def terminal(width: int) -> Console:
    return Console(
        file=io.StringIO(), width=width, force_terminal=True, markup=False, highlight=False, emoji=False
    )


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def in_a_pipe(rows: list[TableRow]) -> str:
    console = make_console(io.StringIO())
    print_table(rows, console)
    return written(console)


def test_one_line_a_finding_in_a_pipe() -> None:
    lines = in_a_pipe(ROWS).splitlines()
    assert len(lines) == len(ROWS) + 3
    assert lines[0].split() == ["Outcome", "Score", "Resource", "To", "whom", "Why"]
    assert lines[-1] == "11 findings: 7 alert, 2 archive, 2 skip"
    assert lines[1].startswith("alert      66.3  S3 bucket marketing-site-assets")


@pytest.mark.parametrize("variable", ["COLUMNS", "NO_COLOR", "TERM"])
def test_a_pipe_gets_the_same_everywhere(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = in_a_pipe(ROWS)
    monkeypatch.setenv(variable, "40")
    assert in_a_pipe(ROWS) == before
    assert "\x1b" not in before


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_fits_the_terminal(width: int) -> None:
    console = terminal(width)
    print_table(ROWS, console)
    lines = ANSI.sub("", written(console)).splitlines()
    assert max(cell_len(line.rstrip()) for line in lines) <= width
    assert sum(line.startswith(("alert ", "archive ", "skip ")) for line in lines) == len(ROWS)


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = terminal(80)
    print_table(ROWS, console)
    assert not re.search(r"\x1b\[(3|4|9)[0-9]", written(console))


@pytest.mark.parametrize("console", [terminal(100), make_console(io.StringIO())])
def test_what_others_wrote_is_no_markup(console: Console) -> None:
    print_table([TableRow("alert", "1.0", "[bold]a[/bold]", ":smile:", "[link=x]b")], console)
    for shown in ("[bold]a[/bold]", ":smile:", "[link=x]b"):
        assert shown in written(console)


def test_hostile_rows_are_printable() -> None:
    hostile = table_row(CASES["hostile"], decided(CASES["hostile"]), POLICY)
    assert all(cell.isprintable() for cell in (hostile.resource, hostile.to_whom, hostile.why))
    assert HOSTILE not in in_a_pipe([hostile])
    console = terminal(80)
    print_table([hostile], console)
    assert "\x1b[2J" not in written(console)


def test_rows_are_taken_one_by_one() -> None:
    console = make_console(io.StringIO())
    print_table((ROWS[index % len(ROWS)] for index in range(1000)), console)
    assert written(console).count("\n") == 1003
    console = terminal(80)
    print_table((ROWS[0] for _ in range(450)), console)
    assert written(console).count("marketing-site-assets") == 450
    assert written(console).count("Outcome") == 1


def test_no_finding_at_all() -> None:
    assert in_a_pipe([]).splitlines()[-1] == "0 findings"
    console = terminal(80)
    print_table([], console)
    assert "0 findings" in written(console)


def test_wide_characters_keep_the_columns() -> None:
    lines = in_a_pipe(
        [TableRow("alert", "1.0", "桶" * 30, "x", "why"), TableRow("alert", "1.0", "a", "x", "why")]
    ).splitlines()
    assert cell_len(lines[1].split(" x ")[0]) == cell_len(lines[2].split(" x ")[0])


def test_why_tells_one_alert_from_the_next() -> None:
    whys = dict(zip(CASES, (row.why for row in ROWS), strict=True))
    assert whys["public-bucket"] == "Needs a person: public"
    assert whys["oidc-role"] == "+15.2 access level Write"
    assert whys["unused-permission"] == "3.5 is 26.5 points below the threshold of 30"
    assert whys["error"] == (
        "Needs a person: Access Analyzer reports an error; tags, aliases or accounts are not known"
    )
