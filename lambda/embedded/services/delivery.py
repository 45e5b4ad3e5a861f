"""EventBridge to Lambda, in this process: moto matches events with rules but cannot call functions.

An event put on a bus is matched by moto's own rules. Where a rule's target is a function or a state
machine, the event is put in a queue; the queue is worked off after the call that put the event has
finished, one event at a time. So a handler that archives a finding never runs inside another handler's
call, though its own archive comes back to it as an event.

A Python callable stands behind a target's ARN (`Delivery.register`). What else could stand there is a
matter of `Delivery.target_for` alone: a subclass that returns a `Target` for an ARN it knows (a function
whose zip was deployed, a state machine) needs nothing else changed.
"""

from __future__ import annotations

import copy
import json
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from embedded.services.event_bus import Event, is_for_events, received
from embedded.services.lambda_context import LambdaContext
from scoring.findings.arn import Arn

if TYPE_CHECKING:
    from moto.events.models import EventsBackend, Rule

Handler = Callable[[Event, LambdaContext], Any]

CALLED_SERVICES = ("lambda", "states")


@dataclass(frozen=True)
class Target:
    """A handler behind an ARN, and how it is called.

    Parameters
    ----------
    retries
        How often an event is tried again after the first failure; Lambda's own default is 2.
    environment
        Environment variables while the handler runs.
    dead_letter_queue
        The ARN of an SQS queue for events that failed every time; they are in `Delivery.dead_letters` anyway.
    """

    arn: str
    handler: Handler
    retries: int = 2
    timeout_seconds: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)
    dead_letter_queue: str | None = None


@dataclass(frozen=True)
class Invocation:
    """An event that a handler worked off, with what the handler returned, after how many attempts."""

    arn: str
    event: Event
    request_id: str
    attempts: int
    result: Any


@dataclass(frozen=True)
class DeadLetter:
    """An event that no handler could work off, with the last error and where it arose."""

    arn: str
    event: Event
    request_id: str
    attempts: int
    error: str
    traceback: str


class Delivery:
    """Carries events from moto's EventBridge to Python handlers while it is entered.

    Parameters
    ----------
    at_once
        Work the queue off as soon as the call that put an event has finished. Otherwise events wait in
        `pending` (to be repeated, reordered or dropped, as happens in AWS) until `deliver` is called.
    most
        How many events one working off may take; more means that handlers answer their own events for ever.

    Attributes
    ----------
    pending
        (ARN, event) of what is not delivered yet.
    invocations, dead_letters
        What was delivered, and what could not be: an event is always in one of the three.
    """

    def __init__(self, *, at_once: bool = True, most: int = 10_000) -> None:
        self.at_once = at_once
        self.most = most
        self.pending: deque[tuple[str, Event]] = deque()
        self.invocations: list[Invocation] = []
        self.dead_letters: list[DeadLetter] = []
        self._targets: dict[str, Target] = {}
        self._working = threading.Lock()
        self._patches = ExitStack()

    def register(self, target: Target) -> None:
        """Let a handler receive the events for its ARN from now on."""
        self._targets[target.arn] = target

    def target_for(self, arn: str) -> Target | None:
        """What stands behind a target's ARN, or None; the place where other kinds of targets come in."""
        return self._targets.get(arn)

    def deliver(self) -> int:
        """Work the queue off, with all that handlers put into it meanwhile.

        Returns
        -------
        int
            How many events were delivered, or became dead letters.

        Raises
        ------
        RuntimeError
            More than `most` events: handlers answer their own events for ever.
        """
        delivered = 0
        while self.pending and self._working.acquire(blocking=False):
            try:
                while self.pending:
                    if delivered == self.most:
                        raise RuntimeError(
                            f"{self.most} events and still more: a handler answers its own events"
                        )
                    self._invoke(*self.pending.popleft())
                    delivered += 1
            finally:
                self._working.release()
        return delivered

    def _invoke(self, arn: str, event: Event) -> None:
        from moto.moto_api._internal import mock_random

        request_id = str(mock_random.uuid4())
        target = self.target_for(arn)
        if target is None:
            self.dead_letters.append(
                DeadLetter(arn, event, request_id, 0, "nothing is registered for this ARN", "")
            )
            return
        last: Exception | None = None
        for attempt in range(1, target.retries + 2):
            try:
                result = _call(target, event, request_id)
            except Exception as error:
                last = error
            else:
                self.invocations.append(Invocation(arn, event, request_id, attempt, result))
                return
        where = "".join(traceback.format_exception(last))
        letter = DeadLetter(
            arn, event, request_id, target.retries + 1, f"{type(last).__name__}: {last}", where
        )
        self.dead_letters.append(letter)
        if target.dead_letter_queue:
            _send_to_queue(target.dead_letter_queue, letter)

    def __enter__(self) -> Delivery:
        from moto.events.models import EventsBackend, Rule

        send, put = Rule.send_to_targets, EventsBackend.put_events

        def send_to_targets(rule: Rule, original_event: Any, transform_input: bool = True) -> None:
            if not is_for_events(rule):
                return
            called = [
                target for target in rule.targets if Arn.parse(target["Arn"]).service in CALLED_SERVICES
            ]
            others = copy.copy(rule)
            others.targets = [target for target in rule.targets if target not in called]
            send(others, original_event, transform_input)
            if called and rule.event_pattern.matches_event(original_event):
                self.pending.extend((target["Arn"], received(target, original_event)) for target in called)

        def put_events(backend: EventsBackend, events: list[Event]) -> list[Event]:
            entries = put(backend, events)
            if self.at_once:
                self.deliver()
            return entries

        self._patches.enter_context(patch.object(Rule, "send_to_targets", send_to_targets))
        self._patches.enter_context(patch.object(EventsBackend, "put_events", put_events))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._patches.close()


def _call(target: Target, event: Event, request_id: str) -> Any:
    """Run a handler as Lambda does: event and result are JSON, the environment is the function's."""
    function = Arn.parse(target.arn)
    name = function.resource.split(":")[1]
    context = LambdaContext(name, target.arn, request_id, target.timeout_seconds)
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_REGION": function.region,
        **target.environment,
    }
    with patch.dict(os.environ, environment):
        result = target.handler(json.loads(json.dumps(event)), context)
    return json.loads(json.dumps(result))


def _send_to_queue(queue_arn: str, letter: DeadLetter) -> None:
    """Send a dead letter as Lambda does: the event, and the error in the message's attributes."""
    from moto.sqs.models import sqs_backends

    queue = Arn.parse(queue_arn)
    said = {"RequestID": letter.request_id, "ErrorCode": "200", "ErrorMessage": letter.error[:1024]}
    kinds = {"ErrorCode": "Number"}
    sqs_backends[queue.account][queue.region].send_message(
        queue_name=queue.resource,
        message_body=json.dumps(letter.event),
        message_attributes={
            key: {"DataType": kinds.get(key, "String"), "StringValue": value} for key, value in said.items()
        },
    )
