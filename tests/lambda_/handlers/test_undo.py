"""Every automatic archive can be found and undone."""

from datetime import timedelta

import pytest
from botocore.exceptions import ReadTimeoutError

from scoring.pipeline.undo import undo
from tests.lambda_.deployment import Deployment
from tests.lambda_.faults import refused


def archive(here: Deployment, count: int) -> list[str]:
    return [here.share(here.development_key()) for _ in range(count)]


def outcomes(here: Deployment, **chosen: object) -> list[tuple[str, str]]:
    undone = undo(here.log, here.analyzers, now=here.clock(), **chosen)  # type: ignore[arg-type]
    return [(one.archive.finding_id, one.outcome) for one in undone]


def test_a_dry_run_tells_and_changes_nothing(here: Deployment) -> None:
    (finding_id,) = archive(here, 1)
    (would,) = undo(here.log, now=here.clock())
    assert (would.archive.finding_id, would.outcome) == (finding_id, "would be brought back")
    assert would.archive.reason == "expected by the policy's rule: development (the sharer can set tags)"
    assert here.status(finding_id) == "ARCHIVED"


def test_what_was_undone_alerts_and_is_never_archived_again(here: Deployment) -> None:
    (finding_id,) = archive(here, 1)
    assert outcomes(here) == [(finding_id, "brought back")]
    assert here.status(finding_id) == "ACTIVE"
    (mail,) = here.mails()
    assert "re-opened by triage undo" in mail.text
    here.clock.pass_by(minutes=1)
    here.aws.findings.update(finding_id, {"condition": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    assert here.status(finding_id) == "ACTIVE"
    assert outcomes(here) == []
    assert here.items(finding_id)[0]["ended_by"] == "undo"


def test_by_finding_by_time_and_by_model(here: Deployment) -> None:
    first, second = archive(here, 2)
    here.clock.pass_by(hours=2)
    (third,) = archive(here, 1)
    assert outcomes(here, model="2") == []
    assert outcomes(here, finding_id=second) == [(second, "brought back")]
    assert outcomes(here, since=here.clock() - timedelta(hours=1)) == [(third, "brought back")]
    assert outcomes(here, model="1") == [(first, "brought back")]


def test_by_the_digest_of_a_model(here: Deployment) -> None:
    (finding_id,) = archive(here, 1)
    (would,) = undo(here.log, now=here.clock())
    assert outcomes(here, model=would.archive.model_sha256) == [(finding_id, "brought back")]


def test_what_a_person_has_brought_back_is_not_undone(here: Deployment) -> None:
    (finding_id,) = archive(here, 1)
    here.clock.pass_by(minutes=1)
    client = here.aws.client("accessanalyzer")
    client.update_findings(analyzerArn=here.analyzer_arn, ids=[finding_id], status="ACTIVE")
    assert outcomes(here) == []


def test_what_is_gone_does_not_stop_the_others(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    ids = archive(here, 3)
    for event in list(here.aws.events):
        here.deliver(event)
    here.aws.findings.resolve(ids[0])
    here.aws.findings.delete(ids[1])
    assert sorted(outcomes(here)) == sorted([(ids[0], "gone"), (ids[1], "gone"), (ids[2], "brought back")])
    assert outcomes(here) == []


def test_all_of_many_are_found(here: Deployment) -> None:
    """More than one page of the index, and more than one batch."""
    here.policy("[archives]\nmost_per_hour = 2000\nmost_per_principal = 2000\n")
    long = {f"aws:PrincipalTag/{n}": "value " * 20 for n in range(600)}
    arn = here.development_key()
    ids = [here.share(arn, condition=long if n % 4 == 0 else {}) for n in range(52)]
    pages = here.dynamodb.get_paginator("scan").paginate(TableName="log")
    assert len(list(pages)) > 1
    here.aws.delivery.at_once = False
    assert len(list(undo(here.log, now=here.clock()))) == 52
    assert {outcome for _, outcome in outcomes(here)} == {"brought back"}
    assert {here.status(finding_id) for finding_id in ids} == {"ACTIVE"}


def test_an_archive_that_somebody_is_at_work_on_is_left(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    (finding_id,) = archive(here, 1)
    lost = refused(("accessanalyzer", "UpdateFindings"), ReadTimeoutError(endpoint_url="x"))
    with lost, pytest.raises(ReadTimeoutError):
        here.deliver(here.aws.events[0])
    assert here.effects(finding_id) == ["intent"]
    assert outcomes(here) == [(finding_id, "taken")]
    here.clock.pass_by(minutes=3)
    assert outcomes(here) == [(finding_id, "brought back")]
