"""The circuit breaker: above so many archives in an hour, findings alert instead.

It counts the intents of archives, of all and of those that give access to the same principal. Whoever shares
a thousand resources gets no more of them archived than the policy says, and the others go before a person. It
closes when the last hour has room again, or when a person closes it.
"""

import hashlib
from datetime import datetime
from typing import Any

from scoring.decision.decide import Decision, refuse
from scoring.decision.guardrails import Guardrail
from scoring.decision_log.entries import Entry, FindingState
from scoring.decision_log.hourly_limit import LIMITS, Hourly, Most
from scoring.decision_log.log import DecisionLog, InProgress, LimitReached
from scoring.decision_log.table import key
from scoring.findings.access.principal import principals_of
from scoring.findings.finding import Finding
from scoring.policy.policy import Policy

NAME = "circuit_breaker"
_ITEM = "archives"


def intend_archive(
    entry: Entry,
    finding: Finding,
    *,
    log: DecisionLog,
    policy: Policy,
    before: FindingState | None,
    now: datetime,
    share: int = 1,
) -> FindingState | str:
    """Write that an archive is about to happen, if the breaker lets it.

    Parameters
    ----------
    share : int
        What part of the limits may be used: 2 for a half.

    Returns
    -------
    FindingState or str
        Which limit is reached, in words, where nothing was written.

    Raises
    ------
    InProgress
        Another invocation was faster.
    """
    limits = _limits(finding, policy, share)
    hourly = Hourly(log.table, _ITEM, tuple(limits))
    try:
        return log.intend(entry, "archive", before=before, now=now, limits=[hourly.take(now)])
    except LimitReached as refused:
        reached, item = hourly.reached(refused.item, now), refused.item
    if reached is not None:
        return f"more than {reached.most} archives in an hour{limits[reached]}"
    try:
        return log.intend(entry, "archive", before=before, now=now, limits=[hourly.renew(item, now)])
    except LimitReached as error:
        raise InProgress(finding.id) from error


def stop(decision: Decision, why: str) -> Decision:
    """Turn an archive into an alert, as a guardrail does."""
    return refuse(decision, Guardrail(NAME, f"{why}: until the last hour has room again, findings alert"))


def close(client: Any, table: str) -> None:
    """Forget what was counted: archiving goes on at once."""
    client.delete_item(TableName=table, Key=key(LIMITS, _ITEM))


def _limits(finding: Finding, policy: Policy, share: int) -> dict[Most, str]:
    """Return what is counted for a finding, and in words of which findings it is the count."""
    archives = policy.archives
    limits = {Most("all", max(1, archives.most_per_hour // share)): ""}
    for principal in principals_of(finding):
        name = "principal_" + hashlib.sha256(principal.encode()).hexdigest()[:16]
        limits[Most(name, max(1, archives.most_per_principal // share))] = f" that let {principal} in"
    return limits
