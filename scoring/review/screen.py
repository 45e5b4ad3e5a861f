"""One screen of the queue: a headline at the top, keys at the bottom, and text in between that can be turned.

The headline and the keys stay however long the text is; nothing scrolls away.
"""

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Final, NamedTuple

CLEAR: Final = "\x1b[H\x1b[J"
"""Cursor home, and everything after it gone."""

_LEAST_ROWS: Final = 4
_MOST_OF_A_LINE: Final = 4
"""Rows of the window that a line of the head takes."""


class Console(NamedTuple):
    """What the queue needs of a terminal.

    Attributes
    ----------
    print : callable
        Writes a line.
    key : callable
        Reads one key.
    ask : callable
        Asks for a line.
    size : callable
        Columns and lines of the window.
    clears : bool
        Whether the terminal can be cleared; otherwise one screen follows the other.
    """

    print: Callable[[str], None]
    key: Callable[[], str]
    ask: Callable[[str], str]
    size: Callable[[], tuple[int, int]] = lambda: (80, 24)
    clears: bool = False


class Screen(NamedTuple):
    """What is shown at a time.

    Attributes
    ----------
    head : tuple of str
        Lines that stay at the top; each takes four rows of the window at most.
    body : tuple of str
        Lines that are turned page by page.
    keys : str
        What can be pressed.
    """

    head: tuple[str, ...]
    body: tuple[str, ...]
    keys: str


def draw(screen: Screen, page: int, console: Console) -> int:
    """Draw a page of a screen.

    Returns
    -------
    int
        The page that was drawn: the last one where `page` lies behind it, the first where it lies before.
    """
    columns, lines = console.size()
    columns = max(columns, 20)
    keys = wrap(screen.keys, columns - 1) or [""]
    head = [part for line in screen.head for part in wrap(line, columns - 1)[:_MOST_OF_A_LINE]]
    room = max(lines - len(head) - len(keys) - 3, _LEAST_ROWS)
    pages = paginate(screen.body, columns - 1, room)
    page = min(max(page, 0), len(pages) - 1)
    more = f" page {page + 1} of {len(pages)}: space turns it, b back " if len(pages) > 1 else ""
    rule = "-" * (columns - 1)
    shown = [
        *head,
        rule,
        *pages[page],
        *[""] * (room - len(pages[page])),
        f"{more}{rule[len(more) :]}",
        *keys,
    ]
    console.print((CLEAR if console.clears else "\n") + "\n".join(shown))
    return page


def paginate(body: Sequence[str], columns: int, rows: int) -> list[list[str]]:
    """Break text into pages of so many rows; a line that is too long is broken, an indented one stays so."""
    broken: list[str] = []
    for line in body:
        indent = " " * (len(line) - len(line.lstrip()))
        broken += (
            [line]
            if len(line) <= columns
            else wrap(line, columns, subsequent_indent=indent[: columns // 2], break_long_words=True)
        )
    while broken and not broken[-1].strip():
        broken.pop()
    return [broken[start : start + rows] for start in range(0, len(broken), rows)] or [[]]
