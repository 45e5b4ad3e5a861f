"""Standard output as rich sees it: nothing is markup, and rows lie in columns.

On a wide terminal columns share its width. In a pipe there are no colours, and each row is one line, wherever
it runs. Rich is imported when something is printed.
"""

import os
from collections.abc import Container, Iterable, Sequence
from typing import IO, TYPE_CHECKING, Final, Literal

import msgspec
import typer

from scoring.cli.options import OutputFormat
from scoring.explanation.safe_text import cut, shown_json, visible

if TYPE_CHECKING:
    from rich.console import Console

_LONGEST: Final = 60
_PIPE_WIDTH: Final = 10_000
_NARROWEST: Final = 100


def make_console(file: IO[str] | None = None) -> "Console":
    """Return a console on which nothing is markup; with ``NO_COLOR`` set it is plain text.

    Parameters
    ----------
    file : text stream, optional
        Standard output where it is left out.
    """
    from rich.console import Console

    # rich alone would leave out colours and keep bold.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(file=file, markup=False, highlight=False, emoji=False, color_system=colours)


def print_columns(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Container[str] = (),
    unbroken: Container[str] = (),
) -> None:
    """Print rows under headings; what others have written is made harmless, and cut in its middle.

    Parameters
    ----------
    numbers : container of str
        Headings of columns that are aligned on the right.
    unbroken : container of str
        Headings of columns that stay on one line however narrow the terminal is: somebody will copy them.

    Examples
    --------
    >>> print_columns(("What", "Points"), [("a", "1.0"), ("longer", "10.0")], numbers=["Points"])
    What    Points
    a          1.0
    longer    10.0
    """
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    if not console.is_terminal or console.width < _NARROWEST:
        console.width = _PIPE_WIDTH  # the terminal breaks lines: better than columns of a few characters
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(
            Text(visible(heading)),
            justify="right" if heading in numbers else "left",
            overflow="fold",
            no_wrap=heading in unbroken or heading in numbers,
        )
    for *cells, last in rows:
        table.add_row(*(Text(cut(visible(cell), _LONGEST)) for cell in cells), Text(visible(last)))
    with console.capture() as printed:
        console.print(table)
    # Rich fills the last column up with blanks.
    typer.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def print_records(records: Iterable[object], output_format: OutputFormat) -> None:
    """Print records for programs: as JSON lines, or as one JSON array."""
    encoded = [shown_json(msgspec.json.encode(record)).decode() for record in records]
    if output_format == "jsonl":
        typer.echo("".join(f"{line}\n" for line in encoded), nl=False)
    else:
        typer.echo("[" + ",\n ".join(encoded) + "]")
