"""`triage rules ...` as people run it, on the embedded AWS."""

import json
from collections.abc import Iterator

import pytest

from embedded import EmbeddedAws
from tests.live_aws import Run, failing, runner, status

AUDITOR = "444455556666"
AUDIT_ROLE = {
    "resource": "arn:aws:iam::111122223333:role/security-audit",
    "resourceType": "AWS::IAM::Role",
    "principal": {"AWS": f"arn:aws:iam::{AUDITOR}:root"},
    "action": ["sts:AssumeRole"],
    "isPublic": False,
}
PUBLIC = {
    "resource": "arn:aws:s3:::site",
    "resourceType": "AWS::S3::Bucket",
    "principal": {"AWS": "*"},
    "action": ["s3:GetObject"],
    "isPublic": True,
}


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


@pytest.fixture
def arn(aws) -> str:
    arn: str = aws.findings.analyzer_for("external")
    return arn


def rule_names(aws: EmbeddedAws) -> list[str]:
    rules = aws.client("accessanalyzer").list_archive_rules(analyzerName="external")["archiveRules"]
    return [rule["ruleName"] for rule in rules]


def test_the_security_auditor_from_beginning_to_end(aws, run, arn):
    there, stranger = aws.findings.put(AUDIT_ROLE), aws.findings.put(PUBLIC)
    create = (
        "rules",
        "create",
        "security-auditor",
        "--analyzer-arn",
        arn,
        "--filter",
        "resourceType eq AWS::IAM::Role",
        "--filter",
        f"principal.AWS eq {AUDITOR}",
    )
    dry = run(*create)
    assert (dry.code, dry.err) == (0, "")
    assert dry.out.splitlines() == [
        "security-auditor",
        "  resourceType eq AWS::IAM::Role",
        f"  principal.AWS eq {AUDITOR}",
        "Matches 1 of the active findings.",
        f"  {there.id}  arn:aws:iam::111122223333:role/security-audit",
        "Nothing was written: --apply does it.",
    ]
    assert rule_names(aws) == []
    assert run(*create, "--apply").code == 0
    assert rule_names(aws) == ["security-auditor"]
    assert status(aws, there.id) == "ACTIVE", "what is there stays"
    assert aws.findings.put(AUDIT_ROLE).status == "ARCHIVED", "what comes is archived"

    listed = run("rules", "list", "--analyzer-arn", arn)
    assert listed.out.splitlines()[-1] == "1 archive rule"
    assert f"principal.AWS eq {AUDITOR}" in listed.out
    assert json.loads(run("rules", "list", "--analyzer-arn", arn, "--format", "json").out) == [
        {
            "ruleName": "security-auditor",
            "filter": {"resourceType": {"eq": ["AWS::IAM::Role"]}, "principal.AWS": {"eq": [AUDITOR]}},
        }
    ]

    dry = run("rules", "apply", "security-auditor", "--analyzer-arn", arn)
    assert there.id in dry.out
    assert status(aws, there.id) == "ACTIVE"
    assert run("rules", "apply", "security-auditor", "--analyzer-arn", arn, "--apply").code == 0
    assert (status(aws, there.id), status(aws, stranger.id)) == ("ARCHIVED", "ACTIVE")

    assert run("rules", "delete", "security-auditor", "--analyzer-arn", arn).code == 0
    assert rule_names(aws) == ["security-auditor"]
    assert run("rules", "delete", "security-auditor", "--analyzer-arn", arn, "--apply").code == 0
    assert rule_names(aws) == []


class TestPublicAccess:
    def create(self, run: Run, arn: str, *more: str) -> "tuple[int, str, str]":
        return run("rules", "create", "r", "--analyzer-arn", arn, "--apply", *more)

    @pytest.mark.parametrize("filter_", ["resource contains site", "resourceType eq AWS::IAM::Role"])
    def test_a_rule_that_may_hide_it_is_refused(self, aws, run, arn, filter_):
        aws.findings.put(PUBLIC)
        code, _, err = self.create(run, arn, "--filter", filter_)
        assert (code, err.count("\n")) == (2, 1)
        assert "it may hide public access: add the criterion 'isPublic eq false', or say --force" in err
        assert rule_names(aws) == []

    def test_it_names_the_public_findings(self, aws, run, arn):
        found = aws.findings.put(PUBLIC)
        _, out, _ = self.create(run, arn, "--filter", "resource contains site")
        assert "Matches 1 of the active findings, 1 public." in out
        assert f"{found.id}  arn:aws:s3:::site  PUBLIC" in out

    def test_pinned_it_is_taken(self, aws, run, arn):
        code, _, _ = self.create(
            run, arn, "--filter", "resource contains site", "--filter", "isPublic eq false"
        )
        assert code == 0
        assert aws.findings.put(PUBLIC).status == "ACTIVE"

    def test_forced_it_is_taken_and_marked_in_the_list(self, aws, run, arn):
        code, _, _ = self.create(run, arn, "--filter", "resource contains site", "--force")
        assert code == 0
        assert "r  (may hide public access)" in run("rules", "list", "--analyzer-arn", arn).out

    def test_applying_a_rule_of_somebody_else_is_refused_too(self, aws, run, arn):
        found = aws.findings.put(PUBLIC)
        aws.client("accessanalyzer").create_archive_rule(
            analyzerName="external", ruleName="wide", filter={"resource": {"contains": ["site"]}}
        )
        result = run("rules", "apply", "wide", "--analyzer-arn", arn, "--apply")
        assert (result.code, status(aws, found.id)) == (2, "ACTIVE")
        assert run("rules", "apply", "wide", "--analyzer-arn", arn, "--apply", "--force").code == 0
        assert status(aws, found.id) == "ARCHIVED"


def test_a_filter_from_a_file(aws, run, arn, tmp_path):
    file = tmp_path / "filter.json"
    file.write_text(json.dumps({"principal.AWS": {"eq": [AUDITOR]}}, indent=1))
    assert run("rules", "create", "r", "--analyzer-arn", arn, "--file", file, "--apply").code == 0
    assert rule_names(aws) == ["r"]
    file.write_text(json.dumps({"principal.AWS": {"is": [AUDITOR]}}))
    result = run("rules", "create", "s", "--analyzer-arn", arn, "--file", file)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert str(file) in result.err
    assert "unknown key 'is'" in result.err


def test_a_rule_is_replaced_only_if_that_is_said(aws, run, arn):
    create = ("rules", "create", "r", "--analyzer-arn", arn, "--apply", "--filter")
    assert run(*create, f"principal.AWS eq {AUDITOR}").code == 0
    again = run(*create, "isPublic eq false")
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert run(*create, "isPublic eq false", "--replace").code == 0
    assert "isPublic eq false" in run("rules", "list", "--analyzer-arn", arn).out
    other = ("rules", "create", "none", "--analyzer-arn", arn, "--replace", "--filter", "isPublic eq false")
    assert run(*other).code == 2


def test_a_hundred_rules_at_most(aws, run, arn):
    client = aws.client("accessanalyzer")
    for number in range(100):
        client.create_archive_rule(
            analyzerName="external", ruleName=f"r{number}", filter={"isPublic": {"eq": ["false"]}}
        )
    assert run("rules", "list", "--analyzer-arn", arn).out.splitlines()[-1] == "100 archive rules"
    result = run("rules", "create", "one-more", "--analyzer-arn", arn, "--filter", "isPublic eq false")
    assert result.code == 2
    assert "expected fewer than 100 rules at the analyzer" in result.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "r"],
        ["create", "1r", "--filter", "isPublic eq false"],
        ["create", "r", "--filter", "status eq ACTIVE"],
        ["create", "r", "--filter", "findingType eq UnusedIAMRole"],
        ["apply", "none"],
        ["delete", "none", "--apply"],
    ],
)
def test_one_line_of_bad_usage(run, arn, arguments):
    result = run("rules", *arguments, "--analyzer-arn", arn)
    assert (result.code, result.err.count("\n")) == (2, 1)


def test_a_rule_of_unused_access(aws, run):
    arn = aws.findings.analyzer_for("unused")
    found = aws.findings.put(
        {
            "resource": "arn:aws:iam::111122223333:role/break-glass",
            "resourceType": "AWS::IAM::Role",
            "findingType": "UnusedIAMRole",
        }
    )
    create = (
        "rules",
        "create",
        "r",
        "--analyzer-arn",
        arn,
        "--filter",
        "resource contains :role/break-glass",
    )
    assert found.id in run(*create).out
    assert run(*create, "--apply").code == 0


def test_refused_by_aws(run, arn):
    with failing("CreateArchiveRule", "AccessDeniedException"):
        result = run(
            "rules", "create", "r", "--analyzer-arn", arn, "--filter", "isPublic eq false", "--apply"
        )
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "AWS refuses CreateArchiveRule" in result.err
