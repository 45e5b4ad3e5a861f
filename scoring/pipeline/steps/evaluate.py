"""The second step: what model and policy say, and whether anything is to be done about it."""

import msgspec

from scoring.decision import audit_sample
from scoring.decision.decide import decide, refuse
from scoring.decision.guardrails import Guardrail
from scoring.decision_log.entries import Entry, FindingState, is_unchanged
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.steps.state import CaseState


def evaluate(state: CaseState, runtime: Runtime) -> CaseState:
    """Decide on a finding; a decision of which nothing is left to be done is written down at once."""
    return act_on(decided(state, runtime), runtime)


def decided(state: CaseState, runtime: Runtime) -> CaseState:
    """Add the decision on a finding, as model and policy are now."""
    decision = decide(state.finding, state.case.context, runtime.card, runtime.policy)
    if runtime.configuration_error and decision.outcome == "archive":
        decision = refuse(decision, Guardrail("configuration", runtime.configuration_error))
    return msgspec.structs.replace(state, decision=decision)


def act_on(state: CaseState, runtime: Runtime) -> CaseState:
    """Name the step that carries a decision out; nothing is done twice, and in shadow mode nothing at all."""
    before, outcome = state.before, state.decided.outcome
    effect = outcome if runtime.mode == "enforce" and outcome != "skip" else "none"
    entry = state.entry(runtime)
    if audit_sample.is_sample(entry.record):
        state, effect = (
            msgspec.structs.replace(state, decision=audit_sample.explained(state.decided)),
            "alert",
        )
        entry = state.entry(runtime)
    if effect == "archive":
        return msgspec.structs.replace(state, next="ARCHIVE")
    stands = before if before is not None and not before.is_unfinished else None
    if stands is not None and stands.effect == effect and is_unchanged(entry, stands):
        runtime.log.seen_again(stands, entry)
        return state.ends(note="nothing changed that matters")
    if effect == "alert" and before is not None and _was_told(entry, before):
        runtime.log.withdraw(before, now=runtime.now())
        return state.ends(note="nothing changed that matters")
    if effect == "alert":
        return msgspec.structs.replace(state, next="NOTIFY")
    runtime.log.settle(entry, "none", before=before, now=runtime.now())
    return state.ends()


def _was_told(entry: Entry, before: FindingState) -> bool:
    """Whether somebody has the alert already, and only an archive of ours came to nothing since."""
    return (
        before.is_unfinished
        and before.effect == "archive"
        and bool(before.alerted)
        and is_unchanged(entry, before)
    )
