"""Records that cannot be read: each is named on standard error, the others go on, and the exit code is 2."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from scoring.files.errors import BadInput

BAD_INPUT = 2


class Faults:
    """Takes each fault of a command's input and names it on standard error.

    Attributes
    ----------
    count : int
        How many there were so far.
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, fault: "BadInput | str") -> None:
        """Name a fault, in one line."""
        self.count += 1
        typer.echo(str(fault), err=True)

    def exit(self) -> typer.Exit:
        """Return the exit of a command that has done the rest of its work."""
        return typer.Exit(BAD_INPUT if self.count else 0)
