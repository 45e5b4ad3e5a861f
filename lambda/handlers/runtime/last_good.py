"""What is read again and again: the last good value is used while a new one is invalid."""

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
    has_last_good : bool
        Whether an older value, which was good, is used in its place.
    """

    name: str
    text: str
    version: str
    has_last_good: bool


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

    def update(self, version: str, make: Callable[[], T]) -> None:
        """Make the value anew, if another version was read than the last time or something was wrong then.

        Where `make` raises `BadInput`, the last good value is kept, and that is a problem.
        """
        if version == self._version and self.problem is None:
            return
        try:
            self.value = make()
        except BadInput as error:
            self.problem = Problem(self.name, str(error), version, self.value is not None)
        else:
            self._version, self.problem = version, None

    def use_default(self, default: T, text: str) -> None:
        """Use a default where there is nothing to read; a value that is gone since is kept instead.

        Parameters
        ----------
        text : str
            The problem, where a value is gone.
        """
        if self.value is None or self._version is None:
            self.value, self.problem = default, None
        else:
            self.keep(text)

    def take_away(self, text: str) -> None:
        """Use no value any more, since what is gone must not be guessed; `text` is the problem."""
        self.value = self._version = None
        self.problem = Problem(self.name, text, "", has_last_good=False)

    def keep(self, text: str) -> None:
        """Keep the last good value, if there is one, since nothing could be read; `text` is the problem."""
        self.problem = Problem(self.name, text, "", self.value is not None)
