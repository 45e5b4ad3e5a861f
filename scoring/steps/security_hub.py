"""After an effect: Security Hub is told of it, where the policy wants that."""

import logging

from scoring.runtime import Runtime
from scoring.steps.turn import Turn

logger = logging.getLogger(__name__)


def tell_security_hub(turn: Turn, runtime: Runtime) -> None:
    """Write what has been done to Security Hub; failing is no reason to do it again."""
    if runtime.security_hub is None or not runtime.policy.security_hub.update:
        return
    from scoring.security_hub_update import write_back

    if problem := write_back(turn.case, turn.decided, runtime.policy, runtime.security_hub):
        logger.warning("Security Hub was not told: %s", problem, extra={"finding_id": turn.finding.id})
