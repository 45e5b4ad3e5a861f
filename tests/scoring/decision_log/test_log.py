"""The log's own promises, whatever it is stored in: one writer wins, nothing is half done, limits hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from scoring.decision_log import archive_counts, audit_key, cursor, queued, verdicts
from scoring.decision_log.burst_window import BurstWindow
from scoring.decision_log.cursor import SummaryCursor, SweepCursor
from scoring.decision_log.entries import Entry, EntryStatus, FindingState, QueuedAlert, stamp
from scoring.decision_log.hourly_limit import Cap, HourlyLimit
from scoring.decision_log.log import DecisionLog, InProgress, LimitReached
from scoring.decision_log.storage import Put
from scoring.files.errors import BadInput
from scoring.findings.record import Label, Origin

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def entry(finding_id: str = "f", **more: Any) -> Entry:
    decision = {"outcome": "archive", "score": 3.0}
    plain: dict[str, Any] = {
        "finding_id": finding_id,
        "status": "ACTIVE",
        "outcome": "archive",
        "content": "c",
        "facts": {"tags": "t"},
        "record": {"finding": {"id": finding_id}, "context": {}, "decision": decision},
        "mode": "enforce",
        "policy_sha256": "p",
        "model": {"version": "1", "sha256": "m"},
        "updated_at": "2026-11-02T09:00:00Z",
        "analyzer_arn": "arn:analyzer",
    }
    return Entry(**(plain | more))


def statuses(log: DecisionLog, finding_id: str = "f") -> list[tuple[str, str]]:
    return [(decision.status.name, decision.effect) for decision in log.decisions(finding_id)]


def archived(log: DecisionLog, finding_id: str = "f", now: datetime = NOW) -> FindingState:
    return log.finish(log.intend(entry(finding_id), "archive", latest=None, now=now), now=now)


def test_from_intent_to_outcome(log: DecisionLog) -> None:
    assert log.latest("f") is None
    intent = log.intend(entry(), "archive", latest=None, now=NOW)
    assert log.latest("f") == intent
    assert (intent.is_unfinished, intent.version, intent.lease_until) == (
        True,
        1,
        stamp(NOW + timedelta(minutes=2)),
    )
    assert statuses(log) == [("INTENT", "archive")]
    assert [one.finding_id for one in log.by_effect(EntryStatus.INTENT)] == ["f"]
    done = log.finish(intent, now=LATER)
    assert log.latest("f") == done
    assert (done.is_unfinished, done.version, done.effect) == (False, 2, "archive")
    assert statuses(log) == [("DONE", "archive")]
    assert [one.done_at for one in log.by_effect("archive")] == [stamp(LATER)]
    assert list(log.by_effect(EntryStatus.INTENT)) == []
    (decision,) = log.decisions("f")
    assert decision == log.decision(done)
    assert (decision.record, decision.model_version) == (entry().record, "1")


def test_whoever_comes_second_writes_nothing(log: DecisionLog) -> None:
    intent = log.intend(entry(), "archive", latest=None, now=NOW)
    second: list[Callable[[], object]] = [
        lambda: log.intend(entry(), "alert", latest=None, now=LATER),
        lambda: log.settle(entry(), "none", latest=None, now=LATER),
    ]
    for write in second:
        with pytest.raises(InProgress):
            write()
    taken = log.take_over(intent, now=LATER)
    stale: list[Callable[[], object]] = [
        lambda: log.finish(intent, now=LATER),
        lambda: log.take_over(intent, now=LATER),
        lambda: log.seen_again(intent, entry()),
    ]
    for write in stale:
        with pytest.raises(InProgress):
            write()
    assert log.latest("f") == taken
    assert statuses(log) == [("INTENT", "archive")]


def test_an_outcome_that_is_written_twice_is_written_once(log: DecisionLog) -> None:
    """The answer to the first write may have been lost."""
    intent = log.intend(entry(), "alert", latest=None, now=NOW)
    assert log.finish(intent, now=LATER) == log.finish(intent, now=LATER)


def test_what_follows_ends_an_archive_and_an_intent(log: DecisionLog) -> None:
    done = archived(log)
    alert = log.settle(entry(outcome="alert"), "alert", latest=done, now=LATER)
    assert statuses(log) == [("ENDED", "archive"), ("DONE", "alert")]
    intent = log.intend(entry(), "archive", latest=alert, now=LATER)
    assert intent.alerted == alert.decision_item, "the same was alerted on"
    back = log.withdraw(intent, now=LATER)
    assert statuses(log) == [("ENDED", "archive"), ("DONE", "alert"), ("ENDED", "archive")]
    assert (back.effect, back.decision_item, back.alerted) == ("alert", alert.decision_item, "")


def test_only_what_no_longer_matters_expires(log: DecisionLog) -> None:
    log = msgspec.structs.replace(log, keep_days=10)

    def expiring(finding_id: str) -> list[bool]:
        return ["expires_at" in item for item in log.storage.of_finding(finding_id, "decision#")]

    state = archived(log)
    assert expiring("f") == [False]
    log.settle(entry(), "none", latest=state, now=LATER)
    assert expiring("f") == [True, True]
    log.settle(entry("g"), "alert", latest=None, now=NOW, waiting=QueuedAlert("burst", stamp(LATER), "x"))
    assert expiring("g") == [False]


def test_a_newer_version_without_news_is_noted(log: DecisionLog) -> None:
    state = archived(log)
    log.seen_again(state, entry(updated_at="2026-11-02T10:00:00Z", facts={"aliases": "a"}))
    latest = log.latest("f")
    assert latest is not None
    assert (latest.updated_at, latest.facts) == ("2026-11-02T10:00:00Z", {"tags": "t", "aliases": "a"})


def test_bringing_archives_back(log: DecisionLog) -> None:
    states = [archived(log, name) for name in "fgh"]
    log.seen_again(states[1], entry("g"))
    marked = log.will_reactivate(states, "undo", LATER)
    assert [state.finding_id for state in marked] == ["f", "h"], "another invocation has changed g"
    assert log.latest("f") == marked[0]
    assert (marked[0].reactivated, marked[0].reactivated_at) == ("undo", stamp(LATER))
    log.end_archives({"undo": marked[:1], "gone": marked[1:]}, LATER)
    assert [statuses(log, name) for name in "fgh"] == [
        [("ENDED", "archive")],
        [("DONE", "archive")],
        [("ENDED", "archive")],
    ]
    changed = log.latest("g")
    assert changed is not None
    first = log.will_reactivate_changed(changed, LATER)
    assert (first.reactivated, first.was_changed) == ("expiry", True)
    assert log.will_reactivate_changed(first, LATER).reactivated == "undo", "the second time"


def test_a_limit_goes_with_its_intent(log: DecisionLog) -> None:
    limit = HourlyLimit("archives", (Cap("all", 2), Cap("of one", 1)))
    log.intend(entry("a"), "archive", latest=None, now=NOW, limits=[limit])
    with pytest.raises(LimitReached) as reached:
        log.intend(entry("b"), "archive", latest=None, now=NOW, limits=[limit])
    assert (reached.value.name, reached.value.cap) == ("archives", "of one")
    assert log.latest("b") is None
    other = HourlyLimit("archives", (Cap("all", 2),))
    with pytest.raises(InProgress):
        log.intend(entry("a"), "archive", latest=None, now=NOW, limits=[other])
    assert other.room(log, NOW) == 1, "an intent that was not written takes no room"
    assert other.admit(log, NOW)
    assert not other.admit(log, NOW)
    other.count(log, NOW)
    assert other.room(log, NOW) == -1
    assert other.room(log, NOW + timedelta(minutes=61)) == 2
    assert other.admit(log, NOW + timedelta(minutes=61))
    other.reset(log)
    assert other.room(log, NOW) == 2


def test_a_limit_forgets_before_its_item_gets_long(log: DecisionLog) -> None:
    limit = HourlyLimit("mails", (Cap("all", 1),))
    for hour in range(80):
        assert limit.admit(log, NOW + timedelta(hours=2 * hour))
    item = log.storage.get(("limits", "mails"))
    assert item is not None
    assert len(item["all"]) < 34


def test_a_window_lets_one_out(log: DecisionLog) -> None:
    window, other = (BurstWindow(name, timedelta(minutes=15)) for name in ("resource a", "resource b"))
    log.intend(entry("a"), "alert", latest=None, now=NOW, limits=[window])
    with pytest.raises(LimitReached) as reached:
        log.intend(entry("b"), "alert", latest=None, now=LATER, limits=[other, window])
    assert reached.value.name == "resource a"
    log.intend(entry("b"), "alert", latest=None, now=LATER, limits=[other])
    log.intend(entry("c"), "alert", latest=None, now=NOW + timedelta(minutes=15), limits=[window])


def test_queued_alerts_are_claimed_once(log: DecisionLog) -> None:
    waiting = QueuedAlert("burst", stamp(LATER), "resource a")
    for name in "abc":
        log.settle(entry(name, outcome="alert"), "alert", latest=None, now=NOW, waiting=waiting)
    alerts = list(queued.waiting(log, NOW))
    assert [(alert.finding_id, alert.route, alert.due_at, alert.group) for alert in alerts] == [
        (name, "burst", stamp(LATER), "resource a") for name in "abc"
    ]
    assert queued.claim(log, alerts[:2], NOW) == alerts[:2]
    assert queued.claim(log, alerts, NOW) == alerts[2:], "the others are claimed"
    assert list(queued.waiting(log, NOW)) == []
    queued.mark_sent(log, [alerts[0].key], "sns topic")
    queued.mark_sent(log, [alerts[0].key], "ses team")
    queued.count_try(log, [alerts[0].key, ("nobody", "decision#x")])
    queued.mark_done(log, alerts[1:], LATER)
    (left,) = queued.waiting(log, NOW + timedelta(minutes=3))
    assert (left.finding_id, set(left.sent), left.tries) == ("a", {"sns topic", "ses team"}, 1)
    assert log.storage.get(("nobody", "decision#x")) is None
    assert queued.claim(log, alerts, NOW + timedelta(minutes=3)) == alerts[:1], "what is done is not sent"
    assert statuses(log, "b") == [("DONE", "alert")]


def test_one_verdict_at_a_time(log: DecisionLog) -> None:
    log.settle(entry(outcome="alert"), "alert", latest=None, now=NOW)
    (decision,) = log.decisions("f")
    label = Label("expected", "ana", LATER, "cli", "why\udce4", verified=False, origin=Origin("203.0.113.9"))
    assert verdicts.give(log, decision, label)
    assert not verdicts.give(log, decision, label)
    verdicts.note_acted(log, decision, "archived")
    (given,) = log.decisions("f")
    assert given.verdict == msgspec.structs.replace(label, note="why\\udce4")
    assert given.acted == "archived"
    taken = verdicts.take_back(log, given, label, "ben", LATER, "active again")
    assert (taken, verdicts.take_back(log, given, label, "ben", LATER, "")) == (True, False)
    verdicts.note_acted(log, given, "too late")
    (back,) = log.decisions("f")
    assert (back.verdict, back.acted, len(back.labels_before)) == (None, "", 1)
    assert back.labels_before[0]["taken_back_by"] == "ben"
    assert not verdicts.give(log, decision, label), "it rests on what was before"
    assert verdicts.give(log, back, label)


def test_cursors(log: DecisionLog) -> None:
    assert cursor.read(log, SweepCursor) == SweepCursor()
    progress = SweepCursor(analyzer=2, token="t", is_first=False, waiting=3, mode="enforce")
    cursor.write(log, progress)
    cursor.write(log, SummaryCursor(until="2026"))
    assert cursor.read(log, SweepCursor) == progress
    assert cursor.read(log, SummaryCursor).until == "2026"


def test_archives_of_others_are_counted_once_each(log: DecisionLog) -> None:
    def count(*ids: str, minutes: int = 0) -> int:
        return archive_counts.count(log, "arn:role", ids, NOW + timedelta(minutes=minutes))

    assert [count("a", "b"), count("b", "c"), count("d", minutes=60), count("e", minutes=180)] == [2, 3, 4, 1]
    assert archive_counts.count(log, "arn:another", ["a"], NOW) == 1


def test_the_secret_is_made_once(log: DecisionLog) -> None:
    first = audit_key.secret_of(log)
    audit_key.keep_secret(log, b"another")
    item = log.storage.get(("audit", "key"))
    assert item is not None
    assert (len(first), item["secret"]) == (32, first)


@pytest.mark.parametrize(
    ("item", "name", "said"),
    [
        ("latest", "state", "invalid enum value 'later'"),
        ("latest", "version", "expected int, got str"),
        ("decision#", "tries", "expected int, got str"),
        ("decision#", "label", "expected object | null, got str"),
    ],
)
def test_an_item_that_is_none_of_ours_is_named(log: DecisionLog, item: str, name: str, said: str) -> None:
    archived(log)
    (found,) = log.storage.of_finding("f", item)
    log.storage.write([Put(item={**found, name: "later"})])
    with pytest.raises(BadInput) as refused:
        (log.latest("f"), list(log.decisions("f")))
    assert str(refused.value) == f"decision log: f {found['item']}: {name}: {said}"
