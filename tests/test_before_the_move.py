"""A deployment of the version before the folders were made goes on working.

`before_the_move` was written by that version: the items of a decision log, with the findings and queues that
they are about, and states of the workflow between two functions. (Models and policies of then are in
`tests.training.registry.test_before_the_move`.)
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from embedded.services.lambda_context import LambdaContext
from handlers import archive, evaluate, notify
from scoring.decision_log import audit_key, cursor, similar
from scoring.decision_log.cursor import CallsCursor, SummaryCursor, SuppressionCursor, SweepCursor
from scoring.decision_log.entries import EntryStatus
from scoring.decision_log.hourly_limit import Cap, HourlyLimit
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.sqlite import Sqlite
from scoring.decision_log.storage import Put, write_each
from scoring.explanation.explain import REPEAT
from scoring.findings.record import Label
from scoring.pipeline import undo
from scoring.review import answer, verdict
from scoring.review.links import Links
from tests.lambda_.deployment import TABLE, Deployment, deployed
from training.history.pull import Logged, from_log

HERE = Path(__file__).parent / "before_the_move"
WRITTEN: dict[str, Any] = json.loads((HERE / "log.json").read_text(encoding="utf-8"))
FINDINGS: dict[str, str] = WRITTEN["findings_by_what_happened"]
NAMES = {finding_id: name for name, finding_id in FINDINGS.items()}
ACTIVE_ARCHIVES = {
    "archived",
    "decided on again after shadow mode",
    "archive intended, not done",
    "archived, not written",
}
OPEN_ALERTS = {
    "archived, undone",
    "alerted",
    "alerted, verdict taken back",
    "alerted, record compressed",
    "first of a burst",
    "queued of a burst",
    "queued of a burst, too",
    "queued for the digest",
}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(monkeypatch, tmp_path) as box:
        box.aws.delivery.at_once = False
        sqs = box.aws.client("sqs")
        for name, tags in WRITTEN["queues"].items():
            sqs.create_queue(QueueName=name, tags=tags)
        box.aws.client("iam").create_user(UserName="old")
        for finding in WRITTEN["findings"]:
            box.aws.findings.put(finding, announce=False)
        for item in WRITTEN["items"]:
            box.dynamodb.put_item(TableName=TABLE, Item=typed(item))
        box.clock.moment = datetime.fromisoformat(WRITTEN["now"])
        yield box


def typed(item: dict[str, Any]) -> dict[str, Any]:
    """Bytes are Base64 in the file."""
    return {
        name: {"B": base64.b64decode(value["B"]["base64"])} if "B" in value else value
        for name, value in item.items()
    }


def named(finding_ids: Any) -> set[str]:
    return {NAMES.get(finding_id, finding_id) for finding_id in finding_ids}


def test_every_item_is_read(here: Deployment) -> None:
    decisions = list(here.log.all_decisions())
    stored = [item for item in WRITTEN["items"] if item["item"]["S"].startswith("decision#")]
    assert len(decisions) == len(stored)
    for decision in decisions:
        assert decision.read()[1].outcome == decision.outcome if "decision" in decision.record else True
        assert here.log.latest(decision.finding_id) is not None
    by_status = {
        status: named(d.finding_id for d in decisions if d.status is status) for status in EntryStatus
    }
    assert by_status[EntryStatus.INTENT] == {
        "archive intended, not done",
        "archived, not written",
        "alert sent, not written",
    }
    assert by_status[EntryStatus.ENDED] == {"archived, undone"}
    assert by_status[EntryStatus.QUEUED] >= {
        "queued of a burst",
        "queued of a burst, too",
        "queued for the digest",
    }
    (compressed,) = here.log.decisions(FINDINGS["alerted, record compressed"])
    assert compressed.packed
    assert len(json.dumps(compressed.record)) > 100_000
    unreadable = [decision for decision in decisions if "event" in decision.record]
    assert [decision.outcome for decision in unreadable] == ["alert"]


def test_cursors_and_the_key_of_the_sample_are_where_they_were(here: Deployment) -> None:
    items = {(item["finding_id"]["S"], item["item"]["S"]): item for item in WRITTEN["items"]}
    sweep = cursor.read(here.log, SweepCursor)
    assert (sweep.analyzer, sweep.mode, sweep.is_first, sweep.waiting) == (1, "enforce", False, 0)
    assert sweep.finished_at == items["reconcile", "progress"]["finished_at"]["S"]
    assert cursor.read(here.log, SummaryCursor).until == items["summary", "progress"]["until"]["S"]
    assert (
        cursor.read(here.log, SuppressionCursor).checked_at == items["watch", "progress"]["checked_at"]["S"]
    )
    assert cursor.read(here.log, CallsCursor).seen_at == items["watch", "calls"]["seen_at"]["S"]
    secret = base64.b64decode(items["audit", "key"]["secret"]["B"]["base64"])
    assert audit_key.secret_of(here.log) == secret


def test_limits_count_on(here: Deployment) -> None:
    (times,) = [item["all"]["L"] for item in WRITTEN["items"] if item["item"]["S"] == "archives"]
    last = datetime.fromtimestamp(int(times[0]["N"]) / 1000, UTC)
    within = sum(int(time["N"]) > (last - timedelta(hours=1)).timestamp() * 1000 for time in times)
    limit = HourlyLimit("archives", (Cap("all", within + 1),))
    assert within >= 2
    assert limit.room(here.log, last) == 1
    assert [limit.admit(here.log, last) for _ in range(2)] == [True, False]


def test_archives_are_undone(here: Deployment) -> None:
    would = undo.undo(here.log, now=here.clock())
    assert named(undone.archive.finding_id for undone in would) == ACTIVE_ARCHIVES
    here.clock.pass_by(minutes=5)
    done = {
        undone.archive.finding_id: undone.outcome
        for undone in undo.undo(here.log, here.analyzers, now=here.clock())
    }
    assert named(done) == ACTIVE_ARCHIVES
    assert set(done.values()) == {"brought back"}
    here.aws.deliver()
    here.clock.pass_by(hours=1)
    here.reconcile()  # no event tells of the one that AWS had not archived yet
    for finding_id in done:
        assert here.status(finding_id) == "ACTIVE"
        last = here.items(finding_id)[-1]
        assert last["outcome"] == "alert"
        assert "reactivated" in [rail["name"] for rail in last["record"]["decision"]["guardrails"]]


def test_open_alerts_are_answered(here: Deployment) -> None:
    assert named(alert.finding_id for alert in verdict.open_alerts(here.log)) == OPEN_ALERTS
    past = similar.nearest(here.log, verdict.find(here.log, FINDINGS["first of a burst"]).case)
    assert {found.said.partition(",")[0] for found in past} == {"Expected", "Unintended"}
    for name in ("alerted", "alerted, verdict taken back", "queued of a burst"):
        alert = verdict.find(here.log, FINDINGS[name])
        label = Label("expected", by="ana", at=here.clock(), source="cli")
        said = verdict.act(verdict.give(alert, label, here.log), here.log, here.analyzers, here.clock())
        assert said == "archived"
        assert here.status(FINDINGS[name]) == "ARCHIVED"
    expected = verdict.find(here.log, FINDINGS["alerted, expected"])
    assert expected.verdict is not None
    assert (expected.verdict.verdict, expected.verdict.note) == ("expected", "the partner's queue")
    said = verdict.take_back(expected, here.log, here.analyzers, "ana", here.clock())
    assert said == "the finding is active again"


def test_a_link_that_was_sent_is_good(here: Deployment) -> None:
    links = Links(url="", table=TABLE, keys=("a secret of the fixture, long enough",))
    token = WRITTEN["link_to_expect_what_was_alerted"].rpartition("/")[2]
    link = links.read(token, here.clock())
    assert isinstance(answer.link_state(link, here.log), answer.OpenLink)
    assert link.finding_id == FINDINGS["alerted"]


def test_the_schedule_goes_on(here: Deployment) -> None:
    here.policy('[alerts]\nsummary = "daily"\n')
    here.clock.pass_by(minutes=20)
    here.reconcile()
    (burst,) = [mail for mail in here.mails() if "2 more: resource" in (mail.subject or "")]
    for name in ("queued of a burst", "queued of a burst, too"):
        assert FINDINGS[name] in burst.text
        assert here.effects(FINDINGS[name]) == ["alert"]
    for name in ("archive intended, not done", "archived, not written"):
        assert here.status(FINDINGS[name]) == "ARCHIVED"
        assert here.effects(FINDINGS[name])[-1] == "archive"
    (again,) = [mail for mail in here.mails() if FINDINGS["alert sent, not written"] in mail.text]
    assert REPEAT in again.text
    assert here.effects(FINDINGS["alert sent, not written"]) == ["alert"]
    # What was decided on in shadow mode is decided on again.
    assert here.effects(FINDINGS["decided on in shadow mode"])[-1] == "archive"
    here.clock.pass_by(hours=25)
    here.reconcile()
    subjects = " | ".join(here.subjects())
    assert "Digest" in subjects
    assert "Summary" in subjects


@pytest.mark.parametrize(
    ("name", "step", "key", "note"),
    [
        ("new in the workflow", evaluate, "evaluated", ""),
        ("archived, not written", archive, "archived", "our own archive"),
        ("alert sent, not written", notify, "notified", "its sending had been interrupted"),
    ],
)
def test_a_workflow_that_is_under_way_goes_on(
    here: Deployment, name: str, step: Any, key: str, note: str
) -> None:
    state = WRITTEN["workflow_states"][name]
    here.clock.pass_by(minutes=5)
    context = LambdaContext("step", "arn:aws:lambda:eu-west-1:111122223333:function:step", "1")
    part = step.handler(state, context)
    if name == "new in the workflow":
        assert part["next"] == "ARCHIVE"
        part = archive.handler(json.loads(json.dumps({**state, key: part})), context)
        assert here.status(FINDINGS[name]) == "ARCHIVED"
    assert (part["next"], part["note"]) == ("DONE", note)
    assert part["effect"] == {"archived": "none", "notified": "alert"}.get(key, "archive")


def test_the_history_is_pulled(here: Deployment) -> None:
    from collections import Counter

    known = Logged()
    records = list(from_log(here.log, known, Counter()))
    labels = Counter(record["label"]["verdict"] for record in records if "label" in record)
    assert labels == {"expected": 1, "unintended": 1}
    assert named(known.archived) == ACTIVE_ARCHIVES | {"archived, undone"}


def test_the_log_may_move_into_a_file(here: Deployment, tmp_path: Path) -> None:
    """The log says the same whatever it is stored in."""
    storage = Sqlite(tmp_path / "log.sqlite", create=True)
    items = list(here.log.storage.with_prefix(""))
    assert len(items) == len(WRITTEN["items"])
    assert all(write_each(storage, [Put(item=item) for item in items]))
    moved = DecisionLog(storage)
    assert list(verdict.open_alerts(moved)) == list(verdict.open_alerts(here.log))
    assert list(undo.active_archives(moved)) == list(undo.active_archives(here.log))
    assert audit_key.secret_of(moved) == audit_key.secret_of(here.log)
    alert = verdict.find(moved, FINDINGS["alerted"])
    assert similar.nearest(moved, alert.case, alert.item) == similar.nearest(here.log, alert.case, alert.item)
    moved.close()


ADDED = {"schema"}
"""Attributes that came after the move; what reads items does without them."""


def test_an_item_of_now_has_the_attributes_of_then(here: Deployment) -> None:
    here.aws.delivery.at_once = True
    here.clock.pass_by(hours=2)
    now = {
        "alerted": here.share(here.key(), "999900001111"),
        "archived": here.share(here.development_key(), "999900002222"),
    }
    then = {(item["finding_id"]["S"], item["item"]["S"]): set(item) for item in WRITTEN["items"]}
    for name, finding_id in now.items():
        old = {key[1].partition("#")[0]: found for key, found in then.items() if key[0] == FINDINGS[name]}
        new = {
            item["item"].partition("#")[0]: set(item) for item in here.log.storage.of_finding(finding_id, "")
        }
        assert {name: found - ADDED for name, found in new.items()} == old
