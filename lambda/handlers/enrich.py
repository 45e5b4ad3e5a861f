"""The workflow's first step: what the log says of a finding, and what surrounds it."""

from collections.abc import Mapping
from typing import Any

from handlers.runtime import invocation
from handlers.runtime import workflow_state as states
from scoring.findings.record import read_value
from scoring.pipeline.steps.enrich import enrich


def handler(state: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run the step on an event of EventBridge, or on the state of an earlier round.

    Returns
    -------
    dict
        What the step adds; ``next`` is EVALUATE, or whatever else is left to be done. An event that cannot be
        read goes on to NOTIFY as it is.
    """
    number = states.begin(state)
    found = list(read_value(states.event_of(state)))
    if len(found) != 1:
        return states.write_unreadable("", f"expected one finding, found {len(found)}", number)
    (located,) = found
    if located.case is None:
        return states.write_unreadable(located.where, str(located.error), number)
    with invocation.begun(context) as begun:
        if number == 1:
            begun.count("Received")
        return invocation.hand_on(enrich(located.case, begun.runtime), begun, state, number)
