"""The scheduled Lambda: sends queued alerts and finds what no event was delivered for."""

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from handlers.runtime import custom_resource, settings
from handlers.runtime.invocation import Invocation, begun
from handlers.runtime.last_good import Problem
from scoring.pipeline.alerts.alert import alert_configuration
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.scheduled.reconcile import Schedule, reconcile
from scoring.pipeline.suppression.cloudtrail_calls import handle_call
from scoring.pipeline.suppression.suspicions import is_call

logger = logging.getLogger(__name__)


class Incomplete(Exception):
    """Part of the scheduled work failed; the next run tries again."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle the schedule's event, whatever is in it, or CloudTrail's event of a call to Access Analyzer.

    CloudFormation calls it too, at each deploy, so that mode and threshold are there; see
    `handlers.runtime.operator_state`.

    Returns
    -------
    dict
        What was done; see `scoring.pipeline.scheduled.reconcile.Run`.

    Raises
    ------
    Incomplete
        After all that could be done; it shows in the function's errors.
    """
    if custom_resource.is_request(event):
        return custom_resource.answer(event, lambda: settings.keep_operator_state(settings.read(os.environ)))
    is_kept = is_call(event) or _keep_operator_state()
    with begun(context) as invocation:
        if is_call(event):
            return {"told": [done.reason for done in handle_call(event, invocation.runtime)]}
        return _work(settings.read(os.environ), invocation, is_kept=is_kept)


def _keep_operator_state() -> bool:
    """See that mode and threshold are there, before they are read; failing stops nothing else."""
    try:
        for name in settings.keep_operator_state(settings.read(os.environ)):
            logger.warning("the parameter was not there and is written again: %s", name)
    except Exception:
        logger.exception("mode and threshold could not be kept")
        return False
    return True


def _work(given: settings.Settings, invocation: Invocation, *, is_kept: bool) -> dict[str, Any]:
    """Do the scheduled work."""
    runtime, problems = invocation.runtime, settings.configuration(given).problems
    unsent = [problem.name for problem in problems if not _alert(problem, runtime)]
    schedule = Schedule(
        analyzers=given.analyzer_arns,
        seconds_left=invocation.seconds_left,
        period=timedelta(minutes=given.period_minutes),
    )
    run = reconcile(runtime, schedule)
    for name, effects in (("Archived", ("archive",)), ("Alerted", ("alert", "collected"))):
        if count := sum(run.swept.get(effect, 0) for effect in effects):
            invocation.count(name, count)
    for name, is_done in (
        ("Received", False),
        ("DigestDone", run.is_sent),
        ("SweepDone", run.is_swept),
        ("WatchDone", run.is_watched),
    ):
        invocation.count(name, int(is_done))
    kept = [] if is_kept else ["keeping mode and threshold"]
    if failed := [*run.failed, *(f"alerting to the {name}" for name in unsent), *kept]:
        raise Incomplete(", ".join(failed))
    done: dict[str, Any] = msgspec.to_builtins(run)
    return done


def _alert(problem: Problem, runtime: Runtime) -> bool:
    """Alert a person, once, to what is wrong with the configuration; failing stops nothing else."""
    try:
        alert_configuration(
            problem.name,
            problem.text,
            problem.version,
            has_last_good=problem.has_last_good,
            runtime=runtime,
        )
    except Exception:
        logger.exception("an alert on the configuration could not be sent")
        return False
    return True
