"""The function between the queue and the workflow: every message starts one execution, and one only."""

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from handlers import dispatch
from tests.lambda_.faults import counted, refused

PASS = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
START, DESCRIBE = ("states", "StartExecution"), ("states", "DescribeExecution")
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


class Machine:
    def __init__(self) -> None:
        self.states = boto3.client("stepfunctions")
        self.arn: str = self.states.create_state_machine(
            name="triage", definition=json.dumps(PASS), roleArn="arn:aws:iam::123456789012:role/triage"
        )["stateMachineArn"]

    def executions(self) -> list[dict[str, Any]]:
        listed = self.states.list_executions(stateMachineArn=self.arn)["executions"]
        return [self.states.describe_execution(executionArn=one["executionArn"]) for one in listed]

    def stop(self) -> None:
        for one in self.executions():
            self.states.stop_execution(executionArn=one["executionArn"])


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        made = Machine()
        monkeypatch.setenv(dispatch.STATE_MACHINE, made.arn)
        dispatch._states.cache_clear()
        yield made
    dispatch._states.cache_clear()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(dispatch, "time", SimpleNamespace(sleep=pauses.append))
    return pauses


def batch(body: str, message_id: str = "one") -> dict[str, Any]:
    return {"Records": [{"messageId": message_id, "body": body}]}


def test_it_starts_the_workflow_and_waits_for_its_end(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            machine.stop()

    monkeypatch.setattr(dispatch, "time", SimpleNamespace(sleep=sleep))
    assert dispatch.handler(batch('{"detail": {"id": "f"}}'), CONTEXT) == {"batchItemFailures": []}
    (execution,) = machine.executions()
    assert (execution["name"], json.loads(execution["input"])) == ("one", {"detail": {"id": "f"}})
    assert pauses == [0.3, 0.6, 1.2, 2.0, 2.0]


@pytest.mark.parametrize("is_over", [True, False])
def test_a_message_that_comes_again_starts_nothing(
    machine: Machine, slept: list[float], is_over: bool
) -> None:
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 6_000 if len(slept) < 3 else 0)
    dispatch.handler(batch('{"detail": {}}'), context)
    if is_over:
        machine.stop()
    slept.clear()
    dispatch.handler(batch('{"detail": {}}'), context)
    assert len(machine.executions()) == 1


def test_one_that_takes_long_is_left_to_itself(machine: Machine, slept: list[float]) -> None:
    begun = time.monotonic()
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000 * (9 - sum(slept)))
    assert dispatch.handler(batch("{}"), context) == {"batchItemFailures": []}
    assert 9 - sum(slept) <= dispatch.LEAST_SECONDS
    assert [one["status"] for one in machine.executions()] == ["RUNNING"]
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("body", ["", "no json", "[1]", "null", '"text"', "{"])
def test_what_is_no_event_reaches_the_workflow_as_text(
    machine: Machine, slept: list[float], body: str
) -> None:
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 0)
    dispatch.handler(batch(body), context)
    (execution,) = machine.executions()
    assert json.loads(execution["input"]) == {"unreadable": body}


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "InvalidExecutionInput"])
def test_a_workflow_that_cannot_be_started_lets_the_message_come_again(machine: Machine, code: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": ""}}, "StartExecution")
    with refused(("stepfunctions", "StartExecution"), error), pytest.raises(ClientError):
        dispatch.handler(batch("{}"), CONTEXT)
    assert machine.executions() == []


def test_a_finding_takes_two_calls_here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "time", SimpleNamespace(sleep=lambda _: machine.stop()))
    with counted() as made:
        dispatch.handler(batch("{}"), CONTEXT)
    ours = [operation for _, operation in made if operation in ("StartExecution", "DescribeExecution")]
    assert ours[0] == "StartExecution"
    assert ours[-1] == "DescribeExecution"
