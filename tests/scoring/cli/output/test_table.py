"""The table of decisions: alike findings on one row, the worst first, no more than a screen, no markup."""

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from scoring.cli.output.console import make_console
from scoring.cli.output.table import Rows, View, collect, reasons_of, write_rows
from scoring.decision.settings import Decided, Settings, load_settings
from scoring.findings.record import read_case
from tests.scoring.decision.test_ranking import bare, forty_bare
from tests.scoring.explain_cases import CASES, HOSTILE, POLICY, decided

ALL: list[Decided] = [(case, decided(case)) for case in CASES.values()]
SETTINGS: Settings = load_settings()
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def terminal(width: int, height: int = 24) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=True,
        markup=False,
        highlight=False,
        emoji=False,
    )


def written(some: list[Decided], console: Console | None = None, **view: Any) -> str:
    console = console or make_console(io.StringIO())
    write_rows(collect(some, View(**view)), POLICY, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def scored(findings: list[dict[str, Any]]) -> list[Decided]:
    cases = [read_case(finding) for finding in findings]
    return [(case, SETTINGS.decide(case)) for case in cases]


def test_forty_bare_findings_fit_on_a_screen_with_the_public_ones_first() -> None:
    text = written(scored(forty_bare()))
    lines = text.splitlines()
    assert len(lines) <= 40
    assert "is open to anyone" in lines[1]
    assert lines[1].split()[:4] == ["1", "high", "76+43", "5"]
    assert "40 findings: 40 alert; alike ones share a row" in text
    assert "       5  Access Analyzer reports an error" in text
    whole = written(scored(forty_bare()), is_grouped=False).split("\n\n")[0].splitlines()
    assert all("not analyzed" in line for line in whole[-5:])
    assert "      40  tags, aliases or accounts are not known" in text


def test_what_differs_in_nothing_that_matters_shares_a_row() -> None:
    alike = [bare(number, principal={"AWS": "444455556666"}) for number in range(1000)]
    other = bare(1001, principal={"AWS": "999988887777"})
    [_, first, second, *_] = written(scored([*alike, other])).splitlines()
    assert "1,000  S3 bucket bucket-0 is shared with account 444455556666" in first
    assert "    1  S3 bucket bucket-1001" in second


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("height", [24, 50])
def test_no_more_than_a_screen(width: int, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", str(height))
    many = scored([bare(number) for number in range(300)])
    text = ANSI.sub("", written(many, terminal(width, height), next_steps=("triage explain F --id 1",)))
    lines = text.splitlines()
    table = [line for line in lines[: lines.index("")] if not line.startswith("and ")]
    assert max(cell_len(line) for line in table) <= width
    assert len(lines) <= height
    assert re.search(r"and \d+ findings more in \d+ rows: --no-group lists all", text)


@pytest.mark.parametrize("variable", ["COLUMNS", "LINES", "NO_COLOR", "TERM"])
def test_a_pipe_gets_the_same_everywhere(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = written(ALL)
    monkeypatch.setenv(variable, "40")
    assert written(ALL) == before
    assert "\x1b" not in before


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(r"\x1b\[[0-9;]*3[0-9]m", written(ALL, terminal(100)))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", written(ALL, terminal(100)))


@pytest.mark.parametrize("console", [terminal(100), make_console(io.StringIO())])
def test_what_others_wrote_is_no_markup(console: Console) -> None:
    resource = "arn:aws:s3:::[bold]a[/bold]:smile:"
    assert "[bold]a[/bold]:smile:" in written(scored([bare(1, resource=resource)]), console)


def test_hostile_rows_are_printable() -> None:
    hostile = (CASES["hostile"], decided(CASES["hostile"]))
    assert HOSTILE not in written([hostile])
    assert all(line.isprintable() for line in written([hostile]).splitlines())
    assert "\x1b[2J" not in written([hostile], terminal(80))


def test_without_groups_there_is_a_row_for_each_finding_in_the_order_asked_for() -> None:
    some = scored([bare(number) for number in range(100)])
    text = written(some, is_grouped=False, sort="input")
    names = re.findall(r"bucket (bucket-\d+) ", text)
    assert names == [f"bucket-{number}" for number in range(100)]
    by_score = written(ALL, is_grouped=False, sort="score").splitlines()
    assert "sealed-archive" in by_score[1]


def test_memory_is_flat_however_many_rows_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.cli.output.table._HELD", 20)
    some = scored([bare(number, principal={"AWS": f"{number:012}"}) for number in range(200)])
    rows = collect(some, View())
    held = [row for row in rows.sorted() if row.worst is not None]
    assert len(held) <= 60
    assert [row.key for row in held[:20]] == [row.key for row in rows.sorted()[:20]]


def test_no_finding_at_all() -> None:
    for console in (make_console(io.StringIO()), terminal(80)):
        assert ANSI.sub("", written([], console)).strip() == "0 findings"


def test_wide_characters_keep_the_columns() -> None:
    some = scored([bare(1, resource=f"arn:aws:s3:::{'桶' * 20}"), bare(2)])
    [_, first, second, *_] = written(some, is_grouped=False, sort="input").splitlines()
    assert cell_len(first.split("111122223333")[0]) == cell_len(second.split("111122223333")[0])


def test_reasons_are_counted() -> None:
    rows = Rows(View())
    for one in ALL:
        rows.add(one)
    assert rows.reasons["public"] == 1
    assert rows.reasons["score at or above the threshold"] >= 1
    assert sum(rows.counts.values()) == len(ALL)
    assert reasons_of(decided(CASES["public-bucket"])) == ("public",)
