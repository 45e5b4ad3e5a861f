"""What every invocation begins and ends with: settings, log lines, metrics."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from handlers.runtime import logs, metrics, settings
from handlers.runtime import workflow_state as states
from scoring.decision_log.log import InProgress
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.state import CaseState

logger = logging.getLogger(__name__)


class Invocation:
    """One invocation: what it needs, and what it counts.

    Attributes
    ----------
    runtime : Runtime
    seconds_left : callable
        Until the function's own limit.
    counted : list of (name, value)
        See `handlers.runtime.metrics`.
    """

    def __init__(self, runtime: Runtime, seconds_left: Callable[[], float]) -> None:
        self.runtime, self.seconds_left = runtime, seconds_left
        self.counted: list[tuple[str, float]] = []

    def log_result(self, result: Result, event: object = None) -> None:
        """Log and count what became of a finding."""
        logs.log_result(result, self.runtime.mode)
        self.counted += metrics.of_result(result, event, self.runtime.now())

    def count(self, name: str, value: float = 1) -> None:
        """Count something else."""
        self.counted.append((name, value))


@contextmanager
def begun(context: Any) -> Iterator[Invocation]:
    """Read the settings, and give what the invocation needs; whatever happens, the metrics are written.

    Parameters
    ----------
    context : Lambda's context object
    """

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    if logs.is_lambda():
        logs.configure(context)
    counted: list[tuple[str, float]] = []
    try:
        given = settings.read(os.environ)
        invocation = Invocation(settings.runtime(given, seconds_left=seconds_left), seconds_left)
        counted = invocation.counted
        for problem in settings.configuration(given).problems:
            logger.error("the %s is not valid: %s", problem.name, problem.text)
            invocation.count("ConfigurationInvalid")
        yield invocation
    except InProgress:
        raise
    except Exception:
        counted.append(("Errors", 1))
        raise
    finally:
        if logs.is_lambda():
            metrics.emit(counted)


def of_step(
    step: Callable[[CaseState, Runtime], CaseState], state: Mapping[str, Any], context: Any
) -> dict[str, Any]:
    """Let a step of the workflow take the state on, and give what it adds."""
    case_state, number = states.read(state)
    with begun(context) as invocation:
        return told(step(case_state, invocation.runtime), invocation, state, number, since=case_state)


def told(
    case_state: CaseState,
    invocation: Invocation,
    state: Mapping[str, Any],
    number: int,
    since: CaseState | None = None,
) -> dict[str, Any]:
    """Give what a step adds to the state; where the finding is done, log and count that."""
    added = states.write(case_state, state, number, since=since)
    if case_state.next == "DONE":
        invocation.log_result(case_state.done(), state)
    return added
