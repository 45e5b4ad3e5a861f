"""Text from others made harmless to read: resource names, tags, aliases, principals, conditions, error codes.

All of these can be chosen by whoever shares a resource. What comes out of here is one line of printable
characters, none of them invisible, reversed or stacked; HTML escaping comes on top, in the templates.
"""

import json
import re
import unicodedata

from scoring.files.errors import printable

VALUE = 160
"""Characters of a value that are shown; the record holds all of it."""

# A spreadsheet takes a cell that begins like this for a formula; the wide forms are the same to some of them.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NOT_PLAIN = re.compile("[^\x00-\x7e]")
_PLAIN = bytes(range(0x20, 0x7F))
_MOST_MARKS = 2
_MARKER = len("[...+9999999...]")
# Printable by name, blank or without width on the screen: fillers, variation selectors, blank Braille.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: str, limit: int = VALUE) -> str:
    r"""Put text on one line, with everything escaped that does not show, and shortened in the middle.

    Escaped are control and format characters (line breaks, terminal escapes, marks that turn the direction of
    writing, characters without width), lone surrogates, blanks other than the space, and accents piled up.

    Parameters
    ----------
    limit : int
        Most characters to take; where they need escaping, the result has at most twice as many.

    Examples
    --------
    >>> print(visible("pay\u202eroll\x1b[2J\nalert: none"))
    pay\u202eroll\x1b[2J\nalert: none
    >>> visible("a" * 500, limit=40)
    'aaaaaaaaaaaaaaa[...+476...]aaaaaaaaa'
    """
    if len(text) > limit:
        text = shorten(text, limit)
    if text.isascii() and text.isprintable():
        return text
    return shorten(_escape(text), 2 * limit)


def shorten(text: str, limit: int) -> str:
    """Leave out the middle of a text that is too long, and say how much.

    The beginning and the end stay: the end of an ARN tells more than its middle.
    """
    if len(text) <= limit:
        return text
    kept = max(limit - _MARKER, 2)
    head = -(-kept * 3 // 5)
    return f"{text[:head]}[...+{len(text) - kept}...]{text[len(text) - kept + head :]}"


def cut(text: str, limit: int) -> str:
    """Leave out the middle of a text where there is no room to say how much.

    Examples
    --------
    >>> cut("abcdefghijklmnop", 10)
    'abcd...nop'
    """
    if len(text) <= limit or limit < 5:
        return text[: max(limit, 0)]
    head = (limit - 2) // 2
    return f"{text[:head]}...{text[len(text) - (limit - 3 - head) :]}"


def to_ascii(text: str, limit: int) -> str:
    r"""Put text on one line of printable ASCII of at most `limit` characters, for the subject of a mail.

    Examples
    --------
    >>> print(to_ascii("caf\u00e9", 20))
    caf\xe9
    """
    return cut(visible(text).encode("ascii", "backslashreplace").decode("ascii"), limit)


def shown_json(encoded: bytes) -> bytes:
    r"""Escape in JSON what does not show on a terminal, or turns the line round; it says the same.

    Examples
    --------
    >>> print(shown_json('["pay\u202eroll \u00e9\x7f"]'.encode()).decode())
    ["pay\u202eroll é\u007f"]
    """
    if encoded.translate(None, _PLAIN).decode().isprintable():
        return encoded
    return _NOT_PLAIN.sub(_escaped, encoded.decode()).encode()


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    return char if char.isprintable() else json.dumps(char)[1:-1].replace("\x7f", "\\u007f")


def _escape(text: str) -> str:
    out: list[str] = []
    marks = _MOST_MARKS  # a mark at the very beginning would sit on our own text
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks > _MOST_MARKS or _HIDDEN.match(char):
            out.append(char.encode("unicode_escape").decode("ascii"))
        else:
            out.append(printable(char))
    return "".join(out)


def harmless(text: str) -> str:
    r"""Escape what does not print, and put an apostrophe before what a spreadsheet would run.

    Examples
    --------
    >>> print(harmless("=HYPERLINK(1)"), harmless("a\tb"))
    '=HYPERLINK(1) a\tb
    """
    text = printable(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
