"""The second step: what model and policy say, and whether anything is to be done about it."""

from scoring.decision import audit_sample
from scoring.decision.decide import Decision, decide, refuse
from scoring.decision.guardrails import Guardrail
from scoring.decision_log import certificates
from scoring.decision_log.ends import end_of
from scoring.decision_log.entries import Entry, FindingState, is_unchanged
from scoring.pipeline.log_entry import hindrance
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.state import Arrived, Evaluated

UNCHANGED = "nothing changed that matters"


def evaluate(arrived: Arrived, runtime: Runtime) -> Evaluated | Result:
    """Decide on a finding; a decision of which nothing is left to be done is written down at once."""
    return choose_effect(arrived, decide_now(arrived, runtime), runtime)


def decide_now(arrived: Arrived, runtime: Runtime) -> Decision:
    """Decide on a finding, as model and policy are now."""
    decision = decide(arrived.finding, arrived.context, runtime.card, runtime.policy)
    if runtime.configuration_error and decision.outcome == "archive":
        return refuse(decision, Guardrail("configuration", runtime.configuration_error))
    return decision


def choose_effect(
    arrived: Arrived, decision: Decision, runtime: Runtime, *, stopped: str = ""
) -> Evaluated | Result:
    """Name the step that carries a decision out; nothing is done twice, and in shadow mode nothing at all.

    Parameters
    ----------
    stopped : str
        Why the circuit breaker stopped an archive, where it did.
    """
    latest, outcome, now = arrived.latest, decision.outcome, runtime.now
    if runtime.enforce_needs:
        certificates.first_need(runtime.log, runtime.enforce_needs)
    effect = outcome if runtime.mode == "enforce" and outcome != "skip" else "none"
    entry = arrived.entry(decision, runtime)
    blocked = hindrance(decision, runtime.log, runtime.policy, runtime.mode, runtime.enforce_needs)
    if blocked:
        effect = "none"
    elif audit_sample.is_sample(entry.record):
        effect = "alert"
    if effect == "archive":
        return arrived.evaluated(decision, "ARCHIVE", stopped)
    is_done = latest is not None and not latest.is_unfinished and latest.effect == effect
    if latest is not None and is_done and is_unchanged(entry, latest):
        runtime.log.seen_again(latest, entry)
        return arrived.result(decision, reason=UNCHANGED)
    if effect == "alert" and latest is not None and _has_alert(entry, latest):
        runtime.log.withdraw(latest, now=now())
        return arrived.result(decision, reason=UNCHANGED)
    if effect == "alert":
        return arrived.evaluated(decision, "NOTIFY", stopped)
    end = end_of(arrived.finding)
    runtime.log.settle(entry, "none", latest=latest, now=now(), ended_by=end)
    return arrived.result(decision, ended=end, reason=blocked)


def _has_alert(entry: Entry, latest: FindingState) -> bool:
    """Whether somebody has the alert already, and only an archive of ours came to nothing since."""
    is_dropped = latest.is_unfinished and latest.effect == "archive"
    return is_dropped and bool(latest.alerted) and is_unchanged(entry, latest)
