"""Calls to Access Analyzer that CloudTrail has recorded, where a rule of EventBridge delivers its events."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from scoring.aws.analyzers import AnalyzerArn
from scoring.aws.archive_rule_filter import Filter, from_json
from scoring.decision_log import archive_counts, cursor
from scoring.decision_log.cursor import CallsCursor
from scoring.decision_log.entries import stamp
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.suppression import suspicions
from scoring.pipeline.suppression.alert import alert_suspicion, family_of
from scoring.pipeline.suppression.suspicions import Call, Suspicion

_HOUR: Final = len("2026-11-02T09")

logger = logging.getLogger(__name__)


def handle_call(event: Mapping[str, Any], runtime: Runtime) -> list[Result]:
    """Handle an event of a call to Access Analyzer; raises as `scoring.pipeline.event.triage_event` does."""
    call = suspicions.read_call(event)
    if call is None:
        return [Result(finding_id="", effect="none", reason="a call that hides nothing")]
    if call.name == "UpdateFindings":
        suspicion = _burst(call, runtime)
    else:
        rule = _applied(call, runtime) if call.name == "ApplyArchiveRule" else None
        family = "external" if call.name == "DeleteAnalyzer" else family_of(call.analyzer_arn, runtime)
        suspicion = suspicions.of_call(call, family, rule)
    if suspicion is None:
        return [Result(finding_id="", effect="none", reason="nothing suspicious")]
    return [alert_suspicion(suspicion, runtime)]


def _applied(call: Call, runtime: Runtime) -> Filter | None:
    arn = call.analyzer_arn
    try:
        analyzer = AnalyzerArn.parse(arn)
        found = runtime.analyzers.client(analyzer.region).get_archive_rule(
            analyzerName=analyzer.name, ruleName=str(call.asked.get("ruleName"))
        )
        return from_json(found["archiveRule"]["filter"])
    except Exception:
        logger.warning("an archive rule that was applied cannot be read", exc_info=True)
        return None


def _burst(call: Call, runtime: Runtime) -> Suspicion | None:
    """Count the findings that a principal has archived in this hour and the one before."""
    log, now = runtime.log, runtime.now()
    cursor.write(log, CallsCursor(seen_at=stamp(now)))
    ids = call.asked.get("ids")
    named = [str(one) for one in ids] if isinstance(ids, list) else []
    others = set(named) - _ours(named, runtime)
    if not named:
        others = {f"all of {call.asked.get('resourceArn')}"}
    if not others:
        return None
    count = archive_counts.count(log, call.by, others, now)
    if count < runtime.policy.alerts.archives_by_others:
        return None
    return suspicions.of_burst(call.by, count, stamp(now)[:_HOUR], f"by {call.by or 'somebody unknown'}")


def _ours(ids: Sequence[str], runtime: Runtime) -> set[str]:
    """Return the findings that we have archived, or that a person's verdict with us has."""
    states = runtime.log.latest_of(ids)
    decisions = runtime.log.decisions_of(list(states.values()))
    ours = {one for one, state in states.items() if state.effect == "archive"}
    return ours | {decision.finding_id for decision in decisions if decision.label is not None}
