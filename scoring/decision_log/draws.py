"""The weekly draw: which of the findings that would be archived a person reviews, and of how many.

Windows are the weeks of the calendar (ISO 8601, UTC). When a week is over, those of its findings are drawn
whose lot is smallest: so many as the policy's ``archives.draws_per_week`` says, shared out among the strata.
A stratum is what one model would archive by score, or by the policy's rules. Where nothing is archived
(shadow mode, or no certificate yet) any finding can be drawn at the week's end. Where archives happen, a
finding goes to a person at once instead, if its lot is below a share that is fixed for the whole week by what
came in the week before; of those the smallest lots are drawn at the end.

What is drawn depends on the lots alone, and the lots on a secret: given its size, each draw is a simple
random sample of its stratum.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import msgspec

from scoring.decision import audit_sample
from scoring.decision.audit_sample import StratumKind
from scoring.decision.decide import BY_RULE
from scoring.decision_log.audit_key import secret_of
from scoring.decision_log.decisions import LoggedDecision, from_item
from scoring.decision_log.entries import EntryStatus, stamp
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import IS_NEW, ConditionFailed, Item, Put, Storage, convert
from scoring.policy.limits import Archives

WEEK: Final = timedelta(weeks=1)
LOOKBACK: Final = 26
"""Weeks that are closed late at most, and of which drawn findings wait for a verdict."""

_PARTITION: Final = "draws"
_WINDOW, _SHARE = "window#", "share#"
# More are held than drawn on average, so that a week with fewer findings still has enough.
_HEADROOM: Final = 1.25
_FEWEST_HELD: Final = 3
_EFFECTS: Final[tuple[Any, ...]] = (
    "archive",
    "alert",
    "none",
    EntryStatus.INTENT,
    EntryStatus.QUEUED,
    EntryStatus.ENDED,
)


class Window(NamedTuple):
    """A week: its name, when it begins, and when the next one does."""

    name: str
    since: datetime
    until: datetime


def window_at(moment: datetime) -> Window:
    """Return the week that a moment is in.

    Examples
    --------
    >>> window_at(datetime(2026, 12, 1, tzinfo=UTC)).name
    '2026-W49'
    """
    year, week, _ = moment.astimezone(UTC).isocalendar()
    first = date.fromisocalendar(year, week, 1)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Window(f"{year}-W{week:02}", since, since + WEEK)


class Drawn(msgspec.Struct, frozen=True):
    """A drawn finding: the decision by which it would have been archived, and what it said then."""

    finding_id: str
    item: str
    content: str


class Stratum(msgspec.Struct, frozen=True, kw_only=True):
    """What one model would have archived in one week, by score or by rule.

    Attributes
    ----------
    model : str
        Digest.
    effect : str
        ``none`` where nothing was archived, otherwise ``archive``.
    archived : int
        How many findings would have been archived, those that a person had instead among them.
    drawn : tuple of Drawn
    """

    model: str
    kind: StratumKind
    effect: Literal["none", "archive"]
    mode: str
    archived: int
    drawn: tuple[Drawn, ...]


class ClosedWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A week that is over, with its draw."""

    name: str
    since: str
    until: str
    strata: tuple[Stratum, ...]

    @property
    def drawn(self) -> Iterator[Drawn]:
        """All findings that were drawn."""
        for stratum in self.strata:
            yield from stratum.drawn


class Shares(msgspec.Struct, frozen=True):
    """Which share of the findings goes to a person at once, by stratum; fixed for a week."""

    score: float
    rule: float


class _Unit(NamedTuple):
    """A finding with what it said, as one model would archive it; decided on first in this week."""

    drawn: Drawn
    lot: float
    is_held: bool


_Key = tuple[str, StratumKind, Literal["none", "archive"], str]


def share_for(log: DecisionLog, archives: Archives, kind: StratumKind, now: datetime) -> float:
    """Return the probability with which a finding that would be archived goes to a person, in this week."""
    window = window_at(now)
    shares = _shares(log.storage, window.name) or _fix_shares(log, archives, window)
    return float(getattr(shares, kind))


def close_due(
    log: DecisionLog, archives: Archives, now: datetime, *, weeks: int = LOOKBACK
) -> list[ClosedWindow]:
    """Draw for each week that is over and has no draw yet; return all closed weeks, the oldest first.

    Parameters
    ----------
    weeks : int
        So many are looked at; those before the log's first decision are left out.
    """
    closed = closed_windows(log)
    if not archives.draws_per_week:
        return closed
    known = {one.name for one in closed}
    window = window_at(now - WEEK)
    for _ in range(weeks):
        if window.name not in known:
            made = _close(log, archives, window)
            if made is not None:
                closed.append(made)
        window = window_at(window.since - WEEK)
    return sorted(closed, key=lambda one: one.since)


def is_due(log: DecisionLog, archives: Archives, now: datetime) -> bool:
    """Say whether the last week that is over has no draw yet; one read."""
    last = window_at(now - WEEK)
    return bool(archives.draws_per_week) and log.storage.get((_PARTITION, _WINDOW + last.name)) is None


def closed_windows(log: DecisionLog) -> list[ClosedWindow]:
    """Return the weeks with a draw, the oldest first."""
    return [_read(item) for item in log.storage.of_finding(_PARTITION, _WINDOW)]


def waiting(log: DecisionLog) -> list[LoggedDecision]:
    """Return the drawn findings that no alert stands for and that have no verdict, oldest first."""
    drawn = {
        (one.finding_id, one.item): one
        for window in closed_windows(log)[-LOOKBACK:]
        for stratum in window.strata
        if stratum.effect == "none"
        for one in stratum.drawn
    }
    items = map(from_item, log.storage.get_many(list(drawn)))
    unanswered = [drawn[item.key] for item in items if item.label is None]
    still = [one for one in unanswered if verdict_of(log, one) is None]
    found = [decision for one in still if (decision := _decision(log, one)) is not None]
    return sorted(found, key=lambda decision: decision.decided_at)


def verdict_of(log: DecisionLog, drawn: Drawn) -> Mapping[str, Any] | None:
    """Return the latest verdict on what a drawn finding said, on whichever of its decisions it was given."""
    labels = [
        decision.label
        for decision in log.decisions(drawn.finding_id)
        if decision.label is not None and decision.content == drawn.content
    ]
    return max(labels, key=lambda label: str(label.get("at", "")), default=None)


def _decision(log: DecisionLog, drawn: Drawn) -> LoggedDecision | None:
    """Return the latest decision on what a drawn finding said."""
    same = [one for one in log.decisions(drawn.finding_id) if one.content == drawn.content]
    return same[-1] if same and "decision" in same[-1].record else None


def _close(log: DecisionLog, archives: Archives, window: Window) -> ClosedWindow | None:
    """Draw for a week; None where nothing was decided in it."""
    strata: dict[_Key, dict[tuple[str, str], _Unit]] = {}
    count = 0
    for decision in would_archive(log, window):
        count += 1
        key, unit = _unit(log, decision, window)
        strata.setdefault(key, {}).setdefault((unit.drawn.finding_id, unit.drawn.content), unit)
    if not count and not _has_decisions_before(log, window):
        return None
    size = {key: len(units) for key, units in strata.items()}
    most = share_out(archives.draws_per_week, size)
    closed = ClosedWindow(
        name=window.name,
        since=stamp(window.since),
        until=stamp(window.until),
        strata=tuple(
            Stratum(
                model=key[0],
                kind=key[1],
                effect=key[2],
                mode=key[3],
                archived=len(units),
                drawn=_first(list(units.values()), most[key], is_free=key[2] == "none"),
            )
            for key, units in sorted(strata.items())
        ),
    )
    item: Item = {"finding_id": _PARTITION, "item": _WINDOW + window.name, **msgspec.to_builtins(closed)}
    with suppress(ConditionFailed):  # another run was faster, and has drawn the same
        log.storage.write([Put(item=item, only_if=(IS_NEW,))])
    stored = log.storage.get((_PARTITION, _WINDOW + window.name))
    return closed if stored is None else _read(stored)


def would_archive(log: DecisionLog, window: Window) -> Iterator[LoggedDecision]:
    """Give the decisions of a week with the outcome ``archive``, oldest first."""
    last = stamp(window.until - timedelta(microseconds=1))
    found = [
        one
        for one in log.by_effect(*_EFFECTS, since=stamp(window.since), until=last)
        if one.outcome == "archive" and "decision" in one.record
    ]
    yield from sorted(found, key=lambda one: (one.decided_at, one.finding_id))


def _unit(log: DecisionLog, decision: LoggedDecision, window: Window) -> tuple[_Key, _Unit]:
    record = decision.record
    kind: StratumKind = "rule" if str(record["decision"].get("reason", "")).startswith(BY_RULE) else "score"
    effect: Literal["none", "archive"] = "none" if decision.indexed == "none" else "archive"
    audit = record.get("audit") or {}
    drawn = Drawn(decision.finding_id, decision.item, decision.content)
    lot = audit_sample.lot(drawn.finding_id, drawn.content, decision.model_sha256, secret_of(log))
    is_held = bool(audit.get("chosen")) and audit.get("window") == window.name
    return (decision.model_sha256, kind, effect, decision.mode), _Unit(drawn, lot, is_held)


def _first(units: Sequence[_Unit], most: int, *, is_free: bool) -> tuple[Drawn, ...]:
    """Return the findings with the smallest lots; where archives happened, of those that a person had."""
    ranked = sorted(units, key=lambda unit: (unit.lot, unit.drawn.finding_id))
    return tuple(unit.drawn for unit in ranked if is_free or unit.is_held)[:most]


def share_out(draws: int, size: Mapping[Any, int]) -> dict[Any, int]:
    """Share draws out among strata by their size; each has at least one, and none more than there are in it.

    Examples
    --------
    >>> share_out(10, {"score": 90, "rule": 10}), share_out(10, {"score": 4, "rule": 1})
    ({'score': 9, 'rule': 1}, {'score': 4, 'rule': 1})
    """
    total = max(1, sum(size.values()))
    exact = {key: draws * n / total for key, n in size.items()}
    whole = {key: max(1, int(value)) for key, value in exact.items()}
    left = draws - sum(whole.values())
    for key in sorted(exact, key=lambda key: (int(exact[key]) - exact[key], str(key)))[: max(0, left)]:
        whole[key] += 1
    return {key: min(number, size[key]) for key, number in whole.items()}


def _has_decisions_before(log: DecisionLog, window: Window) -> bool:
    found = log.by_effect(*_EFFECTS, until=stamp(window.until - timedelta(microseconds=1)))
    return next(found, None) is not None


def _fix_shares(log: DecisionLog, archives: Archives, window: Window) -> Shares:
    """Fix a week's shares by what the week before would have archived; whoever is first fixes them."""
    before = Window("", window.since - WEEK, window.since)
    size: dict[StratumKind, int] = {"score": 0, "rule": 0}
    for decision in would_archive(log, before):
        size[_unit(log, decision, before)[0][1]] += 1
    most = share_out(archives.draws_per_week, {kind: n for kind, n in size.items() if n})
    # Nothing to go by: what a person's rule expects is archived then, and no certificate counts on it.
    without: dict[StratumKind, float] = {"score": archives.audit_share, "rule": 0.0}
    share = {
        kind: min(1.0, max(_FEWEST_HELD, _HEADROOM * most[kind]) / n) if n else without[kind]
        for kind, n in size.items()
    }
    shares = Shares(score=share["score"], rule=share["rule"])
    # As text: storages take no fractions.
    text = msgspec.json.encode(shares).decode()
    item: Item = {"finding_id": _PARTITION, "item": _SHARE + window.name, "shares": text}
    with suppress(ConditionFailed):
        log.storage.write([Put(item=item, only_if=(IS_NEW,))])
    _shares.cache_clear()
    return _shares(log.storage, window.name) or shares


@lru_cache(maxsize=16)
def _shares(storage: Storage, name: str) -> Shares | None:
    found = storage.get((_PARTITION, _SHARE + name))
    return None if found is None else msgspec.json.decode(found["shares"], type=Shares)


def _read(item: Item) -> ClosedWindow:
    return convert(item, ClosedWindow)
