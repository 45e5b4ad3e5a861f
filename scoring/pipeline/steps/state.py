"""What one step hands to the next: each type has what is known by then, and nothing that may be missing.

`enrich` returns an `Arrived` finding, an `Unfinished` effect of an earlier delivery, or a `Result`.
`evaluate` turns an `Arrived` finding into an `Evaluated` one or a `Result`. `archive` and `notify` end in a
`Result`; what cannot be archived is `Evaluated` again and goes on to `notify`.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from scoring.decision.decide import Decision
from scoring.decision_log.deduplication import EventKind
from scoring.decision_log.ends import End
from scoring.decision_log.entries import Entry, FindingState
from scoring.findings.context import Context
from scoring.findings.finding import Finding
from scoring.findings.record import FindingCase
from scoring.pipeline.log_entry import log_entry
from scoring.pipeline.runtime import Result, ResultEffect, Runtime

Effecting = Literal["ARCHIVE", "NOTIFY"]
"""The steps that have an effect."""


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that is to be decided on.

    Attributes
    ----------
    raw : mapping
        The finding in AWS's own words.
    latest : FindingState or None
        Its latest state in the log; every write expects that no other has followed.
    is_fresh : bool
        Whether the finding has just been read from AWS.
    """

    finding: Finding
    context: Context
    raw: Mapping[str, Any]
    latest: FindingState | None = None
    is_fresh: bool = False

    @property
    def case(self) -> FindingCase:
        """The finding as a record has it."""
        return FindingCase(finding=self.finding, context=self.context, raw=self.raw)

    def evaluated(self, decision: Decision, next_step: Effecting, stopped: str = "") -> "Evaluated":
        """Add what was decided, and the step that carries it out."""
        return Evaluated(
            finding=self.finding,
            context=self.context,
            raw=self.raw,
            latest=self.latest,
            is_fresh=self.is_fresh,
            decision=decision,
            next_step=next_step,
            stopped=stopped,
        )

    def result(
        self,
        decision: Decision,
        effect: ResultEffect = "none",
        reason: str = "",
        *,
        ended: End | None = None,
    ) -> Result:
        """Say what became of the finding."""
        return Result(
            finding_id=self.finding.id,
            effect=effect,
            decision=decision,
            context=self.context,
            reason=reason,
            ended=ended,
        )

    def entry(self, decision: Decision, runtime: Runtime) -> Entry:
        """Make the entry of a decision in the log."""
        return log_entry(
            self.case,
            decision,
            self.latest,
            log=runtime.log,
            policy=runtime.policy,
            mode=runtime.mode,
            now=runtime.now(),
            is_reported=runtime.is_report or runtime.mode == "shadow",
            enforce_needs=runtime.enforce_needs,
        )


class Evaluated(Arrived, frozen=True, kw_only=True):
    """A finding that was decided on, and that something is to be done about.

    Attributes
    ----------
    stopped : str
        Why the circuit breaker stopped an archive, where it did.
    """

    decision: Decision
    next_step: Effecting
    stopped: str = ""


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """An effect that an earlier delivery left unfinished, or an archive that holds no longer.

    Attributes
    ----------
    finding : Finding
        As it was delivered, or as it was read again.
    kind : EventKind
        UNFINISHED_ARCHIVE, CHANGED_ARCHIVE or SEND_INTERRUPTED.
    latest : FindingState
        The finding's latest state in the log.
    """

    finding: Finding
    kind: EventKind
    latest: FindingState

    @property
    def next_step(self) -> Effecting:
        """The step that finishes it."""
        return "NOTIFY" if self.kind is EventKind.SEND_INTERRUPTED else "ARCHIVE"

    def result(self, effect: ResultEffect = "none", reason: str = "") -> Result:
        """Say what became of it; nothing was decided."""
        return Result(finding_id=self.finding.id, effect=effect, reason=reason)
