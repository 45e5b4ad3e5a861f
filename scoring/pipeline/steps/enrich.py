"""The first step: what the log says of a finding, whether anything is to be done, and what surrounds it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from scoring.aws.errors import code
from scoring.decision.decide import skip_notice
from scoring.decision_log.deduplication import EventKind, brought_back_by, classify_event
from scoring.decision_log.entries import FindingState, stamp
from scoring.decision_log.log import InProgress
from scoring.findings.context import NO_CONTEXT, Context, Reactivation
from scoring.findings.facts import ABSENT, Present
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.state import Arrived, Unfinished


def enrich(case: Case, runtime: Runtime) -> Arrived | Unfinished | Result:
    """Find out what is to be known before a finding is decided on; nothing is written.

    Raises
    ------
    InProgress
        Another invocation holds the lease on the same finding.
    """
    finding, raw = case.finding, case.raw
    if not isinstance(finding, Finding):
        decision = skip_notice(finding, runtime.card)
        return Result(finding_id=finding.id, effect="none", decision=decision, context=case.context)
    latest = runtime.log.latest(finding.id)
    now = stamp(runtime.now())
    kind = classify_event(finding, latest, now=now, mode=runtime.mode)
    is_fresh = kind is EventKind.NEEDS_READ
    if is_fresh:
        finding, raw = read_again(finding, raw, latest, runtime)
        kind = classify_event(finding, latest, now=now, mode=runtime.mode, is_fresh=True)
    if latest is None or kind in (EventKind.NEW, EventKind.RESUMED):
        context = with_reactivation(_look_up(finding, runtime), finding, latest)
        return Arrived(finding=finding, context=context, raw=raw, latest=latest, is_fresh=is_fresh)
    return _without_decision(Unfinished(finding=finding, kind=kind, latest=latest), runtime)


def _without_decision(delivered: Unfinished, runtime: Runtime) -> Unfinished | Result:
    """Say what is left to be done about a delivery that needs no decision."""
    match delivered.kind:
        case EventKind.IN_PROGRESS:
            raise InProgress(delivered.finding.id)
        case EventKind.SEND_INTERRUPTED | EventKind.UNFINISHED_ARCHIVE:
            return delivered
        case EventKind.CHANGED_ARCHIVE if runtime.mode == "enforce":
            return delivered
        case EventKind.REPEAT:
            return delivered.result(reason="decided on already")
        case _:
            return delivered.result(reason="our own archive")


def read_again(
    finding: Finding, raw: Mapping[str, Any], latest: FindingState | None, runtime: Runtime
) -> tuple[Finding, Mapping[str, Any]]:
    """Read a finding as it is now; one that AWS no longer has counts as deleted."""
    arn = finding.analyzer_arn or (latest.analyzer_arn if latest else None)
    try:
        return runtime.analyzers.read(finding.id, arn)
    except Exception as error:
        if code(error) != "ResourceNotFoundException":
            raise
        return msgspec.structs.replace(finding, is_deleted=True), raw


def with_reactivation(context: Context, finding: Finding, latest: FindingState | None) -> Context:
    """Add who brought a finding back, as far as the log and the finding say."""
    who, when = brought_back_by(finding, latest)
    fact = Present(Reactivation(who, when or None)) if who else ABSENT
    return msgspec.structs.replace(context, reactivated_by=fact)


def _look_up(finding: Finding, runtime: Runtime) -> Context:
    """Find out what surrounds a finding; one that is to be skipped is not asked about."""
    is_open = finding.status == "ACTIVE" and not finding.is_deleted
    return runtime.enrich(finding) if is_open else NO_CONTEXT
