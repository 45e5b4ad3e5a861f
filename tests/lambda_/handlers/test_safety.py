"""What must not go wrong: nothing is archived that was not decided on, and whatever cannot be done alerts."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from scoring.decision_log.log import InProgress
from tests.lambda_.deployment import Deployment, event_of
from tests.lambda_.faults import refused
from tests.lambda_.workflow import both_wirings

pytestmark = both_wirings

READ, UPDATE = ("accessanalyzer", "GetFindingV2"), ("accessanalyzer", "UpdateFindings")


def denied(operation: str, code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


@pytest.mark.parametrize("call", [READ, UPDATE])
def test_what_may_not_be_archived_alerts(here: Deployment, call: tuple[str, str]) -> None:
    with refused(call, denied(call[1])):
        finding_id = here.share(here.development_key())
    assert here.status(finding_id) == "ACTIVE"
    (mail,) = here.mails()
    assert "it could not be archived: AccessDeniedException" in mail.text
    assert here.effects(finding_id)[-1] == "alert"
    assert here.aws.delivery.dead_letters == []


UNKNOWN_TAGS = ("kms", "ListResourceTags")


def _alerted_since_tags_were_unknown(here: Deployment) -> str:
    with refused(UNKNOWN_TAGS, denied("ListResourceTags")):
        finding_id = here.share(here.development_key())
    assert here.effects(finding_id) == ["alert"]
    here.clock.pass_by(minutes=3)
    return finding_id


@pytest.mark.parametrize("call", [READ, UPDATE])
def test_nobody_is_told_twice_because_an_archive_is_refused(here: Deployment, call: tuple[str, str]) -> None:
    finding_id = _alerted_since_tags_were_unknown(here)
    with refused(call, denied(call[1])):
        here.aws.findings.update(finding_id, {})
    assert len(here.mails()) == 1
    assert [effect for effect in here.effects(finding_id) if effect != "over"] == ["alert"]
    here.clock.pass_by(minutes=3)
    here.aws.findings.update(finding_id, {})
    assert here.status(finding_id) == "ARCHIVED"
    assert here.effects(finding_id)[-1] == "archive"


def test_nobody_is_told_twice_where_the_archive_was_interrupted_first(here: Deployment) -> None:
    finding_id = _alerted_since_tags_were_unknown(here)
    here.aws.delivery.at_once = False
    here.aws.findings.update(finding_id, {})
    with refused(UPDATE, ReadTimeoutError(endpoint_url="x")), pytest.raises(ReadTimeoutError):
        here.deliver(event_of(here.aws, finding_id, -1))
    here.clock.pass_by(minutes=3)
    with refused(UPDATE, denied("UpdateFindings")):
        here.deliver(event_of(here.aws, finding_id, -1))
    assert len(here.mails()) == 1
    assert [effect for effect in here.effects(finding_id) if effect != "over"] == ["alert"]


@pytest.mark.parametrize("call", [READ, UPDATE])
def test_what_times_out_is_tried_again(here: Deployment, call: tuple[str, str]) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    with refused(call, ReadTimeoutError(endpoint_url="x")), pytest.raises(ReadTimeoutError):
        here.deliver(event_of(here.aws, finding_id))
    here.clock.pass_by(minutes=3)
    here.deliver(event_of(here.aws, finding_id))
    assert here.status(finding_id) == "ARCHIVED"
    assert here.mails() == []


def test_a_finding_without_an_analyzer_cannot_be_archived_and_alerts(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    here.deliver(event_of(here.aws, finding_id) | {"resources": []})
    (mail,) = here.mails()
    assert "expected the ARN of an analyzer" in " ".join(mail.text.split())


def test_a_finding_that_is_gone_is_skipped(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    here.aws.findings.delete(finding_id)
    here.deliver(event_of(here.aws, finding_id))
    assert here.effects(finding_id) == ["none"]
    assert here.mails() == []


@pytest.mark.parametrize("happens", ["delete", "resolve"])
def test_a_finding_that_goes_at_the_last_moment_is_skipped_when_it_comes_again(
    here: Deployment, happens: str
) -> None:
    from tests.lambda_.faults import calls

    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())

    def around(name: tuple[str, str], make):
        if name == UPDATE:
            getattr(here.aws.findings, happens)(finding_id)
        return make()

    with calls(around), pytest.raises(ClientError):
        here.deliver(event_of(here.aws, finding_id))
    assert here.effects(finding_id) == ["intent"]
    here.clock.pass_by(minutes=3)
    here.deliver(event_of(here.aws, finding_id))
    assert here.effects(finding_id) == ["over", "none"]
    assert here.mails() == []


def test_an_archived_finding_that_changes_is_brought_back_and_scored_anew(here: Deployment) -> None:
    finding_id = here.share(here.development_key())
    assert here.status(finding_id) == "ARCHIVED"
    here.clock.pass_by(days=1)
    here.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
    assert here.status(finding_id) == "ACTIVE"
    (mail,) = here.mails()
    assert "open to anyone" in " ".join(mail.text.split())


def test_a_change_that_is_expected_as_well_is_archived_again_but_once(here: Deployment) -> None:
    finding_id = here.share(here.development_key())
    here.clock.pass_by(days=1)
    here.aws.findings.update(finding_id, {"action": ["kms:DescribeKey"]})
    assert here.status(finding_id) == "ARCHIVED"
    assert here.effects(finding_id) == ["over", "archive"]
    here.clock.pass_by(days=1)
    here.aws.findings.update(finding_id, {"action": ["kms:Decrypt"]})
    assert here.status(finding_id) == "ACTIVE"
    assert here.effects(finding_id)[-1] == "alert"


def test_a_finding_that_grew_within_the_same_second_is_not_archived(here: Deployment) -> None:
    """AWS writes times in seconds: only what a finding says tells whether it has changed."""
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    at = here.aws.findings.get(finding_id).updated_at
    here.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True, "updatedAt": at})
    assert here.aws.findings.get(finding_id).updated_at == at
    here.deliver(event_of(here.aws, finding_id))
    assert here.status(finding_id) == "ACTIVE"
    assert here.effects(finding_id) == ["alert"]


def test_a_finding_that_changes_while_it_is_archived_does_not_stay_so(here: Deployment) -> None:
    """The change comes after the finding was read again and before UpdateFindings."""
    from tests.lambda_.faults import calls

    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())

    def around(name: tuple[str, str], make):
        if name == UPDATE and here.aws.findings.get(finding_id).details[0]["isPublic"] is False:
            here.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
        return make()

    with calls(around):
        here.deliver(event_of(here.aws, finding_id))
    here.aws.delivery.at_once = True
    here.aws.deliver()
    assert here.status(finding_id) == "ACTIVE"
    assert "open to anyone" in " ".join(here.mails()[0].text.split())


def test_resolved_and_back_alerts_again(here: Deployment) -> None:
    here.policy("[alerts]\nwindow_minutes = 0\n")
    finding_id = here.share(here.key())
    for status in ("RESOLVED", "ACTIVE"):
        here.clock.pass_by(minutes=1)
        here.aws.findings.update(finding_id, {"status": status})
    assert len(here.mails()) == 2


def test_an_update_that_changes_nothing_alerts_no_second_time(here: Deployment) -> None:
    here.policy("[alerts]\nwindow_minutes = 0\n")
    finding_id = here.share(here.key())
    for _ in range(3):
        here.clock.pass_by(minutes=1)
        here.aws.findings.update(finding_id, {})
    assert len(here.mails()) == 1
    assert here.effects(finding_id) == ["alert"]


def test_two_versions_in_one_second_are_both_decided_on(here: Deployment) -> None:
    here.policy("[alerts]\nwindow_minutes = 0\n")
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    here.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
    first, second = event_of(here.aws, finding_id), event_of(here.aws, finding_id, 1)
    assert first["detail"]["updatedAt"] == second["detail"]["updatedAt"]
    for event in (first, second, first, second):
        here.deliver(event)
    assert len(here.mails()) == 2
    assert "open to anyone" in " ".join(here.mails()[1].text.split())


def test_a_late_event_is_no_news(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    here.clock.pass_by(minutes=1)
    here.aws.findings.update(finding_id, {"principal": {"AWS": "*"}, "isPublic": True})
    here.deliver(event_of(here.aws, finding_id, 1))
    result = here.deliver(event_of(here.aws, finding_id, 0))
    assert result["done"][0]["note"] == "decided on already"


def test_a_late_event_of_an_archived_finding_is_no_reactivation(here: Deployment) -> None:
    """A second version was under way when the first one was archived."""
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    here.clock.pass_by(seconds=5)
    here.aws.findings.update(finding_id, {})
    here.clock.pass_by(seconds=5)
    here.deliver(event_of(here.aws, finding_id, 0))
    result = here.deliver(event_of(here.aws, finding_id, 1))
    assert result["done"][0]["note"] == "our own archive"
    assert here.mails() == []


def test_who_archives_by_hand_and_brings_back_is_heard_even_after_a_term(here: Deployment) -> None:
    here.policy("[archives]\ndays = 10\n")
    arn = here.development_key()
    finding_id = here.share(arn)
    here.aws.client("kms").tag_resource(KeyId=arn, Tags=[{"TagKey": "Environment", "TagValue": "prod"}])
    here.clock.pass_by(days=11)
    here.reconcile()
    assert here.effects(finding_id)[-1] == "alert"
    client = here.aws.client("accessanalyzer")
    here.aws.client("kms").tag_resource(
        KeyId=arn, Tags=[{"TagKey": "Environment", "TagValue": "development"}]
    )
    for status in ("ARCHIVED", "ACTIVE"):
        here.clock.pass_by(minutes=20)
        client.update_findings(analyzerArn=here.analyzer_arn, ids=[finding_id], status=status)
    assert here.status(finding_id) == "ACTIVE"
    rails = here.items(finding_id)[-1]["record"]["decision"]["guardrails"]
    assert "re-opened by a person on 20" in rails[0]["text"]


def test_a_repeated_event_that_cannot_be_read_comes_once(here: Deployment) -> None:
    event = {"detail-type": "Access Analyzer Finding", "detail": {"id": "x"}}
    for _ in range(3):
        here.deliver(event)
    assert len(here.mails()) == 1


def test_in_shadow_mode_an_event_that_cannot_be_read_waits_for_the_report(here: Deployment) -> None:
    here.set(MODE="shadow")
    here.deliver({"detail-type": "Access Analyzer Finding", "detail": {"id": "x"}})
    assert here.mails() == []
    here.reconcile()
    here.clock.pass_by(minutes=5)
    here.reconcile()
    (report,) = here.mails()
    assert "1 to be looked at" in (report.subject or "")


def test_a_table_that_does_not_answer_loses_nothing(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    event = event_of(here.aws, finding_id)
    for call in (("dynamodb", "GetItem"), ("dynamodb", "TransactWriteItems")):
        with refused(call, denied(call[1], "ThrottlingException")), pytest.raises(ClientError):
            here.deliver(event)
        assert here.status(finding_id) == "ACTIVE"
    here.deliver(event)
    assert here.status(finding_id) == "ARCHIVED"


def test_while_somebody_is_at_work_an_event_has_to_come_again(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key())
    with refused(("sns", "Publish"), denied("Publish", "InternalError")), pytest.raises(ClientError):
        here.deliver(event_of(here.aws, finding_id))
    with pytest.raises(InProgress):
        here.deliver(event_of(here.aws, finding_id))
