"""Content of the pages of the review site, without layout; also of pages for requests that cannot be met.

Every string is ready to show.
"""

import shlex
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from scoring.explanation import render
from scoring.explanation.content import Explanation, Row
from scoring.explanation.remediation import Remedy
from scoring.explanation.safe_text import visible
from scoring.review.links import Link

LONGEST_NOTE: Final = 2000

_TEMPLATES: Final = Path(__file__).parent / "templates"

Problem = Literal["forged", "expired", "cross-site", "note", "busy", "refused", "failed", "method"]
Tone = Literal["expected", "unintended", "plain", "problem"]


class Form(NamedTuple):
    """The one button of a page, and whether a note may be written."""

    button: str
    takes_note: bool = False


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says.

    Attributes
    ----------
    status : int
        Of HTTP.
    heading : str
        What the page is about, in a few words.
    lines : tuple of str
        Sentences under it.
    rows : tuple of Row
        What was recorded.
    explanation : Explanation or None
    is_whole : bool
        Whether all of the explanation is shown, not only what it is about.
    others : tuple of (str, str)
        Labels and tokens of links to go on with.
    command : str
        What to type instead.
    """

    status: int
    title: str
    heading: str
    tone: Tone = "plain"
    lines: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    form: Form | None = None
    remedy: Remedy | None = None
    explanation: Explanation | None = None
    is_whole: bool = False
    others: tuple[tuple[str, str], ...] = ()
    command: str = ""


_PROBLEMS: Final[dict[Problem, tuple[int, str, str]]] = {
    "forged": (
        403,
        "This link is not valid",
        "It was not made here, or was changed on the way: copy all of it.",
    ),
    "expired": (410, "This link has expired", "Links hold for 14 days from the alert."),
    "cross-site": (
        403,
        "Not confirmed",
        "The confirmation did not come from this page. Open the alert's link again and press the button.",
    ),
    "note": (400, "Not confirmed", f"The note is too long: {LONGEST_NOTE:,} characters are the most."),
    "busy": (429, "Too many requests", "Nothing was done. Try again in an hour, or decide from a terminal."),
    "refused": (
        403,
        "Sign in first",
        "This page answers only to those who have signed in with AWS.",
    ),
    "failed": (
        503,
        "That did not work",
        "Try again: what has been done already is not done twice.",
    ),
    "method": (405, "This page can be read and confirmed", "Nothing else can be done with it."),
}  # fmt: skip


def to_html(content: Page) -> str:
    """Render a page of a review link, which needs nothing from elsewhere and no inline style."""
    return render.page(_TEMPLATES / "review.html.j2", page=content, style=style(), longest_note=LONGEST_NOTE)


@lru_cache(maxsize=1)
def style() -> str:
    """Return what stands between the tags of that page's one style element, to the letter."""
    return (_TEMPLATES / "review.css").read_text(encoding="utf-8")


def problem(kind: Problem, link: Link | None = None) -> Page:
    """Say what is wrong with a request; with a link whose signature holds, what to type instead."""
    status, heading, line = _PROBLEMS[kind]
    done = () if kind == "failed" else ("Nothing was changed.",)
    command = "" if link is None else command_for(link.finding_id)
    return Page(
        status=status, title=heading, heading=heading, tone="problem", lines=(line, *done), command=command
    )


def command_for(finding_id: str, options: str = "") -> str:
    """Return what to type to decide on a finding, or to list all where its id is nothing to type."""
    shown = visible(finding_id)
    is_typed = shown == finding_id and not shown.startswith("-")
    return f"triage review {shlex.quote(shown)}{options}" if is_typed else "triage review --list"
