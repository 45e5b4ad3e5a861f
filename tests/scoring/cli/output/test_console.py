"""Rows under headings: whole lines in a pipe, fitted to a wide terminal, ids never broken."""

import io

import pytest
from rich.cells import cell_len

from scoring.cli.output.console import print_columns, print_records

ID = "138c3460-fd93-4adc-99a2-ecb1c202387b"
ROWS = [("2026-11-02 09:30 UTC", ID, "12.5", "[red]a\x1b[2J\nb" + "x" * 300, "because " * 40)]
HEADINGS = ("When", "Finding", "Score", "Resource", "Reason")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> list[str]:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    print_columns(HEADINGS, ROWS, numbers=["Score"], unbroken=["Finding"])
    return terminal.getvalue().splitlines()


def test_a_row_is_one_line_in_a_pipe(capsys):
    print_columns(HEADINGS, ROWS, numbers=["Score"], unbroken=["Finding"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].split()[3] == ID
    assert "[red]a\\x1b[2J\\nb" in lines[1]


@pytest.mark.parametrize("width", [100, 130, 300])
def test_columns_share_a_wide_terminal_and_ids_stay_whole(monkeypatch, width):
    lines = on_a_terminal(monkeypatch, width)
    assert max(map(cell_len, lines)) <= width
    assert any(ID in line for line in lines)


def test_a_narrow_terminal_breaks_lines_by_itself(monkeypatch):
    assert len(on_a_terminal(monkeypatch, 80)) == 2


def test_records_are_lines_or_one_array(capsys):
    print_records([{"a": 1}, {"a": 2}], "jsonl")
    assert capsys.readouterr().out == '{"a":1}\n{"a":2}\n'
    print_records([{"a": 1}, {"a": 2}], "json")
    assert capsys.readouterr().out == '[{"a":1},\n {"a":2}]\n'
    print_records([], "json")
    assert capsys.readouterr().out == "[]\n"
    print_records([], "jsonl")
    assert capsys.readouterr().out == ""
