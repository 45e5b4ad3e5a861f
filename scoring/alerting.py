"""Put something before a person, once: at once, or written down to be sent with others."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from scoring import bursts, effects
from scoring.decision_log import Refused, Taken
from scoring.effects import Mail
from scoring.log_entries import Entry, Latest, Waiting, stamp
from scoring.runtime import Done, Runtime

_LONGEST_EVENT = 50_000
_UNREADABLE = "events that cannot be read"


def send(
    entry: Entry,
    compose: Callable[[bool], Mail],
    runtime: Runtime,
    *,
    before: Latest | None,
    groups: Sequence[str],
    is_guarded: bool,
    waiting: Waiting | None = None,
) -> Literal["alert", "collected"]:
    """Send an alert, or write down that it waits.

    Parameters
    ----------
    compose : callable
        Writes the mail; told whether it may have been sent before.
    groups : sequence of str
        What the alert may have in common with others; see `scoring.bursts`.
    is_guarded : bool
        Whether it waits no longer than the window.
    waiting : Waiting, optional
        How it waits in any case.
    """
    log, policy, now = runtime.log, runtime.policy.alerts, runtime.now()
    is_repeat = before is not None and before.state == "intent" and before.effect == "alert"
    if runtime.is_report:
        log.settle(entry, "alert", before=before, now=now)
        return "collected"
    if is_repeat:
        waiting = None
    limits = [] if is_repeat else bursts.openings(log.table, groups, policy, now)
    while waiting is None:
        try:
            mark = log.intend(entry, "alert", before=before, now=now, limits=limits)
        except Refused as refused:
            limits = bursts.reopened(refused, log.table, groups, policy, now)
            if not limits:
                waiting = bursts.collected(refused, policy, now, is_guarded=is_guarded)
        else:
            effects.alert(compose(is_repeat), runtime.writers)
            log.finish(mark, now=runtime.now())
            return "alert"
    log.settle(entry, "alert", before=before, now=now, waiting=waiting)
    return "collected"


def triage_unreadable(
    event: object, where: str, why: str, runtime: Runtime, finding_id: str | None = None
) -> Done:
    """Put an event that cannot be read before a person, as it is: nobody has decided on it.

    Parameters
    ----------
    where : str
        Which part of the event cannot be read; empty for the whole.
    finding_id : str, optional
        Under which the log has it already.
    """
    from scoring.explain import explain_unreadable

    content = hashlib.sha256(msgspec.json.encode([event, where], order="deterministic")).hexdigest()
    finding_id = finding_id or f"unreadable#{content}"
    before = runtime.log.latest(finding_id)
    if before is not None and before.state == "intent" and stamp(runtime.now()) < before.lease_until:
        raise Taken(finding_id)
    was_shadow = before is not None and before.effect == "none" and runtime.mode == "enforce"
    if before is not None and before.state == "done" and not was_shadow:
        return Done(finding_id=finding_id, effect="none", note="decided on already")
    text = msgspec.json.encode(event).decode()
    entry = Entry(
        finding_id=finding_id,
        status="",
        outcome="alert",
        content=content,
        digest=content,
        record={"event": event if len(text) < _LONGEST_EVENT else text[:_LONGEST_EVENT], "error": why},
        mode=runtime.mode,
        policy_sha256=runtime.policy.sha256,
        is_reported=runtime.is_report or runtime.mode == "shadow",
    )
    if runtime.mode == "shadow":
        runtime.log.settle(entry, "none", before=before, now=runtime.now())
        return Done(finding_id=finding_id, effect="none", note=why)
    effect = send(
        entry,
        lambda _: explain_unreadable(event, why),
        runtime,
        before=before,
        groups=[_UNREADABLE],
        is_guarded=True,
    )
    return Done(finding_id=finding_id, effect=effect, note=why)
