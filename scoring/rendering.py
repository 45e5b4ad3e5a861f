"""Explanations as text and HTML, by Jinja2 templates that are compiled once.

Jinja2 is imported when the first one is rendered: only an alert needs it.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scoring.explanation import Explanation, Row
from scoring.sanitize import visible

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from scoring.digest import Digest
    from scoring.review_content import Page
    from scoring.summary import Summary

_TEMPLATES: Final = Path(__file__).parent / "templates"
_WIDTH: Final = 78


def to_text(content: Explanation) -> str:
    """Render an explanation as the text of a mail, which is also what the terminal shows."""
    return _template("explanation.txt.j2").render(e=content)


def to_page(contents: Iterable[Explanation], *, title: str) -> str:
    """Render explanations as one HTML page that needs nothing from elsewhere; also the HTML of a mail.

    Parameters
    ----------
    title : str
        Shown in the browser's tab and, unless there is exactly one explanation, above them.
    """
    return _template("page.html.j2").render(explanations=list(contents), title=visible(title))


def to_digest_text(content: "Digest") -> str:
    """Render a message about many findings as the text of a mail."""
    return _template("digest.txt.j2").render(d=content)


def to_digest_page(content: "Digest") -> str:
    """Render a message about many findings as one HTML page that needs nothing from elsewhere."""
    return _template("digest.html.j2").render(d=content)


def to_review_page(content: "Page", *, longest_note: int) -> str:
    """Render the page of a review link, which needs nothing from elsewhere and no inline style."""
    template = _template("review.html.j2")
    return template.render(page=content, style=review_style(), longest_note=longest_note)


@lru_cache(maxsize=1)
def review_style() -> str:
    """Return what stands between the tags of that page's one style element, to the letter."""
    return (_TEMPLATES / "review.css").read_text(encoding="utf-8")


def to_summary_text(content: "Summary") -> str:
    """Render a summary as the text of a mail."""
    return _template("summary.txt.j2").render(d=content)


def to_summary_page(content: "Summary") -> str:
    """Render a summary as one HTML page that needs nothing from elsewhere; also the HTML of a mail."""
    return _template("summary.html.j2").render(d=content)


def to_fragment(content: Explanation, *, level: int = 2) -> str:
    """Render one explanation as HTML to put into a page; `style` goes into the page's head.

    Parameters
    ----------
    level : int
        Of its heading, 1 to 5; its sections' headings are one below.
    """
    return _template("fragment.html.j2").render(e=content, level=level)


def style() -> str:
    """Return the style sheet of fragments: dark mode and narrow screens; all else stands in the fragments."""
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


@lru_cache(maxsize=8)
def _template(name: str) -> "Template":
    return _environment(".html" in name).get_template(name)


@lru_cache(maxsize=2)
def _environment(is_html: bool) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
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
