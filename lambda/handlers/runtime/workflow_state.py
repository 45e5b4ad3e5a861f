"""The state of the workflow: the event, and beside it what each step adds, as JSON.

The state machine puts the answer of each step under a key of its own, so no step can overwrite what came
before. A step that runs again after another round begins anew: parts of an earlier round no longer count.
The keys are those of the first version: a workflow may begin in one version and end in the next.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from scoring.decision.decide import Decision
from scoring.decision_log.deduplication import EventKind
from scoring.decision_log.entries import FindingState
from scoring.findings import context as contexts
from scoring.findings.context import NO_CONTEXT
from scoring.findings.finding import Finding
from scoring.pipeline.runtime import Result
from scoring.pipeline.steps.state import Arrived, Effecting, Evaluated, Unfinished

PARTS = ("enriched", "evaluated", "archived", "notified")
ERROR = "error"
_TAKEN = "taken"  # the error with which an earlier round ended

State = Mapping[str, Any]

_MOST_BYTES = 250_000  # Step Functions takes 256 KiB
_MOST_ROUNDS = 10
_LONGEST_ERROR = 2000
_OLD_KINDS = {
    "unsent": EventKind.SEND_INTERRUPTED,
    "our archive, unfinished": EventKind.UNFINISHED_ARCHIVE,
    "changed archive": EventKind.CHANGED_ARCHIVE,
}


class TooLarge(Exception):
    """The state is more than the workflow can hand on."""


class TooManyRounds(Exception):
    """Other invocations held the lease again and again."""


class _Together(msgspec.Struct, kw_only=True):
    """The parts of a round together, as far as the next step needs them."""

    next: Literal["EVALUATE", "ARCHIVE", "NOTIFY", "DONE"]
    finding: Finding
    context: dict[str, Any]
    raw: dict[str, Any] | None = None
    meant: str = EventKind.NEW
    before: FindingState | None = None
    decision: Decision | None = None
    stopped: str = ""
    fresh: bool = False


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


def read_arrived(state: State) -> tuple[Arrived, int]:
    """Read the finding that is to be decided on, and the number of the round."""
    part, number = _together(state)
    return _arrived(part, state), number


def read_evaluated(state: State) -> tuple[Evaluated | Unfinished, int]:
    """Read the finding that something is to be done about, and the number of the round."""
    part, number = _together(state)
    if part.next not in get_args(Effecting):
        raise ValueError(f"expected a finding that something is to be done about, got {part.next}")
    if part.decision is not None:
        step: Effecting = "ARCHIVE" if part.next == "ARCHIVE" else "NOTIFY"
        arrived = _arrived(part, state)
        if step == "NOTIFY":  # an archive is always preceded by reading the finding again
            arrived = msgspec.structs.replace(arrived, is_fresh=part.fresh)
        return arrived.evaluated(part.decision, step, part.stopped), number
    if part.before is None:
        raise ValueError("expected a decision or what an earlier delivery left unfinished")
    kind = EventKind(_OLD_KINDS.get(part.meant, part.meant))
    return Unfinished(finding=part.finding, kind=kind, latest=part.before), number


def write(
    handed_on: Arrived | Unfinished | Result,
    state: State,
    number: int,
    since: Arrived | Unfinished | None = None,
) -> dict[str, Any]:
    """Write what a step adds to the state.

    Parameters
    ----------
    number : int
        Of the round.
    since : Arrived or Unfinished, optional
        What the step was given.

    Raises
    ------
    TooLarge
        The state would be more than the workflow can hand on.
    """
    known = {"raw": event_of(state), "stopped": ""} if since is None else _fields(since)
    fields = _fields(handed_on)
    added = {
        "round": number,
        **_ends(handed_on),
        **{name: value for name, value in fields.items() if name not in known or known[name] != value},
    }
    room = _MOST_BYTES - _size({name: value for name, value in state.items() if name != ERROR})
    text = msgspec.json.encode(added)
    part: dict[str, Any] = msgspec.json.decode(text)
    if _size(part) > room:
        part = {"round": number, **_ends(handed_on)}
        part["packed"] = base64.b85encode(zlib.compress(text)).decode()
    if _size(part) > room:
        raise TooLarge(f"the state of finding {added['finding_id']} is too large for the workflow")
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


def _together(state: State) -> tuple[_Together, int]:
    number = int(state[PARTS[0]]["round"])
    given: dict[str, Any] = {}
    for name in PARTS:
        if state.get(name, {}).get("round") == number:
            given |= _unpacked(state[name])
    return msgspec.convert(given, _Together), number


def _arrived(part: _Together, state: State) -> Arrived:
    return Arrived(
        finding=part.finding,
        context=contexts.from_json(part.context),
        raw=event_of(state) if part.raw is None else part.raw,
        latest=part.before,
    )


def _ends(handed_on: Arrived | Unfinished | Result) -> dict[str, str]:
    """Return which step comes next, and what became of the finding where none does."""
    match handed_on:
        case Result(finding_id=finding_id, effect=effect, reason=reason):
            return {"next": "DONE", "finding_id": finding_id, "effect": effect, "note": reason}
        case Evaluated() | Unfinished():
            step: str = handed_on.next_step
        case _:
            step = "EVALUATE"
    return {"next": step, "finding_id": handed_on.finding.id, "effect": "none", "note": ""}


def _fields(known: Arrived | Unfinished | Result) -> dict[str, Any]:
    if isinstance(known, Result):
        return {} if known.decision is None else {"decision": msgspec.to_builtins(known.decision)}
    fields = {
        "finding": msgspec.to_builtins(known.finding),
        "before": msgspec.to_builtins(known.latest),
    }
    if isinstance(known, Unfinished):
        return {**fields, "meant": str(known.kind), "context": contexts.to_json(NO_CONTEXT)}
    fields |= {"meant": str(EventKind.NEW), "raw": known.raw, "context": contexts.to_json(known.context)}
    if isinstance(known, Evaluated):
        fields |= {"decision": msgspec.to_builtins(known.decision), "stopped": known.stopped}
        fields |= {"fresh": True} if known.is_fresh else {}
    return fields


def _size(value: object) -> int:
    """Return how long a value is as JSON with every character that is not ASCII written out."""
    return len(json.dumps(value))


def _unpacked(part: Mapping[str, Any]) -> Mapping[str, Any]:
    if "packed" not in part:
        return part
    added: Mapping[str, Any] = msgspec.json.decode(zlib.decompress(base64.b85decode(part["packed"])))
    return added
