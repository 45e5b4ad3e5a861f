"""Many findings from a file: order, faults, and memory that does not grow."""

import io
import json
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from scoring.decision.settings import decide_all, load_settings, read_threshold
from scoring.files.errors import BadInput
from scoring.findings.cases import Cases

EVENTS = Path(__file__).parents[2] / "events"
LINE = json.dumps(json.loads((EVENTS / "internal.json").read_text())).encode() + b"\n"


class Endless(io.RawIOBase):
    """A stream of findings without an end."""

    def __init__(self) -> None:
        self.lines = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.lines += 1
        chunk = LINE[: len(buffer)]
        buffer[: len(chunk)] = chunk
        return len(chunk)


def test_an_endless_stream_is_decided_on_as_it_comes():
    stream = Endless()
    faults: list[BadInput] = []
    decisions = decide_all(
        Cases(cast(BinaryIO, io.BufferedReader(stream, 4096)), faults.append), load_settings()
    )
    for _ in range(500):
        assert next(decisions)[1].finding_id == "0b5a5c1e-2222-4c4c-9a9a-000000000001"
    assert stream.lines < 520


def test_faults_are_reported_and_counted(tmp_path):
    path = tmp_path / "findings.jsonl"
    path.write_bytes(LINE + b"{}\n" + LINE + b"null\n[[]]\n" + LINE)
    faults: list[str] = []
    cases = Cases(path, lambda error: faults.append(str(error)))
    assert len(list(cases)) == 3
    assert cases.faults == len(faults) == 3
    assert [fault.removeprefix(f"{path}: ") for fault in faults] == [
        "line 2: id: expected a string that is not empty, got nothing",
        "line 4: expected a finding, an event or a record, got nothing",
        "list on line 5: record 1: expected a finding, an event or a record, got a list",
    ]


def test_strict_ends_with_the_first_fault(tmp_path):
    path = tmp_path / "findings.jsonl"
    path.write_bytes(LINE + b"{}\n" + LINE + b"{}\n")
    faults: list[BadInput] = []
    cases = Cases(path, faults.append, is_strict=True)
    assert len(list(cases)) == 1
    assert len(faults) == 1


def test_an_entry_is_named_within_its_record(tmp_path):
    path = tmp_path / "findings.json"
    path.write_text(json.dumps({"nextToken": "x", "findings": [{"id": "a"}]}))
    faults: list[BadInput] = []
    assert list(Cases(path, faults.append)) == []
    assert str(faults[0]).startswith(f"{path}: line 1: findings[0]: resource: expected")


@pytest.mark.parametrize(
    ("text", "tenths"), [("25", 250), ("25.5", 255), ("-0.5", -5), ("+3.0", 30), ("25.50", 255)]
)
def test_thresholds(text, tenths):
    assert read_threshold(text) == tenths


@pytest.mark.parametrize(
    "text",
    ["", "nan", "NaN", "inf", "-inf", "1e3", "25.55", "1_0", "٣", " 3", "0x1", "100000.1", "9" * 5000, "3,5"],
)
def test_what_is_no_threshold(text):
    with pytest.raises(
        BadInput, match=r"^--threshold: expected a number (with at most one decimal|from -100000 to 100000)"
    ) as caught:
        read_threshold(text)
    assert len(str(caught.value)) < 200
