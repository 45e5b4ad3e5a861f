"""What one step hands to the next."""

from typing import Literal

import msgspec

from scoring.decision.decide import Decision
from scoring.decision_log.deduplication import EventKind
from scoring.decision_log.entries import Entry, FindingState
from scoring.findings.finding import Finding
from scoring.findings.record import Case
from scoring.pipeline.log_entry import log_entry
from scoring.pipeline.runtime import Result, ResultEffect, Runtime

Next = Literal["EVALUATE", "ARCHIVE", "NOTIFY", "DONE"]


class CaseState(msgspec.Struct, frozen=True, kw_only=True):
    """One finding on its way: what the steps so far found out, decided and did.

    Attributes
    ----------
    next : str
        The step that comes next; ``DONE`` where nothing is left to be done.
    meant : str
        What the delivery means, given where the finding stands; see `scoring.decision_log.deduplication`.
    before : FindingState or None
        Where the finding stands in the decision log; every write expects it to stand there still.
    decision : Decision or None
        None before the evaluation.
    is_fresh : bool
        Whether the finding has just been read from AWS.
    stopped : str
        Why the circuit breaker stopped an archive, where it did.
    effect, note : str
        As in `scoring.pipeline.runtime.Result`.
    """

    case: Case
    next: Next
    meant: EventKind = "new"
    before: FindingState | None = None
    decision: Decision | None = None
    is_fresh: bool = False
    stopped: str = ""
    effect: ResultEffect = "none"
    note: str = ""

    @property
    def finding(self) -> Finding:
        """The finding; an event that is none is done before anything is asked of it."""
        assert isinstance(self.case.finding, Finding)  # noqa: S101
        return self.case.finding

    @property
    def decided(self) -> Decision:
        """The decision, in the steps after the evaluation."""
        assert self.decision is not None  # noqa: S101
        return self.decision

    @property
    def stands(self) -> FindingState:
        """Where the finding stands, where the log is known to have it."""
        assert self.before is not None  # noqa: S101
        return self.before

    def ends(self, effect: ResultEffect = "none", note: str = "") -> "CaseState":
        """Say that nothing is left to be done."""
        return msgspec.structs.replace(self, next="DONE", effect=effect, note=note)

    def done(self) -> Result:
        """Say what became of the finding."""
        return Result(
            finding_id=self.case.finding.id,
            effect=self.effect,
            decision=self.decision,
            context=self.case.context if self.decision else None,
            note=self.note,
        )

    def entry(self, runtime: Runtime) -> Entry:
        """Make the decision's entry in the log."""
        return log_entry(
            self.case,
            self.finding,
            self.decided,
            self.before,
            log=runtime.log,
            policy=runtime.policy,
            mode=runtime.mode,
            is_reported=runtime.is_report or runtime.mode == "shadow",
        )
