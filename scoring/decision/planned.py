"""What a change would expose, decided on as its findings would be."""

from typing import Final

from scoring.decision.decide import Decision
from scoring.features.exposure import Exposure
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.policy.policy import Policy

_STOPS: Final = frozenset(
    {"public", "permissions_outside", "confidential_outside", "never_archive", "unknown_type"}
)


def is_inside(case: Case, policy: Policy) -> bool:
    """Say whether the access stays in the resource's own account for certain: no finding would be raised."""
    if not isinstance(case.finding, Finding):
        return False
    exposure = Exposure(case.finding, case.context, policy)
    return exposure.trust == "own account" and exposure.is_public is False


def stops(decision: Decision) -> bool:
    """Say whether a finding is reason not to make the change.

    So it is at or above the threshold, where no threshold belongs to the model, and, whatever the score,
    where a guardrail stands that is about the access itself. What the policy expects by a rule stops nothing.
    """
    if decision.outcome != "alert":
        return False
    if decision.threshold is None or decision.score >= decision.threshold:
        return True
    return not _STOPS.isdisjoint(rail.name for rail in decision.guardrails)
