"""The scheduled Lambda: sends what waits and finds what no event has told of."""

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from handlers.runtime import settings
from handlers.runtime.invocation import Invocation, begun
from handlers.runtime.last_good import Problem
from scoring.pipeline.alerts.alert import alert_configuration
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.scheduled.reconcile import Schedule, reconcile
from scoring.pipeline.suppression.cloudtrail_calls import take_call
from scoring.pipeline.suppression.suspicions import is_call

logger = logging.getLogger(__name__)


class Incomplete(Exception):
    """Part of the scheduled work failed; the next run tries again."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle the schedule's event, whatever is in it, or CloudTrail's event of a call to Access Analyzer.

    Returns
    -------
    dict
        What was done; see `scoring.pipeline.scheduled.reconcile.Run`.

    Raises
    ------
    Incomplete
        After all that could be done; it shows in the function's errors.
    """
    with begun(context) as invocation:
        if is_call(event):
            return {"told": [done.reason for done in take_call(event, invocation.runtime)]}
        return _work(settings.read(os.environ), invocation)


def _work(given: settings.Settings, invocation: Invocation) -> dict[str, Any]:
    """Do the scheduled work."""
    runtime, problems = invocation.runtime, settings.configuration(given).problems
    untold = [problem.name for problem in problems if not _told(problem, runtime)]
    schedule = Schedule(
        analyzers=given.analyzer_arns,
        seconds_left=invocation.seconds_left,
        period=timedelta(minutes=given.period_minutes),
    )
    run = reconcile(runtime, schedule)
    for name, effects in (("Archived", ("archive",)), ("Alerted", ("alert", "collected"))):
        if swept := sum(run.swept.get(effect, 0) for effect in effects):
            invocation.count(name, swept)
    if failed := [*run.failed, *(f"telling of the {name}" for name in untold)]:
        raise Incomplete(", ".join(failed))
    done: dict[str, Any] = msgspec.to_builtins(run)
    return done


def _told(problem: Problem, runtime: Runtime) -> bool:
    """Tell a person once what is wrong with the configuration; that fails for itself alone."""
    try:
        alert_configuration(
            problem.name,
            problem.text,
            problem.version,
            has_last_good=problem.has_last_good,
            runtime=runtime,
        )
    except Exception:
        logger.exception("a problem of the configuration could not be told")
        return False
    return True
