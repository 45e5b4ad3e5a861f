"""One event from beginning to end: read, enrich, decide, act, record.

Whatever goes wrong on the way, the finding ends before a person; an exception never archives.
"""

import logging

import msgspec

from scoring import breaker, bursts, effects
from scoring.alerting import send, send_again, triage_unreadable
from scoring.context import NO_CONTEXT, Context, Reactivation
from scoring.decide import Decision, decide, skip_notice
from scoring.decision_log import Taken
from scoring.deliveries import Meaning, brought_back_by, meaning
from scoring.effects import Mail
from scoring.enrich.failures import DENIED, code
from scoring.errors import BadInput
from scoring.facts import ABSENT, Present
from scoring.finding import Finding
from scoring.guardrails import Guardrail
from scoring.log_entries import Entry, Latest, content_of, entry_of, is_unchanged, stamp
from scoring.records import Case, read_value
from scoring.runtime import Done, Outcome, Runtime
from scoring.undo import end_archive

WAITS = "waits for the circuit breaker"

logger = logging.getLogger(__name__)


class _Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that has been decided on and is to be acted on."""

    case: Case
    finding: Finding
    decision: Decision
    before: Latest | None
    runtime: Runtime

    def entry(self) -> Entry:
        """Make the decision's entry in the log."""
        who, when = brought_back_by(self.finding, self.before)
        return entry_of(
            self.case,
            self.finding,
            self.decision,
            mode=self.runtime.mode,
            policy_sha256=self.runtime.policy.sha256,
            reactivated=who,
            reactivated_at=when,
            is_reported=self.runtime.is_report or self.runtime.mode == "shadow",
        )

    def done(self, effect: Outcome, note: str = "") -> Done:
        """Say what became of it."""
        return Done(
            finding_id=self.finding.id,
            effect=effect,
            decision=self.decision,
            context=self.case.context,
            note=note,
        )


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
            done.append(triage_unreadable(event, located.where, str(located.error), runtime))
        else:
            done.append(triage_case(located.case, runtime))
    return done


def triage_case(case: Case, runtime: Runtime) -> Done:
    """Take one finding from beginning to end; raises as `triage_event` does."""
    finding = case.finding
    if not isinstance(finding, Finding):
        return Done(finding_id=finding.id, effect="none", decision=skip_notice(finding, runtime.card))
    before = runtime.log.latest(finding.id)
    now = stamp(runtime.now())
    meant = meaning(finding, before, now=now, mode=runtime.mode)
    is_fresh = meant == "look"
    if is_fresh:
        finding, case = _read_again(finding, case, before, runtime)
        meant = meaning(finding, before, now=now, mode=runtime.mode, is_fresh=True)
    if before is not None and meant not in ("new", "resumed"):
        return _pass_over(meant, finding, before, runtime)

    context = _context(finding, before, runtime)
    decision = decide(finding, context, runtime.card, runtime.policy)
    if decision.outcome == "archive" and runtime.mode == "enforce" and not is_fresh:
        try:
            fresh, read = _read_again(finding, case, before, runtime)
        except Exception as error:
            decision = breaker.refuse(decision, _cannot_be_archived(error))
        else:
            if _version(fresh) != _version(finding):
                finding, case = fresh, read
                decision = decide(finding, context, runtime.card, runtime.policy)
    case = Case(finding=finding, context=context, raw=case.raw)
    return _act(_Turn(case=case, finding=finding, decision=decision, before=before, runtime=runtime))


def _pass_over(meant: Meaning, finding: Finding, before: Latest, runtime: Runtime) -> Done:
    """Deal with a delivery that needs no decision."""
    if meant == "taken":
        raise Taken(before.finding_id)
    if meant == "unsent":
        done = send_again(before, runtime)
        if (finding.status, content_of(finding)) != (before.status, before.content):
            raise Taken(before.finding_id)  # this version of the finding has to come again
        return done
    if meant == "changed archive" and runtime.mode == "enforce":
        end_archive(before, runtime.log, runtime.writers, runtime.now())
        return Done(finding_id=before.finding_id, effect="none", note="changed since it was archived")
    if meant == "our archive, unfinished":
        runtime.log.finish(before, now=runtime.now())
    note = "decided on already" if meant == "repeat" else "our own archive"
    return Done(finding_id=before.finding_id, effect="none", note=note)


def _read_again(
    finding: Finding, case: Case, before: Latest | None, runtime: Runtime
) -> tuple[Finding, Case]:
    """Read a finding as it is now; one that AWS no longer has counts as deleted."""
    arn = finding.analyzer_arn or (before.analyzer_arn if before else None)
    try:
        fresh, raw = effects.read_again(finding.id, arn, runtime.writers)
    except Exception as error:
        if code(error) != "ResourceNotFoundException":
            raise
        fresh, raw = msgspec.structs.replace(finding, is_deleted=True), case.raw
    return fresh, Case(finding=fresh, raw=raw)


def _context(finding: Finding, before: Latest | None, runtime: Runtime) -> Context:
    """Find out what surrounds a finding; one that is to be skipped is not asked about."""
    is_open = finding.status == "ACTIVE" and not finding.is_deleted
    who, when = brought_back_by(finding, before)
    return msgspec.structs.replace(
        runtime.enrich(finding) if is_open else NO_CONTEXT,
        reactivated_by=Present(Reactivation(who, when or None)) if who else ABSENT,
    )


def _cannot_be_archived(error: Exception) -> Guardrail:
    """Say why an archive is out of the question; what may pass is raised, to be tried again."""
    if not isinstance(error, BadInput) and code(error) not in DENIED:
        raise error
    return Guardrail("not_archived", f"it could not be archived: {code(error) or error}")


def _version(finding: Finding) -> tuple[str, bool, object]:
    return finding.status, finding.is_deleted, finding.updated_at


def _act(turn: _Turn) -> Done:
    """Do what was decided, unless it has been done already."""
    runtime, before, entry = turn.runtime, turn.before, turn.entry()
    is_acting = runtime.mode == "enforce" and turn.decision.outcome != "skip"
    effect = turn.decision.outcome if is_acting else "none"
    stands = before if before is not None and before.state == "done" and effect != "archive" else None
    if stands is not None and stands.effect == effect and is_unchanged(entry, stands):
        runtime.log.seen_again(stands, entry)
        return turn.done("none", "nothing changed that matters")
    if effect == "archive":
        return _archive(turn)
    if effect == "alert":
        return _alert(turn)
    runtime.log.settle(entry, "none", before=before, now=runtime.now())
    return turn.done("none")


def _archive(turn: _Turn) -> Done:
    runtime, now = turn.runtime, turn.runtime.now()
    mark = breaker.intend_archive(
        turn.entry(),
        turn.finding,
        log=runtime.log,
        policy=runtime.policy,
        before=turn.before,
        now=now,
        share=2 if runtime.is_paced else 1,
    )
    if isinstance(mark, str):
        if runtime.is_paced:
            return turn.done("none", WAITS)
        stopped = breaker.stop(turn.decision, mark)
        return _alert(msgspec.structs.replace(turn, decision=stopped), mark)
    try:
        effects.archive(turn.finding, runtime.writers)
    except Exception as error:
        refused = breaker.refuse(turn.decision, _cannot_be_archived(error))
        return _alert(msgspec.structs.replace(turn, decision=refused, before=mark))
    runtime.log.finish(mark, now=runtime.now())
    _tell_security_hub(turn)
    return turn.done("archive")


def _alert(turn: _Turn, stopped: str = "") -> Done:
    """Alert a person; `stopped` says why the circuit breaker stopped an archive, where it did."""
    from scoring.explain import explain

    runtime, decision = turn.runtime, turn.decision

    def compose() -> Mail:
        message = explain(turn.case, decision, runtime.policy)
        if not stopped:
            return message
        from scoring.digest import announce

        return announce(message, stopped)

    effect = send(
        turn.entry(),
        compose,
        runtime,
        before=turn.before,
        groups=bursts.groups_of(turn.finding, decision),
        is_guarded=bool(decision.guardrails),
        waiting=bursts.set_aside(turn.finding, decision, runtime.policy.alerts, runtime.now()),
    )
    _tell_security_hub(turn)
    return turn.done(effect)


def _tell_security_hub(turn: _Turn) -> None:
    """Write what has been done to Security Hub, if the policy wants it; it is no reason to do it again."""
    runtime = turn.runtime
    if runtime.security_hub is None or not runtime.policy.security_hub.update:
        return
    from scoring.security_hub_update import write_back

    if problem := write_back(turn.case, turn.decision, runtime.policy, runtime.security_hub):
        logger.warning("Security Hub was not told: %s", problem, extra={"finding_id": turn.finding.id})
