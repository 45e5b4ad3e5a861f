"""Hands an event from the queue to the workflow, and waits for it: so many findings are worked on at once.

Lambda starts no more of these functions than the queue's event source says. Each runs one workflow at a time,
and a workflow runs one function at a time. So a burst waits in the queue, and other functions of the account
have room. A workflow that takes longer than this function may is left to run by itself.
"""

import json
import os
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

# Here and not at the first call: Lambda gives a function more of a processor while it starts.
import boto3

from scoring.aws.errors import code

STATE_MACHINE: Final = "TRIAGE_STATE_MACHINE"
"""ARN of the workflow; the one setting."""
FIRST_WAIT: Final = 0.3
LONGEST_WAIT: Final = 2.0
"""Seconds from one look at the workflow to the next: twice as long each time."""

LEAST_SECONDS: Final = 5.0
"""Of its time that a function keeps; by then it leaves the workflow to itself."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Take a batch of one message from SQS.

    Returns
    -------
    dict
        The partial response (``batchItemFailures``), which is empty.

    Raises
    ------
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        The workflow could not be started: the message comes again.
    """
    states, machine = _states(), os.environ[STATE_MACHINE]
    for message in event["Records"]:
        arn = _start(states, machine, message)
        _wait(states, arn, context)
    return {"batchItemFailures": []}


def _start(states: Any, machine: str, message: Mapping[str, Any]) -> str:
    """Start the workflow; a message that is delivered again starts none, since its name is taken."""
    name = str(message["messageId"])
    try:
        return str(
            states.start_execution(stateMachineArn=machine, name=name, input=_state(message))["executionArn"]
        )
    except Exception as error:
        if code(error) != "ExecutionAlreadyExists":
            raise
        return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


def _state(message: Mapping[str, Any]) -> str:
    """Return what the workflow begins with: the event, or text that is no event as a value of one."""
    body = str(message["body"])
    try:
        is_event = isinstance(json.loads(body), dict)
    except ValueError:
        is_event = False
    return body if is_event else json.dumps({"unreadable": body})


def _wait(states: Any, arn: str, context: Any) -> None:
    """Wait until the workflow has ended, or as long as there is time."""
    pause = FIRST_WAIT
    while context.get_remaining_time_in_millis() / 1000 > LEAST_SECONDS:
        time.sleep(pause)
        if states.describe_execution(executionArn=arn)["status"] != "RUNNING":
            return
        pause = min(2 * pause, LONGEST_WAIT)


@lru_cache(maxsize=1)
def _states() -> Any:
    from botocore.config import Config

    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
    return boto3.client("stepfunctions", config=config)
