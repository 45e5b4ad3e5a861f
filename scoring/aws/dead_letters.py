"""Dead letters: what could not be handled and waits in the queues of a stack; read, and handed over again.

A letter is never lost: it leaves its queue only after it has been handed over, or by a person's order.
Handing over twice does no harm: an event that was handled before does nothing.

References
----------
EventBridge User Guide, "Using dead-letter queues to process undelivered events"; Lambda Developer Guide,
"Capturing records of Lambda asynchronous invocations".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Final, Literal

import msgspec

from scoring.aws.enrich import Aws
from scoring.files.errors import BadInput
from scoring.findings.arn import Arn

QUEUES: Final = "DeadLetterQueues"
FINDINGS_TARGET: Final = "FindingsTargetArn"
WATCH_TARGET: Final = "WatchFunctionArn"
"""Outputs of the stack: its queues by name, and who is given findings' events and calls."""

ACTIONS: Final = (
    *("cloudformation:DescribeStacks", "lambda:InvokeFunction", "sqs:ChangeMessageVisibility"),
    *("sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage", "states:StartExecution"),
)
"""What reading letters and handing them over needs."""

LetterKind = Literal["finding", "call", "schedule", "unreadable"]
LetterOutcome = Literal["handed over", "discarded", "kept"]

_HIDDEN_SECONDS: Final = 120  # for which a letter that is read is hidden from others who read
_AT_ONCE: Final = 10  # the most that SQS gives
_EVENT: Final = (
    *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"),
    "replay-name",
)
"""What an event of EventBridge consists of; a workflow's state has more."""


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """Where the letters of a deployed stack are, and where they are handed over to.

    Attributes
    ----------
    queues : dict
        What a queue is for, and its address.
    findings_target : str
        ARN of the state machine, queue or function that takes findings' events.
    watch_target : str
        ARN of the function that takes recorded calls.
    """

    queues: Mapping[str, str]
    findings_target: str
    watch_target: str


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be handled.

    Attributes
    ----------
    id : str
        SQS's id of the message.
    queue : str
        Name of the queue.
    sent_at : str
        When it came into the queue, in UTC.
    kind : str
        What it is: a finding's event, a call that CloudTrail recorded, a start of the schedule, or nothing
        that can be read.
    about : str
        Id of the finding, or name of the call.
    error : str
        Why it is here, as far as the service has said.
    body : object
        The message, decoded where it is JSON.
    event : dict or None
        The event in it.
    receipt : str
        With which it can be deleted.
    """

    id: str
    queue: str
    sent_at: str
    kind: LetterKind
    about: str
    error: str
    body: Any
    event: Mapping[str, Any] | None
    receipt: str


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a letter, and why where it was kept."""

    letter: Letter
    outcome: LetterOutcome
    why: str = ""


def find_stack(name: str, aws: Aws) -> Stack:
    """Find the queues of a stack by its outputs.

    Raises
    ------
    BadInput
        The stack was deployed by a release that has no such outputs.
    botocore.exceptions.ClientError
        There is no such stack, or it may not be seen.
    """
    (stack,) = aws.sessions.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    told = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
    missing = [output for output in (QUEUES, FINDINGS_TARGET, WATCH_TARGET) if output not in told]
    if missing:
        raise BadInput(
            f"the stack {name} has no output {missing[0]}: is it one of access-triage, of this release?",
            field="--stack",
        )
    queues = dict(pair.split("=", 1) for pair in told[QUEUES].split(","))
    return Stack(queues=queues, findings_target=told[FINDINGS_TARGET], watch_target=told[WATCH_TARGET])


def read_letters(stack: Stack, aws: Aws, *, most: int, seen: ExitStack) -> Iterator[Letter]:
    """Read the letters of all queues, without taking them out.

    Parameters
    ----------
    most : int
        Letters of a queue at most.
    seen : ExitStack
        When it closes, the letters that were not deleted are visible to others again.
    """
    sqs = aws.sessions.client("sqs")
    for name, url in stack.queues.items():
        ids: set[str] = set()
        while len(ids) < most:
            messages = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(_AT_ONCE, most - len(ids)),
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=1,
                AttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            for message in messages:
                seen.callback(_show_again, sqs, url, message["ReceiptHandle"])
            new = [message for message in messages if message["MessageId"] not in ids]
            if not new:
                break
            for message in new:
                ids.add(message["MessageId"])
                yield read_letter(message, name)


def read_letter(message: Mapping[str, Any], queue: str) -> Letter:
    """Read a message of a dead-letter queue: an event, a workflow's state, or a record of Lambda."""
    try:
        body: Any = json.loads(message["Body"])
    except ValueError:
        body = message["Body"]
    event, error = _event_in(body)
    attributes = message.get("MessageAttributes", {})
    told = [attributes[one]["StringValue"] for one in ("ERROR_CODE", "ERROR_MESSAGE") if one in attributes]
    kind, about = _kind(event)
    return Letter(
        id=message["MessageId"],
        queue=queue,
        sent_at=_moment(message.get("Attributes", {}).get("SentTimestamp", "0")),
        kind=kind,
        about=about,
        error=": ".join(told) or error,
        body=body,
        event=event,
        receipt=message["ReceiptHandle"],
    )


def replay(letters: Sequence[Letter], stack: Stack, aws: Aws) -> Iterator[Handled]:
    """Hand letters over to what should have handled them, then take each out of its queue.

    What the schedule could not start is discarded: its next run does the same work.
    """
    for letter in letters:
        if letter.event is None:
            yield Handled(letter=letter, outcome="kept", why="it is no event that can be read")
        elif letter.kind == "schedule":
            _delete(letter, stack, aws)
            yield Handled(letter=letter, outcome="discarded", why="the next run does this work")
        else:
            target = stack.watch_target if letter.kind == "call" else stack.findings_target
            _hand_over(letter.event, letter.id, target, aws)
            _delete(letter, stack, aws)
            yield Handled(letter=letter, outcome="handed over")


def discard(letters: Sequence[Letter], stack: Stack, aws: Aws) -> Iterator[Handled]:
    """Take letters out of their queues; nothing else is done about them."""
    for letter in letters:
        _delete(letter, stack, aws)
        yield Handled(letter=letter, outcome="discarded")


def _event_in(body: object) -> tuple[Mapping[str, Any] | None, str]:
    """Return the event in a message, and the error that the message tells."""
    if not isinstance(body, Mapping):
        return None, ""
    if isinstance(body.get("requestPayload"), Mapping):  # Lambda's record of an invocation that failed
        answer = body.get("responsePayload")
        told = answer.get("errorMessage") if isinstance(answer, Mapping) else None
        context = body.get("requestContext")
        condition = context.get("condition") if isinstance(context, Mapping) else None
        return _event_in(body["requestPayload"])[0], str(told or condition or "")
    event = {key: body[key] for key in _EVENT if key in body}
    failed = body.get("error")
    error = ""
    if isinstance(failed, Mapping):
        error = ": ".join(str(failed[key]) for key in ("Error", "Cause") if key in failed)
    if not isinstance(event.get("source"), str) or not isinstance(event.get("detail"), Mapping):
        return None, error
    return event, error


def _kind(event: Mapping[str, Any] | None) -> tuple[LetterKind, str]:
    if event is None:
        return "unreadable", ""
    detail = event["detail"]
    if event["source"] == "aws.events":
        return "schedule", str(event.get("detail-type", ""))
    if event.get("detail-type") == "AWS API Call via CloudTrail":
        return "call", str(detail.get("eventName", ""))
    return "finding", str(detail.get("id") or detail.get("findingId") or "")


def _hand_over(event: Mapping[str, Any], letter_id: str, arn: str, aws: Aws) -> None:
    to = Arn.parse(arn)
    text = json.dumps(event)
    if to.service == "states":
        client = aws.sessions.client("stepfunctions", region=to.region)
        client.start_execution(stateMachineArn=arn, input=text)
    elif to.service == "sqs":
        client = aws.sessions.client("sqs", region=to.region)
        url = client.get_queue_url(QueueName=to.resource, QueueOwnerAWSAccountId=to.account)["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody=text)
    elif to.service == "lambda":
        client = aws.sessions.client("lambda", region=to.region)
        client.invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())
    else:
        raise BadInput(
            f"expected a state machine, queue or function to hand letter {letter_id} to, got {arn}"
        )


def _delete(letter: Letter, stack: Stack, aws: Aws) -> None:
    client = aws.sessions.client("sqs")
    client.delete_message(QueueUrl=stack.queues[letter.queue], ReceiptHandle=letter.receipt)


def _show_again(sqs: Any, url: str, receipt: str) -> None:
    from botocore.exceptions import ClientError

    with suppress(ClientError):  # it is deleted, or visible again already
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)


def _moment(milliseconds: str) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).isoformat(timespec="seconds")
