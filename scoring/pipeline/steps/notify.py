"""The fourth step, where a person is to look: the alert, with its intent and its outcome in the log."""

from scoring.decision_log.entries import content_of
from scoring.decision_log.log import InProgress
from scoring.pipeline import security_hub
from scoring.pipeline.alerts import bursts, routing
from scoring.pipeline.alerts.alert import send, send_again
from scoring.pipeline.alerts.mail import Mail
from scoring.pipeline.runtime import Result, Runtime
from scoring.pipeline.steps.state import Evaluated, Unfinished


def notify(state: Evaluated | Unfinished, runtime: Runtime) -> Result:
    """Alert a person, or send an alert again of which nobody knows whether it has been sent.

    Raises
    ------
    InProgress
        Another invocation was faster; or this version of the finding has to come again, after an alert on an
        earlier one.
    """
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
        waiting=bursts.route_to_digest(state.finding, decision, policy.alerts, runtime.now()),
    )
    problem = security_hub.update(case, decision, policy, runtime.security_hub)
    security_hub.log_problem(state.finding.id, problem)
    return state.result(decision, effect)


def _mail(state: Evaluated, runtime: Runtime, item: str) -> Mail:
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
