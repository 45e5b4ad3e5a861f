"""Before anybody is asked to decide, a finding is read: one that has ended closes its alert.

Where AWS does not answer, or does not know the finding, nobody can say that it has ended: it counts as open.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

from scoring.aws.errors import code
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.ends import ENDS, End, end_of
from scoring.findings.finding import Finding
from scoring.pipeline.runtime import Runtime

logger = logging.getLogger(__name__)


def read(finding_id: str, analyzer_arn: str, runtime: Runtime) -> tuple[Finding, Mapping[str, Any]] | None:
    """Read a finding as it is now; None where it cannot be read, whatever the reason."""
    if not analyzer_arn:
        return None
    try:
        return runtime.analyzers.read(finding_id, analyzer_arn)
    except Exception as error:
        why = code(error) or type(error).__name__
        logger.warning("a finding cannot be read: %s", why, extra={"finding_id": finding_id})
        return None


def close_ended(alerts: Sequence[LoggedDecision], runtime: Runtime) -> list[LoggedDecision]:
    """Close the alerts whose findings have ended, and return the others, in their order.

    An alert of which the log itself says that its finding has ended is not asked about.
    """
    ends = [_end_of(alert, runtime) for alert in alerts]
    for end in {end for end in ends if end is not None}:
        closed = [alert for alert, its_end in zip(alerts, ends, strict=True) if its_end == end]
        runtime.log.close_alerts(closed, end, runtime.now())
        for alert in closed:
            said = {"finding_id": alert.finding_id, "ended": end}
            logger.info("an alert that waited is closed: its finding has ended", extra=said)
    return [alert for alert, end in zip(alerts, ends, strict=True) if end is None]


def _end_of(alert: LoggedDecision, runtime: Runtime) -> End | None:
    if alert.ended_by in ENDS:
        return cast(End, alert.ended_by)
    if "finding" not in alert.record:  # an event that could not be read, or a suspicion
        return None
    found = read(alert.finding_id, alert.analyzer_arn, runtime)
    return None if found is None else end_of(found[0])
