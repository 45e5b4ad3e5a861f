import gzip
import io
import json
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring.files.json_file import read
from tests.scoring.files.test_strict_json import TEXT, VALUES

OBJECTS = st.dictionaries(TEXT, VALUES, max_size=3)
LAYOUTS: dict[str, Callable[[list[object]], str]] = {
    "lines": lambda values: "".join(json.dumps(value) + "\n" for value in values),
    "lines with CR and blank ones": lambda values: "\r\n\r\n".join(map(json.dumps, values)),
    "one after another": lambda values: "".join(map(json.dumps, values)),
    "pretty, one after another": lambda values: "".join(json.dumps(value, indent=2) for value in values),
    "pretty, with line ends": lambda values: "".join(json.dumps(v, indent="\t") + "\n" for v in values),
    "list": json.dumps,
    "pretty list": lambda values: json.dumps(values, indent=2),
    "list with a line each": lambda values: "[" + ",\n".join(map(json.dumps, values)) + "]\n",
    "AWS CLI": lambda values: json.dumps({"findings": values, "nextToken": "t"}, indent=4) + "\n",
    "AWS CLI, compact": lambda values: json.dumps({"findings": values}),
    "Security Hub": lambda values: json.dumps({"Findings": values}, ensure_ascii=False),
}


def values_of(data: bytes) -> list[object]:
    return [record.value for record in read(io.BytesIO(data)) if record.error is None]


def errors_of(data: bytes) -> list[str]:
    return [str(record.error) for record in read(io.BytesIO(data)) if record.error is not None]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(values=st.lists(OBJECTS, min_size=1, max_size=5), bom=st.booleans(), zipped=st.booleans())
def test_values_come_through_in_order_in_any_layout(
    layout: str, values: list[object], bom: bool, zipped: bool
) -> None:
    data = LAYOUTS[layout](values).encode("utf-8-sig" if bom else "utf-8")

    found = list(read(io.BytesIO(gzip.compress(data, 1) if zipped else data)))

    assert [record.error for record in found] == [None] * len(values)
    assert [record.value for record in found] == values


@given(st.binary() | st.binary().map(lambda data: b"\x1f\x8b\x08" + data))
@example(b"\xff\xfe{\0}\0")
@example(b'{"findings":[')
@example(b'{"findings":[]')
@example(b'[{"a":1}}, {"b":2}]')
@example(b'{\n"a":\n\n[')
def test_no_bytes_raise_and_every_error_is_one_printable_line(data: bytes) -> None:
    for error in errors_of(data):
        assert error.isprintable()
        assert error.startswith("input")
        assert len(error) < 300


JSON_LIKE = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", ",", ":", '"', '"a"', "1", "\n", " ", "\\", "\0", "\ufeff", "\u2028"]
    )
).map("".join)


@given(JSON_LIKE)
def test_no_arrangement_of_brackets_raises_or_is_silently_dropped(text: str) -> None:
    found = list(read(io.BytesIO(text.encode())))

    assert found or not text.strip(" \n\ufeff[]")


def is_bad(line: bytes) -> bool:
    text = line.decode(errors="replace").strip(" \r\t\ufeff")
    is_text = text and text[0] != "[" and not line.startswith((b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b"))
    return bool(is_text and errors_of(line) and not values_of(line))


CUT_OFF = st.tuples(OBJECTS, st.integers(1, 50)).map(lambda cut: json.dumps(cut[0]).encode()[: -cut[1]])
BAD_LINES = (st.binary().map(lambda data: data.replace(b"\n", b"")) | CUT_OFF).filter(is_bad)


@given(st.lists(OBJECTS.filter(bool), max_size=3), BAD_LINES, st.lists(OBJECTS.filter(bool), max_size=3))
@example([], b'{"a":', [{"b": 1}])
@example([], b'{"a":[1,', [{"b": 1}, {"b": 2}])
@example([{"a": 1}], b'{"a": {"b": "c', [{"b": 1}, {"b": 2}])
@example([], b'"', [{"b": "x"}])
def test_a_bad_line_costs_only_itself(before: list[object], bad: bytes, after: list[object]) -> None:
    lines = [json.dumps(value).encode() for value in before]
    lines += [bad, *(json.dumps(value).encode() for value in after)]

    found = list(read(io.BytesIO(b"\n".join(lines))))

    assert [record.value for record in found if record.error is None] == [*before, *after]
    assert len(found) == len(before) + len(after) + 1
    assert found[len(before)].where == f"input: line {len(before) + 1}"


@given(st.lists(OBJECTS.filter(bool), min_size=1, max_size=4), st.data())
def test_a_list_that_is_cut_off_gives_its_whole_elements(values: list[object], data: st.DataObject) -> None:
    indent = data.draw(st.sampled_from([None, 1, 4]))
    text = json.dumps(values, indent=indent)
    ends = [
        len(json.dumps(values[:count], indent=indent)) - (2 if indent else 1)
        for count in range(1, len(values))
    ]
    cut = data.draw(st.integers(1, len(text) - 1))

    found = list(read(io.BytesIO(text[:cut].encode())))

    whole = sum(end <= cut for end in ends)
    assert [record.value for record in found if record.error is None][:whole] == values[:whole]
    assert found[-1].error is not None
    assert sum(record.error is not None for record in found) == 1


@pytest.mark.parametrize(
    ("text", "expected", "errors"),
    [
        ("", [], ["input: expected JSON, but there is nothing"]),
        ("\n \r\n", [], ["input: expected JSON, but there is nothing"]),
        ("[]", [], []),
        ('{"findings": []}', [], []),
        ("null", [None], []),
        (
            '{"a":1}\n{"b":2,"b":3}\n{"c":4}',
            [{"a": 1}, {"c": 4}],
            ["input: line 2: the key 'b' stands twice in one object"],
        ),
        (
            '{\n "a": 1,\n "b" 2\n}\n{\n "c": 3\n}\n',
            [{"c": 3}],
            ["input: line 1: not valid JSON: expected a colon at line 3, column 6"],
        ),
        (
            '[{"a":1}, {"b" 2}, {"c":3}]',
            [{"a": 1}, {"c": 3}],
            ["input: record 2: not valid JSON: expected a colon at line 1, column 16"],
        ),
        (
            '[\n{"a":1},\n{"b":2\n{"c":3}\n]',
            [{"a": 1}, {"c": 3}],
            ["input: record 2: cut off: another record begins before it ends"],
        ),
        (
            '{\n "findings": [\n  {\n   "a": 1\n  },\n  {\n   "b": NaN\n  },\n  {\n   "c": 3\n  }\n ]\n}\n',
            [{"a": 1}, {"c": 3}],
            ["input: record 2: NaN is no JSON"],
        ),
        (
            '{"findings": [{"a": 1}, {"b": ',
            [{"a": 1}],
            ["input: record 2: cut off: the input ends inside the record"],
        ),
        ('[{"a": 1}, ', [{"a": 1}], ["input: cut off: the input ends before the list is closed"]),
        ('[{"a": 1},]', [{"a": 1}], ["input: not valid JSON: expected a record behind the last comma"]),
        (
            '[{"a":1} {"b":2}]',
            [{"a": 1}, {"b": 2}],
            ["input: record 1: not valid JSON: expected ',' or ']' behind the record"],
        ),
        (
            '{"findings":[{"a":1}], "findings":[{"b":2}]}',
            [{"a": 1}],
            ["input: line 1: the key 'findings' stands twice in one object"],
        ),
        (
            '{"a":1}\n{"findings":[{"b":2},{"c"]}\n{"d":3}',
            [{"a": 1}, {"b": 2}, {"d": 3}],
            ["input: list on line 2: record 2: not valid JSON: expected a colon at line 2, column 26"],
        ),
        (
            '[{"a":1},{"b":\n[{"c":3}]\n{"d":4}',
            [{"a": 1}, {"c": 3}, {"d": 4}],
            ["input: record 2: cut off: another record begins before it ends"],
        ),
    ],
)
def test_faults_are_located_and_what_is_whole_comes_through(
    text: str, expected: list[object], errors: list[str]
) -> None:
    assert values_of(text.encode()) == expected
    assert errors_of(text.encode()) == errors


def test_a_record_with_garbage_behind_it_is_not_used() -> None:
    assert values_of(b'{"a":1} xyz\n{"b":2},\n{"c":3}') == [{"c": 3}]
    assert values_of(b'[{"a":1} xyz, {"b":2}]') == [{"b": 2}]


def test_bytes_that_are_not_utf8_cost_one_record() -> None:
    data = b'{"a":"\xff"}\n{"b":"\xc3\xa9"}\n[{"c":"\xed\xa0\x80"},\n{"d":1}]'

    assert values_of(data) == [{"b": "é"}, {"d": 1}]
    assert errors_of(data)[0] == "input: line 1: not UTF-8: byte 0xff at column 7"


@pytest.mark.parametrize("cut", [1, 5, 12, 60])
def test_a_gzip_file_that_is_cut_off_gives_what_it_still_holds_and_an_error(cut: int) -> None:
    whole = gzip.compress(b"".join(b'{"a": %d}\n' % number for number in range(5000)), mtime=0)

    found = list(read(io.BytesIO(whole[: len(whole) // 2]) if cut == 60 else io.BytesIO(whole[:-cut])))

    assert str(found[-1].error) == "input: the gzip data is damaged or cut off"
    assert [record.value for record in found[:-1]] == [{"a": number} for number in range(len(found) - 1)]


def test_gzip_members_one_after_another_and_damage_between_them() -> None:
    data = gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"b":2}\n')

    assert values_of(data) == [{"a": 1}, {"b": 2}]
    assert values_of(data + b"garbage") == [{"a": 1}, {"b": 2}]
    assert errors_of(data + b"garbage") == ["input: the gzip data is damaged or cut off"]


def test_utf16_is_named_and_the_way_out_of_it() -> None:
    for data in ('{"a": 1}'.encode("utf-16"), gzip.compress('{"a": 1}'.encode("utf-16"))):
        assert errors_of(data) == [
            "input: expected UTF-8, got UTF-16: convert it with iconv -f UTF-16 -t UTF-8"
        ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")

    def error(path: Path | str) -> str:
        (record,) = read(path)
        return str(record.error)

    assert error(tmp_path / "nowhere") == f"{tmp_path}/nowhere: cannot be read: No such file or directory"
    assert error(str(tmp_path)) == f"{tmp_path}: expected a file, got a directory"
    assert error(tmp_path / "loop").endswith("cannot be read: Too many levels of symbolic links")
    assert error("a\nb\x1b[2J") == r"a\nb\x1b[2J: cannot be read: No such file or directory"
    assert error("a\0b") == r"a\x00b: expected a path without NUL"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "closed"
    path.touch(mode=0)

    assert [str(record.error) for record in read(path)] == [f"{path}: cannot be read: Permission denied"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b'{"a": 1}'))))
    assert [(record.where, record.value) for record in read("-")] == [("standard input: line 1", {"a": 1})]

    monkeypatch.setattr(sys, "stdin", None)
    (record,) = read("-")
    assert str(record.error) == "standard input: expected input, but standard input is closed"


def test_a_pipe_that_gives_one_byte_at_a_time_is_still_recognised() -> None:
    data = gzip.compress(b'{"a": 1}\n{"b": 2}\n')
    reading, writing = os.pipe()
    os.write(writing, data[:1])
    with os.fdopen(reading, "rb") as stream:
        records = read(stream)
        os.write(writing, data[1:])
        os.close(writing)
        assert [record.value for record in records] == [{"a": 1}, {"b": 2}]


class Endless(io.RawIOBase):
    """Lines without end, a bad one among them now and then; counts what was taken of them."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines, self.taken = lines, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        line = next(self.lines, b"")
        buffer[: len(line)] = line
        self.taken += len(line)
        return len(line)


@pytest.mark.parametrize("bad", [b'{"cut": {"off": \n', b'{"list": [1, \n', b"[\n"])
def test_memory_stays_flat_and_reading_lazy_whatever_a_bad_line_opens(bad: bytes) -> None:
    good = json.dumps({"id": "x" * 500}).encode() + b"\n"
    source = Endless(bad if number % 5000 == 10 else good for number in range(20_000))

    tracemalloc.start()
    count = sum(record.error is None for record in read(io.BufferedReader(source)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count >= 19_990
    assert source.taken > 10_000_000
    assert peak < 1_000_000


RECORD = b'{"id": 1}'


def _read_gzip(*parts: bytes) -> tuple[list[object], list[str], int]:
    """Read a gzip stream; return values, faults, and the most bytes that reading held at a time."""
    packed = io.BytesIO()
    with gzip.open(packed, "wb", compresslevel=1) as stream:
        for part in parts:
            stream.write(part)
    packed.seek(0)
    tracemalloc.start()
    try:
        values: list[object] = []
        faults: list[str] = []
        for located in read(packed):
            if located.error is None:
                values.append(located.value)
            else:
                faults.append(str(located.error))
        return values, faults, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [9_999_990, 10_000_001, 10_999_000])
def test_a_record_above_the_limit_is_a_fault_even_where_it_was_read_at_once(size: int) -> None:
    values, faults, _ = _read_gzip(RECORD, b"\n", b'{"id":"', b"a" * (size - 9), b'"}\n', RECORD)
    is_over = size > 10_000_000
    assert values.count(values[0]) == 2
    assert len(values) == (2 if is_over else 3)
    assert faults == ["input: line 2: larger than 10,000,000 characters, which no finding is"] * is_over


@pytest.mark.parametrize("end", [b'"}\n', b""], ids=["whole", "cut off"])
def test_a_giant_string_is_one_fault_and_takes_bounded_memory(end):
    giant = [b'{"id": "', *[b"a" * 10_000_000] * 12]
    values, faults, most = _read_gzip(RECORD, b"\n", *giant, end, RECORD if end else b"")
    assert values == [{"id": 1}] * (2 if end else 1)
    assert faults == ["input: line 2: larger than 10,000,000 characters, which no finding is"]
    assert most < 100_000_000


def test_giant_nesting_on_one_line_leaves_the_others(tmp_path):
    values, faults, most = _read_gzip(RECORD, b"\n", *[b"[" * 10_000_000] * 4, b"\n", RECORD)
    assert values == [{"id": 1}] * 2
    assert len(faults) == 2
    assert "nested more than 100 levels deep" in faults[0]
    assert most < 150_000_000


def test_a_long_list_on_one_line_is_read_in_pieces():
    """The pieces of a line end anywhere: inside a string, a number, a character of several bytes."""
    filler = "é" * 1000
    record = json.dumps({"id": 12345, "text": filler}, ensure_ascii=False).encode()
    count = 17_000_000 // len(record) + 1
    values, faults, _ = _read_gzip(b"[", b",".join([record] * count), b"]")
    assert (len(values), faults) == (count, [])
    assert all(value == {"id": 12345, "text": filler} for value in values)
