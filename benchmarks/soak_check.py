"""What must hold after a soak, counted."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.soak_world import World
from embedded import EmbeddedAws
from embedded.access_analyzer.finding import finding_v1
from embedded.services.inbox import Message
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import EntryStatus, FindingState, content_of
from scoring.decision_log.log import DecisionLog
from scoring.explanation.explain import REPEAT
from scoring.findings.finding import from_api

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass
class Figures:
    """Counts of what happened, and of what should not have."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: dict[str, int] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    seconds: float = 0.0


def check(aws: EmbeddedAws, table: str, mails: Iterable[Message], world: World) -> Figures:
    """Compare the log, the mails and Access Analyzer with each other."""
    latest, decisions = _read(aws, table)
    figures = Figures()
    wrong: Counter[str] = Counter({"decided the same twice on a version": 0})
    named, repeated = _named(mails)
    for finding_id in world.findings:
        state = latest.get(finding_id)
        finding = aws.findings.get(finding_id)
        final = [item for item in decisions[finding_id] if _is_final(item)]
        # A later update may decide otherwise, since something is known that was not; never the same again.
        versions = Counter((i.content, i.record["decision"]["status"], i.outcome) for i in final)
        alerts = [item for item in final if item.outcome == "alert"]
        if state is None or not final:
            wrong["lost: without a decision"] += 1
            continue
        says = content_of(from_api(finding_v1(finding)))
        wrong["unfinished"] += state.is_unfinished
        wrong["decided on another version than the last"] += state.content != says
        if max(versions.values()) > 1:
            wrong["decided the same twice on a version"] += 1
            figures.evidence += [_story(item) for item in sorted(decisions[finding_id], key=_moment)]
        wrong["archived without a decision"] += finding.status == "ARCHIVED" and state.effect != "archive"
        wrong["to be archived and active"] += finding.status == "ACTIVE" and state.effect != "alert"
        wrong["archived on what is not known"] += any(map(_is_unknowing_archive, final))
        wrong["lost: an alert in no mail"] += len(alerts) > named[finding_id] + repeated[finding_id]
        wrong["a second alert for a version, unmarked"] += named[finding_id] > len(alerts)
        figures.counts.update(f"decided: {item.outcome}" for item in final)
    unreadable = [state for key, state in latest.items() if key.startswith("unreadable#")]
    wrong["lost: malformed and no alert"] += world.malformed_count - sum(
        state.effect == "alert" and not state.is_unfinished for state in unreadable
    )
    wrong["still collected or intended"] += sum(
        item.status in (EntryStatus.QUEUED, EntryStatus.INTENT)
        for found in decisions.values()
        for item in found
    )
    figures.counts["findings"] = len(world.findings)
    figures.counts["mails"] = len(list(mails))
    figures.counts["alerts marked as a repeat"] = sum(repeated.values())
    figures.violations = dict(wrong)
    return figures


def _read(
    aws: EmbeddedAws, table: str
) -> tuple[dict[str, FindingState], defaultdict[str, list[LoggedDecision]]]:
    log = DecisionLog.in_table(aws.client("dynamodb"), table)
    decisions: defaultdict[str, list[LoggedDecision]] = defaultdict(list)
    for decision in log.all_decisions():
        decisions[decision.finding_id].append(decision)
    return log.latest_of(list(decisions)), decisions


def _is_final(item: LoggedDecision) -> bool:
    """Whether a decision was carried out; an archive may have been followed by something since."""
    return item.status is EntryStatus.DONE or (item.status is EntryStatus.ENDED and bool(item.done_at))


def _moment(item: LoggedDecision) -> str:
    return item.decided_at


def _story(item: LoggedDecision) -> str:
    """One line of what a decision rested on, and what came of it."""
    record = item.record
    said = {
        name: getattr(item, name) for name in ("key", "effect", "status", "outcome", "content", "done_at")
    }
    return f"{said} unknown={record['decision']['unknown']} finding={record['finding']}"


def _is_unknowing_archive(item: LoggedDecision) -> bool:
    """Whether something decisive was not known; details are optional, and never scored."""
    decision = item.record["decision"]
    unknown = [name for name in decision["unknown"] if not name.startswith("details.")]
    return item.outcome == "archive" and bool(unknown or decision["guardrails"])


def _named(mails: Iterable[Message]) -> tuple[Counter[str], Counter[str]]:
    """Count how often mails tell of each finding, those apart that say that they may be a repeat.

    A mail of one finding names it more than once, a list each decision once.
    """
    named: Counter[str] = Counter()
    repeated: Counter[str] = Counter()
    for mail in mails:
        ids = _ID.findall(mail.text)
        is_list = "DECIDE\n  triage review --list" in mail.text
        (repeated if REPEAT in mail.text else named).update(ids if is_list else set(ids))
    return named, repeated
