"""The content of an explanation without its layout; mail, page and terminal all show this one.

Every string in it is ready to show: one line of harmless characters (see `scoring.explanation.safe_text`).
"""

from typing import NamedTuple

import msgspec


class Headline(NamedTuple):
    """What a finding says, in parts: "S3 bucket site", "is", "shared with", "Datadog (464622532012)".

    Only `thing` and `end` hold what others have written; a subject that is too long is shortened there.
    """

    thing: str
    verb: str
    rest: str
    end: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


class Row(msgspec.Struct, frozen=True):
    """A label and what stands beside it: words, then things to copy (ARNs, actions)."""

    label: str
    words: tuple[str, ...] = ()
    code: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """One contribution in the column of points.

    Attributes
    ----------
    points : str
        Signed, with one decimal.
    share : int
        Its size in percent of the largest contribution's.
    bar : str
        The same in ten blocks of text.
    is_less : bool
        Whether it lowers the score.
    """

    points: str
    text: str
    share: int
    bar: str
    is_less: bool


class MeterPart(NamedTuple):
    """A part of the bar that shows a score against its threshold.

    Attributes
    ----------
    name : str
        ``at-less`` (below the threshold), ``at-base`` and ``at-more`` (up to it, and above), ``at-doubt``
        (what is not known), ``at-empty``.
    start, width : int
        In percent.
    has_mark : bool
        Whether the threshold is where it begins.
    """

    name: str
    start: int
    width: int
    has_mark: bool


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """Base, contributions by size, the small ones summed in one line, and the score that they come to.

    Attributes
    ----------
    rest : Line or None
        The sum of those that are not in `lines`.
    known : str
        What base, `lines` and `rest` come to; empty where everything is known: then it is the total.
    doubtful : tuple of Line
        Contributions of what is not known, each the worst that there could be.
    doubtful_rest : Line or None
        The sum of those that are not in `doubtful`.
    fill, mark : int
        Score and threshold in percent of a scale that both fit on; `mark` is -1 where there is no threshold.
    meter : tuple of MeterPart
        The same as a bar, with what is known and what is not.
    threshold : str
        Empty where it is not said.
    """

    base: str
    lines: tuple[Line, ...]
    rest: Line | None
    known: str
    doubtful: tuple[Line, ...]
    doubtful_rest: Line | None
    total: str
    threshold: str
    fill: int
    meter: tuple[MeterPart, ...]
    mark: int


class Answers(NamedTuple):
    """Addresses of the page on which an alert is answered, one for each verdict, and until when they hold."""

    expected: str
    unintended: str
    until: str


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said of a similar finding.

    Attributes
    ----------
    said : str
        The verdict, whose it is, and when.
    headline : str
        What that finding said.
    same, differs : str
        What the two have in common and what not; empty where there is nothing.
    note : str
        Why, in that person's words; may be empty.
    """

    said: str
    headline: str
    same: str = ""
    differs: str = ""
    note: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a finding was decided on as it was.

    Attributes
    ----------
    verdict : str
        ``Alert``, ``Archive`` or ``Skip``.
    outcome : str
        As in the decision.
    headline : Headline
        What the finding says, as a sentence in parts.
    severity : str
        Of an alert: ``critical``, ``high``, ``medium``, ``low``, ``info``, or ``not analyzed``; its colour.
    severity_words : str
        The same for people: "High", or "High or worse" where not all is known.
    on_scale : str
        The severity with its points and what they are out of; empty where there is no score.
    known_and_not : str
        The points that are known and those that are not: ``70 + 40``.
    notes : tuple of str
        What to know before reading, e.g. that nothing is written in shadow mode.
    facts : tuple of Row
        What is exposed, to whom, with which access.
    guardrails : tuple of Row
        The names and words of those that stand in the way of archiving.
    steps, remedies : tuple of str
        What to do where nobody meant it, and what to type for that; of alerts.
    would_change : tuple of str
        What would move an alert, each with the score that follows; see `scoring.explanation.variants`.
    column : Column or None
        How the score adds up; None for an event that is no finding.
    similar : tuple of Similar
        What people said of similar findings, the nearest first.
    unknown : tuple of Row
        What is not known, and what it would take to know it.
    given : tuple of Row
        Tags, aliases and conditions as given.
    link : str or None
        The page of the AWS console.
    answers : Answers or None
        Where to decide with a browser.
    commands : tuple of str
        One for each verdict; empty where the finding's id is nothing to type.
    origin : tuple of Row
        Finding, times and model.
    """

    verdict: str
    outcome: str
    headline: Headline
    severity: str = ""
    severity_words: str = ""
    on_scale: str = ""
    known_and_not: str = ""
    notes: tuple[str, ...] = ()
    facts: tuple[Row, ...] = ()
    guardrails: tuple[Row, ...] = ()
    steps: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    column: Column | None = None
    similar: tuple[Similar, ...] = ()
    unknown: tuple[Row, ...] = ()
    given: tuple[Row, ...] = ()
    link: str | None = None
    answers: Answers | None = None
    commands: tuple[str, ...] = ()
    origin: tuple[Row, ...] = ()

    @property
    def called(self) -> str:
        """The verdict, of an alert with its severity: "Alert, high or worse", "Archive"."""
        if not self.severity_words or self.verdict != "Alert":
            return self.verdict
        return f"{self.verdict}, {self.severity_words.lower()}"
