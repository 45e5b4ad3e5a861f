"""Each alarm has a page, each page a command, and each command is one that can be typed."""

import re
import shlex
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
import typer

import triage
from tests.lambda_.infra.conftest import Template

pytestmark = pytest.mark.needs("deploy")

RUNBOOKS = Path(__file__).parents[3] / "docs/runbooks"
PAGES = {page.stem: page.read_text("utf-8") for page in RUNBOOKS.glob("*.md") if page.stem != "index"}
RENAMED = {
    "--notification-endpoint": "--endpoint"
}  # by the command `aws`, whose own --endpoint-url it is not
OPTIONS_OF_ALL = {"--query", "--output", "--max-items"}  # of `aws`, whatever the operation

_HASH = 8  # of a logical id


def page_of(alarm: dict[str, Any]) -> str:
    """The page that an alarm's description names, the same in the repository and where it is published."""
    (_, (_, runbook)) = alarm["AlarmDescription"]["Fn::Join"]
    condition, published, file = runbook["Fn::If"]
    assert condition == "HasRunbookUrl"
    page = Path(file).stem
    assert file == f"docs/runbooks/{page}.md"
    assert published == {"Fn::Join": ["/", [{"Ref": "RunbookUrl"}, f"{page}.html"]]}
    return page


def named(alarms: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Pages by alarm, without what CDK puts around a name."""
    return {
        logical_id.removeprefix("Alarms")[:-_HASH]: page_of(alarm) for logical_id, alarm in alarms.items()
    }


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(r"^    ((?:triage|aws) .*)$", text, re.MULTILINE)]


def test_each_alarm_has_a_page_and_each_page_an_alarm(stack: Template) -> None:
    found = named(stack.of_type("AWS::CloudWatch::Alarm"))

    assert set(found.values()) == set(PAGES)


def test_the_index_sends_each_alarm_to_its_page(stack: Template) -> None:
    rows = re.findall(r"^\| (`.*`) \| \[.*\]\(([\w-]+)\.md\) \|$", (RUNBOOKS / "index.md").read_text(), re.M)
    indexed = {alarm: page for alarms, page in rows for alarm in re.findall(r"`(\w+)`", alarms)}

    assert indexed == named(stack.of_type("AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_what_it_means_where_to_look_and_what_to_type(page: str) -> None:
    assert "**Means:**" in PAGES[page]
    assert "**Look" in PAGES[page]
    typed = [program for program, *_ in commands(PAGES[page])]
    assert typed
    if page != "reconcile-silent":  # that is about AWS alone
        assert "triage" in typed or "triage dead-letters" in PAGES[page]


@pytest.mark.parametrize("page", PAGES)
def test_each_command_can_be_typed(page: str) -> None:
    for program, *arguments in commands(PAGES[page]):
        check = assert_is_of_triage if program == "triage" else assert_is_of_aws
        check(arguments)


def assert_is_of_triage(arguments: list[str]) -> None:
    """Every command, option and argument is taken; nothing is run."""
    command: Any = typer.main.get_command(triage.app)
    context = command.make_context("triage", list(arguments), resilient_parsing=True)
    rest = list(arguments)
    while hasattr(command, "get_command"):
        name = rest.pop(0)
        command = command.get_command(context, name)
        assert command is not None, name
    known = {option for parameter in command.params for option in parameter.opts}
    assert {one for one in rest if one.startswith("--")} <= known, arguments
    command.make_parser(context).parse_args(args=rest)


def assert_is_of_aws(arguments: list[str]) -> None:
    """The service, its operation and each option are those of botocore's model."""
    service, operation, *rest = arguments
    client = boto3.client(service, region_name="eu-west-1")
    names = {
        command: name
        for name in client.meta.service_model.operation_names
        for command in [botocore.xform_name(name, "-")]
    }
    shape = client.meta.service_model.operation_model(names[operation]).input_shape
    known = {f"--{botocore.xform_name(member, '-')}" for member in (shape.members if shape else ())}
    given = {RENAMED.get(one, one) for one in rest if one.startswith("--")}
    unknown = {one for one in given if one.replace("--no-", "--") not in known | OPTIONS_OF_ALL}
    assert not unknown, operation
    needed = {f"--{botocore.xform_name(member, '-')}" for member in (shape.required_members if shape else ())}
    assert needed <= given, (operation, needed - given)


def test_alarms_rise_and_end_with_operations_and_never_with_analysts(stack: Template) -> None:
    operations = [{"Ref": stack.name_of("AWS::SNS::Topic", "AlertsOperations")}]
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == operations, name
    (subscribed,) = [
        one for one in stack.of_type("AWS::SNS::Subscription").values() if one["TopicArn"] == operations[0]
    ]
    assert subscribed["Endpoint"] == {
        "Fn::If": [
            "HasOperationsEmail",
            {"Ref": "OperationsEmail"},
            {"Ref": "EmailSubscriptionParameter"},
        ]
    }


def test_a_job_that_never_ran_is_an_alarm(stack: Template) -> None:
    """Lambda counts that the schedule runs; it counts, each time, whether each of its jobs is done."""
    silent = stack.one("AWS::CloudWatch::Alarm", "ReconcileSilent")
    assert (silent["MetricName"], silent["TreatMissingData"]) == ("Invocations", "breaching")
    for job in ("Digest", "Sweep", "Watch"):
        late = stack.one("AWS::CloudWatch::Alarm", f"{job}Late")
        assert (late["MetricName"], late["Threshold"]) == (f"{job}Done", 1)
        assert late["ComparisonOperator"] == "LessThanThreshold"


def test_silence_before_the_first_day_is_none(stack: Template) -> None:
    """Each day of the alarm has to have data, and only runs of the schedule make it."""
    alarm = stack.one("AWS::CloudWatch::Alarm", "NoFindings")

    assert (alarm["MetricName"], alarm["Period"]) == ("Received", 86_400)
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] == {"Ref": "QuietDays"}
