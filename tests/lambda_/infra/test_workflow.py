"""The workflow's definition: no step is left without a way to a person."""

import json
from typing import Any

import pytest

from scoring.decision_log.log import InProgress
from tests.lambda_.infra.conftest import Template

pytestmark = pytest.mark.needs("deploy")

STEPS = {"Enrich": "enriched", "Evaluate": "evaluated", "Archive": "archived", "Notify": "notified"}


@pytest.fixture
def states(stack: Template) -> dict[str, Any]:
    separator, parts = stack.one("AWS::StepFunctions::StateMachine")["DefinitionString"]["Fn::Join"]
    text = separator.join(part if isinstance(part, str) else "arn:aws:x" for part in parts)
    found: dict[str, Any] = json.loads(text)["States"]
    return found


@pytest.mark.parametrize(("step", "key"), STEPS.items())
def test_a_step_adds_its_answer_under_a_key_of_its_own(step: str, key: str, states: dict[str, Any]) -> None:
    assert states[step]["ResultPath"] == f"$.{key}"
    assert not {"InputPath", "OutputPath", "Parameters", "ResultSelector"} & states[step].keys()


@pytest.mark.parametrize("step", STEPS)
def test_whatever_fails_is_tried_again_and_then_put_before_a_person(
    step: str, states: dict[str, Any]
) -> None:
    retry, catch = states[step]["Retry"][-1], states[step]["Catch"][-1]

    assert retry["ErrorEquals"] == ["States.ALL"]
    assert retry["BackoffRate"] > 1
    assert retry["JitterStrategy"] == "FULL"
    assert catch == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Alert on failure"}


def test_after_the_alert_the_state_is_kept_and_the_execution_fails(states: dict[str, Any]) -> None:
    alert, keep = states["Alert on failure"], states["Keep the state"]

    assert {alert["Next"], *(catch["Next"] for catch in alert["Catch"])} == {"Keep the state"}
    assert alert["Retry"]
    assert keep["Parameters"]["MessageBody.$"] == "$"
    assert keep["Retry"]
    assert states[keep["Next"]]["Type"] == "Fail"


def test_where_somebody_else_is_at_work_the_finding_waits_and_begins_anew(states: dict[str, Any]) -> None:
    taken = InProgress.__name__
    for step in ("Evaluate", "Archive", "Notify"):
        assert states[step]["Retry"][0] == {"ErrorEquals": [taken], "MaxAttempts": 0}
        assert states[step]["Catch"][0]["ErrorEquals"] == [taken]
        assert states[states[step]["Catch"][0]["Next"]]["Next"] == "Enrich"
    enrich = states["Enrich"]["Retry"][0]
    assert enrich["ErrorEquals"] == [taken]
    assert (
        enrich["IntervalSeconds"] * enrich["MaxAttempts"] > 60 + 15
    )  # a lease: the function's limit and more


@pytest.mark.parametrize("key", ["enriched", "evaluated", "archived"])
def test_an_answer_that_names_no_step_is_a_failure(key: str, states: dict[str, Any]) -> None:
    choice = states[f"After {key}"]

    assert choice["Choices"][0]["Not"] == {"Variable": f"$.{key}.next", "IsPresent": True}
    assert choice["Choices"][0]["Next"] == choice["Default"] == "Unexpected answer"
    assert states["Unexpected answer"]["ResultPath"] == "$.error"
    assert states["Unexpected answer"]["Next"] == "Alert on failure"
    assert [one["Next"] for one in choice["Choices"] if one.get("StringEquals") == "DONE"] == ["Done"]


def test_every_state_but_the_ends_leads_on(states: dict[str, Any]) -> None:
    ends = {name for name, state in states.items() if not {"Next", "Choices"} & state.keys()}

    assert ends == {"Done", "Failed"}
