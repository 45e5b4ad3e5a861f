"""Put something before a person, once: at once, or written down to be sent with others."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import Entry, FindingState, QueuedAlert, stamp
from scoring.decision_log.log import InProgress, LimitReached
from scoring.files.errors import BadInput
from scoring.pipeline.alerts import bursts, delivery, routing
from scoring.pipeline.alerts.channels import Destination
from scoring.pipeline.alerts.delivery import Delivery
from scoring.pipeline.alerts.mail import AlertMail
from scoring.pipeline.runtime import Result, Runtime

_LONGEST_EVENT = 50_000
_UNREADABLE = "events that cannot be read"


def send(
    entry: Entry,
    compose: Callable[[str], AlertMail],
    runtime: Runtime,
    *,
    latest: FindingState | None,
    groups: Sequence[str],
    is_guarded: bool,
    to: tuple[Destination, ...],
    waiting: QueuedAlert | None = None,
) -> Literal["alert", "collected"]:
    """Send an alert at once, or queue it.

    Parameters
    ----------
    compose : callable
        Writes the mail, given the decision's key in the log.
    groups : sequence of str
        What the alert may have in common with others; see `scoring.pipeline.alerts.bursts`.
    is_guarded : bool
        Whether it waits no longer than the window.
    to : tuple of Destination
        Where it goes; a queued alert goes where the policy says when it is sent.
    waiting : QueuedAlert, optional
        How it waits in any case.
    """
    log, policy, now = runtime.log, runtime.policy.alerts, runtime.now()
    if runtime.is_report:
        log.settle(entry, "alert", latest=latest, now=now)
        return "collected"
    if waiting is None:
        try:
            intent = log.intend(entry, "alert", latest=latest, now=now, limits=bursts.limits(groups, policy))
        except LimitReached as reached:
            waiting = bursts.queued(reached, policy, now, is_guarded=is_guarded)
        else:
            key = (intent.finding_id, intent.decision_item)
            _send(Delivery(key, to), lambda: compose(intent.decision_item), runtime)
            log.finish(intent, now=runtime.now())
            return "alert"
    log.settle(entry, "alert", latest=latest, now=now, waiting=waiting)
    return "collected"


def send_again(latest: FindingState, runtime: Runtime) -> Result:
    """Send an alert again whose sending was interrupted; it says that it may be a repeat.

    Where it is known to have been already it does not go again.
    """
    intent = runtime.log.take_over(latest, now=runtime.now())
    logged = runtime.log.decision(intent)
    _send(Delivery.of(logged, runtime), lambda: _repeated(logged, runtime), runtime)
    runtime.log.finish(intent, now=runtime.now())
    return Result(finding_id=latest.finding_id, effect="alert", reason="its sending had been interrupted")


def _send(alert: Delivery, compose: Callable[[], AlertMail], runtime: Runtime) -> None:
    sent = delivery.deliver([alert], lambda _: compose(), runtime)
    if sent.error is not None:
        raise sent.error


def _repeated(logged: LoggedDecision, runtime: Runtime) -> AlertMail:
    from scoring.explanation.explain import REPEAT, explain_unreadable
    from scoring.pipeline.alerts.alert_mail import alert_mail

    record = logged.record
    if "watch" in record:
        from scoring.pipeline.alerts.digest import of_suspicion

        return of_suspicion(record["watch"], is_repeat=True)
    if "event" not in record:
        try:
            case, decision = logged.read()
        except BadInput as error:
            record = {"event": record, "error": str(error)}
        else:
            return alert_mail(case, decision, runtime, item=logged.item, is_repeat=True)
    message = explain_unreadable(record["event"], record["error"])
    content = msgspec.structs.replace(message.explanation, notes=(*message.explanation.notes, REPEAT))
    return msgspec.structs.replace(message, text=f"{REPEAT}\n\n{message.text}", explanation=content)


def triage_unreadable(
    event: object, where: str, why: str, runtime: Runtime, finding_id: str | None = None
) -> Result:
    """Send an alert with an event that cannot be read: no decision was made on it.

    Parameters
    ----------
    where : str
        Which part of the event cannot be read; empty for the whole.
    finding_id : str, optional
        Under which the log has it already.
    """
    from scoring.explanation.explain import explain_unreadable

    content = hashlib.sha256(msgspec.json.encode([event, where], order="deterministic")).hexdigest()
    finding_id = finding_id or f"unreadable#{content}"
    latest = runtime.log.latest(finding_id)
    if latest is not None and latest.is_unfinished and stamp(runtime.now()) < latest.lease_until:
        raise InProgress(finding_id)
    if latest is not None and latest.is_unfinished:
        return send_again(latest, runtime)
    was_shadow = latest is not None and latest.effect == "none" and runtime.mode == "enforce"
    if latest is not None and not was_shadow:
        return Result(finding_id=finding_id, effect="none", reason="decided on already")
    text = msgspec.json.encode(event).decode()
    entry = Entry(
        finding_id=finding_id,
        status="",
        outcome="alert",
        content=content,
        record={"event": event if len(text) < _LONGEST_EVENT else text[:_LONGEST_EVENT], "error": why},
        mode=runtime.mode,
        policy_sha256=runtime.policy.sha256,
        is_reported=runtime.is_report or runtime.mode == "shadow",
    )
    if runtime.mode == "shadow":
        runtime.log.settle(entry, "none", latest=latest, now=runtime.now())
        return Result(finding_id=finding_id, effect="none", reason=why)
    effect = send(
        entry,
        lambda _: explain_unreadable(event, why),
        runtime,
        latest=latest,
        groups=[_UNREADABLE],
        is_guarded=True,
        to=routing.security(runtime.policy.alerts, runtime.channels),
    )
    return Result(finding_id=finding_id, effect=effect, reason=why)


_GROUP = "the configuration"


def alert_configuration(
    name: str, why: str, version: str, *, has_last_good: bool, runtime: Runtime
) -> Result:
    """Send an alert on a setting that is invalid or cannot be read, unless it was sent already.

    Parameters
    ----------
    name : str
        ``mode``, ``policy``, ``threshold`` or ``model``.
    why : str
        In one line.
    version : str
        Of the value; one that cannot be read has none, and is alerted on once a day.
    has_last_good : bool
        Whether the last good one is used in its place.
    """
    from scoring.explanation.explain import explain_configuration

    now = stamp(runtime.now())
    said = {"configuration": name, "version": version or now[: len("2026-11-01")], "problem": why}
    content = hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
    finding_id = f"configuration#{content}"
    latest = runtime.log.latest(finding_id)
    if latest is not None and (not latest.is_unfinished or now < latest.lease_until):
        return Result(finding_id=finding_id, effect="none", reason="alerted on already")
    if latest is not None:
        return send_again(latest, runtime)
    entry = Entry(
        finding_id=finding_id,
        status="",
        outcome="alert",
        content=content,
        record={"event": said, "error": why},
        mode=runtime.mode,
        policy_sha256=runtime.policy.sha256,
    )
    effect = send(
        entry,
        lambda _: explain_configuration(name, why, has_last_good=has_last_good),
        runtime,
        latest=None,
        groups=[_GROUP],
        is_guarded=True,
        to=routing.security(runtime.policy.alerts, runtime.channels),
    )
    return Result(finding_id=finding_id, effect=effect, reason=why)
