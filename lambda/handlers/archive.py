"""The workflow's third step, where the decision is to archive."""

from collections.abc import Mapping
from typing import Any

from handlers.runtime import invocation
from handlers.runtime import workflow_state as states
from scoring.pipeline.steps.archive import archive


def handler(state: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Run the step on the workflow's state; see `handlers.runtime.workflow_state`.

    Returns
    -------
    dict
        What the step adds; ``next`` is DONE, or NOTIFY where the finding cannot be archived.
    """
    return invocation.of_step(archive, states.read_evaluated, state, context)
