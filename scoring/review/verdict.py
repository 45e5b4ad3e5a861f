"""A person's verdict on a decision: put into the decision log, acted on, and taken back.

The verdict belongs to one decision, that is, to what the finding said then. It is written before anything is
done about it: whatever crashes in between, the same command goes on from there. Expected archives the
finding, unless it says something else by now, or a guardrail stands and it is not certain who said so: then a
second person has to say the same. Unintended keeps it active, and brings back what was archived
automatically. An archive by verdict is not an automatic one: only taking the verdict back brings it back.

What came of a verdict is written down last, as ``acted``. Until then whoever gives the same verdict again
finishes what was begun; after it, a link that has been used does nothing any more.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal, NamedTuple

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.aws.errors import code
from scoring.decision_log import draws, verdicts
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import EntryStatus, content_of
from scoring.decision_log.log import DecisionLog
from scoring.explanation.words import moment
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.findings.record import Label
from scoring.pipeline import undo

Verdict = Literal["expected", "unintended"]
UNVERIFIED: Final = (
    "not archived: a guardrail stands, and who answered is not verified; somebody else has to say expected"
    " too (triage review), or somebody who is signed in"
)
_AT_ONCE: Final = 100
_DECIDED: Final = ("alert", "archive")


class Answered(NamedTuple):
    """A decision of the log with a person's verdict on it.

    Attributes
    ----------
    seconded_by : str
        Who else has said the same; empty where nobody has.
    """

    decision: LoggedDecision
    label: Label
    seconded_by: str = ""

    @property
    def may_archive(self) -> bool:
        """Whether it is certain enough who approved: a guardrail asks for a verified identity, or two."""
        return self.label.verified or bool(self.seconded_by) or not _guardrails(self.decision)


def _guardrails(decision: LoggedDecision) -> bool:
    return bool(decision.record["decision"].get("guardrails"))


def open_alerts(log: DecisionLog, *, since: str = "") -> Iterator[LoggedDecision]:
    """Yield the alerts without a verdict that are the latest decision on their finding, oldest first.

    Findings that were drawn by lot for review are among them, and cannot be told from others.

    Parameters
    ----------
    since : str
        Decided then or later, as `scoring.decision_log.entries.stamp` writes it.
    """
    found = [
        decision
        for decision in log.by_effect("alert", EntryStatus.QUEUED, "none", since=since)
        # What the sample chose would have been archived, and alerts.
        if decision.label is None
        and not decision.ended_by
        and (decision.outcome == "alert" or decision.effect != "none")
    ]
    drawn = {one.key: one for one in draws.waiting(log) if one.decided_at >= since}
    found = [*(one for one in found if one.key not in drawn), *drawn.values()]
    found.sort(key=lambda decision: decision.decided_at)
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        states = log.latest_of([decision.finding_id for decision in some])
        for decision in some:
            state = states.get(decision.finding_id)
            is_latest = state is not None and state.decision_item == decision.item
            # A record without a decision is an event that could not be read.
            if (is_latest or decision.key in drawn) and "decision" in decision.record:
                yield decision


def find(log: DecisionLog, finding_id: str) -> LoggedDecision:
    """Return the latest decision on a finding that is an alert or an archive.

    Raises
    ------
    BadInput
        There is none.
    """
    found = decisions(log, finding_id)
    if not found:
        raise BadInput("the decision log has no decision on it", field="ID", value=finding_id)
    return found[-1]


def decisions(log: DecisionLog, finding_id: str) -> list[LoggedDecision]:
    """Return the decisions on a finding that are alerts or archives, oldest first."""
    return [
        decision
        for decision in log.decisions(finding_id)
        if decision.outcome in _DECIDED and "decision" in decision.record
    ]


def give(decision: LoggedDecision, label: Label, log: DecisionLog) -> Answered:
    """Write a verdict down, provided that nobody has given one; the decision is then kept for good.

    Giving the same verdict again changes nothing: the one that is there is returned. Given by somebody else
    it seconds one of which it is not certain who gave it.

    Raises
    ------
    BadInput
        Somebody has given another one.
    """
    if verdicts.give(log, decision, label):
        written = msgspec.structs.replace(decision, label=verdicts.plain(label), acted="")
        return Answered(written, label)
    there = find(log, decision.finding_id)
    given = there.verdict
    if given is None or there.item != decision.item:
        raise BadInput("another decision has followed; look again", field="ID")
    if given.verdict != label.verdict:
        said = f"{given.by} has said {given.verdict} on {moment(given.at)}; take it back with --undo"
        raise BadInput(said, field="ID")
    seconds = not given.verified and (label.verified or label.by.casefold() != given.by.casefold())
    return Answered(there, given, label.by if seconds else "")


def act(answered: Answered, log: DecisionLog, analyzers: AccessAnalyzer, now: datetime) -> str:
    """Carry out a verdict: archive or re-activate; return what was done. Doing it twice does no harm.

    What it says is written down when it is done.

    Raises
    ------
    BadInput
        Another invocation holds the lease on the finding.
    botocore.exceptions.ClientError
        AWS refused; the verdict is kept, and this can be tried again.
    """
    said = _act(answered, log, analyzers, now)
    verdicts.note_acted(log, answered.decision, said)
    return said


def _act(answered: Answered, log: DecisionLog, analyzers: AccessAnalyzer, now: datetime) -> str:
    decision, label, seconded_by = answered
    if decision.mode != "enforce":
        return "shadow mode: the finding stays as it is"
    if label.verdict == "unintended":
        undone = [one.outcome for one in undo.undo(log, analyzers, now=now, finding_id=decision.finding_id)]
        if "taken" in undone:
            raise BadInput(
                "the verdict is kept, but another run holds the finding: try again in some minutes"
            )
        return f"it was archived automatically: {undone[0]}" if undone else "it stays active"
    if not answered.may_archive:
        return UNVERIFIED
    fresh = _read_again(decision, analyzers)
    if fresh is None:
        return "the finding is gone"
    if fresh.status != "ACTIVE":
        return f"it is {fresh.status} already"
    if content_of(fresh) != content(decision):
        return "not archived: it has changed since it was decided on, and is decided on anew"
    gone = analyzers.update_status(fresh.analyzer_arn, [fresh.id], "ARCHIVED")
    seconded = f", seconded by {seconded_by}" if seconded_by else ""
    return "the finding is gone" if gone else f"archived{seconded}"


def take_back(
    decision: LoggedDecision, log: DecisionLog, analyzers: AccessAnalyzer, by: str, now: datetime
) -> str:
    """Take a verdict back, and what was done for it; who did so is kept beside it.

    Raises
    ------
    BadInput
        There is no verdict to take back.
    botocore.exceptions.ClientError
        AWS refused; what was written is kept, and this can be tried again.
    """
    label = decision.verdict
    if label is None:
        raise BadInput("nobody has given a verdict on it", field="ID", value=decision.finding_id)
    said = "the finding stays as it is"
    if decision.mode == "enforce" and label.verdict == "expected":
        fresh = _read_again(decision, analyzers)
        if fresh is not None and fresh.status == "ARCHIVED":
            gone = analyzers.update_status(decision.analyzer_arn, [fresh.id], "ACTIVE")
            said = "the finding is gone" if gone else "the finding is active again"
    if not verdicts.take_back(log, decision, label, by, now, said):
        raise BadInput("somebody else has just taken it back", field="ID")
    return said


def _read_again(decision: LoggedDecision, analyzers: AccessAnalyzer) -> Finding | None:
    try:
        return analyzers.read(decision.finding_id, decision.analyzer_arn)[0]
    except Exception as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return None


def content(decision: LoggedDecision) -> str:
    """Digest what the finding said when it was decided on; empty where it was no finding."""
    finding = decision.case.finding
    return content_of(finding) if isinstance(finding, Finding) else ""
