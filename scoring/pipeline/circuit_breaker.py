"""The circuit breaker: above so many archives in an hour, findings alert instead.

It counts the intents of archives, of all and of those that give access to the same principal. Whoever shares
a thousand resources gets no more of them archived than the policy says, and the others go before a person. It
closes when the last hour has room again, or when a person closes it.
"""

import hashlib
from datetime import datetime

from scoring.decision.decide import Decision, refuse
from scoring.decision.guardrails import Guardrail
from scoring.decision_log.entries import Entry, FindingState
from scoring.decision_log.hourly_limit import Cap, HourlyLimit
from scoring.decision_log.log import DecisionLog, LimitReached
from scoring.findings.access.principal import principals_of
from scoring.findings.finding import Finding
from scoring.policy.policy import Policy

NAME = "circuit_breaker"
_LIMIT, _ALL = "archives", "all"


def intend_archive(
    entry: Entry,
    finding: Finding,
    *,
    log: DecisionLog,
    policy: Policy,
    latest: FindingState | None,
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
    counted, archives = _counted(finding), policy.archives
    most = {
        name: max(1, (archives.most_per_hour if name == _ALL else archives.most_per_principal) // share)
        for name in counted
    }
    limit = HourlyLimit(_LIMIT, [Cap(*cap) for cap in most.items()])
    try:
        return log.intend(entry, "archive", latest=latest, now=now, limits=[limit])
    except LimitReached as reached:
        return f"more than {most[reached.cap]} archives in an hour{counted[reached.cap]}"


def stop(decision: Decision, why: str) -> Decision:
    """Turn an archive into an alert, as a guardrail does."""
    return refuse(
        decision, Guardrail(NAME, f"{why}: findings alert until fewer were archived in the last hour")
    )


def close(log: DecisionLog) -> None:
    """Forget what was counted: archiving goes on at once."""
    HourlyLimit(_LIMIT, ()).reset(log)


def _counted(finding: Finding) -> dict[str, str]:
    """Return what an archive counts for: all, and each principal that it lets in; with that in words."""
    counted = {_ALL: ""}
    for principal in principals_of(finding):
        name = "principal_" + hashlib.sha256(principal.encode()).hexdigest()[:16]
        counted[name] = f" that let {principal} in"
    return counted
