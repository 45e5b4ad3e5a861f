"""`triage scan` as people run it, on the embedded AWS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scan_calls
from embedded import EmbeddedAws
from embedded.access_analyzer.models import accessanalyzer_backends
from tests.live_aws import (
    DEVELOPMENT,
    STRANGER,
    Result,
    Run,
    failing,
    make_key,
    runner,
    share_key,
    status,
)


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


@pytest.fixture
def arn(aws: EmbeddedAws) -> str:
    return aws.findings.analyzer_for("external")


def decisions(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines()]


def test_live_findings_are_enriched_and_decided_on(aws, run, arn):
    expected = share_key(aws, make_key(aws, DEVELOPMENT, "alias/DevelopmentKey"))
    stranger = share_key(aws, make_key(aws, {}))
    result = run("scan", "--analyzer-arn", arn, "--format", "jsonl")
    assert (result.code, result.err) == (0, "")
    found = decisions(result.out)
    assert [(d["finding_id"], d["outcome"]) for d in found] == [
        (expected.id, "archive"),
        (stranger.id, "alert"),
    ]
    assert found[0]["reason"] == (
        "expected by the policy's rule: tagged development key (the sharer can set tags and the alias)"
    )
    assert found[0]["analyzer_arn"] == arn
    assert status(aws, expected.id) == "ACTIVE", "a scan writes nothing"
    table = run("scan", "--analyzer-arn", arn)
    assert "\n2 findings: 1 alert, 1 archive\n" in table.out


class TestAllTypes:
    @pytest.fixture
    def arns(self, aws):
        return [aws.findings.analyzer_for(family) for family in ("external", "internal", "unused")]

    @pytest.fixture
    def found(self, aws, arns):
        unused = {"serviceNamespace": "s3", "actions": [{"action": "s3:GetObject"}]}
        services = [{"unusedPermissionDetails": unused | {"serviceNamespace": f"s{n}"}} for n in range(205)]
        return [
            share_key(aws, make_key(aws, {})),
            aws.findings.put(
                {
                    "resource": "arn:aws:s3:::ledger",
                    "resourceType": "AWS::S3::Bucket",
                    "findingType": "InternalAccess",
                    "principal": {"AWS": "arn:aws:iam::111122223333:role/reader"},
                    "action": ["s3:GetObject"],
                    "accessType": "INTRA_ACCOUNT",
                    "principalType": "IAM_ROLE",
                }
            ),
            aws.findings.put(
                {
                    "resource": "arn:aws:iam::111122223333:role/old",
                    "resourceType": "AWS::IAM::Role",
                    "findingType": "UnusedPermission",
                    "findingDetails": services,
                }
            ),
        ]

    def test_one_scan_serves_all(self, run, arns, found):
        result = run("scan", *(f"--analyzer-arn={arn}" for arn in arns), "--format", "jsonl")
        assert (result.code, result.err) == (0, "")
        seen = {(d["finding_id"], d["finding_type"], d["analyzer_arn"]) for d in decisions(result.out)}
        types = ("ExternalAccess", "InternalAccess", "UnusedPermission")
        assert seen == {(f.id, kind, arn) for f, kind, arn in zip(found, types, arns, strict=True)}

    def test_arns_may_follow_one_another(self, run, arns, found):
        result = run("scan", "--analyzer-arn", *arns, "--format", "jsonl")
        assert len(decisions(result.out)) == 3

    def test_all_pages_of_details_are_read(self, run, arns, found):
        [decision] = decisions(run("scan", "--analyzer-arn", arns[2], "--format", "jsonl").out)
        features = {part["feature"]: part["value"] for part in decision["contributions"]}
        assert "unknown_details" not in {rail["name"] for rail in decision["guardrails"]}
        assert decision["resource"].endswith("role/old"), features


def test_all_pages_are_read_and_an_analyzer_named_twice_is_read_once(aws, run, arn):
    key = make_key(aws, {})
    ids = [share_key(aws, key, principal=f"{444400000000 + n}").id for n in range(205)]
    result = run("scan", "--analyzer-arn", arn, "--analyzer-arn", arn, "--format", "jsonl")
    assert [d["finding_id"] for d in decisions(result.out)] == ids


@pytest.mark.parametrize("chosen", ["ACTIVE", "ARCHIVED", "RESOLVED", "all"])
def test_findings_of_the_status_that_is_asked_for(aws, run, arn, chosen):
    for wanted in ("ACTIVE", "ARCHIVED", "RESOLVED"):
        share_key(aws, make_key(aws, {}), status=wanted)
    found = decisions(run("scan", "--analyzer-arn", arn, "--status", chosen, "--format", "jsonl").out)
    assert {d["status"] for d in found} == (
        {"ACTIVE", "ARCHIVED", "RESOLVED"} if chosen == "all" else {chosen}
    )


@pytest.mark.parametrize(
    ("format_", "begins"), [("json", "[\n"), ("csv", "finding_id,"), ("table", "#  Severity")]
)
def test_it_writes_as_score_does(aws, run, arn, tmp_path, format_, begins):
    share_key(aws, make_key(aws, {}))
    file = tmp_path / "out"
    to_file = run("scan", "--analyzer-arn", arn, "--format", format_, "--output", file)
    assert (to_file.code, to_file.out) == (0, "")
    assert file.read_text().startswith(begins)
    assert run("scan", "--analyzer-arn", arn, "--format", format_).out == file.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "nothing is left beside it"


def test_deep_asks_about_each_resource_once(aws, run, arn):
    key = make_key(aws, {})
    for principal in (STRANGER, "999988887777"):
        share_key(aws, key, principal)
    shallow, deep = [
        decisions(run("scan", "--analyzer-arn", arn, "--format", "jsonl", *more).out)[0]
        for more in ((), ("--deep",))
    ]
    assert shallow["outcome"] == deep["outcome"] == "alert"


SECURITY_HUB = "securityhub.amazonaws.com"
ROLE: dict[str, Any] = {
    "resource": "arn:aws:iam::111122223333:role/partner",
    "resourceType": "AWS::IAM::Role",
    "principal": {"AWS": STRANGER},
    "action": ["sts:AssumeRole"],
    "isPublic": False,
    "condition": {},
}


class TestSeveralRegions:
    @pytest.fixture
    def arns(self, aws):
        regions = ("eu-west-1", "eu-central-1", "us-east-1")
        return [
            aws.client("accessanalyzer", region=region).create_analyzer(analyzerName="a", type="ACCOUNT")[
                "arn"
            ]
            for region in regions
        ]

    def test_a_role_is_reported_once_and_the_others_are_named(self, aws, run, arns):
        ids = [aws.findings.put(ROLE, analyzer_arn=arn).id for arn in arns]
        result = run("scan", "--analyzer-arn", *arns, "--format", "jsonl")
        [decision] = decisions(result.out)
        assert decision["finding_id"] == ids[0]
        assert decision["duplicates"] == [
            {"finding_id": finding_id, "analyzer_arn": arn}
            for finding_id, arn in zip(ids[1:], arns[1:], strict=True)
        ]
        assert result.err.splitlines() == [
            "2 findings repeat what another analyzer found of the same resource; reported once:",
            f"  {ids[0]} (eu-west-1): also {ids[1]} (eu-central-1), {ids[2]} (us-east-1)",
        ]

    def test_a_services_analyzer_of_the_same_region_repeats_the_customers_own(self, aws, run):
        client = aws.client("accessanalyzer")
        names = ("_AccessAnalyzerForSecurityHubV2-1", "own")
        theirs, own = (
            client.create_analyzer(analyzerName=name, type="ACCOUNT_UNUSED_ACCESS")["arn"] for name in names
        )
        accessanalyzer_backends["111122223333"]["eu-west-1"].get_analyzer(names[0]).managed_by = SECURITY_HUB
        role = {
            "resource": ROLE["resource"],
            "resourceType": "AWS::IAM::Role",
            "findingType": "UnusedIAMRole",
        }
        first, second = (aws.findings.put(role, analyzer_arn=arn).id for arn in (theirs, own))
        result = run("scan", "--analyzer-arn", theirs, own, "--format", "jsonl")
        [decision] = decisions(result.out)
        assert (decision["finding_id"], decision["managed_by"]) == (second, "")
        assert decision["duplicates"] == [
            {"finding_id": first, "analyzer_arn": theirs, "managed_by": SECURITY_HUB}
        ]
        assert f"also {first} (eu-west-1, managed by {SECURITY_HUB})" in result.err

    def test_what_says_something_else_is_reported(self, aws, run, arns):
        for number, arn in enumerate(arns):
            aws.findings.put(ROLE | {"principal": {"AWS": f"{444400000000 + number}"}}, analyzer_arn=arn)
        result = run("scan", "--analyzer-arn", *arns, "--format", "jsonl")
        assert (len(decisions(result.out)), result.err) == (3, "")

    def test_what_one_analyzer_found_twice_is_two_findings(self, aws, run, arns):
        for arn in (arns[0], arns[0], arns[1]):
            aws.findings.put(ROLE, analyzer_arn=arn)
        found = decisions(run("scan", "--analyzer-arn", *arns, "--format", "jsonl").out)
        assert [len(decision["duplicates"]) for decision in found] == [1, 0]

    def test_regional_resources_are_never_put_together(self, aws, run, arns):
        queue = ROLE | {
            "resource": "arn:aws:sqs:eu-west-1:111122223333:q",
            "resourceType": "AWS::SQS::Queue",
        }
        for arn in arns:
            aws.findings.put(queue, analyzer_arn=arn)
        assert len(decisions(run("scan", "--analyzer-arn", *arns, "--format", "jsonl").out)) == 3

    def test_the_most_careful_decision_stands(self, aws, run, arns, tmp_path):
        bucket = ROLE | {
            "resource": "arn:aws:s3:::ledger",
            "resourceType": "AWS::S3::Bucket",
            "action": ["s3:GetObject"],
        }
        s3 = aws.client("s3", region="eu-central-1")
        s3.create_bucket(Bucket="ledger", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        tags = [{"Key": "Data Classification", "Value": "Confidential"}]
        s3.put_bucket_tagging(Bucket="ledger", Tagging={"TagSet": tags})
        for arn in arns:
            aws.findings.put(bucket, analyzer_arn=arn)
        result = run("scan", "--analyzer-arn", *arns, "--format", "jsonl", "--threshold", "1000")
        [decision] = decisions(result.out)
        assert decision["outcome"] == "alert"
        assert "confidential_outside" in {rail["name"] for rail in decision["guardrails"]}


class TestInterrupted:
    @pytest.fixture
    def unused(self, aws):
        arn = aws.findings.analyzer_for("unused")
        for number in range(6):
            aws.findings.put(
                {
                    "resource": f"arn:aws:iam::111122223333:role/old{number}",
                    "resourceType": "AWS::IAM::Role",
                    "findingType": "UnusedIAMRole",
                }
            )
        return arn

    def scan(self, run: Run, arn: str, file: Path, *more: str) -> Result:
        return run("scan", "--analyzer-arn", arn, "--format", "jsonl", "--output", file, *more)

    @pytest.fixture(autouse=True)
    def one_at_a_time(self, monkeypatch):
        monkeypatch.setattr("scoring.cli.scan.score._AT_ONCE", 1)

    @pytest.mark.parametrize(
        ("code", "ends_with"), [("ThrottlingException", 2), ("KeyboardInterrupt", 130), ("ExpiredToken", 2)]
    )
    def test_what_was_found_out_is_not_asked_for_again(self, aws, run, unused, tmp_path, code, ends_with):
        whole = self.scan(run, unused, tmp_path / "whole")
        assert whole.code == 0
        file = tmp_path / "out"
        with failing("GetFindingV2", code, after=4):
            broken = self.scan(run, unused, file)
        assert broken.code == ends_with
        [line] = broken.err.splitlines()
        assert line.endswith(f"4 findings kept in {file}.partial: --resume goes on")
        assert not file.exists()
        with failing("GetFindingV2", "TooMany", after=2):
            again = self.scan(run, unused, file, "--resume")
        assert (again.code, again.err) == (0, "")
        assert file.read_bytes() == (tmp_path / "whole").read_bytes()
        assert not file.with_name("out.partial").exists()

    def test_a_line_that_was_cut_off_is_read_again(self, run, unused, tmp_path):
        file = tmp_path / "out"
        with failing("GetFindingV2", "ThrottlingException", after=4):
            self.scan(run, unused, file)
        partial = file.with_name("out.partial")
        partial.write_bytes(partial.read_bytes()[:-30])
        assert self.scan(run, unused, file, "--resume").code == 0
        assert len(file.read_text().splitlines()) == 6

    def test_an_analyzer_that_is_none_is_a_damaged_file(self, run, unused, tmp_path):
        file = tmp_path / "out"
        with failing("GetFindingV2", "ThrottlingException", after=4):
            self.scan(run, unused, file)
        partial = file.with_name("out.partial")
        partial.write_bytes(partial.read_bytes().replace(unused.encode(), b"unused"))
        result = self.scan(run, unused, file, "--resume")
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "is damaged: analyzerArn: expected arn:aws:access-analyzer:" in result.err

    def test_what_has_changed_since_is_read_again(self, aws, run, unused, tmp_path):
        file = tmp_path / "out"
        with failing("GetFindingV2", "ThrottlingException", after=4):
            self.scan(run, unused, file)
        changed = aws.findings.all(unused)[0]
        aws.findings.update(changed.id, {"lastAccessed": "2026-01-05T00:00:00Z"})
        for reads, code in ((2, 2), (1, 0)):
            with failing("GetFindingV2", "ThrottlingException", after=reads):
                assert self.scan(run, unused, file, "--resume").code == code

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            (["--resume"], "there is nothing to resume"),
            (["--resume", "--deep"], "expected the policy, table and depth"),
        ],
    )
    def test_there_must_be_something_to_resume(self, run, unused, tmp_path, more, told):
        file = tmp_path / "out"
        if "--deep" in more:
            with failing("GetFindingV2", "ThrottlingException", after=4):
                self.scan(run, unused, file)
        result = self.scan(run, unused, file, *more)
        assert result.code == 2
        assert told in result.err
        assert result.err.count("\n") == 1

    def test_without_an_output_nothing_can_be_resumed(self, run, unused):
        result = run("scan", "--analyzer-arn", unused, "--resume")
        assert (result.code, result.err.count("\n")) == (2, 1)


class TestRefused:
    @pytest.mark.parametrize(
        ("operation", "code", "told"),
        [
            ("ListFindings", "AccessDeniedException", "AWS refuses ListFindings (AccessDeniedException)"),
            ("GetAnalyzer", "AccessDeniedException", "AWS refuses GetAnalyzer (AccessDeniedException)"),
            ("GetAnalyzer", "ExpiredTokenException", "credentials have expired"),
            ("GetAnalyzer", "UnrecognizedClientException", "no AWS credentials that hold"),
            ("ListFindings", "ThrottlingException", "AWS throttles ListFindings"),
            ("ListFindings", "InternalServerException", "ListFindings: InternalServerException: no"),
        ],
    )
    def test_one_line_says_what_to_do(self, run, arn, operation, code, told):
        with failing(operation, code):
            result = run("scan", "--analyzer-arn", arn)
        assert (result.code, result.out) == (2, "")
        [line] = result.err.splitlines()
        assert told in line
        assert arn in line

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            (
                "arn:aws:s3:::b",
                "--analyzer-arn: expected arn:aws:access-analyzer:<region>:<account>:",
            ),
            ("arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/none", "it is not there"),
            (
                "arn:aws:access-analyzer:eu-west-1:999988887777:analyzer/external",
                "expected an analyzer of",
            ),
        ],
    )
    def test_a_wrong_arn(self, run, arn, wrong, told):
        result = run("scan", "--analyzer-arn", wrong)
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert told in result.err

    def test_no_credentials(self, run, arn, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)
        result = run("scan", "--analyzer-arn", arn)
        assert (result.code, result.err.count("\n")) == (2, 1)
        assert "no AWS credentials that hold (NoCredentialsError)" in result.err

    def test_no_such_profile(self, run, arn):
        result = run("scan", "--analyzer-arn", arn, "--profile", "nobody")
        assert result.code == 2
        assert "--profile: The config profile (nobody) could not be found" in result.err

    def test_no_region_is_needed_beside_the_analyzers(self, run, arn, monkeypatch):
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        assert run("scan", "--analyzer-arn", arn).code == 0

    def test_a_refused_tag_list_makes_tags_unknown_not_absent(self, aws, run, arn):
        share_key(aws, make_key(aws, DEVELOPMENT, "alias/DevelopmentKey"))
        with failing("GetResources", "AccessDeniedException"):
            result = run("scan", "--analyzer-arn", arn, "--format", "jsonl", "--threshold", "1000")
        [decision] = decisions(result.out)
        assert (decision["outcome"], decision["unknown"]) == ("alert", ["tags"])


def test_a_few_calls_serve_a_backlog():
    calls, count = scan_calls.scan(500)
    assert count == 500
    assert calls.total() <= scan_calls.LIMIT * 500 + 10, calls
    assert calls["accessanalyzer", "ListFindings"] == 5
    assert calls["sts", "AssumeRole"] == 1
    assert not any("update" in operation.lower() for _, operation in calls)
