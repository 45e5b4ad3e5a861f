"""The third step, where the decision is to archive: read the finding again, and archive it with its intent
and its outcome in the log. What cannot be archived goes on to the alert.
"""

import msgspec

from scoring.aws.errors import DENIED, code
from scoring.decision import decide
from scoring.decision.guardrails import Guardrail
from scoring.files.errors import BadInput
from scoring.findings.finding import Finding
from scoring.pipeline import circuit_breaker
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.security_hub import tell_security_hub
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
    state = act_on(_confirmed(state, runtime), runtime)
    return _archive(state, runtime) if state.next == "ARCHIVE" else state


def _confirmed(state: CaseState, runtime: Runtime) -> CaseState:
    """Decide once more, on the finding as it is now and with the model and the policy of this moment."""
    if state.is_fresh:
        return state
    try:
        fresh, read = read_again(state.finding, state.case, state.before, runtime)
    except Exception as error:
        return _refused(state, error)
    case = state.case
    if _version(fresh) != _version(state.finding):
        context = with_reactivation(case.context, fresh, state.before)
        case = msgspec.structs.replace(read, context=context)
    return decided(msgspec.structs.replace(state, case=case), runtime)


def _archive(state: CaseState, runtime: Runtime) -> CaseState:
    mark = circuit_breaker.intend_archive(
        state.entry(runtime),
        state.finding,
        log=runtime.log,
        policy=runtime.policy,
        before=state.before,
        now=runtime.now(),
        share=2 if runtime.is_paced else 1,
    )
    if isinstance(mark, str):
        if runtime.is_paced:
            return state.ends(note=WAITS)
        stopped = circuit_breaker.stop(state.decided, mark)
        return act_on(msgspec.structs.replace(state, decision=stopped, stopped=mark), runtime)
    state = msgspec.structs.replace(state, before=mark)
    try:
        finding = state.finding
        for error in runtime.analyzers.update_status(finding.analyzer_arn, [finding.id], "ARCHIVED").values():
            raise error
    except Exception as error:
        return act_on(_refused(state, error), runtime)
    runtime.log.finish(mark, now=runtime.now())
    tell_security_hub(state, runtime)
    return state.ends("archive")


def _refused(state: CaseState, error: Exception) -> CaseState:
    """Turn an archive that is out of the question into an alert; what may pass is raised."""
    if not isinstance(error, BadInput) and code(error) not in DENIED:
        raise error
    rail = Guardrail("not_archived", f"it could not be archived: {code(error) or error}")
    return msgspec.structs.replace(state, decision=decide.refuse(state.decided, rail))


def _version(finding: Finding) -> tuple[str, bool, object]:
    return finding.status, finding.is_deleted, finding.updated_at
