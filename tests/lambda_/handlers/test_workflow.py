"""What only the workflow does: it hands its state on, step by step, and alerts where a step fails."""

import json
from typing import Any

import pytest

from embedded.services.lambda_context import LambdaContext
from handlers import enrich, notify
from handlers.runtime import workflow_state
from scoring.decision_log.log import InProgress
from scoring.pipeline.steps.state import Arrived
from tests.lambda_ import workflow
from tests.lambda_.deployment import Deployment, event_of
from tests.lambda_.faults import refused
from tests.lambda_.handlers.test_safety import UPDATE, denied


@pytest.fixture
def wiring() -> Any:
    return workflow.handler


def context() -> LambdaContext:
    """One invocation's, whose time runs from now on."""
    return LambdaContext("step", "arn:aws:lambda:eu-west-1:111122223333:function:step", "1")


def run(here: Deployment, finding_id: str, **more: Any) -> dict[str, Any]:
    """Take a finding's event through the workflow; return the state at its end."""
    result: dict[str, Any] = here.deliver(event_of(here.aws, finding_id) | more)["state"]
    return result


def test_each_step_adds_and_none_overwrites(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key({"Owner": "payments"}))
    ended = run(here, finding_id)
    assert workflow_state.event_of(ended) == event_of(here.aws, finding_id)
    assert ended["enriched"]["context"]["tags"] == {"Owner": "payments"}
    assert ended["evaluated"]["decision"]["outcome"] == "alert"
    assert [ended[name]["next"] for name in ("enriched", "evaluated", "notified")] == [
        "EVALUATE",
        "NOTIFY",
        "DONE",
    ]
    assert "payments" in here.mails()[0].text


def test_an_archive_that_is_refused_goes_on_to_the_alert(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    with refused(UPDATE, denied("UpdateFindings")):
        ended = run(here, finding_id)
    assert ended["evaluated"]["decision"]["outcome"] == "archive"
    assert ended["archived"]["decision"]["outcome"] == "alert"
    assert ended["notified"]["effect"] == "alert"
    assert here.effects(finding_id) == ["over", "alert"]


@pytest.mark.parametrize("change", ["shadow", "policy"])
def test_what_changes_between_two_steps_holds(here: Deployment, change: str) -> None:
    """The mode goes back to shadow, or the rule that let it be archived goes, before it is archived."""
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    made = {"enriched": enrich.handler(event_of(here.aws, finding_id), context())}
    begun = event_of(here.aws, finding_id) | json.loads(json.dumps(made))
    begun["evaluated"] = workflow.STEPS["EVALUATE"][1](begun, context())
    assert begun["evaluated"]["next"] == "ARCHIVE"
    if change == "shadow":
        here.set(MODE="shadow")
    else:
        here.policy("[[never_archive]]\nname = 'keys'\nresource_type = ['AWS::KMS::Key']\n")
    added = workflow.STEPS["ARCHIVE"][1](begun, context())
    assert here.status(finding_id) == "ACTIVE"
    assert added["next"] == ("DONE" if change == "shadow" else "NOTIFY")


def test_where_a_step_fails_the_finding_goes_before_a_person_as_it_is(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key())
    event = event_of(here.aws, finding_id)
    begun = event | {"enriched": enrich.handler(event, context())}
    cause = json.dumps(
        {"errorMessage": "no\n such table", "errorType": "ClientError", "stackTrace": ["x.py"]}
    )
    failed = begun | {"error": {"Error": "ClientError", "Cause": cause}}
    for effect in ("alert", "none"):
        assert notify.handler(failed, context())["effect"] == effect
    (mail,) = here.mails()
    assert finding_id in mail.text
    assert "a step of the workflow failed: ClientError: no" in " ".join(mail.text.split())
    assert "x.py" not in mail.text
    assert here.status(finding_id) == "ACTIVE"


@pytest.mark.parametrize("error", ["text", None, {"Error": "States.Timeout"}, {"Cause": "no JSON"}])
def test_whatever_the_state_machine_says_of_an_error_is_told(here: Deployment, error: Any) -> None:
    event = {"detail-type": "Access Analyzer Finding", "detail": {"id": "x"}, "error": error}
    assert notify.handler(event, context())["effect"] == "alert"


def test_an_event_that_cannot_be_read_goes_before_a_person(here: Deployment) -> None:
    here.deliver({"detail-type": "Access Analyzer Finding", "detail": {"id": "x"}})
    (mail,) = here.mails()
    assert "could not be handled" in (mail.subject or "")


def test_an_event_of_several_findings_goes_before_a_person(here: Deployment) -> None:
    here.deliver({"findings": [{}, {}]})
    assert "expected one finding, found 2" in here.mails()[0].text


def test_a_long_finding_is_packed(here: Deployment) -> None:
    condition = {f"aws:PrincipalTag/{n}": "value " * 40 for n in range(600)}
    here.aws.delivery.at_once = False
    finding_id = here.share(here.development_key(), condition=condition)
    here.aws.findings.update(finding_id, {"action": ["kms:Decrypt"]})
    ended = run(here, finding_id)
    assert "packed" in ended["enriched"]
    assert len(json.dumps(ended)) < 262_144
    assert here.status(finding_id) == "ARCHIVED"


def test_a_finding_too_long_for_the_workflow_goes_before_a_person(here: Deployment) -> None:
    condition = {f"aws:PrincipalTag/{n}": "value " * 40 for n in range(1100)}
    here.aws.delivery.at_once = False
    finding_id = here.share(here.key(), condition=condition)
    event = event_of(here.aws, finding_id)
    with pytest.raises(workflow_state.TooLarge) as raised:
        enrich.handler(event, context())
    notify.handler(event | {"error": {"Error": "TooLarge", "Cause": str(raised.value)}}, context())
    assert finding_id in here.mails()[0].text


def test_an_earlier_round_does_not_count_any_more(here: Deployment) -> None:
    """The first round decided in shadow mode; meanwhile the mode and the tags of the key have changed."""
    here.aws.delivery.at_once = False
    arn = here.development_key()
    finding_id = here.share(arn)
    event = event_of(here.aws, finding_id)
    here.set(MODE="shadow")
    first = run(here, finding_id)
    assert "decision" in first["evaluated"]
    here.set(MODE="enforce")
    here.aws.client("kms").tag_resource(KeyId=arn, Tags=[{"TagKey": "Environment", "TagValue": "prod"}])
    again = first | {"taken": {"Error": "InProgress", "Cause": finding_id}}
    again["enriched"] = enrich.handler(again, context())
    assert (again["enriched"]["next"], again["enriched"]["round"]) == ("EVALUATE", 2)
    arrived, number = workflow_state.read_arrived(again)
    assert (type(arrived), number) == (Arrived, 2)
    with pytest.raises(ValueError, match="expected a finding that something is to be done about"):
        workflow_state.read_evaluated(again)
    assert workflow_state.event_of(again) == event


def test_rounds_come_to_an_end(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    event = event_of(here.aws, here.share(here.key()))
    with pytest.raises(workflow_state.TooManyRounds):
        enrich.handler(event | {"enriched": {"round": 10}}, context())


def test_two_workflows_on_one_finding_do_nothing_twice(here: Deployment) -> None:
    here.aws.delivery.at_once = False
    event = event_of(here.aws, here.share(here.key()))
    states = []
    for _ in range(2):
        begun = event | {"enriched": enrich.handler(event, context())}
        states.append(begun | {"evaluated": workflow.STEPS["EVALUATE"][1](begun, context())})
    assert notify.handler(states[0], context())["effect"] == "alert"
    with pytest.raises(InProgress):
        notify.handler(states[1], context())
    states[1]["enriched"] = enrich.handler(states[1], context())
    assert (states[1]["enriched"]["next"], states[1]["enriched"]["note"]) == ("DONE", "decided on already")
    assert len(here.mails()) == 1
