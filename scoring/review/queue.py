"""The queue of open alerts on a terminal: one explanation after the other, and a key for each verdict."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.decision.audit_sample import as_reviewed
from scoring.decision.decide import read_decision
from scoring.decision.ranking import rank
from scoring.decision_log import similar
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.log import DecisionLog
from scoring.explanation.content import Explanation
from scoring.explanation.explain import explanation
from scoring.explanation.remediation import remedy
from scoring.explanation.render import to_text
from scoring.explanation.safe_text import visible
from scoring.explanation.severity import known_and_not, severity_of
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.findings.record import Label
from scoring.policy.policy import Policy
from scoring.review import verdict as review
from scoring.review.answer import Reviewer
from scoring.review.screen import Console, Screen, draw

KEYS: Final = "e expected   u unintended   s skip   n note   z take the last one back   q quit"
REMEDY_KEYS: Final = "any key goes on   z take it back   q quit"

_KEYS: Final = frozenset("eusnzq")
_TURNS: Final = {" ": 1, "b": -1}
_VERDICTS: Final[dict[str, review.Verdict]] = {"e": "expected", "u": "unintended"}


class ReviewSession(NamedTuple):
    """What a verdict needs: the log, what can change findings, who decides, and the policy behind the words.

    `attempt` runs a call and turns what AWS refuses into bad input.
    """

    log: DecisionLog
    analyzers: AccessAnalyzer
    who: Reviewer
    policy: Policy
    now: Callable[[], datetime]
    attempt: Callable[[Callable[[], str]], str]


def explained(
    reviewed: LoggedDecision, log: DecisionLog, policy: Policy, *, with_commands: bool = True
) -> str:
    """Write the explanation that the alert showed, with similar decisions as they are known now."""
    content = content_of(reviewed, log, policy)
    return to_text(content if with_commands else msgspec.structs.replace(content, commands=()))


def content_of(reviewed: LoggedDecision, log: DecisionLog, policy: Policy) -> Explanation:
    """Put the explanation together again, with similar decisions as they are known now."""
    decision = read_decision(reviewed.record["decision"])
    content = explanation(reviewed.case, decision, policy, is_review=True)
    return msgspec.structs.replace(content, similar=similar.nearest(log, reviewed.case, reviewed.item))


def age(since: str, now: datetime) -> str:
    """Say how long ago something was, in one word.

    Examples
    --------
    >>> from datetime import UTC
    >>> age("2026-11-01T10:00:00.000000Z", datetime(2026, 11, 4, 9, tzinfo=UTC))
    '2 days'
    """
    if not since:
        return "not known"
    hours = max(0, int((now - datetime.fromisoformat(since)).total_seconds() // 3600))
    count, unit = (hours, "hour") if hours < 48 else (hours // 24, "day")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


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
    """Go through open alerts in their order, until they are over or somebody quits."""
    place, note, skipped, said = 0, "", 0, ""
    decided: list[int] = []
    while place < len(alerts):
        alert = alerts[place]
        screen = _screen(alert, f"{place + 1} of {len(alerts)}", (said, note), session)
        said, key = "", _key(screen, console, _KEYS)
        if key == "n":
            note = console.ask("Note: ")
        elif key == "s":
            place, note, skipped = place + 1, "", skipped + 1
        elif key == "z":
            said = "There is nothing to take back."
            if decided:
                is_back, said = _take_back(alerts[decided[-1]], session)
                if is_back:
                    place, note = decided.pop(), ""
        elif key in _VERDICTS:
            is_given, said = _decide(alert, _VERDICTS[key], note, session)
            if is_given:
                decided.append(place)
                place, note = place + 1, ""
            if is_given and key == "u":
                key = _key(_remedy(alert, said), console)
                if key == "z":
                    is_back, said = _take_back(alert, session)
                    place = decided.pop() if is_back else place
        if key == "q":
            break
    left = len(alerts) - len(decided) - skipped
    console.print(f"\n{len(decided)} decided, {skipped} skipped, {max(left, 0)} left")


def _screen(alert: LoggedDecision, where: str, last: tuple[str, str], session: ReviewSession) -> Screen:
    said, note = last
    decision = as_reviewed(read_decision(alert.record["decision"]))
    severity, points = severity_of(decision).upper(), known_and_not(decision)
    title = f"[{where}] {severity}, {points}, {age(alert.decided_at, session.now())} old"
    content = content_of(alert, session.log, session.policy)
    body = to_text(msgspec.structs.replace(content, commands=())).splitlines()
    head = [title, str(content.headline)]
    head += [said] if said else []
    head += [f"Note: {visible(note)}"] if note else []
    return Screen(tuple(head), tuple(body), KEYS)


def _remedy(alert: LoggedDecision, said: str) -> Screen:
    finding = alert.case.finding
    lines = []
    if isinstance(finding, Finding):
        found = remedy(finding)
        lines = [*(f"- {step}" for step in found.steps), *(f"    {typed}" for typed in found.commands)]
    return Screen((said, "What to do now:"), tuple(lines), REMEDY_KEYS)


def _key(screen: Screen, console: Console, allowed: frozenset[str] | None = None) -> str:
    """Show a screen, turn its pages, and return the key that ends it; the end of input and Ctrl-C quit.

    What was typed before the question is thrown away by whoever reads keys: nobody decides on what they have
    not seen.
    """
    page = draw(screen, 0, console)
    while True:
        try:
            key = console.key().lower()
        except (EOFError, KeyboardInterrupt):
            return "q"
        if key in ("\x03", "\x04"):
            return "q"
        if key in _TURNS:
            page = draw(screen, page + _TURNS[key], console)
        elif allowed is None or key in allowed:
            return key


def _decide(
    alert: LoggedDecision, verdict: review.Verdict, note: str, session: ReviewSession
) -> tuple[bool, str]:
    """Give a verdict and say what came of it; False where it could not be given or acted on."""

    def give() -> str:
        now = session.now()
        who = session.who
        label = Label(verdict, by=who.name, at=now, source="cli", note=note, verified=who.is_verified)
        return review.act(review.give(alert, label, session.log), session.log, session.analyzers, now)

    try:
        return True, f"{verdict.capitalize()}: {session.attempt(give)}."
    except BadInput as error:
        return False, f"Not done; press s to go on: {visible(str(error), 300)}."


def _take_back(alert: LoggedDecision, session: ReviewSession) -> tuple[bool, str]:
    def take_back() -> str:
        there = next(
            found for found in review.decisions(session.log, alert.finding_id) if found.item == alert.item
        )
        return review.take_back(there, session.log, session.analyzers, session.who.name, session.now())

    try:
        return True, f"Taken back: {session.attempt(take_back)}."
    except BadInput as error:
        return False, f"Not taken back: {visible(str(error), 300)}."
