"""A finding that ends closes what is open about it, and nobody is mailed about it any more."""

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scoring.aws.analyzers import AccessAnalyzer
from scoring.review import verdict as review
from tests.lambda_.deployment import Deployment, event_of
from tests.lambda_.workflow import both_wirings

pytestmark = both_wirings

ENDS: list[tuple[dict[str, Any], str]] = [
    ({"status": "RESOLVED"}, "resolved"),
    ({"status": "ARCHIVED"}, "archived"),
    ({"isDeleted": True}, "deleted"),
]
each_end = pytest.mark.parametrize(("change", "by"), ENDS, ids=[by for _, by in ENDS])


def burst(here: Deployment) -> tuple[str, str]:
    """Two findings on one key: the first is mailed at once, the second waits."""
    here.set(ANALYZER_ARNS="")
    arn = here.key()
    return here.share(arn, "111122224444"), here.share(arn, "111122225555")


def end(here: Deployment, finding_id: str, change: dict[str, Any], *, announce: bool = True) -> None:
    here.clock.pass_by(minutes=2)
    if change.get("isDeleted"):
        here.aws.findings.delete(finding_id)
    else:
        here.aws.findings.update(finding_id, change, announce=announce)


def open_ids(here: Deployment) -> list[str]:
    return [alert.finding_id for alert in review.open_alerts(here.log)]


@each_end
def test_a_queued_alert_whose_finding_ended_is_never_mailed(
    here: Deployment, change: dict[str, Any], by: str
) -> None:
    mailed, waiting = burst(here)
    end(here, waiting, change)
    assert open_ids(here) == [mailed]
    here.clock.pass_by(minutes=20)
    here.reconcile()
    assert len(here.mails()) == 1
    alert, told = here.items(waiting)
    assert (alert["effect"], alert["ended_by"]) == ("over", by)
    assert (told["effect"], told["outcome"]) == ("none", "skip")
    here.clock.pass_by(minutes=20)
    here.reconcile()
    assert len(here.mails()) == 1


@each_end
def test_a_mailed_alert_is_marked_and_leaves_the_list(
    here: Deployment, change: dict[str, Any], by: str
) -> None:
    mailed, waiting = burst(here)
    end(here, mailed, change)
    assert open_ids(here) == [waiting]
    assert here.items(mailed)[0]["effect"] == "alert"
    assert here.items(mailed)[0]["ended_by"] == by


@pytest.mark.parametrize("status", ["RESOLVED", "ARCHIVED"])
def test_nothing_queued_is_mailed_without_reading_the_finding(here: Deployment, status: str) -> None:
    """The event of the end never arrived."""
    mailed, waiting = burst(here)
    end(here, waiting, {"status": status}, announce=False)
    assert open_ids(here) == [mailed, waiting]
    here.clock.pass_by(minutes=20)
    here.reconcile()
    assert len(here.mails()) == 1
    assert open_ids(here) == [mailed]
    # active again, it alerts again: nobody has been told of it yet
    here.clock.pass_by(minutes=20)
    here.aws.findings.update(waiting, {"status": "ACTIVE"})
    assert open_ids(here) == [mailed, waiting]
    assert here.effects(waiting)[-1] == "alert"
    assert len(here.mails()) == 2


def test_an_alert_is_not_sent_at_once_where_the_finding_ended_before(here: Deployment) -> None:
    """Its event waited in a queue."""
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    here.clock.pass_by(minutes=40)
    here.aws.findings.update(finding_id, {"status": "RESOLVED"})
    here.deliver(event_of(here.aws, finding_id))
    assert here.mails() == []
    assert [item["outcome"] for item in here.items(finding_id)] == ["skip"]
    here.deliver(event_of(here.aws, finding_id, 1))
    assert here.effects(finding_id) == ["none"]


def test_an_interrupted_alert_is_not_sent_again_after_the_end(
    here: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    with monkeypatch.context() as broken:
        broken.setattr("scoring.pipeline.alerts.channels.alert", _crash)
        with pytest.raises(KeyboardInterrupt):
            here.deliver(event_of(here.aws, finding_id))
    assert here.effects(finding_id) == ["intent"]
    here.clock.pass_by(minutes=10)
    here.aws.findings.update(finding_id, {"status": "RESOLVED"})
    here.deliver(event_of(here.aws, finding_id, 1))
    assert here.mails() == []
    assert here.effects(finding_id) == ["over", "none"]


@pytest.mark.parametrize(
    "error", ["ResourceNotFoundException", "AccessDeniedException", "InternalServerException"]
)
def test_what_cannot_be_read_is_mailed(here: Deployment, monkeypatch: pytest.MonkeyPatch, error: str) -> None:
    """Nobody can say that it has ended: whoever deletes an analyzer silences nothing."""

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": error, "Message": ""}}, "GetFindingV2")

    monkeypatch.setattr(AccessAnalyzer, "read", refuse)
    burst(here)
    assert len(here.mails()) == 1
    here.clock.pass_by(minutes=20)
    here.reconcile()
    assert len(here.mails()) == 2


def test_an_end_is_logged(here: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    finding_id = here.share(here.key())
    with caplog.at_level(logging.INFO):
        end(here, finding_id, {"status": "RESOLVED"})
    told = [record for record in caplog.records if getattr(record, "ended", None)]
    assert [(record.finding_id, record.ended) for record in told] == [(finding_id, "resolved")]  # type: ignore[attr-defined]


def test_an_end_that_is_out_of_date_closes_nothing(here: Deployment) -> None:
    finding_id = here.share(here.key())
    here.aws.delivery.at_once = False
    for status in ("RESOLVED", "ACTIVE"):
        here.clock.pass_by(minutes=1)
        here.aws.findings.update(finding_id, {"status": status})
    here.deliver(event_of(here.aws, finding_id, 2))
    here.deliver(event_of(here.aws, finding_id, 1))
    assert open_ids(here) == [finding_id]


def _crash(*_: object) -> str:
    raise KeyboardInterrupt
