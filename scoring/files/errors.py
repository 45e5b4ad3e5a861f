"""Bad input, said in one line: where, which field, what was expected, what was there."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

_SHOWN = 60


class BadInput(ValueError):
    """Input that cannot be used; its text is one printable line.

    Parameters
    ----------
    expected : str
        What was expected, in words of ours.
    field : str, optional
        Dotted path of the field.
    value : object, optional
        What was there; shown escaped and shortened.
    where : str, optional
        File and record, put before the rest.

    Examples
    --------
    >>> print(BadInput("expected a string", field="detail.id", value=5, where="a.json: line 3"))
    a.json: line 3: detail.id: expected a string, got 5
    """

    def __init__(
        self, expected: str, *, field: str = "", value: object = msgspec.UNSET, where: str = ""
    ) -> None:
        self.expected, self.field, self.where = expected, field, where
        self.shown = "" if value is msgspec.UNSET else f", got {show(value)}"
        super().__init__(expected)

    def __str__(self) -> str:
        return ": ".join(
            part for part in (self.where, printable(self.field), self.expected + self.shown) if part
        )

    def at(self, where: str) -> "BadInput":
        """Return the same error, named with the file or record it was found in."""
        self.where = f"{where}: {self.where}" if self.where else where
        return self

    @classmethod
    def from_validation(
        cls,
        error: msgspec.ValidationError,
        path: str = "",
        *,
        keys: Iterable[str] = (),
        choices: Mapping[str, str] = MappingProxyType({}),
    ) -> "BadInput":
        """Put a message of msgspec (``Expected `str`, got `int` - at `$.id```) into our words.

        Parameters
        ----------
        path : str
            Where the value lies in the input.
        keys : iterable of str
            The keys that exist, to name the one that was probably meant by another.
        choices : mapping
            Field to the values that it may have, in words.
        """
        text, _, location = str(error).partition(" - at `$")
        field = (path + location.rstrip("`").lstrip(".")).rstrip(".")
        unknown = re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL)
        if unknown is not None:
            return cls(f"unknown key {unknown[1]!r}{did_you_mean(unknown[1], keys)}", field=field)
        if field in choices and text.startswith("Invalid enum value "):
            text = f"Expected {choices[field]}, got {text.removeprefix('Invalid enum value ')}"
        return cls(printable(text[:1].lower() + text[1:].replace("`", "")), field=field)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which of the known names was probably meant; an empty text where none comes near.

    Examples
    --------
    >>> did_you_mean("vendor", ["accounts", "vendors"])
    "; did you mean 'vendors'?"
    """
    import difflib

    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def show(value: object) -> str:
    """Write a value for a message: as JSON would, escaped, at most 60 characters."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return "'" + printable(value if len(value) <= _SHOWN else value[:_SHOWN] + "...") + "'"
    return printable(str(value)[:_SHOWN])


def printable(text: str) -> str:
    r"""Escape everything that is not printable, so that no input can move a terminal's cursor.

    Examples
    --------
    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
