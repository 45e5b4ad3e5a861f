"""Mode and threshold survive every update: CloudFormation owns neither of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.services.lambda_context import LambdaContext
from handlers import reconcile
from handlers.runtime import settings
from tests.lambda_.deployed.custom_resources import listening, request
from tests.lambda_.deployment import Deployment
from tests.lambda_.faults import refused

NAME = "AccessTriage"
PREVIOUS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "infra/previous_release.json").read_text(encoding="utf-8")
)
OVERRIDE = json.dumps({"value": 25.0, "model_sha256": "a" * 64})


class Stack:
    """A stack, as far as CloudFormation makes, changes and takes away parameters."""

    def __init__(self, here: Deployment) -> None:
        self.here, self.ssm = here, here.aws.client("ssm")
        here.set(PARAMETERS=f"/{NAME}", ANALYZER_ARNS="")

    def of_the_previous_release(self) -> None:
        for resource in self.owned():
            self.ssm.put_parameter(
                Name=self.name(resource), Type="String", Value=resource["Properties"]["Value"]
            )

    def owned(self) -> list[dict[str, Any]]:
        """What the previous release's stack owns, and takes away when it is no longer in the template."""
        found = [one for one in PREVIOUS["Resources"].values() if one["Type"] == "AWS::SSM::Parameter"]
        assert len(found) == 2
        assert all(one.get("DeletionPolicy", "Delete") == "Delete" for one in found)
        return found

    def name(self, resource: dict[str, Any]) -> str:
        return "".join(
            NAME if part == {"Ref": "AWS::StackName"} else str(part)
            for part in resource["Properties"]["Name"]["Fn::Join"][1]
        )

    def ask(self, kind: str) -> str:
        settings.clients.cache_clear()
        with listening() as (url, answers):
            reconcile.handler(request(kind, url), LambdaContext("reconcile", "arn", "1"))
        (answer,) = answers
        assert answer["PhysicalResourceId"]
        return str(answer["Status"])

    def set(self, **values: str) -> None:
        for name, value in values.items():
            self.ssm.put_parameter(Name=f"/{NAME}/{name}", Value=value, Type="String", Overwrite=True)

    def values(self) -> dict[str, str]:
        found = self.ssm.get_parameters_by_path(Path=f"/{NAME}")["Parameters"]
        return {one["Name"].rpartition("/")[2]: one["Value"] for one in found}


@pytest.fixture
def stack(here: Deployment) -> Stack:
    return Stack(here)


@pytest.mark.parametrize("first", ["mode", "threshold"])
@pytest.mark.parametrize("threshold", [OVERRIDE, "none"])
def test_an_upgrade_from_the_previous_release_keeps_what_operators_set(
    stack: Stack, first: str, threshold: str
) -> None:
    """CloudFormation takes one of them away before the other: nothing is archived until both are back."""
    stack.of_the_previous_release()
    stack.set(mode="enforce", threshold=threshold, policy="[archives]\nmost_per_hour = 7\n")

    assert stack.ask("Create") == "SUCCESS"
    for resource in sorted(stack.owned(), key=lambda one: not stack.name(one).endswith(first)):
        stack.ssm.delete_parameter(Name=stack.name(resource))
        settings.clients.cache_clear()  # a new environment
        held = settings.configuration(settings.read({"TRIAGE_TABLE": "log", **environment()}))
        assert held.configuration_error
    settings.clients.cache_clear()
    stack.here.reconcile()

    assert stack.values() == {
        "mode": "enforce",
        "threshold": threshold,
        "policy": "[archives]\nmost_per_hour = 7\n",
    }
    stack.here.clock.pass_by(minutes=1)
    held = settings.configuration(settings.read({"TRIAGE_TABLE": "log", **environment()}))
    assert (held.mode, held.configuration_error, held.problems) == ("enforce", "", ())
    assert (held.policy.threshold is not None) == (threshold == OVERRIDE)


def environment() -> dict[str, str]:
    return {"TRIAGE_TOPIC_ARN": "arn:aws:sns:eu-west-1:111122223333:alerts", "TRIAGE_PARAMETERS": f"/{NAME}"}


def test_a_new_stack_starts_in_shadow_mode(stack: Stack) -> None:
    assert stack.ask("Create") == "SUCCESS"
    assert stack.values() == {"mode": "shadow", "threshold": "none"}


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_no_deploy_and_no_deletion_changes_what_is_set(stack: Stack, kind: str) -> None:
    stack.set(mode="enforce", threshold=OVERRIDE)
    assert stack.ask(kind) == "SUCCESS"
    assert stack.values() == {"mode": "enforce", "threshold": OVERRIDE}


def test_the_copy_follows_what_operators_set(stack: Stack) -> None:
    stack.set(mode="enforce", threshold="none")
    stack.here.reconcile()
    stack.set(mode="shadow")
    stack.here.reconcile()
    stack.ssm.delete_parameter(Name=f"/{NAME}/mode")
    stack.here.reconcile()
    assert stack.values()["mode"] == "shadow"


def test_an_update_fails_before_anything_is_taken_away(stack: Stack) -> None:
    stack.of_the_previous_release()
    error = ClientError({"Error": {"Code": "InternalError", "Message": ""}}, "GetParameters")
    with refused(("ssm", "GetParameters"), error):
        assert stack.ask("Create") == "FAILED"


def test_where_it_cannot_be_kept_the_rest_is_done_and_the_function_fails(stack: Stack) -> None:
    stack.set(mode="enforce", threshold="none")
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "PutParameter")
    stack.here.reconcile()
    stack.ssm.delete_parameter(Name=f"/{NAME}/mode")
    with refused(("ssm", "PutParameter"), error), pytest.raises(reconcile.Incomplete, match="keeping mode"):
        stack.here.reconcile()
