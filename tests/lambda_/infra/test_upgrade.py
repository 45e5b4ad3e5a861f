"""A stack of the previous release is upgraded: nothing is lost, no name changes, nothing is set back.

``previous_release.json`` holds what that release's template says of parameters, outputs and whatever holds
data. What operators set is upgraded in tests/lambda_/handlers/test_operator_state.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lambda_.infra.conftest import Template

pytestmark = pytest.mark.needs("deploy")

PREVIOUS: dict[str, Any] = json.loads(Path(__file__).with_name("previous_release.json").read_text())
HOLDS_DATA = {
    name: resource
    for name, resource in PREVIOUS["Resources"].items()
    if resource["Type"] not in ("AWS::SSM::Parameter", "AWS::Logs::LogGroup")
}
CHANGES_IN_PLACE = {
    "AWS::SQS::Queue": {"VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"},
}
"""Properties that CloudFormation changes without making the resource anew, as far as they are changed."""


@pytest.mark.parametrize("name", sorted(PREVIOUS["Parameters"]))
def test_what_was_given_can_still_be_given(name: str, stack: Template) -> None:
    before = PREVIOUS["Parameters"][name]
    if name == "BootstrapVersion":
        return
    now = stack.all["Parameters"][name]
    assert now["Type"] == before["Type"]
    assert now.get("Default") == before.get("Default")
    assert now.get("AllowedPattern") == before.get("AllowedPattern")
    assert set(now.get("AllowedValues", ())) >= set(before.get("AllowedValues", ()))


def test_new_parameters_have_a_default(stack: Template) -> None:
    new = stack.all["Parameters"].keys() - PREVIOUS["Parameters"].keys()
    assert [name for name in new if "Default" not in stack.all["Parameters"][name]] == []


def test_outputs_stay(stack: Template) -> None:
    assert set(PREVIOUS["Outputs"]) <= stack.all["Outputs"].keys()


@pytest.mark.parametrize("name", sorted(HOLDS_DATA))
def test_what_holds_data_is_neither_taken_away_nor_made_anew(name: str, stack: Template) -> None:
    before, now = HOLDS_DATA[name], stack.resources[name]
    assert now["Type"] == before["Type"]
    assert now.get("DeletionPolicy") == before.get("DeletionPolicy")
    if before.get("Condition") != now.get("Condition"):
        assert "Condition" not in now  # it is there for more deployments than before, not for fewer
    left_out = {"Tags", "KeyPolicy", *CHANGES_IN_PLACE.get(before["Type"], ())}
    said, says = before.get("Properties", {}), now.get("Properties", {})
    assert {key: value for key, value in says.items() if key not in left_out} == {
        key: value for key, value in said.items() if key not in left_out
    }


@pytest.mark.parametrize("name", sorted(PREVIOUS["Attached"]))
def test_what_is_attached_to_something_that_stays_keeps_its_name(name: str, stack: Template) -> None:
    """Under another name it is made twice, which Lambda refuses, or the old one's end ends both."""
    assert stack.resources[name]["Type"] == PREVIOUS["Attached"][name]["Type"]
