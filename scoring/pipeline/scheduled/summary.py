"""The summary of a period: archives and their reasons, misses, the certificate, teams, drift, what expires.

Pure: decisions of the log go in, a mail comes out. Scores of two periods are compared by the statistic of
Kolmogorov and Smirnov: the largest gap between their cumulative distributions.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from scoring.decision.decide import BY_RULE
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import EntryStatus, stamp
from scoring.explanation import render
from scoring.explanation.explain import SUBJECT
from scoring.explanation.safe_text import to_ascii, visible
from scoring.findings.access.tags import fold
from scoring.pipeline.alerts.digest import Section, section
from scoring.policy.policy import Policy

LOOKBACK: Final = timedelta(days=90)
"""How far back misses are looked for, and findings of the audit sample that nobody has looked at."""

_SHOWN, _MOST_READ = 10, 500
_FEWEST = 20  # scores that a comparison takes
_OWNER = "owner"
_TEMPLATES: Final = Path(__file__).parent / "templates"


class Period(NamedTuple):
    """From when until when, as `stamp` writes it; and the beginning of the one before."""

    before: str
    since: str
    until: str

    @classmethod
    def ending(cls, until: datetime, length: timedelta) -> "Period":
        """Return the period of a length that ends at a moment."""
        return cls(stamp(until - 2 * length), stamp(until - length), stamp(until))

    def has(self, moment: str) -> bool:
        """Say whether a moment is in the period itself."""
        return self.since <= moment < self.until


class Tile(NamedTuple):
    """A label, how often, and that in percent of the largest."""

    label: str
    number: int
    share: int


class SummaryTable(NamedTuple):
    """Counts under a title, the largest first."""

    title: str
    counts: tuple[Tile, ...]


class SummaryFact(msgspec.Struct, frozen=True, kw_only=True):
    """What a summary needs of one decision of the log.

    Attributes
    ----------
    decision : LoggedDecision or None
        Where it may have to be listed.
    at : str
        When it was decided on.
    archived : bool
        Whether we have archived it, or would have in shadow mode.
    finding_id : str
    is_done : bool
        Whether we have archived it indeed.
    stands : bool
        Whether that archive has not ended: not brought back, and not decided on anew.
    verdict, verdict_at : str
        What a person said of it and when; empty where nobody has.
    is_sample : bool
        Whether it went to a person for the audit's sake only.
    owner : str or None
        The team's tag; None where the tags are not known.
    """

    decision: LoggedDecision | None
    at: str
    outcome: str
    archived: bool
    score: float
    reason: str
    model: str
    model_sha256: str
    owner: str | None
    verdict: str = ""
    verdict_at: str = ""
    is_sample: bool = False
    finding_id: str = ""
    is_done: bool = False
    stands: bool = False


class Summary(msgspec.Struct, frozen=True, dict=True):
    """One message about a period, ready to be sent; `text` and `html` say the same.

    Attributes
    ----------
    subject : str
        One line of ASCII, fewer than 100 characters.
    tiles : tuple of Count
        The numbers to see first.
    """

    subject: str
    title: str
    notes: tuple[str, ...]
    tiles: tuple[Tile, ...]
    tables: tuple[SummaryTable, ...]
    sections: tuple[Section, ...]
    kind: str = "summary"
    advice: tuple[str, ...] = ("triage review --list",)

    @cached_property
    def text(self) -> str:
        """Lines of printable characters."""
        return render.text(_TEMPLATES / "summary.txt.j2", d=self)

    @cached_property
    def html(self) -> str:
        """An HTML page that needs nothing from elsewhere."""
        return render.page(_TEMPLATES / "summary.html.j2", d=self)


def fact_of(logged: LoggedDecision) -> SummaryFact | None:
    """Take from a decision what a summary needs; None for what is no decision on a finding."""
    record = logged.record
    decision = record.get("decision")
    if not isinstance(decision, Mapping) or decision.get("outcome") == "skip":
        return None
    label = logged.label or {}
    audit = record.get("audit") or {}
    did = logged.effect == "archive" and logged.status is not EntryStatus.INTENT
    would = logged.mode == "shadow" and decision["outcome"] == "archive"
    is_sample = bool(audit.get("chosen"))
    return SummaryFact(
        decision=logged if label or is_sample else None,
        at=logged.decided_at,
        outcome=decision["outcome"],
        archived=(did and decision["outcome"] == "archive") or would,
        finding_id=logged.finding_id,
        is_done=did and decision["outcome"] == "archive",
        stands=logged.status is EntryStatus.DONE,
        score=float(decision["score"]),
        reason=_reason(decision),
        model=logged.model_version,
        model_sha256=logged.model_sha256,
        owner=_owner(record.get("context") or {}),
        verdict=str(label.get("verdict", "")),
        verdict_at=str(label.get("at", "")),
        is_sample=is_sample,
    )


def summarise(
    facts: Sequence[SummaryFact],
    expiring: Iterable[LoggedDecision],
    period: Period,
    policy: Policy,
    *,
    certified: str = "",
) -> Summary:
    """Write the summary of a period, by what each entry of the log says was done; a finding counts once.

    Parameters
    ----------
    facts : sequence of SummaryFact
        Of the period, of the one before, and further back of what may have been missed or not looked at.
    expiring : iterable of LoggedDecision
        Archives whose term ends before the next summary.
    certified : str
        What `triage certify` found last of the model that decides.
    """
    now = [fact for fact in facts if period.has(fact.at)]
    done = _last_of_each(fact for fact in now if fact.is_done)
    archived = [fact for fact in done if fact.stands]
    ended = [fact for fact in done if not fact.stands]
    acted = {fact.finding_id for fact in done}
    proposed = _last_of_each(f for f in now if f.archived and not f.is_done and f.finding_id not in acted)
    alerts = [fact for fact in _last_of_each(now) if fact.outcome == "alert"]
    sample = [fact for fact in facts if fact.is_sample and not fact.verdict]
    missed = [
        fact
        for fact in facts
        if fact.verdict == "unintended" and period.has(fact.verdict_at) and (fact.archived or fact.is_sample)
    ]
    ending = list(expiring)
    misses = "1 miss" if len(missed) == 1 else f"{len(missed)} misses"
    first, last = period.since[:10], period.until[:10]
    tiles = (
        *([Tile("archived", len(archived), 0)] if done or not proposed else []),
        *([Tile("archived, and no longer so", len(ended), 0)] if ended else []),
        *([Tile("would have been archived", len(proposed), 0)] if proposed else []),
        Tile("alerts", len(alerts), 0),
        Tile("drawn by lot, to look at", len(sample), 0),
        Tile("misses found", len(missed), 0),
    )
    sections = [
        _listed(title, items, policy)
        for title, items in (
            (
                "Misses found: archived, or to be archived but for the audit",
                [fact.decision for fact in missed if fact.decision],
            ),
            ("Archives whose term ends before the next summary", ending),
        )
        if items
    ]
    tables = (
        _table("Archived automatically, by reason", [fact.reason for fact in archived]),
        _table("Would have been archived, by reason", [fact.reason for fact in proposed]),
        _table("Alerts by team tag", [_team(fact.owner) for fact in alerts]),
    )
    notes = [
        _drift(facts, _last_of_each(now), period),
        f"Certified on drawn findings: {certified or 'nothing yet'}.",
    ]
    if proposed:
        told = "no finding was changed" if not done else "these findings were not changed"
        notes.insert(0, f"{len(proposed)} were decided on in shadow mode: {told}.")
    what = (
        f"{len(archived)} archived" if done or not proposed else f"{len(proposed)} would have been archived"
    )
    return Summary(
        to_ascii(f"[access-triage] Summary: {what}, {misses} found", SUBJECT),
        f"Summary of {first} to {last}",
        tuple(notes),
        tiles,
        tuple(table for table in tables if table.counts),
        tuple(sections),
    )


def _last_of_each(facts: Iterable[SummaryFact]) -> list[SummaryFact]:
    """Return the last of the decisions on each finding, in the order of time."""
    last = {fact.finding_id: fact for fact in sorted(facts, key=lambda fact: fact.at)}
    return sorted(last.values(), key=lambda fact: fact.at)


def gap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the largest gap between two cumulative distributions (Kolmogorov-Smirnov).

    Examples
    --------
    >>> gap([1, 2, 3, 4], [3, 4, 5, 6])
    0.5
    """
    first, second = sorted(one), sorted(other)
    return max(
        abs(bisect_right(first, value) / len(first) - bisect_right(second, value) / len(second))
        for value in {*first, *second}
    )


def _drift(facts: Iterable[SummaryFact], now: Sequence[SummaryFact], period: Period) -> str:
    earlier = _last_of_each(fact for fact in facts if period.before <= fact.at < period.since)
    old, new = [fact.score for fact in earlier], [fact.score for fact in now]
    if min(len(old), len(new)) < _FEWEST:
        return (
            f"Score drift: too few findings ({len(new)} in this period and {len(old)} in the one before;"
            f" {_FEWEST} are needed in each)."
        )
    distance, by_chance = gap(old, new), 1.358 * math.sqrt((len(old) + len(new)) / (len(old) * len(new)))
    said = "more than chance explains" if distance > by_chance else "no more than chance explains"
    models = {fact.model for fact in (*earlier, *now)}
    other = " The model has changed in between." if len(models) > 1 else ""
    return (
        f"Score drift: the median went from {_median(old):.1f} to {_median(new):.1f} ({len(old)} and"
        f" {len(new)} findings). The distributions are at most {distance:.2f} apart, {said}"
        f" (Kolmogorov-Smirnov, 5 %: {by_chance:.2f}).{other}"
    )


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _listed(title: str, items: Sequence[LoggedDecision], policy: Policy) -> Section:
    """List those that come first; of very many not all are read."""
    found = section(title, items[:_MOST_READ], policy, _SHOWN)
    return msgspec.structs.replace(found, more=len(items) - len(found.rows))


def _table(title: str, labels: Iterable[str]) -> SummaryTable:
    ranked = sorted(Counter(labels).items(), key=lambda pair: (-pair[1], pair[0]))
    largest = ranked[0][1] if ranked else 1
    counts = [Tile(visible(label, 110), number, 100 * number // largest) for label, number in ranked[:_SHOWN]]
    rest = [number for _, number in ranked[_SHOWN:]]
    if rest:
        counts.append(Tile(f"{len(rest)} others", sum(rest), 0))
    return SummaryTable(title, tuple(counts))


def _reason(decision: Mapping[str, Any]) -> str:
    """Say why a finding was archived, so that alike ones are counted together."""
    reason = str(decision.get("reason", ""))
    if decision.get("outcome") != "archive" or reason.startswith(BY_RULE):
        return reason
    lowest = min(decision.get("contributions") or (), key=lambda one: one["points"], default=None)
    if lowest is None or lowest["points"] >= 0:
        return "score below the threshold"
    return f"score below the threshold, most for: {lowest['text']}"


def _owner(context: Mapping[str, Any]) -> str | None:
    tags = context.get("tags")
    if "tags" in (context.get("unknown") or {}) or not isinstance(tags, dict):
        return None
    return " and ".join(fold(tags).get(_OWNER, ()))


def _team(owner: str | None) -> str:
    if owner is None:
        return "(tags not known)"
    return owner or "(no team tag)"
