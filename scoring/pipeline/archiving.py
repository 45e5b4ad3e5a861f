"""The one routine that archives, for events and for `triage scan --apply`.

It takes findings that have just been read again, and decided on again where they have changed. The intent is
in the log before AWS is asked, and the outcome after, so that whatever crashes in between is found in the
log. Every finding comes back: archived, or not archived with the reason.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Generic, Literal, TypeVar

import msgspec

from scoring.aws.analyzers import AccessAnalyzer
from scoring.aws.errors import DENIED, code
from scoring.aws.sessions import RegionalClients
from scoring.decision.decide import Decision
from scoring.decision_log.entries import Entry, FindingState
from scoring.decision_log.log import DecisionLog, InProgress
from scoring.files.errors import BadInput
from scoring.findings.record import FindingCase
from scoring.pipeline import security_hub
from scoring.pipeline.circuit_breaker import intend_archive
from scoring.policy.policy import Policy

T = TypeVar("T")


class ToArchive(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A finding that is to be archived, as it has just been read.

    Attributes
    ----------
    item : object
        What the caller knows it by; it comes back with the result.
    latest : FindingState or None
        Its latest state in the log.
    """

    item: T
    case: FindingCase
    decision: Decision
    entry: Entry
    latest: FindingState | None


class Archived(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A finding that was archived.

    Attributes
    ----------
    security_hub_problem : str
        Why Security Hub was not updated, where it should have been.
    """

    item: T
    security_hub_problem: str = ""


class NotArchived(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A finding that is not to be archived any more, or not now; nothing was written.

    Attributes
    ----------
    why : str
        More about the reason, in words.
    """

    item: T
    reason: Literal["decided otherwise", "circuit breaker"]
    why: str = ""


class Failed(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A finding that could not be archived.

    Attributes
    ----------
    reason : str
        ``in progress`` (another invocation holds the lease), ``refused`` (AWS forbids it, or it names no
        analyzer) or ``gone`` (AWS says that it is gone or resolved).
    error : Exception
        What AWS or the log said.
    state : FindingState or None
        Its latest state in the log, where the intent was written.
    """

    item: T
    reason: Literal["in progress", "refused", "gone"]
    error: Exception
    state: FindingState | None = None


class Archiver(msgspec.Struct, frozen=True, kw_only=True):
    """What archiving takes.

    Attributes
    ----------
    share : int
        What part of the circuit breaker's limits may be used: 2 for a half.
    security_hub : callable or None
        Region to a Security Hub client.
    """

    analyzers: AccessAnalyzer
    log: DecisionLog
    policy: Policy
    now: Callable[[], datetime]
    share: int = 1
    security_hub: RegionalClients | None = None

    def archive(
        self, just_read: Iterable[ToArchive[T] | NotArchived[T]]
    ) -> list[Archived[T] | NotArchived[T] | Failed[T]]:
        """Archive findings of one analyzer, in one request where AWS takes all of them.

        Parameters
        ----------
        just_read : iterable
            The findings as they are now, decided on again where they have changed; all are read before
            anything is written.

        Raises
        ------
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError
            AWS fails, for a reason that may pass; what has been intended stays in the log.
        """
        ends: list[Archived[T] | NotArchived[T] | Failed[T]] = []
        intended: list[tuple[ToArchive[T], FindingState]] = []
        for read in list(just_read):
            if isinstance(read, NotArchived):
                ends.append(read)
                continue
            state = self._intend(read)
            if isinstance(state, (NotArchived, Failed)):
                ends.append(state)
            else:
                intended.append((read, state))
        if intended:
            ends += self._carry_out(intended)
        return ends

    def _intend(self, wanted: ToArchive[T]) -> FindingState | NotArchived[T] | Failed[T]:
        try:
            state = intend_archive(
                wanted.entry,
                wanted.case.finding,
                log=self.log,
                policy=self.policy,
                latest=wanted.latest,
                now=self.now(),
                share=self.share,
            )
        except InProgress as error:
            return Failed(item=wanted.item, reason="in progress", error=error)
        if isinstance(state, str):
            return NotArchived(item=wanted.item, reason="circuit breaker", why=state)
        return state

    def _carry_out(
        self, intended: Sequence[tuple[ToArchive[T], FindingState]]
    ) -> list[Archived[T] | Failed[T]]:
        arn = intended[0][0].case.finding.analyzer_arn
        try:
            gone = self.analyzers.update_status(arn, [state.finding_id for _, state in intended], "ARCHIVED")
        except Exception as error:
            if not is_refusal(error):
                raise
            return [
                Failed(item=wanted.item, reason="refused", error=error, state=state)
                for wanted, state in intended
            ]
        return [self._end(wanted, state, gone.get(state.finding_id)) for wanted, state in intended]

    def _end(
        self, wanted: ToArchive[T], state: FindingState, error: Exception | None
    ) -> Archived[T] | Failed[T]:
        if error is not None:
            return Failed(item=wanted.item, reason="gone", error=error, state=state)
        self.log.finish(state, now=self.now())
        problem = security_hub.update(wanted.case, wanted.decision, self.policy, self.security_hub)
        return Archived(item=wanted.item, security_hub_problem=problem)


def is_refusal(error: Exception) -> bool:
    """Say whether what went wrong stays so, however often it is tried."""
    return isinstance(error, BadInput) or code(error) in DENIED
