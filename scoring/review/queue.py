"""The queue of open alerts on a terminal: one explanation after the other, and a key for each verdict."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision.decide import read_decision
from scoring.decision.ranking import rank
from scoring.decision_log import similar
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.log import DecisionLog
from scoring.explanation.explain import explanation
from scoring.explanation.remediation import remedy
from scoring.explanation.render import to_text
from scoring.explanation.safe_text import visible
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.findings.record import Label
from scoring.policy.policy import Policy
from scoring.review import verdict as review

KEYS: Final = "e expected   u unintended   s skip   n note   z take the last one back   q quit"

_BETWEEN: Final = f"\n{'-' * 78}\n"
_KEYS: Final = frozenset("eusnzq")
_VERDICTS: Final[dict[str, review.Verdict]] = {"e": "expected", "u": "unintended"}


class Console(NamedTuple):
    """What the queue needs of a terminal: writing a line, reading a key, and asking for a line."""

    print: Callable[[str], None]
    key: Callable[[], str]
    ask: Callable[[str], str]


class ReviewSession(NamedTuple):
    """What a verdict needs: the log, what can change findings, who decides, and the policy behind the words.

    `attempt` runs a call and turns what AWS refuses into bad input.
    """

    log: DecisionLog
    analyzers: AccessAnalyzer
    by: str
    policy: Policy
    now: Callable[[], datetime]
    attempt: Callable[[Callable[[], str]], str]


def explained(
    reviewed: LoggedDecision, log: DecisionLog, policy: Policy, *, with_commands: bool = True
) -> str:
    """Write the explanation that the alert showed, with similar decisions as they are known now."""
    decision = read_decision(reviewed.record["decision"])
    content = explanation(reviewed.case, decision, policy, is_review=True)
    past = similar.nearest(log, reviewed.case, reviewed.item)
    content = msgspec.structs.replace(content, similar=past)
    return to_text(content if with_commands else msgspec.structs.replace(content, commands=()))


def most_urgent_first(alerts: Iterable[LoggedDecision]) -> list[LoggedDecision]:
    """Sort open alerts by `scoring.decision.ranking.rank`, the newest of equals first.

    One that another version wrote, or that is about no finding, comes first: nobody has judged it.
    """
    newest = sorted(alerts, key=lambda alert: alert.decided_at, reverse=True)
    return sorted(newest, key=_rank)


def _rank(alert: LoggedDecision) -> tuple[object, ...]:
    try:
        return rank(alert.read()[1])[:-1]
    except BadInput:
        return ()


def run(alerts: Sequence[LoggedDecision], session: ReviewSession, console: Console) -> None:
    """Go through open alerts in their order until they are over or somebody quits."""
    place, note, skipped = 0, "", 0
    decided: list[int] = []
    shown = -1
    while place < len(alerts):
        alert = alerts[place]
        if shown != place:
            console.print(f"{_BETWEEN}\n{explained(alert, session.log, session.policy, with_commands=False)}")
            shown = place
        key = _key(f"{place + 1} of {len(alerts)}", console)
        if key == "q":
            break
        if key == "n":
            note = console.ask("Note: ")
        elif key == "s":
            place, note, skipped = place + 1, "", skipped + 1
        elif key == "z":
            if decided and _take_back(alerts[decided[-1]], session, console):
                place, note, shown = decided.pop(), "", -1
            elif not decided:
                console.print("There is nothing to take back.")
        elif _decide(alert, _VERDICTS[key], note, session, console):
            decided.append(place)
            place, note = place + 1, ""
    left = len(alerts) - len(decided) - skipped
    console.print(f"\n{len(decided)} decided, {skipped} skipped, {max(left, 0)} left")


def _key(where: str, console: Console) -> str:
    """Ask until one of the keys is pressed; the end of input and an interruption quit.

    What was typed before the question is thrown away by whoever reads keys: nobody decides on what they have
    not seen.
    """
    console.print(f"[{where}]  {KEYS}")
    while True:
        try:
            key = console.key().lower()
        except (EOFError, KeyboardInterrupt):
            return "q"
        if key in _KEYS:
            return key


def _decide(
    alert: LoggedDecision, verdict: review.Verdict, note: str, session: ReviewSession, console: Console
) -> bool:
    """Give a verdict and say what came of it; False where it could not be given or acted on."""

    def give() -> str:
        now = session.now()
        label = Label(verdict, by=session.by, at=now, source="cli", note=note)
        return review.act(review.give(alert, label, session.log), session.log, session.analyzers, now)

    try:
        said = session.attempt(give)
    except BadInput as error:
        console.print(f"Not done: {visible(str(error), 300)}. Press s to go on.")
        return False
    console.print(f"{verdict.capitalize()}: {said}.")
    finding = alert.case.finding
    if verdict == "unintended" and isinstance(finding, Finding):
        found = remedy(finding)
        for line in (*(f"  - {step}" for step in found.steps), *(f"    {typed}" for typed in found.commands)):
            console.print(line)
    return True


def _take_back(alert: LoggedDecision, session: ReviewSession, console: Console) -> bool:
    def take_back() -> str:
        there = next(
            found for found in review.decisions(session.log, alert.finding_id) if found.item == alert.item
        )
        return review.take_back(there, session.log, session.analyzers, session.by, session.now())

    try:
        said = session.attempt(take_back)
    except BadInput as error:
        console.print(f"Not taken back: {visible(str(error), 300)}.")
        return False
    console.print(f"Taken back: {said}.")
    return True
