"""The stack as a whole: what the handlers are told, what is encrypted, what is watched, what stays."""

import tomllib
from collections import Counter

import msgspec
import pytest

from handlers.dispatch import STATE_MACHINE
from handlers.review.settings import PageSettings
from handlers.runtime.settings import Settings
from scoring.decision_log import table as decision_table
from tests.lambda_.infra.conftest import Template
from tests.synthesis import ROOT, template

pytestmark = pytest.mark.needs("deploy")

HANDLERS = {
    *(f"handlers.{name}.handler" for name in ("enrich", "evaluate", "archive", "notify", "dispatch")),
    *(f"handlers.{name}.handler" for name in ("single", "reconcile", "review_page")),
}


def test_there_is_a_function_for_each_handler(stack: Template) -> None:
    functions = stack.of_type("AWS::Lambda::Function").values()

    assert {function["Handler"] for function in functions} == HANDLERS
    for function in functions:
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]


def test_each_function_has_a_role_of_its_own(stack: Template) -> None:
    roles = [str(function["Role"]) for function in stack.of_type("AWS::Lambda::Function").values()]

    assert len(set(roles)) == len(roles)


def test_handlers_know_every_setting_they_are_given(stack: Template) -> None:
    known = {f"TRIAGE_{name.upper()}" for kind in (Settings, PageSettings) for name in fields(kind)}
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        given = {key for key in function["Environment"]["Variables"] if key.startswith("TRIAGE_")}
        if "Dispatch" in name:
            assert given == {STATE_MACHINE, "TRIAGE_VERSION"}
            continue
        assert given <= known, name
        assert {"TRIAGE_TABLE", "TRIAGE_TOPIC_ARN", "TRIAGE_PARAMETERS"} <= given, name


def fields(kind: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind)]


def test_the_decision_log_is_the_table_that_the_code_makes(stack: Template) -> None:
    table = stack.one("AWS::DynamoDB::Table")
    wanted = decision_table.definition("log")
    del wanted["TableName"]

    made = {key: table[key] for key in wanted}
    for definition in (made, wanted):
        definition["AttributeDefinitions"] = sorted(
            definition["AttributeDefinitions"], key=lambda attribute: attribute["AttributeName"]
        )
    assert made == wanted
    assert table["TimeToLiveSpecification"] == {"AttributeName": decision_table.EXPIRES_AT, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("kind", ["AWS::DynamoDB::Table", "AWS::S3::Bucket"])
def test_what_people_need_afterwards_outlives_the_stack(kind: str, stack: Template) -> None:
    for resource in stack.resources.values():
        if resource["Type"] == kind:
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_the_stack_owns_nothing_that_operators_set(stack: Template) -> None:
    assert stack.of_type("AWS::SSM::Parameter") == {}
    state = stack.one("Custom::OperatorState")
    assert state["ServiceToken"] == {
        "Fn::GetAtt": [stack.name_of("AWS::Lambda::Function", "Reconcile"), "Arn"]
    }


def test_the_version_is_told(stack: Template) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    tag = {"Key": "access-triage:version", "Value": version}

    assert stack.all["Outputs"]["Version"]["Value"] == version
    assert stack.one("Custom::OperatorState")["Version"] == version
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert function["Environment"]["Variables"]["TRIAGE_VERSION"] == version
        assert tag in function["Tags"]
    assert tag in stack.one("AWS::DynamoDB::Table")["Tags"]


def test_buckets_are_private_encrypted_and_versioned(stack: Template) -> None:
    for bucket in stack.of_type("AWS::S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize(
    ("kind", "policy", "place"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    ],
)
def test_nothing_is_reached_without_tls(kind: str, policy: str, place: str, stack: Template) -> None:
    enforced = "".join(
        str(found[place])
        for found in stack.of_type(policy).values()
        if {"Bool": {"aws:SecureTransport": "false"}}
        in [one.get("Condition") for one in found["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    )
    for name in stack.of_type(kind):
        assert f"'{name}'" in enforced, name


def test_queues_and_topics_are_encrypted(stack: Template) -> None:
    assert all(queue["SqsManagedSseEnabled"] for queue in stack.of_type("AWS::SQS::Queue").values())
    assert all(topic["KmsMasterKeyId"] for topic in stack.of_type("AWS::SNS::Topic").values())


def test_logs_are_kept_for_a_time(stack: Template) -> None:
    groups = stack.of_type("AWS::Logs::LogGroup")

    assert len(groups) == len(stack.of_type("AWS::Lambda::Function")) + 1
    assert {group["RetentionInDays"] for group in groups.values()} == {90}


def test_nothing_is_public_unless_somebody_asks_for_the_review_page(stack: Template) -> None:
    public = [
        resource["Condition"]
        for resource in stack.resources.values()
        if resource["Type"] == "AWS::Lambda::Permission" and resource["Properties"]["Principal"] == "*"
    ]

    assert set(public) == {"HasOpenReviewPage"}
    assert stack.all["Parameters"]["ReviewPage"]["Default"] == "off"
    assert stack.one("AWS::Lambda::Function", "Review")["ReservedConcurrentExecutions"] > 0


def test_a_batch_is_answered_message_by_message(stack: Template) -> None:
    queue = stack.one("AWS::SQS::Queue", "SingleFunctionQueue")

    for mapping in stack.of_type("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        function = stack.resources[mapping["FunctionName"]["Ref"]]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    condition, starts, tries = queue["RedrivePolicy"]["maxReceiveCount"]["Fn::If"]
    assert condition == "IsWorkflow"
    assert starts >= tries >= 3


@pytest.mark.parametrize(
    ("part", "condition"),
    [("Steps", "IsWorkflow"), ("Workflow", "IsWorkflow"), ("SingleFunction", "IsSingle")],
)
def test_only_one_wiring_is_there(part: str, condition: str, stack: Template) -> None:
    made = {name: resource for name, resource in stack.resources.items() if name.startswith(part)}

    assert made
    for name, resource in made.items():
        if resource["Type"] not in ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy"):  # of both wirings
            assert resource["Condition"].startswith(condition), name
    assert stack.all["Parameters"]["Wiring"]["Default"] == "workflow"


def test_each_queue_of_dead_letters_has_an_alarm(stack: Template) -> None:
    watched = str(
        [
            alarm["Dimensions"]
            for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
            if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        ]
    )
    for name in stack.of_type("AWS::SQS::Queue", "DeadLetters"):
        assert f"'{name}'" in watched, name


def test_every_alarm_tells_somebody(stack: Template) -> None:
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    topic = stack.name_of("AWS::SNS::Topic", "AlertsOperations")

    assert {alarm.get("MetricName") for alarm in alarms.values()} >= {
        *("Alerted", "BreakerOpen", "ConfigurationInvalid", "Errors", "ExecutionsFailed", "Received")
    }
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], name
        assert alarm["AlarmDescription"], name


def test_the_console_gets_the_same_stack(stack: Template) -> None:
    console = Template(template("Console/AccessTriage"))
    own = {name for name in console.all["Parameters"] if name not in stack.all["Parameters"]}

    def kinds(of: Template) -> Counter[str]:
        return Counter(resource["Type"] for resource in of.resources.values())

    assert kinds(console) == kinds(stack)
    assert len(own) == 2  # bucket and key of the zip
    assert not {"BootstrapVersion", "CheckBootstrapVersion"} & {
        *console.all["Parameters"],
        *console.all["Rules"],
    }


def test_an_organization_needs_an_external_id(stack: Template) -> None:
    rule = stack.all["Rules"]["OrganizationNeedsExternalId"]

    assert "ExternalId" in str(rule["Assertions"])
    assert "OrganizationId" in str(rule["RuleCondition"])
