"""Alert a person, once, to what looks made to hide access; no alert is sent in shadow mode."""

import logging

import msgspec

from scoring.aws.analyzers import Family
from scoring.decision_log.entries import Entry, stamp
from scoring.decision_log.log import InProgress
from scoring.explanation.safe_text import visible
from scoring.pipeline.alerts import digest, routing
from scoring.pipeline.alerts.alert import send, send_again
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.suppression.suspicions import Suspicion

logger = logging.getLogger(__name__)


def family_of(analyzer_arn: str, runtime: Runtime) -> Family:
    """Ask which findings an analyzer makes; where AWS does not say, those that may be public."""
    try:
        return runtime.analyzers.look_up(analyzer_arn).family
    except Exception:
        logger.warning("what kind of findings an analyzer makes is not known", exc_info=True)
        return "external"


def alert_suspicion(suspicion: Suspicion, runtime: Runtime) -> Result:
    """Alert a person to a suspicion, unless that has been done.

    Raises
    ------
    InProgress
        Another invocation is doing so.
    """
    latest = runtime.log.latest(suspicion.id)
    if latest is not None and latest.is_unfinished:
        if stamp(runtime.now()) < latest.lease_until:
            raise InProgress(suspicion.id)
        return send_again(latest, runtime)
    if runtime.mode == "shadow" or (latest is not None and latest.content == suspicion.version):
        return Result(finding_id=suspicion.id, effect="none", reason="alerted on already, or shadow mode")
    plain = msgspec.to_builtins(suspicion)
    entry = Entry(
        finding_id=suspicion.id,
        status="",
        outcome="watch",
        content=suspicion.version,
        record={"event": plain, "error": suspicion.headline, "watch": plain},
        mode=runtime.mode,
        policy_sha256=runtime.policy.sha256,
    )
    effect = send(
        entry,
        lambda _: digest.of_suspicion(plain),
        runtime,
        latest=latest,
        groups=[suspicion.group],
        is_guarded=True,
        to=routing.security(runtime.policy.alerts, runtime.channels),
    )
    return Result(finding_id=suspicion.id, effect=effect, reason=visible(suspicion.headline, 300))
