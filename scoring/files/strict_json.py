"""JSON read strictly: what a lenient parser lets through (a key twice, NaN, half a character) is refused."""

import json
import math
import re
from typing import Final

import msgspec

MAX_DEPTH = 100
"""Levels of nesting; a finding has about eight. What is deeper would break whoever writes it out again."""

_INTEGER_DIGITS = 20
_UNDECODED = re.compile("[\ud800-\udfff]")
_EXPECTED = {
    "Expecting value": "expected a value",
    "Expecting ',' delimiter": "expected a comma or a closing bracket",
    "Expecting ':' delimiter": "expected a colon",
    "Expecting property name enclosed in double quotes": "expected a key in double quotes",
    "Unterminated string starting at": "cut off inside a string",
}
_SUSPECT_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


class Malformed(ValueError):
    """Text that is not JSON, or JSON that nobody can mean, such as an object with the same key twice.

    Parameters
    ----------
    problem : str
        What is wrong, in one line.
    position : int, optional
        Index into the text where it is wrong.
    ends_early : bool
        Whether the text is right as far as it goes, and more of it could make it whole.
    in_string : bool
        Whether the text ends inside a string: more of the same line could make it whole.
    is_beyond_limits : bool
        Whether the value is larger or deeper than any that we read.
    """

    def __init__(
        self,
        problem: str,
        position: int | None = None,
        *,
        ends_early: bool = False,
        in_string: bool = False,
        is_beyond_limits: bool = False,
    ) -> None:
        self.problem, self.position = problem, position
        self.ends_early, self.in_string, self.is_beyond_limits = ends_early, in_string, is_beyond_limits
        super().__init__(problem)


def decode(text: str, start: int = 0) -> tuple[object, int]:
    r"""Decode the one JSON value that begins at `start`.

    Parameters
    ----------
    text : str
        Decoded with ``surrogateescape``: a byte that is not UTF-8 is seen here, in its value.
    start : int
        Index of the value's first character; white space is not skipped.

    Returns
    -------
    value : object
        Built of dict, list, str, int (at most 64 bits), float (finite), bool and None.
    end : int
        Index after the value's last character.

    Raises
    ------
    Malformed
        The text is no JSON, or has a key twice in one object, a number that is not finite or does not fit,
        NUL, half a surrogate pair, bytes that are not UTF-8, or more than 100 levels of nesting.

    Examples
    --------
    >>> decode('{"a": [1, 2.5]} and more')
    ({'a': [1, 2.5]}, 15)
    >>> decode('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    scoring.files.strict_json.Malformed: the key 'a' stands twice in one object
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _malformed(text, start, error) from None
    except RecursionError:
        raise too_deep() from None
    if not text.isascii() and (undecoded := _UNDECODED.search(text, start, end)):
        raise _not_utf8(undecoded)
    suspect = text.find("\\", start, end) >= 0 and _SUSPECT_ESCAPE.search(text, start, end)
    if suspect or text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH:
        _check(value)
    return value, end


def decode_plain(line: str) -> dict[str, object] | None:
    """Decode a line that holds one JSON object and nothing unusual, several times as fast as `decode`.

    Parameters
    ----------
    line : str
        Whole, with or without its line end.

    Returns
    -------
    dict or None
        What `decode` gives. None where the line is anything else, has a fault, or only might have one: then
        `decode` has to look at it.

    Notes
    -----
    The parser is strict but for a key that stands twice and for numbers of more than 64 bits. Of a key that
    stands twice it keeps one: without backslashes each quotation mark begins or ends a string, and the value
    written again has fewer of them.

    Examples
    --------
    >>> decode_plain('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    >>> decode_plain('{"a": 1, "a": 2}') is None
    True
    """
    try:
        plain = line.rstrip("\r\n").encode()
        shape = plain.translate(_SHAPE)
        is_unusual = b"\\" in shape or _LONG_NUMBER in shape or shape.count(b"{") > MAX_DEPTH
        if is_unusual or not plain.startswith(b"{"):
            return None
        value: dict[str, object] = _decode_lenient(plain)
        return value if _encode(value).count(b'"') == plain.count(b'"') else None
    except (UnicodeEncodeError, msgspec.MsgspecError, RecursionError):
        return None


_decode_lenient: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
# A digit and a bracket that opens each as one of their kind; what no text holds as it is, as a backslash.
_SHAPE: Final = bytes.maketrans(
    b"123456789[" + bytes(range(32)),
    b"000000000{" + b"\\" * 32,
)
_LONG_NUMBER: Final = b"0" * 19


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Malformed(f"the key {key[:60]!r} stands twice in one object")
            seen.add(key)
    return found


def _integer(text: str) -> int:
    value = int(text) if len(text) <= _INTEGER_DIGITS else None
    if value is None or not -(2**63) <= value < 2**63:
        raise Malformed(f"the number {text[:24]}... is larger than 64 bits hold")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(f"the number {text[:24]} is not finite")
    return value


def _constant(name: str) -> float:
    raise Malformed(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _malformed(text: str, start: int, error: json.JSONDecodeError) -> Malformed:
    if not text.isascii() and (undecoded := _UNDECODED.search(text, start, error.pos + 1)):
        return _not_utf8(undecoded)
    problem = _EXPECTED.get(error.msg, error.msg.removesuffix(" at").lower())
    if text[error.pos : error.pos + 1] in ("\r", "\n") and error.msg.startswith("Invalid control"):
        problem = "cut off inside a string"
    return Malformed(
        f"not valid JSON: {problem}",
        error.pos,
        ends_early=error.pos >= len(text.rstrip()),
        in_string=error.msg.startswith("Unterminated string"),
    )


def too_deep() -> Malformed:
    """Return the error of a value that is nested too deep."""
    return Malformed(f"nested more than {MAX_DEPTH} levels deep", is_beyond_limits=True)


def _not_utf8(undecoded: re.Match[str]) -> Malformed:
    return Malformed(f"not UTF-8: byte 0x{ord(undecoded.group()) - 0xDC00:02x}", undecoded.start())


def _check(value: object) -> None:
    """Check each string and the depth. This is slow, so it runs only where something suspicious was seen."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _check_text(item)
        if not below:
            return
        level = below
    raise too_deep()


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Malformed("a string holds the NUL character")
    if _UNDECODED.search(text):
        raise Malformed("a string holds half a surrogate pair")
