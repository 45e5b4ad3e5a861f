"""What starts the work: which events pass the rule, and where they go."""

import json
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from scoring.pipeline.suppression import suspicions
from tests.lambda_.infra.conftest import Template
from tests.synthesis import template

pytestmark = pytest.mark.needs("deploy")

EVENTS = Path(__file__).parents[2] / "events"
PASSES = {
    "external-cross-account-kms": True,
    "external-public-bucket": True,
    "external-role-federated": True,
    "external-error": True,
    "internal": True,
    "internal-error": True,
    "unused-access-key": True,
    "unused-permission": True,
    "external-deleted": True,
    "external-archived": True,
    "access-preview": False,
    "security-hub-event": False,
}


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def matches(pattern: dict[str, Any], found: dict[str, Any]) -> bool:
    matcher: Any = EventPattern.load(json.dumps(pattern))
    return bool(matcher.matches_event(found))


def rule(of: Template, part: str) -> dict[str, Any]:
    return of.one("AWS::Events::Rule", part)


def test_the_samples_are_all_here() -> None:
    events = {file.stem for file in EVENTS.glob("*.json") if "detail-type" in event(file.stem)}
    assert events == PASSES.keys()


@pytest.mark.parametrize("where", ["AccessTriage", "Templates/Forwarding"])
@pytest.mark.parametrize(("name", "passes"), PASSES.items())
def test_findings_and_their_ends_pass(name: str, passes: bool, where: str) -> None:
    found = Template(template(where))
    pattern = rule(found, "FindingsRule" if where == "AccessTriage" else "Rule")["EventPattern"]

    assert matches(pattern, event(name)) == passes


@pytest.mark.parametrize("deleted", [True, False, None])
@pytest.mark.parametrize("status", ["ACTIVE", "ARCHIVED", "RESOLVED"])
def test_every_status_passes(status: str, deleted: bool | None, stack: Template) -> None:
    """A finding that has ended closes what is open about it."""
    found = event("external-public-bucket")
    found["detail"] = {**found["detail"], "status": status, "isDeleted": deleted}
    if deleted is None:
        del found["detail"]["isDeleted"]

    assert matches(rule(stack, "FindingsRule")["EventPattern"], found)


def test_a_finding_has_one_target_with_its_own_dead_letters(stack: Template) -> None:
    (target,) = rule(stack, "FindingsRule")["Targets"]

    queue = {"Fn::GetAtt": [stack.name_of("AWS::SQS::Queue", "SingleFunctionQueue"), "Arn"]}
    assert target["Arn"] == queue
    taken = stack.of_type("AWS::Lambda::EventSourceMapping")
    assert [one["EventSourceArn"] for one in taken.values()] == [queue, queue]
    assert {stack.resources[name]["Condition"] for name in taken} == {"IsWorkflow", "IsSingle"}
    at_once = {"MaximumConcurrency": {"Ref": "FindingsAtOnce"}}
    assert [one["ScalingConfig"] for one in taken.values()] == [at_once, at_once]
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86_400
    assert "FindingsDeadLetters" in str(target["DeadLetterConfig"])


def test_findings_start_nothing_else(stack: Template) -> None:
    """The seed's rule started two things, and each finding was handled twice."""
    others = [
        found["EventPattern"]
        for name, found in stack.of_type("AWS::Events::Rule").items()
        if "FindingsRule" not in name and "EventPattern" in found
    ]
    for pattern in others:
        assert not any(matches(pattern, event(name)) for name in PASSES)


def test_the_schedule_starts_the_reconcile(stack: Template) -> None:
    found = rule(stack, "ScheduleRule")

    assert found["ScheduleExpression"] == "rate(5 minutes)"
    assert "Reconcile" in str(found["Targets"])
    function = stack.one("AWS::Lambda::Function", "Reconcile")
    assert function["Environment"]["Variables"]["TRIAGE_PERIOD_MINUTES"] == "5"


def test_calls_that_hide_findings_are_watched(stack: Template) -> None:
    pattern = rule(stack, "CallsRule")["EventPattern"]

    assert pattern == {
        "source": [suspicions.SOURCE],
        "detail-type": [suspicions.DETAIL_TYPE],
        "detail": {"eventName": list(suspicions.CALLS)},
    }


def test_the_home_bus_takes_findings_of_the_organization_alone(stack: Template) -> None:
    statement = stack.one("AWS::Events::EventBusPolicy")["Statement"]

    assert statement["Action"] == "events:PutEvents"
    assert statement["Condition"]["StringEquals"] == {
        "aws:PrincipalOrgID": {"Ref": "OrganizationId"},
        "events:source": "aws.access-analyzer",  # which nobody but AWS can put
    }


def test_a_region_hands_findings_on_to_the_home_bus() -> None:
    (target,) = Template(template("Templates/Forwarding")).one("AWS::Events::Rule")["Targets"]

    assert target["Arn"] == {"Ref": "HomeBusArn"}
    assert {"RoleArn", "DeadLetterConfig", "RetryPolicy"} <= target.keys()
