"""Rows of text in columns, the same on a terminal and in a pipe."""

from collections.abc import Iterable, Sequence

from scoring.sanitize import cut, visible


def columns(headings: Sequence[str], rows: Iterable[Sequence[str]], most: int = 60) -> str:
    """Lay rows out under headings; what others have written is made harmless, and cut in its middle.

    Parameters
    ----------
    most : int
        Characters of a cell, but for the last one of a row.

    Examples
    --------
    >>> print(columns(("What", "Why"), [("a", "b"), ("longer", "c")]))
    What    Why
    a       b
    longer  c
    """
    cells = [[cut(visible(cell), most) for cell in row[:-1]] + [visible(row[-1])] for row in rows]
    lines = [list(headings), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
