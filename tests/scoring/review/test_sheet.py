"""Verdicts in a spreadsheet: what is read, what is refused with its line, and that nothing is a formula."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.decision_log.decisions import LoggedDecision
from scoring.files.errors import BadInput
from scoring.review.sheet import COLUMNS, LONGEST_NOTE, Sheet, read_sheet, write_sheet


def read(path: Path, text: str | bytes) -> tuple[Sheet, list[str]]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    faults: list[BadInput] = []
    return read_sheet(str(path), faults.append), [str(fault) for fault in faults]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "v.csv"


@pytest.mark.parametrize(
    "text",
    [
        "finding_id,verdict,note,by\nf-1,expected,fine,ada\n",
        "\ufeffFinding_ID;VERDICT;Note;By\r\nf-1; Expected ;fine;ada\r\n",
        "by\tnote\tverdict\tmore\tfinding id\nada\tfine\tEXPECTED\t\tf-1\n\n",
    ],
)
def test_case_delimiter_and_order_do_not_matter(path: Path, text: str) -> None:
    sheet, faults = read(path, text)
    (one,) = sheet.verdicts
    assert (one.finding_id, one.verdict, one.note, one.by) == ("f-1", "expected", "fine", "ada")
    assert faults == []


def test_a_bad_row_is_named_and_the_others_are_read(path: Path) -> None:
    rows = [
        "finding_id,verdict,note",
        "a,expected,",
        "b,maybe,",
        ",unintended,",
        "c,,not filled in",
        f"d,expected,{'n' * (LONGEST_NOTE + 1)}",
        "e,unintended,ok",
        "a,unintended,",
        "e,unintended,again",
    ]
    sheet, faults = read(path, "\n".join(rows))
    assert [(one.finding_id, one.verdict) for one in sheet.verdicts] == [
        ("a", "expected"),
        ("e", "unintended"),
    ]
    assert sheet.empty == 1
    assert faults == [
        f"{path}: line 3: verdict: expected expected or unintended, got 'maybe'",
        f"{path}: line 4: finding_id: expected a finding's id, got ''",
        f"{path}: line 6: note: expected at most {LONGEST_NOTE} characters",
        f"{path}: line 8: verdict: another verdict on the same finding stands in {path}: line 2",
    ]


@pytest.mark.parametrize("text", ["", "id,said\nf,expected\n", "finding_id\nf\n", "\x00"])
def test_a_file_without_the_columns(path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="expected a first line with the columns finding_id and verdict"):
        read(path, text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, more: bytes) -> None:
    path = tmp_path_factory.mktemp("sheet") / "v.csv"
    sheet, _ = read(path, b"finding_id,verdict\nf-1,expected\n" + more)
    assert sheet.verdicts[0].finding_id == "f-1"


def decision(**more: object) -> LoggedDecision:
    said = {"score": 70.0, "known": 60.0, "resource": "=cmd()", "principals": ["@x"], "guardrails": []}
    text = __import__("json").dumps({"decision": said | more})
    return LoggedDecision(finding_id="f-1", item="decision#1", text=text, decided_at="2026-11-01T10:00:00Z")


def test_what_is_exported_can_be_imported(path: Path) -> None:
    out = io.StringIO()
    assert write_sheet([decision()], out) == 1
    header, row = out.getvalue().splitlines()
    assert header == ",".join(COLUMNS)
    assert "'=cmd()" in row
    assert "'@x" in row
    assert row.startswith("f-1,,,,2026-11-01T10:00:00Z,")
    sheet, faults = read(path, out.getvalue().replace("f-1,,", "f-1,Unintended,"))
    assert [one.verdict for one in sheet.verdicts] == ["unintended"]
    assert faults == []
