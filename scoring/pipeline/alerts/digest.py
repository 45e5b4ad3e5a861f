"""Many findings in one mail: a burst, the digest, the report; content only, nothing is sent from here."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec

from scoring.decision.audit_sample import as_reviewed
from scoring.decision.ranking import Rank, rank
from scoring.decision_log.decisions import LoggedDecision
from scoring.explanation import render
from scoring.explanation.content import Answers
from scoring.explanation.explain import REPEAT, Message, explain_unreadable, explanation
from scoring.explanation.safe_text import to_ascii, visible
from scoring.explanation.severity import NOT_ANALYZED
from scoring.files.errors import BadInput
from scoring.pipeline.alerts.bursts import BREAKER
from scoring.policy.policy import Policy

MOST_ROWS: Final = 500
"""Findings in one mail: the text stays below what SNS takes."""
MOST_ANSWERS: Final = 150
"""Findings in one mail that each have a link of their own by which they are answered."""
STOPPED: Final = "Archiving has stopped"

NOT_ANALYZED_TITLE: Final = "Not analyzed: Access Analyzer could not look"

_SUBJECT: Final = 99
_TEMPLATES: Final = Path(__file__).parent / "templates"
_HEADLINE, _REASON = 150, 90
_PREFIX: Final = "[access-triage]"


class DigestRow(msgspec.Struct, frozen=True):
    """One finding in a list.

    Attributes
    ----------
    outcome : str
        As in the decision.
    score : str
        The points that are known, and those that are not: ``70 + 40``.
    severity : str
        Of an alert, as in the explanation.
    about : str
        Where it is, and why it was decided on so.
    answers : Answers or None
        Links by which it can be answered.
    """

    outcome: str
    score: str
    headline: str
    about: str
    link: str | None = None
    answers: Answers | None = None
    severity: str = ""


Answering = Callable[[str, str], Answers]
"""From the key of a decision in the log to the links by which it is answered."""


class Section(msgspec.Struct, frozen=True):
    """Rows under a title; `more` says how many did not find room."""

    title: str
    rows: tuple[DigestRow, ...]
    more: int = 0


class Digest(msgspec.Struct, frozen=True, dict=True):
    """One message about many findings, ready to be sent; `text` and `html` say the same.

    Attributes
    ----------
    subject : str
        One line of ASCII, fewer than 100 characters.
    kind : str
        What sort of mail it is, in one word.
    advice : tuple of str
        What to type, or to do.
    """

    subject: str
    title: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    kind: str = "digest"
    advice: tuple[str, ...] = ("triage review --list",)
    tiles: tuple[()] = ()

    @cached_property
    def text(self) -> str:
        """Lines of printable characters."""
        return render.text(_TEMPLATES / "digest.txt.j2", d=self)

    @cached_property
    def html(self) -> str:
        """An HTML page that needs nothing from elsewhere."""
        return render.page(_TEMPLATES / "digest.html.j2", d=self)

    def without_answers(self) -> "Digest":
        """Return the same without the links by which its findings are answered."""
        sections = [
            msgspec.structs.replace(
                one, rows=tuple(msgspec.structs.replace(row, answers=None) for row in one.rows)
            )
            for one in self.sections
        ]
        return msgspec.structs.replace(self, sections=tuple(sections))


def of_burst(
    items: Sequence[LoggedDecision],
    group: str,
    policy: Policy,
    *,
    is_repeat: bool,
    answering: Answering | None = None,
) -> Digest:
    """Write the mail about the alerts that followed one on the same resource or principal.

    Parameters
    ----------
    items : sequence of LoggedDecision
        No more than `MOST_ROWS`.
    group : str
        What they have in common.
    answering : callable, optional
        Gives the links of an alert; left out where there are too many of them for one mail.
    """
    answering = answering if len(items) <= MOST_ANSWERS else None
    common, count = visible(group, 300), _count(len(items), "alert")
    title = f"{count} on {common}"
    note = f"They came soon after another alert on {common}: here they are together."
    if group == BREAKER:
        title = f"{count} since archiving stopped"
        note = "They would have been archived, but too many findings were archived within an hour."
    return Digest(
        _subject(f"{len(items)} more: {group}"),
        title,
        (note, *(REPEAT,) * is_repeat),
        tuple(alert_sections("Alerts", items, policy, answering=answering)),
        "burst",
    )


def of_rest(
    items: Sequence[LoggedDecision],
    policy: Policy,
    *,
    is_repeat: bool,
    answering: Answering | None = None,
) -> Digest:
    """Write the digest: alerts above the number of mails in an hour, and unused access; as `of_burst`."""
    answering = answering if len(items) <= MOST_ANSWERS else None
    unused = [item for item in items if item.route == "digest"]
    others = [item for item in items if item.route != "digest"]
    return Digest(
        _subject(f"Digest: {_count(len(items), 'alert')}"),
        f"Digest of {_count(len(items), 'alert')}",
        ("None of them had a mail of its own.", *(REPEAT,) * is_repeat),
        tuple(
            section
            for title, listed in (("Alerts", others), ("Unused access", unused))
            for section in alert_sections(title, listed, policy, answering=answering)
        ),
    )


def of_report(
    items: Iterable[LoggedDecision], policy: Policy, *, is_shadow: bool, is_repeat: bool, waiting: int = 0
) -> Digest:
    """Write the report on what was decided without a mail: a first reconcile, or shadow mode.

    Parameters
    ----------
    items : iterable of LoggedDecision
        Of a finding that comes twice the later one counts.
    waiting : int
        How many findings are to be archived as soon as the circuit breaker has room.
    """
    last = {item.finding_id: item for item in sorted(items, key=lambda item: item.decided_at)}
    of_outcome = {
        outcome: [item for item in last.values() if _shown_outcome(item) == outcome]
        for outcome in ("alert", "archive", "skip")
    }
    would = "would be " if is_shadow else ""
    totals = Counter({outcome: len(found) for outcome, found in of_outcome.items()})
    notes = [
        f"To be looked at: {totals['alert']}. {f'{would}archived'.capitalize()}: {totals['archive']}."
        f" Skipped: {totals['skip']}.",
    ]
    if is_shadow:
        notes.append("Shadow mode: no finding was changed, and no other mail is sent.")
    if waiting:
        notes.append(f"{waiting} more will be archived when the circuit breaker allows it.")
    rows = MOST_ROWS
    sections = alert_sections("To be looked at", of_outcome["alert"], policy, rows)
    rows -= sum(len(listed.rows) for listed in sections)
    if of_outcome["archive"]:
        sections.append(section(f"{would}archived".capitalize(), of_outcome["archive"], policy, rows))
    return Digest(
        _subject(f"Report: {totals['alert']} to be looked at, {totals['archive']} {would}archived"),
        f"Report on {_count(len(last), 'finding')}",
        (*notes, *(REPEAT,) * is_repeat),
        tuple(sections),
        "report",
    )


def of_suspicion(suspicion: Mapping[str, Any], *, is_repeat: bool = False) -> Digest:
    """Write the mail about what looks made to hide access, given a `Suspicion`."""
    row = _suspicion(suspicion)
    return Digest(
        _subject(f"Suppression watch: {suspicion['short']}"),
        "Something may hide access",
        ("Findings may go unseen: see whether this was meant.", *(REPEAT,) * is_repeat),
        (Section("What was seen", (row,)),),
        "watch",
        (visible(suspicion["advice"], 400),) if suspicion.get("advice") else (),
    )


def announce(message: Message, why: str) -> Message:
    """Put before an alert that archiving has stopped, and why."""
    note = (
        f"{STOPPED}: {visible(why, 300)}. Findings that would have been archived alert instead, all in one"
        " mail. Archiving starts again by itself when fewer findings were archived in the last hour."
    )
    content = msgspec.structs.replace(message.explanation, notes=(note, *message.explanation.notes))
    return Message(_subject(f"{STOPPED}: {why}"), f"{note}\n\n{message.text}", content)


def section(
    title: str,
    items: Sequence[LoggedDecision],
    policy: Policy,
    most: int = MOST_ROWS,
    *,
    answering: Answering | None = None,
) -> Section:
    """List findings, what could not be read first and then by `scoring.decision.ranking.rank`."""
    return _section(title, _ranked(items, policy, answering), most)


def alert_sections(
    title: str,
    items: Sequence[LoggedDecision],
    policy: Policy,
    most: int = MOST_ROWS,
    *,
    answering: Answering | None = None,
) -> list[Section]:
    """List alerts; those that Access Analyzer could not analyze are a group of their own, the last."""
    rows = _ranked(items, policy, answering)
    analyzed = [row for row in rows if row.severity != NOT_ANALYZED]
    others = [row for row in rows if row.severity == NOT_ANALYZED]
    sections = [_section(title, analyzed, most)] if analyzed else []
    if others:
        sections.append(_section(NOT_ANALYZED_TITLE, others, most - min(len(analyzed), most)))
    return sections


def _section(title: str, rows: Sequence[DigestRow], most: int) -> Section:
    return Section(title, tuple(rows[:most]), max(len(rows) - most, 0))


def _ranked(items: Sequence[LoggedDecision], policy: Policy, answering: Answering | None) -> list[DigestRow]:
    rows = [_row(item, policy, answering) for item in items]
    return [row for _, row in sorted(rows, key=lambda ranked: ranked[0])]


def _row(
    item: LoggedDecision, policy: Policy, answering: Answering | None
) -> tuple[tuple[()] | Rank, DigestRow]:
    record = item.record
    if "watch" in record:
        return (), _suspicion(record["watch"])
    if "event" in record:
        content = explain_unreadable(record["event"], record["error"]).explanation
        return (), DigestRow("alert", "", str(content.headline), visible(record["error"], _REASON))
    try:
        case, decision = item.read()
    except BadInput:
        return (), DigestRow("alert", "", "a finding that this version cannot read", item.finding_id)
    if policy.archives.draws and _shown_outcome(item) == "alert":
        decision = as_reviewed(decision)
    content = explanation(case, decision, policy)
    about = f"{visible(decision.finding_id, 80)}, account {decision.account or 'not known'}"
    row = DigestRow(
        decision.outcome,
        content.known_and_not,
        visible(str(content.headline), _HEADLINE),
        f"{about}; {visible(decision.reason, _REASON)}",
        content.link,
        answering(*item.key) if answering else None,
        content.severity,
    )
    return rank(decision), row


def _shown_outcome(item: LoggedDecision) -> str:
    """What a finding is listed as: one that was drawn by lot is an alert like any other."""
    return "alert" if item.effect == "alert" else item.outcome


def _suspicion(suspicion: Mapping[str, Any]) -> DigestRow:
    return DigestRow(
        "alert", "", visible(suspicion["headline"], 2 * _HEADLINE), visible(suspicion["who"], 400)
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _subject(text: str) -> str:
    return to_ascii(re.sub(r"\s+", " ", f"{_PREFIX} {text}"), _SUBJECT)
