"""The fourth step, where a person is to look: the alert, with its intent and its outcome in the log."""

from scoring.decision_log.entries import content_of
from scoring.decision_log.log import Taken
from scoring.pipeline.alerts import bursts, routing
from scoring.pipeline.alerts.alert import send, send_again
from scoring.pipeline.alerts.mail import Mail
from scoring.pipeline.runtime import Runtime
from scoring.pipeline.security_hub import tell_security_hub
from scoring.pipeline.steps.state import Turn


def notify(turn: Turn, runtime: Runtime) -> Turn:
    """Alert a person, or send an alert again of which nobody knows whether it has been sent.

    Raises
    ------
    Taken
        Another invocation was faster; or this version of the finding has to come again, after an alert on an
        earlier one.
    """
    if turn.meant == "unsent":
        return _send_again(turn, runtime)

    def compose(item: str) -> Mail:
        return _mail(turn, runtime, item)

    effect = send(
        turn.entry(runtime),
        compose,
        runtime,
        before=turn.before,
        groups=bursts.groups_of(turn.finding, turn.decided),
        is_guarded=bool(turn.decided.guardrails),
        to=routing.destinations(turn.case, turn.decided, runtime.policy, runtime.writers),
        waiting=bursts.set_aside(turn.finding, turn.decided, runtime.policy.alerts, runtime.now()),
    )
    tell_security_hub(turn, runtime)
    return turn.ends(effect)


def _mail(turn: Turn, runtime: Runtime, item: str) -> Mail:
    from scoring.pipeline.alerts.alert_mail import alert_mail

    message = alert_mail(turn.case, turn.decided, runtime, item=item)
    if not turn.stopped:
        return message
    from scoring.pipeline.alerts.digest import announce

    return announce(message, turn.stopped)


def _send_again(turn: Turn, runtime: Runtime) -> Turn:
    before = turn.stands
    done = send_again(before, runtime)
    if (turn.finding.status, content_of(turn.finding)) != (before.status, before.content):
        raise Taken(before.finding_id)
    return turn.ends(done.effect, done.note)
