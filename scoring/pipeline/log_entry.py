"""A decision as the log takes it: with who brought the finding back, and the draw of the audit sample."""

from scoring.decision import audit_sample
from scoring.decision.decide import Decision
from scoring.decision_log import audit_key
from scoring.decision_log.deduplication import brought_back_by
from scoring.decision_log.entries import Entry, FindingState, content_of, entry_of
from scoring.decision_log.log import DecisionLog
from scoring.findings.record import FindingCase
from scoring.policy.policy import Policy


def log_entry(
    case: FindingCase,
    decision: Decision,
    latest: FindingState | None,
    *,
    log: DecisionLog,
    policy: Policy,
    mode: str,
    is_reported: bool = False,
) -> Entry:
    """Make the entry of a decision on a finding.

    Parameters
    ----------
    latest : FindingState or None
        The finding's latest state in the log.
    mode : str
        ``shadow`` or ``enforce``; in shadow mode nothing is drawn.
    """
    finding = case.finding
    who, when = brought_back_by(finding, latest)
    share = policy.archives.audit_share if mode == "enforce" else 0.0
    drawn = audit_sample.draw(decision, content_of(finding), share, lambda: audit_key.secret_of(log))
    return entry_of(
        case,
        decision,
        mode=mode,
        policy_sha256=policy.sha256,
        reactivated=who,
        reactivated_at=when,
        is_reported=is_reported,
        audit=drawn,
    )
