"""The scheduled handler: what no event has told of, the one report, shadow mode, terms."""

from typing import Any

import pytest

from embedded.services.lambda_context import LambdaContext
from handlers import reconcile
from handlers.reconcile import Incomplete
from scoring.decision_log import cursor
from scoring.decision_log.cursor import SweepCursor
from tests.lambda_.deployment import Deployment
from tests.lambda_.faults import counted, crash, refused

# The thread that asks about a resource dies with its process.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def settle(here: Deployment) -> None:
    """Let the first sweep of the deployment be over, and reported."""
    for _ in range(2):
        here.reconcile()
        here.clock.pass_by(minutes=61)


def test_a_finding_whose_event_got_lost_is_triaged(here: Deployment) -> None:
    settle(here)
    alert = here.share(here.key(), announce=False)
    archive = here.share(here.development_key(), announce=False)
    assert here.reconcile()["swept"] == {"alert": 1, "archive": 1}
    assert here.status(archive) == "ARCHIVED"
    (mail,) = here.mails()
    assert alert in mail.text
    here.clock.pass_by(minutes=61)
    assert here.reconcile()["swept"] == {}


def test_the_first_sweep_is_one_report(here: Deployment) -> None:
    alerts = [here.share(here.key(), announce=False) for _ in range(20)]
    archives = [here.share(here.development_key(), announce=False) for _ in range(5)]
    run = here.reconcile()
    assert run["is_complete"]
    assert run["swept"] == {"collected": 20, "archive": 5}
    assert here.mails() == []
    here.clock.pass_by(minutes=5)
    here.reconcile()
    (report,) = here.mails()
    assert report.subject == "[access-triage] Report: 20 to be looked at, 5 archived"
    assert all(finding_id in report.text for finding_id in alerts + archives)
    assert [here.status(finding_id) for finding_id in archives] == ["ARCHIVED"] * 5
    for _ in range(5):
        here.clock.pass_by(hours=6)
        here.reconcile()
    assert len(here.mails()) == 1


def test_events_during_the_first_sweep_have_their_own_mails(here: Deployment) -> None:
    here.share(here.key(), announce=False)
    here.reconcile()
    live = here.share(here.key(), "555566667777")
    (mail,) = here.mails()
    assert live in mail.text


def test_shadow_mode_sends_one_report_a_day_and_nothing_else(here: Deployment) -> None:
    here.set(MODE="shadow")
    before = here.share(here.key(), announce=False)
    would = here.share(here.development_key())
    here.deliver({"detail-type": "Access Analyzer Finding"})
    for _ in range(6):
        here.reconcile()
        here.clock.pass_by(minutes=5)
    live = here.share(here.key())
    (first,) = here.mails()
    assert first.subject == "[access-triage] Report: 2 to be looked at, 1 would be archived"
    assert "Shadow mode: no finding was changed" in first.text
    assert before in first.text
    assert would in first.text
    for _ in range(25):
        here.clock.pass_by(hours=1)
        here.reconcile()
    _, second = here.mails()
    assert live in second.text
    assert before not in second.text
    assert {here.status(i) for i in (before, would, live)} == {"ACTIVE"}


def test_from_shadow_to_enforce_the_backlog_is_acted_on_and_reported(here: Deployment) -> None:
    here.set(MODE="shadow")
    archive, alert = here.share(here.development_key()), here.share(here.key())
    settle(here)
    here.set(MODE="enforce")
    here.reconcile()
    assert here.status(archive) == "ARCHIVED"
    here.clock.pass_by(minutes=5)
    here.reconcile()
    _, report = here.mails()
    assert report.subject == "[access-triage] Report: 1 to be looked at, 1 archived"
    assert alert in report.text
    assert here.effects(alert) == ["none", "alert"]


def test_a_backlog_is_archived_at_half_the_pace_of_the_breaker(here: Deployment) -> None:
    here.policy("[archives]\nmost_per_hour = 6\nmost_per_principal = 6\n")
    ids = [here.share(here.development_key(), announce=False) for _ in range(8)]
    assert here.reconcile()["waiting"] == 5
    here.clock.pass_by(minutes=5)
    here.reconcile()
    (report,) = here.mails()
    assert "5 more will be archived when the circuit breaker allows it" in report.text
    for _ in range(2):
        here.clock.pass_by(minutes=61)
        here.reconcile()
    assert {here.status(finding_id) for finding_id in ids} == {"ARCHIVED"}
    assert len(here.mails()) == 1


def test_a_sweep_that_runs_out_of_time_goes_on_in_the_next_run(here: Deployment) -> None:
    class Short(LambdaContext):
        """A function that has no time left after it was asked about it so many times."""

        asked = 0

        def get_remaining_time_in_millis(self) -> int:
            self.asked += 1
            return 60_000 if self.asked < 70 else 29_000

    ids = [here.share(here.key(), announce=False) for _ in range(104)]
    runs: list[dict[str, Any]] = []
    while not runs or not runs[-1]["is_complete"]:
        runs.append(reconcile.handler({}, Short("reconcile", "arn:aws:lambda:eu-west-1:1:function:f", "1")))
    assert len(runs) > 2
    assert sum(sum(run["swept"].values()) for run in runs) == 104
    assert all(len(here.effects(finding_id)) == 1 for finding_id in ids)


def test_a_page_that_aws_no_longer_knows_starts_the_list_anew(here: Deployment) -> None:
    for _ in range(3):
        here.share(here.key(), announce=False)
    (page,) = here.analyzers.pages(here.analyzer_arn, whole=True, filters={}, token="bm90IGEgdG9rZW4")
    assert len(page.rows) == 3


def test_findings_of_all_kinds_are_found(here: Deployment) -> None:
    unused = here.aws.findings.put(
        {
            "resource": "arn:aws:iam::111122223333:role/old",
            "resourceType": "AWS::IAM::Role",
            "findingType": "UnusedIAMRole",
        },
        announce=False,
    )
    internal = here.aws.findings.put(
        {
            "resource": "arn:aws:s3:::payroll",
            "resourceType": "AWS::S3::Bucket",
            "findingType": "InternalAccess",
            "accessType": "INTRA_ORG",
            "principal": {"AWS": "arn:aws:iam::222233334444:role/reader"},
            "action": ["s3:GetObject"],
        },
        announce=False,
    )
    arns = [here.aws.findings.analyzer_for(family) for family in ("unused", "internal", "external")]
    here.set(ANALYZER_ARNS=", ".join(arns))
    here.reconcile()
    assert [here.effects(found.id) for found in (unused, internal)] == [["alert"], ["alert"]]
    here.clock.pass_by(minutes=61)
    here.reconcile()
    here.clock.pass_by(minutes=61)
    with counted() as made:
        here.reconcile()
    # What is known is not asked about again: one read for each list that is not empty, and one for each of
    # the mails of the hour, the sweep, the hourly check and the summary.
    assert made.count(("accessanalyzer", "GetFindingV2")) == 0
    assert made.count(("dynamodb", "BatchGetItem")) == 2
    assert made.count(("dynamodb", "GetItem")) == 4


def test_one_analyzer_that_refuses_does_not_stop_the_others(here: Deployment) -> None:
    finding_id = here.share(here.key(), announce=False)
    here.set(
        ANALYZER_ARNS=f"arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/gone {here.analyzer_arn}"
    )
    with pytest.raises(Incomplete, match="1 findings"):
        here.reconcile()
    assert here.effects(finding_id) == ["alert"]


def test_an_archive_whose_term_is_over_comes_back_and_is_scored_anew(here: Deployment) -> None:
    here.policy("[archives]\ndays = 30\n")
    settle(here)
    still, changed = here.development_key(), here.development_key()
    ids = [here.share(still), here.share(changed)]
    here.clock.pass_by(days=29)
    assert here.reconcile()["expired"] == 0
    here.aws.client("kms").tag_resource(KeyId=changed, Tags=[{"TagKey": "Environment", "TagValue": "prod"}])
    here.clock.pass_by(days=2)
    assert here.reconcile()["expired"] == 2
    assert [here.status(finding_id) for finding_id in ids] == ["ARCHIVED", "ACTIVE"]
    assert here.effects(ids[0]) == ["over", "archive"]
    assert here.effects(ids[1]) == ["over", "alert"]
    assert [item.get("ended_by") for item in here.items(ids[0])] == ["expiry", None]
    assert here.items(ids[0])[1]["record"]["context"]["reactivated_by"]["who"] == "expiry"
    here.clock.pass_by(days=31)
    assert here.reconcile()["expired"] == 1
    assert here.effects(ids[0]) == ["over", "over", "archive"]


def test_in_shadow_mode_nothing_expires(here: Deployment) -> None:
    finding_id = here.share(here.development_key())
    here.policy("[archives]\ndays = 1\n")
    here.set(MODE="shadow")
    here.clock.pass_by(days=3)
    here.reconcile()
    assert here.status(finding_id) == "ARCHIVED"


def test_a_report_that_crashed_is_sent_again_and_says_so(here: Deployment) -> None:
    finding_id = here.share(here.key(), announce=False)
    here.reconcile()
    here.clock.pass_by(minutes=5)
    with counted() as made, refused(("sns", "Publish"), OSError("lost")), pytest.raises(Incomplete):
        here.reconcile()
    assert made
    here.clock.pass_by(minutes=6)
    here.reconcile()
    (mail,) = here.mails()
    assert finding_id in mail.text
    assert "You may have had this mail before" in mail.text
    assert cursor.read(here.log, SweepCursor).reporting_until == ""


def test_a_crash_of_the_schedule_loses_nothing(here: Deployment) -> None:
    ids = [here.share(here.key(), announce=False) for _ in range(3)]
    for number in range(1, 60, 3):
        with crash(number, after=number % 2 == 0):
            here.reconcile()
        here.clock.pass_by(minutes=6)
    for _ in range(3):
        here.clock.pass_by(minutes=61)
        here.reconcile()
    assert [[e for e in here.effects(i) if e != "over"] for i in ids] == [["alert"]] * 3
    text = "".join(mail.text for mail in here.mails())
    assert all(finding_id in text for finding_id in ids)
