"""`triage doctor` as people run it, on an embedded AWS that is healthy, and on ones that are not."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedAws, small_organization
from embedded.access_analyzer.models import accessanalyzer_backends
from embedded.services import roles
from scoring.aws.enrich import OWN_ACTIONS
from scoring.decision_log import table as decision_table
from scoring.policy.facts import DatedFact
from scoring.scorecard import formats
from tests.live_aws import TABLE, Result, Run, enforcing, failing, make_table, runner

ROLE = "OrganizationAccountAccessRole"


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(small_organization()) as box:
        make_table(box)
        yield box


@pytest.fixture(scope="module")
def topic(aws) -> str:
    arn: str = aws.create_topic("alerts").topic_arn
    aws.client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="security@example.com")
    return arn


@pytest.fixture
def policy(aws, tmp_path) -> Path:
    return enforcing(tmp_path / "policy.toml", f'organization_id = "{aws.organization.id}"')


@pytest.fixture
def doctor(aws: EmbeddedAws, run: Run, topic: str, policy: Path) -> Callable[..., Result]:
    def doctor(*more: object, **instead: object) -> Result:
        options = {
            "--analyzer-arn": aws.organization.analyzer_arn,
            "--topic-arn": topic,
            "--table": TABLE,
            "--role-name": ROLE,
            "--policy": policy,
        } | {f"--{name.replace('_', '-')}": value for name, value in instead.items()}
        given = [str(x) for pair in options.items() if pair[1] is not None for x in pair]
        return run("doctor", *given, *more)

    return doctor


def of(result: Result, check: str, status: str | None = None) -> list[str]:
    found = json.loads(result.out)
    return [
        f"{one['text']} | {one['fix']}"
        for one in found
        if one["check"] == check and status in (None, one["status"])
    ]


def problems(result: Result) -> list[str]:
    return [one["check"] for one in json.loads(result.out) if one["status"] == "problem"]


def test_all_is_well(doctor, aws):
    result = doctor()
    assert (result.code, result.err) == (0, ""), result.out
    lines = result.out.splitlines()
    assert lines[-1] == "No problems."
    assert any(line.startswith("ok       credentials: you are arn:aws:sts::111122223333") for line in lines)
    assert f"digest {formats.load().sha256}" in result.out
    assert "external access, ORGANIZATION, its findings can be listed" in result.out
    assert "the role OrganizationAccountAccessRole can be assumed in 5 accounts" in result.out
    assert "2 confirmed subscriptions" in result.out


def test_every_result_as_json_says_the_same(doctor):
    result = doctor("--format", "json")
    found = json.loads(result.out)
    assert {one["status"] for one in found} <= {"ok", "note", "problem"}
    text = doctor().out
    assert all(one["text"] in text for one in found)
    order = list(dict.fromkeys(one["check"] for one in found))
    assert order == [
        *("model", "policy", "facts", "credentials", "region", "analyzers", "archive rules", "organization"),
        *("member accounts", "table", "topic", "permissions"),
    ]


def test_an_analyzer_that_a_service_made_is_named_with_what_ones_own_costs(doctor, aws):
    client = aws.client("accessanalyzer")
    backend = accessanalyzer_backends["111122223333"]["eu-west-1"]
    names = ("_AccessAnalyzerForSecurityHubV2-1", "unused")
    for name in names:
        client.create_analyzer(analyzerName=name, type="ORGANIZATION_UNUSED_ACCESS")
    backend.get_analyzer(names[0]).managed_by = "securityhub.amazonaws.com"
    try:
        result = doctor("--format", "json")
        [said] = of(result, "analyzers", "note")
    finally:
        for name in names:
            client.delete_analyzer(analyzerName=name)
    assert "analyzer/_AccessAnalyzerForSecurityHubV2-1 is managed by securityhub.amazonaws.com" in said
    assert "it finds what arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/unused finds" in said
    assert "$0.20 a month for each role and user" in said
    assert result.code == 0


def test_what_is_old_is_named(doctor, monkeypatch):
    old = [
        DatedFact("condition keys", date(2020, 1, 1), "https://x"),
        DatedFact("new", date(2099, 1, 1), "y"),
    ]
    monkeypatch.setattr("scoring.cli.doctor.settings.dated_facts", lambda: old)
    [said] = of(doctor("--format", "json"), "facts")
    assert said.startswith("condition keys: last compared on 2020-01-01, ")
    assert said.endswith("compare it with https://x")


class TestProblems:
    def json(self, doctor: Any, **instead: object) -> Result:
        result: Result = doctor("--format", "json", **instead)
        assert result.err == ""
        return result

    def test_no_credentials(self, doctor, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name)
        result = self.json(doctor)
        assert (result.code, problems(result)) == (1, ["credentials"])
        assert "no AWS credentials that hold" in of(result, "credentials")[0]

    def test_no_region(self, run, aws, monkeypatch):
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name)
        result = run("doctor", "--format", "json")
        assert result.code == 1
        assert "region" in problems(result) or "credentials" in problems(result)

    def test_no_such_analyzer(self, doctor):
        result = self.json(
            doctor, analyzer_arn="arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/none"
        )
        assert (result.code, problems(result)) == (1, ["analyzers"])
        assert "create one: aws accessanalyzer create-analyzer" in of(result, "analyzers")[0]

    def test_an_arn_that_is_none(self, doctor):
        assert "expected arn:aws:access-analyzer" in of(self.json(doctor, analyzer_arn="x"), "analyzers")[0]

    @pytest.mark.parametrize("arn", ["x", "arn:aws:iam", "arn:aws:sts::111122223333"])
    def test_a_principal_that_is_none(self, doctor, arn):
        [said] = of(self.json(doctor, principal_arn=arn), "permissions", "problem")
        assert said.startswith(f"--principal-arn: expected an ARN, got '{arn}'")

    def test_no_analyzer_at_all(self, doctor):
        result = self.json(doctor, analyzer_arn=None, region="eu-north-1", table=None, topic_arn=None)
        assert of(result, "analyzers", "problem")[0].startswith("no analyzer in eu-north-1")

    @pytest.mark.parametrize("status", ["DISABLED", "FAILED", "CREATING"])
    def test_an_analyzer_that_does_not_work(self, doctor, monkeypatch, status):
        from embedded.access_analyzer.analyzer import Analyzer

        describe = Analyzer.describe
        monkeypatch.setattr(Analyzer, "describe", lambda self: describe(self) | {"status": status})
        assert f"is {status}" in of(self.json(doctor), "analyzers", "problem")[0]

    def test_findings_may_not_be_listed(self, doctor):
        with failing("ListFindings", "AccessDeniedException"):
            result = self.json(doctor)
        assert "AWS refuses ListFindings" in of(result, "analyzers", "problem")[0]

    def test_the_organization_cannot_be_read(self, doctor):
        with failing("ListAccounts", "AccessDeniedException"):
            result = self.json(doctor)
        assert "nothing is archived" in of(result, "organization", "problem")[0]
        assert "delegated administrator" in of(result, "organization", "problem")[0]

    def test_another_organization(self, doctor, tmp_path):
        other = enforcing(tmp_path / "other.toml", 'organization_id = "o-zzzzzzzzzz"')
        result = self.json(doctor, policy=other)
        assert "organization_id is o-zzzzzzzzzz" in of(result, "organization", "problem")[0]

    def test_no_role_for_an_organization(self, doctor):
        result = self.json(doctor, role_name=None)
        assert (result.code, problems(result)) == (1, ["member accounts"])

    def test_a_role_that_is_not_there(self, doctor):
        with roles.must_exist():
            result = self.json(doctor, role_name="access-triage")
        [told] = of(result, "member accounts", "problem")
        assert "lacks the role access-triage, the role does not trust account 111122223333" in told
        assert "222233334444" in told

    def test_a_role_that_may_read_no_tags(self, doctor):
        with failing("GetResources", "AccessDeniedException"):
            result = self.json(doctor)
        assert "AWS refuses GetResources" in of(result, "member accounts", "problem")[0]

    def test_no_table(self, doctor):
        assert "there is no table none in eu-west-1" in of(self.json(doctor, table="none"), "table")[0]

    def test_a_table_without_the_index(self, aws, doctor):
        definition = decision_table.definition("bare")
        del definition["GlobalSecondaryIndexes"]
        definition["AttributeDefinitions"] = definition["AttributeDefinitions"][:2]
        aws.client("dynamodb").create_table(**definition)
        found = of(self.json(doctor, table="bare"), "table")
        assert "no index by_effect with the keys effect, decided_at" in found[0]
        assert found[1].startswith("items of the table never expire")

    def test_a_table_with_other_keys(self, aws, doctor):
        definition = decision_table.definition("other")
        definition["KeySchema"] = definition["KeySchema"][:1]
        del definition["GlobalSecondaryIndexes"]
        definition["AttributeDefinitions"] = definition["AttributeDefinitions"][:1]
        aws.client("dynamodb").create_table(**definition)
        assert (
            "keys finding_id instead of finding_id, item" in of(self.json(doctor, table="other"), "table")[0]
        )

    def test_a_topic_that_nobody_reads(self, aws, doctor):
        silent = aws.client("sns").create_topic(Name="silent")["TopicArn"]
        assert "nobody receives the alerts" in of(self.json(doctor, topic_arn=silent), "topic", "problem")[0]

    @pytest.mark.parametrize("arn", ["alerts", "arn:aws:sns:eu-west-1:111122223333:none"])
    def test_no_topic(self, doctor, arn):
        result = self.json(doctor, topic_arn=arn)
        assert (result.code, problems(result)) == (1, ["topic"])

    def test_a_model_that_cannot_be_read(self, doctor, tmp_path):
        result = self.json(doctor, model=tmp_path / "none.json")
        assert (result.code, problems(result)) == (1, ["model"])

    def test_a_policy_that_is_wrong(self, doctor, tmp_path):
        wrong = tmp_path / "wrong.toml"
        wrong.write_text('mode = "on"')
        result = self.json(doctor, policy=wrong)
        assert (result.code, problems(result)) == (1, ["policy"])

    def test_a_threshold_for_another_model(self, doctor, tmp_path):
        stale = tmp_path / "stale.toml"
        stale.write_text(f'[threshold]\nvalue = 20\nmodel_sha256 = "{"0" * 64}"\n')
        [told] = of(self.json(doctor, policy=stale), "policy", "problem")
        assert "nothing is archived" in told
        assert f'model_sha256 = "{formats.load().sha256}"' in told


class TestNotes:
    def test_shadow_and_whom_rules_trust(self, doctor, tmp_path):
        shadow = tmp_path / "shadow.toml"
        rule = '[[expected]]\nname = "dev"\ntags = { Environment = "development" }\n'
        shadow.write_text(f"[guardrails]\npublic = false\n{rule}")
        told = " ".join(of(doctor("--format", "json", policy=shadow), "policy", "note"))
        assert "mode shadow" in told
        assert "guardrails taken down: public" in told
        assert "trusts whoever may set tags or aliases (such as kms:TagResource" in told

    def test_no_organization_is_no_problem(self, doctor):
        with failing("ListAccounts", "AWSOrganizationsNotInUseException"):
            result = doctor("--format", "json")
        assert result.code == 0, result.out
        assert "every other account counts as outside" in of(result, "organization", "note")[0]


class TestPermissions:
    @pytest.fixture
    def role(self, aws):
        iam = aws.client("iam")
        created = iam.create_role(Path="/security/", RoleName="triage", AssumeRolePolicyDocument="{}")
        yield from self._allowing(iam, created["Role"]["Arn"])
        iam.delete_role_policy(RoleName="triage", PolicyName="p")
        iam.delete_role(RoleName="triage")

    def _allowing(self, iam: Any, arn: str) -> Iterator[Callable[..., str]]:

        def allow(*actions: str, without: tuple[str, ...] = ()) -> str:
            statements = [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]
            if without:
                statements.append({"Effect": "Deny", "Action": list(without), "Resource": "*"})
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_role_policy(RoleName="triage", PolicyName="p", PolicyDocument=document)
            return str(arn)

        yield allow

    NEEDED = (*OWN_ACTIONS, "access-analyzer:*", "dynamodb:*", "sns:Publish")

    def test_all_that_is_needed(self, doctor, role):
        result = doctor("--format", "json", principal_arn=role(*self.NEEDED))
        assert (result.code, of(result, "permissions", "problem")) == (0, [])
        assert "role/security/triage may do all that is needed" in of(result, "permissions", "ok")[0]

    @pytest.mark.parametrize("missing", ["access-analyzer:UpdateFindings", "tag:GetResources", "sns:Publish"])
    def test_what_is_missing_is_named(self, doctor, role, missing):
        result = doctor("--format", "json", principal_arn=role(*self.NEEDED, without=(missing,)))
        assert result.code == 1
        [told] = of(result, "permissions", "problem")
        assert f"may not {missing} on " in told

    def test_in_shadow_nothing_is_to_be_updated(self, doctor, role):
        arn = role(*self.NEEDED, without=("access-analyzer:UpdateFindings",))
        assert doctor("--format", "json", principal_arn=arn, policy=None).code == 0

    def test_security_hub_only_where_it_is_wanted(self, doctor, role, tmp_path):
        hub = enforcing(tmp_path / "hub.toml", "[security_hub]\nupdate = true")
        result = doctor("--format", "json", principal_arn=role(*self.NEEDED), policy=hub)
        told = " ".join(of(result, "permissions", "problem"))
        assert "securityhub:BatchUpdateFindings" in told

    def test_where_nothing_may_be_simulated_it_is_tried(self, doctor):
        with (
            failing("SimulatePrincipalPolicy", "AccessDenied"),
            failing("ListAliases", "AccessDeniedException"),
        ):
            result = doctor("--format", "json")
        assert "could not be simulated" in of(result, "permissions", "note")[0]
        assert "you may not kms:ListAliases" in of(result, "permissions", "problem")[0]
        assert "you may tag:GetResources" in of(result, "permissions", "ok")[0]


def test_archive_rules_that_may_hide_access_are_problems(aws, doctor) -> None:
    assert of(doctor("--format", "json"), "archive rules", "ok")
    client = aws.client("accessanalyzer")
    name = aws.organization.analyzer_arn.rpartition("/")[2]
    client.create_archive_rule(analyzerName=name, ruleName="quiet", filter={"isPublic": {"eq": ["true"]}})
    try:
        (said,) = of(doctor("--format", "json"), "archive rules", "problem")
    finally:
        client.delete_archive_rule(analyzerName=name, ruleName="quiet")
    assert said.startswith("archive rule quiet archives public access | see whether")


def test_who_is_told_is_said(doctor, policy) -> None:
    route = '[[alerts.route]]\nname = "team a"\naccount = ["111122223333"]\nmail_to = ["a@example.com"]\n'
    policy.write_text(f"{policy.read_text()}\n[alerts]\n{route}security_copy = false\n")
    said = of(doctor("--format", "json"), "policy")
    assert any("alerts go out by sns; 1 routes to other teams" in text for text in said)
    assert any("no copy of what goes to team a" in text for text in said)
