"""Explanations as text and HTML, by Jinja2 templates that are compiled once.

Jinja2 is imported when the first one is rendered: only an alert needs it.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scoring.explanation.content import Explanation, Row
from scoring.explanation.safe_text import visible

if TYPE_CHECKING:
    from jinja2 import Environment, Template


_TEMPLATES: Final = Path(__file__).parent / "templates"
# Made once: a path is taken apart, and hashed, each time that it is made.
_TEXT: Final = _TEMPLATES / "explanation.txt.j2"
_PAGE: Final = _TEMPLATES / "page.html.j2"
_FRAGMENT: Final = _TEMPLATES / "fragment.html.j2"
_WIDTH: Final = 78


def text(template: Path, **values: object) -> str:
    """Fill in a template of plain text, such as the text of a mail.

    Parameters
    ----------
    template : Path
        Named ``*.txt.j2``.
    **values
        What the template names; one that is missing is an error.
    """
    return _template(template).render(values)


def page(template: Path, **values: object) -> str:
    """Fill in a template of HTML that needs nothing from elsewhere; every value is escaped.

    Parameters
    ----------
    template : Path
        Named ``*.html.j2``; it may include the explanation's own templates.
    **values
        What the template names; one that is missing is an error.
    """
    return _template(template).render(values)


def to_text(content: Explanation) -> str:
    """Render an explanation as the text of a mail, which is also what the terminal shows."""
    return text(_TEXT, e=content)


def to_page(contents: Iterable[Explanation], *, title: str) -> str:
    """Render explanations as one HTML page that needs nothing from elsewhere; also the HTML of a mail.

    Parameters
    ----------
    title : str
        Shown in the browser's tab and, unless there is exactly one explanation, above them.
    """
    return page(_PAGE, explanations=list(contents), title=visible(title))


def to_fragment(content: Explanation, *, level: int = 2) -> str:
    """Render one explanation as HTML to put into a page; `style` goes into the page's head.

    Parameters
    ----------
    level : int
        Of its heading, 1 to 5; its sections' headings are one below.
    """
    return page(_FRAGMENT, e=content, level=level)


def style() -> str:
    """Return the style sheet of fragments: dark mode and narrow screens; all else stands in the fragments."""
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


@lru_cache(maxsize=16)
def _template(path: Path) -> "Template":
    return _environment(path.parent, ".html" in path.name).get_template(path.name)


@lru_cache(maxsize=8)
def _environment(folder: Path, is_html: bool) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, _TEMPLATES]),
        autoescape=is_html,  # noqa: S701 - the other one writes plain text
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(hang=_hang, lay_out=_lay_out)
    return environment


def _lay_out(rows: tuple[Row, ...], width: int) -> str:
    """Put labels on the left and what they stand for on the right, lines of words first."""
    lines: list[str] = []
    for row in rows:
        label = row.label
        for line in row.words + row.code:
            lines.append(f"  {label:<{width}}{_hang(line, width + 2)}\n")
            label = ""
    return "".join(lines)


def _hang(text: str, indent: int) -> str:
    """Break a line at spaces so that it fits beside what stands before it; never inside a word."""
    width = _WIDTH - indent
    if len(text) <= width:
        return text
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return ("\n" + " " * indent).join(lines)
