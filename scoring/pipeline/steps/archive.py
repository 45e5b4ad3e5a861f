"""The third step, where the decision is to archive: read the finding again, and archive it with its intent
and its outcome in the log. What cannot be archived goes on to the alert.
"""

from collections.abc import Iterator, Sequence

import msgspec

from scoring.aws.errors import code
from scoring.decision import decide
from scoring.decision.guardrails import Guardrail
from scoring.pipeline import circuit_breaker, security_hub
from scoring.pipeline.archiving import Archived, Archiver, Failed, NotArchived, ToArchive, is_refusal
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.steps.enrich import read_again, with_reactivation
from scoring.pipeline.steps.evaluate import act_on, decided
from scoring.pipeline.steps.state import CaseState
from scoring.pipeline.undo import end_archive

WAITS = "waits for the circuit breaker"


def archive(state: CaseState, runtime: Runtime) -> CaseState:
    """Archive a finding, or finish what an earlier archive left open.

    Raises
    ------
    InProgress
        Another invocation was faster.
    """
    if state.meant == "our archive, unfinished":
        runtime.log.finish(state.stands, now=runtime.now())
        return state.ends(note="our own archive")
    if state.meant == "changed archive":
        end_archive(state.stands, runtime.log, runtime.analyzers, runtime.now())
        return state.ends(note="changed since it was archived")
    archiver = Archiver(
        analyzers=runtime.analyzers,
        log=runtime.log,
        policy=runtime.policy,
        now=runtime.now,
        share=2 if runtime.is_paced else 1,
        security_hub=runtime.security_hub,
    )

    def read(states: Sequence[CaseState]) -> Iterator[ToArchive[CaseState] | NotArchived[CaseState]]:
        return (_read_again(one, runtime) for one in states)

    [end] = archiver.archive([state], read)
    match end:
        case Archived():
            security_hub.log_problem(end.item, end.untold)
            return end.item.ends("archive")
        case NotArchived():
            return _stopped(end, runtime) if end.reason == "circuit breaker" else end.item
        case Failed():
            if end.reason != "refused":
                raise end.error
            return act_on(_refused(msgspec.structs.replace(end.item, before=end.state), end.error), runtime)


def _read_again(state: CaseState, runtime: Runtime) -> ToArchive[CaseState] | NotArchived[CaseState]:
    """Read a finding as it is now, and name the step that follows now."""
    state = act_on(_confirmed(state, runtime), runtime)
    if state.next != "ARCHIVE":
        return NotArchived(item=state, reason="decided otherwise")
    return ToArchive(
        item=state,
        case=state.case,
        finding=state.finding,
        decision=state.decided,
        entry=state.entry(runtime),
        before=state.before,
    )


def _confirmed(state: CaseState, runtime: Runtime) -> CaseState:
    """Decide once more, on the finding as it is now and with the model and the policy of this moment."""
    if state.is_fresh:
        return state
    try:
        fresh, read = read_again(state.finding, state.case, state.before, runtime)
    except Exception as error:
        if not is_refusal(error):
            raise
        return _refused(state, error)
    # Whether it still says the same is not asked: its times would not tell, since AWS writes them in seconds.
    context = with_reactivation(state.case.context, fresh, state.before)
    case = msgspec.structs.replace(read, context=context)
    return decided(msgspec.structs.replace(state, case=case), runtime)


def _stopped(end: NotArchived[CaseState], runtime: Runtime) -> CaseState:
    """Let a finding wait for the circuit breaker where a sweep found it, or else alert."""
    if runtime.is_paced:
        return end.item.ends(note=WAITS)
    stopped = circuit_breaker.stop(end.item.decided, end.why)
    return act_on(msgspec.structs.replace(end.item, decision=stopped, stopped=end.why), runtime)


def _refused(state: CaseState, error: Exception) -> CaseState:
    """Turn an archive that is out of the question into an alert."""
    rail = Guardrail("not_archived", f"it could not be archived: {code(error) or error}")
    return msgspec.structs.replace(state, decision=decide.refuse(state.decided, rail))
