"""`triage scan --apply`: what it archives, what it leaves, and what the decision log then says."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

from embedded import EmbeddedAws
from scoring.decision import audit_sample
from scoring.decision_log.log import DecisionLog
from scoring.pipeline.undo import active_archives
from tests.live_aws import (
    DEVELOPMENT,
    STRANGER,
    TABLE,
    Result,
    Run,
    enforcing,
    failing,
    make_key,
    make_table,
    runner,
    share_key,
    status,
)


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        make_table(box)
        yield box


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


@pytest.fixture
def arn(aws) -> str:
    arn: str = aws.findings.analyzer_for("external")
    return arn


@pytest.fixture
def policy(tmp_path) -> Path:
    return enforcing(tmp_path / "policy.toml")


@pytest.fixture
def apply(run: Run, arn: str, policy: Path) -> Callable[..., Result]:
    def apply(*more: object, table: str = TABLE) -> Result:
        options = ("--policy", policy, "--table", table, "--apply", "--yes", "--format", "jsonl")
        return run("scan", "--analyzer-arn", arn, *options, *more)

    return apply


def expected_key(aws: EmbeddedAws, **more: Any) -> str:
    finding_id: str = share_key(aws, make_key(aws, DEVELOPMENT), **more).id
    return finding_id


def logged(aws: EmbeddedAws) -> list[tuple[str, str]]:
    log = DecisionLog.in_table(aws.client("dynamodb"), TABLE)
    return [(archive.finding_id, archive.state.entry_status) for archive in active_archives(log)]


def updates() -> tuple[Any, list[Any]]:
    call = BaseClient._make_api_call
    seen: list[Any] = []

    def watched(client: Any, name: str, parameters: Any) -> Any:
        if name == "UpdateFindings":
            seen.append(parameters)
        return call(client, name, parameters)

    return patch.object(BaseClient, "_make_api_call", watched), seen


def test_what_is_expected_is_archived_and_logged(aws, apply, arn):
    expected, alerting = expected_key(aws), share_key(aws, make_key(aws, {})).id
    result = apply()
    assert result.code == 0
    model, decided_by, *rest = result.err.splitlines()
    assert model == "model: built in (from the package)"
    assert decided_by.startswith("policy: ")
    assert decided_by.endswith("(from --policy)")
    assert rest == [
        "To archive: 1 finding",
        "Archived: 1 finding. triage undo takes them back.",
        f"Decision log {TABLE}: 1 recorded. triage review goes through the alerts.",
    ]
    assert [json.loads(line)["outcome"] for line in result.out.splitlines()] == ["archive", "alert"]
    assert (status(aws, expected), status(aws, alerting)) == ("ARCHIVED", "ACTIVE")
    assert logged(aws) == [(expected, "done")]
    [archive] = active_archives(DecisionLog.in_table(aws.client("dynamodb"), TABLE))
    assert archive.analyzer_arn == arn
    assert apply().err.splitlines()[2:] == ["To archive: 0 findings"], "the second time nothing is left"


def test_many_are_archived_with_few_updates(aws, apply, monkeypatch):
    monkeypatch.setattr("scoring.cli.scan.apply.PAGE", 10)
    key = make_key(aws, DEVELOPMENT)
    ids = [share_key(aws, key, principal=f"{444400000000 + n}").id for n in range(12)]
    watching, seen = updates()
    with watching:
        assert "Archived: 12 findings" in apply().err
    assert [len(update["ids"]) for update in seen] == [10, 2]
    assert {status(aws, one) for one in ids} == {"ARCHIVED"}


def test_no_more_than_most(aws, apply):
    ids = [expected_key(aws) for _ in range(3)]
    result = apply("--most", "2")
    assert "To archive: 2 findings; 1 more are over the limit of --most" in result.err
    assert sorted(status(aws, one) for one in ids) == ["ACTIVE", "ARCHIVED", "ARCHIVED"]


def test_the_circuit_breaker_holds(aws, run, arn, tmp_path):
    policy = enforcing(tmp_path / "p.toml", "[archives]\nmost_per_hour = 2")
    ids = [expected_key(aws) for _ in range(4)]
    options = ("--policy", policy, "--table", TABLE, "--apply", "--yes")
    result = run("scan", "--analyzer-arn", arn, *options)
    assert "2 findings not archived: circuit breaker: more than 2 " in result.err
    assert sorted(status(aws, one) for one in ids) == ["ACTIVE", "ACTIVE", "ARCHIVED", "ARCHIVED"]


def test_a_random_sample_of_what_would_be_archived_is_left_to_a_person(aws, apply, run, monkeypatch):
    sampled, archived = (share_key(aws, make_key(aws, {})).id for _ in range(2))
    monkeypatch.setattr(audit_sample, "uniform", lambda decision, *_: float(decision.finding_id != sampled))
    result = apply("--threshold", "200")
    assert "1 finding not archived: left to a person: triage review shows it" in result.err
    assert (status(aws, sampled), status(aws, archived)) == ("ACTIVE", "ARCHIVED")
    queue = run("review", "--list", "--table", TABLE).out
    assert sampled in queue
    shown = queue + run("review", sampled, "--table", TABLE).out
    assert not {"sample", "drawn", "archive", "below"} & set(shown.lower().split()), "who reviews cannot tell"
    assert archived not in queue
    apply("--threshold", "200")
    assert run("review", "--list", "--table", TABLE).out == queue, "the second time it is the same"
    monkeypatch.setattr(DecisionLog, "latest_of", lambda *_: {})  # read before somebody else wrote
    assert (
        "1 finding not archived: another run holds it: try again in some minutes"
        in apply("--threshold", "200").err
    )


class TestReadAgain:
    """Something happens to the finding between the scan and the archive."""

    @pytest.fixture
    def meanwhile(self, monkeypatch):
        def meanwhile(happens):
            from scoring.cli.scan import apply as archiving

            archive = archiving.archive

            def later(*arguments, **options):
                happens()
                return archive(*arguments, **options)

            monkeypatch.setattr(archiving, "archive", later)

        return meanwhile

    def test_opened_to_everyone(self, aws, apply, meanwhile):
        one, other = expected_key(aws), expected_key(aws)
        meanwhile(lambda: aws.findings.update(one, {"principal": {"AWS": "*"}, "isPublic": True}))
        result = apply()
        assert "1 finding not archived: changed since, now: alert, Needs a person: public" in result.err
        assert (status(aws, one), status(aws, other)) == ("ACTIVE", "ARCHIVED")
        assert logged(aws) == [(other, "done")]

    def test_opened_to_everyone_within_the_same_second(self, aws, apply, meanwhile):
        one = expected_key(aws)
        at = aws.findings.get(one).updated_at
        grown = {"principal": {"AWS": "*"}, "isPublic": True, "updatedAt": at}
        meanwhile(lambda: aws.findings.update(one, grown))
        result = apply()
        assert aws.findings.get(one).updated_at == at
        assert "1 finding not archived: changed since, now: alert, Needs a person: public" in result.err
        assert (status(aws, one), logged(aws)) == ("ACTIVE", [])

    def test_changed_in_what_does_not_matter(self, aws, apply, meanwhile):
        one = expected_key(aws)
        meanwhile(lambda: aws.findings.update(one, {"action": ["kms:Decrypt"]}))
        assert "Archived: 1 finding" in apply().err
        [archive] = active_archives(DecisionLog.in_table(aws.client("dynamodb"), TABLE))
        assert archive.state.updated_at.endswith("Z")
        assert status(aws, one) == "ARCHIVED"

    @pytest.mark.parametrize("happens", ["resolve", "delete"])
    def test_gone(self, aws, apply, meanwhile, happens):
        one = expected_key(aws)
        meanwhile(lambda: getattr(aws.findings, happens)(one))
        result = apply()
        assert "1 finding not archived: no longer active" in result.err
        assert logged(aws) == []

    def test_gone_at_the_last_moment(self, aws, apply):
        ids = [expected_key(aws) for _ in range(5)]
        call = BaseClient._make_api_call

        def resolving(client, name, parameters):
            if name == "UpdateFindings" and status(aws, ids[2]) == "ACTIVE":
                aws.findings.resolve(ids[2])
            return call(client, name, parameters)

        with patch.object(BaseClient, "_make_api_call", resolving):
            result = apply()
        assert "1 finding not archived: gone or resolved" in result.err
        assert "Archived: 4 findings" in result.err
        assert {status(aws, one) for one in ids if one != ids[2]} == {"ARCHIVED"}

    def test_taken_by_somebody_else(self, aws, apply, meanwhile):
        one = expected_key(aws)
        meanwhile(
            lambda: aws.client("dynamodb").put_item(
                TableName=TABLE,
                Item={
                    "finding_id": {"S": one},
                    "item": {"S": "latest"},
                    "version": {"N": "1"},
                    "state": {"S": "intent"},
                    "effect": {"S": "alert"},
                    "outcome": {"S": "alert"},
                    "digest": {"S": ""},
                    "decided_at": {"S": "2026-01-01T00:00:00Z"},
                    "lease_until": {"S": "2999-01-01T00:00:00Z"},
                },
            )
        )
        assert "1 finding not archived: another run holds it" in apply().err
        assert status(aws, one) == "ACTIVE"


@pytest.mark.parametrize("with_table", [True, False])
def test_what_a_person_brought_back_is_not_archived_again(aws, run, apply, arn, policy, with_table):
    one = expected_key(aws)
    apply()
    aws.client("accessanalyzer").update_findings(analyzerArn=arn, ids=[one], status="ACTIVE")
    assert apply().err.splitlines()[2] == "To archive: 0 findings"
    options = ("--table", TABLE) if with_table else ()
    result = run("scan", "--analyzer-arn", arn, "--policy", policy, "--format", "jsonl", *options)
    [decision] = [json.loads(line) for line in result.out.splitlines()]
    assert decision["outcome"] == ("alert" if with_table else "archive")
    assert status(aws, one) == "ACTIVE"


def test_a_table_that_cannot_be_read_makes_it_unknown(aws, run, arn, policy):
    expected_key(aws)
    result = run("scan", "--analyzer-arn", arn, "--policy", policy, "--table", "none", "--format", "jsonl")
    decision = json.loads(result.out)
    assert (decision["outcome"], decision["unknown"]) == ("alert", ["reactivated_by"])
    assert result.code == 0
    assert result.err.startswith("nothing was recorded: decision log none: it is not there")


def test_every_duplicate_is_archived(aws, run, apply, policy):
    arns = [
        aws.client("accessanalyzer", region=region).create_analyzer(analyzerName="a", type="ACCOUNT")["arn"]
        for region in ("eu-west-1", "eu-central-1")
    ]
    role = {
        "resource": "arn:aws:iam::111122223333:role/partner",
        "resourceType": "AWS::IAM::Role",
        "principal": {"AWS": STRANGER},
        "action": ["sts:AssumeRole"],
        "isPublic": False,
        "condition": {},
    }
    aws.client("iam").create_role(RoleName="partner", AssumeRolePolicyDocument="{}")
    ids = [aws.findings.put(role, analyzer_arn=arn).id for arn in arns]
    policy.write_text(policy.read_text() + '\n[[expected]]\nname = "p"\nresource = ["*:role/partner"]\n')
    options = ("--policy", policy, "--table", TABLE, "--apply", "--yes", "--deep")
    result = run("scan", "--analyzer-arn", *arns, *options)
    assert "Archived: 2 findings" in result.err, result.out
    assert {aws.findings.get(one).status for one in ids} == {"ARCHIVED"}
    assert len(logged(aws)) == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestRefused:
    def test_in_shadow_nothing_is_written(self, aws, run, arn):
        one = expected_key(aws)
        result = run("scan", "--analyzer-arn", arn, "--table", TABLE, "--apply", "--yes")
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert "in shadow mode nothing is written" in result.err
        assert status(aws, one) == "ACTIVE"

    def test_without_a_table(self, run, arn, policy, monkeypatch):
        monkeypatch.delenv("TRIAGE_TABLE", raising=False)
        result = run("scan", "--analyzer-arn", arn, "--policy", policy, "--apply", "--yes")
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "so that it can be undone" in result.err

    def test_where_nobody_can_be_asked(self, aws, run, arn, policy, monkeypatch):
        one = expected_key(aws)
        monkeypatch.setenv("TRIAGE_TABLE", TABLE)
        result = run("scan", "--analyzer-arn", arn, "--policy", policy, "--apply")
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "expected --yes where nobody can be asked" in result.err
        assert status(aws, one) == "ACTIVE"

    @pytest.mark.parametrize("answer", ["y", "n"])
    def test_a_person_is_asked(self, aws, run, arn, policy, monkeypatch, answer):
        one = expected_key(aws)
        monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
        result = run("scan", "--analyzer-arn", arn, "--policy", policy, "--table", TABLE, "--apply")
        assert result.code == 0
        said = "Archived: 1 finding. triage undo takes" if answer == "y" else "Nothing was archived."
        assert said in result.err
        assert status(aws, one) == ("ARCHIVED" if answer == "y" else "ACTIVE")

    @pytest.mark.parametrize("operation", ["UpdateFindings", "TransactWriteItems"])
    def test_by_aws(self, aws, apply, operation):
        one = expected_key(aws)
        with failing(operation, "AccessDeniedException"):
            result = apply()
        assert result.code == 2
        assert f"AWS refuses {operation}" in result.err
        assert status(aws, one) == "ACTIVE"

    def test_by_no_table(self, aws, apply):
        expected_key(aws)
        result = apply(table="none")
        assert result.code == 2
        assert "decision log none: it is not there" in result.err


@pytest.mark.parametrize(("code", "ends_with"), [("KeyboardInterrupt", 130), ("ExpiredToken", 2)])
def test_what_was_done_is_said_where_it_ends_half_way(aws, apply, monkeypatch, code, ends_with):
    monkeypatch.setattr("scoring.cli.scan.apply.PAGE", 2)
    key = make_key(aws, DEVELOPMENT)
    ids = [share_key(aws, key, principal=f"{444400000000 + n}").id for n in range(6)]
    with failing("UpdateFindings", code, after=2):
        result = apply()
    assert result.code == ends_with
    assert "Archived: 4 findings. triage undo takes them back." in result.err.splitlines()
    assert [status(aws, one) for one in ids].count("ARCHIVED") == 4


def test_an_archive_that_crashed_is_finished_by_the_next_scan(aws, apply):
    one = expected_key(aws)
    with failing("UpdateFindings", "KeyboardInterrupt"):
        assert apply().code == 130
    assert logged(aws) == [(one, "intent")]
    assert "another run holds it until" in apply().err, "until the lease is over"
    aws.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"finding_id": {"S": one}, "item": {"S": "latest"}},
        UpdateExpression="SET lease_until = :past",
        ExpressionAttributeValues={":past": {"S": "2020-01-01T00:00:00Z"}},
    )
    assert "Archived: 1 finding" in apply().err
    assert (status(aws, one), logged(aws)) == ("ARCHIVED", [(one, "done")])


class TestSecurityHub:
    @pytest.fixture
    def policy(self, tmp_path):
        return enforcing(tmp_path / "policy.toml", "[security_hub]\nupdate = true")

    def test_what_it_does_not_know_of_is_said(self, aws, apply):
        expected_key(aws)
        result = apply()
        assert "1 finding archived, but: Security Hub has no such finding (yet)" in result.err
        assert "Archived: 1 finding" in result.err

    def test_its_finding_is_told(self, aws, apply, monkeypatch):
        one = expected_key(aws)
        asff = {
            "Id": "hub-1",
            "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/access-analyzer",
            "GeneratorId": "aws/access-analyzer",
            "SchemaVersion": "2018-10-08",
            "RecordState": "ACTIVE",
            "AwsAccountId": aws.account,
            **dict.fromkeys(("CreatedAt", "UpdatedAt"), "2026-05-04T07:48:39Z"),
            **dict.fromkeys(("Title", "Description"), "shared"),
            "SourceUrl": f"https://console.aws.amazon.com/access-analyzer/home#/findings/details/{one}",
            "Resources": [{"Type": "AwsKmsKey", "Id": aws.findings.get(one).resource}],
        }
        aws.client("securityhub").batch_import_findings(Findings=[asff])
        updates: list[Any] = []
        call = BaseClient._make_api_call

        def answer(client: Any, name: str, parameters: Any) -> Any:
            if name != "BatchUpdateFindings":
                return call(client, name, parameters)
            updates.append(parameters)
            return {"UnprocessedFindings": []}

        monkeypatch.setattr(BaseClient, "_make_api_call", answer)
        assert "but:" not in apply().err
        [update] = updates
        assert update["FindingIdentifiers"][0]["Id"] == "hub-1"
        assert update["Workflow"] == {"Status": "RESOLVED"}
        assert update["UserDefinedFields"]["triage/outcome"] == "archive"
