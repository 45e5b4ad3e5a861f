"""The third step, where the decision is to archive: read the finding again, and archive it by
`scoring.pipeline.archiving`. What cannot be archived goes on to the alert.
"""

import msgspec

from scoring.aws.errors import code
from scoring.decision import decide
from scoring.decision.decide import Decision
from scoring.decision.guardrails import Guardrail
from scoring.decision_log.deduplication import EventKind
from scoring.pipeline import circuit_breaker, security_hub
from scoring.pipeline.archiving import Archived, Archiver, Failed, NotArchived, ToArchive, is_refusal
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.enrich import read_again, with_reactivation
from scoring.pipeline.steps.evaluate import choose_effect, decide_now
from scoring.pipeline.steps.state import Evaluated, Unfinished
from scoring.pipeline.undo import end_archive

WAITS = "waits for the circuit breaker"


def archive(state: Evaluated | Unfinished, runtime: Runtime) -> Evaluated | Result:
    """Archive a finding, or finish what an earlier archive left open.

    Raises
    ------
    InProgress
        Another invocation was faster.
    """
    if isinstance(state, Unfinished):
        return _finish(state, runtime)
    confirmed = _decide_again(state, runtime)
    if isinstance(confirmed, Result) or confirmed.next_step != "ARCHIVE":
        return confirmed
    return _archive(confirmed, runtime)


def _finish(archived: Unfinished, runtime: Runtime) -> Result:
    if archived.kind is EventKind.UNFINISHED_ARCHIVE:
        runtime.log.finish(archived.latest, now=runtime.now())
        return archived.result(reason="our own archive")
    end_archive(archived.latest, runtime.log, runtime.analyzers, runtime.now())
    return archived.result(reason="changed since it was archived")


def _decide_again(state: Evaluated, runtime: Runtime) -> Evaluated | Result:
    """Decide once more, on the finding as it is now and with the model and the policy of this moment."""
    if state.is_fresh:
        return choose_effect(state, state.decision, runtime)
    try:
        fresh, raw = read_again(state.finding, state.raw, state.latest, runtime)
    except Exception as error:
        if not is_refusal(error):
            raise
        return choose_effect(state, _refused(state.decision, error), runtime)
    # Whether it still says the same is not asked: its times would not tell, since AWS writes them in seconds.
    context = with_reactivation(state.context, fresh, state.latest)
    now = msgspec.structs.replace(state, finding=fresh, raw=raw, context=context, is_fresh=True)
    return choose_effect(now, decide_now(now, runtime), runtime)


def _archive(state: Evaluated, runtime: Runtime) -> Evaluated | Result:
    archiver = Archiver(
        analyzers=runtime.analyzers,
        log=runtime.log,
        policy=runtime.policy,
        now=runtime.now,
        share=2 if runtime.is_paced else 1,
        security_hub=runtime.security_hub,
    )

    [end] = archiver.archive([_to_archive(state, runtime)])
    match end:
        case Archived():
            security_hub.log_problem(state.finding.id, end.security_hub_problem)
            return state.result(state.decision, "archive")
        case NotArchived():
            if runtime.is_paced:
                return state.result(state.decision, reason=WAITS)
            stopped = circuit_breaker.stop(state.decision, end.why)
            return choose_effect(state, stopped, runtime, stopped=end.why)
        case Failed():
            if end.reason != "refused":
                raise end.error
            intended = msgspec.structs.replace(state, latest=end.state)
            return choose_effect(intended, _refused(state.decision, end.error), runtime)


def _to_archive(state: Evaluated, runtime: Runtime) -> ToArchive[Evaluated]:
    return ToArchive(
        item=state,
        case=state.case,
        decision=state.decision,
        entry=state.entry(state.decision, runtime),
        latest=state.latest,
    )


def _refused(decision: Decision, error: Exception) -> Decision:
    """Turn an archive that is out of the question into an alert."""
    rail = Guardrail("not_archived", f"it could not be archived: {code(error) or error}")
    return decide.refuse(decision, rail)
