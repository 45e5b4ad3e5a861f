"""A decision as the log takes it: with who brought the finding back, and whether it was drawn for review."""

from datetime import datetime

from scoring.decision import audit_sample
from scoring.decision.decide import Decision
from scoring.decision_log import audit_key, certificates, draws
from scoring.decision_log.certificates import Needs
from scoring.decision_log.deduplication import brought_back_by
from scoring.decision_log.entries import Entry, FindingState, content_of, entry_of
from scoring.decision_log.log import DecisionLog
from scoring.findings.record import Audit, FindingCase
from scoring.policy.policy import Policy


def log_entry(
    case: FindingCase,
    decision: Decision,
    latest: FindingState | None,
    *,
    log: DecisionLog,
    policy: Policy,
    mode: str,
    now: datetime,
    is_reported: bool = False,
    enforce_needs: Needs | None = None,
) -> Entry:
    """Make the entry of a decision on a finding.

    Parameters
    ----------
    latest : FindingState or None
        The finding's latest state in the log.
    mode : str
        ``shadow`` or ``enforce``; where nothing may be archived nothing is held back either.
    enforce_needs : str or None
        As `certificates.hindrance` takes it.
    """
    finding = case.finding
    who, when = brought_back_by(finding, latest)
    drawn = _drawn(case, decision, log, policy, now) if mode == "enforce" else None
    if drawn is not None and drawn.chosen and hindrance(decision, log, policy, mode, enforce_needs):
        drawn = None
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


def hindrance(
    decision: Decision, log: DecisionLog, policy: Policy, mode: str, enforce_needs: Needs | None
) -> str:
    """Say why a finding that is to be archived may not be; empty where it may be, or is none such."""
    if mode != "enforce" or decision.outcome != "archive":
        return ""
    return certificates.hindrance(log, policy.archives, decision.model.sha256, enforce_needs)


def _drawn(
    case: FindingCase, decision: Decision, log: DecisionLog, policy: Policy, now: datetime
) -> Audit | None:
    archives, content = policy.archives, content_of(case.finding)
    if not archives.draws_per_week or decision.outcome == "skip":
        return audit_sample.draw(decision, content, archives.audit_share, lambda: audit_key.secret_of(log))
    share = draws.share_for(log, archives, audit_sample.kind_of(decision), now)
    week = draws.window_at(now).name
    return audit_sample.draw(decision, content, share, lambda: audit_key.secret_of(log), week)
