"""How far each scheduled job is: one item of the decision log for each job.

A new job gets a `Cursor` of its own here. An attribute that the item does not have is that of a job that has
never run.
"""

from typing import ClassVar, TypeVar

import msgspec

from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import ItemKey, Put, convert


class Cursor(msgspec.Struct, kw_only=True):
    """How far a job is; `KEY` is where the log has it."""

    KEY: ClassVar[ItemKey]


C = TypeVar("C", bound=Cursor)


class SweepCursor(Cursor, kw_only=True):
    """How far the scans of active findings are, and the reports on them.

    Attributes
    ----------
    analyzer, token : int, str
        Where the scan goes on: number of the analyzer, and the page.
    started_at, finished_at : str
        Of the present scan; `finished_at` is empty while it runs.
    mode : str
        That it started in.
    is_first : bool
        Whether it is the first one of a deployment or the first one after shadow mode: its alerts go into the
        report.
    waiting : int
        Findings that it left for the circuit breaker to have room.
    unswept : int
        Analyzers that could not be swept.
    reported_until : str
        Decisions until then are in a report.
    reporting_until : str
        Until then another invocation may be sending one.
    """

    KEY: ClassVar[ItemKey] = ("reconcile", "progress")

    analyzer: int = 0
    token: str = ""
    started_at: str = ""
    finished_at: str = ""
    mode: str = ""
    is_first: bool = True
    waiting: int = 0
    unswept: int = 0
    reported_until: str = ""
    reporting_until: str = ""


class SummaryCursor(Cursor, kw_only=True):
    """Until when the last summary went."""

    KEY: ClassVar[ItemKey] = ("summary", "progress")

    until: str = ""


class SuppressionCursor(Cursor, kw_only=True):
    """When the last hourly check for hidden access was, and which parts of it failed."""

    KEY: ClassVar[ItemKey] = ("watch", "progress")

    checked_at: str = ""
    failed: tuple[str, ...] = ()


class CallsCursor(Cursor, kw_only=True):
    """When CloudTrail's last event of an archive came."""

    KEY: ClassVar[ItemKey] = ("watch", "calls")

    seen_at: str = ""


class OperatorState(Cursor, kw_only=True):
    """What operators have set last: mode and threshold, as Parameter Store had them."""

    KEY: ClassVar[ItemKey] = ("configuration", "operators")

    mode: str = ""
    threshold: str = ""


def read(log: DecisionLog, job: type[C]) -> C:
    """Read how far a job is; one consistent read."""
    return convert(log.storage.get(job.KEY) or {}, job)


def write(log: DecisionLog, cursor: Cursor) -> None:
    """Write how far a job is."""
    finding_id, item = cursor.KEY
    log.storage.write([Put(item={"finding_id": finding_id, "item": item, **msgspec.structs.asdict(cursor)})])
