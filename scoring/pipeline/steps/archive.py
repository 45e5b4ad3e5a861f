"""The third step, where the decision is to archive: read the finding again, and archive it with its intent
and its outcome in the log. What cannot be archived goes on to the alert.
"""

import msgspec

from scoring.aws import analyzers
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
from scoring.pipeline.steps.state import Turn
from scoring.pipeline.undo import end_archive

WAITS = "waits for the circuit breaker"


def archive(turn: Turn, runtime: Runtime) -> Turn:
    """Archive a finding, or finish what an earlier archive left open.

    Raises
    ------
    Taken
        Another invocation was faster.
    """
    if turn.meant == "our archive, unfinished":
        runtime.log.finish(turn.stands, now=runtime.now())
        return turn.ends(note="our own archive")
    if turn.meant == "changed archive":
        end_archive(turn.stands, runtime.log, runtime.writers, runtime.now())
        return turn.ends(note="changed since it was archived")
    turn = act_on(_confirmed(turn, runtime), runtime)
    return _archive(turn, runtime) if turn.next == "ARCHIVE" else turn


def _confirmed(turn: Turn, runtime: Runtime) -> Turn:
    """Decide once more, on the finding as it is now and with the model and the policy of this moment."""
    if turn.is_fresh:
        return turn
    try:
        fresh, read = read_again(turn.finding, turn.case, turn.before, runtime)
    except Exception as error:
        return _refused(turn, error)
    case = turn.case
    if _version(fresh) != _version(turn.finding):
        context = with_reactivation(case.context, fresh, turn.before)
        case = msgspec.structs.replace(read, context=context)
    return decided(msgspec.structs.replace(turn, case=case), runtime)


def _archive(turn: Turn, runtime: Runtime) -> Turn:
    mark = circuit_breaker.intend_archive(
        turn.entry(runtime),
        turn.finding,
        log=runtime.log,
        policy=runtime.policy,
        before=turn.before,
        now=runtime.now(),
        share=2 if runtime.is_paced else 1,
    )
    if isinstance(mark, str):
        if runtime.is_paced:
            return turn.ends(note=WAITS)
        stopped = circuit_breaker.stop(turn.decided, mark)
        return act_on(msgspec.structs.replace(turn, decision=stopped, stopped=mark), runtime)
    turn = msgspec.structs.replace(turn, before=mark)
    try:
        analyzers.archive(turn.finding, runtime.writers)
    except Exception as error:
        return act_on(_refused(turn, error), runtime)
    runtime.log.finish(mark, now=runtime.now())
    tell_security_hub(turn, runtime)
    return turn.ends("archive")


def _refused(turn: Turn, error: Exception) -> Turn:
    """Turn an archive that is out of the question into an alert; what may pass is raised."""
    if not isinstance(error, BadInput) and code(error) not in DENIED:
        raise error
    rail = Guardrail("not_archived", f"it could not be archived: {code(error) or error}")
    return msgspec.structs.replace(turn, decision=decide.refuse(turn.decided, rail))


def _version(finding: Finding) -> tuple[str, bool, object]:
    return finding.status, finding.is_deleted, finding.updated_at
