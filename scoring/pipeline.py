"""One event from beginning to end: read, enrich, decide, act, record.

Whatever goes wrong on the way, the finding ends before a person; an exception never archives.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from scoring import effects
from scoring.context import Context, Reactivation, to_json
from scoring.decide import Decision, decide, skip_notice
from scoring.decision_log import DecisionLog, Latest, Taken, digest_of, stamp
from scoring.effects import Writers
from scoring.facts import ABSENT, Fact, Present
from scoring.finding import Finding, Notice
from scoring.policy import Policy
from scoring.records import Case, read_value
from scoring.scorecard import Scorecard

Enrich = Callable[[Finding], Context]


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one invocation needs, built by the handler.

    Parameters
    ----------
    enrich : callable
        Finding to context; never raises for what AWS answers.
    now : callable
        The clock, in UTC.
    mode : str
        ``shadow`` or ``enforce``.
    """

    card: Scorecard
    policy: Policy
    mode: Literal["shadow", "enforce"]
    enrich: Enrich
    writers: Writers
    log: DecisionLog
    now: Callable[[], datetime]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event.

    Attributes
    ----------
    effect : str
        ``archive``, ``alert``, or ``none``.
    note : str
        Why nothing was done, where nothing was.
    """

    finding_id: str
    effect: Literal["archive", "alert", "none"]
    decision: Decision | None = None
    context: Context | None = None
    note: str = ""


def triage_event(event: object, runtime: Runtime) -> list[Done]:
    """Take one event from beginning to end; an event of Security Hub may hold several findings.

    What is no finding that AWS could have sent goes before a person as it is.

    Raises
    ------
    Taken
        Another invocation is at work on the same finding; deliver the event again later.
    botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
        Writing failed; deliver the event again: what has been done is known and not done twice.
    """
    done = []
    for located in read_value(event):
        if located.case is None:
            done.append(_alert_unreadable(event, str(located.error), runtime))
        else:
            done.append(triage_case(located.case, runtime))
    return done


def triage_case(case: Case, runtime: Runtime) -> Done:
    """Take one finding from beginning to end; raises as `triage_event` does."""
    if isinstance(case.finding, Notice):
        skipped = skip_notice(case.finding, runtime.card)
        return Done(finding_id=case.finding.id, effect="none", decision=skipped)
    finding = case.finding
    before = runtime.log.latest(finding.id)
    if before is not None and (settled := _settled(finding, before, runtime)):
        return settled
    reactivated = _reactivated(finding, before)
    context = msgspec.structs.replace(runtime.enrich(finding), reactivated_by=_fact(reactivated, before))
    decision = decide(finding, context, runtime.card, runtime.policy)
    raw = case.raw
    if decision.outcome == "archive" and runtime.mode == "enforce":
        fresh, as_read = effects.read_again(finding, runtime.writers)
        if (fresh.status, fresh.updated_at) != (finding.status, finding.updated_at):
            finding, raw = fresh, as_read
            decision = decide(finding, context, runtime.card, runtime.policy)
    return _act(Case(finding=finding, context=context, raw=raw), decision, before, reactivated, runtime)


def _alert_unreadable(event: object, why: str, runtime: Runtime) -> Done:
    """Put an event that cannot be read before a person, in any mode: nobody has decided on it."""
    from scoring.explain import explain_unreadable

    effects.alert(explain_unreadable(event, why), runtime.writers)
    return Done(finding_id="", effect="alert", note=why)


def _act(case: Case, decision: Decision, before: Latest | None, reactivated: str, runtime: Runtime) -> Done:
    finding = case.finding
    assert isinstance(finding, Finding)  # noqa: S101 - notices have left in triage_event
    effect: Literal["archive", "alert", "none"] = "none"
    if runtime.mode == "enforce" and decision.outcome != "skip":
        effect = "archive" if decision.outcome == "archive" else "alert"
    digest = digest_of(finding, case.context)
    updated_at = _updated_at(finding)
    is_resumed = before is not None and before.state == "intent"
    if before is not None and not is_resumed and (before.digest, before.effect) == (digest, effect):
        runtime.log.seen_again(before, updated_at)
        return Done(
            finding_id=finding.id, effect="none", decision=decision, note="nothing changed that matters"
        )
    mark = runtime.log.intend(
        {
            "finding": case.raw,
            "context": to_json(case.context),
            "decision": msgspec.to_builtins(decision),
        },
        digest=digest,
        effect=effect,
        policy_sha256=runtime.policy.sha256,
        before=before,
        updated_at=updated_at,
        reactivated="" if effect == "archive" else reactivated,
        now=runtime.now(),
    )
    if effect == "archive":
        effects.archive(finding, runtime.writers)
    elif effect == "alert":
        from scoring.explain import explain

        message = explain(case, decision, runtime.policy, is_repeat=is_resumed)
        effects.alert(message, runtime.writers)
    runtime.log.finish(mark, now=runtime.now())
    return Done(finding_id=finding.id, effect=effect, decision=decision, context=case.context)


def _settled(finding: Finding, before: Latest, runtime: Runtime) -> Done | None:
    """Say that nothing is left to do for a repeated or late event, or for our own archive coming back."""
    if before.state == "intent":
        if stamp(runtime.now()) < before.lease_until:
            raise Taken(finding.id)
        if before.effect == "archive" and finding.status == "ARCHIVED":
            runtime.log.finish(before, now=runtime.now())
            return Done(finding_id=finding.id, effect="none", note="our own archive")
        return None
    if finding.status == "ARCHIVED" and before.effect == "archive":
        return Done(finding_id=finding.id, effect="none", note="our own archive")
    if finding.updated_at is None or _updated_at(finding) > before.updated_at:
        return None
    was_shadow = before.effect == "none" and before.outcome != "skip" and runtime.mode == "enforce"
    if was_shadow or _is_back(finding, before, runtime):
        return None
    return Done(finding_id=finding.id, effect="none", note="decided on already")


def _is_back(finding: Finding, before: Latest, runtime: Runtime) -> bool:
    """Whether a finding that we archived is active again.

    AWS tells time in seconds: an event no newer than the archived version is either a repeat of it or
    somebody who was quick to bring the finding back.
    """
    if before.effect != "archive" or finding.status != "ACTIVE":
        return False
    fresh, _ = effects.read_again(finding, runtime.writers)
    return fresh.status == "ACTIVE"


def _reactivated(finding: Finding, before: Latest | None) -> str:
    """Who brought the finding back: an active finding that stood as archived was re-activated."""
    if before is None:
        return ""
    was_archived = before.status == "ARCHIVED" or (before.effect == "archive" and before.state == "done")
    if was_archived and finding.status == "ACTIVE":
        return before.reactivated or "person"
    return before.reactivated


def _fact(reactivated: str, before: Latest | None) -> Fact[Reactivation]:
    if not reactivated:
        return ABSENT
    return Present(Reactivation(reactivated, before.decided_at if before else None))


def _updated_at(finding: Finding) -> str:
    return stamp(finding.updated_at.astimezone(UTC)) if finding.updated_at else ""
