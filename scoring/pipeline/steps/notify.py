"""The fourth step, where a person is to look: the alert, with its intent and its outcome in the log."""

from scoring.decision.audit_sample import as_reviewed
from scoring.decision_log.ends import end_of
from scoring.decision_log.entries import QueuedAlert, content_of
from scoring.decision_log.log import InProgress
from scoring.findings.context import NO_CONTEXT
from scoring.pipeline import open_findings, security_hub
from scoring.pipeline.alerts import bursts, routing
from scoring.pipeline.alerts.alert import send, send_again
from scoring.pipeline.alerts.mail import AlertMail
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.evaluate import choose_effect, decide_now
from scoring.pipeline.steps.state import Arrived, Evaluated, Unfinished


def notify(state: Evaluated | Unfinished, runtime: Runtime) -> Result:
    """Alert a person, or send an alert again of which nobody knows whether it has been sent.

    The finding is read first, unless it has just been: where it has ended since, nobody is alerted. Where it
    cannot be read, the alert goes out.

    Raises
    ------
    InProgress
        Another invocation was faster; or this version of the finding has to come again, after an alert on an
        earlier one.
    """
    ended = _ended(state, runtime)
    if ended is not None:
        return ended
    if isinstance(state, Unfinished):
        return _send_again(state, runtime)
    case, decision, policy = state.case, state.decision, runtime.policy
    effect = send(
        state.entry(decision, runtime),
        lambda item: _mail(state, runtime, item),
        runtime,
        latest=state.latest,
        groups=bursts.groups_of(state.finding, decision),
        is_guarded=bool(decision.guardrails),
        to=routing.destinations(case, decision, policy, runtime.channels),
        waiting=_route_to_digest(state, runtime),
    )
    shown = as_reviewed(decision) if policy.archives.draws else decision
    problem = security_hub.update(case, shown, policy, runtime.security_hub)
    security_hub.log_problem(state.finding.id, problem)
    return state.result(decision, effect)


def _ended(state: Evaluated | Unfinished, runtime: Runtime) -> Result | None:
    """Write down that a finding has ended, if it has; what waits for a mail is read before that mail."""
    if runtime.is_report or (
        isinstance(state, Evaluated) and (state.is_fresh or _route_to_digest(state, runtime) is not None)
    ):
        return None
    finding, latest = state.finding, state.latest
    arn = finding.analyzer_arn or (latest.analyzer_arn if latest else "")
    read = open_findings.read(finding.id, arn, runtime)
    if read is None or end_of(read[0]) is None:
        return None
    fresh, raw = read
    arrived = Arrived(finding=fresh, context=NO_CONTEXT, raw=raw, latest=latest, is_fresh=True)
    result = choose_effect(arrived, decide_now(arrived, runtime), runtime)
    return result if isinstance(result, Result) else None


def _route_to_digest(state: Evaluated, runtime: Runtime) -> QueuedAlert | None:
    return bursts.route_to_digest(state.finding, state.decision, runtime.policy.alerts, runtime.now())


def _mail(state: Evaluated, runtime: Runtime, item: str) -> AlertMail:
    from scoring.pipeline.alerts.alert_mail import alert_mail

    message = alert_mail(state.case, state.decision, runtime, item=item)
    if not state.stopped:
        return message
    from scoring.pipeline.alerts.digest import announce

    return announce(message, state.stopped)


def _send_again(interrupted: Unfinished, runtime: Runtime) -> Result:
    finding, latest = interrupted.finding, interrupted.latest
    sent = send_again(latest, runtime)
    if (finding.status, content_of(finding)) != (latest.status, latest.content):
        raise InProgress(latest.finding_id)
    return sent
