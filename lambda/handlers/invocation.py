"""What every invocation begins and ends with."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from handlers import settings
from handlers import state as states
from scoring.runtime import Runtime
from scoring.steps.turn import Turn


def seconds_left(context: Any) -> Callable[[], float]:
    """Return what tells the seconds until the function's own limit."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000


@contextmanager
def begun(context: Any) -> Iterator[Runtime]:
    """Read the settings, and give what the invocation needs.

    Parameters
    ----------
    context : Lambda's context object
    """
    yield settings.runtime(settings.read(os.environ), seconds_left=seconds_left(context))


def of_step(step: Callable[[Turn, Runtime], Turn], state: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Let a step of the workflow take the state on, and give what it adds."""
    turn, number = states.read(state)
    with begun(context) as runtime:
        return states.write(step(turn, runtime), state, number, since=turn)
