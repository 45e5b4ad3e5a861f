"""Many verdicts at once: what each would do, said beforehand; then given, carried out, or taken back."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.log import DecisionLog
from scoring.explanation.words import moment
from scoring.files.errors import BadInput
from scoring.findings.record import Label
from scoring.review import verdict as review
from scoring.review.answer import Reviewer
from scoring.review.sheet import SheetVerdict

IMPORT: Final = "import"
"""Source of a verdict that came in a file."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that somebody wants to give, and the decision that it is on.

    Attributes
    ----------
    state : str
        ``new``; ``given`` where the same verdict is there already; ``contradicts`` where another one is.
    reported_by : str
        Whose verdict it is, as a file says.
    """

    decision: LoggedDecision
    verdict: review.Verdict
    state: Literal["new", "given", "contradicts"]
    note: str = ""
    reported_by: str = ""
    where: str = ""

    @property
    def is_contradicted(self) -> str:
        """Who has said otherwise, in words."""
        label = self.decision.verdict
        return "" if label is None else f"{label.by} has said {label.verdict} on {moment(label.at)}"


def wish(
    decision: LoggedDecision,
    verdict: review.Verdict,
    *,
    note: str = "",
    reported_by: str = "",
    where: str = "",
) -> Wish:
    """Compare a verdict with the one that is there, if one is."""
    label = decision.verdict
    same = label is not None and label.verdict == verdict
    return Wish(
        decision=decision,
        verdict=verdict,
        state="new" if label is None else "given" if same else "contradicts",
        note=note,
        reported_by=reported_by,
        where=where,
    )


def wishes_of(
    rows: Iterable[SheetVerdict], log: DecisionLog, report: Callable[[BadInput], None]
) -> list[Wish]:
    """Look the decisions up that rows of a file are about.

    Parameters
    ----------
    report : callable
        Takes each row that is on no decision, or against a verdict that is there.
    """
    found = []
    for row in rows:
        try:
            decision = review.find(log, row.finding_id)
        except BadInput as error:
            report(BadInput(error.expected, field="finding_id", value=row.finding_id, where=row.where))
            continue
        one = wish(decision, row.verdict, note=row.note, reported_by=row.by, where=row.where)
        if one.state == "contradicts":
            report(BadInput(f"{one.is_contradicted}: it stays", field="verdict", where=row.where))
        found.append(one)
    return found


def preview(wishes: Sequence[Wish]) -> list[str]:
    """Say what verdicts would do, before anything is written."""
    new = [one for one in wishes if one.state == "new"]
    by_verdict = Counter(one.verdict for one in new)
    parts = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(by_verdict.items()))
    lines = [f"{len(new):,} verdicts to give{f': {parts}' if parts else ''}"]
    states = Counter(one.state for one in wishes)
    lines += [f"{states['given']:,} given already"] if states["given"] else []
    lines += [f"{states['contradicts']:,} against another verdict: left out"] if states["contradicts"] else []
    shadow = sum(one.decision.mode != "enforce" for one in new)
    if shadow:
        lines.append(f"{shadow:,} decided in shadow mode: the findings stay as they are")
    archived = sum(one.verdict == "expected" and one.decision.mode == "enforce" for one in new)
    if archived:
        lines.append(f"{archived:,} findings will be archived")
    expected = [one for one in new if one.verdict == "expected"]
    guarded = [one for one in expected if one.decision.record["decision"]["guardrails"]]
    if guarded:
        lines.append(f"{len(guarded):,} of the expected ones are flagged as dangerous, for example:")
        for one in guarded[:3]:
            decision = one.decision.record["decision"]
            lines.append(f"  {one.decision.finding_id}: {decision['resource']}: {decision['reason']}")
    return lines


def give(
    wishes: Iterable[Wish],
    who: Reviewer,
    source: str,
    log: DecisionLog,
    analyzers: AccessAnalyzer,
    now: Callable[[], datetime],
    report: Callable[[BadInput], None],
) -> Iterator[str]:
    """Give the verdicts that are new, carry them out, and finish those that were interrupted.

    Parameters
    ----------
    source : str
        ``cli`` or `IMPORT`.
    report : callable
        Takes each verdict that could not be given or carried out; the others go on.

    Yields
    ------
    str
        What was done for one of them.
    """
    for one in wishes:
        is_interrupted = one.state == "given" and not one.decision.acted
        if one.state != "new" and not is_interrupted:
            continue
        label = Label(
            one.verdict,
            by=who.name,
            at=now(),
            source=source,
            note=one.note,
            verified=who.is_verified,  # of who imports, and so answers for it
            reported_by=one.reported_by,
        )
        try:
            answered = review.give(one.decision, label, log)
            yield review.act(answered, log, analyzers, now())
        except BadInput as error:
            report(error.at(one.where or one.decision.finding_id))


def take_back(
    wishes: Iterable[Wish],
    who: Reviewer,
    log: DecisionLog,
    analyzers: AccessAnalyzer,
    now: Callable[[], datetime],
    report: Callable[[BadInput], None],
) -> Iterator[str]:
    """Take the verdicts back that are there as they are wished for."""
    for one in wishes:
        try:
            yield review.take_back(one.decision, log, analyzers, who.name, now())
        except BadInput as error:
            report(error.at(one.where))
