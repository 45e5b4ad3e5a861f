"""The workflow's fourth step, where a person is to look; and the end of a workflow in which a step failed."""

from collections.abc import Mapping
from typing import Any

from handlers.runtime import invocation
from handlers.runtime import workflow_state as states
from scoring.pipeline.alerts.alert import triage_unreadable
from scoring.pipeline.steps.notify import notify


def handler(state: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run the step on the workflow's state; see `handlers.runtime.workflow_state`.

    Where it says that a step failed, or that the event cannot be read, the event goes before a person as it
    is.

    Returns
    -------
    dict
        What the step adds: the effect.
    """
    wrong = states.wrong_with(state)
    if wrong is None:
        return invocation.of_step(notify, states.read_evaluated, state, context)
    with invocation.begun(context) as begun:
        done = triage_unreadable(states.event_of(state), *wrong, begun.runtime)
        begun.log_result(done, state)
    return {"next": "DONE", "finding_id": done.finding_id, "effect": done.effect, "note": done.reason}
