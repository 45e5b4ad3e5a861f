"""Broad archive rules, bursts of archives and changed tags raise an alert of their own, once each."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.services.lambda_context import LambdaContext
from handlers import reconcile
from scoring.explanation.explain import REPEAT
from scoring.findings.record import Label
from scoring.review.verdict import act, find, give
from tests.lambda_.deployment import Deployment
from tests.lambda_.faults import crash, refused

MALLORY = "arn:aws:iam::111122223333:role/mallory"


def call(here: Deployment, name: str, by: str = MALLORY, **asked: Any) -> dict[str, Any]:
    """CloudTrail's event of a call, as EventBridge delivers it."""
    identity = {
        "type": "AssumedRole",
        "arn": f"{by.replace(':iam:', ':sts:').replace('role/', 'assumed-role/')}/session",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": by, "userName": by.rpartition("/")[2]}},
    }
    return {
        "version": "0",
        "id": f"call-{name}",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.access-analyzer",
        "account": "111122223333",
        "region": "eu-west-1",
        "time": "2026-11-02T09:31:00Z",
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "eventSource": "access-analyzer.amazonaws.com",
            "eventName": name,
            "eventTime": "2026-11-02T09:30:00Z",
            "awsRegion": "eu-west-1",
            "userIdentity": identity,
            "requestParameters": asked,
        },
    }


def rule(here: Deployment, name: str, filters: dict[str, Any]) -> None:
    analyzer = here.aws.client("accessanalyzer")
    analyzer.create_archive_rule(
        analyzerName=here.analyzer_arn.rpartition("/")[2], ruleName=name, filter=filters
    )


def archive_by_hand(here: Deployment, *ids: str) -> None:
    here.aws.client("accessanalyzer").update_findings(
        analyzerArn=here.analyzer_arn, ids=list(ids), status="ARCHIVED"
    )


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"isPublic": {"eq": ["true"]}}, "archives public access"),
        ({"resourceType": {"eq": ["AWS::S3::Bucket"]}}, "names no principal"),
        ({"principal.AWS": {"neq": ["111122223333"]}}, "names no principal"),
        ({"condition.aws:PrincipalArn": {"eq": ["x"]}}, "may archive public access"),
        ("unreadable", "its filter cannot be read"),
    ],
)
def test_a_rule_that_may_hide_access_is_told_of_when_it_is_made(
    here: Deployment, filters: Any, said: str
) -> None:
    event = call(here, "CreateArchiveRule", analyzerName="account", ruleName="quiet", filter=filters)
    for _ in range(2):
        here.deliver(event)
    (mail,) = here.mails()
    assert (mail.subject or "").startswith("[access-triage] Suppression watch: archive rule quiet")
    assert said in mail.text
    assert f"by {MALLORY} on 2026-11-02 09:30 UTC" in mail.text


def test_a_changed_rule_is_told_of_again_and_a_narrow_one_never(here: Deployment) -> None:
    here.policy("[alerts]\nwindow_minutes = 0\n")
    narrow = {"principal.AWS": {"eq": ["444455556666"]}, "isPublic": {"eq": ["false"]}}
    other: dict[str, Any]
    for other in ({"isPublic": {"eq": ["true"]}}, narrow, {"error": {"exists": False}}):
        asked: dict[str, Any] = {"analyzerName": "account", "ruleName": "x", "filter": other}
        here.deliver(call(here, "UpdateArchiveRule", **asked))
    assert len(here.mails()) == 2


def test_the_schedule_finds_rules_without_cloudtrail(here: Deployment) -> None:
    rule(here, "hide", {"isPublic": {"eq": ["true"]}})
    rule(here, "auditor", {"principal.AWS": {"eq": ["444455556666"]}})
    for _ in range(4):
        here.reconcile()
        here.clock.pass_by(minutes=61)
    (mail,) = [mail for mail in here.mails() if "Suppression" in (mail.subject or "")]
    assert "archive rule hide" in mail.text
    assert "auditor" not in mail.text
    assert f"triage rules list --analyzer-arn {here.analyzer_arn}" in mail.text


def test_applying_a_broad_rule_and_deleting_an_analyzer(here: Deployment) -> None:
    rule(here, "hide", {"isPublic": {"eq": ["true"]}})
    rule(here, "auditor", {"principal.AWS": {"eq": ["444455556666"]}})
    for name in ("auditor", "hide"):
        here.deliver(call(here, "ApplyArchiveRule", analyzerArn=here.analyzer_arn, ruleName=name))
    here.deliver(call(here, "DeleteAnalyzer", analyzerName="account"))
    assert [text for mail in here.mails() if (text := mail.text.split("\n")[5].strip())] == [
        "archive rule hide was applied to the findings that were there: archives public access",
        f"the analyzer {here.analyzer_arn.rpartition('/')[0]}/account was deleted:"
        " it makes no findings any more",
    ]


def test_many_archives_by_one_principal_are_told_of_once_a_day_and_ours_never(here: Deployment) -> None:
    here.policy("[alerts]\narchives_by_others = 4\n")
    ours = [here.share(here.development_key(), f"{n:012}") for n in range(1, 7)]
    assert {here.status(finding_id) for finding_id in ours} == {"ARCHIVED"}
    here.deliver(call(here, "UpdateFindings", analyzerArn="a", ids=ours, status="ARCHIVED"))
    here.deliver(call(here, "UpdateFindings", analyzerArn="a", ids=list("abcdef"), status="ACTIVE"))
    assert here.mails() == []
    for ids in (["a", "b"], ["b", "c"], ["d"], ["e", "f"]):
        here.deliver(call(here, "UpdateFindings", analyzerArn="a", ids=ids, status="ARCHIVED"))
    here.deliver(call(here, "UpdateFindings", "arn:aws:iam::1:user/y", ids=["g"], status="ARCHIVED"))
    (mail,) = here.mails()
    assert f"4 findings were archived within an hour by {MALLORY}" in mail.text


def test_many_archives_by_others_are_found_without_cloudtrail(here: Deployment) -> None:
    """Events of archives do not come: the rule of the deployment lets active findings pass only."""
    here.policy("[alerts]\narchives_by_others = 4\nwindow_minutes = 0\n")
    ids = [here.share(here.key(), f"{n:012}") for n in range(1, 6)]
    here.reconcile()
    before = len(here.mails())
    here.aws.delivery.at_once = False
    here.clock.pass_by(minutes=62)
    archive_by_hand(here, *ids)
    here.clock.pass_by(minutes=2)
    for _ in range(3):
        here.reconcile()
        here.clock.pass_by(minutes=61)
    (mail,) = here.mails()[before:]
    assert "5 findings were archived within an hour by somebody else" in mail.text


def test_verdicts_of_people_are_no_burst(here: Deployment) -> None:
    here.policy("[alerts]\narchives_by_others = 2\nwindow_minutes = 0\n")
    ids = [here.share(here.key(), f"{n:012}") for n in range(1, 4)]
    here.clock.pass_by(minutes=2)
    for finding_id in ids:
        label = Label("expected", by="ana", at=here.clock(), source="cli")
        act(give(find(here.log, finding_id), label, here.log), here.log, here.analyzers, here.clock())
    assert {here.status(finding_id) for finding_id in ids} == {"ARCHIVED"}
    here.reconcile()
    assert not any("Suppression" in subject for subject in here.subjects())


def test_tags_that_were_changed_before_somebody_archived(here: Deployment) -> None:
    arn = here.key({"Team": "payments"})
    finding_id = here.share(arn)
    here.aws.client("kms").tag_resource(KeyId=arn, Tags=[{"TagKey": "Team", "TagValue": "nobody"}])
    here.aws.delivery.at_once = False
    archive_by_hand(here, finding_id)
    here.clock.pass_by(minutes=2)
    here.reconcile()
    (mail,) = [mail for mail in here.mails() if "Suppression" in (mail.subject or "")]
    assert "owner was payments, is nobody" in mail.text


def test_tags_that_were_changed_before_our_own_archive(here: Deployment) -> None:
    arn = here.key({"Environment": "production", "Backup": "1"})
    finding_id = here.share(arn)
    here.clock.pass_by(minutes=5)
    tags = [{"TagKey": "environment", "TagValue": "Dev"}, {"TagKey": "Backup", "TagValue": "2"}]
    here.aws.client("kms").untag_resource(KeyId=arn, TagKeys=["Environment"])
    here.aws.client("kms").tag_resource(KeyId=arn, Tags=tags)
    here.share(arn, condition={"aws:SourceIp": "192.0.2.1"}, id=finding_id)
    assert here.status(finding_id) == "ARCHIVED"
    for _ in range(2):
        here.reconcile()
        here.clock.pass_by(minutes=61)
    (mail,) = [mail for mail in here.mails() if "Suppression" in (mail.subject or "")]
    assert "environment was production, is development" in mail.text
    assert "backup" not in mail.text
    assert f"triage undo --finding {finding_id}" in mail.text


def test_in_shadow_mode_nothing_is_told(here: Deployment) -> None:
    here.set(MODE="shadow")
    rule(here, "hide", {"isPublic": {"eq": ["true"]}})
    here.deliver(call(here, "CreateArchiveRule", ruleName="x", filter={"isPublic": {"eq": ["true"]}}))
    here.reconcile()
    assert not any("Suppression" in subject for subject in here.subjects())


def test_what_crashed_is_told_by_the_schedule(here: Deployment) -> None:
    here.set(ANALYZER_ARNS="")
    asked: dict[str, Any] = {
        "analyzerName": "account",
        "ruleName": "x",
        "filter": {"isPublic": {"eq": ["true"]}},
    }
    event = call(here, "CreateArchiveRule", **asked)
    with crash(4, after=True) as made:
        here.deliver(event)
    assert made[-1] == ("sns", "Publish")
    here.clock.pass_by(minutes=20)
    here.reconcile()
    mails = [mail for mail in here.mails() if "Suppression" in (mail.subject or "")]
    assert [REPEAT in mail.text for mail in mails] == [False, True]
    here.clock.pass_by(minutes=20)
    here.reconcile()
    assert len(here.mails()) == 2


def test_rules_that_cannot_be_listed_do_not_keep_the_schedule_from_its_work(here: Deployment) -> None:
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "ListArchiveRules")
    with refused(("accessanalyzer", "ListArchiveRules"), error):
        assert here.reconcile()["is_complete"]


@pytest.mark.parametrize("detail", [{}, {"eventName": "CreateArchiveRule"}, {"eventName": 3}, None, "x"])
def test_calls_of_any_shape_are_no_trouble(here: Deployment, detail: Any) -> None:
    event = call(here, "CreateArchiveRule", filter=None) | {"detail": detail}
    if detail is None or detail == "x":
        here.deliver(event)
        assert len(here.mails()) == 1  # nobody knows what it is: before a person
    else:
        here.deliver(event)
        assert here.mails() == []


def test_the_scheduled_function_takes_calls_too(here: Deployment) -> None:
    event = call(here, "CreateArchiveRule", ruleName="x", filter={"isPublic": {"eq": ["true"]}})
    assert reconcile.handler(event, LambdaContext("reconcile", "arn", "1")) == {
        "told": ["archive rule x archives public access"]
    }
    assert len(here.mails()) == 1


def test_what_is_broad_depends_on_what_the_analyzer_finds(here: Deployment) -> None:
    here.policy("[alerts]\nwindow_minutes = 0\n")
    unused, internal = (here.aws.findings.analyzer_for(family) for family in ("unused", "internal"))
    asked = {"findingType": {"eq": ["UnusedIAMRole"]}}, {"resourceType": {"eq": ["AWS::S3::Bucket"]}}
    for arn, filters in zip((unused, internal), asked, strict=True):
        here.aws.client("accessanalyzer").create_archive_rule(
            analyzerName=arn.rpartition("/")[2], ruleName="r", filter=filters
        )
        here.deliver(
            call(here, "CreateArchiveRule", analyzerName=arn.rpartition("/")[2], ruleName="r", filter=filters)
        )
    here.set(ANALYZER_ARNS=f"{unused} {internal}")
    here.reconcile()
    (mail,) = here.mails()
    assert f"triage rules list --analyzer-arn {internal}" in mail.text
