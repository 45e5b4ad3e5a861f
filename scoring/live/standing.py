"""What the decision log says of many findings: who brought each back after it was archived."""

from collections.abc import Sequence

from scoring.context import Reactivation
from scoring.decision_log import DecisionLog
from scoring.deliveries import brought_back_by
from scoring.enrich.failures import reason
from scoring.facts import ABSENT, Fact, Present, Unknown
from scoring.finding import Finding
from scoring.log_entries import Latest


def reactivated(findings: Sequence[Finding], log: DecisionLog) -> list[Fact[Reactivation]]:
    """Find out who brought each finding back, 100 a request; where nobody can tell, it is unknown."""
    try:
        marks = log.latest_of([finding.id for finding in findings])
    except Exception as error:
        why = reason(error)
        if why is None:
            raise
        return [Unknown(why)] * len(findings)
    return [reactivation(finding, marks.get(finding.id)) for finding in findings]


def reactivation(finding: Finding, mark: Latest | None) -> Fact[Reactivation]:
    """Say who brought a finding back, given where it stands; absent where nobody did."""
    who, moment = brought_back_by(finding, mark)
    return Present(Reactivation(who, moment or None)) if who else ABSENT
