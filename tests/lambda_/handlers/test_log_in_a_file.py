"""The whole pipeline on a decision log that is a file: nothing but the storage is another one."""

from pathlib import Path
from typing import Any

import pytest

from scoring.decision_log.log import DecisionLog
from scoring.findings.record import Label
from scoring.pipeline import undo
from scoring.review import verdict
from tests.lambda_.deployment import Deployment
from tests.lambda_.faults import counted


@pytest.fixture(autouse=True)
def in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def in_table(cls: Any, client: Any, name: str, *, keep_days: int | None = None) -> DecisionLog:
        return DecisionLog.in_file(tmp_path / "log.sqlite", create=True, keep_days=keep_days)

    monkeypatch.setattr(DecisionLog, "in_table", classmethod(in_table))


def effects(here: Deployment, finding_id: str) -> list[str]:
    return [decision.indexed for decision in here.log.decisions(finding_id)]


def test_archived_and_brought_back(here: Deployment) -> None:
    here.policy("[archives]\nmost_per_hour = 3\n")
    with counted() as made:
        ids = [here.share(here.development_key()) for _ in range(4)]
    assert not any(service == "dynamodb" for service, _ in made)
    assert [here.status(finding_id) for finding_id in ids] == ["ARCHIVED"] * 3 + ["ACTIVE"]
    assert "Archiving has stopped" in here.subjects()[0]
    undone = list(undo.undo(here.log, here.analyzers, now=here.clock()))
    assert [one.outcome for one in undone] == ["brought back"] * 3
    assert [here.status(finding_id) for finding_id in ids] == ["ACTIVE"] * 4
    assert effects(here, ids[0]) == ["over", "alert"]


def test_a_burst_is_one_list(here: Deployment) -> None:
    here.set(ANALYZER_ARNS="")
    arn = here.key()
    ids = [here.share(arn, f"{number:012}") for number in range(1, 6)]
    here.clock.pass_by(minutes=15)
    here.reconcile()
    first, rest = here.mails()
    assert ids[0] in first.text
    assert all(finding_id in rest.text for finding_id in ids[1:])
    assert {tuple(effects(here, finding_id)) for finding_id in ids} == {("alert",)}


def test_a_verdict_given_and_taken_back(here: Deployment) -> None:
    finding_id = here.share(here.key())
    (alert,) = verdict.open_alerts(here.log)
    label = Label("expected", by="ana", at=here.clock(), source="cli")
    answered = verdict.give(alert, label, here.log)
    assert verdict.act(answered, here.log, here.analyzers, here.clock()) == "archived"
    assert here.status(finding_id) == "ARCHIVED"
    given = verdict.decisions(here.log, finding_id)[0]
    verdict.take_back(given, here.log, here.analyzers, "ben", here.clock())
    assert here.status(finding_id) == "ACTIVE"


def test_what_no_event_told_of_is_found(here: Deployment) -> None:
    finding_id = here.share(here.development_key(), announce=False)
    here.reconcile()
    assert here.status(finding_id) == "ARCHIVED"
