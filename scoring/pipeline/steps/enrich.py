"""The first step: where a finding stands, whether anything is to be done about it, and what surrounds it."""

import msgspec

from scoring.aws.errors import code
from scoring.decision.decide import skip_notice
from scoring.decision_log.deduplication import brought_back_by, classify_event
from scoring.decision_log.entries import FindingState, stamp
from scoring.decision_log.log import InProgress
from scoring.findings.context import NO_CONTEXT, Context, Reactivation
from scoring.findings.facts import ABSENT, Present
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.steps.state import CaseState


def enrich(case: Case, runtime: Runtime) -> CaseState:
    """Find out what is to be known before a finding is decided on; nothing is written.

    Raises
    ------
    InProgress
        Another invocation is at work on the same finding.
    """
    finding = case.finding
    if not isinstance(finding, Finding):
        return CaseState(case=case, next="DONE", decision=skip_notice(finding, runtime.card))
    before = runtime.log.latest(finding.id)
    now = stamp(runtime.now())
    meant = classify_event(finding, before, now=now, mode=runtime.mode)
    is_fresh = meant == "look"
    if is_fresh:
        finding, case = read_again(finding, case, before, runtime)
        meant = classify_event(finding, before, now=now, mode=runtime.mode, is_fresh=True)
    state = CaseState(case=case, next="EVALUATE", meant=meant, before=before, is_fresh=is_fresh)
    if before is None or meant in ("new", "resumed"):
        context = with_reactivation(_surroundings(finding, runtime), finding, before)
        return msgspec.structs.replace(state, case=Case(finding=finding, context=context, raw=case.raw))
    return _pass_over(state, before, runtime)


def _pass_over(state: CaseState, before: FindingState, runtime: Runtime) -> CaseState:
    """Say what is left to do about a delivery that needs no decision."""
    if state.meant == "taken":
        raise InProgress(before.finding_id)
    if state.meant == "unsent":
        return msgspec.structs.replace(state, next="NOTIFY")
    is_changed = state.meant == "changed archive" and runtime.mode == "enforce"
    if is_changed or state.meant == "our archive, unfinished":
        return msgspec.structs.replace(state, next="ARCHIVE")
    return state.ends(note="decided on already" if state.meant == "repeat" else "our own archive")


def read_again(
    finding: Finding, case: Case, before: FindingState | None, runtime: Runtime
) -> tuple[Finding, Case]:
    """Read a finding as it is now; one that AWS no longer has counts as deleted."""
    arn = finding.analyzer_arn or (before.analyzer_arn if before else None)
    try:
        fresh, raw = runtime.analyzers.read(finding.id, arn)
    except Exception as error:
        if code(error) != "ResourceNotFoundException":
            raise
        fresh, raw = msgspec.structs.replace(finding, is_deleted=True), case.raw
    return fresh, Case(finding=fresh, context=case.context, raw=raw)


def with_reactivation(context: Context, finding: Finding, before: FindingState | None) -> Context:
    """Add who brought a finding back, as far as the log and the finding tell."""
    who, when = brought_back_by(finding, before)
    fact = Present(Reactivation(who, when or None)) if who else ABSENT
    return msgspec.structs.replace(context, reactivated_by=fact)


def _surroundings(finding: Finding, runtime: Runtime) -> Context:
    """Find out what surrounds a finding; one that is to be skipped is not asked about."""
    is_open = finding.status == "ACTIVE" and not finding.is_deleted
    return runtime.enrich(finding) if is_open else NO_CONTEXT
