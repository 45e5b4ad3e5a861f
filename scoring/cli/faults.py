"""Records that cannot be read: each is named on standard error, the others go on, and the exit code is 2."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from scoring.files.errors import BadInput

BAD_INPUT = 2
MOST_FAULTS = 10
"""Records of one input that are named on standard error; the others are counted."""


class Faults:
    """Takes each fault of a command's input and names it on standard error.

    Parameters
    ----------
    most : int, optional
        How many are named; `exit` says how many there were beyond these. By default all of them.

    Attributes
    ----------
    count : int
        How many there were so far.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most, self.count = most, 0

    def __call__(self, fault: "BadInput | str") -> None:
        """Name a fault, in one line."""
        self.count += 1
        if self.most is None or self.count <= self.most:
            typer.echo(str(fault), err=True)

    def exit(self) -> typer.Exit:
        """Return the exit of a command that has done the rest of its work."""
        if self.most is not None and self.count > self.most:
            typer.echo(f"and {self.count - self.most:,} more records that cannot be read", err=True)
        return typer.Exit(BAD_INPUT if self.count else 0)
