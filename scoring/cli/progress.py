"""How far long work is: shown on a terminal, nothing in a pipe, and said where it is interrupted."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import typer

T = TypeVar("T")


class ProgressBar:
    """So many done of what a command works through, and the stage that it is in.

    Attributes
    ----------
    left_behind : str
        What an interruption leaves behind, for its message.

    Examples
    --------
    >>> done = ProgressBar("findings", total=3_000)
    >>> done.begin("scoring")
    >>> done.add(1_200)
    >>> print(done)
    1,200 of 3,000 findings, scoring
    """

    def __init__(self, unit: str, *, total: int | None = None) -> None:
        self.unit, self.total = unit, total
        self.count, self.stage, self.left_behind = 0, "", ""

    def __str__(self) -> str:
        of = "" if self.total is None else f" of {self.total:,}"
        unit = self.unit if (self.total or self.count) != 1 else self.unit.removesuffix("s")
        return f"{self.count:,}{of} {unit}" + (f", {self.stage}" if self.stage else "")

    def add(self, count: int) -> None:
        """So many more are done."""
        self.count += count

    def begin(self, stage: str) -> None:
        """Something else begins."""
        self.stage = stage

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """Give items on, and count those that are done with."""
        for item in items:
            yield item
            self.count += 1


@contextmanager
def progress(unit: str, *, total: int | None = None, is_printing: bool = False) -> Iterator[ProgressBar]:
    """Show how far the work inside the block is; where Ctrl-C ends it, say how far it came.

    Parameters
    ----------
    unit : str
        What is counted, in the plural.
    is_printing : bool
        Whether results go to standard output meanwhile: where that is a terminal, they show how far it is.
    """
    done = ProgressBar(unit, total=total)
    is_shown = sys.stderr.isatty() and not (is_printing and sys.stdout.isatty())
    try:
        with _bar(done) if is_shown else nullcontext():
            yield done
    except KeyboardInterrupt:
        rest = f"; {done.left_behind}" if done.left_behind else ""
        typer.echo(f"interrupted after {done}{rest}", err=True)
        raise


def _bar(done: ProgressBar) -> AbstractContextManager[object]:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    # The text is made when the screen is drawn: counting costs an addition.
    columns = (SpinnerColumn(), TextColumn("{task.fields[done]}", markup=False), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=None, done=done)
    return bar
