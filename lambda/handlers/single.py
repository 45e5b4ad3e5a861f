"""The single Lambda: one event, or a batch of them from SQS, from beginning to end."""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from handlers.runtime.invocation import Invocation, begun
from scoring.decision_log.log import InProgress
from scoring.pipeline.event import triage_event
from scoring.pipeline.runtime import Result

_LEAST_SECONDS = 10.0  # for one message

logger = logging.getLogger(__name__)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle an event of EventBridge, or a batch from SQS with one event in each message.

    Returns
    -------
    dict
        For a batch the partial response (``batchItemFailures``): messages that have to be delivered again.
        For a single event what became of it; failing, it raises, so that the service delivers it again.
    """
    with begun(context) as invocation:
        if isinstance(event.get("Records"), list):
            return {"batchItemFailures": list(_batch(event["Records"], invocation))}
        return {"done": [_summary(done) for done in _triage(event, invocation)]}


def _triage(event: object, invocation: Invocation) -> list[Result]:
    invocation.count("Received")
    done = triage_event(event, invocation.runtime)
    for one in done:
        invocation.log_result(one, event)
    return done


def _batch(messages: list[Mapping[str, Any]], invocation: Invocation) -> Iterator[dict[str, str]]:
    """Take each message; give those to be delivered again, some of them because there is no time left."""
    for message in messages:
        failure = {"itemIdentifier": message["messageId"]}
        if invocation.seconds_left() < _LEAST_SECONDS:
            yield failure
            continue
        try:
            _triage(_body(message), invocation)
        except InProgress:
            logger.info("another invocation holds the lease", extra={"message_id": message["messageId"]})
            yield failure
        except Exception:
            # One message must not take the others with it; SQS delivers it again and then sets it aside.
            logger.exception("a message failed", extra={"message_id": message["messageId"]})
            invocation.count("Errors")
            yield failure


def _body(message: Mapping[str, Any]) -> object:
    """Return the event of a message, or its text where that is no JSON: it goes before a person as it is."""
    try:
        event: object = json.loads(message["body"])
    except ValueError:
        return message["body"]
    return event


def _summary(done: Result) -> dict[str, Any]:
    decision = done.decision
    return {
        "finding_id": done.finding_id,
        "effect": done.effect,
        "outcome": decision.outcome if decision else None,
        "score": decision.score if decision else None,
        "note": done.reason,
    }
