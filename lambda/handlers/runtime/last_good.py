"""What is read again and again: the last good value stands while a new one is invalid."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from scoring.files.errors import BadInput

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with the configuration.

    Attributes
    ----------
    name : str
        Of the value: ``mode``, ``policy``, ``threshold`` or ``model``.
    text : str
        One line.
    version : str
        Of what was read; empty where it could not be read.
    stands : bool
        Whether an older value, which was good, stands in for it.
    """

    name: str
    text: str
    version: str
    stands: bool


class LastKnownGood(Generic[T]):
    """A value and, where what was read last is invalid, the problem with it.

    Parameters
    ----------
    name : str
        What it is called in problems.

    Attributes
    ----------
    value
        The last good one; None as long as there has been none.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: T | None = None
        self.problem: Problem | None = None
        self._version: str | None = None

    def absent(self, by_default: T, text: str) -> None:
        """Let a default hold as long as there is no value; one that is gone stands on, which is a problem."""
        if self.value is None or self._version is None:
            self.value, self.problem = by_default, None
        else:
            self.refuse(text)

    def take(self, version: str, make: Callable[[], T]) -> None:
        """Make the value anew, if another version was read than the last time or something was wrong then."""
        if version == self._version and self.problem is None:
            return
        try:
            self.value = make()
        except BadInput as error:
            self.problem = Problem(self.name, str(error), version, self.value is not None)
        else:
            self._version, self.problem = version, None

    def refuse(self, text: str) -> None:
        """Note that nothing could be read."""
        self.problem = Problem(self.name, text, "", self.value is not None)
