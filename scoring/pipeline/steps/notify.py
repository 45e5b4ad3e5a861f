"""The fourth step, where a person is to look: the alert, with its intent and its outcome in the log."""

from scoring.decision_log.entries import content_of
from scoring.decision_log.log import InProgress
from scoring.pipeline.alerts import bursts, routing
from scoring.pipeline.alerts.alert import send, send_again
from scoring.pipeline.alerts.mail import Mail
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.security_hub import tell_security_hub
from scoring.pipeline.steps.state import CaseState


def notify(state: CaseState, runtime: Runtime) -> CaseState:
    """Alert a person, or send an alert again of which nobody knows whether it has been sent.

    Raises
    ------
    InProgress
        Another invocation was faster; or this version of the finding has to come again, after an alert on an
        earlier one.
    """
    if state.meant == "unsent":
        return _send_again(state, runtime)

    def compose(item: str) -> Mail:
        return _mail(state, runtime, item)

    effect = send(
        state.entry(runtime),
        compose,
        runtime,
        before=state.before,
        groups=bursts.groups_of(state.finding, state.decided),
        is_guarded=bool(state.decided.guardrails),
        to=routing.destinations(state.case, state.decided, runtime.policy, runtime.channels),
        waiting=bursts.route_to_digest(state.finding, state.decided, runtime.policy.alerts, runtime.now()),
    )
    tell_security_hub(state, runtime)
    return state.ends(effect)


def _mail(state: CaseState, runtime: Runtime, item: str) -> Mail:
    from scoring.pipeline.alerts.alert_mail import alert_mail

    message = alert_mail(state.case, state.decided, runtime, item=item)
    if not state.stopped:
        return message
    from scoring.pipeline.alerts.digest import announce

    return announce(message, state.stopped)


def _send_again(state: CaseState, runtime: Runtime) -> CaseState:
    before = state.stands
    done = send_again(before, runtime)
    if (state.finding.status, content_of(state.finding)) != (before.status, before.content):
        raise InProgress(before.finding_id)
    return state.ends(done.effect, done.note)
