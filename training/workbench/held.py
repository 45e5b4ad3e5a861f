"""Findings held in memory for the page: from a file, from what the demo left, or from a decision log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scoring.decision.audit_sample import as_reviewed
from scoring.decision.decide import Decision, read_decision
from scoring.decision.ranking import Rank, rank
from scoring.decision.settings import Settings, decide_all
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.log import DecisionLog
from scoring.explanation import words
from scoring.explanation.safe_text import visible
from scoring.explanation.severity import known_and_not, severity_of
from scoring.features.exposure import Exposure
from scoring.files.errors import BadInput
from scoring.findings.access.tags import fold_key
from scoring.findings.accounts import described
from scoring.findings.cases import Cases
from scoring.findings.facts import Present
from scoring.findings.finding import Notice
from scoring.findings.record import Case, Label
from scoring.policy.policy import Policy
from scoring.review.verdict import find, open_alerts

OPEN: Final = "no verdict"
DEMO_FILE: Final = "decisions.jsonl"
_TEAM_TAGS: Final = ("team", "owner")
_AGES: Final = ((1, "a day at most"), (7, "a week at most"), (30, "a month at most"), (365, "a year at most"))

Facts = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class HeldFinding:
    """One finding as the page lists it.

    Attributes
    ----------
    key : str
        Its address: the finding's id, with a number behind it where an id repeats.
    decision : Decision
        As the reviewer may see it: of an open alert of a log nothing tells whether it was drawn by lot.
    headline, points, severity, search : str
        Ready to show; `search` is all that full-text search looks at, in lower case.
    facets : dict
        Name of a facet to this finding's values of it.
    alike : tuple
        What findings of one group have in common.
    logged : LoggedDecision or None
        The log's entry that a verdict belongs to.
    is_blind : bool
        Whether it waits for a verdict in a log, so that its outcome is not told.
    """

    key: str
    case: Case
    decision: Decision
    headline: str
    points: str
    severity: str
    search: str
    facets: Facts
    alike: tuple[object, ...]
    rank: Rank
    label: Label | None = None
    logged: LoggedDecision | None = None
    is_blind: bool = False


@dataclass
class Held:
    """What the page works on.

    Attributes
    ----------
    name : str
        Where the findings come from.
    revision : int
        Grows with each change, so that what was worked out from an earlier state is not shown again.
    changed : list of callable
        Each is told the number of a finding that has changed, and what it was before.
    """

    name: str
    settings: Settings
    findings: list[HeldFinding] = field(default_factory=list)
    log: DecisionLog | None = None
    revision: int = 0
    place: dict[str, int] = field(default_factory=dict)
    changed: list[Callable[[int, HeldFinding], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.place = {one.key: at for at, one in enumerate(self.findings)}

    def get(self, key: str) -> HeldFinding | None:
        """Return the finding of an address; None where there is none."""
        at = self.place.get(key)
        return None if at is None else self.findings[at]

    def read_again(self, key: str, now: datetime) -> None:
        """Take what the log says of a finding now, after a verdict was given or taken back."""
        at = self.place[key]
        if self.log is None:
            return
        logged = find(self.log, self.findings[at].decision.finding_id)
        is_open = logged.verdict is None
        before = self.findings[at]
        self.findings[at] = held_of_log(logged, self.settings.policy, now, key=key, is_blind=is_open)
        self.revision += 1
        for told in self.changed:
            told(at, before)


def from_files(
    files: Iterable[str],
    settings: Settings,
    report: Callable[[BadInput], None],
    *,
    accounts: str | None = None,
    now: datetime,
) -> Held:
    """Decide on the findings of files, or of folders that the demo left.

    Parameters
    ----------
    report : callable
        Takes each record that cannot be read; the others are shown.
    """
    named = list(files)
    held: list[HeldFinding] = []
    keys = _Keys()
    for name in named:
        file = str(Path(name) / DEMO_FILE) if Path(name).is_dir() else name
        cases = described(Cases(file, report), accounts, settings.policy.known_vendors)
        for case, decision in decide_all(cases, settings):
            key = keys.of(decision.finding_id)
            held.append(_held(key, case, decision, settings.policy, now, label=case.label))
    return Held(", ".join(named), settings, held)


def from_log(log: DecisionLog, settings: Settings, report: Callable[[BadInput], None], now: datetime) -> Held:
    """Hold the open alerts of a decision log, and the latest decision on every other finding.

    A finding that was drawn by lot waits among the alerts and reads like one.
    """
    waiting = {one.finding_id: one for one in open_alerts(log)}
    latest: dict[str, LoggedDecision] = {}
    for one in log.all_decisions():
        before = latest.get(one.finding_id)
        if "decision" in one.record and (before is None or before.number < one.number):
            latest[one.finding_id] = one
    held = []
    for finding_id, one in {**latest, **waiting}.items():
        try:
            held.append(
                held_of_log(one, settings.policy, now, key=finding_id, is_blind=finding_id in waiting)
            )
        except BadInput as error:
            report(error.at(finding_id))
    return Held(log.name, settings, held, log)


def held_of_log(
    logged: LoggedDecision, policy: Policy, now: datetime, *, key: str, is_blind: bool
) -> HeldFinding:
    """Read one decision of a log as the page lists it."""
    case, decision = logged.case, read_decision(logged.record["decision"])
    if is_blind:
        decision = as_reviewed(decision)
    return _held(key, case, decision, policy, now, label=logged.verdict, logged=logged, is_blind=is_blind)


def _held(
    key: str,
    case: Case,
    decision: Decision,
    policy: Policy,
    now: datetime,
    *,
    label: Label | None = None,
    logged: LoggedDecision | None = None,
    is_blind: bool = False,
) -> HeldFinding:
    finding = case.finding
    if isinstance(finding, Notice):
        headline, found = f"{visible(finding.kind)} of {visible(finding.resource)}", None
    else:
        headline = str(words.headline(Exposure(finding, case.context, policy)))
        found = finding.created_at or finding.updated_at
    severity = severity_of(decision) or {"archive": "archived", "skip": "skipped"}[decision.outcome]
    said = label.verdict if label else OPEN
    facets: Facts = {
        "verdict": (said,),
        "severity": (severity,),
        "type": (visible(decision.resource_type or "none", 80),),
        "account": (visible(decision.account or "not known", 40),),
        "team": _teams(case),
        "principal": tuple(visible(one, 120) for one in decision.principals),
        "guardrail": tuple(dict.fromkeys(visible(rail.name, 80) for rail in decision.guardrails)),
        "unknown": tuple(visible(name, 80) for name in decision.unknown),
        "age": (_age(found, now),),
    }
    texts = [decision.finding_id, decision.resource, headline, decision.account or "", decision.reason]
    texts += [*decision.principals, *decision.actions, *facets["team"], label.note if label else ""]
    return HeldFinding(
        key=key,
        case=case,
        decision=decision,
        headline=headline,
        points=known_and_not(decision).replace(" ", "") if not isinstance(finding, Notice) else "",
        severity=severity,
        search=" ".join(texts).lower(),
        facets=facets,
        alike=(
            *(decision.outcome, decision.finding_type, decision.resource_type, decision.account),
            *(decision.principals, frozenset(decision.actions), decision.is_public, severity, said),
            frozenset(rail.name for rail in decision.guardrails),
        ),
        rank=rank(decision),
        label=label,
        logged=logged,
        is_blind=is_blind,
    )


def _teams(case: Case) -> tuple[str, ...]:
    tags = case.context.tags
    if not isinstance(tags, Present):
        return ()
    named = {fold_key(name): value for name, value in tags.value.items()}
    return tuple(dict.fromkeys(visible(named[name], 80) for name in _TEAM_TAGS if named.get(name)))


def _age(found: datetime | None, now: datetime) -> str:
    if found is None:
        return "not known"
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    days = (now - aware).total_seconds() / 86400
    return next((name for most, name in _AGES if days <= most), "more than a year")


class _Keys:
    """Gives each finding an address of its own, also where an id repeats."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def of(self, finding_id: str) -> str:
        key = next(one for one in self._named(finding_id) if one not in self.taken)
        self.taken.add(key)
        return key

    def _named(self, finding_id: str) -> Iterator[str]:
        yield finding_id
        number = 1
        while True:
            number += 1
            yield f"{finding_id}~{number}"
