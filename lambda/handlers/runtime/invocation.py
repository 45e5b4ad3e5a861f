"""What every invocation begins and ends with: settings, log lines, metrics."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from handlers.runtime import logs, metrics, settings
from handlers.runtime import workflow_state as states
from scoring.decision_log.log import InProgress
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.state import Arrived, Evaluated, Unfinished

logger = logging.getLogger(__name__)

G = TypeVar("G", bound=Arrived | Unfinished)


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
    step: Callable[[G, Runtime], Evaluated | Result],
    read: Callable[[Mapping[str, Any]], tuple[G, int]],
    state: Mapping[str, Any],
    context: Any,
) -> dict[str, Any]:
    """Run a step on the workflow's state, and return what it adds.

    Parameters
    ----------
    read : callable
        Reads what the step takes, of `handlers.runtime.workflow_state`.
    """
    given, number = read(state)
    with begun(context) as invocation:
        return hand_on(step(given, invocation.runtime), invocation, state, number, since=given)


def hand_on(
    made: Arrived | Unfinished | Result,
    invocation: Invocation,
    state: Mapping[str, Any],
    number: int,
    since: Arrived | Unfinished | None = None,
) -> dict[str, Any]:
    """Return what a step adds to the state; where the finding is done, log and count that."""
    added = states.write(made, state, number, since=since)
    if isinstance(made, Result):
        invocation.log_result(made, state)
    return added
