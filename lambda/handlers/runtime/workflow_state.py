"""The state of the workflow: the event, and beside it what each step adds, as JSON.

The state machine puts the answer of each step under a key of its own, so no step can overwrite what came
before. A step that runs again after another round begins anew: parts of an earlier round no longer count.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from scoring.decision.decide import Decision
from scoring.decision_log.deduplication import EventKind
from scoring.decision_log.entries import FindingState
from scoring.findings import context as contexts
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.pipeline.steps.state import CaseState, Next

PARTS = ("enriched", "evaluated", "archived", "notified")
ERROR = "error"
_TAKEN = "taken"  # the error with which an earlier round ended

State = Mapping[str, Any]

_MOST_BYTES = 250_000  # Step Functions takes 256 KiB
_MOST_ROUNDS = 10
_LONGEST_ERROR = 2000


class TooLarge(Exception):
    """The state is more than the workflow can hand on."""


class TooManyRounds(Exception):
    """Others were faster again and again."""


class _Together(msgspec.Struct, kw_only=True):
    """The parts of a round together, as far as the next step needs them."""

    next: Next
    finding: Finding
    context: dict[str, Any]
    raw: dict[str, Any] | None = None
    meant: EventKind = "new"
    before: FindingState | None = None
    decision: Decision | None = None
    stopped: str = ""


def event_of(state: State) -> dict[str, Any]:
    """Return the event with which the workflow started."""
    return {name: value for name, value in state.items() if name not in (*PARTS, ERROR, _TAKEN)}


def begin(state: State) -> int:
    """Return the number of the round that begins now.

    Raises
    ------
    TooManyRounds
    """
    number = int(state.get(PARTS[0], {}).get("round", 0)) + 1
    if number > _MOST_ROUNDS:
        raise TooManyRounds(f"another run held the finding {_MOST_ROUNDS} times")
    return number


def read(state: State) -> tuple[CaseState, int]:
    """Read the turn that a step is to take on, and the number of the round."""
    event, number = event_of(state), int(state[PARTS[0]]["round"])
    given: dict[str, Any] = {}
    for name in PARTS:
        if state.get(name, {}).get("round") == number:
            given |= _unpacked(state[name])
    part = msgspec.convert(given, _Together)
    context = contexts.from_json(part.context)
    case_state = CaseState(
        case=Case(finding=part.finding, context=context, raw=event if part.raw is None else part.raw),
        next=part.next,
        meant=part.meant,
        before=part.before,
        decision=part.decision,
        stopped=part.stopped,
    )
    return case_state, number


def write(case_state: CaseState, state: State, number: int, since: CaseState | None = None) -> dict[str, Any]:
    """Write what a step adds to the state.

    Parameters
    ----------
    number : int
        Of the round.
    since : CaseState, optional
        The state that the step was given.

    Raises
    ------
    TooLarge
        The state would be more than the workflow can hand on.
    """
    known = {"raw": event_of(state), "stopped": ""} if since is None else _fields(since)
    added = {
        "round": number,
        "next": case_state.next,
        "finding_id": case_state.case.finding.id,
        **{
            name: value
            for name, value in _fields(case_state).items()
            if name not in known or known[name] != value
        },
        "effect": case_state.effect,
        "note": case_state.note,
    }
    room = _MOST_BYTES - _size({name: value for name, value in state.items() if name != ERROR})
    text = msgspec.json.encode(added)
    part: dict[str, Any] = msgspec.json.decode(text)
    if _size(part) > room:
        part = {name: part[name] for name in ("round", "next", "finding_id", "effect", "note")}
        part["packed"] = base64.b85encode(zlib.compress(text)).decode()
    if _size(part) > room:
        raise TooLarge(f"the state of finding {case_state.case.finding.id} is too large for the workflow")
    return part


def write_unreadable(where: str, why: str, number: int) -> dict[str, Any]:
    """Write that the event, or a part of it, cannot be read."""
    return {"round": number, "next": "NOTIFY", "unreadable": [where, why]}


def wrong_with(state: State) -> tuple[str, str] | None:
    """Say where and why the event cannot be handled, if a step failed or it cannot be read."""
    if ERROR in state:
        return "", f"a step of the workflow failed: {_told(state[ERROR])}"
    unreadable = state[PARTS[0]].get("unreadable")
    return None if unreadable is None else (unreadable[0], unreadable[1])


def _told(error: Any) -> str:
    """Put what the state machine says of an error into one line, without its stack trace."""
    try:
        message = json.loads(error["Cause"])["errorMessage"]
    except (KeyError, TypeError, ValueError):
        message = error.get("Cause", "") if isinstance(error, Mapping) else error
    kind = error.get("Error", "") if isinstance(error, Mapping) else ""
    return f"{kind}: {message}"[:_LONGEST_ERROR]


def _fields(case_state: CaseState) -> dict[str, Any]:
    return {
        "meant": case_state.meant,
        "finding": msgspec.to_builtins(case_state.case.finding),
        "raw": case_state.case.raw,
        "context": contexts.to_json(case_state.case.context),
        "decision": msgspec.to_builtins(case_state.decision),
        "before": msgspec.to_builtins(case_state.before),
        "stopped": case_state.stopped,
    }


def _size(value: object) -> int:
    """Return how long a value is as JSON with every character that is not ASCII written out."""
    return len(json.dumps(value))


def _unpacked(part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "packed" not in part:
        return part
    added: Mapping[str, Any] = msgspec.json.decode(zlib.decompress(base64.b85decode(part["packed"])))
    return added
