"""Cuts lines of text into JSON values, each with its place. After an error it goes on with the next value."""

import re
from collections.abc import Iterator

import msgspec

from scoring.files.errors import BadInput
from scoring.files.strict_json import MAX_DEPTH, Malformed, decode, decode_plain, too_deep

_BLANK = re.compile(r"[ \t\r\n\ufeff]*")
_BLANK_IN_LINE = re.compile(r"[ \t\r\ufeff]*")
_INDENTATION = re.compile(r"[ \t]*")
_LIST = re.compile(r'(?:\{\s*"[Ff]indings"\s*:\s*)?\[')
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"?')
_TOKEN = re.compile(rf"{_STRING.pattern}|[\[\]{{}},\n]")
_BRACKET = re.compile(r"[\[\]{}]")
_LEVEL = {"{": 1, "[": 1, "}": -1, "]": -1}
_BEHIND = {True: ("", ",", "]", "{", "["), False: ("", "{", "[")}
"""What may follow a record on its line: in a list (True) or not. A missing comma is reported by itself."""
_LINES_AT_ONCE = 32
_MUCH_TEXT = 65536
_NO_FINDINGS = '{"findings":[]'
MAX_RECORD = 10_000_000
"""Characters of one record; the largest finding that AWS sends is a thousandth of it."""


class Located(msgspec.Struct, frozen=True):
    """A value and the place it was read from, or what is wrong there.

    Parameters
    ----------
    where : str
        File and record: ``findings.jsonl: line 3``, ``findings.json: record 2``.
    value : object
        Decoded JSON; meaningless beside an error.
    error : BadInput or None
        Why there is no value; its text says where.
    """

    where: str
    value: object = None
    error: BadInput | None = None


def whole_record(line: str) -> object:
    """Return the JSON object that fills a line; None where there is anything else, or anything is wrong."""
    if not line.startswith("{") or len(line) > MAX_RECORD or _LIST.match(line):
        return None
    plain = decode_plain(line)
    if plain is not None:
        return plain
    try:
        value, end = decode(line)
    except Malformed:
        return None
    return None if line[end:].strip(" \t\r\n") else value


class Scanner:
    """Goes through lines of text from one JSON value to the next.

    Parameters
    ----------
    name : str
        What the input is called in locations.
    lines : iterator of str
        Lines with their line ends, long ones in pieces; what was not UTF-8 decoded with ``surrogateescape``.

    Notes
    -----
    `text` is what was read and is not yet done with, `pos` the place reached in it. `begin` is where the
    current record begins, `line` the number of its first line, `column` how many characters stand before it.
    """

    def __init__(self, name: str, lines: Iterator[str]) -> None:
        self.name, self.lines, self.lines_read = name, lines, 0
        self.line_has_ended = True
        self.text, self.pos = "", 0
        self.begin, self.line, self.column = 0, 0, 0
        self.list_column, self.list_is_over = 0, False

    def records(self) -> Iterator[Located]:
        """Yield each value, or the error in its place, in the order of the input."""
        is_empty = True
        while True:
            plain = self._plain_line()
            if plain is not None:
                is_empty = False
                yield plain
                continue
            if not self._skip_blank():
                break
            is_empty = False
            self._note_place()
            if self.text.endswith(("{\n", "{\r\n")) and self.pos >= len(self.text) - 3:
                self._read_on()  # to see whether a list of findings follows
            opening = _LIST.match(self.text, self.pos)
            if opening is None:
                yield self._record(f"{self.name}: line {self.line}", in_list=False)
            else:
                yield from self._list(opening)
        if is_empty:
            yield _fault(self.name, "expected JSON, but there is nothing")

    def _plain_line(self) -> Located | None:
        """Take the next line if it is one record and nothing else; None where it takes a closer look."""
        if self.pos < len(self.text) or not self._next_line():
            return None
        if len(self.text) > MAX_RECORD or not self.line_has_ended or _LIST.match(self.text):
            return None
        value = decode_plain(self.text)
        if value is None:
            return None
        self.pos = len(self.text)
        return Located(f"{self.name}: line {self.line}", value)

    def _list(self, opening: re.Match[str]) -> Iterator[Located]:
        first_line, self.list_column = self.line, self.column
        name = self.name if first_line == 1 else f"{self.name}: list on line {first_line}"
        self.pos, self.list_is_over = opening.end(), False
        index, after_comma, is_faulty, last_error = 0, False, False, None
        while self._skip_blank():
            if self.text[self.pos] == "]":
                self.pos += 1
                if after_comma:
                    yield _fault(name, "not valid JSON: expected a record behind the last comma")
                if opening.group() != "[":
                    yield from self._rest_of_envelope()
                return
            index += 1
            self._note_place()
            record = self._record(f"{name}: record {index}", in_list=True)
            yield record
            last_error = record.error
            if self.list_is_over or not self._skip_blank():
                break
            is_faulty = is_faulty or last_error is not None
            after_comma = self.text[self.pos] == ","
            if after_comma:
                self.pos += 1
            elif self.text[self.pos] != "]" and not is_faulty:
                is_faulty = True
                yield _fault(record.where, "not valid JSON: expected ',' or ']' behind the record")
        if last_error is None:
            yield _fault(name, "cut off: the input ends before the list is closed")

    def _rest_of_envelope(self) -> Iterator[Located]:
        """Check what follows the list of findings: decode the object around it as if the list were empty."""
        self._note_place()
        self.text, self.pos, self.begin = _NO_FINDINGS + self.text[self.pos :], 0, 0
        self.column -= len(_NO_FINDINGS)
        rest = self._record(f"{self.name}: line {self.line}", in_list=False)
        if rest.error is not None:
            yield rest

    def _record(self, where: str, *, in_list: bool) -> Located:
        try:
            value = self._value()
            if self._next_in_line() not in _BEHIND[in_list]:
                raise Malformed("not valid JSON: expected nothing more behind the record", self.pos)
        except Malformed as error:
            return self._leave(error, where, in_list=in_list)
        return Located(where, value)

    def _value(self) -> object:
        while True:
            try:
                value, end = decode(self.text, self.pos)
            except Malformed as error:
                if not error.ends_early and (not error.in_string or self.line_has_ended):
                    raise
                unfinished = error
            else:
                if end - self.pos > MAX_RECORD:
                    raise _too_large()
                self.pos = end
                return value
            if len(self.text) - self.pos > MAX_RECORD:
                raise _too_large()
            if not self._read_on():
                if unfinished.in_string:
                    raise unfinished
                raise Malformed("cut off: the input ends inside the record", ends_early=True)

    def _drop_line(self) -> None:
        """Leave out the rest of the line that was read last, a piece at a time."""
        while not self.text.endswith("\n"):
            piece = self._take()
            if piece is None:
                break
            self.text = piece
        self.text, self.pos, self.begin = "\n", 0, 0

    def _read_on(self) -> bool:
        """Append lines until all brackets are closed or the text has twice as many lines; False at the end.

        Doubling keeps the work linear for a long document. The text is decoded after each doubling, so a line
        that was cut off is noticed before much of what follows it was read.
        """
        rest = self.text[self.pos :]
        depth, parts = _depth(rest), [rest]
        if depth > MAX_DEPTH:
            raise too_deep()
        length = len(rest)
        for _ in range(max(_LINES_AT_ONCE, rest.count("\n"))):
            line = self._take()
            if line is None:
                break
            parts.append(line)
            length += len(line)
            depth += _depth(line)
            if not 0 < depth <= MAX_DEPTH or length > MAX_RECORD:
                break
        self.text, self.pos, self.begin = "".join(parts), 0, 0
        return len(parts) > 1

    def _leave(self, error: Malformed, where: str, *, in_list: bool) -> Located:
        """Skip the bad record at `pos`, and return its error."""
        first_line, line, column = self.line, None, 0
        if error.is_beyond_limits and not self.line_has_ended:
            self._drop_line()
            return _fault(where, error.problem)
        if error.position is not None and not error.ends_early:
            line, column = self._line_at(error.position), self._column_at(error.position) + 1
        begins_another = self._skip_record(self.column, in_list=in_list)
        if begins_another and (error.ends_early or (line and line >= self._line_at(self.pos))):
            return _fault(where, "cut off: another record begins before it ends")
        if line is None:
            return _fault(where, error.problem)
        place = f"column {column}" if line == first_line and not in_list else f"line {line}, column {column}"
        return _fault(where, f"{error.problem} at {place}")

    def _skip_record(self, column: int, *, in_list: bool) -> bool:
        """Move `pos` behind a bad record; True where a line begins another one in the same column."""
        depth = 0
        while True:
            for token in _TOKEN.finditer(self.text, self.pos):
                mark = token.group()
                if mark == "\n":
                    self.pos = token.end()
                    if depth <= 0 and not in_list:
                        return False
                    if self._begins_record(column, in_list=in_list):
                        return True
                elif in_list and depth <= 0 and mark in ",]":
                    self.pos = token.start()
                    return False
                else:
                    depth += _LEVEL.get(mark, 0)
            self.pos = len(self.text)
            if (depth <= 0 and not in_list) or not self._next_line():
                return False
            if self._begins_record(column, in_list=in_list):
                return True

    def _begins_record(self, column: int, *, in_list: bool) -> bool:
        """Whether the line at `pos` begins in the column of the last record, or of the list it is in."""
        indentation = _end_of(_INDENTATION, self.text, self.pos)
        if not self.text.startswith(("{", "["), indentation):
            return False
        if indentation - self.pos == column:
            return True
        if in_list and indentation - self.pos == self.list_column:
            self.list_is_over = True
            return True
        return False

    def _skip_blank(self) -> bool:
        while True:
            self.pos = _end_of(_BLANK, self.text, self.pos)
            if self.pos < len(self.text):
                return True
            if not self._next_line():
                return False

    def _next_line(self) -> bool:
        line = self._take()
        if line is None:
            return False
        self.text, self.pos, self.begin, self.line, self.column = line, 0, 0, self.lines_read, 0
        return True

    def _take(self) -> str | None:
        """Return the next line, or the next piece of a long one; None at the end."""
        piece = next(self.lines, None)
        if piece is not None:
            self.lines_read += self.line_has_ended
            self.line_has_ended = piece.endswith("\n")
        return piece

    def _next_in_line(self) -> str:
        pos = _end_of(_BLANK_IN_LINE, self.text, self.pos)
        return self.text[pos : pos + 1].rstrip("\n")

    def _note_place(self) -> None:
        """Note that a record begins at `pos`; the text before it is no longer needed."""
        if self.pos != self.begin:
            self.line, self.column = self._line_at(self.pos), self._column_at(self.pos)
            if self.pos > _MUCH_TEXT and self.pos > len(self.text) // 8:
                self.text, self.pos = self.text[self.pos :], 0
            self.begin = self.pos

    def _line_at(self, pos: int) -> int:
        return self.line + self.text.count("\n", self.begin, pos)

    def _column_at(self, pos: int) -> int:
        line_end = self.text.rfind("\n", self.begin, pos)
        return pos - line_end - 1 if line_end >= 0 else self.column + pos - self.begin


def _depth(text: str) -> int:
    if not _BRACKET.search(text):
        return 0
    bare = _STRING.sub("", text)
    return bare.count("{") + bare.count("[") - bare.count("}") - bare.count("]")


def _too_large() -> Malformed:
    return Malformed(f"larger than {MAX_RECORD:,} characters, which no finding is", is_beyond_limits=True)


def _end_of(pattern: re.Pattern[str], text: str, pos: int) -> int:
    found = pattern.match(text, pos)
    return found.end() if found else pos


def _fault(where: str, problem: str) -> Located:
    return Located(where, error=BadInput(problem, where=where))
