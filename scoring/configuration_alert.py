"""Put an invalid configuration before a person, once."""

import hashlib

import msgspec

from scoring import routing
from scoring.alerting import send, send_again
from scoring.log_entries import Entry, stamp
from scoring.runtime import Done, Runtime

_GROUP = "the configuration"


def alert_configuration(name: str, why: str, version: str, *, stands: bool, runtime: Runtime) -> Done:
    """Alert a person to a value that is invalid or cannot be read, unless that has been done.

    Parameters
    ----------
    name : str
        ``mode``, ``policy``, ``threshold`` or ``model``.
    why : str
        In one line.
    version : str
        Of the value; one that cannot be read has none, and is told of once a day.
    stands : bool
        Whether the last good one stands in for it.
    """
    from scoring.explain import explain_configuration

    now = stamp(runtime.now())
    said = {"configuration": name, "version": version or now[: len("2026-11-01")], "problem": why}
    content = hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()
    finding_id = f"configuration#{content}"
    before = runtime.log.latest(finding_id)
    if before is not None and (before.state == "done" or now < before.lease_until):
        return Done(finding_id=finding_id, effect="none", note="told already")
    if before is not None:
        return send_again(before, runtime)
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
        lambda _: explain_configuration(name, why, stands=stands),
        runtime,
        before=None,
        groups=[_GROUP],
        is_guarded=True,
        to=routing.security(runtime.policy.alerts, runtime.writers),
    )
    return Done(finding_id=finding_id, effect=effect, note=why)
