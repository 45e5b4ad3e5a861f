"""What the handlers count. The table of names is what alarms and the dashboard go by."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from scoring.pipeline.circuit_breaker import NAME as BREAKER
from scoring.pipeline.runtime import Result
from scoring.pipeline.steps.archive import WAITS

NAMESPACE = "AccessTriage"
SERVICE = "access-triage"
"""The dimension ``service`` of every metric."""


def deployed_version(environment: Mapping[str, str] = os.environ) -> str:
    """Return the version that is deployed; empty where none is."""
    return environment.get("TRIAGE_VERSION", "")


METRICS = {
    "Archived": ("Count", "findings archived"),
    "Alerted": ("Count", "findings alerted on, at once or together with others"),
    "Unknown": ("Count", "findings decided on of which a fact is not known"),
    "Latency": ("Milliseconds", "from the event's own time until its finding was done"),
    "Score": ("None", "the score of each finding decided on"),
    "Ended": ("Count", "findings that are resolved, deleted, or archived by somebody else"),
    "Errors": ("Count", "invocations and messages that failed"),
    "Received": ("Count", "events that arrived; 0 in each scheduled run, so that silence is a number"),
    "DigestDone": ("Count", "1 where a scheduled run has sent what waited, 0 where it could not"),
    "SweepDone": ("Count", "1 where the last sweep has gone through all analyzers, 0 while one is under way"),
    "WatchDone": ("Count", "1 where the last hourly check for hidden access was done, 0 where it failed"),
    "BreakerOpen": ("Count", "archives that the circuit breaker stopped"),
    "ConfigurationInvalid": ("Count", "values of the configuration that are not valid at the moment"),
}
"""Names, with CloudWatch's unit for each and what it counts."""


def of_result(done: Result, event: object, now: datetime) -> Iterator[tuple[str, float]]:
    """Give what one finding adds to the metrics, by name.

    Parameters
    ----------
    event : object
        With which it came.
    """
    if done.effect == "archive":
        yield "Archived", 1
    if done.effect in ("alert", "collected"):
        yield "Alerted", 1
    if done.ended is not None:
        yield "Ended", 1
    if (latency := _since(event, now)) is not None:
        yield "Latency", latency
    decision = done.decision
    if decision is None or decision.outcome == "skip":
        return
    yield "Score", decision.score
    if decision.unknown:
        yield "Unknown", 1
    if done.reason == WAITS or any(rail.name == BREAKER for rail in decision.guardrails):
        yield "BreakerOpen", 1


def emit(counted: list[tuple[str, float]]) -> None:
    """Write what was counted to the log in CloudWatch's embedded metric format."""
    if not counted:
        return
    from aws_lambda_powertools.metrics import EphemeralMetrics

    metrics = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
    if version := deployed_version():  # beside the metric of all versions, which alarms go by
        metrics.add_dimensions(service=SERVICE, version=version)
    for name, value in counted:
        metrics.add_metric(name=name, unit=METRICS[name][0], value=value)
    metrics.flush_metrics()


def _since(event: object, now: datetime) -> float | None:
    """Return the milliseconds since an event's own time, if it names one."""
    time: Any = event.get("time") if isinstance(event, Mapping) else None
    try:
        passed = now - datetime.fromisoformat(time)
    except (TypeError, ValueError):
        return None
    return max(0.0, round(passed.total_seconds() * 1000, 1))
