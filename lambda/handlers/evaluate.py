"""The workflow's second step: what model and policy say of a finding."""

from collections.abc import Mapping
from typing import Any

from handlers.runtime import invocation
from handlers.runtime import workflow_state as states
from scoring.pipeline.steps.evaluate import evaluate


def handler(state: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run the step on the workflow's state; see `handlers.runtime.workflow_state`.

    Returns
    -------
    dict
        What the step adds: the decision, and in ``next`` which step comes now: ARCHIVE, NOTIFY or DONE.
    """
    return invocation.of_step(evaluate, states.read_arrived, state, context)
