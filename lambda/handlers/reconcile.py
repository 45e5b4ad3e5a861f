"""The scheduled Lambda: sends what waits and finds what no event has told of."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from handlers import settings
from scoring.reconcile import Schedule, reconcile


class Incomplete(Exception):
    """Part of the scheduled work failed; the next run tries again."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle the schedule's event, whatever is in it.

    Returns
    -------
    dict
        What was done; see `scoring.reconcile.Run`.

    Raises
    ------
    Incomplete
        After all that could be done; it shows in the function's errors.
    """
    del event  # the schedule says nothing

    def seconds_left() -> float:
        return float(context.get_remaining_time_in_millis()) / 1000

    given = settings.read(os.environ)
    runtime = settings.runtime(given, seconds_left=seconds_left)
    schedule = Schedule(
        analyzers=given.analyzer_arns,
        seconds_left=seconds_left,
        period=timedelta(minutes=given.period_minutes),
    )
    run = reconcile(runtime, schedule)
    if run.failed:
        raise Incomplete(", ".join(run.failed))
    done: dict[str, Any] = msgspec.to_builtins(run)
    return done
